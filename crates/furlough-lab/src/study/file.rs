//! A study's file as it is written, before anything but its form is checked.

use super::Measure;
use crate::recipe::toml_reason;
use serde::{Deserialize, Deserializer};
use std::collections::HashSet;
use toml::{Table, Value};

/// How many trials a study may have: arms times seeds.
pub(super) const MOST_TRIALS: usize = 100_000;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub title: String,
    pub question: Option<String>,
    pub paper: Option<String>,
    #[serde(default)]
    pub base: Table,
    #[serde(default)]
    pub axes: Table,
    #[serde(default)]
    pub grid: Vec<GridSpec>,
    pub seeds: Option<Seeds>,
    #[serde(default)]
    pub measure: Vec<Measure>,
    #[serde(default, deserialize_with = "one_or_more")]
    pub plot: Vec<PlotSpec>,
    pub compare: Option<Compare>,
}

/// A part of a study that has axes of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GridSpec {
    /// What the part is called.
    pub name: String,
    /// Recipe keys that differ from the study's base.
    #[serde(default)]
    pub base: Table,
    /// Axes beside those of the whole study.
    #[serde(default)]
    pub axes: Table,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seeds {
    pub count: Option<u64>,
    pub first: Option<u64>,
    pub list: Option<Vec<u64>>,
}

/// A picture of a study.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlotSpec {
    /// Name of its files, without their ending.
    pub name: Option<String>,
    /// What stands over it; the study's title if nothing is said.
    pub title: Option<String>,
    /// What goes from left to right: an axis, a recipe key, a measurement, `epoch` or `passes`.
    pub x: String,
    /// What goes from bottom to top: measurements, each in a panel of its own where there are
    /// series.
    #[serde(deserialize_with = "one_or_more")]
    pub y: Vec<Measure>,
    /// What has a line of its own for each value: an axis or a recipe key.
    pub series: Option<String>,
    /// Whether x is logarithmic.
    #[serde(default)]
    pub log_x: bool,
    /// Whether y is logarithmic.
    #[serde(default)]
    pub log_y: bool,
    /// What x is called in the picture.
    pub x_label: Option<String>,
    /// Only arms with these values: `only = { model = "wide" }`.
    #[serde(default)]
    pub only: Table,
}

/// What the arms of a study are compared with.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compare {
    /// Axes and their values: each arm is compared with the one that has these values and is
    /// otherwise the same.
    pub baseline: Table,
}

/// `key = "a"` and `key = ["a", "b"]`, or `[key]` and `[[key]]`.
fn one_or_more<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let values = match Value::deserialize(deserializer)? {
        Value::Array(values) => values,
        value => vec![value],
    };
    let each = values.into_iter().map(|value| T::deserialize(value).map_err(|error| toml_reason(&error)));
    each.collect::<Result<_, _>>().map_err(serde::de::Error::custom)
}

impl PlotSpec {
    /// The x of pictures of the training.
    pub const EPOCH: &'static str = "epoch";
    /// The x of pictures of averaged masked passes.
    pub const PASSES: &'static str = "passes";

    /// Name of its files, without their ending, when it is the study's picture number `place`, from
    /// 0.
    pub fn file_name(&self, place: usize) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None if place == 0 => "plot".into(),
            None => format!("plot-{}", place + 1),
        }
    }

    /// Returns whether the picture can have this measurement over its x.
    pub(super) fn has_room_for(&self, measure: Measure) -> bool {
        use Measure::{NoisyTrainError, NoisyTrainLoss, TestError, TestLoss, ValError, ValLoss};
        let judged = matches!(measure, TestError | TestLoss | ValError | ValLoss);
        match self.x.as_str() {
            Self::EPOCH => judged || matches!(measure, NoisyTrainError | NoisyTrainLoss),
            Self::PASSES => !measure.is_single() || judged,
            _ => measure.is_single(),
        }
    }
}

impl Seeds {
    pub fn list(&self) -> Result<Vec<u64>, String> {
        let seeds = match (&self.list, self.count) {
            (Some(_), Some(_)) => return Err("seeds: there is a list and a count; choose one".into()),
            (Some(_), None) if self.first.is_some() => {
                return Err("seeds: first goes with count, not with a list".into());
            }
            (Some(list), None) => list.clone(),
            (None, count) => {
                let (first, count) = (self.first.unwrap_or(0), count.unwrap_or(0));
                if count > MOST_TRIALS as u64 {
                    return Err(format!("seeds: count = {count} is more than {MOST_TRIALS}"));
                }
                // As large as a recipe's file can have it.
                if first.saturating_add(count) > 1 << 63 {
                    return Err(format!("seeds: {count} from {first} on go beyond {}", i64::MAX));
                }
                (first..first + count).collect()
            }
        };
        let mut seen = HashSet::new();
        match seeds.iter().find(|seed| !seen.insert(**seed)) {
            Some(seed) => Err(format!("seeds: {seed} is there twice")),
            None => Ok(seeds),
        }
    }
}
