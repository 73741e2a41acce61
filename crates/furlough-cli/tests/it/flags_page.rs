//! The page of flags is what the command line says.

use crate::common::{folder, ok};
use std::path::Path;

furlough_harness::tests![the_page_of_flags_is_that_of_this_command unless outside_the_repository()];

fn the_page_of_flags_is_that_of_this_command() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/flags.md");
    let page = std::fs::read_to_string(page).expect("docs/reference/flags.md");
    let command = "cargo run --release -- flags > docs/reference/flags.md";
    assert!(page == ok(folder().path(), "flags"), "write the page again: {command}");
}

/// The page stays in the repository: the crate's package does not have it.
fn outside_the_repository() -> Option<String> {
    let map = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ARCHITECTURE.md");
    (!Path::new(map).exists()).then(|| "the repository around the crate".into())
}
