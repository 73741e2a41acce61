//! What is shown on a terminal.

use crate::terminal::{Style, name, thousands, wrap};
use furlough::noun_of;
use furlough_lab::report::{CORRELATION, ExplainPage, score_text, value_text};
use furlough_lab::run::shorten;
use furlough_tables::explain::{
    ColumnImportance, CorrelatedColumns, DependencePoint, DependenceValue, ImportanceScore, PartialDependence,
    PermutationImportance, ScoreImportance,
};
use furlough_tables::figures::in_digits;

/// So many columns have a line; `--json` has all.
const COLUMNS: usize = 30;
/// Along so many columns answers are shown, unless more are named.
const ALONG: usize = 5;
/// So many values of a column.
const VALUES: usize = 9;
/// So many answers beside each other.
const OUTPUTS: usize = 5;
/// Letters of a name.
const NAME: usize = 26;
const BAR: usize = 14;

/// Returns the page in the characters that can be shown.
pub fn text(page: &ExplainPage, style: Style) -> String {
    let mut lines = Vec::new();
    let mut field = |head: &str, text: &str| lines.push(format!("  {} {text}", style.dim(&format!("{head:<9}"))));
    field("model", &style.text(&name(&page.model)));
    let rows = page.dependence.first().map_or(0, |along| along.rows);
    let rows = format!("{} {}", thousands(rows), noun_of(rows as usize, "row"));
    field("table", &style.text(&format!("{} · {rows} looked at", name(&page.table))));
    lines.push(String::new());
    if let Some(found) = &page.importance {
        for group in found.scores.chunk_by(|a, b| a.target == b.target) {
            lines.extend(importance(found, group, style));
        }
    }
    lines.extend(caution(&page.correlated, style));
    for along in page.dependence.iter().take(ALONG) {
        lines.extend(dependence(along, style));
    }
    if page.dependence.len() > ALONG {
        let more = page.dependence.len() - ALONG;
        let text =
            format!("  {more} more {}: --columns names them, and --out FILE.html has all", noun_of(more, "column"));
        lines.push(style.dim(&text));
    }
    lines.join("\n").trim_end().to_string() + "\n"
}

/// A line a column: by how much the first score grows, its interval, and the second one.
fn importance(found: &PermutationImportance, group: &[ScoreImportance], style: Style) -> Vec<String> {
    let first = &group[0];
    let of = first.target.as_ref().map_or(String::new(), |target| format!(" of {}", name(target)));
    let (repeats, value) = (found.repeats, score_text(first.score, first.value));
    let head = format!(
        "what columns are worth: by how much the {}{of}, {value} as it is, grows where one is shuffled ({repeats} {})",
        first.score.name(),
        if repeats == 1 { "time" } else { "times" },
    );
    let mut lines: Vec<String> =
        wrap(&head, style.width - 2).iter().map(|line| format!("  {}", style.text(line))).collect();
    let shown = &first.columns[..first.columns.len().min(COLUMNS)];
    let room = style.width.saturating_sub(67).clamp(12, NAME);
    let names: Vec<String> = shown.iter().map(|column| shorten(&name(&column.column), room)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(6);
    let second = group.get(1);
    let beside = second.map_or("", |second| second.score.name());
    lines.push(style.dim(&format!(
        "  {:<width$}   {:>10}   {:>20}   {:<BAR$}   {beside:>10}",
        "column", "grows by", "95 % interval", ""
    )));
    let most = shown.first().map_or(0.0, |column| column.increase.value).max(f64::MIN_POSITIVE);
    for (name, column) in names.iter().zip(shown) {
        let ColumnImportance { increase, .. } = column;
        let interval = increase.low.zip(increase.high);
        let interval = interval.map_or(String::new(), |(low, high)| {
            format!("{} to {}", score_text(first.score, low), score_text(first.score, high))
        });
        let bar = "█".repeat((increase.value / most * BAR as f64).round().clamp(0.0, BAR as f64) as usize);
        let other = second.and_then(|second| {
            let column = second.columns.iter().find(|other| other.column == column.column)?;
            Some(signed(second.score, column.increase.value))
        });
        let line = format!(
            "  {name:<width$}   {:>10}   {interval:>20}   {bar:<BAR$}   {:>10}",
            score_text(first.score, increase.value),
            other.unwrap_or_default()
        );
        lines.push(style.text(&line));
    }
    if first.columns.len() > shown.len() {
        lines.push(style.dim(&format!("  and {} more; --json has all", first.columns.len() - shown.len())));
    }
    lines.push(String::new());
    lines
}

fn signed(score: ImportanceScore, value: f64) -> String {
    format!("{}{}", if value >= 0.0 { "+" } else { "" }, score_text(score, value))
}

/// What figures of columns that go together do not say.
fn caution(correlated: &[CorrelatedColumns], style: Style) -> Vec<String> {
    let pair = |pair: &CorrelatedColumns| {
        let [one, other] = &pair.columns;
        format!("{} and {} ({:.2})", name(one), name(other), pair.correlation)
    };
    let pairs: Vec<String> = correlated.iter().take(4).map(pair).collect();
    let more = correlated.len() - pairs.len();
    let together = match (&pairs[..], more) {
        ([], _) => String::new(),
        (pairs, 0) => format!(" Here these go together, by their rank correlation: {}.", pairs.join(", ")),
        (pairs, more) => {
            format!(" Here these go together, by their rank correlation: {}, and {more} more.", pairs.join(", "))
        }
    };
    let text = format!("{CORRELATION}{together}");
    let lines = wrap(&text, style.width - 2).into_iter().map(|line| format!("  {}", style.dim(&line)));
    lines.chain([String::new()]).collect()
}

/// A line a value: what is answered where all rows have it.
fn dependence(along: &PartialDependence, style: Style) -> Vec<String> {
    let shown = shown_points(along);
    let outputs = shown_outputs(along);
    let values: Vec<String> = shown.iter().map(|point| value(point, along)).collect();
    let head = shorten(&name(&along.column), NAME);
    let width = values.iter().chain([&head]).map(|text| text.chars().count()).max().unwrap_or(0);
    let titles: Vec<String> = outputs.iter().map(|&output| title(along, output)).collect();
    let mut line = format!("  {head:<width$}");
    titles.iter().for_each(|title| line += &format!("   {title:>12}"));
    let mut lines = vec![style.dim(&line)];
    let answers = || shown.iter().map(|point| point.answers[outputs[0]]);
    let (least, most) = answers().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    for (value, point) in values.iter().zip(&shown) {
        let mut line = format!("  {value:<width$}");
        for &output in &outputs {
            let answer = point.answers[output];
            let text = if along.classes { format!("{answer:.4}") } else { in_digits(answer) };
            line += &format!("   {text:>12}");
        }
        if outputs.len() == 1 && most > least {
            let share = (point.answers[outputs[0]] - least) / (most - least);
            line += &format!("   {}", "█".repeat((share * BAR as f64).round() as usize));
        }
        lines.push(style.text(line.trim_end()));
    }
    if along.points.len() > shown.len() && !matches!(shown[0].value, DependenceValue::Number(_)) {
        lines.push(style.dim(&format!("  and {} more; --json has all", along.points.len() - shown.len())));
    }
    lines.push(String::new());
    lines
}

/// The most frequent levels, or numbers evenly among the quantiles; what is missing always.
fn shown_points(along: &PartialDependence) -> Vec<&DependencePoint> {
    let is_number = |point: &&DependencePoint| matches!(point.value, DependenceValue::Number(_));
    let numbers: Vec<&DependencePoint> = along.points.iter().filter(is_number).collect();
    if numbers.is_empty() {
        let mut places: Vec<usize> = (0..along.points.len()).collect();
        places.sort_by_key(|&place| std::cmp::Reverse(along.points[place].rows));
        places.truncate(VALUES);
        places.sort_unstable();
        return places.into_iter().map(|place| &along.points[place]).collect();
    }
    let count = numbers.len().min(VALUES);
    let place = |number: usize| number * (numbers.len() - 1) / (count - 1).max(1);
    let rest = along.points.iter().filter(|point| !is_number(point));
    (0..count).map(|number| numbers[place(number)]).chain(rest).collect()
}

/// Of two classes the second; of many answers those that change most.
fn shown_outputs(along: &PartialDependence) -> Vec<usize> {
    if along.classes && along.outputs.len() == 2 {
        return vec![1];
    }
    let range = |output: usize| {
        let values = along.points.iter().map(|point| point.answers[output]);
        let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        most - least
    };
    let mut outputs: Vec<usize> = (0..along.outputs.len()).collect();
    if outputs.len() > OUTPUTS {
        outputs.sort_by(|&a, &b| range(b).total_cmp(&range(a)));
        outputs.truncate(OUTPUTS);
        outputs.sort_unstable();
    }
    outputs
}

fn title(along: &PartialDependence, output: usize) -> String {
    let output = name(&along.outputs[output]);
    shorten(&if along.classes { format!("P({output})") } else { output }, 16)
}

fn value(point: &DependencePoint, along: &PartialDependence) -> String {
    let text = shorten(&name(&value_text(&point.value, along.kind)), NAME);
    let rows = point.rows.map(|rows| format!(" · {} {}", thousands(rows), noun_of(rows as usize, "row")));
    text + &rows.unwrap_or_default()
}
