//! The ranges that numbers of an optimizer must be in. Steps are computed in single precision,
//! where a value may not become infinite, and a factor not 0.

use crate::{Error, Result};

/// Whether single precision holds it.
pub(super) fn is_single(value: f64) -> bool {
    (value as f32).is_finite()
}

fn number(good: bool, key: &str, value: f64, range: &str) -> Result<()> {
    if good && value.is_finite() {
        return Ok(());
    }
    // Infinity is in each of these ranges, but no number to compute with.
    let kind = if value.is_infinite() { "finite number" } else { "number" };
    Err(Error::setting(key, value, format!("must be a {kind} {range}")))
}

fn single(key: &str, value: f64) -> Result<()> {
    if value as f32 > 0.0 && is_single(value) {
        return Ok(());
    }
    let reason = "is beyond single precision, which goes from about 1e-45 to 3e38";
    Err(Error::setting(key, format!("{value:e}"), reason))
}

/// Checks a number above 0.
pub(super) fn above_0(key: &str, value: f64) -> Result<()> {
    number(value > 0.0, key, value, "above 0")?;
    single(key, value)
}

/// Checks a number of at least 0.
pub(super) fn at_least_0(key: &str, value: f64) -> Result<()> {
    number(value >= 0.0, key, value, "of at least 0")?;
    if value == 0.0 { Ok(()) } else { single(key, value) }
}

/// Checks a number from 0 to below 1.
pub(super) fn below_1(key: &str, value: f64) -> Result<()> {
    if (0.0..1.0).contains(&value) && (value as f32) < 1.0 {
        return Ok(());
    }
    Err(Error::setting(key, value, "must be at least 0 and below 1, in single precision too"))
}
