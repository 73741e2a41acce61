//! The page of flags is what the command line says. The page stays in the repository, and so does this test: the package leaves it out.

use crate::common::{folder, ok};

furlough_harness::tests![the_page_of_flags_is_that_of_this_command,];

fn the_page_of_flags_is_that_of_this_command() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/flags.md");
    let page = std::fs::read_to_string(page).expect("docs/reference/flags.md");
    let command = "cargo run --release -- flags > docs/reference/flags.md";
    assert!(page == ok(folder().path(), "flags"), "write the page again: {command}");
}
