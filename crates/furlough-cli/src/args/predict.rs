//! The command line of `furlough predict`.

use super::values::{Sampling, interval_method, samples, threads};
use clap::Args;
use furlough_lab::recipe::whole;
use furlough_tables::model::IntervalMethod;
use std::num::NonZero;
use std::path::PathBuf;

pub(super) const ABOUT: &str = "Answer for the rows of a table by a network that learned from a table.

Columns are matched by name, in any order, and the file may have another format than the one that the network learned \
from. Extra columns are ignored, the target need not be there and is not read, and a missing feature is an error. \
Rows keep their order, and any number of threads gives the same bytes. Memory does not grow with the file.

The answers' column is named after the target, and answers are in its own labels and units. With --id, columns of the \
file stand before it as they are written; where one of them has the target's name too, the answers' column is \
predicted_TARGET.

With --samples N each row goes through N networks with units switched off at random, as in training. The answer is \
that of their mean, and further columns say how far they agree:
  predictive_entropy  of classes: that of the mean's probabilities, in nats
  mutual_information  the part of it that comes from passes contradicting
                      each other
  agreement           the share of the passes that give the same answer
  TARGET_std          of numbers: the standard deviation over the passes, in
                      the target's units
With --samples analytic the mean over all masks comes from formulas, layer by layer, at the price of some passes; \
classes have no mutual information and no agreement then. That is the network's own doubt. Noise in the data is not \
in it, so it makes no interval that new values keep to. \
--interval F makes intervals, and sets of classes, that do: of F of new rows, if they are like those that were learned \
from.";

pub(super) const AFTER: &str = "Examples:
  furlough predict runs/houses-1 new.csv > answers.csv
  furlough predict runs/houses-1 new.csv --id house --out answers.csv
  furlough predict model.safetensors new.csv --proba --out answers.jsonl
  furlough predict runs/houses-1 new.npy --samples 100
  furlough predict runs/houses-1 new.csv --interval 0.9
  furlough predict runs/iris-1 new.csv --abstain 0.01
  zcat new.csv.gz | furlough predict runs/houses-1 -

Ctrl-C stops at once and leaves no --out.";

/// What `furlough predict` takes.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// The folder of a run that learned from a table, or the file of a model
    #[arg(value_name = "RUN|MODEL")]
    pub model: PathBuf,
    /// The table to answer for: CSV, TSV, JSON Lines, NPY or NPZ, perhaps compressed; - for
    /// standard input, which is copied to a temporary file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Write the answers here, as CSV, JSON Lines or Parquet by the name (.csv, .jsonl,
    /// .parquet); the file is there when it is whole [default: CSV on standard output]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// The probability of each class too, as columns P(CLASS)
    #[arg(long, help_heading = "Output")]
    pub proba: bool,
    /// Where the true answer lies with probability F, such as 0.9: bounds of a number, as columns
    /// TARGET_low and TARGET_high, or the classes that are likely enough, as a column
    /// TARGET_set with bars between them
    #[arg(long, value_name = "F", help_heading = "Output", allow_negative_numbers = true)]
    #[arg(conflicts_with = "samples")]
    pub interval: Option<f64>,
    /// Of a model of several networks, around what: mean, that of all networks, or cv+, of each
    /// fold that of those which left it out, which is wider [default: mean]
    #[arg(long, value_name = "NAME", help_heading = "Output", requires = "interval")]
    #[arg(value_parser = interval_method(), hide_possible_values = true)]
    pub interval_method: Option<IntervalMethod>,
    /// Make the sets of --interval by the rows of each class alone, so that each class is held with
    /// probability F, the rare ones too
    #[arg(long, help_heading = "Output", requires = "interval")]
    pub by_class: bool,
    /// Of classes: give no answer for rows that the model is not sure of, so that no more than this
    /// share of the answers is wrong, such as 0.05, by the rows that it did not learn from; their
    /// cell is empty, and a column confidence says how sure each is
    #[arg(long, value_name = "RATE", help_heading = "Output", allow_negative_numbers = true)]
    #[arg(conflicts_with = "samples")]
    pub abstain: Option<f64>,
    /// Columns of the file to put before the answers
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', help_heading = "Output")]
    pub id: Vec<String>,

    /// Average N passes with dropout on, and say how far they agree; 100 is usual. 'analytic' for
    /// all passes that there can be, by formulas
    #[arg(long, value_name = "N", value_parser = samples, help_heading = "Sampling", allow_negative_numbers = true)]
    pub samples: Option<Sampling>,
    /// Seed of these passes' masks [default: 0]
    #[arg(
        long,
        value_parser = whole::<u64>,
        value_name = "SEED",
        help_heading = "Sampling",
        allow_negative_numbers = true,
        requires = "samples"
    )]
    pub seed: Option<u64>,

    /// Threads to read and compute with; the answers are the same with any number [default: all
    /// cores]
    #[arg(long, value_name = "N", value_parser = threads, help_heading = "Run", allow_negative_numbers = true)]
    pub threads: Option<NonZero<usize>>,
    /// Say nothing but errors
    #[arg(long, short, help_heading = "Run")]
    pub quiet: bool,
}
