//! Which rows train, validate and test, row after row: each answer needs no later row.

use crate::error::{Error, Result};
use crate::hashing;
use crate::schema::{Kind, Role};
use crate::table::{Column, MISSING, Table};
use furlough::data::Partition;
use furlough::random::{Key, Stream};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A part of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Train,
    Validation,
    Test,
    /// Later than the rows that validate: nothing may be learned from it.
    Unused,
}

/// How many rows each part has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PartRows {
    /// Learned from.
    pub train: u64,
    /// Held out to decide when to stop.
    pub validation: u64,
    /// Of the test set, where it is a share of the file.
    pub test: u64,
    /// Later than those that validate, so that nothing is learned from them.
    pub unused: u64,
    /// Without a target.
    pub dropped: u64,
}

/// What is said of a row without a time.
const NO_TIME: &str = "is no time, and rows are divided by it; leave such rows out";

/// What divides rows, the first that the table has: times, groups, the classes of the target, or
/// chance. All of it depends on the rows before only.
pub(super) struct Splitter {
    test: Dealer,
    folds: Option<Dealer>,
    fold: u32,
    stratified: bool,
    times: Option<TimeCuts>,
}

/// Deals the rows of each class, in their order, to places: of so many rows in a row each place
/// gets one, in an order of chance.
struct Dealer {
    key: Key,
    layer: u32,
    places: u32,
    /// How many of the places are drawn.
    drawn: u32,
    classes: HashMap<u32, Deal>,
}

#[derive(Default)]
struct Deal {
    rows: u32,
    order: Vec<u32>,
}

/// The layers of the words of `Stream::Split`: 0 to 2 are those of tables in memory.
const TEST: u32 = 3;
const FOLDS: u32 = 4;
const TEST_GROUPS: u32 = 5;
const FOLD_GROUPS: u32 = 6;

/// The most rows of which a share is dealt.
const MOST_PLACES: u32 = 1000;

/// Where times are cut: a row is in the later part when its time is above.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TimeCuts {
    /// Above is the test part.
    test: f64,
    /// Above up to `test` nothing is learned from.
    unused: f64,
    /// Above up to `unused` validates.
    validation: f64,
}

impl Splitter {
    /// Divides by these shares; `times` are the cuts where the table has a time.
    pub(super) fn new(
        (test_fraction, test_seed): (f64, u64),
        partition: &Partition,
        times: Option<TimeCuts>,
    ) -> Splitter {
        let (drawn, places) = ratio(test_fraction);
        let folds = partition.folds.map(|folds| Dealer::new(partition.seed, FOLDS, (1, folds)));
        Splitter {
            test: Dealer::new(test_seed, TEST, (drawn, places)),
            folds,
            fold: partition.fold,
            stratified: partition.stratified,
            times,
        }
    }

    /// Returns the parts of some rows of a table, which come after all rows before.
    ///
    /// # Errors
    /// [`Error::Value`] for a missing time.
    pub(super) fn parts(&mut self, table: &Table, rows: &[u32]) -> Result<Vec<Part>> {
        if let (Some(cuts), Some(place)) = (self.times, table.the_column(Role::Time)) {
            let column = &table.columns()[place];
            let part = |&row: &u32| match column {
                Column::Numbers(times) if times[row as usize].is_finite() => Ok(cuts.part(times[row as usize])),
                _ => Err(table.cell_error(row as usize, place, "", NO_TIME)),
            };
            return rows.iter().map(part).collect();
        }
        if let Some(place) = table.the_column(Role::Group) {
            let words = words_of(table, place);
            return Ok(rows.iter().map(|&row| self.of_group(words.of(row))).collect());
        }
        let classes =
            table.the_column(Role::Target).filter(|&place| matches!(table.columns()[place], Column::Codes { .. }));
        let words = classes.map(|place| words_of(table, place));
        Ok(rows.iter().map(|&row| self.of_class(words.as_ref().map_or(0, |words| words.of(row) as u32))).collect())
    }

    fn of_class(&mut self, class: u32) -> Part {
        if self.test.drawn > 0 && self.test.deal(class) < self.test.drawn {
            return Part::Test;
        }
        let class = if self.stratified { class } else { 0 };
        let place = self.folds.as_mut().map(|folds| folds.deal(class));
        if place == Some(self.fold) { Part::Validation } else { Part::Train }
    }

    /// A group's part follows from its value alone.
    fn of_group(&self, group: u64) -> Part {
        let share = |dealer: &Dealer, layer| {
            let word = dealer.key.draw(Stream::Split, layer, group as u32, (group >> 32) as u32, 0)[0];
            (u64::from(word) * u64::from(dealer.places)) >> 32
        };
        if share(&self.test, TEST_GROUPS) < u64::from(self.test.drawn) {
            return Part::Test;
        }
        match &self.folds {
            Some(folds) if share(folds, FOLD_GROUPS) == u64::from(self.fold) => Part::Validation,
            _ => Part::Train,
        }
    }
}

impl Dealer {
    fn new(seed: u64, layer: u32, (drawn, places): (u32, u32)) -> Self {
        Dealer { key: Key::new(seed), layer, places, drawn, classes: HashMap::new() }
    }

    /// Returns the place of the next row of a class.
    fn deal(&mut self, class: u32) -> u32 {
        let (key, layer, places) = (self.key, self.layer, self.places);
        let deal = self.classes.entry(class).or_default();
        let (round, at) = (deal.rows / places, deal.rows % places);
        if at == 0 {
            deal.order = (0..places).collect();
            deal.order.sort_by_cached_key(|&place| (key.draw(Stream::Split, layer, place, round, class)[0], place));
        }
        deal.rows += 1; // a table has less than 2^32 rows
        deal.order[at as usize]
    }
}

impl TimeCuts {
    /// Cuts by some times that stand for all.
    pub(super) fn of(mut times: Vec<f64>, test_fraction: f64, partition: &Partition) -> Self {
        times.sort_unstable_by(f64::total_cmp);
        // The last time before a place: rows of one time stay in the earlier part.
        let before = |times: &[f64], at: usize| at.checked_sub(1).map_or(f64::NEG_INFINITY, |at| times[at]);
        let test_rows = (test_fraction * times.len() as f64).round() as usize;
        let test = if test_rows == 0 { f64::INFINITY } else { before(&times, times.len() - test_rows) };
        times.truncate(times.partition_point(|&time| time <= test));
        let (rows, fold) = (times.len(), partition.fold as usize);
        let begin = |fold: usize, folds: usize| before(&times, rows - (fold + 1) * rows / (folds + 1));
        match partition.folds {
            None => TimeCuts { test, unused: test, validation: test },
            Some(folds) => {
                let unused = fold.checked_sub(1).map_or(test, |later| begin(later, folds as usize));
                TimeCuts { test, unused, validation: begin(fold, folds as usize) }
            }
        }
    }

    fn part(&self, time: f64) -> Part {
        match time {
            time if time > self.test => Part::Test,
            time if time > self.unused => Part::Unused,
            time if time > self.validation => Part::Validation,
            _ => Part::Train,
        }
    }
}

/// What stands for the values of a column: their hashes, the same whatever part of a file they are
/// in.
enum Words<'a> {
    OfLevels(&'a [u32], Vec<u64>),
    OfNumbers(&'a [f64]),
    None,
}

fn words_of(table: &Table, place: usize) -> Words<'_> {
    match &table.columns()[place] {
        Column::Codes { codes, .. } if table.schema().columns[place].kind == Kind::Boolean => {
            Words::OfLevels(codes, vec![0, 1])
        }
        Column::Codes { codes, levels } => {
            Words::OfLevels(codes, levels.iter().map(|level| hashing::of_text(level)).collect())
        }
        Column::Numbers(numbers) => Words::OfNumbers(numbers),
        Column::Dropped => Words::None,
    }
}

impl Words<'_> {
    fn of(&self, row: u32) -> u64 {
        match self {
            Words::OfLevels(codes, words) => match codes[row as usize] {
                MISSING => u64::MAX,
                code => words[code as usize],
            },
            Words::OfNumbers(numbers) if numbers[row as usize].is_nan() => u64::MAX,
            Words::OfNumbers(numbers) => hashing::of_number(numbers[row as usize]),
            Words::None => 0,
        }
    }
}

/// Returns a share as some of as few rows as possible, a thousand at most.
fn ratio(share: f64) -> (u32, u32) {
    let nearest = |places: u32| (share * f64::from(places)).round() as u32;
    let exact = |&places: &u32| (f64::from(nearest(places)) / f64::from(places) - share).abs() < 1e-9;
    let places = (1..=MOST_PLACES).find(exact).unwrap_or(MOST_PLACES);
    (nearest(places), places)
}

/// Refuses parts without rows.
pub(super) fn check_parts(rows: &PartRows, test_fraction: f64, partition: &Partition) -> Result<()> {
    let all = (rows.train + rows.validation + rows.test + rows.unused) as usize;
    let refused = |name: &str, value: String, what: &str| {
        let reason =
            format!("that leaves none of {} {what}; use other shares or more rows", furlough::counted(all, "row"));
        Err(Error::Engine(furlough::Error::Setting { name: name.into(), value, reason }))
    };
    match partition.folds {
        _ if rows.test == 0 && test_fraction > 0.0 => refused("split", test_fraction.to_string(), "for the test"),
        Some(folds) if rows.validation == 0 => refused("folds", folds.to_string(), "for validation"),
        Some(folds) if rows.train == 0 => refused("folds", folds.to_string(), "for training"),
        None if rows.train == 0 => refused("split", test_fraction.to_string(), "for training"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TaskChoice;

    fn table(rows: u32) -> Table {
        let classes = (0..rows).map(|row| if row % 10 == 3 { "rare" } else { "common" });
        let table = Table::builder().texts("y", classes).numbers("g", (0..rows).map(|row| f64::from(row / 4)));
        let table = table.numbers("t", (0..rows).map(|row| f64::from(row * 7 % rows / 3))).build().unwrap();
        table.with_target(&["y"], TaskChoice::Auto).unwrap()
    }

    fn fifth(fold: u32) -> Partition {
        Partition { folds: Some(5), fold, stratified: true, ..Partition::default() }
    }

    fn parts(table: &Table, cut: usize, partition: &Partition, times: Option<TimeCuts>) -> Vec<Part> {
        let mut splitter = Splitter::new((0.2, 0), partition, times);
        table.all_rows().chunks(cut).flat_map(|rows| splitter.parts(table, rows).unwrap()).collect()
    }

    #[test]
    fn each_part_has_its_share_of_each_class_but_for_a_row() {
        let table = table(1000);
        let all = parts(&table, 1000, &fifth(0), None);
        for (part, share) in [(Part::Test, 0.2), (Part::Validation, 0.16), (Part::Train, 0.64)] {
            for (class, rows) in [(true, 100.0), (false, 900.0)] {
                let here = all.iter().enumerate().filter(|(row, of)| (row % 10 == 3) == class && **of == part).count();
                assert!((here as f64 - share * rows).abs() <= 1.0, "{part:?} has {here} of {rows}");
            }
        }
        assert_eq!(parts(&table, 7, &fifth(0), None), all, "however it is cut");
        let other = Partition { seed: 1, ..fifth(0) };
        assert_ne!(parts(&table, 1000, &other, None), all);
    }

    #[test]
    fn each_row_is_held_out_by_one_fold_or_tests() {
        let table = table(500);
        let folds: Vec<_> = (0..5).map(|fold| parts(&table, 100, &fifth(fold), None)).collect();
        for row in 0..500 {
            let held = folds.iter().filter(|parts| parts[row] == Part::Validation).count();
            let tests = folds.iter().filter(|parts| parts[row] == Part::Test).count();
            assert!((held, tests) == (1, 0) || (held, tests) == (0, 5), "row {row}: {held}, {tests}");
        }
    }

    #[test]
    fn periodic_rows_are_not_all_in_one_part() {
        let table = table(5000);
        let all = parts(&table, 5000, &fifth(0), None);
        for residue in 0..5 {
            let test = (0..5000).filter(|row| row % 5 == residue && all[*row] == Part::Test).count();
            assert!((130..270).contains(&test), "{test} of 1000 rows with residue {residue}");
        }
    }

    #[test]
    fn a_group_is_in_one_part() {
        let table = table(2000).with_role("g", Role::Group).unwrap();
        let all = parts(&table, 2000, &fifth(1), None);
        assert!(all.chunks(4).all(|group| group.iter().all(|part| *part == group[0])));
        let test = all.iter().filter(|part| **part == Part::Test).count();
        assert!((300..500).contains(&test), "{test} of 2000");
    }

    #[test]
    fn later_rows_never_teach_earlier_ones() {
        let table = table(900).with_role("t", Role::Time).unwrap();
        let Column::Numbers(times) = &table.columns()[2] else { panic!("numbers") };
        for fold in 0..5 {
            let cuts = TimeCuts::of(times.clone(), 0.2, &fifth(fold));
            let all = parts(&table, 900, &fifth(fold), Some(cuts));
            let span = |part| {
                let of = || times.iter().zip(&all).filter(|(_, of)| **of == part).map(|(time, _)| *time);
                (of().fold(f64::INFINITY, f64::min), of().fold(f64::NEG_INFINITY, f64::max))
            };
            let (train, validation, test) = (span(Part::Train), span(Part::Validation), span(Part::Test));
            assert!(train.1 < validation.0 && validation.1 < test.0, "{train:?} {validation:?} {test:?}");
            assert_eq!(all.contains(&Part::Unused), fold > 0);
            let tests = all.iter().filter(|part| **part == Part::Test).count();
            assert!((170..=180).contains(&tests), "{tests}");
        }
    }

    #[test]
    fn shares_are_some_of_few_rows() {
        assert_eq!([0.0, 0.2, 0.25, 0.1, 0.333].map(ratio), [(0, 1), (1, 5), (1, 4), (1, 10), (333, 1000)]);
        assert_eq!(ratio(1.0 / 3.0), (1, 3));
    }
}
