//! Four IDX files in a folder, named as MNIST named them: images and labels, for training and for testing.

use super::{Dataset, Features, Split, Targets, idx};
use crate::{Error, Result};
use ndarray::Array2;
use std::path::{Path, PathBuf};

/// The four names, training before testing and images before labels. A file may also end in `.gz`, and may have a
/// dot for the dash before `idx`, as some copies have.
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

/// Loads a folder of anyone's own files: bytes are multiplied by 1/255, there are as many classes as the
/// highest label to learn from says, and they are named by their numbers. An example has the shape that the files give it.
///
/// # Errors
/// [`Error::Data`] or [`Error::Io`], naming the file, for a file that is missing or unsound, and for files that do not fit together.
pub fn load(folder: &Path) -> Result<Split> {
    load_with(folder, None, None)
}

/// Loads a folder of known files, checking the content of each; `names` are the classes' names.
///
/// # Errors
/// As [`load`], and when a file is not the one that is known.
pub fn load_known(folder: &Path, files: &[KnownFile; 4], names: &[&str]) -> Result<Split> {
    load_with(folder, Some(files), Some(names))
}

/// Where in `folder` the file of this name is.
///
/// # Errors
/// [`Error::Data`] when it is not there under any of the spellings that [`NAMES`] allows.
pub fn find(folder: &Path, name: &str) -> Result<PathBuf> {
    let dotted = name.replace("-idx", ".idx");
    [name.to_string(), format!("{name}.gz"), dotted.clone(), format!("{dotted}.gz")]
        .iter()
        .map(|spelling| folder.join(spelling))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            let fault = if folder.is_dir() { "is missing" } else { "is missing, and so is its folder" };
            Error::data(folder.join(name).display(), format!("{fault} (it may also be gzip'd, as {name}.gz)"))
        })
}

fn load_with(folder: &Path, known: Option<&[KnownFile; 4]>, names: Option<&[&str]>) -> Result<Split> {
    let read = |index: usize| {
        let path = find(folder, NAMES[index])?;
        let array = match known {
            Some(files) => idx::read_verified(&path, files[index].sha256)?,
            None => idx::read(&path)?,
        };
        Ok((path, array))
    };
    // Reading is mostly hashing, so the two parts are read side by side.
    let (train, test) = std::thread::scope(|scope| {
        let test = scope.spawn(|| Part::new(read(2)?, read(3)?));
        let train = read(0).and_then(|images| Part::new(images, read(1)?));
        (train, test.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let (train, test) = (train?, test?);
    if train.shape != test.shape {
        return Err(Error::data(
            folder.display(),
            format!("training examples have shape {:?}, test examples {:?}", train.shape, test.shape),
        ));
    }
    let names: Vec<String> = match names {
        Some(names) => names.iter().map(ToString::to_string).collect(),
        None => (0..=train.highest().max(1)).map(|label| label.to_string()).collect(),
    };
    Ok(Split { train: train.dataset(names.clone())?, test: test.dataset(names)? })
}

/// Images and labels that fit together.
struct Part {
    labels_path: PathBuf,
    shape: Vec<usize>,
    rows: Array2<u8>,
    labels: Vec<u8>,
}

type ReadFile = (PathBuf, idx::IdxArray);

impl Part {
    fn new((images_path, images): ReadFile, (labels_path, labels): ReadFile) -> Result<Self> {
        let bad = |path: &Path, reason: String| Err(Error::data(path.display(), reason));
        let (&[count, ref shape @ ..], &[label_count]) = (&images.shape[..], &labels.shape[..]) else {
            return bad(&labels_path, format!("labels need one dimension, not {:?}", labels.shape));
        };
        if shape.is_empty() {
            return bad(&images_path, "examples need two dimensions or more: their number, and their shape".into());
        }
        if count != label_count {
            return bad(&labels_path, format!("has {label_count} labels for {count} examples"));
        }
        let rows = Array2::from_shape_vec((count, shape.iter().product()), images.values)
            .map_err(|error| Error::data(images_path.display(), error.to_string()))?;
        Ok(Part { labels_path, shape: shape.to_vec(), rows, labels: labels.values })
    }

    fn highest(&self) -> u8 {
        self.labels.iter().copied().max().unwrap_or(0)
    }

    fn dataset(self, names: Vec<String>) -> Result<Dataset> {
        let labels = self.labels.into_iter().map(u32::from).collect();
        let features = Features::Bytes { rows: self.rows, scale: 1.0 / 255.0 };
        // All that can be wrong now is a label, so the error names that file.
        Dataset::new(features, Targets::Classes { labels, names }, &self.shape).map_err(|error| match error {
            Error::Data { reason, .. } => Error::data(self.labels_path.display(), reason),
            other => other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six training and four test examples of 2×3, three classes.
    fn write(folder: &Path) {
        let write = |index: usize, shape: &[usize], values: &[u8]| {
            std::fs::write(folder.join(NAMES[index]), idx::encode(shape, values).unwrap()).unwrap();
        };
        write(0, &[6, 2, 3], &(0..36).collect::<Vec<u8>>());
        write(1, &[6], &[0, 1, 2, 0, 1, 0]);
        write(2, &[4, 2, 3], &(100..124).collect::<Vec<u8>>());
        write(3, &[4], &[2, 1, 0, 2]);
    }

    #[test]
    fn loads_any_four_files() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path());
        let dotted = folder.path().join("t10k-images.idx3-ubyte");
        std::fs::rename(folder.path().join(NAMES[2]), dotted).unwrap();
        let split = load(folder.path()).unwrap();
        assert_eq!((split.train.len(), split.test.len(), split.train.outputs()), (6, 4, 3));
        assert_eq!((split.train.shape(), split.test.shape()), (&[2, 3][..], &[2, 3][..]));
        assert_eq!(split.test.class_names(), ["0", "1", "2"]);
        let mut row = [0.0; 6];
        split.test.read_row(1, &mut row);
        assert_eq!(row, [106, 107, 108, 109, 110, 111].map(|byte| byte as f32 * (1.0 / 255.0)));
    }

    #[test]
    fn each_fault_names_its_file() {
        let cases: [(usize, &[usize], &[u8], &str); 6] = [
            (1, &[5], &[0; 5], "train-labels-idx1-ubyte: has 5 labels for 6 examples"),
            (1, &[6, 1], &[0; 6], "train-labels-idx1-ubyte: labels need one dimension"),
            (0, &[6], &[0; 6], "train-images-idx3-ubyte: examples need two dimensions"),
            (2, &[4, 3, 2], &[0; 24], "training examples have shape [2, 3], test examples [3, 2]"),
            (3, &[3], &[0; 3], "t10k-labels-idx1-ubyte: has 3 labels for 4 examples"),
            (3, &[4], &[0, 9, 1, 2], "t10k-labels-idx1-ubyte: example 1 has label 9, but labels go from 0 to 2"),
        ];
        for (index, shape, values, expected) in cases {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path());
            std::fs::write(folder.path().join(NAMES[index]), idx::encode(shape, values).unwrap()).unwrap();
            let error = load(folder.path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error:?} should mention {expected:?}");
        }
    }

    #[test]
    fn known_files_are_checked_and_labels_must_have_names() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path());
        let known = NAMES.map(|name| {
            use sha2::{Digest, Sha256};
            let content = std::fs::read(folder.path().join(name)).unwrap();
            let sha256: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
            KnownFile { name, bytes: content.len() as u64, sha256: sha256.leak() }
        });
        assert_eq!(load_known(folder.path(), &known, &["a", "b", "c"]).unwrap().train.class_names(), ["a", "b", "c"]);
        let error = load_known(folder.path(), &known, &["a", "b"]).unwrap_err().to_string();
        assert!(error.contains("train-labels-idx1-ubyte: example 2 has label 2, but labels go from 0 to 1"), "{error}");

        let path = folder.path().join(NAMES[0]);
        let mut content = std::fs::read(&path).unwrap();
        content[20] ^= 1;
        std::fs::write(&path, content).unwrap();
        let error = load_known(folder.path(), &known, &["a", "b", "c"]).unwrap_err().to_string();
        assert!(error.contains("train-images-idx3-ubyte: is not the expected file"), "{error}");
        std::fs::remove_file(path).unwrap();
        let error = load_known(folder.path(), &known, &["a", "b", "c"]).unwrap_err().to_string();
        assert!(error.contains("train-images-idx3-ubyte: is missing"), "{error}");
    }
}
