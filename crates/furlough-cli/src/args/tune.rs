use super::values::threads;
use super::{RecipeArgs, TableArgs};
use clap::Args;
use furlough_lab::recipe::whole;
use furlough_lab::tune::SearchKey;
use std::num::NonZero;
use std::path::PathBuf;

pub(super) const ABOUT: &str = "Choose drop probabilities for your data, and say whether dropout helps there.

Without a flag this searches rates after each hidden layer of the tutorial's network. It begins with 0.5, 0.1, 0.9, no \
dropout and the \
recipe's own rates, and goes on with proposals of an optimizer (tree-structured Parzen estimators); the worse trials \
of each nine are \
given up early (successive halving). The best with dropout and the best without are then trained with several seeds, \
each of which \
gives both the same initial weights and the same order of examples, and compared pair by pair. At last the better one \
is trained on \
all training examples.

All of that is judged by examples that are held out of the training set, one fifth of it unless --folds says \
otherwise. The test set is \
looked at once, at the very end, for the final network alone.

With --trials the same seed gives the same result, bit for bit, whatever --jobs and --threads are and however often it \
was stopped. \
With --budget the time decides how many trials there are; the same seed tries the same ones in the same order.";

pub(super) const AFTER: &str = "Examples:
  furlough tune --data digits
  furlough tune --budget 10m
  furlough tune --search width,lr --trials 60 --cross-validation
  furlough tune --search dropout=0..0.6,depth=1..3,lr=0.05..1 --hidden 512,512
  furlough tune --search activation=relu,gelu,dropout_kind,batch_size
  furlough tune --data idx --data-dir my-data --hidden 128 --init kaiming --lr 0.1
  furlough tune --resume runs/tune-digits-1   go on where Ctrl-C or a crash stopped it
  furlough train --recipe runs/tune-digits-1/recommended.toml --seed 7
  furlough tune --json | jq 'select(.event == \"verdict\")'

The folder has: tune.json (everything), recommended.toml (a recipe for `furlough train`), final (the run on all \
training examples), \
error-by-p.svg and .png, and trials (a run directory each).

A trial that fails by itself, because it diverges or does not fit in memory, is never recommended and ends nothing: \
its \
reason is told and kept, and it is run again only with --retry-failed.

Exit codes:
  0 finished, even if some trials failed, 1 error, 2 command line not understood, 130 stopped after saving";

/// What `furlough tune` takes.
#[derive(Debug, Args)]
pub struct TuneArgs {
    #[command(flatten)]
    pub table: TableArgs,

    #[command(flatten)]
    pub recipe: RecipeArgs,

    /// Look for the data files in this folder first
    #[arg(long, value_name = "DIR", help_heading = "Data")]
    pub data_dir: Option<PathBuf>,

    #[arg(long, value_name = "KEY[=LOW..HIGH|NAME,NAME],…", help = search_help())]
    #[arg(help_heading = "Search", conflicts_with = "resume")]
    pub search: Option<String>,
    /// Recipes to try, at most [default: 30, or with --budget as many as there is time for]
    #[arg(
        long,
        value_name = "N",
        value_parser = whole::<usize>,
        help_heading = "Search",
        allow_negative_numbers = true
    )]
    #[arg(conflicts_with = "resume")]
    pub trials: Option<usize>,
    /// Time for all of it, such as 90s, 10m or 1h30m; plain numbers are seconds
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Search", conflicts_with = "resume")]
    pub budget: Option<f64>,
    /// Seeds to compare the best with dropout and the best without over [default: 5]
    #[arg(long, value_name = "N", value_parser = whole::<u32>, help_heading = "Search", allow_negative_numbers = true)]
    #[arg(conflicts_with = "resume")]
    pub seeds: Option<u32>,
    /// Hold out each fold in turn and judge by the mean; takes as many times as long as there are
    /// folds
    #[arg(long, help_heading = "Search", conflicts_with = "resume")]
    pub cross_validation: bool,
    /// What is compared: accuracy or loss [default: accuracy; loss where numbers are predicted]
    #[arg(long, value_name = "NAME", help_heading = "Search", conflicts_with = "resume")]
    pub metric: Option<String>,

    /// Folder for the tune; new or empty [default: runs/tune-DATA-N with the next free N]
    #[arg(long, value_name = "DIR", help_heading = "Run", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// Go on with a tune that was stopped or killed
    #[arg(long, value_name = "DIR", help_heading = "Run")]
    pub resume: Option<PathBuf>,
    /// Run trials again that failed, as for want of memory; what diverges does so again
    #[arg(long, help_heading = "Run", requires = "resume")]
    pub retry_failed: bool,
    /// Trials at a time; the threads are shared out among them [default: as many as threads]
    #[arg(long, value_name = "N", value_parser = threads, help_heading = "Run", allow_negative_numbers = true)]
    pub jobs: Option<NonZero<usize>>,
    /// Threads in all [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads, help_heading = "Run", allow_negative_numbers = true)]
    pub threads: Option<NonZero<usize>>,

    /// One JSON object a line on standard output: start, phase, trial, searched, replicate,
    /// verdict, stop
    #[arg(long, help_heading = "Output", conflicts_with = "quiet")]
    pub json: bool,
    /// Say nothing but errors
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,
}

/// What the flag `--search` is, with all that can be searched.
fn search_help() -> String {
    let keys = SearchKey::all().into_iter().map(SearchKey::name).filter(|&name| name != "dropout");
    let keys = keys.collect::<Vec<_>>().join(", ");
    format!(
        "Search these too, each with a range (lr=0.01..1) or names (activation=relu,gelu) if you like: {keys}; \
         dropout=LOW..HIGH sets the range of the rates"
    )
}

/// `90`, `90s`, `1.5m`, `1h30m` in seconds.
fn time(text: &str) -> Result<f64, String> {
    let bad = || "not a time such as 90s, 10m or 1h30m".to_string();
    if let Ok(seconds) = text.parse::<f64>() {
        return if seconds.is_finite() && seconds >= 0.0 { Ok(seconds) } else { Err(bad()) };
    }
    let (mut seconds, mut number, mut last) = (0.0, String::new(), f64::INFINITY);
    for c in text.chars() {
        let unit = match c {
            '0'..='9' | '.' => {
                number.push(c);
                continue;
            }
            'h' => 3600.0,
            'm' => 60.0,
            's' => 1.0,
            _ => return Err(bad()),
        };
        if unit >= last {
            return Err(bad());
        }
        seconds += unit * number.parse::<f64>().map_err(|_| bad())?;
        number.clear();
        last = unit;
    }
    if number.is_empty() && last.is_finite() { Ok(seconds) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let read = ["90", "90s", "10m", "1.5m", "1h30m", "2h5s", "0", "0.5"].map(|text| time(text).unwrap());
        assert_eq!(read, [90.0, 90.0, 600.0, 90.0, 5400.0, 7205.0, 0.0, 0.5]);
        for bad in ["", "m", "10x", "10m5", "5m1h", "1m1m", "-5", "inf", "nan", "1h 5m"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }
}
