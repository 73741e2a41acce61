//! Where data comes from. The library knows formats and checksums; this module knows folders, the network and the
//! environment. Every attempt is reported, and whatever is found is checked against its SHA-256 before it is used.

mod cache;
mod debian;
mod download;
mod places;
mod resolve;
mod source;

use anyhow::{Result, bail};
use furlough::data::{Split, catalog, digits, idx_folder};
use places::Places;
use source::Source;
use std::path::Path;

/// Takes a line for the user: what is tried, and what came of it.
pub type Report<'a> = &'a mut dyn FnMut(&str);

/// Data, and where it came from.
pub struct Acquired {
    /// The training and test parts.
    pub split: Split,
    /// Where it came from, as a header shows it.
    pub origin: String,
}

/// The environment variables that this module reads, for `--help`.
pub const ENVIRONMENT_HELP: &str = "\
Environment:
  FURLOUGH_CACHE              where data sets are kept [default: $XDG_CACHE_HOME/furlough, else ~/.cache/furlough]
  FURLOUGH_FASHION_MNIST_URL  where the four files of Fashion-MNIST are downloaded from, without their names
  HTTPS_PROXY, NO_PROXY       the proxy for downloads
  SSL_CERT_FILE               certificate authorities (PEM) to trust for downloads in place of the built-in ones";

/// The data set `name`, from `data_dir` if that is given and from wherever it can be had if not.
///
/// # Errors
/// For an unknown name, for a `data_dir` whose files are not what they should be, and when every way failed: then
/// the one error lists them all.
pub fn split(name: &str, data_dir: Option<&Path>, report: Report) -> Result<Acquired> {
    if name == catalog::OWN_FILES {
        let Some(folder) = data_dir else {
            bail!("--data idx reads your own four IDX files: name their folder with --data-dir");
        };
        return Ok(Acquired { split: idx_folder::load(folder)?, origin: folder.display().to_string() });
    }
    match source_of(name)? {
        None if data_dir.is_some() => {
            bail!("{name} is built in, so there is nothing to read from --data-dir; for your own files pass --data idx")
        }
        None => Ok(Acquired { split: digits::load()?, origin: "built in".into() }),
        Some(source) => match data_dir {
            Some(folder) => resolve::from_data_dir(&source, folder),
            None => resolve::from_anywhere(&source, &Places::from_environment(), report),
        },
    }
}

/// Puts the data set `name` into the cache, if it is not there already or if `force` says to fetch it anew.
/// Answers where it is.
///
/// # Errors
/// As [`split`], and when the cache cannot be written.
pub fn fetch(name: &str, force: bool, report: Report) -> Result<String> {
    match source_of(name)? {
        None => Ok(format!("{name} is built in: nothing to fetch")),
        Some(source) => {
            let folder = resolve::into_cache(&source, &Places::from_environment(), force, report)?;
            Ok(format!("{name} is in {}", folder.display()))
        }
    }
}

/// The data set `name` if it can be had without a download, and nothing if it cannot. Writes nothing.
///
/// # Errors
/// As [`split`] for unknown names and for `data_dir`.
pub fn local(name: &str, data_dir: Option<&Path>, report: Report) -> Result<Option<Acquired>> {
    match source_of(name) {
        Ok(Some(source)) if data_dir.is_none() => Ok(resolve::from_local(&source, &Places::from_environment(), report)),
        _ => split(name, data_dir, report).map(Some),
    }
}

/// Where the data set `name` would be found, without reading it.
pub fn whereabouts(name: &str) -> String {
    match source_of(name) {
        Err(_) => "unknown".into(),
        Ok(None) => "built in".into(),
        Ok(Some(source)) => {
            let places = Places::from_environment();
            if places.folder(&source).is_some_and(|folder| cache::seems_complete(&folder, &source)) {
                "in the cache".into()
            } else if cache::seems_complete(&places.system(&source), &source) {
                "installed on this system".into()
            } else {
                format!("not here yet: furlough data fetch {name}")
            }
        }
    }
}

/// How to get a known data set; none for one that is built in.
fn source_of(name: &str) -> Result<Option<Source>> {
    let entry = catalog::get(name)?;
    Ok((entry.name == source::FASHION_MNIST.name).then_some(source::FASHION_MNIST))
}

#[cfg(test)]
mod tests;
