//! The page about a table's file, for people.

use super::figures::{Bars, percent, sparkline, values};
use crate::terminal::{Style, bytes, clip, columns, path as shown_path, shell_word, thousands, wrap};
use furlough::noun_of;
use furlough_tables::schema::{Kind, Role};
use furlough_tables::summary::{ColumnSummary, Concern};
use furlough_tables::{FileFormat, Schema, TableSummary};
use std::fmt::Write as _;
use std::path::Path;

/// The file that a page is about.
pub struct File<'a> {
    /// As it was named.
    pub path: &'a Path,
    /// Its size.
    pub bytes: u64,
    /// Whether that is the size of compressed data.
    pub compressed: bool,
}

/// What a page shows.
pub struct Page<'a> {
    /// The file.
    pub file: File<'a>,
    /// What its columns are.
    pub schema: &'a Schema,
    /// What they hold.
    pub summary: &'a TableSummary,
    /// For which terminal.
    pub style: Style,
}

/// Names and kinds take no more.
const NAME: usize = 24;

/// Where less is left beside the other figures, the values have a line of their own.
const NARROWEST: usize = 36;

/// Bars of a histogram in the table of columns.
const SPARKS: usize = 8;

/// Lines of a target's distribution.
const LINES: usize = 12;

impl Page<'_> {
    /// Returns the page, in the characters that the terminal can show.
    pub fn text(&self) -> String {
        let mut text = self.heading();
        text += &self.table();
        for target in self.summary.columns.iter().filter(|column| column.role == Role::Target) {
            text += &self.target(target);
        }
        text += &self.concerns();
        text += &self.next();
        self.style.text(&text)
    }

    fn heading(&self) -> String {
        let File { path, bytes: size, compressed } = &self.file;
        let (rows, count) = (self.summary.rows, self.summary.columns.len());
        let size = format!("{}{}", bytes(*size), if *compressed { " compressed" } else { "" });
        let rows = format!("{} {}", thousands(rows), noun_of(rows as usize, "row"));
        let count = format!("{} {}", thousands(count as u64), noun_of(count, "column"));
        let format = self.schema.format.as_ref().map_or("a table".into(), format_name);
        format!("{}\n{format} · {size} · {rows} · {count}\n\n", self.style.bold(&shown_path(path)))
    }

    /// A row a column.
    fn table(&self) -> String {
        let rows: Vec<[String; 6]> = self.summary.columns.iter().map(|column| self.cells(column)).collect();
        let head = ["column", "kind", "", "missing", "distinct", "values"].map(String::from);
        let width = |place: usize| {
            let cells = rows.iter().chain([&head]).map(|row| row[place].chars().count());
            cells.max().unwrap_or(0).min(NAME)
        };
        let widths = [0, 1, 2, 3, 4].map(width);
        let beside = widths.iter().sum::<usize>() + 2 * widths.len();
        let room = self.style.width.saturating_sub(beside);
        let mut text = self.row(&head, &widths, room.max(NARROWEST));
        let heading = text.trim_end().to_string();
        text = format!(
            "{}\n",
            self.style.dim(if room < NARROWEST { heading.trim_end_matches("values").trim_end() } else { &heading })
        );
        for row in &rows {
            text += &self.row(row, &widths, room);
        }
        if self.summary.sampled_rows < self.summary.rows {
            let some = thousands(self.summary.sampled_rows);
            text += &self.lines(
                &format!("Medians, quartiles and bars are those of {some} rows, chosen by chance; ~ is an estimate."),
                "",
            );
        }
        text
    }

    fn cells(&self, column: &ColumnSummary) -> [String; 6] {
        let bars = match (&column.numbers, column.kind) {
            (Some(numbers), _) => numbers.histogram.counts.clone(),
            (None, Kind::Category | Kind::Boolean) if column.role != Role::Id => {
                column.levels.iter().take(SPARKS).map(|level| level.count).collect()
            }
            _ => Vec::new(),
        };
        let missing = if column.missing == 0 { "–".into() } else { percent(column.missing, self.summary.rows) };
        let about = if column.distinct_exact { "" } else { "~" };
        [
            short(&column.name, NAME),
            kind_and_role(column),
            sparkline(&bars, SPARKS, self.style.unicode),
            missing,
            format!("{about}{}", thousands(column.distinct)),
            values(column, self.summary.rows),
        ]
    }

    /// A line, and as many more as the values take.
    fn row(&self, cells: &[String; 6], widths: &[usize; 5], room: usize) -> String {
        let pad = |place: usize, right: bool| {
            let fill = " ".repeat(widths[place].saturating_sub(cells[place].chars().count()));
            if right { format!("{fill}{}", cells[place]) } else { format!("{}{fill}", cells[place]) }
        };
        let line =
            format!("{}  {}  {}  {}  {}  ", pad(0, false), pad(1, false), pad(2, false), pad(3, true), pad(4, true));
        if room >= NARROWEST {
            let mut lines = wrap(&cells[5], room).into_iter().map(|line| line.replace('\u{a0}', " "));
            let first = lines.next().unwrap_or_default();
            let indent = " ".repeat(columns(&line));
            let rest: String = lines.map(|more| format!("{indent}{more}\n")).collect();
            return format!("{}\n{rest}", format!("{line}{first}").trim_end());
        }
        let below = if cells[5].is_empty() { String::new() } else { self.lines(&cells[5], "  ") };
        format!("{}\n{below}", clip(line.trim_end(), self.style.width))
    }

    /// A text in lines with an indent.
    fn lines(&self, text: &str, indent: &str) -> String {
        let lines = wrap(text, self.style.width.saturating_sub(indent.len()));
        lines.iter().map(|line| format!("{indent}{}\n", line.replace('\u{a0}', " "))).collect()
    }

    /// How the target is distributed.
    fn target(&self, target: &ColumnSummary) -> String {
        let name = self.style.bold(&short(&target.name, 2 * NAME));
        let why = self.schema.position(&target.name).map_or("", |place| self.schema.columns[place].why.as_str());
        let bars = match &target.numbers {
            Some(numbers) => Bars::of_numbers(numbers, target.kind, LINES),
            None => Bars::of_levels(&target.levels, target.distinct, LINES),
        };
        let what = if target.kind == Kind::Number { "numbers: regression" } else { "classes: classification" };
        let heading = self.lines(&format!("{what}; {why}"), "  ");
        format!("\ntarget {name}\n{heading}{}", bars.text(self.style))
    }

    fn concerns(&self) -> String {
        if self.summary.concerns.is_empty() {
            return String::new();
        }
        let mut text = format!("\n{}\n", self.style.bold("to look at"));
        for concern in &self.summary.concerns {
            let said = concern_text(concern);
            let mut lines = wrap(&said, self.style.width.saturating_sub(4)).into_iter();
            let _ = writeln!(text, "  • {}", lines.next().unwrap_or_default());
            lines.for_each(|line| {
                let _ = writeln!(text, "    {line}");
            });
        }
        text
    }

    /// What may be done with the file.
    fn next(&self) -> String {
        let file = shell_word(self.file.path);
        let targets: Vec<&str> =
            self.schema.with_the_role(Role::Target).map(|place| self.schema.columns[place].name.as_str()).collect();
        if targets.is_empty() {
            return format!("\nto look at a target  furlough data info {file} --target COLUMN\n");
        }
        format!("\nto train  furlough train {file} --target {}\n", shell_word(targets.join(",")))
    }
}

fn concern_text(concern: &Concern) -> String {
    format!("{concern}. {}", concern.advice())
}

/// A name in so many characters.
fn short(name: &str, most: usize) -> String {
    let name = crate::terminal::name(name);
    if name.chars().count() <= most {
        return name;
    }
    name.chars().take(most - 1).chain(['…']).collect()
}

fn kind_and_role(column: &ColumnSummary) -> String {
    let kind = column.kind.name();
    match column.role {
        _ if !column.present => format!("{kind}, absent"),
        Role::Feature => kind.into(),
        Role::Id => "id".into(),
        Role::Ignore if column.kind == Kind::Constant => kind.into(),
        Role::Ignore => format!("{kind}, unused"),
        Role::Target => format!("{kind}, target"),
        Role::Weight => "weight".into(),
        Role::Group => format!("{kind}, group"),
        Role::Time => format!("{kind}, time"),
    }
}

fn format_name(format: &FileFormat) -> String {
    match format {
        FileFormat::Csv { delimiter, header, decimal_comma, .. } => {
            let delimiter = match delimiter {
                ',' => "commas".into(),
                ';' => "semicolons".into(),
                '\t' => "tabs".into(),
                '|' => "bars".into(),
                other => format!("{other:?}"),
            };
            let decimal = if *decimal_comma { ", decimal commas" } else { "" };
            let header = if *header { "" } else { ", no header" };
            format!("CSV with {delimiter}{decimal}{header}")
        }
        other => match serde_json::to_value(other).ok().and_then(|value| Some(value["type"].as_str()?.to_string())) {
            Some(kind) if kind == "json-lines" => "JSON Lines".into(),
            Some(kind) if kind.len() < 4 => kind.to_uppercase(),
            Some(kind) => kind[..1].to_uppercase() + &kind[1..],
            None => "a table".into(),
        },
    }
}
