use super::split::Part;
use super::survey::{DiskOptions, TableSurvey, for_each_block, with_targets};
use crate::error::{Error, Place, Result};
use crate::model::TableHeader;
use crate::preprocessing::{Preprocessing, Told};
use crate::readers::sniff;
use crate::table::Table;
use furlough::data::{BlockShuffle, Dataset, DiskDataset, DiskWriter, Partition};
use furlough::files::{read_file, sha256_hex, write_atomic};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// The rows of a table as a network sees them, in files of a folder: those that are learned from,
/// those that validate, and those that test. What a person's file holds stays as it is.
#[derive(Debug)]
pub struct DiskTable {
    folder: PathBuf,
    /// What is learned from.
    pub train: DiskDataset,
    /// What decides when to stop; none where the test set does.
    pub validation: Option<DiskDataset>,
    /// What is only ever judged by.
    pub test: Option<DiskDataset>,
    /// The schema and the preprocessing, which the model file keeps.
    pub header: TableHeader,
    /// What one may want to know of the table, a sentence each.
    pub notes: Vec<String>,
}

/// What stands beside the rows. Written last.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Beside {
    version: u32,
    /// What the rows were made of, but for what is in the files: other settings have another one.
    made_of: String,
    /// How the files were.
    files: Vec<FileState>,
    header: TableHeader,
    notes: Vec<String>,
    parts: Vec<String>,
}

/// What tells that a file is still as it was: its length, and the nanoseconds from 1970 until it
/// was changed, where the system says.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct FileState(u64, Option<u64>);

const VERSION: u32 = 1;
const BESIDE: &str = "table.json";
const TRAIN: &str = "train.rows";
const VALIDATION: &str = "validation.rows";
const TEST: &str = "test.rows";

impl DiskTable {
    /// Writes the rows of a table into a folder, which is made, in place of what there may be.
    /// `shuffle` is in which order training takes them. On any number of threads the files have the
    /// same bytes.
    ///
    /// # Errors
    /// Those of reading; [`Error::Engine`] when the disk is full; [`Error::Value`] for a weight
    /// that is none, and for a class of a test file that the other one lacks.
    pub fn write(
        folder: &Path,
        options: &DiskOptions<'_>,
        survey: &TableSurvey,
        shuffle: BlockShuffle,
        threads: usize,
    ) -> Result<Self> {
        fs::create_dir_all(folder).map_err(Error::io("write", folder))?;
        remove(&folder.join(BESIDE))?;
        let mut told = Told::default();
        let mut files = Files { folder, writers: [None, None, None] };
        let fit = &survey.header.preprocessing;
        let features = |table: Table| {
            let (table, rows) = with_targets(table)?;
            let made = match rows.is_empty() {
                true => None,
                false => Some((fit.unweighted(&table, &rows)?, Preprocessing::weights(&table, &rows)?)),
            };
            Ok((table, rows, made))
        };
        let mut splitter = options.splitter(survey.times);
        let format = options.format()?;
        for_each_block((options.file, &format), options.schema, threads, features, |_, (table, rows, made)| {
            let Some(((data, new), weights)) = made else { return Ok(()) };
            told.add(&new);
            files.append(&data, weights.as_deref(), &splitter.parts(&table, &rows)?)
        })?;
        if let Some(test) = options.test_file {
            for_each_block((test, &sniff(test)?), options.schema, threads, features, |_, (_, rows, made)| {
                let Some(((data, new), weights)) = made else { return Ok(()) };
                told.add(&new);
                files.append(&data, weights.as_deref(), &vec![Part::Test; rows.len()])
            })?;
            if files.writers[2].is_none() {
                let reason = "no row has a target, so it cannot be the test set";
                return Err(Error::format(test, Place::default(), reason));
            }
        }
        let tested = files.writers[2].as_ref().map_or(0, DiskWriter::rows);
        let parts = files.finish()?;
        let notes = survey.notes.iter().cloned().chain(told.sentences()).collect();
        let mut header = survey.header.clone();
        header.rows.iter_mut().for_each(|rows| rows.test = tested);
        let files = states(options).map(|state| state.map_err(Error::io("read", options.file)));
        let files = files.collect::<Result<_>>()?;
        let beside = Beside { version: VERSION, made_of: made_of(options), files, header, notes, parts };
        let text = serde_json::to_vec(&beside).map_err(std::io::Error::other);
        let text = text.map_err(Error::io("write", &folder.join(BESIDE)))?;
        write_atomic(&folder.join(BESIDE), &text)?;
        let open = |path: &Path| DiskDataset::open_written(path);
        DiskTable::assemble(folder, beside, shuffle, open)
    }

    /// Opens the rows that [`Self::write`] has written into a folder, of the same table and
    /// settings. Reads all of them once, to see that they are as they were written. A table that is
    /// not there any more cannot be another one. None where there are no such rows: they can be
    /// written again.
    ///
    /// # Errors
    /// [`Error::Engine`] when the files cannot be read.
    pub fn open(folder: &Path, options: &DiskOptions<'_>, shuffle: BlockShuffle) -> Result<Option<Self>> {
        let path = folder.join(BESIDE);
        if !path.exists() {
            return Ok(None);
        }
        let Ok(beside) = serde_json::from_slice::<Beside>(&read_file(&path)?) else { return Ok(None) };
        if beside.version != VERSION || beside.made_of != made_of(options) {
            return Ok(None);
        }
        let mut states = states(options).zip(&beside.files);
        if states.any(|(now, then)| now.is_ok_and(|now| now != *then)) {
            return Ok(None);
        }
        match DiskTable::assemble(folder, beside, shuffle, DiskDataset::open) {
            // Half of it was removed, or changed.
            Err(Error::Engine(furlough::Error::File { .. } | furlough::Error::Io { .. })) => Ok(None),
            opened => opened.map(Some),
        }
    }

    fn assemble(
        folder: &Path,
        beside: Beside,
        shuffle: BlockShuffle,
        open: impl Fn(&Path) -> furlough::Result<DiskDataset>,
    ) -> Result<Self> {
        let has = |name: &str| beside.parts.iter().any(|part| part == name);
        let part = |name: &str| -> Result<Option<DiskDataset>> {
            if has(name) { Ok(Some(open(&folder.join(name))?.with_shuffle(shuffle)?)) } else { Ok(None) }
        };
        let Some(train) = part(TRAIN)? else {
            return Err(Error::format(folder, Place::default(), "has no rows to learn from"));
        };
        let (validation, test) = (part(VALIDATION)?, part(TEST)?);
        Ok(DiskTable { folder: folder.into(), train, validation, test, header: beside.header, notes: beside.notes })
    }

    /// Removes the files, and the folder where nothing else is in it.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be removed.
    pub fn remove(&self) -> Result<()> {
        DiskTable::remove_from(&self.folder)
    }

    /// Removes the files that [`Self::write`] may have written into a folder, and the folder where
    /// nothing else is in it.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be removed.
    pub fn remove_from(folder: &Path) -> Result<()> {
        DiskTable::files_in(folder).iter().try_for_each(|path| remove(path))?;
        let _ = fs::remove_dir(folder); // something else is in it
        Ok(())
    }

    /// Returns the files that [`Self::write`] may write into a folder.
    pub fn files_in(folder: &Path) -> [PathBuf; 4] {
        [BESIDE, TRAIN, VALIDATION, TEST].map(|name| folder.join(name))
    }
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Returns what rows are made of, in few letters, but for what is in the files.
fn made_of(options: &DiskOptions<'_>) -> String {
    let DiskOptions { file, test_file, schema, preprocessing, test_fraction, test_seed, partition } = options;
    let Partition { train_examples, folds, fold, seed, stratified } = *partition;
    let partition = (train_examples, folds, fold, seed, stratified);
    let all = serde_json::json!([file, test_file, schema, preprocessing, test_fraction, test_seed, partition]);
    sha256_hex(all.to_string().as_bytes())
}

/// Returns how the files are that rows are made of.
fn states(options: &DiskOptions<'_>) -> impl Iterator<Item = std::io::Result<FileState>> {
    [Some(options.file), options.test_file].into_iter().flatten().map(|path| {
        let about = fs::metadata(path)?;
        let changed = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Ok(FileState(about.len(), changed.map(|since| since.as_nanos() as u64)))
    })
}

/// The files of the parts, which begin with their first rows.
struct Files<'a> {
    folder: &'a Path,
    /// Those that train, validate and test.
    writers: [Option<DiskWriter>; 3],
}

impl Files<'_> {
    /// Adds rows to the files of their parts.
    fn append(&mut self, data: &Dataset, weights: Option<&[f32]>, parts: &[Part]) -> Result<()> {
        let kinds = [(Part::Train, TRAIN), (Part::Validation, VALIDATION), (Part::Test, TEST)];
        for ((kind, name), writer) in kinds.into_iter().zip(&mut self.writers) {
            let of_kind = parts.iter().zip(0..).filter(|(part, _)| **part == kind);
            let rows: Vec<u32> = of_kind.map(|(_, row)| row).collect();
            if rows.is_empty() {
                continue;
            }
            let writer = match writer {
                Some(writer) => writer,
                none => none.insert(DiskWriter::create(&self.folder.join(name))?),
            };
            writer.append_some(data, weights, &rows)?;
        }
        Ok(())
    }

    /// Ends the files and returns their names.
    fn finish(self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for (writer, name) in self.writers.into_iter().zip([TRAIN, VALIDATION, TEST]) {
            if let Some(writer) = writer {
                writer.finish()?;
                names.push(name.to_string());
            }
        }
        Ok(names)
    }
}
