//! Calls into libraries that a damaged file may make panic.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls what reads with a library, and makes text of its errors, and of its panics too.
pub(super) fn guarded<T, E: Display>(read: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(|error| error.to_string()),
        Err(panic) => {
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message = message.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no reason is known");
            Err(message.lines().next().unwrap_or_default().into())
        }
    }
}
