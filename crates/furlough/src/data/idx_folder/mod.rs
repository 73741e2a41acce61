//! Four IDX files in a folder, named as MNIST named them: images and labels, for training and for
//! testing.

mod find;
mod loading;
mod skipped;

pub use find::candidates;
pub use loading::{Loaded, load, load_known, read, read_known};
pub use skipped::SkippedFile;

/// The four names, training before testing and images before labels. Other spellings are known too:
/// a file may end in `.gz`, have a dot for the dash before `idx`, say `test` for `t10k`, and all
/// four may begin with the same prefix.
pub const NAMES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// A file whose content is known beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownFile {
    /// Its name, one of [`NAMES`].
    pub name: &'static str,
    /// Its length in bytes, decompressed.
    pub bytes: u64,
    /// The SHA-256 of its decompressed content, 64 hexadecimal digits in lower case.
    pub sha256: &'static str,
}

#[cfg(test)]
mod tests;
