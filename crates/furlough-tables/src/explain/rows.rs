//! Which rows are looked at, and how a column is shuffled among them.

use super::ExplainOptions;
use crate::error::{Error, Result};
use crate::preprocessing::{Preprocessing, TargetRows};
use crate::schema::nearest;
use crate::table::Table;
use furlough::random::{Key, Stream, shuffle};

/// Returns the rows that are looked at: those with a target, where some have one, and of more than
/// are wanted those that the seed draws, in the table's order.
pub(super) fn rows_of(table: &Table, options: &ExplainOptions) -> Vec<u32> {
    let all = table.all_rows();
    let TargetRows { rows, .. } = TargetRows::of(table, &all);
    let mut rows = if rows.is_empty() { all } else { rows };
    if rows.len() > options.rows {
        let key = Key::new(options.seed);
        rows.sort_by_cached_key(|&row| (key.draw(Stream::Permutation, 0, row, 1, 0)[0], row));
        rows.truncate(options.rows);
        rows.sort_unstable();
    }
    rows
}

/// Returns the columns that are asked about: names, and their places in the table's schema.
pub(super) fn columns_of(
    preprocessing: &Preprocessing,
    table: &Table,
    options: &ExplainOptions,
) -> Result<Vec<(String, usize)>> {
    let seen: Vec<&str> = preprocessing.columns.iter().map(|column| column.column.as_str()).collect();
    let unseen = options.columns.iter().find(|name| !seen.contains(&name.as_str()));
    if let Some(name) = unseen {
        let reason = "is none of the columns that the model sees".into();
        return Err(Error::Column { name: name.clone(), reason, nearest: nearest(name, seen) });
    }
    let asked = |name: &&&str| options.columns.is_empty() || options.columns.iter().any(|one| one == *name);
    seen.iter().filter(asked).map(|name| Ok((name.to_string(), table.schema().find(name)?))).collect()
}

/// Returns the place from which each of `rows` rows has the value of the column at `place` in a
/// shuffle: a pure function of seed, column and shuffle.
pub(super) fn shuffled(rows: usize, place: usize, repeat: u32, seed: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..rows as u32).collect();
    let key = Key::new(seed);
    shuffle(&mut order, |counter| key.draw(Stream::Permutation, place as u32, counter, 0, repeat));
    order
}
