//! `furlough data`: which data sets there are, fetching one, and looking at one.

use crate::acquire;
use crate::failure;
use crate::terminal::{Style, note};
use anyhow::Result;
use clap::{Args, Subcommand};
use furlough::data::{Dataset, Entry, Features, Split, Targets, catalog};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

/// The arguments of `furlough data`.
#[derive(Debug, Args)]
#[command(after_help = acquire::ENVIRONMENT_HELP)]
pub struct DataArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the data sets that are known by name
    List,
    /// Fetch a data set into the cache, so that training needs no network
    #[command(after_help = acquire::ENVIRONMENT_HELP)]
    Fetch {
        /// Which one, as `furlough data list` spells it
        name: String,
        /// Fetch it anew even if the cache has it
        #[arg(long)]
        force: bool,
    },
    /// Show a data set: where it is, its counts, shapes, classes and license
    #[command(after_help = acquire::ENVIRONMENT_HELP)]
    Info {
        /// Which one, as `furlough data list` spells it; `idx` is your own files in --data-dir
        name: String,
        /// Read its four IDX files from this folder
        #[arg(long, value_name = "FOLDER")]
        data_dir: Option<PathBuf>,
        /// The lowest label of these files; 1 in EMNIST's letters
        #[arg(long, value_name = "N", default_value_t = 0)]
        labels_from: u32,
    },
}

/// Does what the arguments say. Answers go to stdout, what is tried on the way to stderr.
pub fn run(args: DataArgs) -> Result<()> {
    let report = &mut |line: &str| note(line);
    let text = match args.action {
        Action::List => list(),
        Action::Fetch { name, force } => acquire::fetch(&name, force, report)? + "\n",
        Action::Info { name, data_dir, labels_from } => {
            let wanted = acquire::Wanted { name: &name, labels_from };
            match acquire::local(wanted, data_dir.as_deref(), report)? {
                Some(found) => describe(&name, &found.origin, &found.split),
                None => promise(catalog::get(&name)?),
            }
        }
    };
    let text = Style::of(&std::io::stdout()).text(&text);
    std::io::stdout().write_all(text.as_bytes()).map_err(failure::output)?;
    Ok(())
}

fn list() -> String {
    let mut text = String::new();
    for entry in &catalog::ENTRIES {
        let size = format!("{} train, {} test, {}", entry.train, entry.test, shape(entry.shape));
        let _ = writeln!(
            text,
            "{:<14} {}\n{:14} {size}; {}",
            entry.name,
            entry.description,
            "",
            acquire::whereabouts(entry.name)
        );
    }
    let own = "your own four IDX files, named as MNIST names them, in --data-dir";
    let _ = writeln!(text, "{:<14} {own}", catalog::OWN_FILES);
    text
}

fn shape(sizes: &[usize]) -> String {
    sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join("×")
}

/// What is known of a data set that is not here.
fn promise(entry: &Entry) -> String {
    let mut text = heading(entry.name, &format!("not here yet; `furlough data fetch {}` gets it", entry.name));
    let counts = format!("{} train, {} test, each {}", entry.train, entry.test, shape(entry.shape));
    let _ = writeln!(text, "examples  {counts}\nclasses   {}", entry.classes.join(", "));
    text
}

fn heading(name: &str, origin: &str) -> String {
    let mut text = String::new();
    let _ = match catalog::get(name) {
        Ok(entry) => {
            writeln!(text, "{} ({name})\nlicense   {}\nsource    {}", entry.title, entry.license, entry.source)
        }
        Err(_) => writeln!(text, "your own files ({name})"),
    };
    let _ = writeln!(text, "origin    {origin}");
    text
}

fn describe(name: &str, origin: &str, split: &Split) -> String {
    let mut text = heading(name, origin);
    let (train, test) = (&split.train, &split.test);
    let kind = match train.inputs() {
        Features::Bytes { scale, .. } => format!("bytes, seen times 1/{}", (1.0 / scale).round()),
        Features::Floats(_) => "numbers, seen as they are".into(),
    };
    let _ =
        writeln!(text, "examples  {} train, {} test, each {}: {kind}", train.len(), test.len(), shape(train.shape()));
    if let (Some(in_train), Some(in_test)) = (balance(train), balance(test)) {
        let width = train.class_names().iter().map(|name| name.chars().count()).max().unwrap_or(0).max(5);
        let _ = writeln!(text, "\n  {:<width$} {:>8} {:>8}", "class", "train", "test");
        for (index, class) in train.class_names().iter().enumerate() {
            let _ = writeln!(text, "  {class:<width$} {:>8} {:>8}", in_train[index], in_test[index]);
        }
    }
    if let Some(picture) = picture(train, 0) {
        let _ = write!(text, "\nthe first training example{}:\n{picture}", label(train, 0));
    }
    text
}

/// How many examples each class has.
fn balance(data: &Dataset) -> Option<Vec<usize>> {
    let Targets::Classes { labels, names } = data.targets() else { return None };
    let mut counts = vec![0; names.len()];
    for &label in labels {
        counts[label as usize] += 1;
    }
    Some(counts)
}

fn label(data: &Dataset, row: usize) -> String {
    match data.targets() {
        Targets::Classes { labels, names } => format!(" ({})", names[labels[row] as usize]),
        Targets::Values(_) => String::new(),
    }
}

/// A gray image in half-block characters, two rows of pixels to a line: ink where a pixel is at
/// least a third of the brightest.
fn picture(data: &Dataset, row: usize) -> Option<String> {
    let &[height, width] = data.shape() else { return None };
    if width > 100 {
        return None;
    }
    let mut pixels = vec![0.0; height * width];
    data.read_row(row, &mut pixels);
    let brightest = pixels.iter().copied().fold(0.0, f32::max);
    let ink =
        |y: usize, x: usize| y < height && pixels[y * width + x] > 0.0 && pixels[y * width + x] * 3.0 >= brightest;
    let line = |y: usize| -> String {
        let blocks = (0..width).map(|x| match (ink(y, x), ink(y + 1, x)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        });
        format!("  {}", blocks.collect::<String>()).trim_end().into()
    };
    let lines: Vec<String> = (0..height).step_by(2).map(line).collect();
    Some(lines.join("\n").trim_matches('\n').to_string() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_described_and_drawn() {
        let split = furlough::data::digits::load().unwrap();
        let text = describe("digits", "built in", &split);
        for expected in
            ["CC BY 4.0", "10.24432/C50P49", "1437 train, 360 test, each 8×8", "0          143       35", "example (0)"]
        {
            assert!(text.contains(expected), "{text}\nshould contain {expected:?}");
        }
        assert_eq!(picture(&split.train, 0).unwrap().lines().count(), 4);
    }

    #[test]
    fn the_list_names_every_entry() {
        let text = list();
        for entry in &catalog::ENTRIES {
            assert!(text.contains(entry.name) && text.contains(entry.description), "{text}");
        }
    }
}
