//! A table's file: what its columns are, as a schema and as a page.

use super::page;
use crate::args::{ColumnsArgs, read_schema};
use crate::failure::{Hinted, of_standard_input};
use crate::terminal::Style;
use anyhow::Result;
use furlough_tables::source::{ByteSource, Rereadable};
use furlough_tables::{InferOptions, Schema, TableSummary};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

impl ColumnsArgs {
    /// Returns the first flag that was given.
    pub fn given(&self) -> Option<&'static str> {
        let flags = [
            (!self.target.is_empty(), "--target"),
            (!self.missing.is_empty(), "--missing"),
            (self.rows.is_some(), "--rows"),
            (self.threads.is_some(), "--threads"),
            (self.json, "--json"),
        ];
        flags.into_iter().find_map(|(given, flag)| given.then_some(flag))
    }

    fn threads(&self) -> usize {
        crate::commands::train::threads(self.threads)
    }

    /// Decides what the columns are.
    fn infer(&self, path: &Path) -> Result<Schema> {
        let rows = self.rows.unwrap_or(u64::MAX);
        let (missing, names, threads) = (self.missing.clone(), self.target.clone(), self.threads());
        let options = InferOptions { missing, rows, names, threads, ..InferOptions::default() };
        self.with_target(Schema::infer(path, &options)?)
    }

    fn with_target(&self, schema: Schema) -> Result<Schema> {
        if self.target.is_empty() {
            return Ok(schema);
        }
        Ok(schema.with_target(&self.target, self.task.unwrap_or_default())?)
    }
}

/// Returns a file's schema, as text to edit.
pub fn sniff(path: &Path, args: &ColumnsArgs) -> Result<String> {
    let copy = Rereadable::new(path)?;
    let schema = named(args.infer(copy.path()), &copy, path)?;
    Ok(if args.json { serde_json::to_string(&schema)? + "\n" } else { schema.to_toml() })
}

/// Returns the page about a file.
pub fn info(path: &Path, args: &ColumnsArgs, schema: Option<&Path>) -> Result<String> {
    let copy = Rereadable::new(path)?;
    let (schema, summary) = named(summarized(copy.path(), args, schema), &copy, path)?;
    let source = ByteSource::open(copy.path())?;
    let file = page::File {
        path,
        bytes: std::fs::metadata(copy.path()).map_or(0, |file| file.len()),
        compressed: source.is_compressed(),
    };
    if args.json {
        return Ok(as_json(&file, &schema, &summary)?.to_string() + "\n");
    }
    let style = Style::of(&std::io::stdout());
    Ok(page::Page { file, schema: &schema, summary: &summary, style }.text())
}

/// Decides what the columns are, where no schema was given, and reads the file.
fn summarized(path: &Path, args: &ColumnsArgs, given: Option<&Path>) -> Result<(Schema, TableSummary)> {
    let schema = match given {
        Some(given) => args.with_target(read_schema(given)?)?,
        None => args.infer(path)?,
    };
    let summary = TableSummary::of(path, &schema, args.threads())?;
    Ok((schema, summary))
}

/// An error about the copy of standard input names that.
fn named<T>(result: Result<T>, copy: &Rereadable, path: &Path) -> Result<T> {
    match result {
        Err(error) if copy.path() != path => Err(of_standard_input(error, copy.path())),
        result => result,
    }
}

fn as_json(file: &page::File, schema: &Schema, summary: &TableSummary) -> Result<Value> {
    let mut value = json!({
        "file": file.path.display().to_string(),
        "bytes": file.bytes,
        "compressed": file.compressed,
        "format": serde_json::to_value(&schema.format)?,
    });
    let concerns: Vec<Value> = summary
        .concerns
        .iter()
        .map(|concern| {
            let mut value = serde_json::to_value(concern)?;
            value["text"] = concern.to_string().into();
            value["advice"] = concern.advice().into();
            Ok(value)
        })
        .collect::<Result<_, serde_json::Error>>()?;
    if let (Value::Object(all), Value::Object(more)) = (&mut value, serde_json::to_value(summary)?) {
        all.extend(more);
        all.insert("concerns".into(), concerns.into());
    }
    Ok(value)
}

/// Says that a name is neither a file's nor a data set's.
pub fn is_nothing(name: &str) -> anyhow::Error {
    Hinted {
        message: format!("there is no file {name}, and no data set is called that"),
        hint: "`furlough data list` shows the data sets".into(),
    }
    .into()
}

/// Returns the file that a name means, if it means one.
pub fn of_name(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(name);
    (name == "-" || std::fs::metadata(&path).is_ok_and(|found| !found.is_dir())).then_some(path)
}
