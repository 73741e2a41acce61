use clap::Args;
use std::path::PathBuf;

const AFTER: &str = "The page shows curves of loss and accuracy, examples a second, and which units are off, for all \
 runs in the folder \
and while they train. It reads the runs' files and writes nothing.

Examples:
  furlough watch                    all of runs/, at http://127.0.0.1:6060
  furlough watch runs/digits-1      one run
  furlough watch studies/rate       all runs of a study
  furlough watch --port 0           at any port that is free

It goes on until Ctrl-C, which is its ordinary end: exit code 0.";

/// What `furlough watch` takes.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct WatchArgs {
    /// A run's folder, or a folder with runs in it, such as a study's
    #[arg(value_name = "DIR", default_value = "runs")]
    pub dir: PathBuf,
    /// Port to listen on; 0 for any that is free
    #[arg(long, value_name = "N", default_value_t = 6060)]
    pub port: u16,
    /// Address to listen on; with any other than this machine's own, others can see the page
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: String,
    /// Open the page in the browser
    #[arg(long)]
    pub open: bool,
}
