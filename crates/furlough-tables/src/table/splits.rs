//! Which rows train, validate and test.

use super::{Column, MISSING, Table};
use crate::error::{Error, Result};
use crate::schema::Role;
use furlough::random::{Key, Stream};
use std::collections::HashMap;

/// How the rows of a table are divided. What decides is, the first that the table has: a column
/// with the role time, whose latest rows are the test part and those before them the validation
/// part; one with the role group, whose rows stay together; the classes of the target, of which
/// each part gets its share; or nothing but chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplitOptions {
    /// Which share of the rows validates, from 0 to below 1.
    pub validation: f64,
    /// Which share of the rows tests, from 0 to below 1.
    pub test: f64,
    /// The seed of what chance decides.
    pub seed: u64,
}

/// Rows of a table in three parts, each in the table's order. A part may be empty where its share
/// is 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowSplit {
    /// What is learned from.
    pub train: Vec<u32>,
    /// What decides when to stop.
    pub validation: Vec<u32>,
    /// What is only ever judged by.
    pub test: Vec<u32>,
}

impl Default for SplitOptions {
    fn default() -> Self {
        SplitOptions { validation: 0.0, test: 0.2, seed: 0 }
    }
}

impl Table {
    /// Divides the rows. The same seed gives the same parts, on any machine and any number of
    /// threads.
    ///
    /// ```
    /// use furlough_tables::{SplitOptions, Table};
    /// let table = Table::builder().numbers("x", (0..100).map(f64::from)).build()?;
    /// let split = table.split_rows(&SplitOptions { validation: 0.1, test: 0.2, seed: 0 })?;
    /// assert_eq!((split.train.len(), split.validation.len(), split.test.len()), (70, 10, 20));
    /// # Ok::<(), furlough_tables::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] for shares that make no sense or leave a part without rows;
    /// [`Error::Value`] for a missing time.
    pub fn split_rows(&self, options: &SplitOptions) -> Result<RowSplit> {
        self.split_of(&self.all_rows(), options)
    }

    /// Divides some of the rows, which are in the table's order.
    ///
    /// # Errors
    /// As [`Self::split_rows`].
    pub fn split_of(&self, rows: &[u32], options: &SplitOptions) -> Result<RowSplit> {
        let SplitOptions { validation, test, seed } = *options;
        let share = |part: f64| (0.0..1.0).contains(&part);
        if !(share(validation) && share(test) && validation + test < 1.0) {
            let reason = "the shares of validation and test are at least 0, and below 1 together";
            return Err(setting("split", format!("{validation}, {test}"), reason));
        }
        let count = |part: f64| (part * rows.len() as f64).round() as usize;
        let sizes = [count(test), count(validation).min(rows.len() - count(test))];
        let mut split = if let Some(place) = self.the_column(Role::Time) {
            self.by_time(place, rows, sizes)?
        } else if let Some(place) = self.the_column(Role::Group) {
            self.by_group(place, rows, sizes, seed)
        } else {
            self.by_class(rows, sizes, seed)
        };
        for (part, share, what) in [
            (&mut split.train, 1.0, "for training"),
            (&mut split.validation, validation, "for validation"),
            (&mut split.test, test, "for the test"),
        ] {
            part.sort_unstable();
            if part.is_empty() && share > 0.0 {
                let rows = furlough::counted(rows.len(), "row");
                let reason = format!("that leaves none of {rows} {what}; use other shares or more rows");
                return Err(setting("split", format!("{validation}, {test}"), &reason));
            }
        }
        Ok(split)
    }

    /// Each part gets its share of each class, but for one row.
    fn by_class(&self, rows: &[u32], [test, validation]: [usize; 2], seed: u64) -> RowSplit {
        let key = Key::new(seed);
        let mut order = rows.to_vec();
        order.sort_by_cached_key(|&row| (key.draw(Stream::Split, 0, row, 0, 0)[0], row));
        if let Some(place) = self.the_column(Role::Target)
            && let Column::Codes { codes, .. } = &self.columns()[place]
        {
            order.sort_by_key(|&row| codes[row as usize]);
        }
        let (test, rest) = every(&order, test);
        let (validation, train) = every(&rest, validation);
        RowSplit { train, validation, test }
    }

    /// The latest rows test. Rows of one time stay together, in the earlier part.
    fn by_time(&self, place: usize, rows: &[u32], [test, validation]: [usize; 2]) -> Result<RowSplit> {
        let order = self.in_time(place, rows)?;
        let test_begin = rows.len() - test;
        let (first, second) = (order.cut(test_begin - validation), order.cut(test_begin));
        let part = |range: std::ops::Range<usize>| order.rows[range].to_vec();
        Ok(RowSplit { train: part(0..first), validation: part(first..second), test: part(second..rows.len()) })
    }

    /// Groups in an order of chance, cut where the shares end. A group is in the part that its
    /// middle falls into.
    fn by_group(&self, place: usize, rows: &[u32], [test, validation]: [usize; 2], seed: u64) -> RowSplit {
        let mut split = RowSplit::default();
        for group in self.shuffled_groups(place, rows, seed) {
            let part = match group.middle {
                middle if middle <= 2 * test => &mut split.test,
                middle if middle <= 2 * (test + validation) => &mut split.validation,
                _ => &mut split.train,
            };
            part.extend(group.rows);
        }
        split
    }

    /// Returns these rows, the earliest first.
    pub(super) fn in_time(&self, place: usize, rows: &[u32]) -> Result<TimeOrder<'_>> {
        let column = &self.columns()[place];
        if let Some(&row) = rows.iter().find(|&&row| column.is_missing(row as usize)) {
            let reason = "is no time, and rows are divided by it; leave such rows out";
            return Err(self.cell_error(row as usize, place, "", reason));
        }
        let Column::Numbers(times) = column else {
            let reason = "divides by time, so it must be a number or a date".into();
            return Err(Error::Column { name: self.schema().columns[place].name.clone(), reason, nearest: None });
        };
        let time = |row: u32| times[row as usize];
        let mut rows = rows.to_vec();
        rows.sort_by(|&a, &b| time(a).total_cmp(&time(b)).then(a.cmp(&b)));
        Ok(TimeOrder { rows, times })
    }

    /// Returns the groups of these rows in an order of chance. Rows without a group are one.
    pub(super) fn shuffled_groups(&self, place: usize, rows: &[u32], seed: u64) -> Vec<RowGroup> {
        let group = |row: u32| match &self.columns()[place] {
            Column::Codes { codes, .. } => u64::from(codes[row as usize]),
            Column::Numbers(numbers) if numbers[row as usize].is_nan() => u64::from(MISSING),
            Column::Numbers(numbers) => numbers[row as usize].to_bits(),
            Column::Dropped => 0,
        };
        let mut places: HashMap<u64, usize> = HashMap::new();
        let mut groups: Vec<Vec<u32>> = Vec::new();
        for &row in rows {
            let next = groups.len();
            let place = *places.entry(group(row)).or_insert(next);
            if place == next {
                groups.push(Vec::new());
            }
            groups[place].push(row);
        }
        let key = Key::new(seed);
        let mut order: Vec<usize> = (0..groups.len()).collect();
        // Another layer than that of rows: no word is drawn for two things.
        order.sort_by_cached_key(|&group| (key.draw(Stream::Split, 1, group as u32, 0, 0)[0], group));
        let mut before = 0;
        let placed = order.into_iter().map(|group| {
            let rows = std::mem::take(&mut groups[group]);
            let middle = 2 * before + rows.len();
            before += rows.len();
            RowGroup { rows, middle }
        });
        placed.collect()
    }
}

/// Rows in the order of time.
pub(super) struct TimeOrder<'a> {
    pub(super) rows: Vec<u32>,
    times: &'a [f64],
}

impl TimeOrder<'_> {
    /// Returns the first place from `at` on where another time begins.
    pub(super) fn cut(&self, at: usize) -> usize {
        let time = |place: usize| self.times[self.rows[place] as usize];
        (at..self.rows.len()).find(|&at| at == 0 || time(at) != time(at - 1)).unwrap_or(self.rows.len())
    }
}

/// Rows that stay together.
pub(super) struct RowGroup {
    pub(super) rows: Vec<u32>,
    /// Twice the place of the group's middle among all rows, group after group.
    pub(super) middle: usize,
}

/// Takes `wanted` of the rows, every so many of them, and returns these and the others.
fn every(rows: &[u32], wanted: usize) -> (Vec<u32>, Vec<u32>) {
    let drawn = |place: usize| place * wanted / rows.len().max(1);
    let (mut taken, mut left) = (Vec::with_capacity(wanted), Vec::with_capacity(rows.len() - wanted));
    for (place, &row) in rows.iter().enumerate() {
        if drawn(place) < drawn(place + 1) { taken.push(row) } else { left.push(row) }
    }
    (taken, left)
}

fn setting(name: &str, value: String, reason: &str) -> Error {
    Error::Engine(furlough::Error::Setting { name: name.into(), value, reason: reason.into() })
}
