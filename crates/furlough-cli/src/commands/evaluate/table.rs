//! The rows of another table that networks are judged by.

use super::Judge;
use crate::commands::model::is_model_name;
use crate::terminal::{note, path as shown};
use furlough::counted;
use furlough_lab::recipe::Recipe;
use furlough_lab::run::Trained;
use furlough_tables::preprocessing::TargetRows;
use furlough_tables::{Table, TableModel};
use std::path::{Path, PathBuf};

/// Whether something on the command line is a table: a file that is no model.
pub fn is_table(path: &Path) -> bool {
    path.is_file() && !is_model_name(path)
}

/// Says so where a table is the one that a run learned from.
pub fn warn_of_own(file: &Path, run: &Path, recipe: &Recipe) {
    if let Some(own) = recipe.table().filter(|own| is_same(Path::new(&own.file), file)) {
        let instead = match recipe.has_rows_to_judge_by() {
            true => "; without a table it is judged by the rows that it never saw",
            false => "",
        };
        note(&format!(
            "note: {} learned from rows of {}, so these figures are too good{instead}",
            shown(run),
            own.name()
        ));
    }
}

/// Returns the rows of a table that have a target, all where none has. Says how many have none.
pub fn labeled_rows(table: &Table) -> Vec<u32> {
    let all = table.all_rows();
    let TargetRows { rows, dropped } = TargetRows::of(table, &all);
    // Where no row has a target, the first one is named.
    let rows = if rows.is_empty() { all } else { rows };
    if dropped > 0 && rows.len() < table.rows() {
        let are = if dropped == 1 { "is" } else { "are" };
        note(&format!("note: {} without a target {are} left out", counted(dropped as usize, "row")));
    }
    rows
}

fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    real(one).is_some() && real(one) == real(other)
}

/// Reads the rows that have a target as the first run sees them. Says which have none, and what
/// training never saw.
///
/// # Errors
/// Those of reading, and for a class that training never saw.
pub fn read(file: &Path, paths: &[PathBuf], runs: &[Trained], threads: usize) -> anyhow::Result<Judge> {
    let model = TableModel::new(&paths[0], runs[0].mlp.clone(), &runs[0].info, 1)?;
    warn_of_own(file, &paths[0], &runs[0].recipe);
    let table = model.read(file, threads)?;
    let rows = labeled_rows(&table);
    let (test, told) = model.preprocessing().dataset(&table, &rows)?;
    told.sentences().iter().for_each(|sentence| note(&format!("warning: {sentence}")));
    Ok(Judge { test, origin: file.display().to_string() })
}
