//! The commands, one a file.

pub mod compare;
pub mod completions;
pub mod data;
pub mod evaluate;
pub mod flags;
pub mod info;
pub mod report;
pub mod study;
pub mod train;
pub mod tune;
pub mod watch;
