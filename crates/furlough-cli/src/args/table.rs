//! The flags of a table: which file, what is predicted of it, and what its columns are.

use super::values::{preset, scaling, task};
use crate::terminal::{program, shell_word, thousands};
use anyhow::{Context, bail};
use clap::Args;
use furlough_lab::recipe::{Settings, TableInput};
use furlough_tables::{InferOptions, PreprocessingOptions, Preset, Role, Scaling, Schema, TaskChoice};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The share of the rows that are the test set, unless another is asked for.
const TEST_FRACTION: f64 = 0.2;

/// The part of the memory in which it is found out what the columns are.
const INFERENCE_PART: u64 = 4;

/// A table to learn from.
#[derive(Debug, Clone, Default, Args)]
pub struct TableArgs {
    /// A table to learn from: CSV, TSV, JSON Lines, NPY or NPZ, perhaps compressed; with --target
    #[arg(value_name = "FILE", conflicts_with_all = ["resume", "data", "data_dir", "labels_from"])]
    pub file: Option<PathBuf>,
    /// The column to predict; several, with commas, when they are numbers
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', help_heading = "Table", requires = "file")]
    pub target: Vec<String>,
    /// What is predicted: classification, regression, or auto: classes where the target is text,
    /// yes or no, or a few whole numbers that come often, and numbers otherwise [default: auto]
    #[arg(long, value_name = "TASK", help_heading = "Table", requires = "target")]
    #[arg(value_parser = task(), hide_possible_values = true)]
    pub task: Option<TaskChoice>,
    /// What the columns are, from a file that `furlough data sniff` printed and you may have edited
    /// [default: found out, and kept in the recipe]
    #[arg(long, value_name = "FILE", help_heading = "Table", requires = "file")]
    pub schema: Option<PathBuf>,
    /// A table with the test set, whose columns are the same
    #[arg(long, value_name = "FILE", help_heading = "Table", requires = "file", conflicts_with = "test_fraction")]
    pub test: Option<PathBuf>,
    /// The share of the rows that only judge the finished network: from 0 to below 1 [default: 0.2]
    #[arg(long, value_name = "F", help_heading = "Table", requires = "file", allow_negative_numbers = true)]
    pub test_fraction: Option<f64>,
    /// The column that says how much a row counts
    #[arg(long, value_name = "COLUMN", help_heading = "Table", requires = "file")]
    pub weight: Option<String>,
    /// The column whose equal values stay together when rows are held out, such as a patient
    #[arg(long, value_name = "COLUMN", help_heading = "Table", requires = "file")]
    pub group: Option<String>,
    /// The column by which the latest rows are held out
    #[arg(long, value_name = "COLUMN", help_heading = "Table", requires = "file", conflicts_with = "group")]
    pub time: Option<String>,
    /// Columns that are not learned from
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', help_heading = "Table", requires = "file")]
    pub ignore: Vec<String>,
    /// What a missing value is written as, in columns of every kind; without it that is an empty
    /// cell, and in numbers NA, NaN, null, None, -, ? and . too
    #[arg(long, value_name = "TEXT,…", value_delimiter = ',', help_heading = "Table", requires = "file")]
    #[arg(conflicts_with = "schema")]
    pub missing: Vec<String>,
    /// The recipe where no other flag or file says otherwise: auto (what suits the table) or
    /// realmlp (the defaults of RealMLP) [default: auto]
    #[arg(long, value_name = "NAME", help_heading = "Recipe", requires = "file")]
    #[arg(value_parser = preset(), hide_possible_values = true)]
    pub preset: Option<Preset>,
    /// How numbers are scaled: robust (median and quartiles, with outliers bent in), standard (mean
    /// and deviation) or quantile (normal) [default: robust]
    #[arg(long, value_name = "NAME", help_heading = "Table", requires = "file")]
    #[arg(value_parser = scaling(), hide_possible_values = true)]
    pub scaling: Option<Scaling>,
}

impl TableArgs {
    /// Decides what the table is; none where no file was named. Reads the schema, or the file to
    /// find it out, in so many bytes of `memory` if that is said. What else was said decides which
    /// rows are the test set, and how columns become features where no flag says that.
    pub fn input(&self, said: &Settings, memory: Option<u64>, threads: usize) -> anyhow::Result<Option<TableInput>> {
        let Some(file) = &self.file else {
            self.refuse_strays("name the file that they are about")?;
            return Ok(None);
        };
        check_file(file)?;
        let schema = self.schema_of(file, memory, threads)?;
        if schema.with_the_role(Role::Target).next().is_none() {
            bail!(
                "{}: which column is to be predicted? Say --target COLUMN; the columns are {}",
                file.display(),
                named_columns(&schema, file)
            );
        }
        let test_fraction = self.test_fraction.unwrap_or(if self.test.is_some() { 0.0 } else { TEST_FRACTION });
        if !(0.0..1.0).contains(&test_fraction) {
            bail!("--test-fraction {test_fraction}: the share of the test set is at least 0 and below 1");
        }
        let of_recipe = said.table.as_ref().filter(|_| self.preset.is_none()).map(|table| table.preprocessing);
        let usual = of_recipe.unwrap_or_else(|| self.preset.unwrap_or_default().preprocessing());
        Ok(Some(TableInput {
            file: text_of(file)?,
            test_file: self.test_file(file)?,
            test_fraction,
            test_seed: said.split_seed.unwrap_or_default(),
            on_disk: None,
            preprocessing: PreprocessingOptions { scaling: self.scaling.unwrap_or(usual.scaling), ..usual },
            schema,
        }))
    }

    /// Refuses flags of a table where there is no file, which would do nothing.
    pub fn refuse_strays(&self, advice: &str) -> anyhow::Result<()> {
        let given = [
            ("--target", !self.target.is_empty()),
            ("--task", self.task.is_some()),
            ("--schema", self.schema.is_some()),
            ("--test", self.test.is_some()),
            ("--test-fraction", self.test_fraction.is_some()),
            ("--weight", self.weight.is_some()),
            ("--group", self.group.is_some()),
            ("--time", self.time.is_some()),
            ("--ignore", !self.ignore.is_empty()),
            ("--missing", !self.missing.is_empty()),
            ("--preset", self.preset.is_some()),
            ("--scaling", self.scaling.is_some()),
        ];
        let given: Vec<&str> = given.into_iter().filter_map(|(flag, is_given)| is_given.then_some(flag)).collect();
        if given.is_empty() {
            return Ok(());
        }
        bail!("{} would do nothing here: {advice}", given.join(", "))
    }

    /// The file with the test set, which is not the one that is learned from.
    fn test_file(&self, file: &Path) -> anyhow::Result<Option<String>> {
        let Some(test) = &self.test else { return Ok(None) };
        check_file(test)?;
        let place = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        if place(test) == place(file) {
            bail!("--test {}: these rows are learned from, so they say nothing of new ones", test.display());
        }
        text_of(test).map(Some)
    }

    /// What the columns are, with the roles that flags give them.
    fn schema_of(&self, file: &Path, memory: Option<u64>, threads: usize) -> anyhow::Result<Schema> {
        let mut schema = match &self.schema {
            Some(path) => read_schema(path)?,
            None => {
                let roles = [&self.weight, &self.group, &self.time].into_iter().flatten();
                let names = self.target.iter().chain(&self.ignore).chain(roles).cloned().collect();
                let (missing, memory) = (self.missing.clone(), memory.map(|memory| memory / INFERENCE_PART));
                let options = InferOptions { missing, names, memory, threads, ..InferOptions::default() };
                Schema::infer(file, &options)?
            }
        };
        let ignored = self.ignore.iter().map(|name| (name, Role::Ignore));
        let roles = [(&self.weight, Role::Weight), (&self.group, Role::Group), (&self.time, Role::Time)];
        let named = roles.into_iter().filter_map(|(name, role)| Some((name.as_ref()?, role)));
        let mut seen: HashSet<&String> = self.target.iter().collect();
        for (name, role) in ignored.chain(named) {
            if !seen.insert(name) {
                bail!("column {name} is named for two things; a column can have one role");
            }
            schema = schema.with_role(name, role)?;
        }
        if !self.target.is_empty() {
            schema = schema.with_target(&self.target, self.task.unwrap_or_default())?;
        }
        schema.check()?;
        Ok(schema)
    }
}

/// Names the columns, or of many some, and how to see the others.
fn named_columns(schema: &Schema, file: &Path) -> String {
    const FEW: usize = 30;
    const FIRST: usize = 10;
    let names: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
    if names.len() <= FEW {
        return names.join(", ");
    }
    let (first, last) = (names[..FIRST].join(", "), names[names.len() - 1]);
    let (all, file) = (thousands(names.len() as u64), shell_word(file));
    format!("{first}, … and {last}: {all} in all, which {} data sniff {file} lists", program())
}

/// Reads a schema that somebody may have edited.
pub fn read_schema(path: &Path) -> anyhow::Result<Schema> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read schema {}", path.display()))?;
    Ok(Schema::parse_toml(&text, Some(path))?)
}

/// A table is read more than once: to find out what its columns are, to learn, to go on.
fn check_file(path: &Path) -> anyhow::Result<()> {
    let again = "a table to learn from is read more than once, so it must be a file; save it first";
    if path == Path::new("-") {
        bail!("-: {again}");
    }
    match std::fs::metadata(path) {
        Ok(about) if !about.is_file() => bail!("{}: is no file; {again}", path.display()),
        _ => Ok(()), // what cannot be read is told when it is read
    }
}

/// The whole path, so that a run can go on from any folder. A recipe is text, so the names of its
/// files are.
fn text_of(path: &Path) -> anyhow::Result<String> {
    let whole = std::path::absolute(path)?;
    match whole.to_str() {
        Some(text) => Ok(text.into()),
        None => bail!("{}: the name is not UTF-8, so no recipe can hold it; rename the file", path.display()),
    }
}
