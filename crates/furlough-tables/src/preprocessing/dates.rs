use super::{ScaledNumber, Scaling};
use crate::schema::CivilTime;
use serde::{Deserialize, Serialize};

/// A number that is taken from a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatePart {
    /// The year.
    Year,
    /// The month, from 1 to 12.
    Month,
    /// The day of the week, from 0 on Monday to 6.
    Weekday,
    /// The day of the year, from 1.
    DayOfYear,
    /// The hour of the day in UTC, with its fraction.
    Hour,
    /// The days since the beginning of 1970, with their fraction.
    Elapsed,
}

/// How a date becomes features, fitted: some of its parts, each scaled as a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DateEncoder {
    /// The parts that differ between training rows, and their scales.
    pub parts: Vec<(DatePart, ScaledNumber)>,
}

impl DatePart {
    /// All of them.
    pub const ALL: [DatePart; 6] =
        [DatePart::Year, DatePart::Month, DatePart::Weekday, DatePart::DayOfYear, DatePart::Hour, DatePart::Elapsed];

    /// Returns this part of a moment, in seconds since the beginning of 1970; NaN stays NaN.
    pub fn of(self, seconds: f64) -> f64 {
        if !seconds.is_finite() {
            return f64::NAN;
        }
        let civil = CivilTime::of(seconds);
        match self {
            DatePart::Year => civil.year as f64,
            DatePart::Month => civil.month.into(),
            DatePart::Weekday => civil.weekday.into(),
            DatePart::DayOfYear => civil.day_of_year.into(),
            DatePart::Hour => civil.hour,
            DatePart::Elapsed => seconds / 86_400.0,
        }
    }

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            DatePart::Year => "year",
            DatePart::Month => "month",
            DatePart::Weekday => "weekday",
            DatePart::DayOfYear => "day of year",
            DatePart::Hour => "hour",
            DatePart::Elapsed => "elapsed",
        }
    }
}

impl DateEncoder {
    /// Fits the parts to the training values, all finite.
    pub(super) fn fit(seconds: &[f64], scaling: Scaling) -> Self {
        let fit = |part: DatePart| {
            let number = ScaledNumber::fit(seconds.iter().map(|&seconds| part.of(seconds)).collect(), scaling);
            (!number.scale.is_flat()).then_some((part, number))
        };
        DateEncoder { parts: DatePart::ALL.into_iter().filter_map(fit).collect() }
    }
}
