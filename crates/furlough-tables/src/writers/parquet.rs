use super::CellType;
use crate::block::Values;
use crate::error::{Error, Result};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, Type};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// So many rows, or bytes of cells, are written as a row group.
const GROUP_ROWS: usize = 1 << 20;
const GROUP_BYTES: usize = 32 << 20;

/// What makes bytes of rows.
pub(super) struct Encoder {
    path: PathBuf,
    types: Vec<CellType>,
    writer: SerializedFileWriter<Vec<u8>>,
    /// What waits for its row group to be full.
    blocks: Vec<Vec<Values>>,
    rows: usize,
    bytes: usize,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").field("path", &self.path).field("types", &self.types).finish_non_exhaustive()
    }
}

impl Encoder {
    pub(super) fn new(path: &Path, columns: &[(String, CellType)]) -> Result<Self> {
        let failed = |error| failed(path, error);
        let field = |(name, cells): &(String, CellType)| {
            let (physical, logical) = match cells {
                CellType::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
                CellType::Double => (Physical::DOUBLE, None),
                CellType::Single => (Physical::FLOAT, None),
                CellType::Whole => (Physical::INT64, None),
                CellType::Boolean => (Physical::BOOLEAN, None),
            };
            let field = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
            Ok(Arc::new(field.with_logical_type(logical).build()?))
        };
        let fields = columns.iter().map(field).collect::<Result<Vec<_>, ParquetError>>().map_err(failed)?;
        let schema = Arc::new(Type::group_type_builder("rows").with_fields(fields).build().map_err(failed)?);
        let mut properties = WriterProperties::builder()
            .set_created_by(format!("furlough {}", env!("CARGO_PKG_VERSION")))
            .set_compression(Compression::SNAPPY)
            .set_dictionary_enabled(false);
        // Few texts differ, and most numbers do.
        for (name, _) in columns.iter().filter(|(_, cells)| *cells == CellType::Text) {
            properties = properties.set_column_dictionary_enabled(ColumnPath::new(vec![name.clone()]), true);
        }
        let properties = Arc::new(properties.build());
        let writer = SerializedFileWriter::new(Vec::new(), schema, properties).map_err(failed)?;
        let types = columns.iter().map(|(_, cells)| *cells).collect();
        Ok(Encoder { path: path.into(), types, writer, blocks: Vec::new(), rows: 0, bytes: 0 })
    }

    pub(super) fn append(&mut self, columns: Vec<Values>) -> Result<Vec<u8>> {
        assert_eq!(columns.len(), self.types.len(), "a column each");
        let length = |values: &Values| match values {
            Values::Skipped => 0,
            Values::Text(texts) => texts.len(),
            Values::Numbers(numbers) => numbers.len(),
        };
        let rows = columns.first().map_or(0, length);
        assert!(columns.iter().all(|values| length(values) == rows), "columns are as long");
        self.rows += rows;
        self.bytes += columns.iter().map(Values::bytes).sum::<usize>();
        self.blocks.push(columns);
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            self.write_group().map_err(|error| failed(&self.path, error))?;
        }
        self.take()
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>> {
        let ended = |file: &mut Self| -> Result<(), ParquetError> {
            if file.rows > 0 {
                file.write_group()?;
            }
            file.writer.finish().map(drop)
        };
        ended(&mut self).map_err(|error| failed(&self.path, error))?;
        self.take()
    }

    /// Takes what was written.
    fn take(&mut self) -> Result<Vec<u8>> {
        self.writer.flush().map_err(Error::io("write", &self.path))?;
        Ok(std::mem::take(self.writer.inner_mut()))
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for place in 0..self.types.len() {
            let Some(mut column) = group.next_column()? else { break };
            for block in &self.blocks {
                write(column.untyped(), &block[place])?;
            }
            column.close()?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        self.blocks.clear();
        Ok(())
    }
}

fn failed(path: &Path, error: ParquetError) -> Error {
    Error::io("write", path)(io::Error::other(error))
}

/// Writes cells: whether each is there, and those that are.
fn write(column: &mut ColumnWriter<'_>, values: &Values) -> Result<(), ParquetError> {
    let there = |is: bool| i16::from(is);
    match (column, values) {
        (ColumnWriter::ByteArrayColumnWriter(column), Values::Text(texts)) => {
            let levels: Vec<i16> = texts.iter().map(|cell| there(cell.is_some())).collect();
            let cells: Vec<ByteArray> = texts.iter().flatten().map(ByteArray::from).collect();
            column.write_batch(&cells, Some(&levels), None)?;
        }
        (column, Values::Numbers(numbers)) => {
            let levels: Vec<i16> = numbers.iter().map(|number| there(!number.is_nan())).collect();
            let found = numbers.iter().copied().filter(|number| !number.is_nan());
            match column {
                ColumnWriter::DoubleColumnWriter(column) => {
                    column.write_batch(&found.collect::<Vec<_>>(), Some(&levels), None)?;
                }
                ColumnWriter::FloatColumnWriter(column) => {
                    column.write_batch(&found.map(|one| one as f32).collect::<Vec<_>>(), Some(&levels), None)?;
                }
                ColumnWriter::Int64ColumnWriter(column) => {
                    column.write_batch(&found.map(|one| one as i64).collect::<Vec<_>>(), Some(&levels), None)?;
                }
                ColumnWriter::BoolColumnWriter(column) => {
                    column.write_batch(&found.map(|one| one != 0.0).collect::<Vec<_>>(), Some(&levels), None)?;
                }
                _ => panic!("numbers for a column of text"),
            }
        }
        _ => panic!("no numbers for a column of numbers"),
    }
    Ok(())
}
