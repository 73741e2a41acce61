use super::table::{FOLDS, completed, is_whole, partition_of, with_folds};
use crate::recipe::{Settings, TableInput};
use crate::{Error, Result};
use furlough::data::{BlockShuffle, Partition};
use furlough_tables::model::TableRecipe;
use furlough_tables::{DiskOptions, DiskTable, Preset, TableSurvey};
use std::path::Path;

/// The rows of a table that is larger than the memory that may be used: they are learned from piece
/// by piece.
#[derive(Debug, Clone)]
pub struct DiskSource {
    input: TableInput,
    shuffle: BlockShuffle,
    /// What the first pass over the file found, with the partition that it went by; none where a
    /// run goes on whose rows may be there still.
    survey: Option<(Partition, TableSurvey)>,
}

/// How a table is to be learned from that may be too large for memory.
pub enum Surveyed {
    /// In memory, of which it takes about so many bytes.
    InMemory(u64),
    /// Piece by piece.
    OnDisk(Box<DiskSource>),
}

/// The least memory that may be asked for.
pub const LEAST_MEMORY: u64 = 100_000_000;

/// Bytes of a block.
const BLOCK: u64 = 1 << 20;

/// What the program takes, and reading the file.
const PROGRAM: u64 = 48_000_000;

/// Two windows are in memory, and each takes this part of what is left: the rest is for the
/// network.
const WINDOW_PART: u64 = 3;

impl DiskSource {
    /// Reads the file of a table once, and decides how it is learned from in so many bytes of
    /// memory. The rows that validate are those that `said` says, as for a table in memory.
    ///
    /// # Errors
    /// [`Error::Engine`] for less memory than [`LEAST_MEMORY`], or than two windows of one block
    /// take; those of [`TableSurvey::of`].
    pub fn survey(
        input: TableInput,
        (said, preset): (&Settings, Preset),
        memory: u64,
        threads: usize,
    ) -> Result<Surveyed> {
        let refused = |reason: &str| Err(Error::setting("memory", memory, reason));
        if memory < LEAST_MEMORY {
            return refused("reading and computing take 100 MB at least");
        }
        let data = Some(input.name());
        let said = with_folds(Settings { data, table: Some(input.clone()), ..said.clone() }, FOLDS);
        let partition = partition_of(&said, preset, &input.schema)?;
        let survey = TableSurvey::of(&disk_options(&input, &partition), threads)?;
        let bytes = survey.bytes_in_memory();
        if bytes <= memory {
            return Ok(Surveyed::InMemory(bytes));
        }
        let header = &survey.header.preprocessing;
        let weight = input.schema.with_the_role(furlough_tables::Role::Weight).count();
        let targets = input.schema.with_the_role(furlough_tables::Role::Target).count();
        // Four bytes each, and the number of the row.
        let row = 4 * (header.width() + targets + weight + 1) as u64;
        let block_rows = (BLOCK / row).max(1);
        let window_blocks = (memory - PROGRAM) / WINDOW_PART / (block_rows * row);
        if window_blocks == 0 {
            return refused("rows are so wide that two blocks of them take more");
        }
        let shuffle =
            BlockShuffle { block_rows: block_rows as u32, window_blocks: window_blocks.min(u32::MAX.into()) as u32 };
        let input = TableInput { on_disk: Some(shuffle), ..input };
        Ok(Surveyed::OnDisk(Box::new(DiskSource { input, shuffle, survey: Some((partition, survey)) })))
    }

    /// Takes the table of a recipe; none where it is learned from in memory.
    pub fn of_recipe(input: &TableInput) -> Option<Self> {
        input.on_disk.map(|shuffle| DiskSource { input: input.clone(), shuffle, survey: None })
    }

    /// Returns the table, and all that was decided of it.
    pub fn input(&self) -> &TableInput {
        &self.input
    }

    /// Returns what was said and, where nothing was said, what suits a table of such a size, as
    /// [`TableSource::settings`](super::TableSource::settings) does, without what needs all rows in
    /// memory.
    ///
    /// # Errors
    /// [`Error::Table`] when the table has no target.
    pub fn settings(&self, said: Settings, preset: Preset) -> Result<(Settings, Option<String>)> {
        let (data, table) = (Some(self.input.name()), Some(self.input.clone()));
        let said = with_folds(Settings { data, table, ..said }, FOLDS);
        let Some((_, survey)) = self.survey.as_ref().filter(|_| !is_whole(&said)) else { return Ok((said, None)) };
        let fit = &survey.header.preprocessing;
        let sizes = (survey.rows.train as usize, fit.width(), fit.target()?.task());
        Ok(completed(said, preset, sizes, TableRecipe::without_all_rows))
    }

    /// Returns the rows of a run in files of a folder: those that are there already, if they are
    /// of this table and whole, and otherwise they are written.
    ///
    /// # Errors
    /// Those of [`TableSurvey::of`], [`DiskTable::open`] and [`DiskTable::write`].
    pub(super) fn rows(&self, partition: &Partition, folder: &Path, threads: usize) -> Result<DiskTable> {
        let options = disk_options(&self.input, partition);
        if let Some(table) = DiskTable::open(folder, &options, self.shuffle)? {
            return Ok(table);
        }
        let found = self.survey.as_ref().filter(|(of, _)| of == partition).map(|(_, survey)| survey.clone());
        let survey = found.map_or_else(|| TableSurvey::of(&options, threads), Ok)?;
        let written = DiskTable::write(folder, &options, &survey, self.shuffle, threads);
        written.map_err(|error| {
            let _ = DiskTable::remove_from(folder); // the first error is the one to tell
            error.into()
        })
    }

    /// Returns the error of whoever needs all rows in memory.
    pub(super) fn not_in_memory(&self) -> Error {
        let reason = "is learned from piece by piece, as --memory asked, so it is not read whole for this; name a \
                      smaller table, or train without --memory";
        Error::data(&self.input.file, reason)
    }
}

fn disk_options<'a>(input: &'a TableInput, partition: &Partition) -> DiskOptions<'a> {
    DiskOptions {
        file: Path::new(&input.file),
        test_file: input.test_file.as_deref().map(Path::new),
        schema: &input.schema,
        preprocessing: input.preprocessing,
        test_fraction: input.test_fraction,
        test_seed: input.test_seed,
        partition: *partition,
    }
}
