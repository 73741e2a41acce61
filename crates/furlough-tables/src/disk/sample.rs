use crate::hashing;
use crate::schema::Kind;
use crate::table::{Column, MISSING, Table};
use std::collections::HashMap;

/// Rows of a table that stand for all of them, chosen by a hash of their number: all while they
/// fit, half of them whenever they do not.
pub(super) struct TableSample {
    room: usize,
    /// How many zero bits the hash of a kept row's number begins with.
    zeros: u32,
    numbers: Vec<u64>,
    /// None before the first rows.
    table: Option<Table>,
    /// The codes of the levels, column by column.
    codes: Vec<HashMap<String, u32>>,
}

impl TableSample {
    /// Begins with nothing, and room for so many rows.
    pub(super) fn new(room: usize) -> Self {
        TableSample { room, zeros: 0, numbers: Vec::new(), table: None, codes: Vec::new() }
    }

    /// Takes what it takes of some rows of a table, of which `first_row` stand before it.
    pub(super) fn add(&mut self, table: &Table, first_row: u64, rows: &[u32]) {
        let number = |row: u32| first_row + u64::from(row);
        let taken: Vec<u32> = rows.iter().copied().filter(|&row| keeps(self.zeros, number(row))).collect();
        if taken.is_empty() {
            return;
        }
        self.numbers.extend(taken.iter().map(|&row| number(row)));
        self.append(&table.select(&taken));
        while self.numbers.len() > self.room {
            self.zeros += 1;
            let kept = |&at: &u32| keeps(self.zeros, self.numbers[at as usize]);
            let left: Vec<u32> = (0..self.numbers.len() as u32).filter(kept).collect();
            self.numbers = left.iter().map(|&at| self.numbers[at as usize]).collect();
            self.table = self.table.take().map(|table| table.select(&left));
        }
    }

    fn append(&mut self, some: &Table) {
        let all = self.table.take().unwrap_or_else(|| {
            let empty = |column: &Column| match column {
                Column::Numbers(_) => Column::Numbers(Vec::new()),
                Column::Codes { .. } => Column::Codes { codes: Vec::new(), levels: Vec::new() },
                Column::Dropped => Column::Dropped,
            };
            self.codes = vec![HashMap::new(); some.columns().len()];
            some.with_columns(some.columns().iter().map(empty).collect(), 0)
        });
        let rows = all.rows() + some.rows();
        let kinds = some.schema().columns.iter().map(|column| column.kind);
        let like = some.with_columns(Vec::new(), 0);
        let columns = all.into_columns().into_iter().zip(some.columns()).zip(&mut self.codes).zip(kinds);
        let columns = columns.map(|(((mut all, some), places), kind)| {
            join(&mut all, some, places, kind == Kind::Boolean);
            all
        });
        self.table = Some(like.with_columns(columns.collect(), rows));
    }

    /// Whether all rows are kept.
    pub(super) fn has_all(&self) -> bool {
        self.zeros == 0
    }

    /// Returns the rows in their order; none where there was none.
    pub(super) fn into_table(self) -> Option<Table> {
        self.table
    }
}

fn keeps(zeros: u32, row: u64) -> bool {
    hashing::of_word(row).leading_zeros() >= zeros
}

/// Adds the values of a column to another's.
fn join(all: &mut Column, some: &Column, places: &mut HashMap<String, u32>, boolean: bool) {
    match (all, some) {
        (Column::Numbers(all), Column::Numbers(some)) => all.extend(some),
        (Column::Codes { codes: all, levels }, Column::Codes { codes: some, levels: new }) => {
            if boolean {
                // No and yes, however a part of the file spells them.
                levels.clone_from(new);
                all.extend(some);
                return;
            }
            let mut known: Vec<Option<u32>> = vec![None; new.len()];
            all.extend(some.iter().map(|&code| {
                if code == MISSING {
                    return MISSING;
                }
                *known[code as usize].get_or_insert_with(|| {
                    let level = &new[code as usize];
                    *places.entry(level.clone()).or_insert_with(|| {
                        levels.push(level.clone());
                        levels.len() as u32 - 1
                    })
                })
            }));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_together_fit_and_do_not_depend_on_the_cuts() {
        let part = |rows: std::ops::Range<u32>| {
            let texts: Vec<String> = rows.clone().map(|row| format!("t{}", row % 37)).collect();
            Table::builder().numbers("x", rows.map(f64::from)).texts("t", texts).build().unwrap()
        };
        let sampled = |size: u32| {
            let mut sample = TableSample::new(500);
            for first in (0..20_000).step_by(size as usize) {
                let table = part(first..20_000.min(first + size));
                sample.add(&table, u64::from(first), &table.all_rows());
            }
            sample.into_table().unwrap()
        };
        let table = sampled(1000);
        assert!((250..=500).contains(&table.rows()), "{}", table.rows());
        let (Column::Numbers(numbers), Column::Codes { codes, levels }) = (&table.columns()[0], &table.columns()[1])
        else {
            panic!("a number and a category")
        };
        let texts = codes.iter().map(|&code| levels[code as usize].clone());
        assert!(numbers.iter().map(|number| format!("t{}", *number as u32 % 37)).eq(texts));
        assert_eq!(sampled(777).columns()[0], Column::Numbers(numbers.clone()));
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        assert!((mean - 10_000.0).abs() < 1500.0, "they stand for all: {mean}");
    }
}
