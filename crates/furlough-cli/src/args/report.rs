use super::values::threads;
use clap::Args;
use std::num::NonZero;
use std::path::PathBuf;

/// What `furlough report` takes.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct ReportArgs {
    /// Folders of runs, of tunes and of studies, or folders with several in them
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Where to write the page [default: report.html in the folder; of several, in the current one]
    #[arg(long, value_name = "FILE.html")]
    pub out: Option<PathBuf>,
    /// Write each of its plots as SVG and PNG into this folder too
    #[arg(long, value_name = "DIR")]
    pub plots: Option<PathBuf>,
    /// Look for the data files in this folder first
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Threads to compute with [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub threads: Option<NonZero<usize>>,
}

const AFTER: &str = "The page is one file that loads nothing: learning curves, confusion matrix, class by class, the \
 most confident \
mistakes, calibration, first-layer weights, dropout masks, and the recipe with the commands that repeat the run. What \
cannot be had (the data, the \
network of an unfinished run) is left out, and the page says so. Of several runs it has a comparison first.

An earlier report is replaced; any other file is not.

Examples:
  furlough report runs/digits-1
  furlough report runs/digits-1 --out digits.html --plots pictures
  furlough report runs/a runs/b --out both.html";
