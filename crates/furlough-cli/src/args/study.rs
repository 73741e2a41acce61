//! `furlough study`.

use super::values::{shard, threads};
use clap::{Args, Subcommand};
use std::num::NonZero;
use std::path::PathBuf;

const ABOUT: &str = "Train every arm of an experiment with every seed, and say what came of it

A study is a TOML file: a base recipe, axes whose product is tried, seeds, what to measure and what to draw \
(docs/reference/study-file.md). \
Each trial has a folder named by the hash of its recipe and data, so a finished trial is never repeated, and a study \
that was \
stopped or killed goes on with the same command.";

const AFTER: &str = "Examples:
  furlough study run studies/rate.toml
  furlough study plan studies/rate.toml
  furlough study run studies/rate.toml --shard 3/16    one of 16 processes or machines that share the folder
  furlough study collect studies/rate.toml             tables and pictures of what is there
  furlough study collect here/rate there/rate --out all";

/// What `furlough study` takes.
#[derive(Debug, Args)]
#[command(long_about = ABOUT, after_help = AFTER)]
pub struct StudyArgs {
    #[command(subcommand)]
    pub command: StudyCommand,
}

/// What to do with a study.
#[derive(Debug, Subcommand)]
pub enum StudyCommand {
    /// Train what is not trained yet, then collect
    Run(StudyRunArgs),
    /// List the trials and what is done of them; trains nothing
    Plan(StudyPlanArgs),
    /// Write results.json, results.csv, table.md and the pictures
    Collect(StudyCollectArgs),
}

/// Which study, where, on which data.
#[derive(Debug, Args)]
pub struct WhichStudy {
    /// The study's file, or the folder of a study that was begun
    #[arg(value_name = "FILE|DIR")]
    pub study: PathBuf,
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// Where a study is, and its data.
#[derive(Debug, Args)]
pub struct PlaceArgs {
    /// Folder of the study [default: runs/studies/NAME for NAME.toml]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Another data set than the study's: see `furlough data list`
    #[arg(long, value_name = "NAME")]
    pub data: Option<String>,
    /// Look for the data files in this folder first
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// Which of its trials.
#[derive(Debug, Args)]
pub struct ShardArgs {
    /// Only part I of N of the trials, I from 1 to N
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub shard: Option<(usize, usize)>,
}

/// What `furlough study run` takes.
#[derive(Debug, Args)]
pub struct StudyRunArgs {
    #[command(flatten)]
    pub which: WhichStudy,
    #[command(flatten)]
    pub part: ShardArgs,
    /// Run trials again that failed, as for want of memory; what diverges does so again
    #[arg(long)]
    pub retry_failed: bool,
    /// Trials at a time [default: as many as the cores allow]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub jobs: Option<NonZero<usize>>,
    /// Threads of each trial; changes no number [default: 1, more when there are fewer trials than
    /// cores]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub threads: Option<NonZero<usize>>,
    /// One JSON object a line on standard output: start, epoch, trial, stop
    #[arg(long)]
    pub json: bool,
}

/// What `furlough study plan` takes.
#[derive(Debug, Args)]
pub struct StudyPlanArgs {
    #[command(flatten)]
    pub which: WhichStudy,
    #[command(flatten)]
    pub part: ShardArgs,
    /// One JSON object instead of a table
    #[arg(long)]
    pub json: bool,
}

/// What `furlough study collect` takes.
#[derive(Debug, Args)]
pub struct StudyCollectArgs {
    #[command(flatten)]
    pub which: WhichStudy,
    /// Further folders of the same study, such as shards brought from other machines
    #[arg(value_name = "DIR")]
    pub others: Vec<PathBuf>,
    /// Threads to measure trained networks with [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub threads: Option<NonZero<usize>>,
    /// All results as JSON on standard output too
    #[arg(long)]
    pub json: bool,
}
