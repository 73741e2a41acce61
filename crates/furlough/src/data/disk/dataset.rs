use super::BlockShuffle;
use super::layout::RowLayout;
use crate::data::examples::is_code;
use crate::data::{Dataset, Examples, Features, Targets};
use crate::text::hex;
use crate::{Error, Result};
use ndarray::{Array2, ArrayView1};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Examples and their targets in a file that [`DiskWriter`](super::DiskWriter) wrote, row after
/// row. Only what is asked for is read.
#[derive(Debug)]
pub struct DiskDataset {
    path: PathBuf,
    pub(super) file: File,
    pub(super) layout: RowLayout,
    footer: Footer,
    /// One row that looks like all others.
    like: Dataset,
    shuffle: BlockShuffle,
}

/// What stands at the end of the file: its JSON, the length of that in eight bytes, and a mark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Footer {
    version: u32,
    shape: Vec<usize>,
    feature_names: Vec<String>,
    /// How many levels each feature has that is a code, as [`Examples::with_levels`] takes them.
    levels: Vec<u32>,
    /// None where numbers are predicted.
    classes: Vec<String>,
    targets: usize,
    weighted: bool,
    pub(super) rows: u64,
    pub(super) total_weight: f64,
    pub(super) weight_of_class: Vec<f64>,
    /// The least and the greatest of each number to predict.
    pub(super) target_range: Vec<[f32; 2]>,
    pub(super) fingerprint: String,
}

/// The version of the file.
const VERSION: u32 = 1;

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// Bytes of a window unless told otherwise.
const WINDOW: usize = 64 << 20;

impl Footer {
    /// What the file ends with.
    pub(super) const MAGIC: &[u8; 8] = b"furlrows";

    /// Begins that of rows which look like those of a data set.
    pub(super) fn like(data: &Dataset, layout: RowLayout) -> Self {
        let classes = data.class_names().to_vec();
        Footer {
            version: VERSION,
            shape: data.shape().to_vec(),
            feature_names: data.feature_names().to_vec(),
            levels: data.levels().to_vec(),
            targets: layout.targets,
            weighted: layout.weighted,
            rows: 0,
            total_weight: 0.0,
            weight_of_class: vec![0.0; classes.len()],
            target_range: vec![[f32::MAX, f32::MIN]; layout.targets],
            classes,
            fingerprint: String::new(),
        }
    }

    /// Whether rows of one look like those of the other.
    pub(super) fn is_like(&self, other: &Footer) -> bool {
        (&self.shape, &self.feature_names, &self.levels, &self.classes)
            == (&other.shape, &other.feature_names, &other.levels, &other.classes)
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain data is always JSON")
    }

    /// Returns the bytes of a row; none where no number holds them.
    fn row_bytes(&self) -> Option<u64> {
        let features = self.shape.iter().try_fold(1, |product: usize, &size| product.checked_mul(size))?;
        let layout = RowLayout { features, targets: self.targets, weighted: self.weighted };
        layout.checked_bytes()
    }

    /// Whether it goes with rows that take so many bytes. Room for a row may be made only where it
    /// does.
    fn fits(&self, rows_end: u64) -> bool {
        let bytes = self.row_bytes().and_then(|row| self.rows.checked_mul(row));
        let has_classes = !self.classes.is_empty();
        bytes == Some(rows_end)
            && (1..=u64::from(u32::MAX)).contains(&self.rows)
            && has_classes == (self.targets == 0)
            && self.weight_of_class.len() == self.classes.len()
            && self.target_range.len() == self.targets
    }

    /// Returns a data set of rows of zeros that looks like the file's.
    fn blank(&self, rows: usize) -> Result<Dataset> {
        let features = Array2::zeros((rows, self.shape.iter().product()));
        let examples = Examples::new(Features::Floats(features), &self.shape)?;
        let examples = match &self.feature_names[..] {
            [] => examples,
            names => examples.with_feature_names(names.iter().map(String::as_str))?,
        };
        let examples = if self.levels.is_empty() { examples } else { examples.with_levels(self.levels.clone())? };
        let targets = match self.targets {
            0 => Targets::Classes { labels: vec![0; rows], names: self.classes.clone() },
            columns => Targets::Values(Array2::zeros((rows, columns))),
        };
        let data = Dataset::of(examples, targets)?;
        if self.weighted { data.with_weights(vec![1.0; rows]) } else { Ok(data) }
    }
}

impl DiskDataset {
    /// Opens a file and reads all of it once, to see that it is as it was written.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::File`] when it is no such file, or another
    /// than was written.
    pub fn open(path: &Path) -> Result<Self> {
        let data = DiskDataset::open_written(path)?;
        let mut hash = Sha256::new();
        data.for_each_piece(0..data.len(), PIECE, |bytes, _| hash.update(bytes))?;
        hash.update(Footer { fingerprint: String::new(), ..data.footer.clone() }.to_json());
        if hex(hash.finalize().as_slice()) != data.footer.fingerprint {
            return Err(Error::file(path, "is damaged: it has other bytes than were written. Remove it"));
        }
        Ok(data)
    }

    /// Opens a file that has just been written: it is not read to see that it is as it was.
    ///
    /// # Errors
    /// As [`Self::open`], but for damage within the rows.
    pub fn open_written(path: &Path) -> Result<Self> {
        let mut file = File::open(path).map_err(Error::io("read", path))?;
        let bad = |reason: &str| Error::file(path, format!("is no finished file of rows: {reason}. Remove it"));
        let (footer, rows_end) = read_footer(&mut file, path, &bad)?;
        if footer.version != VERSION {
            return Err(bad(&format!("it has version {}, and this furlough reads {VERSION}", footer.version)));
        }
        if !footer.fits(rows_end) {
            return Err(bad("its end contradicts its length"));
        }
        let like = footer.blank(1).map_err(|error| bad(&error.to_string()))?;
        let layout = RowLayout::of(&like, footer.weighted);
        if footer.total_weight.is_nan() || footer.total_weight <= 0.0 {
            return Err(Error::data(path.display(), "has weights that are all 0; at least one example must count"));
        }
        let shuffle = BlockShuffle::of_bytes(layout.bytes(), PIECE, WINDOW);
        Ok(DiskDataset { path: path.into(), file, layout, footer, like, shuffle })
    }

    /// Returns the number of examples, at least 1.
    #[allow(clippy::len_without_is_empty)] // there is always one
    pub fn len(&self) -> usize {
        self.footer.rows as usize // below 2^32
    }

    /// Returns the data set with another order of its epochs. Without it a block has a mebibyte of
    /// rows, and a window 64 of them.
    ///
    /// # Errors
    /// Those of [`BlockShuffle::validate`], and [`Error::Setting`] when a window has more than 2³²
    /// places.
    pub fn with_shuffle(mut self, shuffle: BlockShuffle) -> Result<Self> {
        shuffle.validate_for(self.len())?;
        self.shuffle = shuffle;
        Ok(self)
    }

    /// Returns in which order training takes the rows.
    pub fn shuffle(&self) -> BlockShuffle {
        self.shuffle
    }

    /// Returns where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a data set of one blank row that has the shape, the names and the classes of all.
    pub fn like(&self) -> &Dataset {
        &self.like
    }

    /// Returns the sum of the examples' weights, which is their number where there are no weights.
    pub fn total_weight(&self) -> f64 {
        self.footer.total_weight
    }

    /// Returns the sum of the weights of each class's examples; nothing for numbers.
    pub fn weight_of_class(&self) -> &[f64] {
        &self.footer.weight_of_class
    }

    /// Returns the least and the greatest of each number to predict; nothing for classes.
    pub fn target_range(&self) -> &[[f32; 2]] {
        &self.footer.target_range
    }

    /// Returns what the file holds in 64 hexadecimal digits: other rows, names or classes give
    /// others. It is not the [`fingerprint`](crate::files::fingerprint) of the same rows in memory.
    pub fn fingerprint(&self) -> &str {
        &self.footer.fingerprint
    }

    /// Returns the bytes that a row takes in the file.
    pub fn row_bytes(&self) -> usize {
        self.layout.bytes()
    }

    /// Reads some of the examples, in their order.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read, [`Error::File`] for a value that no data set
    /// has.
    ///
    /// # Panics
    /// When there is no example, or one that does not exist.
    pub fn read(&self, examples: Range<usize>) -> Result<Dataset> {
        let mut batch = DiskBatch::new(self, examples.len());
        batch.read(self, examples)?;
        let mut data = batch.data;
        data.forget_part();
        Ok(data)
    }

    /// Goes through some of the rows' bytes, whole rows of about so many bytes at a time, and tells
    /// how many rows they are.
    fn for_each_piece(&self, rows: Range<usize>, piece: usize, mut take: impl FnMut(&[u8], usize)) -> Result<()> {
        let width = self.layout.bytes();
        let most = (piece / width).max(1);
        let mut bytes = vec![0; most.min(rows.len()) * width];
        for first in rows.clone().step_by(most) {
            let count = most.min(rows.end - first);
            let bytes = &mut bytes[..count * width];
            read_at(&self.file, (first * width) as u64, bytes).map_err(Error::io("read", &self.path))?;
            take(bytes, count);
        }
        Ok(())
    }

    /// Returns the error of a value that no data set has.
    pub(super) fn damaged(&self) -> Error {
        Error::file(&self.path, "is damaged: a value is not finite, of no class or of no level. Remove it")
    }
}

/// Reads the bytes at a place.
#[cfg(unix)]
pub(super) fn read_at(file: &File, place: u64, bytes: &mut [u8]) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, place)
}

/// Reads the bytes at a place. The handle's own place moves.
#[cfg(not(unix))]
pub(super) fn read_at(mut file: &File, place: u64, bytes: &mut [u8]) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(place))?;
    std::io::Read::read_exact(&mut file, bytes)
}

fn read_footer(file: &mut File, path: &Path, bad: &dyn Fn(&str) -> Error) -> Result<(Footer, u64)> {
    let io = || Error::io("read", path);
    let length = file.seek(SeekFrom::End(0)).map_err(io())?;
    let mut end = [0; 16];
    let Some(tail) = length.checked_sub(end.len() as u64) else { return Err(bad("it is too short")) };
    read_at(file, tail, &mut end).map_err(io())?;
    let (size, mark) = end.split_at(8);
    let size = u64::from_le_bytes(size.try_into().unwrap_or_default());
    let rows_end = tail.checked_sub(size).filter(|_| mark == Footer::MAGIC && size < 1 << 30);
    let Some(rows_end) = rows_end else { return Err(bad("its end is missing")) };
    let mut text = vec![0; size as usize];
    read_at(file, rows_end, &mut text).map_err(io())?;
    let footer = serde_json::from_slice(&text).map_err(|error| bad(&error.to_string()))?;
    Ok((footer, rows_end))
}

/// Some rows of a file as a data set, which are replaced by others in place. Their masks go by
/// their numbers in the file.
#[derive(Debug)]
pub(crate) struct DiskBatch {
    data: Dataset,
    /// 0, 1, 2, …
    places: Vec<u32>,
    count: usize,
}

impl DiskBatch {
    /// Makes room for so many rows, at least 1.
    ///
    /// # Panics
    /// When there is to be no row.
    pub(crate) fn new(data: &DiskDataset, rows: usize) -> Self {
        let mut blank = data.footer.blank(rows).expect("checked when the file was opened");
        blank.be_part_of(data.len());
        DiskBatch { data: blank, places: (0..rows as u32).collect(), count: 0 }
    }

    /// Begins other rows.
    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// Adds a row by its bytes and its number.
    pub(super) fn push(&mut self, layout: RowLayout, record: &[u8], number: u32) {
        layout.decode(record, &mut self.data, self.count);
        self.data.set_number(self.count, number);
        self.count += 1;
    }

    /// Whether all values are such as a data set has.
    pub(super) fn is_sound(&mut self) -> bool {
        let (count, width) = (self.count, self.data.features());
        let classes = self.data.outputs() as u32;
        let (rows, targets, weights) = self.data.rows_mut();
        let targets = match targets {
            Targets::Classes { labels, .. } => labels[..count].iter().all(|&label| label < classes),
            Targets::Values(values) => values.rows().into_iter().take(count).flatten().all(|value| value.is_finite()),
        };
        let weight = |weight: &f32| weight.is_finite() && *weight >= 0.0;
        let weights = weights.as_ref().is_none_or(|weights| weights[..count].iter().all(weight));
        let numbers = rows[..count * width].iter().all(|value| value.is_finite());
        targets && numbers && weights && self.has_codes()
    }

    /// Whether each category has the code of a level.
    fn has_codes(&self) -> bool {
        let (levels, Features::Floats(rows)) = (self.data.levels(), self.data.inputs()) else { return true };
        let of_levels =
            |row: ArrayView1<'_, f32>| levels.iter().zip(row).all(|(&levels, &value)| is_code(levels, value));
        levels.is_empty() || rows.rows().into_iter().take(self.count).all(of_levels)
    }

    /// Reads the rows of a range in place of those before.
    ///
    /// # Errors
    /// As [`DiskDataset::read`].
    pub(crate) fn read(&mut self, data: &DiskDataset, rows: Range<usize>) -> Result<()> {
        let (layout, width) = (data.layout, data.layout.bytes());
        let mut number = rows.start as u32;
        self.clear();
        data.for_each_piece(rows, PIECE, |bytes, _| {
            for record in bytes.chunks_exact(width) {
                self.push(layout, record, number);
                number += 1;
            }
        })?;
        if self.is_sound() { Ok(()) } else { Err(data.damaged()) }
    }

    /// Returns the data set that the rows are in, and their places there.
    pub(crate) fn rows(&self) -> (&Dataset, &[u32]) {
        (&self.data, &self.places[..self.count])
    }
}
