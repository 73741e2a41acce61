use furlough::Result;
use furlough::data::fashion_mnist;
use furlough::data::idx_folder::{self, KnownFile, Loaded};
use std::path::Path;

/// A data set that does not come with the program, and where it is to be had: everything that the
/// ways of getting it need to know, so that tests can run them on data of their own.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// Its name in the catalog, and of its folder in the cache.
    pub name: &'static str,
    /// What it is called in sentences.
    pub title: &'static str,
    /// The four files.
    pub files: [KnownFile; 4],
    /// The classes' names.
    pub classes: &'static [&'static str],
    /// What comes before a file's name and `.gz` in its address.
    pub url: &'static str,
    /// The environment variable that replaces `url`.
    pub url_variable: &'static str,
    /// The package of Debian and its descendants.
    pub debian_package: &'static str,
    /// Where that package puts the files.
    pub system_folder: &'static str,
}

/// Fashion-MNIST. The official site's address is plain HTTP; the bucket behind it answers under
/// this name over HTTPS. (Its other HTTPS spelling, with the bucket in the path, is one that Amazon
/// means to retire.)
pub const FASHION_MNIST: Source = Source {
    name: fashion_mnist::ENTRY.name,
    title: fashion_mnist::ENTRY.title,
    files: fashion_mnist::FILES,
    classes: &fashion_mnist::CLASSES,
    url: "https://fashion-mnist.s3.eu-central-1.amazonaws.com",
    url_variable: "FURLOUGH_FASHION_MNIST_URL",
    debian_package: "dataset-fashion-mnist",
    system_folder: "/usr/share/datasets/fashion-mnist",
};

impl Source {
    /// Loads the files from a folder, checking each against its SHA-256.
    pub fn load(&self, folder: &Path) -> Result<Loaded> {
        idx_folder::read_known(folder, &self.files, self.classes)
    }
}
