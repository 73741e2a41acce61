//! Figures of a page: numbers in few digits, shares, and bars.

use crate::terminal::{Style, thousands};
use furlough_tables::schema::{CivilTime, Kind, Role};
use furlough_tables::summary::{ColumnSummary, LevelCount, NumberSummary};
use std::fmt::Write as _;

/// A level takes no more.
const LEVEL: usize = 24;

/// Seconds.
const DAY: f64 = 86_400.0;

/// The most frequent levels that are named.
const NAMED: usize = 5;

/// A number in as few digits as tell it, or a date.
pub fn figure(number: f64, kind: Kind) -> String {
    if kind == Kind::Date {
        return CivilTime::of(number.round()).text();
    }
    match number.abs() {
        0.0 => "0".into(),
        size if number.fract() == 0.0 && size < 10_000.0 => format!("{number}"),
        size if number.fract() == 0.0 && size < 1e15 => {
            format!("{}{}", if number < 0.0 { "-" } else { "" }, thousands(size as u64))
        }
        size if (1e4..1e12).contains(&size) => figure(number.round(), kind),
        size if (1e-4..1e4).contains(&size) => {
            let before = size.log10().floor() as i32 + 1;
            let rounded = format!("{number:.*}", (4 - before).max(0) as usize);
            if rounded.contains('.') { rounded.trim_end_matches('0').trim_end_matches('.').into() } else { rounded }
        }
        _ => format!("{number:.3e}"),
    }
}

/// A share of all.
pub fn percent(some: u64, of: u64) -> String {
    match 100.0 * some as f64 / of.max(1) as f64 {
        100.0 => "100 %".into(),
        share if share > 0.0 && share < 0.1 => "<0.1 %".into(),
        share if share < 9.95 => format!("{share:.1} %"),
        share if share > 99.5 => ">99 %".into(),
        share => format!("{share:.0} %"),
    }
}

/// Counts as bars in one line, put together until they are at most `most`.
pub fn sparkline(counts: &[u64], most: usize, unicode: bool) -> String {
    const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const ASCII: [char; 9] = [' ', '.', ':', '-', '=', '+', '*', '#', '@'];
    let counts = together(counts, most);
    let highest = counts.iter().copied().max().unwrap_or(0).max(1);
    let marks = if unicode { BLOCKS } else { ASCII };
    let mark = |&count: &u64| marks[(8.0 * count as f64 / highest as f64).ceil() as usize];
    counts.iter().map(mark).collect()
}

/// Sums of neighbors, at most so many.
fn together(counts: &[u64], most: usize) -> Vec<u64> {
    counts.chunks(counts.len().div_ceil(most).max(1)).map(|some| some.iter().sum()).collect()
}

/// What a column holds, in a line. Its no-break blanks are to be blanks once it is wrapped.
pub fn values(column: &ColumnSummary, rows: u64) -> String {
    if !column.present {
        return "not in this file".into();
    }
    if column.missing == rows {
        return "no value".into();
    }
    if let Some(numbers) = &column.numbers {
        return of_numbers(numbers, column.kind, column.role);
    }
    let text = |level: &LevelCount| short(&level.level, LEVEL);
    match column.kind {
        Kind::Constant => column.levels.first().map(text).unwrap_or_default(),
        _ if column.kind == Kind::Text || column.role == Role::Id => {
            let some: Vec<_> = column.levels.iter().take(2).map(text).collect();
            format!("such as {}", some.join(", "))
        }
        _ => {
            let known = rows - column.missing;
            let level =
                |level: &LevelCount| format!("{} {}", text(level), percent(level.count, known)).replace(' ', "\u{a0}");
            let named: Vec<_> = column.levels.iter().take(NAMED).map(level).collect();
            let others = column.distinct.saturating_sub(named.len() as u64);
            let others = if others > 0 { format!(" and {} more", thousands(others)) } else { String::new() };
            named.join(", ") + &others
        }
    }
}

fn of_numbers(numbers: &NumberSummary, kind: Kind, role: Role) -> String {
    // A quartile between two days is one of them where no date has a time.
    let days = kind == Kind::Date && [numbers.least, numbers.greatest].iter().all(|date| date % DAY == 0.0);
    let say = |number: f64| figure(if days { (number / DAY).floor() * DAY } else { number }, kind);
    let range = format!("{} … {}", say(numbers.least), say(numbers.greatest));
    if role == Role::Id {
        return range;
    }
    let (first, third) = (say(numbers.first_quartile), say(numbers.third_quartile));
    format!("{range}, median {} ({first} … {third})", say(numbers.median))
}

fn short(level: &str, most: usize) -> String {
    let level = crate::terminal::name(level);
    let level = if level.trim().is_empty() { format!("{level:?}") } else { level };
    if level.chars().count() <= most {
        return level;
    }
    level.chars().take(most - 1).chain(['…']).collect()
}

/// Labeled bars, one a line.
pub struct Bars {
    lines: Vec<(String, u64)>,
    more: String,
}

impl Bars {
    /// The bars of ranges, at most so many.
    pub fn of_numbers(numbers: &NumberSummary, kind: Kind, most: usize) -> Bars {
        let histogram = &numbers.histogram;
        let bars = histogram.counts.len();
        let counts = together(&histogram.counts, most);
        let each = bars.div_ceil(most).max(1);
        let width = (histogram.to - histogram.from) / bars as f64;
        let single = width == 1.0 && histogram.from.fract() != 0.0;
        let line = |(place, count): (usize, u64)| {
            // The outer ranges hold what is beyond.
            let edge = |at: usize| match at {
                0 => numbers.least,
                at if at >= bars => numbers.greatest,
                at => histogram.from + width * at as f64,
            };
            let (from, to) = (edge(place * each), edge((place + 1) * each));
            let label = match single {
                true if each == 1 => figure(from.ceil(), kind),
                true => format!("{} … {}", figure(from.ceil(), kind), figure(to.floor(), kind)),
                false => format!("{} … {}", figure(from, kind), figure(to, kind)),
            };
            (label, count)
        };
        Bars { lines: counts.into_iter().enumerate().map(line).collect(), more: String::new() }
    }

    /// The bars of the most frequent levels, at most so many.
    pub fn of_levels(levels: &[LevelCount], distinct: u64, most: usize) -> Bars {
        let lines: Vec<_> = levels.iter().take(most).map(|level| (short(&level.level, LEVEL), level.count)).collect();
        let others = distinct.saturating_sub(lines.len() as u64);
        let more = if others > 0 { format!("  and {} more\n", thousands(others)) } else { String::new() };
        Bars { lines, more }
    }

    /// Returns the lines: label, bar, share and count.
    pub fn text(&self, style: Style) -> String {
        let label = self.lines.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
        let highest = self.lines.iter().map(|&(_, count)| count).max().unwrap_or(0).max(1);
        let all: u64 = self.lines.iter().map(|&(_, count)| count).sum();
        let room = style.width.saturating_sub(label + 22).clamp(8, 40);
        let mut text = String::new();
        for (name, count) in &self.lines {
            let length = (room as f64 * *count as f64 / highest as f64).ceil() as usize;
            let bar = if style.unicode { "█" } else { "#" }.repeat(length);
            let fill = " ".repeat(label - name.chars().count());
            let share = if self.more.is_empty() { format!("{:>6}", percent(*count, all)) } else { String::new() };
            let bar = format!("{}{}", style.accent(&bar), " ".repeat(room - length));
            let _ = writeln!(text, "  {name}{fill}  {bar} {share} {:>9}", thousands(*count));
        }
        text + &self.more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_as_few_digits_as_tell_them() {
        for (number, text) in [
            (0.0, "0"),
            (2010.0, "2010"),
            (-3.0, "-3"),
            (1_234_567.0, "1,234,567"),
            (-12_345.0, "-12,345"),
            (3.56789, "3.568"),
            (0.000123456, "0.0001235"),
            (2.5, "2.5"),
            (123_456.7, "123,457"),
            (9999.7, "10000"),
            (1e-9, "1.000e-9"),
            (6.5e20, "6.500e20"),
        ] {
            assert_eq!(figure(number, Kind::Number), text);
        }
        assert_eq!(figure(86_400.0, Kind::Date), "1970-01-02");
    }

    #[test]
    fn shares_are_never_rounded_to_none_or_all() {
        for (some, of, text) in
            [(1, 100_000, "<0.1 %"), (1, 3, "33 %"), (5, 100, "5.0 %"), (999, 1000, ">99 %"), (7, 7, "100 %")]
        {
            assert_eq!(percent(some, of), text);
        }
    }

    #[test]
    fn few_are_seen_beside_many_and_none_is_blank() {
        assert_eq!(sparkline(&[1, 0, 1000], 8, true), "▁ █");
        assert_eq!(sparkline(&[1, 0, 1000], 8, false), ". @");
        assert_eq!(sparkline(&[1; 24], 8, true).chars().count(), 8);
        assert_eq!(sparkline(&[], 8, true), "");
    }
}
