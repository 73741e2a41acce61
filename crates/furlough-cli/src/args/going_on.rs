use clap::Args;
use std::path::PathBuf;

/// The flags of `furlough train` for what another run, or this one, has come to.
#[derive(Debug, Args)]
pub struct GoingOnArgs {
    /// Begin a new run with the weights that another run has learned, finished or not, and with its
    /// recipe where flags and file say nothing. The optimizer's state begins anew
    #[arg(long, value_name = "RUN", help_heading = "Run", conflicts_with = "resume")]
    pub from: Option<PathBuf>,
    /// Make a stopped run a finished one as it stands: model, curves and manifest
    #[arg(
        long,
        value_name = "RUN",
        help_heading = "Run",
        conflicts_with_all = ["resume", "from", "out", "explain", "file", "tensorboard", "checkpoint_every", "live",
            "threads"]
    )]
    pub finish: Option<PathBuf>,
    /// Keep a note with the run; `furlough note` changes it
    #[arg(long, value_name = "TEXT", help_heading = "Run", conflicts_with = "explain")]
    pub note: Option<String>,
}

/// What `furlough note` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  furlough note runs/digits-1                        print it
  furlough note runs/digits-1 'the one in the talk'  write it, in place of an earlier one
  furlough note runs/digits-1 ''                     take it away")]
pub struct NoteArgs {
    /// The folder of a run, a tune or a study
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// What to write; empty for no note [default: print the note]
    #[arg(value_name = "TEXT")]
    pub text: Option<String>,
}
