//! The command line of `furlough explain`.

use super::values::threads;
use clap::Args;
use furlough_lab::recipe::whole;
use std::num::NonZero;
use std::path::PathBuf;

pub(super) const ABOUT: &str = "Say which columns of a table a network needs, and what it answers along them.

Permutation importance: the values of a column are shuffled among the rows, and the answers are judged again. By how \
much the score grows is what the column is worth to this network (Breiman 2001; Fisher, Rudin and Dominici 2019). Of \
classes the score is the log loss, and the error rate beside it; of numbers RMSE and MAE, in the target's units. The \
95 % intervals are for other rows of the same kind. On rows that the network learned from this shows what it uses, and \
on new ones what helps it. It needs the target in the file.

Partial dependence: all rows are given the same value of a column, value after value, and the answers are averaged \
(Friedman 2001). A number is given its quantiles, from the first hundredth to the last, and a category its levels.

Columns that say the same share their worth: where one is shuffled, the network still has the other. Shuffled and \
fixed columns also make rows that do not occur. So pairs of columns that go together are told, and all figures say \
what the network does, not what causes what.";

pub(super) const AFTER: &str = "Examples:
  furlough explain runs/houses-1 houses.csv
  furlough explain runs/houses-1 new.csv --columns area,town
  furlough explain model.safetensors new.csv --out houses.html --plots pictures
  furlough explain runs/houses-1 new.csv --json | jq .importance";

/// What `furlough explain` takes.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The folder of a run that learned from a table, or the file of a model
    #[arg(value_name = "RUN|MODEL")]
    pub model: PathBuf,
    /// The table whose rows are looked at, with the target: CSV, TSV, JSON Lines, NPY or NPZ,
    /// perhaps compressed
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// The columns to look at [default: all that the network sees]
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Shuffle each column so often
    #[arg(long, value_name = "N", value_parser = whole::<NonZero<u32>>, allow_negative_numbers = true)]
    #[arg(default_value = "10")]
    pub repeats: NonZero<u32>,
    /// Look at so many rows at most, drawn by the seed
    #[arg(long, value_name = "N", value_parser = whole::<NonZero<usize>>, allow_negative_numbers = true)]
    #[arg(default_value = "10000")]
    pub rows: NonZero<usize>,
    /// Seed of rows and shuffles
    #[arg(long, value_name = "SEED", value_parser = whole::<u64>, allow_negative_numbers = true)]
    #[arg(default_value = "0")]
    pub seed: u64,

    /// Write a page with pictures here
    #[arg(long, value_name = "FILE.html", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Write each picture as SVG and PNG into this folder
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub plots: Option<PathBuf>,
    /// One JSON object instead of tables, with all values and columns
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Threads to read and compute with; the figures are the same with any number [default: all
    /// cores]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub threads: Option<NonZero<usize>>,
    /// Show no progress, and say nothing but the result and errors
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,
}
