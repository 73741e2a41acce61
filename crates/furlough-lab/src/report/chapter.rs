//! A chapter of a page, made: what a page renders, whatever it is about.

use maud::Markup;

/// A part of a page, made: its heading, and its sections with their titles.
pub(super) struct Chapter {
    pub title: String,
    /// What stands under the title.
    pub opening: Markup,
    pub sections: Vec<Section>,
}

/// A section of a chapter.
pub(super) struct Section {
    /// Its name in addresses, unique within its chapter.
    pub id: &'static str,
    /// Its heading, and what the navigation calls it.
    pub title: &'static str,
    pub body: Markup,
}
