use furlough::files::open_file;
use furlough_lab::run::EpochRecord;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// A metrics log that is read as it grows.
#[derive(Debug, Default)]
pub struct LogTail {
    records: Vec<EpochRecord>,
    /// The bytes of the records.
    read: u64,
    /// The file they were read from, and its length then.
    seen: Option<(Identity, u64)>,
    problem: Option<String>,
}

/// Which file it is: a log that is replaced, as when its run is resumed, is another file of the
/// same name.
type Identity = u64;

impl LogTail {
    /// The epochs that have been read.
    pub fn records(&self) -> &[EpochRecord] {
        &self.records
    }

    /// What is wrong with the log, if something is.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Reads what has been added to the log at `path`, and says from which record on the records
    /// are others than before. A last line without its end is left for later. A log that is not
    /// there is an empty one.
    ///
    /// # Errors
    /// When it cannot be read; the records stay as they were.
    pub fn read(&mut self, path: &Path) -> io::Result<Option<usize>> {
        let mut file = match open_file(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let had = !self.records.is_empty();
                *self = LogTail::default();
                return Ok(had.then_some(0));
            }
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        let now = (identity(&metadata), metadata.len());
        if self.seen == Some(now) {
            return Ok(None);
        }
        let same = self.seen.is_some_and(|(identity, length)| identity == now.0 && length <= now.1);
        self.seen = Some(now);
        if same && self.problem.is_none() {
            let before = self.records.len();
            self.take(&mut file)?;
            if self.problem.is_none() {
                return Ok((self.records.len() > before).then_some(before));
            }
        }
        // Another file, or one that was changed under our eyes: from the beginning.
        let had = !self.records.is_empty();
        *self = LogTail { seen: Some(now), ..LogTail::default() };
        self.take(&mut file)?;
        Ok((had || !self.records.is_empty()).then_some(0))
    }

    fn take(&mut self, file: &mut File) -> io::Result<()> {
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(self.read))?;
        file.read_to_end(&mut text)?;
        for line in text.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            let number = self.records.len() + 1;
            match serde_json::from_slice::<EpochRecord>(line) {
                Ok(record) if record.summary.epoch as usize == number => self.records.push(record),
                _ => {
                    self.problem = Some(format!("line {number} of the log is damaged"));
                    return Ok(());
                }
            }
            self.read += line.len() as u64;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn identity(metadata: &Metadata) -> Identity {
    let since = |time: std::time::SystemTime| time.duration_since(std::time::UNIX_EPOCH).ok();
    metadata.created().ok().and_then(since).map_or(0, |since| since.as_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    fn line(epoch: u32, loss: f64) -> String {
        format!(
            "{{\"epoch\":{epoch},\"train_loss\":{loss:?},\"train_accuracy\":null,\
             \"test_loss\":null,\"test_accuracy\":null,\"seconds\":1.0}}\n"
        )
    }

    fn append(path: &Path, text: &str) {
        File::options().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn a_torn_line_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut tail = LogTail::default();
        assert_eq!(tail.read(&path).unwrap(), None);
        let second = line(2, 0.5);
        append(&path, &line(1, 1.0));
        append(&path, &second[..40]);
        assert_eq!(tail.read(&path).unwrap(), Some(0));
        assert_eq!((tail.records().len(), tail.problem()), (1, None));
        assert_eq!(tail.read(&path).unwrap(), None);
        append(&path, &second[40..second.len() - 1]);
        assert_eq!(tail.read(&path).unwrap(), None);
        append(&path, "\n");
        assert_eq!(tail.read(&path).unwrap(), Some(1));
        assert_eq!(tail.records()[1].summary.train_loss, 0.5);
    }

    #[test]
    fn a_log_that_was_replaced_is_read_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut tail = LogTail::default();
        (1..=4).for_each(|epoch| append(&path, &line(epoch, 1.0)));
        assert_eq!(tail.read(&path).unwrap(), Some(0));
        // Resumed from epoch 2, and already further than before.
        let text: String = (1..=6).map(|epoch| line(epoch, if epoch < 3 { 1.0 } else { 0.123_456 })).collect();
        furlough::files::write_atomic(&path, text.as_bytes()).unwrap();
        assert_eq!(tail.read(&path).unwrap(), Some(0));
        assert_eq!((tail.records().len(), tail.records()[2].summary.train_loss), (6, 0.123_456));
        fs::write(&path, line(1, 2.0)).unwrap();
        assert_eq!(tail.read(&path).unwrap(), Some(0));
        assert_eq!((tail.records().len(), tail.records()[0].summary.train_loss), (1, 2.0));
        fs::remove_file(&path).unwrap();
        assert_eq!(tail.read(&path).unwrap(), Some(0));
        assert!(tail.records().is_empty());
        assert_eq!(tail.read(&path).unwrap(), None);
    }

    #[test]
    fn damage_is_told_and_forgotten_when_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut tail = LogTail::default();
        append(&path, &line(1, 1.0));
        append(&path, "nonsense\n");
        tail.read(&path).unwrap();
        assert_eq!((tail.records().len(), tail.problem()), (1, Some("line 2 of the log is damaged")));
        assert_eq!(tail.read(&path).unwrap(), None);
        append(&path, &line(2, 1.0));
        tail.read(&path).unwrap();
        assert_eq!(tail.problem(), Some("line 2 of the log is damaged"));
        furlough::files::write_atomic(&path, (line(1, 1.0) + &line(2, 1.0)).as_bytes()).unwrap();
        tail.read(&path).unwrap();
        assert_eq!((tail.records().len(), tail.problem()), (2, None));
    }
}
