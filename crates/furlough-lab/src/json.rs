//! How files of JSON are written.

use crate::{Error, Result};
use serde::Serialize;
use std::path::Path;

/// Returns the bytes of a file of JSON that people may read: indented, with a line feed at its end.
/// `path` is for messages.
///
/// # Errors
/// [`Error::Run`] when `value` cannot be told in JSON.
pub(crate) fn json_bytes(path: &Path, value: &impl Serialize) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| Error::run(path, error.to_string()))?;
    text.push(b'\n');
    Ok(text)
}
