//! The command line, and the settings it amounts to.

mod card;
mod compare;
mod contradictions;
mod data;
mod explain;
mod going_on;
mod predict;
mod recipe;
mod report;
pub mod study;
mod table;
mod texts;
mod tune;
mod values;
mod watch;

pub use card::CardArgs;
pub use compare::CompareArgs;
pub use contradictions::{contradictions, let_go};
pub use data::{ColumnsArgs, DataAction, DataArgs};
pub use explain::ExplainArgs;
pub use going_on::{GoingOnArgs, NoteArgs};
pub use predict::PredictArgs;
pub use recipe::RecipeArgs;
pub use report::ReportArgs;
pub use table::{TableArgs, read_schema};

use crate::terminal::{Style, name};
use clap::builder::{Styles, styling::AnsiColor};
use clap::error::{ContextValue, ErrorKind};
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use furlough_lab::recipe::whole;
use std::ffi::OsString;
use std::io::{self, Write};
use std::num::NonZero;
use std::path::PathBuf;
use texts::{ABOUT, AFTER, COMPLETIONS_HELP, EVALUATE_AFTER, TRAIN_ABOUT, TRAIN_AFTER};
pub use tune::TuneArgs;
use values::size;
pub use values::{Sampling, threads};
pub use watch::WatchArgs;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::White.on_default().bold())
    .usage(AnsiColor::White.on_default().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::BrightBlack.on_default());

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "furlough", version, about = ABOUT, after_help = AFTER, styles = STYLES, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true, args_override_self = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads a command line, program and all; ends the process when it makes no sense or asks for
    /// help.
    pub fn read(words: Vec<OsString>) -> Cli {
        Cli::from(words).unwrap_or_else(|error| quit(error))
    }

    fn from<T: Into<OsString> + Clone>(words: impl IntoIterator<Item = T>) -> Result<Cli, clap::Error> {
        let mut command = Cli::command();
        let matches = command.try_get_matches_from_mut(words)?;
        if let Some((name @ ("train" | "tune"), given)) = matches.subcommand() {
            refuse_other_recipe(name, given, &mut command)?;
        }
        Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

/// Shows help or what is wrong with the command line, in characters that can be shown, and ends the
/// process.
fn quit(mut error: clap::Error) -> ! {
    // What somebody typed is quoted as it can be shown.
    let quoted: Vec<_> = error.context().filter_map(|(kind, value)| Some((kind, shown(value)?))).collect();
    for (kind, value) in quoted {
        error.insert(kind, value);
    }
    let style = if error.use_stderr() { Style::of(&io::stderr()) } else { Style::of(&io::stdout()) };
    if style.unicode {
        error.exit();
    }
    let text = style.text(&error.render().to_string());
    // Where nobody can read it, it is dropped.
    let _ = if error.use_stderr() {
        io::stderr().write_all(text.as_bytes())
    } else {
        io::stdout().write_all(text.as_bytes())
    };
    std::process::exit(error.exit_code());
}

/// The words of an error without what would control a terminal; nothing for what is not words.
fn shown(value: &ContextValue) -> Option<ContextValue> {
    match value {
        ContextValue::String(text) => Some(ContextValue::String(name(text))),
        ContextValue::Strings(texts) => Some(ContextValue::Strings(texts.iter().map(|text| name(text)).collect())),
        _ => None,
    }
}

/// A resumed run has its recipe already. Clap could say so too, but would list all the flags there
/// are.
fn refuse_other_recipe(name: &str, matches: &ArgMatches, command: &mut clap::Command) -> Result<(), clap::Error> {
    let given = |flag: &str| matches.try_contains_id(flag).unwrap_or(false);
    let Some(flag) = ["resume", "finish"].into_iter().find(|flag| given(flag)) else { return Ok(()) };
    let flags = RecipeArgs::given(matches);
    if flags.is_empty() {
        return Ok(());
    }
    let text = format!(
        "{} cannot be used with --{flag}: a {what} goes on with the recipe it began with. \
         For another recipe start another {what}",
        flags.join(", "),
        what = if name == "train" { "run" } else { "tune" }
    );
    let command = command.find_subcommand_mut(name).expect("it was just matched");
    Err(command.error(ErrorKind::ArgumentConflict, text))
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a network and keep the run in a folder
    #[command(long_about = TRAIN_ABOUT, after_help = TRAIN_AFTER)]
    Train(Box<TrainArgs>),
    /// Choose drop probabilities for your data, and say whether dropout helps
    #[command(long_about = tune::ABOUT, after_help = tune::AFTER)]
    Tune(Box<TuneArgs>),
    /// Say how good a trained network is, class by class
    Evaluate(EvaluateArgs),
    /// Answer for the rows of a table
    #[command(long_about = predict::ABOUT, after_help = predict::AFTER)]
    Predict(PredictArgs),
    /// Say which columns a network needs, and what it answers along them
    #[command(long_about = explain::ABOUT, after_help = explain::AFTER)]
    Explain(ExplainArgs),
    /// Write a model card for a model's file
    #[command(after_help = card::AFTER)]
    Card(CardArgs),
    /// List, fetch and describe data sets
    Data(DataArgs),
    /// Describe models, runs, tunes and studies: recipe, how far they are, figures and files
    Info(InfoArgs),
    /// List the runs, tunes and studies in a folder, with dates, results and notes
    Runs(RunsArgs),
    /// Keep a note with a run, a tune or a study
    Note(NoteArgs),
    /// Write a page about runs: curves, mistakes, calibration, weights, masks, recipe
    Report(ReportArgs),
    /// Set runs beside each other: recipes, figures, and what the seeds say
    Compare(CompareArgs),
    /// Run an experiment: every arm, every seed, tables and pictures
    Study(study::StudyArgs),
    /// Show runs on a live page in the browser while they train
    Watch(WatchArgs),
    /// Print a completion script for a shell
    #[command(after_help = COMPLETIONS_HELP)]
    Completions {
        /// The shell to complete for
        shell: clap_complete::Shell,
    },
    /// Print the page of all flags and keys
    #[command(hide = true)]
    Flags,
}

/// What `furlough train` takes.
#[derive(Debug, Args)]
pub struct TrainArgs {
    #[command(flatten)]
    pub table: TableArgs,

    #[command(flatten)]
    pub recipe: RecipeArgs,

    /// Look for the data files in this folder first
    #[arg(long, value_name = "DIR", help_heading = "Data")]
    pub data_dir: Option<PathBuf>,

    /// Learn from the table piece by piece where it would take more memory than this, such as 1GB
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Table", requires = "file")]
    #[arg(allow_negative_numbers = true, conflicts_with = "explain")]
    pub memory: Option<u64>,
    /// Where the rows of such a table are kept while the run lasts; say it with --resume and
    /// --finish again [default: in the run's folder]
    #[arg(long, value_name = "DIR", help_heading = "Table", conflicts_with = "explain")]
    pub scratch: Option<PathBuf>,

    /// Folder for the run; new or empty [default: runs/DATA-N with the next free N]
    #[arg(long, value_name = "DIR", help_heading = "Run", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// Go on with a run from its last checkpoint, with its own recipe
    #[arg(long, value_name = "RUN", help_heading = "Run")]
    pub resume: Option<PathBuf>,
    #[command(flatten)]
    pub going_on: GoingOnArgs,
    /// Save a checkpoint every N steps too, not only after each epoch
    #[arg(
        long,
        value_name = "N",
        value_parser = whole::<NonZero<u64>>,
        help_heading = "Run",
        allow_negative_numbers = true
    )]
    pub checkpoint_every: Option<NonZero<u64>>,
    /// Write event files for TensorBoard too, into the folder tensorboard/ of the run
    #[arg(long, help_heading = "Run")]
    pub tensorboard: bool,
    /// Threads to compute with; the result is the same with any number [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads, help_heading = "Run", allow_negative_numbers = true)]
    pub threads: Option<NonZero<usize>>,
    /// Print how a step is computed, and train nothing: threads, the order of the work, and for
    /// each layer which products skip zeros or read weights in place. No such choice changes the
    /// result
    #[arg(long, help_heading = "Run", conflicts_with_all = ["resume", "out"])]
    pub explain: bool,

    /// Draw the curves while training, in a terminal
    #[arg(long, help_heading = "Output", conflicts_with_all = ["json", "quiet"])]
    pub live: bool,
    /// One JSON object a line on standard output: start, step, epoch, checkpoint, stop
    #[arg(long, help_heading = "Output", conflicts_with = "quiet")]
    pub json: bool,
    /// Say nothing but errors
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,
}

/// What `furlough evaluate` takes.
#[derive(Debug, Args)]
#[command(after_help = EVALUATE_AFTER)]
pub struct EvaluateArgs {
    /// The run's folder, or a model's file
    #[arg(value_name = "RUN|MODEL")]
    pub run: PathBuf,
    /// A table with the target, to judge a network by that learned from another one: any file
    /// whose name does not end in .safetensors. Folders and other files are more runs, whose
    /// probabilities are averaged with the first one's: an ensemble
    #[arg(value_name = "FILE|RUN")]
    pub others: Vec<PathBuf>,
    /// Another data set of the same shape [default: the one it was trained on]
    #[arg(long, value_name = "NAME")]
    pub data: Option<String>,
    /// Look for the data files in this folder first
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Threads to compute with [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub threads: Option<NonZero<usize>>,
    /// A table of rows unlike those that the network learned from: say how well its doubts tell
    /// them from the rows of FILE, by AUROC, average precision and FPR95
    #[arg(long, value_name = "OTHER", requires = "others")]
    pub unlike: Option<PathBuf>,
    /// Write confusion matrix and reliability diagram, or the residuals of numbers, as SVG and PNG
    /// into this folder
    #[arg(long, value_name = "DIR")]
    pub plots: Option<PathBuf>,
    /// One JSON object instead of tables
    #[arg(long)]
    pub json: bool,

    /// Average N passes with dropout on too, and say how far they agree; 100 is usual
    #[arg(
        long,
        value_name = "N",
        value_parser = whole::<NonZero<u32>>,
        help_heading = "Sampling",
        allow_negative_numbers = true
    )]
    pub samples: Option<NonZero<u32>>,
    /// Seed of these passes' masks [default: the run's seed]
    #[arg(
        long,
        value_parser = whole::<u64>,
        value_name = "SEED",
        help_heading = "Sampling",
        allow_negative_numbers = true
    )]
    #[arg(requires = "samples")]
    pub seed: Option<u64>,
}

/// What `furlough info` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  furlough info runs/digits-1\n  furlough info runs/houses-1/model.safetensors\n  \
                  furlough info runs/tune-digits-1\n  furlough info runs")]
pub struct InfoArgs {
    /// Models' files (.safetensors); folders of runs, tunes and studies, or folders with several in
    /// them
    #[arg(required = true, value_name = "MODEL|DIR")]
    pub folders: Vec<PathBuf>,
    /// One JSON object a file or folder, each in a line, instead of text
    #[arg(long)]
    pub json: bool,
}

/// What `furlough runs` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  furlough runs\n  furlough runs --json | jq 'select(.status == \"diverged\")'")]
pub struct RunsArgs {
    /// The folder to look in
    #[arg(default_value = "runs", value_name = "DIR")]
    pub dir: PathBuf,
    /// One JSON object a folder, each in a line, instead of a table
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use furlough_lab::recipe::{OneOrMany, Settings};

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    fn settings(line: &str) -> Settings {
        let words = ["furlough", "train"].into_iter().chain(line.split_whitespace());
        match Cli::from(words).unwrap().command {
            Command::Train(args) => args.recipe.flags().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn flags_become_settings() {
        assert_eq!(settings(""), Settings::default());
        let said = settings(
            "--data digits --hidden 64,32 --dropout 0.5 --input-dropout 0.1 --dropout-kind gaussian --dropout-sharing \
             16 --dropout-schedule late:0.2 --activation gelu --init uniform:0.1 \
             --optimizer sgd --lr 1e-2 --lr-schedule cosine --momentum 0.9 --nesterov --weight-decay 1e-4 --l1 1e-5 \
             --max-norm 3 --clip-norm 2 --beta1 0.8 --beta2 0.9 --epsilon 1e-6 --weight-decay-schedule decay \
             --batch-size 16 \
             --epochs 2 --seed 7 --precision bf16 --labels-from 1 --train-examples 900 --folds 5 --fold 1 --split-seed \
             3",
        );
        let file = "data = 'digits'\nhidden = [64, 32]\ndropout = 0.5\ninput_dropout = 0.1\ndropout_kind = \
         'gaussian'\ndropout_sharing = 16\ndropout_schedule = 'late:0.2'\nactivation = 'gelu'\n\
                    init = 'uniform:0.1'\noptimizer = 'sgd'\nlr = 1e-2\nlr_schedule = 'cosine'\nmomentum = \
                    0.9\nnesterov = true\n\
                    weight_decay = 1e-4\nl1 = 1e-5\nmax_norm = 3.0\nclip_norm = 2\nbeta1 = 0.8\nbeta2 = \
                    0.9\nepsilon = 1e-6\n\
                    weight_decay_schedule = 'decay'\nbatch_size = 16\nepochs = 2\nseed = 7\nprecision = \
                    'bf16'\n\
                    labels_from = 1\ntrain_examples = 900\nfolds = 5\nfold = 1\nsplit_seed = 3";
        assert_eq!(said, Settings::parse(file, None).unwrap());
        assert_eq!(settings("--nesterov=false").nesterov, Some(false));
        assert_eq!(settings("--hidden none").hidden, Some(OneOrMany::Many(vec![])));
        assert!(settings("--lr nan").lr.is_some_and(f64::is_nan));
        assert_eq!(settings("--dropout -0.5").dropout, Some(OneOrMany::One(-0.5)));
    }

    #[test]
    fn the_last_of_repeated_flags_wins() {
        let said = settings("--lr 0.1 --hidden 8 --lr 0.2 --nesterov --hidden 9 --nesterov=false --lr 0.3");
        assert_eq!((said.lr, said.nesterov, said.hidden), (Some(0.3), Some(false), Some(OneOrMany::One(9))));
        let of = |line: &str| Cli::from(line.split_whitespace()).unwrap().command;
        match of("furlough evaluate a b --json --threads 1 c --json --threads 2 d") {
            Command::Evaluate(args) => {
                assert_eq!((args.threads, args.json), (NonZero::new(2), true));
                assert_eq!(args.others, ["b", "c", "d"].map(PathBuf::from));
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(of("furlough watch --port 1 --port 2"), Command::Watch(WatchArgs { port: 2, .. })));
        assert!(matches!(of("furlough data list"), Command::Data(_)));
    }

    #[test]
    fn a_resumed_run_keeps_its_recipe() {
        let fails = |line: &str| Cli::from(line.split_whitespace()).unwrap_err().to_string();
        let text = fails("furlough train --resume runs/a --lr 0.1 --max-norm 3");
        assert!(text.starts_with("error: --lr, --max-norm cannot be used with --resume"), "{text}");
        assert!(fails("furlough train --resume runs/a --recipe b.toml").starts_with("error: --recipe cannot"));
        assert!(fails("furlough train --resume runs/a --out runs/b").contains("--resume"));
        let fine = "furlough train --resume runs/a --threads 1 --data-dir d --checkpoint-every 5 --json";
        assert!(Cli::from(fine.split_whitespace()).is_ok());
    }
}
