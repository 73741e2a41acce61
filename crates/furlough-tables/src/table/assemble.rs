use super::column_builder::{ColumnBuilder, WrongCell, read_as};
use super::{Column, Table};
use crate::block::{ReadAs, RowBlock};
use crate::error::{Error, Place, Result};
use crate::readers::FileFormat;
use crate::schema::{ColumnMatch, Schema};
use std::path::Path;

/// A table in the making: blocks go in, in order.
pub(super) struct Assembly {
    table: Table,
    builders: Vec<ColumnBuilder>,
    places: Vec<Option<usize>>,
}

/// Returns what a reader is to make of a column of this name.
pub(super) fn wanted(schema: &Schema, name: &str) -> ReadAs {
    schema.position(name).map_or(ReadAs::Skip, |place| read_as(&schema.columns[place]))
}

impl Assembly {
    /// Begins a table of a file with these columns.
    pub(super) fn new(path: &Path, schema: &Schema, names: &[String]) -> Result<Self> {
        let ColumnMatch { places, extra } = schema.matching(names)?;
        let comma = matches!(schema.format, Some(FileFormat::Csv { decimal_comma: true, .. }));
        let builders = schema.columns.iter().map(|column| ColumnBuilder::new(column, comma)).collect();
        let table = Table { path: path.into(), schema: schema.clone(), rows: 0, columns: Vec::new(), extra };
        Ok(Assembly { table, builders, places })
    }

    /// Adds the rows of a block.
    pub(super) fn push(&mut self, block: &RowBlock) -> Result<()> {
        let rows = self.table.rows + block.rows;
        if u32::try_from(rows).is_err() {
            let reason = format!("has more than {} rows, which are the most", u32::MAX);
            return Err(Error::format(&self.table.path, Place::default(), reason));
        }
        for ((builder, place), column) in self.builders.iter_mut().zip(&self.places).zip(&self.table.schema.columns) {
            let Some(place) = *place else { continue };
            builder.push(&block.columns[place]).map_err(|WrongCell { index, value, reason }| {
                let row = Some(block.first_row + index as u64 + 1);
                let place = Place { row, line: None, column: Some(column.name.as_str().into()) };
                Error::Value { path: self.table.path.clone(), place, value, reason }
            })?;
        }
        self.table.rows = rows;
        Ok(())
    }

    /// Returns the table of one block.
    pub(super) fn of_block(&self, block: &RowBlock) -> Result<Table> {
        let builders = self.builders.iter().map(ColumnBuilder::emptied).collect();
        let mut assembly = Assembly { table: self.table.empty_copy(), builders, places: self.places.clone() };
        assembly.push(block)?;
        Ok(assembly.finish())
    }

    /// Returns the table.
    pub(super) fn finish(self) -> Table {
        let finish = |(builder, place): (ColumnBuilder, Option<usize>)| match place {
            Some(_) => builder.finish(),
            None => Column::Dropped,
        };
        let columns = self.builders.into_iter().zip(self.places).map(finish).collect();
        Table { columns, ..self.table }
    }
}
