//! How values on the command line are read, and what is said of those that cannot be.

use crate::terminal::name;
use clap::builder::PossibleValuesParser;
use furlough::compute::{MAX_THREADS, Precision};
use furlough::nn::{Activation, DropoutKind};
use furlough::optim::LrSchedule;
use furlough_lab::recipe::OneOrMany;
use std::num::{IntErrorKind, NonZero, ParseIntError};
use std::str::FromStr;

/// The names of the activations, which help and completions list.
pub(super) fn activations() -> PossibleValuesParser {
    PossibleValuesParser::new(Activation::ALL.map(Activation::name))
}

/// The names of the precisions, likewise.
pub(super) fn precisions() -> PossibleValuesParser {
    PossibleValuesParser::new(Precision::ALL.map(Precision::name))
}

/// The names of the kinds of dropout, likewise.
pub(super) fn dropout_kinds() -> PossibleValuesParser {
    PossibleValuesParser::new(DropoutKind::ALL.map(DropoutKind::name))
}

/// The names of the learning rate's schedules, likewise.
pub(super) fn lr_schedules() -> PossibleValuesParser {
    PossibleValuesParser::new(LrSchedule::names())
}

/// `256,128`, `256` or `none`.
pub(super) fn wholes(text: &str) -> Result<OneOrMany<usize>, String> {
    list(text, whole)
}

/// `0.2,0.5`, `0.5` or `none`. What can only be a number with a decimal comma is refused: `0,5` and
/// `0,05`, but not `0,1`.
pub(super) fn numbers(text: &str) -> Result<OneOrMany<f64>, String> {
    if let Some(decimals) = text.strip_prefix("0,")
        && decimals.bytes().all(|byte| byte.is_ascii_digit())
        && decimals.parse::<u64>().is_ok_and(|number| number > 1 || (decimals.len() > 1 && number > 0))
    {
        return Err(format!("decimals come after a point: 0.{decimals}; commas stand between the layers"));
    }
    list(text, number)
}

fn list<T>(text: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<OneOrMany<T>, String> {
    if text == "none" {
        return Ok(OneOrMany::Many(Vec::new()));
    }
    let values: Result<Vec<T>, String> = text
        .split(',')
        .map(|part| parse(part.trim()).map_err(|why| format!("'{}' is {why}", name(part.trim()))))
        .collect();
    let mut values = values?;
    Ok(if values.len() == 1 { OneOrMany::One(values.remove(0)) } else { OneOrMany::Many(values) })
}

/// NaN and infinity are numbers here; what they mean for a recipe is not for the parser to say.
pub(super) fn number(text: &str) -> Result<f64, String> {
    let comma = || text.contains(',') && text.replacen(',', ".", 1).parse::<f64>().is_ok();
    text.parse()
        .map_err(|_| if comma() { "not a number; decimals come after a point".into() } else { "not a number".into() })
}

/// A whole number; the type says from where to where.
pub(super) fn whole<T: FromStr<Err = ParseIntError>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|why: ParseIntError| match why.kind() {
        IntErrorKind::PosOverflow => "too large".into(),
        IntErrorKind::Zero => "not a whole number of at least 1".into(),
        _ => "not a whole number".into(),
    })
}

/// More threads than any machine has cores are a slip of the finger.
pub(super) fn threads(text: &str) -> Result<NonZero<usize>, String> {
    match whole(text)? {
        threads if NonZero::get(threads) > MAX_THREADS => Err(format!("more than {MAX_THREADS}")),
        threads => Ok(threads),
    }
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
