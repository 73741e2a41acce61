use super::Table;
use super::assemble::{Assembly, wanted};
use crate::block::ReadAs;
use crate::error::Result;
use crate::readers::{FileFormat, Reader, sniff};
use crate::schema::{InferOptions, Schema};
use std::path::Path;

/// Reads a table from a file, as a schema says. Columns are matched by name, in any order.
///
/// # Errors
/// Those of reading; [`Error::Column`](crate::Error::Column) for a feature that is missing;
/// [`Error::Value`](crate::Error::Value) for a value that contradicts the schema.
pub fn read_table(path: &Path, schema: &Schema, threads: usize) -> Result<Table> {
    let format = schema.format.clone().map_or_else(|| sniff(path), Ok)?;
    read_as_format(path, schema, &format, threads)
}

/// Reads a table whose format may be another one than the schema's: it is found out.
///
/// # Errors
/// As [`read_table`].
pub fn read_table_like(path: &Path, schema: &Schema, threads: usize) -> Result<Table> {
    read_as_format(path, schema, &sniff(path)?, threads)
}

/// [`read_table`] from a file of another format than the schema's.
pub(crate) fn read_as_format(path: &Path, schema: &Schema, format: &FileFormat, threads: usize) -> Result<Table> {
    let mut reader = Reader::open(path, format, |name| wanted(schema, name), threads)?;
    let mut assembly = Assembly::new(path, schema, reader.names())?;
    while let Some(block) = reader.next_block()? {
        assembly.push(&block)?;
    }
    let mut table = assembly.finish();
    table.extra.extend(reader.ignored());
    Ok(table)
}

/// Finds out the format of a file that a schema is to fit. Where a CSV file's columns cannot be
/// told from its content, they are read as the schema's are.
pub(crate) fn format_for(path: &Path, schema: &Schema) -> Result<FileFormat> {
    let found = sniff(path)?;
    let Some(said @ FileFormat::Csv { .. }) = &schema.format else { return Ok(found) };
    let fits = |format: &FileFormat| {
        let reader = Reader::open(path, format, |_| ReadAs::Skip, 1);
        reader.is_ok_and(|reader| schema.matching(reader.names()).is_ok())
    };
    let csv = matches!(found, FileFormat::Csv { .. }) && *said != found;
    Ok(if csv && !fits(&found) && fits(said) { said.clone() } else { found })
}

/// Infers the schema of a file, and reads it on one thread. The format is found out, so it need
/// not be CSV.
///
/// # Errors
/// Those of [`Schema::infer`] and [`read_table`].
pub fn read_csv(path: impl AsRef<Path>) -> Result<Table> {
    let path = path.as_ref();
    read_table(path, &Schema::infer(path, &InferOptions::default())?, 1)
}
