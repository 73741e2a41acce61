use super::find::{FileSet, complete_sets, only_set};
use super::{KnownFile, SkippedFile};
use crate::data::{Dataset, Features, Split, Targets, idx};
use crate::{Error, Result, counted};
use ndarray::Array2;
use std::path::{Path, PathBuf};

/// A data set, and which files it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The training and test parts.
    pub split: Split,
    /// The folder that had the files; it may lie below the one that was named.
    pub folder: PathBuf,
    /// Files that were unusable, beside which there was a good one.
    pub skipped: Vec<SkippedFile>,
}

/// Loads a folder of anyone's own files, as [`read`] with labels that count from 0 does.
///
/// # Errors
/// Those of [`read`].
pub fn load(folder: &Path) -> Result<Split> {
    Ok(read(folder, 0)?.split)
}

/// Loads a folder of known files, as [`read_known`] does.
///
/// # Errors
/// Those of [`read_known`].
pub fn load_known(folder: &Path, files: &[KnownFile; 4], names: &[&str]) -> Result<Split> {
    Ok(read_known(folder, files, names)?.split)
}

/// Reads a folder of anyone's own files: bytes are multiplied by 1/255, and values of other types
/// are taken as they are. There are as many classes as the highest label to learn from says, and
/// they are named by their labels. The lowest label is `labels_from`: 0, but 1 in EMNIST's letters.
/// An example has the shape that the files give it.
///
/// # Errors
/// [`Error::Data`] or [`Error::Io`], naming the file or saying what the folder has, for files that
/// are missing, unsound or do not fit together, and for labels below `labels_from`.
pub fn read(folder: &Path, labels_from: u32) -> Result<Loaded> {
    let set = only_set(folder)?;
    let (train, test, skipped) = read_parts(&set, |_, path| idx::read(path))?;
    let highest = train.highest().max(labels_from.saturating_add(1));
    let names: Vec<String> = (labels_from..=highest).map(|label| label.to_string()).collect();
    let split = Split { train: train.dataset(names.clone(), labels_from)?, test: test.dataset(names, labels_from)? };
    Ok(Loaded { split, folder: set.folder, skipped })
}

/// Reads a folder of known files, checking the content of each; `names` are the classes' names.
///
/// # Errors
/// As [`read`], and when a file is not the one that is known.
pub fn read_known(folder: &Path, files: &[KnownFile; 4], names: &[&str]) -> Result<Loaded> {
    let mut first = None;
    for set in complete_sets(folder)? {
        match read_parts(&set, |index, path| idx::read_verified(path, files[index].sha256)) {
            Ok((train, test, skipped)) => {
                let names: Vec<String> = names.iter().map(ToString::to_string).collect();
                let split = Split { train: train.dataset(names.clone(), 0)?, test: test.dataset(names, 0)? };
                return Ok(Loaded { split, folder: set.folder, skipped });
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.expect("there is a complete set, or an error said why not"))
}

/// Reads both parts, the training part first; `read` gets the file's place in [`NAMES`].
fn read_parts(
    set: &FileSet,
    read: impl Fn(usize, &Path) -> Result<idx::IdxArray> + Sync,
) -> Result<(Part, Part, Vec<SkippedFile>)> {
    let part = |images: usize| {
        let mut skipped = Vec::new();
        let mut file = |index: usize| set.read(index, &mut skipped, |path| read(index, path));
        let part = Part::new(file(images)?, file(images + 1)?)?;
        Ok::<_, Error>((part, skipped))
    };
    // Reading is mostly hashing, so the two parts are read side by side, where the system has room
    // for a thread.
    let (train, test) = std::thread::scope(|scope| match std::thread::Builder::new().spawn_scoped(scope, || part(2)) {
        Ok(test) => (part(0), test.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))),
        Err(_) => (part(0), part(2)),
    });
    let ((train, mut skipped), (test, more)) = (train?, test?);
    skipped.extend(more);
    if train.shape != test.shape {
        let reason = format!("training examples have shape {:?}, test examples {:?}", train.shape, test.shape);
        return Err(Error::data(set.folder.display(), reason));
    }
    Ok((train, test, skipped))
}

/// Images and labels that fit together.
struct Part {
    images_path: PathBuf,
    labels_path: PathBuf,
    shape: Vec<usize>,
    features: Features,
    labels: Vec<u32>,
}

type ReadFile = (PathBuf, idx::IdxArray);

impl Part {
    fn new((images_path, images): ReadFile, (labels_path, labels): ReadFile) -> Result<Self> {
        let bad = |path: &Path, reason: String| Err(Error::data(path.display(), reason));
        let labels = labels.labels().map_err(|reason| Error::data(labels_path.display(), reason))?;
        let (&[count, ref shape @ ..], label_count) = (&images.shape[..], labels.len()) else {
            return bad(&images_path, "has no dimensions".into());
        };
        if shape.is_empty() {
            return bad(&images_path, "examples need two dimensions or more: their number, and their shape".into());
        }
        if count != label_count {
            return bad(
                &labels_path,
                format!("has {} for {}", counted(label_count, "label"), counted(count, "example")),
            );
        }
        let size = (count, shape.iter().product());
        let features = match images.element {
            idx::Element::UnsignedByte => {
                Array2::from_shape_vec(size, images.values).map(|rows| Features::Bytes { rows, scale: 1.0 / 255.0 })
            }
            _ => Array2::from_shape_vec(size, images.floats()).map(Features::Floats),
        };
        let features = features.map_err(|error| Error::data(images_path.display(), error.to_string()))?;
        Ok(Part { images_path, labels_path, shape: shape.to_vec(), features, labels })
    }

    fn highest(&self) -> u32 {
        self.labels.iter().copied().max().unwrap_or(0)
    }

    fn dataset(self, names: Vec<String>, labels_from: u32) -> Result<Dataset> {
        let bad = |reason: String| Error::data(self.labels_path.display(), reason);
        let last = labels_from as usize + names.len() - 1;
        let class = |(example, &label): (usize, &u32)| match label.checked_sub(labels_from) {
            Some(class) if (class as usize) < names.len() => Ok(class),
            _ => Err(bad(format!("example {example} has label {label}, but labels go from {labels_from} to {last}"))),
        };
        let labels = self.labels.iter().enumerate().map(class).collect::<Result<Vec<_>>>()?;
        // A value that is not finite.
        let named = |error| match error {
            Error::Data { reason, .. } => Error::data(self.images_path.display(), reason),
            other => other,
        };
        Dataset::new(self.features, Targets::Classes { labels, names }, &self.shape).map_err(named)
    }
}
