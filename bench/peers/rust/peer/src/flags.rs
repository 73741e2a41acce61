use std::path::PathBuf;

use clap::Parser;
use clap::error::ErrorKind;

/// Trains the tutorial's job and prints one JSON object a line.
#[derive(Parser)]
pub struct Flags {
    /// The folder of the four Fashion-MNIST files, plain or .gz
    #[arg(long)]
    pub data_dir: PathBuf,
    /// Units of each hidden layer
    #[arg(long, value_delimiter = ',', default_value = "256,256")]
    pub hidden: Vec<usize>,
    /// Probability of dropping a unit, for each hidden layer or one for all; 0 is none
    #[arg(long, value_delimiter = ',', default_value = "0.2,0.5")]
    pub dropout: Vec<f64>,
    #[arg(long, default_value_t = 256)]
    pub batch_size: usize,
    #[arg(long, default_value_t = 10)]
    pub epochs: usize,
    #[arg(long, default_value_t = 0.5)]
    pub lr: f64,
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// Another way to write this peer: see README.md
    #[arg(long, default_value = "best")]
    pub variant: String,
}

impl Flags {
    /// The units of every layer, from the pixels to the classes.
    pub fn widths(&self) -> Vec<usize> {
        [&[crate::data::PIXELS], self.hidden.as_slice(), &[crate::data::CLASSES]].concat()
    }
}

/// Reads the command line and gives every hidden layer its probability. A mistake ends the program
/// with code 2.
pub fn read() -> Flags {
    let mut flags = Flags::parse();
    if flags.dropout.len() == 1 {
        flags.dropout = vec![flags.dropout[0]; flags.hidden.len()];
    }
    let wrong = if flags.dropout.len() != flags.hidden.len() {
        "--dropout takes one value, or one for each hidden layer"
    } else if !flags.dropout.iter().all(|p| (0.0..1.0).contains(p)) {
        "--dropout takes values from 0 to below 1"
    } else if flags.hidden.contains(&0) || flags.batch_size == 0 || flags.threads == 0 {
        "--hidden, --batch-size and --threads take values above 0"
    } else {
        return flags;
    };
    <Flags as clap::CommandFactory>::command().error(ErrorKind::ValueValidation, wrong).exit()
}
