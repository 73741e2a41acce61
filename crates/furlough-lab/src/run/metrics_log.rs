use crate::recipe::Recipe;
use crate::{Error, Result};
use furlough::counted;
use furlough::data::EvalSplit;
use furlough::files::{open_file, open_file_with, read_file, write_atomic};
use furlough::train::EpochSummary;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A line of the log: an epoch's figures, and how long it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The figures.
    #[serde(flatten)]
    pub summary: EpochSummary,
    /// Seconds that the epoch took, its evaluation included.
    pub seconds: f64,
}

impl EpochRecord {
    /// Returns whether the network after this epoch answers in numbers.
    pub fn is_good(&self) -> bool {
        self.summary.eval_loss().is_none_or(f64::is_finite)
    }

    /// Names its figures as those of `split`: older versions wrote `test_loss` for validation too.
    pub(super) fn of_split(mut self, split: EvalSplit) -> Self {
        if let Some(eval) = &mut self.summary.eval {
            eval.split = split;
        }
        self
    }
}

/// Returns the epoch whose network a run has when it is finished: with early stopping the best one
/// so far, otherwise the last. None before the first.
pub fn final_record<'a>(recipe: &Recipe, records: &'a [EpochRecord]) -> Option<&'a EpochRecord> {
    let best = best_epoch(recipe, records);
    best.map_or(records.last(), |epoch| records.iter().find(|record| record.summary.epoch == epoch))
}

/// Returns the best epoch of a run so far, where it may stop early.
pub fn best_epoch(recipe: &Recipe, records: &[EpochRecord]) -> Option<u32> {
    recipe.early_stopping()?.best_epoch(records.iter().map(|record| &record.summary))
}

/// The epochs of a run as a file of JSON lines, open for the next one.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    records: Vec<EpochRecord>,
    bytes: u64,
}

impl MetricsLog {
    /// Begins an empty log.
    ///
    /// # Errors
    /// [`furlough::Error::Io`] when it cannot be written.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        write_atomic(&path, b"")?;
        Ok(MetricsLog { path, records: Vec::new(), bytes: 0 })
    }

    /// Opens the log of a run of which `epochs` are finished: lines of later epochs, which the run
    /// will compute again, and a line that was only begun are taken out of the file. Lines in which
    /// an older version called validation figures `test_loss` and `test_accuracy` are written anew,
    /// so that all lines have the same keys. `split` is what judges the run.
    ///
    /// # Errors
    /// [`Error::Run`] when the log is damaged or lacks an epoch, [`furlough::Error::Io`] when it
    /// cannot be read or written.
    pub fn resume(path: impl Into<PathBuf>, epochs: u32, split: EvalSplit) -> Result<Self> {
        let path = path.into();
        let text = read_file(&path)?;
        let (mut records, mut ends) = parse(&path, &text)?;
        if records.len() < epochs as usize {
            let reason = format!(
                "has {}, but the checkpoint beside it is from after epoch {epochs}; \
                 restore the file from a copy, or train again in another folder",
                counted(records.len(), "epoch")
            );
            return Err(Error::run(&path, reason));
        }
        records.truncate(epochs as usize);
        ends.truncate(epochs as usize);
        let end = ends.last().copied().unwrap_or(0);
        let is_other = records.iter().any(|record| record.summary.eval.is_some_and(|eval| eval.split != split));
        if !is_other {
            if end < text.len() {
                write_atomic(&path, &text[..end])?;
            }
            return Ok(MetricsLog { path, records, bytes: end as u64 });
        }
        let records: Vec<_> = records.into_iter().map(|record| record.of_split(split)).collect();
        let lines: Result<Vec<_>> = records.iter().map(|record| json_line(&path, record)).collect();
        let text = lines?.concat();
        write_atomic(&path, &text)?;
        Ok(MetricsLog { path, records, bytes: text.len() as u64 })
    }

    /// The epochs so far.
    pub fn records(&self) -> &[EpochRecord] {
        &self.records
    }

    /// Adds an epoch and waits until it is on the disk.
    ///
    /// # Errors
    /// [`Error::Run`] when it is not the next epoch or its numbers are not finite;
    /// [`furlough::Error::Io`] when it cannot be written, with the log as it was.
    pub fn append(&mut self, record: EpochRecord) -> Result<()> {
        let line = self.line(&record)?;
        write_line(&self.path, self.bytes, &line)?;
        flush(&self.path)?;
        self.bytes += line.len() as u64;
        self.records.push(record);
        Ok(())
    }

    /// [`Self::append`] in parts: the epoch counts as added, calling the result writes it, and
    /// [`flush`] waits for the disk.
    pub(super) fn begin_append(&mut self, record: EpochRecord) -> Result<super::background::Task> {
        let line = self.line(&record)?;
        let (path, bytes) = (self.path.clone(), self.bytes);
        self.bytes += line.len() as u64;
        self.records.push(record);
        Ok(Box::new(move || write_line(&path, bytes, &line)))
    }

    fn line(&self, record: &EpochRecord) -> Result<Vec<u8>> {
        let refuse = |reason: String| Err(Error::run(&self.path, reason));
        let next = self.records.len() + 1;
        if record.summary.epoch as usize != next {
            return refuse(format!("expected epoch {next}, not epoch {}", record.summary.epoch));
        }
        if !record.summary.train_loss.is_finite() || !record.seconds.is_finite() {
            return refuse(format!("epoch {next} has a training loss or a time that is not finite"));
        }
        json_line(&self.path, record)
    }
}

fn json_line(path: &Path, record: &EpochRecord) -> Result<Vec<u8>> {
    let mut line = serde_json::to_vec(record).map_err(|error| Error::run(path, error.to_string()))?;
    line.push(b'\n');
    Ok(line)
}

/// Adds a line to a log of `bytes` bytes.
fn write_line(path: &Path, bytes: u64, line: &[u8]) -> Result<()> {
    let mut file = open_file_with(File::options().append(true), path).map_err(Error::io("write", path))?;
    file.write_all(line).map_err(|error| {
        // A line that was only begun would look torn. If even this fails, reading forgives a torn
        // last line.
        let _ = file.set_len(bytes);
        Error::io("write", path)(error)
    })
}

/// Waits until a file is on the disk.
pub(super) fn flush(path: &Path) -> Result<()> {
    open_file(path).and_then(|file| file.sync_all()).map_err(Error::io("write", path))
}

/// Reads a log. A last line that was only begun, because its writer was killed, is passed over;
/// nothing else is. `split` is what judges the run: older versions called validation figures
/// `test_loss` and `test_accuracy` too.
///
/// # Errors
/// [`furlough::Error::Io`] when it cannot be read, [`Error::Run`] naming the line that is damaged.
pub fn read_metrics(path: &Path, split: EvalSplit) -> Result<Vec<EpochRecord>> {
    let text = read_file(path)?;
    Ok(parse(path, &text)?.0.into_iter().map(|record| record.of_split(split)).collect())
}

/// The records, and where each one's line ends.
fn parse(path: &Path, text: &[u8]) -> Result<(Vec<EpochRecord>, Vec<usize>)> {
    let mut records: Vec<EpochRecord> = Vec::new();
    let mut ends = Vec::new();
    let mut end = 0;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        end += line.len();
        if !line.ends_with(b"\n") {
            break;
        }
        let number = records.len() + 1;
        let damaged = |how: String| {
            Error::run(
                path,
                format!("line {number} is damaged: {how}. Restore it from a copy, or train again in another folder"),
            )
        };
        let record: EpochRecord =
            serde_json::from_slice(line).map_err(|_| damaged("it is not the record of an epoch".into()))?;
        if record.summary.epoch as usize != number {
            return Err(damaged(format!("it is of epoch {}", record.summary.epoch)));
        }
        records.push(record);
        ends.push(end);
    }
    Ok((records, ends))
}
