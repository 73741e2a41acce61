//! Where data comes from. The library knows formats and checksums; this module knows folders, the
//! network and the environment. Every attempt is reported, and whatever is found is checked against
//! its SHA-256 before it is used.

mod cache;
mod debian;
mod download;
mod places;
mod resolve;
mod source;

use crate::terminal;
use anyhow::{Result, bail};
use furlough::data::idx_folder::{self, Loaded};
use furlough::data::{Dataset, Split, catalog, digits};
use furlough_lab::recipe::{Recipe, Settings, TableInput};
use furlough_lab::source::{DataSource, DiskSource, Surveyed, TableSource};
use furlough_tables::Preset;
use places::Places;
use source::Source;
use std::path::Path;

/// Takes a line for the user: what is tried, and what came of it.
pub type Report<'a> = &'a mut dyn FnMut(&str);

/// Which data set, and how it is to be read.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Its name.
    pub name: &'a str,
    /// The lowest label, of a folder of one's own.
    pub labels_from: u32,
}

impl<'a> Wanted<'a> {
    /// Returns what a recipe learns from.
    pub fn of(recipe: &'a Recipe) -> Self {
        Wanted { name: recipe.data(), labels_from: recipe.labels_from() }
    }
}

/// Data, and where it came from.
pub struct Acquired {
    /// The training and test parts.
    pub split: Split,
    /// Where it came from, as a header shows it.
    pub origin: String,
}

impl Acquired {
    /// Takes what was read; tells which files were passed over.
    fn new(loaded: Loaded, report: Report) -> Self {
        loaded.skipped.iter().for_each(|skipped| report(&format!("note: {skipped}")));
        Acquired { split: loaded.split, origin: loaded.folder.display().to_string() }
    }
}

/// What runs learn from, and where it came from.
pub struct AcquiredSource {
    /// Sets, or a table.
    pub source: DataSource,
    /// Where it came from, as a header shows it.
    pub origin: String,
    /// Which recipe was chosen for a table, and why; none where a recipe said it all.
    pub chosen: Option<String>,
}

/// What a recipe learns from: the table that it holds, read on `threads` threads, or the data set
/// that it names, as [`split`] finds it.
///
/// # Errors
/// Those of [`TableSource::read`] and of [`split`].
pub fn of_recipe(recipe: &Recipe, data_dir: Option<&Path>, threads: usize, report: Report) -> Result<AcquiredSource> {
    let Some(table) = recipe.table() else {
        let Acquired { split, origin } = split(Wanted::of(recipe), data_dir, report)?;
        return Ok(AcquiredSource { source: DataSource::Sets(split), origin, chosen: None });
    };
    if data_dir.is_some() {
        bail!("--data-dir is for data sets of several files; this is about the table {}", table.file);
    }
    let source = match DiskSource::of_recipe(table) {
        Some(source) => DataSource::Disk(Box::new(source)),
        None => DataSource::Table(TableSource::read(table, threads)?),
    };
    Ok(AcquiredSource { source, origin: table.file.clone(), chosen: None })
}

impl AcquiredSource {
    /// Reads a table, and adds to what was said of a recipe what follows from its rows.
    ///
    /// # Errors
    /// Those of [`TableSource::read`] and [`TableSource::settings`].
    pub fn of_table(input: TableInput, said: Settings, preset: Preset, threads: usize) -> Result<(Self, Settings)> {
        let (source, origin) = (TableSource::read(&input, threads)?, input.file.clone());
        let data = Some(input.name());
        let (settings, chosen) = source.settings(Settings { data, table: Some(input), ..said }, preset)?;
        Ok((AcquiredSource { source: DataSource::Table(source), origin, chosen }, settings))
    }
}

impl AcquiredSource {
    /// [`Self::of_table`], for a table that is to take no more than so many bytes of memory. Tells
    /// where that is more than enough.
    ///
    /// # Errors
    /// Those of [`DiskSource::survey`] and [`Self::of_table`].
    pub fn within(
        memory: u64,
        input: TableInput,
        (said, preset): (Settings, Preset),
        threads: usize,
        report: Report,
    ) -> Result<(Self, Settings)> {
        report(&format!("reading {} to see what it takes", input.name()));
        match DiskSource::survey(input.clone(), (&said, preset), memory, threads)? {
            Surveyed::InMemory(bytes) => {
                let takes = terminal::bytes(bytes);
                report(&format!("note: the table takes about {takes} of memory, so it is learned from in memory"));
                AcquiredSource::of_table(input, said, preset, threads)
            }
            Surveyed::OnDisk(source) => {
                let ((settings, chosen), origin) = (source.settings(said, preset)?, input.file);
                Ok((AcquiredSource { source: DataSource::Disk(source), origin, chosen }, settings))
            }
        }
    }
}

/// Returns a note where classes have no training example.
fn absent_classes(train: &Dataset, labels_from: u32) -> Option<String> {
    let absent = train.absent_classes();
    let names: Vec<&str> = absent.iter().take(MOST_NAMED).map(|&class| &*train.class_names()[class]).collect();
    let more =
        if absent.len() > MOST_NAMED { format!(" and {} more", absent.len() - MOST_NAMED) } else { String::new() };
    let have = match absent.len() {
        0 => return None,
        1 => "label",
        _ => "labels",
    };
    let advice = match labels_from {
        0 if absent[0] == 0 => "; if the labels count from 1, --labels-from 1 leaves the empty class out",
        _ => "",
    };
    Some(format!("note: no training example has the {have} {}{more}{advice}", names.join(", ")))
}

/// So many absent classes are named.
const MOST_NAMED: usize = 8;

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
/// For an unknown name, for a `data_dir` whose files are not what they should be, and when every
/// way failed: then the one error lists them all.
pub fn split(wanted: Wanted, data_dir: Option<&Path>, report: Report) -> Result<Acquired> {
    let Wanted { name, labels_from } = wanted;
    if name == catalog::OWN_FILES {
        let Some(folder) = data_dir else {
            bail!("{name} is a folder of your own, with four IDX files: name it with --data-dir");
        };
        let acquired = Acquired::new(idx_folder::read(folder, labels_from)?, report);
        if let Some(note) = absent_classes(&acquired.split.train, labels_from) {
            report(&note);
        }
        return Ok(acquired);
    }
    if labels_from != 0 {
        bail!(
            "--labels-from is for a folder of your own (--data {}); the labels of {name} are known",
            catalog::OWN_FILES
        );
    }
    match source_of(name)? {
        None if data_dir.is_some() => {
            bail!("{name} is built in, so there is nothing to read from --data-dir; for your own files pass --data idx")
        }
        None => Ok(Acquired { split: digits::load()?, origin: "built in".into() }),
        Some(source) => match data_dir {
            Some(folder) => resolve::from_data_dir(&source, folder, report),
            None => resolve::from_anywhere(&source, &Places::from_environment(), report),
        },
    }
}

/// Puts the data set `name` into the cache, if it is not there already or if `force` says to fetch
/// it anew. Answers where it is.
///
/// # Errors
/// As [`split`], and when the cache cannot be written.
pub fn fetch(name: &str, force: bool, report: Report) -> Result<String> {
    if name == catalog::OWN_FILES {
        bail!("{name} is a folder of your own, so there is nothing to fetch: name it with --data-dir where it is used");
    }
    match source_of(name)? {
        None => Ok(format!("{name} is built in: nothing to fetch")),
        Some(source) => {
            let folder = resolve::into_cache(&source, &Places::from_environment(), force, report)?;
            Ok(format!("{name} is in {}", folder.display()))
        }
    }
}

/// The data set `name` if it can be had without a download, and nothing if it cannot. Writes
/// nothing.
///
/// # Errors
/// As [`split`] for unknown names and for `data_dir`.
pub fn local(wanted: Wanted, data_dir: Option<&Path>, report: Report) -> Result<Option<Acquired>> {
    match source_of(wanted.name) {
        Ok(Some(source)) if data_dir.is_none() => Ok(resolve::from_local(&source, &Places::from_environment(), report)),
        _ => split(wanted, data_dir, report).map(Some),
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
