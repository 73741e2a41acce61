//! The commands, one a file.

pub mod card;
pub mod compare;
pub mod completions;
pub mod data;
pub mod evaluate;
pub mod explain;
mod facts;
pub mod flags;
pub mod folder;
pub mod info;
mod model;
pub mod note;
pub mod predict;
pub mod report;
pub mod runs;
pub mod study;
pub mod train;
pub mod tune;
pub mod watch;
