//! Some rows of a file that stand for all of them.

use crate::block::{RowBlock, TextValues, Values};
use crate::hashing;

/// Rows chosen by a hash of their number: all while they fit, half of them whenever they do not.
pub(super) struct RowSample {
    room: usize,
    /// How many zero bits the hash of a kept row's number begins with.
    zeros: u32,
    rows: Vec<u64>,
    columns: Vec<Values>,
}

impl RowSample {
    /// Begins with nothing, and room for so many rows.
    pub(super) fn new(room: usize, columns: usize) -> Self {
        RowSample { room, zeros: 0, rows: Vec::new(), columns: vec![Values::Skipped; columns] }
    }

    /// Takes what it takes of a block.
    pub(super) fn add(&mut self, block: &RowBlock) {
        let kept = |&row: &usize| self.keeps(block.first_row + row as u64);
        let taken: Vec<usize> = (0..block.rows).filter(kept).collect();
        self.rows.extend(taken.iter().map(|&row| block.first_row + row as u64));
        for (column, values) in self.columns.iter_mut().zip(&block.columns) {
            append(column, values, &taken);
        }
        while self.rows.len() > self.room {
            self.zeros += 1;
            let left: Vec<usize> = (0..self.rows.len()).filter(|&place| self.keeps(self.rows[place])).collect();
            self.rows = left.iter().map(|&place| self.rows[place]).collect();
            for column in &mut self.columns {
                let all = std::mem::replace(column, Values::Skipped);
                append(column, &all, &left);
            }
        }
    }

    fn keeps(&self, row: u64) -> bool {
        hashing::of_word(row).leading_zeros() >= self.zeros
    }

    /// Returns the rows as one block, numbered anew.
    pub(super) fn into_block(self) -> RowBlock {
        RowBlock { first_row: 0, rows: self.rows.len(), columns: self.columns }
    }
}

/// Adds some cells of a column to another.
fn append(to: &mut Values, from: &Values, places: &[usize]) {
    match (to, from) {
        (Values::Numbers(to), Values::Numbers(from)) => to.extend(places.iter().map(|&place| from[place])),
        (Values::Text(to), Values::Text(from)) => places.iter().for_each(|&place| to.push(from.get(place))),
        (to, Values::Skipped) => *to = Values::Skipped,
        (to, from) => {
            *to = match from {
                Values::Numbers(_) => Values::Numbers(Vec::new()),
                _ => Values::Text(TextValues::default()),
            };
            append(to, from, places);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_together_and_fit() {
        let mut sample = RowSample::new(1000, 2);
        for block in 0..50 {
            let numbers: Vec<f64> = (0..500).map(|row| f64::from(block * 500 + row)).collect();
            let mut texts = TextValues::default();
            numbers.iter().for_each(|number| texts.push(Some(&number.to_string())));
            let columns = vec![Values::Numbers(numbers), Values::Text(texts)];
            sample.add(&RowBlock { first_row: block as u64 * 500, rows: 500, columns });
        }
        let block = sample.into_block();
        assert!((500..=1000).contains(&block.rows), "{}", block.rows);
        let (Values::Numbers(numbers), Values::Text(texts)) = (&block.columns[0], &block.columns[1]) else { panic!() };
        assert!(numbers.iter().zip(texts.iter()).all(|(number, text)| text == Some(&number.to_string())));
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        assert!((mean - 12_500.0).abs() < 1500.0, "they stand for all: {mean}");
    }
}
