//! The command line of `furlough card`.

use clap::Args;
use std::path::PathBuf;

pub(super) const AFTER: &str = "The card has the form that the Hugging Face Hub reads: a head in YAML with library, \
tags, metrics and results, then \
what the model is for, what it learned from, how good it is, how to use it, and its limits. All of it comes from the \
model's file. License, intended use and whatever else only you know are marked, and left to you.

Examples:
  furlough card runs/houses-1
  furlough card model.safetensors --out -
  furlough card model.safetensors --out cards/houses.md --force";

/// What `furlough card` takes.
#[derive(Debug, Args)]
pub struct CardArgs {
    /// The file of a model, or the folder of a finished run
    #[arg(value_name = "MODEL|RUN")]
    pub model: PathBuf,
    /// Write the card here; - for standard output [default: README.md beside the model's file]
    #[arg(long, value_name = "FILE.md")]
    pub out: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
}
