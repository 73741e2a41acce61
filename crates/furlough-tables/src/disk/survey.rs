use super::sample::TableSample;
use super::split::{Part, PartRows, Splitter, TimeCuts, check_parts};
use super::tally::Tally;
use crate::error::{Error, Place, Result};
use crate::model::{RowCounts, TableHeader, Work, in_order};
use crate::preprocessing::{
    Preprocessing, PreprocessingOptions, TargetColumn, TargetEncoder, TargetRows, classes_of, leaking_columns,
    named_like_target,
};
use crate::readers::{FileFormat, sniff};
use crate::schema::{Kind, Role, Schema};
use crate::table::{Column, Table, TableReader};
use furlough::data::Partition;
use std::path::Path;

/// What is learned of a table that is read from its file piece by piece, and how.
#[derive(Debug, Clone)]
pub struct DiskOptions<'a> {
    /// The file.
    pub file: &'a Path,
    /// A file with the test set, if it has one of its own.
    pub test_file: Option<&'a Path>,
    /// What the columns are.
    pub schema: &'a Schema,
    /// How they become features.
    pub preprocessing: PreprocessingOptions,
    /// The share of the rows that are the test set: 0 for none, and where there is a file of its
    /// own.
    pub test_fraction: f64,
    /// The seed of which rows these are.
    pub test_seed: u64,
    /// Which of the others validate. All others are learned from.
    pub partition: Partition,
}

/// What one pass over a file found: how its columns become features, and how many rows each part
/// has.
///
/// The scales of many training rows are fitted to a sample of them, chosen by a hash of their
/// number, and to the least and the greatest value of all; means, deviations, missing values and
/// levels are those of all training rows. Of up to 65,536 rows (fewer where there are more than 32
/// columns) the sample is all.
#[derive(Debug, Clone)]
pub struct TableSurvey {
    /// The schema and the preprocessing, fitted to the training rows.
    pub header: TableHeader,
    /// How many rows each part has.
    pub rows: PartRows,
    /// What one may want to know, a sentence each.
    pub notes: Vec<String>,
    pub(super) times: Option<TimeCuts>,
}

/// So many cells are kept as a sample, but so many rows at most and at least.
const SAMPLED_CELLS: usize = 1 << 21;
const SAMPLED_ROWS: std::ops::RangeInclusive<usize> = 1000..=1 << 16;

impl DiskOptions<'_> {
    /// Returns the format of the file.
    pub(super) fn format(&self) -> Result<FileFormat> {
        self.schema.format.clone().map_or_else(|| sniff(self.file), Ok)
    }

    pub(super) fn splitter(&self, times: Option<TimeCuts>) -> Splitter {
        Splitter::new((self.test_fraction, self.test_seed), &self.partition, times)
    }

    fn check(&self) -> Result<()> {
        self.partition.validate()?;
        self.preprocessing.validate()?;
        if self.partition.train_examples.is_some() {
            let (name, value) = ("train_examples".into(), self.partition.train_examples.unwrap_or(0).to_string());
            let reason = "a table that is read piece by piece is learned from whole; give a smaller file".into();
            return Err(Error::Engine(furlough::Error::Setting { name, value, reason }));
        }
        if self.schema.with_the_role(Role::Target).next().is_none() {
            let reason = "it has no target; name the column that is to be predicted".into();
            return Err(Error::Schema { path: None, reason });
        }
        Ok(())
    }
}

/// Reads all rows of a file as typed tables, on `threads` threads, in the order of the rows. `each`
/// works on some rows on any thread; `take` gets what it made on this one.
pub(super) fn for_each_block<Made: Send>(
    (path, format): (&Path, &FileFormat),
    schema: &Schema,
    threads: usize,
    each: impl Fn(Table) -> Result<Made> + Sync,
    mut take: impl FnMut(u64, Made) -> Result<()>,
) -> Result<()> {
    let mut reader = TableReader::open_labeled(path, schema, format, threads)?;
    let (next, maker) = reader.parts();
    let work = Work {
        start: || (),
        each: |_: &mut (), raw| {
            let block = maker.make(raw)?;
            let first_row = block.first_row;
            let made = each(block.table).map_err(|error| error.after_rows(first_row))?;
            Ok((first_row, made))
        },
    };
    in_order(threads, next, &work, |(first_row, made)| {
        take(first_row, made).map_err(|error: Error| error.after_rows(first_row))
    })
}

impl TableSurvey {
    /// Reads a file once; twice where rows are divided by time.
    ///
    /// # Errors
    /// Those of reading; [`Error::Engine`] for shares that make no sense or leave a part without
    /// rows; those of fitting, such as [`Error::Column`] when there is nothing to learn.
    pub fn of(options: &DiskOptions<'_>, threads: usize) -> Result<Self> {
        options.check()?;
        let format = options.format()?;
        let times = cuts(options, &format, threads)?;
        let mut pass = Pass::new(options, times);
        for_each_block((options.file, &format), options.schema, threads, with_targets, |first_row, (table, rows)| {
            pass.add(first_row, &table, &rows)
        })?;
        pass.finish(options, format, times)
    }

    /// Returns about how many bytes the same rows take that are read into memory to be learned
    /// from.
    pub fn bytes_in_memory(&self) -> u64 {
        let PartRows { train, validation, test, unused, dropped } = self.rows;
        let schema = &self.header.schema;
        let column = |kind: Kind| if matches!(kind, Kind::Number | Kind::Date) { 8 } else { 4 };
        let cells: u64 = schema.columns.iter().filter(|column| column.role.is_read()).map(|c| column(c.kind)).sum();
        let row = 4 * (self.header.preprocessing.width() as u64 + 2);
        // A column that grows has twice the room that it needs.
        (train + validation + test + unused + dropped) * (2 * cells + row)
    }
}

/// Finds the rows that have a target.
pub(super) fn with_targets(table: Table) -> Result<(Table, Vec<u32>)> {
    let rows = TargetRows::of(&table, &table.all_rows()).rows;
    Ok((table, rows))
}

/// Finds out where times are cut, by a sample of the rows.
fn cuts(options: &DiskOptions<'_>, format: &FileFormat, threads: usize) -> Result<Option<TimeCuts>> {
    let Some(place) = options.schema.with_the_role(Role::Time).next() else { return Ok(None) };
    let mut schema = options.schema.clone();
    for (other, column) in schema.columns.iter_mut().enumerate() {
        if other != place && column.role != Role::Target {
            column.role = Role::Ignore;
        }
    }
    let mut sample = TableSample::new(*SAMPLED_ROWS.end());
    for_each_block((options.file, format), &schema, threads, with_targets, |first_row, (table, rows)| {
        sample.add(&table, first_row, &rows);
        Ok(())
    })?;
    let name = schema.columns[place].name.clone();
    let of = |reason: &str| Error::Column { name, reason: reason.into(), nearest: None };
    match sample.into_table().map(Table::into_columns).map(|mut columns| columns.swap_remove(place)) {
        Some(Column::Numbers(times)) => {
            let times = times.into_iter().filter(|time| time.is_finite()).collect();
            Ok(Some(TimeCuts::of(times, options.test_fraction, &options.partition)))
        }
        Some(_) => Err(of("divides by time, so it must be a number or a date")),
        None => Err(of("has no time in a row with a target")),
    }
}

/// The pass that fits.
struct Pass {
    splitter: Splitter,
    rows: PartRows,
    /// Of the training rows.
    tallies: Vec<Tally>,
    /// Of all rows: their classes are those of the network.
    targets: Vec<(usize, Tally)>,
    sample: TableSample,
}

impl Pass {
    fn new(options: &DiskOptions<'_>, times: Option<TimeCuts>) -> Self {
        let columns = &options.schema.columns;
        let new = |column| Tally::new(column, options.preprocessing.scaling);
        let targets = options.schema.with_the_role(Role::Target).map(|place| (place, new(&columns[place])));
        let read = columns.iter().filter(|column| column.role.is_read()).count();
        let room = (SAMPLED_CELLS / read.max(1)).clamp(*SAMPLED_ROWS.start(), *SAMPLED_ROWS.end());
        Pass {
            splitter: options.splitter(times),
            rows: PartRows::default(),
            tallies: columns.iter().map(new).collect(),
            targets: targets.collect(),
            sample: TableSample::new(room),
        }
    }

    fn add(&mut self, first_row: u64, table: &Table, rows: &[u32]) -> Result<()> {
        self.rows.dropped += (table.rows() - rows.len()) as u64;
        let parts = self.splitter.parts(table, rows)?;
        let mut train = Vec::with_capacity(rows.len());
        for (&row, part) in rows.iter().zip(parts) {
            match part {
                Part::Train => train.push(row),
                Part::Validation => self.rows.validation += 1,
                Part::Test => self.rows.test += 1,
                Part::Unused => self.rows.unused += 1,
            }
        }
        self.rows.train += train.len() as u64;
        for (place, tally) in self.tallies.iter_mut().enumerate() {
            tally.add(table, place, &train)?;
        }
        for (place, tally) in &mut self.targets {
            if matches!(table.columns()[*place], Column::Codes { .. }) {
                tally.add(table, *place, rows)?;
            }
        }
        self.sample.add(table, first_row, &train);
        Ok(())
    }

    fn finish(self, options: &DiskOptions<'_>, format: FileFormat, times: Option<TimeCuts>) -> Result<TableSurvey> {
        let Pass { rows, tallies, targets, sample, .. } = self;
        let bad = |reason: &str| Error::format(options.file, Place::default(), reason);
        if rows == (PartRows { dropped: rows.dropped, ..PartRows::default() }) {
            return Err(bad("no row has a target, so there is nothing to learn"));
        }
        check_parts(&rows, options.test_fraction, &options.partition)?;
        let schema = Schema { format: Some(format), ..options.schema.clone() };
        let target = target_of(&schema, &targets, &tallies, &rows)?;
        let has_all = sample.has_all();
        let Some(sample) = sample.into_table() else { return Err(bad("has no rows to learn from")) };
        let mut tallies: Vec<Option<Tally>> = tallies.into_iter().map(Some).collect();
        let figures = |place: usize| tallies[place].take().unwrap_or(Tally::Nothing).figures((&sample, has_all), place);
        let fitted = Preprocessing::of_figures(&schema, options.file, &options.preprocessing, figures)?;
        let mut header = TableHeader::new(schema, Preprocessing { target: Some(target), ..fitted });
        header.dropped_rows = rows.dropped;
        let (training, validation, test) = (rows.train, rows.validation, rows.test);
        header.rows = Some(RowCounts { training, validation, test });
        header.warnings = named_like_target(&sample);
        header.warnings.extend(leaking_columns(&sample, &sample.all_rows()));
        let mut notes = Vec::new();
        if rows.dropped > 0 {
            let are = if rows.dropped == 1 { "is" } else { "are" };
            let dropped = furlough::counted(rows.dropped as usize, "row");
            notes.push(format!("{dropped} without a target {are} left out"));
        }
        notes.extend(header.preprocessing.notes.iter().map(ToString::to_string));
        notes.extend(header.warnings.iter().map(ToString::to_string));
        Ok(TableSurvey { header, rows, notes, times })
    }
}

/// Fits the way to the targets: to the numbers of the training rows, to the classes of all.
fn target_of(schema: &Schema, targets: &[(usize, Tally)], tallies: &[Tally], rows: &PartRows) -> Result<TargetEncoder> {
    let column = |place: usize| &schema.columns[place];
    let numbers = |place: usize| matches!(column(place).kind, Kind::Number | Kind::Date);
    if targets.iter().all(|(place, _)| numbers(*place)) {
        let fit = |(place, _): &(usize, Tally)| {
            let (moments, first) = tallies[*place].moments();
            TargetColumn::new(column(*place).name.clone(), moments, first)
        };
        return Ok(TargetEncoder::Regression { columns: targets.iter().map(fit).collect::<Result<_>>()? });
    }
    let [(place, tally)] = targets else {
        let named: Vec<&str> = targets.iter().map(|(place, _)| column(*place).name.as_str()).collect();
        let reason = format!("it has the targets {}; several targets must be numbers", named.join(", "));
        return Err(Error::Schema { path: None, reason });
    };
    let all = rows.train + rows.validation + rows.test + rows.unused;
    let classes = classes_of(column(*place), tally.levels(), all as usize)?;
    Ok(TargetEncoder::Classification { column: column(*place).name.clone(), classes })
}
