//! Which rows a fold learns from and which it holds out.

use super::{Column, Table};
use crate::error::Result;
use crate::schema::Role;
use furlough::data::Partition;

impl Table {
    /// Divides some rows, which are in the table's order, into those that a fold learns from and
    /// those that it holds out; none are held out where there are no folds.
    ///
    /// A table with a time column holds out blocks of time, the latest with fold 0, and learns from
    /// what is earlier; of k folds, the earliest rows, one of k + 1 parts, are only learned from.
    /// One with a group column holds out whole groups. Any other is divided as
    /// [`Partition::places`] does, stratified by the target's classes.
    ///
    /// ```
    /// use furlough::data::Partition;
    /// use furlough_tables::Table;
    /// let table = Table::builder().numbers("x", (0..100).map(f64::from)).build()?;
    /// let fifth = Partition { folds: Some(5), ..Partition::default() };
    /// let (learned, held_out) = table.fold_rows(&table.all_rows(), &fifth)?;
    /// assert_eq!((learned.len(), held_out.len()), (80, 20));
    /// # Ok::<(), furlough_tables::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`](crate::Error::Engine) for folds that make no sense or leave a part without
    /// rows; [`Error::Value`](crate::Error::Value) for a missing time.
    pub fn fold_rows(&self, rows: &[u32], partition: &Partition) -> Result<(Vec<u32>, Vec<u32>)> {
        let (time, group) = (self.the_column(Role::Time), self.the_column(Role::Group));
        let Some((folds, place)) = partition.folds.zip(time.or(group)) else {
            let labels = self.target_codes(rows);
            let (learned, held_out) = partition.places(rows.len(), labels.as_deref())?;
            return Ok((chosen(rows, &learned), chosen(rows, &held_out)));
        };
        partition.places(rows.len(), None)?; // refuses what makes no sense
        let (folds, fold) = (folds as usize, partition.fold as usize);
        let (mut learned, mut held_out) = (Vec::new(), Vec::new());
        if time.is_some() {
            let order = self.in_time(place, rows)?;
            let begin = |fold: usize| order.cut(rows.len() - (fold + 1) * rows.len() / (folds + 1));
            let end = fold.checked_sub(1).map_or(rows.len(), begin);
            learned.extend(&order.rows[..begin(fold)]);
            held_out.extend(&order.rows[begin(fold)..end]);
        } else {
            for group in self.shuffled_groups(place, rows, partition.seed) {
                let held = group.middle * folds / (2 * rows.len()) == fold;
                if held { &mut held_out } else { &mut learned }.extend(group.rows);
            }
        }
        for (part, what) in [(&mut learned, "learn from"), (&mut held_out, "hold out")] {
            part.sort_unstable();
            if part.is_empty() {
                let (name, value) = ("folds".into(), folds.to_string());
                let reason = format!("fold {fold} has no rows to {what}; use fewer folds");
                return Err(furlough::Error::Setting { name, value, reason }.into());
            }
        }
        let fewer = Partition { folds: None, fold: 0, stratified: false, ..*partition };
        if fewer.train_examples.is_some() {
            learned = chosen(&learned, &fewer.places(learned.len(), None)?.0);
        }
        Ok((learned, held_out))
    }

    /// Returns the codes of these rows' targets, if they are classes.
    fn target_codes(&self, rows: &[u32]) -> Option<Vec<u32>> {
        match &self.columns()[self.the_column(Role::Target)?] {
            Column::Codes { codes, .. } => Some(rows.iter().map(|&row| codes[row as usize]).collect()),
            Column::Numbers(_) | Column::Dropped => None,
        }
    }
}

fn chosen(rows: &[u32], places: &[u32]) -> Vec<u32> {
    places.iter().map(|&place| rows[place as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(table: &Table, folds: u32, fold: u32) -> Result<(Vec<u32>, Vec<u32>)> {
        let partition = Partition { folds: Some(folds), fold, stratified: true, ..Partition::default() };
        table.fold_rows(&table.all_rows(), &partition)
    }

    #[test]
    fn later_rows_never_teach_earlier_ones() {
        // Times that fall, three rows each.
        let times: Vec<f64> = (0..60).map(|row| f64::from(20 - row / 3)).collect();
        let table = Table::builder().numbers("t", times.iter().copied()).numbers("x", times.iter().copied());
        let table = table.build().unwrap().with_role("t", Role::Time).unwrap();
        let mut seen = Vec::new();
        for number in 0..4 {
            let (learned, held_out) = fold(&table, 4, number).unwrap();
            let latest = learned.iter().map(|&row| times[row as usize]).fold(f64::MIN, f64::max);
            let earliest = held_out.iter().map(|&row| times[row as usize]).fold(f64::MAX, f64::min);
            assert!(latest < earliest, "fold {number}: {latest} teaches {earliest}");
            assert!(learned.is_sorted() && held_out.is_sorted());
            seen.extend(held_out);
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..48).collect::<Vec<u32>>(), "each of the later rows is held out once");
    }

    #[test]
    fn a_group_is_never_in_two_parts() {
        let group = |row: u32| row % 7 * 1000 / 7;
        let table = Table::builder().numbers("g", (0..70).map(|row| f64::from(group(row)))).numbers("x", [0.5; 70]);
        let table = table.build().unwrap().with_role("g", Role::Group).unwrap();
        let mut seen = Vec::new();
        for number in 0..3 {
            let (learned, held_out) = fold(&table, 3, number).unwrap();
            assert!(!learned.iter().any(|&row| held_out.iter().any(|&other| group(row) == group(other))));
            seen.extend(held_out);
        }
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..70));
        let error = fold(&table, 60, 1).unwrap_err().to_string();
        assert!(error.contains("folds = 60: fold 1 has no rows to hold out"), "{error}");
    }

    #[test]
    fn without_groups_and_times_rows_are_folded_as_examples_are() {
        let texts = (0..50).map(|row| if row % 10 == 3 { "rare" } else { "common" });
        let table = Table::builder().texts("y", texts).numbers("x", (0..50).map(f64::from)).build().unwrap();
        let table = table.with_target(&["y"], crate::TaskChoice::Auto).unwrap();
        for number in 0..5 {
            let (_, held_out) = fold(&table, 5, number).unwrap();
            assert_eq!(held_out.iter().filter(|&row| row % 10 == 3).count(), 1, "fold {number}");
        }
    }
}
