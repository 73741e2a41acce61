use super::DiskDataset;
use super::dataset::Footer;
use super::layout::RowLayout;
use crate::data::{Dataset, Targets};
use crate::text::hex;
use crate::{Error, Result};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes a data set to a file, some rows at a time. Without [`Self::finish`] the file is none.
///
/// ```
/// use furlough::data::{Dataset, DiskWriter};
/// use ndarray::array;
/// # let path = std::env::temp_dir().join("furlough-doc-writer.rows");
/// let mut writer = DiskWriter::create(&path)?;
/// for rows in [array![[1.0, 2.0]], array![[3.0, 4.0]]] {
///     writer.append(&Dataset::regression(rows, array![0.5])?)?;
/// }
/// let data = writer.finish()?;
/// assert_eq!((data.len(), data.read(1..2)?), (2, Dataset::regression(array![[3.0, 4.0]], array![0.5])?));
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DiskWriter {
    path: PathBuf,
    out: BufWriter<File>,
    hash: Sha256,
    /// What is known of the rows so far; none before the first ones.
    begun: Option<(RowLayout, Footer)>,
    bytes: Vec<u8>,
}

/// Bytes that are written at once.
const BUFFER: usize = 1 << 20;

impl DiskWriter {
    /// Begins a file, in place of what there may be.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(Error::io("write", path))?;
        let out = BufWriter::with_capacity(BUFFER, file);
        Ok(DiskWriter { path: path.into(), out, hash: Sha256::new(), begun: None, bytes: Vec::new() })
    }

    /// Adds the rows of a data set, each of which looks like those before.
    ///
    /// # Errors
    /// [`Error::Io`] when the disk is full, [`Error::Data`] when shape, classes or weights differ
    /// from those of the first rows, or rows are more than 2³² − 1.
    pub fn append(&mut self, data: &Dataset) -> Result<()> {
        let all: Vec<u32> = (0..data.len() as u32).collect();
        self.append_some(data, data.weights(), &all)
    }

    /// Adds some rows of a data set, in this order, as [`Self::append`] does. Weights are given
    /// apart, one an example: those of some rows may all be 0.
    ///
    /// # Errors
    /// As [`Self::append`], and [`Error::Data`] for a weight that is no finite number of at least
    /// 0. After an [`Error::Data`] the rows are those before the call.
    ///
    /// # Panics
    /// When there is no such row, or no weight of it.
    pub fn append_some(&mut self, data: &Dataset, weights: Option<&[f32]>, rows: &[u32]) -> Result<()> {
        let refused = |reason: String| Err(Error::data(self.path.display(), reason));
        let own = RowLayout::of(data, weights.is_some());
        let like = Footer::like(data, own);
        if self.begun.as_ref().is_some_and(|(layout, footer)| *layout != own || !footer.is_like(&like)) {
            return refused("rows differ in shape, names, classes or weights".into());
        }
        if self.rows() + rows.len() as u64 > u64::from(u32::MAX) {
            return refused(format!("has more than {} rows, the most", u32::MAX));
        }
        let mut used = weights.into_iter().flat_map(|weights| rows.iter().map(|&row| weights[row as usize]));
        if let Some(weight) = used.find(|weight| !(weight.is_finite() && *weight >= 0.0)) {
            return refused(format!("a row has weight {weight}; weights are finite numbers of at least 0"));
        }
        // Nothing has changed up to here.
        let (layout, footer) = self.begun.get_or_insert((own, like));
        footer.rows += rows.len() as u64;
        let mut features = vec![0.0; data.features()];
        for row in rows.iter().map(|&row| row as usize) {
            let weight = weights.map(|weights| weights[row]);
            layout.encode(data, row, weight, &mut features, &mut self.bytes);
            let weight = f64::from(weight.unwrap_or(1.0));
            footer.total_weight += weight;
            match data.targets() {
                Targets::Classes { labels, .. } => {
                    footer.weight_of_class[labels[row] as usize] += weight;
                }
                Targets::Values(values) => {
                    for (range, &value) in footer.target_range.iter_mut().zip(values.row(row)) {
                        *range = [range[0].min(value), range[1].max(value)];
                    }
                }
            }
            if self.bytes.len() >= BUFFER {
                write(&self.path, &mut self.out, &mut self.hash, &mut self.bytes)?;
            }
        }
        write(&self.path, &mut self.out, &mut self.hash, &mut self.bytes)
    }

    /// Returns how many rows there are.
    pub fn rows(&self) -> u64 {
        self.begun.as_ref().map_or(0, |(_, footer)| footer.rows)
    }

    /// Ends the file and opens it.
    ///
    /// # Errors
    /// [`Error::Io`] when the disk is full, [`Error::Data`] when there is no row, or no row counts.
    pub fn finish(self) -> Result<DiskDataset> {
        let DiskWriter { path, mut out, mut hash, begun, .. } = self;
        let Some((_, mut footer)) = begun else {
            return Err(Error::data(path.display(), "has 0 examples; at least one is needed"));
        };
        hash.update(footer.to_json());
        footer.fingerprint = hex(hash.finalize().as_slice());
        let text = footer.to_json();
        let mut end = || {
            out.write_all(text.as_bytes())?;
            out.write_all(&(text.len() as u64).to_le_bytes())?;
            out.write_all(Footer::MAGIC)?;
            out.flush()
        };
        end().map_err(Error::io("write", &path))?;
        drop(out);
        DiskDataset::open_written(&path)
    }
}

fn write(path: &Path, out: &mut BufWriter<File>, hash: &mut Sha256, bytes: &mut Vec<u8>) -> Result<()> {
    hash.update(&bytes);
    out.write_all(bytes).map_err(Error::io("write", path))?;
    bytes.clear();
    Ok(())
}
