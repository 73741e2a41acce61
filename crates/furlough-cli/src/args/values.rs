//! How values on the command line are read, and what is said of those that cannot be.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use furlough::compute::MAX_THREADS;
use furlough_lab::recipe::whole;
use furlough_tables::{Scaling, TaskChoice};
use std::num::NonZero;

/// More threads than any machine has cores are a slip of the finger.
pub fn threads(text: &str) -> Result<NonZero<usize>, String> {
    match whole(text)? {
        threads if NonZero::get(threads) > MAX_THREADS => Err(format!("more than {MAX_THREADS}")),
        threads => Ok(threads),
    }
}

/// What of a table's target is learned.
pub(super) fn task() -> impl TypedValueParser<Value = TaskChoice> {
    one_of(&TaskChoice::ALL, TaskChoice::name)
}

/// How a table's numbers are scaled.
pub(super) fn scaling() -> impl TypedValueParser<Value = Scaling> {
    one_of(&Scaling::ALL, Scaling::name)
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
