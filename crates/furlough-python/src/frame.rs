//! Tables of what Python has in memory.

use crate::exceptions::Failed;
use furlough_tables::table::TableBuilder;
use furlough_tables::{Column, ColumnSchema, Kind, Role, Schema, Table, TaskChoice};
use numpy::ndarray::{ArrayView2, Axis};
use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

/// The features of some rows: an array of numbers with names, or columns.
#[derive(FromPyObject)]
pub(crate) enum Features<'py> {
    /// Numbers of double precision.
    Doubles(Vec<String>, PyReadonlyArray2<'py, f64>),
    /// Numbers of single precision.
    Singles(Vec<String>, PyReadonlyArray2<'py, f32>),
    /// Columns of a frame, each with its name, and whether it is a category whatever it spells.
    Columns(Vec<(String, Values<'py>, bool)>),
}

/// The values of a column.
#[derive(FromPyObject)]
pub(crate) enum Values<'py> {
    /// Numbers; NaN is missing.
    Numbers(PyReadonlyArray1<'py, f64>),
    /// Texts; None is missing.
    Texts(Vec<Option<String>>),
}

/// What is to be learned of the rows.
#[derive(FromPyObject)]
pub(crate) enum Target<'py> {
    /// Labels, and the column's name.
    Labels(String, Vec<String>),
    /// Numbers, a column each.
    Numbers(Vec<(String, PyReadonlyArray1<'py, f64>)>),
}

/// Columns in memory, without the interpreter.
pub(crate) enum Frame {
    /// Numbers of an array.
    Numbers(Vec<String>, Vec<Vec<f64>>),
    /// Columns of a frame: the rules of tables decide what they are.
    Columns(Vec<NamedCells>),
}

/// A column of a frame.
pub(crate) struct NamedCells {
    name: String,
    cells: Cells,
    is_category: bool,
}

/// The cells of a column.
pub(crate) enum Cells {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

impl Features<'_> {
    /// Copies the values, once.
    pub(crate) fn copied(self) -> Frame {
        match self {
            Features::Doubles(names, values) => Frame::Numbers(names, columns(values.as_array())),
            Features::Singles(names, values) => Frame::Numbers(names, columns(values.as_array())),
            Features::Columns(columns) => {
                let named = |(name, values, is_category): (_, Values<'_>, _)| NamedCells {
                    name,
                    cells: values.copied(),
                    is_category,
                };
                Frame::Columns(columns.into_iter().map(named).collect())
            }
        }
    }
}

fn columns<F: Copy + Into<f64>>(values: ArrayView2<'_, F>) -> Vec<Vec<f64>> {
    values.axis_iter(Axis(1)).map(|column| column.iter().map(|&value| value.into()).collect()).collect()
}

impl Values<'_> {
    fn copied(self) -> Cells {
        match self {
            Values::Numbers(numbers) => Cells::Numbers(numbers.as_array().to_vec()),
            Values::Texts(texts) => Cells::Texts(texts.into_iter().map(Option::unwrap_or_default).collect()),
        }
    }
}

impl Frame {
    /// Returns the table of features that are learned from.
    pub(crate) fn into_table(self, threads: usize) -> Result<Table, Failed> {
        match self {
            Frame::Numbers(names, columns) => {
                let rows = columns.first().map_or(0, Vec::len) as u64;
                let schema = Schema::of_numbers(&names, rows);
                schema.check()?;
                Ok(Table::from_columns(schema, columns.into_iter().map(Column::Numbers).collect())?)
            }
            Frame::Columns(columns) => {
                let categories: Vec<usize> = (0..columns.len()).filter(|&at| columns[at].is_category).collect();
                let builder = builder_of(columns);
                let mut schema = builder.infer(threads)?;
                categories.iter().for_each(|&place| make_category(&mut schema.columns[place]));
                Ok(builder.build_as(&schema)?)
            }
        }
    }

    /// Returns the table as a model's schema says.
    pub(crate) fn into_table_as(self, schema: &Schema) -> Result<Table, Failed> {
        let builder = match self {
            Frame::Numbers(names, columns) => {
                let is_number = |column: &ColumnSchema| column.role != Role::Feature || column.kind == Kind::Number;
                if schema.columns.iter().all(is_number) {
                    return numbers_as(schema, &names, columns);
                }
                names
                    .iter()
                    .zip(columns)
                    .fold(Table::builder(), |builder, (name, numbers)| builder.numbers(name, numbers))
            }
            Frame::Columns(columns) => builder_of(columns),
        };
        Ok(builder.build_as(schema)?)
    }
}

fn builder_of(columns: Vec<NamedCells>) -> TableBuilder {
    columns.into_iter().fold(Table::builder(), |builder, NamedCells { name, cells, .. }| match cells {
        Cells::Numbers(numbers) => builder.numbers(&name, numbers),
        Cells::Texts(texts) => builder.texts(&name, texts),
    })
}

/// Takes a column for a category that the frame says is one, whatever its levels spell.
fn make_category(column: &mut ColumnSchema) {
    if column.kind != Kind::Constant {
        (column.kind, column.role) = (Kind::Category, Role::Feature);
        (column.date_order, column.spelling, column.missing) = (None, None, vec![String::new()]);
        column.why = "the frame says that it is a category".into();
    }
}

/// Puts columns of numbers where a schema has them.
fn numbers_as(schema: &Schema, names: &[String], mut columns: Vec<Vec<f64>>) -> Result<Table, Failed> {
    let places = schema.matching(names)?.places;
    let column =
        |place: Option<usize>| place.map_or(Column::Dropped, |at| Column::Numbers(std::mem::take(&mut columns[at])));
    Ok(Table::from_columns(schema.clone(), places.into_iter().map(column).collect())?)
}

/// The name of the column of weights.
const WEIGHT: &str = "sample_weight";

/// Returns a table of features with its target beside it, and perhaps weights.
pub(crate) fn with_target(features: Table, target: TargetCells, weights: Option<Vec<f64>>) -> Result<Table, Failed> {
    with_weights(features.beside(target.into_table()?)?, weights)
}

/// Returns a table with weights of its rows beside it, if there are some.
pub(crate) fn with_weights(mut table: Table, weights: Option<Vec<f64>>) -> Result<Table, Failed> {
    if let Some(weights) = weights {
        let free = (1..).map(|count| if count == 1 { WEIGHT.into() } else { format!("{WEIGHT} ({count})") });
        let name = free.into_iter().find(|name| table.schema().position(name).is_none()).unwrap_or_default();
        let column = ColumnSchema::new(name, Kind::Number, Role::Weight, "it was given as sample_weight");
        table = table.beside(table_of(column, Column::Numbers(weights))?)?;
    }
    Ok(table)
}

fn table_of(column: ColumnSchema, values: Column) -> Result<Table, Failed> {
    let schema = Schema { version: 1, format: None, rows: 0, complete: true, columns: vec![column] };
    Ok(Table::from_columns(schema, vec![values])?)
}

/// A target without the interpreter.
pub(crate) enum TargetCells {
    Labels(String, Vec<String>),
    Numbers(Vec<(String, Vec<f64>)>),
}

impl Target<'_> {
    /// Copies the values.
    pub(crate) fn copied(self) -> TargetCells {
        match self {
            Target::Labels(name, labels) => TargetCells::Labels(name, labels),
            Target::Numbers(columns) => {
                let copied = |(name, values): (String, PyReadonlyArray1<'_, f64>)| (name, values.as_array().to_vec());
                TargetCells::Numbers(columns.into_iter().map(copied).collect())
            }
        }
    }
}

impl TargetCells {
    /// Returns the names of the columns.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            TargetCells::Labels(name, _) => vec![name.clone()],
            TargetCells::Numbers(columns) => columns.iter().map(|(name, _)| name.clone()).collect(),
        }
    }

    /// Returns the table of the target alone, labels whatever they spell: a model knows already
    /// what they are.
    pub(crate) fn into_table_as_it_is(self) -> Result<Table, Failed> {
        match self {
            TargetCells::Labels(name, labels) => labels_as_they_are(name, labels),
            TargetCells::Numbers(columns) => {
                let named = |name: &String| ColumnSchema::new(name, Kind::Number, Role::Target, "it was given as y");
                let columns_of = columns.iter().map(|(name, _)| named(name)).collect();
                let schema = Schema { version: 1, format: None, rows: 0, complete: true, columns: columns_of };
                let numbers = columns.into_iter().map(|(_, numbers)| Column::Numbers(numbers)).collect();
                Ok(Table::from_columns(schema, numbers)?)
            }
        }
    }

    /// Returns the table of the target alone.
    pub(crate) fn into_table(self) -> Result<Table, Failed> {
        let (names, task) = (
            self.names(),
            match self {
                TargetCells::Labels(..) => TaskChoice::Classification,
                TargetCells::Numbers(..) => TaskChoice::Regression,
            },
        );
        let builder = match self {
            TargetCells::Labels(name, labels) => {
                let builder = Table::builder().texts(&name, labels.iter().cloned());
                match builder.infer(1)?.with_target(&names, task) {
                    Ok(schema) if schema.columns[0].found.missing == 0 => return Ok(builder.build_as(&schema)?),
                    // What spells a date or a missing value is a label all the same.
                    _ => return labels_as_they_are(name, labels),
                }
            }
            TargetCells::Numbers(columns) => {
                columns.into_iter().fold(Table::builder(), |builder, (name, numbers)| builder.numbers(&name, numbers))
            }
        };
        let schema = builder.infer(1)?.with_target(&names, task)?;
        Ok(builder.build_as(&schema)?)
    }
}

/// Returns the column of labels whatever they spell.
fn labels_as_they_are(name: String, labels: Vec<String>) -> Result<Table, Failed> {
    let (mut levels, mut places) = (Vec::new(), std::collections::HashMap::new());
    let code = |label: String| {
        *places.entry(label).or_insert_with_key(|label| {
            levels.push(label.clone());
            levels.len() as u32 - 1
        })
    };
    let codes = labels.into_iter().map(code).collect();
    table_of(
        ColumnSchema::new(name, Kind::Category, Role::Target, "its labels were said to be classes"),
        Column::Codes { codes, levels },
    )
}
