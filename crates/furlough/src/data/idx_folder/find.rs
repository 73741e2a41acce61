//! Finds the four files in the layouts and under the names that copies of MNIST's relatives come
//! with.
//!
//! Looked through are the folder itself, its `raw`, and the `raw` of each folder in it, as
//! torchvision lays them (`FashionMNIST/raw/…`). A file's name is a prefix (EMNIST's
//! `emnist-letters-`), `train` or `t10k` or `test`, `-images` or `-labels`, `-idx3-ubyte` or
//! `.idx3-ubyte` (another number, and `byte`, `short`, `int`, `float` or `double` for `ubyte`), and
//! perhaps `.gz`. A folder with such a name may hold the file, as some archives unpack.

use super::{NAMES, SkippedFile};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How many other files of a folder an error names.
const MOST_OTHERS: usize = 6;

/// What a name says of the values' type. The content is what counts.
const ELEMENTS: [&str; 6] = ["-ubyte", "-byte", "-short", "-int", "-float", "-double"];

/// Files of one folder that share a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileSet {
    /// The folder that has them.
    pub folder: PathBuf,
    /// What their names begin with; often nothing.
    pub prefix: String,
    /// For each of [`NAMES`] the files that may be it, the one to try first first.
    pub files: [Vec<PathBuf>; 4],
    /// 0 in the folder that was asked for, 1 in its `raw`, 2 in the `raw` of another.
    level: usize,
}

impl FileSet {
    fn is_complete(&self) -> bool {
        self.files.iter().all(|files| !files.is_empty())
    }

    fn present(&self) -> usize {
        self.files.iter().filter(|files| !files.is_empty()).count()
    }

    /// Reads one of the four from the first of its files that `read` likes. Those before it are
    /// added to `skipped`.
    ///
    /// # Errors
    /// That of the first file, when none is good.
    pub(super) fn read<T>(
        &self,
        index: usize,
        skipped: &mut Vec<SkippedFile>,
        read: impl Fn(&Path) -> Result<T>,
    ) -> Result<(PathBuf, T)> {
        let mut errors: Vec<(&PathBuf, Error)> = Vec::new();
        for path in &self.files[index] {
            match read(path) {
                Ok(value) => {
                    let skip = |(bad, error): (&PathBuf, Error)| SkippedFile::new(bad, &error, path);
                    skipped.extend(errors.into_iter().map(skip));
                    return Ok((path.clone(), value));
                }
                Err(error) => errors.push((path, error)),
            }
        }
        Err(errors.swap_remove(0).1)
    }
}

/// The complete sets of files below `folder`, the nearest first.
///
/// # Errors
/// [`Error::Data`] when there is none: it says what is there and what is missing.
pub(super) fn complete_sets(folder: &Path) -> Result<Vec<FileSet>> {
    if folder.is_file() {
        return Err(Error::data(folder.display(), "is a file; what is needed is the folder that has the four files"));
    }
    if !folder.is_dir() {
        return Err(Error::data(folder.display(), "there is no such folder"));
    }
    let (complete, incomplete): (Vec<_>, Vec<_>) = all_sets(folder).into_iter().partition(FileSet::is_complete);
    if !complete.is_empty() {
        return Ok(complete);
    }
    // Of equally full ones the nearest.
    let nearest = incomplete.into_iter().rev().max_by_key(FileSet::present);
    Err(Error::data(folder.display(), missing(folder, nearest.as_ref())))
}

/// The one set of files below `folder` that somebody who names this folder must mean.
///
/// # Errors
/// Those of [`complete_sets`], and [`Error::Data`] when there are several that are as near.
pub(super) fn only_set(folder: &Path) -> Result<FileSet> {
    let mut sets = complete_sets(folder)?;
    let level = sets[0].level;
    sets.retain(|set| set.level == level);
    if level < 2 && sets[0].prefix.is_empty() || sets.len() == 1 {
        return Ok(sets.swap_remove(0));
    }
    let name = |set: &FileSet| set.folder.join(format!("{}*", set.prefix)).display().to_string();
    let names: Vec<_> = sets.iter().map(name).collect();
    let reason = format!("has several data sets ({}); name a folder that has the files of only one", names.join(", "));
    Err(Error::data(folder.display(), reason))
}

/// Every file directly in `folder` that may be the one of this name, one of [`NAMES`]; the one to
/// try first first.
pub fn candidates(folder: &Path, name: &str) -> Vec<PathBuf> {
    let index = NAMES.iter().position(|known| *known == name);
    let set = sets_in(folder, 0).into_iter().find(|set| set.prefix.is_empty());
    set.zip(index).map_or_else(Vec::new, |(set, index)| set.files[index].clone())
}

fn all_sets(folder: &Path) -> Vec<FileSet> {
    let deeper = entries(folder).into_iter().filter(|path| !path.ends_with("raw")).map(|path| (path.join("raw"), 2));
    let places = [(folder.to_path_buf(), 0), (folder.join("raw"), 1)].into_iter().chain(deeper);
    places.filter(|(place, _)| place.is_dir()).flat_map(|(place, level)| sets_in(&place, level)).collect()
}

fn sets_in(folder: &Path, level: usize) -> Vec<FileSet> {
    let mut sets: BTreeMap<String, [Vec<(u8, PathBuf)>; 4]> = BTreeMap::new();
    for path in entries(folder) {
        let Some(Name { prefix, index, rank }) = Name::of(&path) else { continue };
        let files = &mut sets.entry(prefix).or_default()[index];
        if path.is_dir() {
            let within = entries(&path).into_iter().filter(|inner| inner.is_file());
            files.extend(within.filter_map(|inner| {
                let name = Name::of(&inner).filter(|name| name.index == index)?;
                Some((Name::WITHIN_A_FOLDER + name.rank, inner))
            }));
        } else {
            files.push((rank, path));
        }
    }
    let ordered = |mut files: Vec<(u8, PathBuf)>| {
        files.sort();
        files.into_iter().map(|(_, path)| path).collect()
    };
    let set = |(prefix, files): (String, [Vec<_>; 4])| {
        let files = files.map(ordered);
        FileSet { folder: folder.to_path_buf(), prefix, files, level }
    };
    sets.into_iter().map(set).collect()
}

/// What is in a folder, in the order of the names; nothing if it cannot be read.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// What a file's name says.
struct Name {
    prefix: String,
    /// Which of [`NAMES`] it is.
    index: usize,
    /// Less for a spelling that is tried earlier.
    rank: u8,
}

impl Name {
    const WITHIN_A_FOLDER: u8 = 8;

    fn of(path: &Path) -> Option<Name> {
        let name = path.file_name()?.to_str()?;
        let (stem, packed) = name.strip_suffix(".gz").map_or((name, 0), |stem| (stem, 1));
        let stem = ELEMENTS.iter().find_map(|element| stem.strip_suffix(element))?;
        let digits = stem.trim_end_matches(|c: char| c.is_ascii_digit());
        let (stem, dotted) = match (digits.strip_suffix("-idx"), digits.strip_suffix(".idx")) {
            (Some(stem), _) => (stem, 0),
            (_, Some(stem)) => (stem, 2),
            _ => return None,
        };
        let (stem, kind) = match (stem.strip_suffix("-images"), stem.strip_suffix("-labels")) {
            (Some(stem), _) => (stem, 0),
            (_, Some(stem)) => (stem, 1),
            _ => return None,
        };
        let (part, other, prefix) = [("train", 0, 0), ("t10k", 2, 0), ("test", 2, 4)]
            .into_iter()
            .find_map(|(part, index, other)| Some((index, other, stem.strip_suffix(part)?)))?;
        let whole = prefix.is_empty() || prefix.ends_with(['-', '_', '.']);
        whole.then(|| Name { prefix: prefix.into(), index: part + kind, rank: other + dotted + packed })
    }
}

/// What is there, beside what is missing.
fn missing(folder: &Path, nearest: Option<&FileSet>) -> String {
    let name = |path: &Path| path.strip_prefix(folder).unwrap_or(path).display().to_string();
    let (mut here, mut lacking) = (Vec::new(), Vec::new());
    for (index, known) in NAMES.iter().enumerate() {
        match nearest.and_then(|set| set.files[index].first()) {
            Some(path) => here.push(path.clone()),
            None => lacking.push(format!("{}{known}", nearest.map_or("", |set| &set.prefix))),
        }
    }
    let mut others: Vec<String> = entries(nearest.map_or(folder, |set| &set.folder))
        .iter()
        .filter(|path| !here.contains(path))
        .map(|path| name(path) + if path.is_dir() { "/" } else { "" })
        .collect();
    let more = others.len().saturating_sub(MOST_OTHERS);
    others.truncate(MOST_OTHERS);
    if more > 0 {
        others.push(format!("{more} more"));
    }
    let here: Vec<_> = here.iter().map(|path| name(path)).collect();
    let found = match (here.is_empty(), others.is_empty()) {
        (true, true) => "the folder is empty".into(),
        (true, false) => format!("found only {}", others.join(", ")),
        (false, true) => format!("found {}", here.join(", ")),
        (false, false) => format!("found {}, and besides {}", here.join(", "), others.join(", ")),
    };
    format!("{} of the four files missing: {}, each plain or .gz; {found}", lacking.len(), lacking.join(", "))
}
