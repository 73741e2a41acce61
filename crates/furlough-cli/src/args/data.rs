//! The arguments of `furlough data`.

use super::values::{task, threads};
use crate::acquire;
use clap::{Args, Subcommand};
use furlough_tables::TaskChoice;
use std::num::NonZero;
use std::path::PathBuf;

/// What `furlough data` takes.
#[derive(Debug, Args)]
#[command(after_help = acquire::ENVIRONMENT_HELP)]
pub struct DataArgs {
    #[command(subcommand)]
    pub action: DataAction,
}

/// What `furlough data` does.
#[derive(Debug, Subcommand)]
pub enum DataAction {
    /// List the data sets that are known by name
    List,
    /// Fetch a data set into the cache, so that training needs no network
    #[command(after_help = acquire::ENVIRONMENT_HELP)]
    Fetch {
        /// Which one, as `furlough data list` spells it
        name: String,
        /// Fetch it anew even if the cache has it
        #[arg(long)]
        force: bool,
    },
    /// Print what the columns of a table's file are, as TOML to edit and give back with --schema
    #[command(after_help = SNIFF_HELP)]
    Sniff {
        /// The file: CSV, TSV, JSON Lines, NPY or NPZ, perhaps compressed; `-` is standard input
        file: PathBuf,
        #[command(flatten)]
        columns: ColumnsArgs,
    },
    /// Show a table's file, column by column, or a data set: where it is, its counts, shapes,
    /// classes and license
    #[command(after_help = INFO_HELP)]
    Info {
        /// A file, or a data set as `furlough data list` spells it; `idx` is your own files in
        /// --data-dir
        #[arg(value_name = "FILE|NAME")]
        name: String,
        /// What the file's columns are, from a file that `furlough data sniff` printed
        #[arg(long, value_name = "FILE", help_heading = "Table", conflicts_with_all = ["missing", "rows"])]
        schema: Option<PathBuf>,
        #[command(flatten)]
        columns: ColumnsArgs,
        /// Read its four IDX files from this folder
        #[arg(long, value_name = "FOLDER")]
        data_dir: Option<PathBuf>,
        /// The lowest label of these files; 1 in EMNIST's letters
        #[arg(long, value_name = "N", default_value_t = 0)]
        labels_from: u32,
    },
}

const SNIFF_HELP: &str = "Examples:
  furlough data sniff houses.csv
  furlough data sniff houses.csv --target price > houses.toml
  furlough train houses.csv --schema houses.toml";

const INFO_HELP: &str = "Examples:\n  furlough data info houses.csv --target price\n  furlough data info digits\n\nA \
                         path that exists is a file.";

/// What is said of a table's columns.
#[derive(Debug, Default, Args)]
pub struct ColumnsArgs {
    /// The column to predict; several, with commas, when they are numbers
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', help_heading = "Table")]
    pub target: Vec<String>,
    /// What is predicted: classes or numbers [default: auto]
    #[arg(long, value_name = "TASK", help_heading = "Table", requires = "target", value_parser = task())]
    pub task: Option<TaskChoice>,
    /// What a missing value is written as, in columns of every kind; without it that is an empty
    /// cell, and in numbers NA, NaN, null, None, -, ? and . too
    #[arg(long, value_name = "TEXT,…", value_delimiter = ',', help_heading = "Table")]
    pub missing: Vec<String>,
    /// How many of the first rows decide what the columns are [default: all]
    #[arg(long, value_name = "N", value_parser = rows, help_heading = "Table", allow_negative_numbers = true)]
    pub rows: Option<u64>,
    /// How many threads read [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads, help_heading = "Table", allow_negative_numbers = true)]
    pub threads: Option<NonZero<usize>>,
    /// One JSON object instead of text
    #[arg(long, help_heading = "Table")]
    pub json: bool,
}

fn rows(text: &str) -> Result<u64, String> {
    match text {
        "all" => Ok(u64::MAX),
        _ => match text.parse() {
            Ok(0) | Err(_) => Err("not a number of rows, from 1, or `all`".into()),
            Ok(rows) => Ok(rows),
        },
    }
}
