//! Fashion-MNIST: 70,000 gray images of clothes, 28×28, in ten classes.
//!
//! Han Xiao, Kashif Rasul, Roland Vollgraf: *Fashion-MNIST: a Novel Image Dataset for Benchmarking
//! Machine Learning Algorithms*, 2017, arXiv:1708.07747.

use super::idx_folder::{KnownFile, NAMES, load_known};
use super::{Entry, Split};
use crate::Result;
use std::path::Path;

/// The four files. Their checksums are of the decompressed content, because distributors compress
/// differently.
pub const FILES: [KnownFile; 4] = [
    KnownFile {
        name: NAMES[0],
        bytes: 47_040_016,
        sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    },
    KnownFile {
        name: NAMES[1],
        bytes: 60_008,
        sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    },
    KnownFile {
        name: NAMES[2],
        bytes: 7_840_016,
        sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    },
    KnownFile {
        name: NAMES[3],
        bytes: 10_008,
        sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
];

/// The classes' names, in order.
pub const CLASSES: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// What the catalog says of it.
pub const ENTRY: Entry = Entry {
    name: "fashion-mnist",
    title: "Fashion-MNIST",
    description: "gray images of clothes; the data of the main recipe",
    train: 60_000,
    test: 10_000,
    shape: &[28, 28],
    classes: &CLASSES,
    license: "MIT, © 2017 Zalando SE, https://tech.zalando.com",
    source: "https://github.com/zalandoresearch/fashion-mnist",
};

/// Loads the four files, plain or gzip'd, from `folder`, and checks each against its SHA-256. Bytes
/// stay bytes; the network sees them times 1/255. Takes about 55 MB, and no more while loading.
///
/// ```no_run
/// let split = furlough::data::fashion_mnist::load("fashion-mnist".as_ref())?;
/// assert_eq!((split.train.len(), split.test.len()), (60_000, 10_000));
/// # Ok::<(), furlough::Error>(())
/// ```
///
/// # Errors
/// [`crate::Error::Data`] or [`crate::Error::Io`], naming the file that is missing, damaged or
/// another one.
pub fn load(folder: &Path) -> Result<Split> {
    load_known(folder, &FILES, &CLASSES)
}
