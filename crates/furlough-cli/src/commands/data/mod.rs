//! `furlough data`: which data sets there are, fetching one, and looking at one or at a file.

mod figures;
mod file;
mod page;

use crate::acquire;
use crate::args::{DataAction as Action, DataArgs};
use crate::failure;
use crate::terminal::{Style, note};
use anyhow::{Result, bail};
use furlough::data::{Dataset, Entry, Features, Split, Targets, catalog};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Does what the arguments say. Answers go to stdout, what is tried on the way to stderr.
pub fn run(args: DataArgs) -> Result<()> {
    let report = &mut |line: &str| note(line);
    let text = match args.action {
        Action::List => list(),
        Action::Fetch { name, force } => acquire::fetch(&name, force, report)? + "\n",
        Action::Sniff { file, columns } => {
            // TOML and JSON escape what would control the terminal.
            let text = file::sniff(&file, &columns)?;
            return Ok(std::io::stdout().write_all(text.as_bytes()).map_err(failure::output)?);
        }
        Action::Info { name, schema, columns, data_dir, labels_from } => {
            if let Some(path) = file_of(&name, data_dir.as_deref()) {
                let text = file::info(&path, &columns, schema.as_deref())?;
                return Ok(std::io::stdout().write_all(text.as_bytes()).map_err(failure::output)?);
            }
            if let Some(flag) = columns.given().or(schema.map(|_| "--schema")) {
                bail!("there is no file {name}, and {flag} is for files");
            }
            let is_known = name == catalog::OWN_FILES || catalog::get(&name).is_ok();
            if !is_known && name.contains(['.', '/', '\\']) {
                return Err(file::is_nothing(&name));
            }
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

/// The file that is meant: a path that exists, unless a folder of a data set's files is said.
fn file_of(name: &str, data_dir: Option<&Path>) -> Option<PathBuf> {
    let path = file::of_name(name).filter(|_| data_dir.is_none())?;
    if name == catalog::OWN_FILES || catalog::get(name).is_ok() {
        note(&format!("note: this is the file {name}; for the data set of that name, ask in another folder"));
    }
    Some(path)
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
