//! Dates and times of day, by the proleptic Gregorian calendar.
//!
//! Our own, because what is needed is little: a strict reader of a few spellings, and the calendar.
//! Time zones by name would take a crate; an offset in the text is heeded, and a time without one
//! is taken as UTC.

use crate::calendar::{civil_from_days, days_from_civil};
use serde::{Deserialize, Serialize};

/// The order of day, month and year in the spelling of a date. A month may have its English name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DateOrder {
    /// `2026-11-29`, `2026/11/29`, `2026-11`, as ISO 8601 has it.
    Ymd,
    /// `29.11.2026`, `29/11/2026`, `29 November 2026`, `29-Nov-2026`.
    Dmy,
    /// `11/29/2026`, `November 29, 2026`.
    Mdy,
}

/// A moment by the calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CivilTime {
    /// The year.
    pub year: i64,
    /// The month, from 1.
    pub month: u32,
    /// The day of the month, from 1.
    pub day: u32,
    /// The day of the week; Monday is 0.
    pub weekday: u32,
    /// The day of the year, from 1.
    pub day_of_year: u32,
    /// The hour of the day, with its fraction.
    pub hour: f64,
}

const DAY: f64 = 86_400.0;

impl CivilTime {
    /// Returns the moment so many seconds after the beginning of 1970.
    pub fn of(seconds: f64) -> CivilTime {
        let days = (seconds / DAY).floor();
        let hour = (seconds - days * DAY) / 3600.0;
        let days = days as i64;
        let (year, month, day) = civil_from_days(days);
        let day_of_year = (days - days_from_civil(year, 1, 1) + 1) as u32;
        // 1970 began on a Thursday.
        CivilTime { year, month, day, weekday: (days + 3).rem_euclid(7) as u32, day_of_year, hour }
    }

    /// Returns it as ISO 8601 spells it, without a time at midnight.
    pub fn text(&self) -> String {
        let CivilTime { year, month, day, hour, .. } = self;
        let date = format!("{year:04}-{month:02}-{day:02}");
        let seconds = (hour * 3600.0).round() as u32;
        if seconds == 0 {
            return date;
        }
        format!("{date} {:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }
}

impl DateOrder {
    /// All of them.
    pub const ALL: [DateOrder; 3] = [DateOrder::Ymd, DateOrder::Dmy, DateOrder::Mdy];

    /// Returns the seconds since the beginning of 1970 in UTC, or nothing for what is no date in
    /// this order. Years go from 1 to 9999.
    pub fn parse(self, text: &str) -> Option<f64> {
        let text = text.trim();
        let (date, time) = match text.find(':') {
            None => (text, None),
            Some(colon) => {
                let digits = text[..colon].bytes().rev().take_while(u8::is_ascii_digit).count();
                let begin = colon - digits;
                let date = text[..begin].strip_suffix(['T', 't', ' '])?;
                (date.strip_suffix(',').unwrap_or(date), Some(&text[begin..]))
            }
        };
        Some(self.parse_date(date)? as f64 * DAY + time.map_or(Some(0.0), parse_time)?)
    }

    /// Returns the days since the beginning of 1970.
    fn parse_date(self, text: &str) -> Option<i64> {
        let separators = ['-', '/', '.', ' '];
        let (first, rest) = text.split_once(separators)?;
        let between = text[first.len()..].chars().next()?;
        let Some((second, third)) = rest.split_once([between, ',']) else {
            // A year and a month.
            let month = (self == DateOrder::Ymd && between == '-' && rest.len() == 2).then(|| digits(rest, 2))??;
            return day_number(year(first)?, month, 1);
        };
        let comma = rest[second.len()..].starts_with(',');
        let third = if comma { third.strip_prefix(' ')? } else { third };
        if comma && !(between == ' ' && self == DateOrder::Mdy) {
            return None;
        }
        let (year_text, month_text, day) = match self {
            DateOrder::Ymd => (first, second, third),
            DateOrder::Dmy => (third, second, first),
            // Between points the day comes first.
            DateOrder::Mdy if between == '.' => return None,
            DateOrder::Mdy => (third, first, second),
        };
        let month = match digits(month_text, 2) {
            // Blanks and commas stand beside names only.
            Some(month) if between != ' ' => month,
            _ => named_month(month_text)?,
        };
        day_number(year(year_text)?, month, digits(day, 2)?)
    }
}

fn year(text: &str) -> Option<i64> {
    (text.len() == 4).then(|| digits(text, 4).map(i64::from))?
}

/// Returns the number of some digits, at most so many.
fn digits(text: &str, most: usize) -> Option<u32> {
    let right = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    right.then(|| text.parse().ok())?
}

fn named_month(text: &str) -> Option<u32> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let text = text.to_ascii_lowercase();
    let is = |name: &&str| text == **name || text == name[..3] || (text == "sept" && name.starts_with("sept"));
    NAMES.iter().position(is).map(|place| place as u32 + 1)
}

/// Returns the seconds of a time of day: `9:05`, `09:05:30.25`, `9:05 PM`, `09:05:30Z`,
/// `09:05:30+01:00`.
fn parse_time(text: &str) -> Option<f64> {
    let end = text.find(|letter: char| !(letter.is_ascii_digit() || letter == ':' || letter == '.'));
    let (clock, rest) = text.split_at(end.unwrap_or(text.len()));
    let mut parts = clock.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second: f64 = match parts.next() {
        None => 0.0,
        Some(second) if second.bytes().next()?.is_ascii_digit() => second.parse().ok()?,
        Some(_) => return None,
    };
    if parts.next().is_some() || hour > 23 || minute > 59 || second >= 60.0 {
        return None;
    }
    let rest = rest.trim_start();
    let (hour, offset) = match rest.to_ascii_lowercase().as_str() {
        "am" | "pm" if !(1..=12).contains(&hour) => return None,
        "am" => (hour % 12, 0),
        "pm" => (hour % 12 + 12, 0),
        "" | "z" | "utc" => (hour, 0),
        _ => (hour, offset(rest)?),
    };
    Some(f64::from(hour * 3600 + minute * 60) + second - f64::from(offset * 60))
}

/// Returns the minutes of `+01:00`, `+0100` or `+01`.
fn offset(text: &str) -> Option<i32> {
    let (sign, digits_of) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match (digits_of.len(), digits_of.split_once(':')) {
        (5, Some((hours, minutes))) => (hours, minutes),
        (4, None) => digits_of.split_at_checked(2)?,
        (2, None) => (digits_of, "0"),
        _ => return None,
    };
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours <= 15 && minutes <= 59).then(|| sign * (hours * 60 + minutes) as i32)
}

/// Returns the days from the beginning of 1970, for a day that exists.
fn day_number(year: i64, month: u32, day: u32) -> Option<i64> {
    if year < 1 || !(1..=12).contains(&month) || day < 1 {
        return None;
    }
    let days = days_from_civil(year, month, day);
    // What does not come back is a day that its month lacks.
    (civil_from_days(days) == (year, month, day)).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::DateOrder::{Dmy, Mdy, Ymd};
    use super::*;

    #[test]
    fn every_spelling_of_a_moment_is_the_same_number() {
        // date -u -d '2026-11-29 13:50:40' +%s
        let at = 1_795_960_240.0;
        for (order, text) in [
            (Ymd, "2026-11-29T13:50:40"),
            (Ymd, "2026-11-29 13:50:40Z"),
            (Ymd, "2026/11/29 14:50:40+01:00"),
            (Ymd, "2026-11-29T08:20:40-0530"),
            (Dmy, "29.11.2026 13:50:40"),
            (Dmy, "29 November 2026 1:50:40 PM"),
            (Dmy, "29-Nov-2026 13:50:40.0"),
            (Mdy, "11/29/2026 13:50:40"),
            (Mdy, "Nov 29, 2026, 13:50:40"),
        ] {
            assert_eq!(order.parse(text), Some(at), "{text}");
        }
        assert_eq!(Ymd.parse("1970-01-01"), Some(0.0));
        assert_eq!(Ymd.parse("1969-12"), Some(-31.0 * DAY));
        assert_eq!(Dmy.parse("1/2/2020"), Ymd.parse("2020-02-01"));
        assert_eq!(Mdy.parse("1/2/2020"), Ymd.parse("2020-01-02"));
        assert_eq!(Ymd.parse("2020-02-29 12:00 am"), Ymd.parse("2020-02-29"));
    }

    #[test]
    fn what_is_no_date_is_not_taken_for_one() {
        for text in [
            "",
            "2021-02-29",
            "2020-13-01",
            "2020-00-10",
            "20-01-01",
            "2020-1",
            "2020",
            "20200101",
            "2020--01-01",
            "2020-01/01",
            "2020-01-01T24:00",
            "2020-01-01 1:2:3:4",
            "2020-01-01 9:05 xm",
            "13:50",
            "0000-01-01",
            "2020 01 01",
            "é:é",
            "2020-01-01 10:00+é",
            "1.2",
        ] {
            assert_eq!(Ymd.parse(text), None, "{text}");
        }
        assert_eq!(Mdy.parse("1.2.2020"), None, "points mean day first");
        assert_eq!(Dmy.parse("13/13/2020"), None);
        assert_eq!(Dmy.parse("1 Janu 2020"), None);
    }

    #[test]
    fn the_calendar_goes_there_and_back() {
        let mut expected = CivilTime::of(0.0);
        assert_eq!((expected.weekday, expected.day_of_year, expected.text()), (3, 1, "1970-01-01".into()));
        for day in 1..200_000 {
            let now = CivilTime::of(f64::from(day) * DAY + 0.5 * DAY);
            assert_eq!(days_from_civil(now.year, now.month, now.day), i64::from(day));
            assert_eq!(now.weekday, (expected.weekday + 1) % 7);
            let new_year = now.month == 1 && now.day == 1;
            assert_eq!(now.day_of_year, if new_year { 1 } else { expected.day_of_year + 1 });
            assert_eq!(now.hour, 12.0);
            expected = now;
        }
        assert_eq!(CivilTime::of(1_795_960_240.0).text(), "2026-11-29 13:50:40");
        assert_eq!(CivilTime::of(-0.5 * DAY).text(), "1969-12-31 12:00:00");
    }
}
