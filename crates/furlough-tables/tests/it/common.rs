//! Files for the tests, and what readers make of them.

use furlough_tables::model::TableRecipe;
use furlough_tables::{FileFormat, ReadAs, Reader, Result, Values};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A file that is removed when this goes.
pub struct Scratch {
    pub path: PathBuf,
    _folder: TempDir,
}

pub fn file(name: &str, bytes: impl AsRef<[u8]>) -> Scratch {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    Scratch { path, _folder: folder }
}

pub fn csv() -> FileFormat {
    FileFormat::Csv { delimiter: ',', quote: Some('"'), header: true, decimal_comma: false }
}

/// A table's names and its rows of text; `None` is the format's own missing value.
pub type Rows = (Vec<String>, Vec<Vec<Option<String>>>);

/// Reads a file as text, by so many threads and bytes a chunk.
pub fn texts(path: &Path, format: &FileFormat, threads: (usize, usize)) -> Result<Rows> {
    let reader = Reader::open_in_chunks(path, format, |_| ReadAs::Text, threads)?;
    let (names, mut rows) = (reader.names().to_vec(), Vec::new());
    for block in reader {
        let block = block?;
        assert_eq!(block.first_row, rows.len() as u64);
        for row in 0..block.rows {
            let cell = |values: &Values| match values {
                Values::Text(cells) => cells.get(row).map(String::from),
                other => panic!("{other:?}"),
            };
            rows.push(block.columns.iter().map(cell).collect());
        }
    }
    Ok((names, rows))
}

/// Reads all columns as numbers, column by column.
pub fn numbers(path: &Path, format: &FileFormat, threads: (usize, usize)) -> Result<Vec<Vec<f64>>> {
    let reader = Reader::open_in_chunks(path, format, |_| ReadAs::numbers(), threads)?;
    let mut columns = vec![Vec::new(); reader.names().len()];
    for block in reader {
        for (column, values) in columns.iter_mut().zip(block?.columns) {
            match values {
                Values::Numbers(numbers) => column.extend(numbers),
                other => panic!("{other:?}"),
            }
        }
    }
    Ok(columns)
}

/// The message of a file's error, from its name on.
pub fn message(error: &furlough_tables::Error, scratch: &Scratch) -> String {
    let folder = format!("{}/", scratch.path.parent().unwrap().display());
    error.to_string().replace(&folder, "")
}

/// A small network that learns in some milliseconds.
pub fn quick() -> TableRecipe {
    TableRecipe {
        embedding_width: 4,
        hidden: vec![16],
        dropout: 0.1,
        learning_rate: 5e-3,
        weight_decay: 0.01,
        warmup: 0.05,
        batch_size: 32,
        epochs: 20,
        patience: 10,
        ..TableRecipe::PLAIN
    }
}
