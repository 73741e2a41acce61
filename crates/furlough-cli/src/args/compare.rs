use clap::Args;
use std::path::PathBuf;

/// What `furlough compare` takes.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct CompareArgs {
    /// Folders of runs, two or more
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// Write a page with the curves over each other too
    #[arg(long, value_name = "FILE.html")]
    pub out: Option<PathBuf>,
    /// Write the curves over each other as SVG and PNG into this folder too
    #[arg(long, value_name = "DIR")]
    pub plots: Option<PathBuf>,
}

const AFTER: &str = "Runs that differ in nothing but their seed make a group. Where two groups share seeds, the later \
 one is compared with the first \
seed by seed: runs of the same seed see the same data in the same order, so the mean of their differences, with its 95 \
% interval, says \
more than the difference of two means. Give the runs you compare with first.

Examples:
  furlough compare runs/digits-1 runs/digits-2
  furlough compare runs/plain-* runs/dropout-* --out comparison.html";
