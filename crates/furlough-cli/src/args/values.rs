//! How values on the command line are read, and what is said of those that cannot be.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use furlough::compute::MAX_THREADS;
use furlough_lab::recipe::whole;
use furlough_tables::model::IntervalMethod;
use furlough_tables::{Preset, Scaling, TaskChoice};
use std::num::NonZero;

/// More threads than any machine has cores are a slip of the finger.
pub fn threads(text: &str) -> Result<NonZero<usize>, String> {
    match whole(text)? {
        threads if NonZero::get(threads) > MAX_THREADS => Err(format!("more than {MAX_THREADS}")),
        threads => Ok(threads),
    }
}

/// `1GB`, `500MB`, `2GiB`: bytes.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let bad = || "not a size such as 1GB, 500MB or 2GiB".to_string();
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: f64 = match text[number.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" | "k" => 1e3,
        "mb" | "m" => 1e6,
        "gb" | "g" => 1e9,
        "tb" | "t" => 1e12,
        "kib" => 1024.0,
        "mib" => 1_048_576.0,
        "gib" => 1_073_741_824.0,
        "tib" => 1_099_511_627_776.0,
        _ => return Err(bad()),
    };
    match number.trim().parse::<f64>() {
        Ok(count) if count.is_finite() && count >= 0.0 => Ok((count * unit) as u64),
        _ => Err(bad()),
    }
}

/// What of a table's target is learned.
pub(super) fn task() -> impl TypedValueParser<Value = TaskChoice> {
    one_of(&TaskChoice::ALL, TaskChoice::name)
}

/// Which recipe a table has.
pub(super) fn preset() -> impl TypedValueParser<Value = Preset> {
    one_of(&Preset::ALL, Preset::name)
}

/// How a table's numbers are scaled.
pub(super) fn scaling() -> impl TypedValueParser<Value = Scaling> {
    one_of(&Scaling::ALL, Scaling::name)
}

/// Which masks answers are averaged over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampling {
    /// So many that are drawn.
    Drawn(NonZero<u32>),
    /// All, by formulas.
    Analytic,
}

/// `100` or `analytic`.
pub(super) fn samples(text: &str) -> Result<Sampling, String> {
    match text {
        "analytic" => Ok(Sampling::Analytic),
        _ => whole(text).map(Sampling::Drawn).map_err(|error| format!("{error}; or say analytic")),
    }
}

/// How intervals are made of several networks' answers.
pub(super) fn interval_method() -> impl TypedValueParser<Value = IntervalMethod> {
    one_of(&IntervalMethod::ALL, IntervalMethod::name)
}

/// One of some values by its name.
fn one_of<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let value =
        move |word: String| *all.iter().find(|value| name(**value) == word).expect("clap takes these names only");
    PossibleValuesParser::new(all.iter().map(|value| name(*value))).map(value)
}

/// `3/16`: a part, from 1, and how many parts there are.
pub(super) fn shard(text: &str) -> Result<(usize, usize), String> {
    let (part, of) = text.split_once('/').ok_or("not of the form I/N, such as 1/4")?;
    let (part, of): (usize, usize) = (whole(part)?, whole(of)?);
    match of {
        0 => Err("there must be at least 1 shard".into()),
        _ if part == 0 || part > of => Err(format!("there are {of} shards, numbered from 1 to {of}")),
        _ => Ok((part, of)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_with_a_unit() {
        for (text, bytes) in [
            ("1GB", 1_000_000_000),
            ("1.5 gb", 1_500_000_000),
            ("500M", 500_000_000),
            ("2GiB", 2 << 30),
            ("64mib", 64 << 20),
            ("123", 123),
            ("0", 0),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "GB", "one", "1 cup", "-1GB", "nanGB", "1e999", "1GB2"] {
            assert!(size(text).unwrap_err().contains("not a size such as 1GB"), "{text}");
        }
    }
}
