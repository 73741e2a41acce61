//! How values on the command line are read, and what is said of those that cannot be.

use furlough::compute::MAX_THREADS;
use furlough_lab::recipe::whole;
use std::num::NonZero;

/// More threads than any machine has cores are a slip of the finger.
pub fn threads(text: &str) -> Result<NonZero<usize>, String> {
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
