//! Event files for TensorBoard, beside a run's own files.

mod frame;
mod messages;
#[cfg(test)]
mod tests;

use super::{EpochRecord, RunDir};
use crate::{Error, Result};
use furlough::data::EvalSplit;
use furlough::files::read_text;
use furlough::train::{Control, EpochSummary, Observer};
use messages::{
    Content, Dimension, EventMessage, Metadata, Plugin, SessionLog, SessionStatus, Shape, Summary, Tensor, Value, What,
};
use prost::Message;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

const PREFIX: &str = "events.out.tfevents.";

/// An observer that writes each epoch's figures as TensorBoard's scalars, into
/// [`RunDir::TENSORBOARD`] of a run's folder.
///
/// The step is the epoch, from 1. The tags are `train/loss`, `train/accuracy`, `test/loss`,
/// `test/accuracy` and `time/seconds`, as far as there are such figures, and the text `recipe`.
/// Where examples are held out, `validation` stands for `test`
/// ([`EvalSplit`]); with concrete dropout there
/// are `dropout/layer1` and so on. Each process that works on the run writes a file of its own. It
/// begins with a session start at the first epoch that is still to come, at which TensorBoard drops
/// what earlier files say of that epoch and later ones: a resumed run computes them again. So no
/// epoch is shown twice.
///
/// It is no part of what the run computes, and not in the manifest: it has times of day in it.
pub struct TensorBoard<'a> {
    path: PathBuf,
    file: File,
    bytes: u64,
    seconds: Box<dyn FnMut() -> f64 + 'a>,
    now: Box<dyn FnMut() -> f64 + 'a>,
}

impl<'a> TensorBoard<'a> {
    /// Begins a file for the run in `dir`, of which the epochs in `records` are done. Where there
    /// is no event file yet, these are written too.
    ///
    /// `host` stands in the file's name; characters that do not belong there become hyphens. `now`
    /// gives the time in seconds since 1970; `seconds` is called at the end of each epoch and says
    /// how long it took.
    ///
    /// # Errors
    /// [`furlough::Error::Io`] when the folder or the file cannot be written; those of
    /// [`RunDir::recipe`].
    pub fn open(
        dir: &RunDir,
        records: &[EpochRecord],
        host: &str,
        mut now: impl FnMut() -> f64 + 'a,
        seconds: impl FnMut() -> f64 + 'a,
    ) -> Result<Self> {
        let folder = dir.file(RunDir::TENSORBOARD);
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        let latest = latest_file(&folder)?;
        let time = now();
        // TensorBoard reads the files in the order of their names, and this one must come last,
        // even if the clock was set back.
        let number = latest.map_or(time as u64, |latest| latest.saturating_add(1).max(time as u64));
        let path = folder.join(format!("{PREFIX}{number:010}.{}", file_name_part(host)));
        let file = File::options().append(true).create_new(true).open(&path).map_err(Error::io("create", &path))?;
        let mut board = TensorBoard { path, file, bytes: 0, seconds: Box::new(seconds), now: Box::new(now) };

        let first = records.len() as i64 + 1;
        let start = SessionLog { status: SessionStatus::Start.into() };
        let mut events = vec![
            EventMessage { wall_time: time, step: 0, what: Some(What::FileVersion("brain.Event:2".into())) },
            EventMessage {
                wall_time: time,
                step: if latest.is_some() { first } else { 1 },
                what: Some(What::SessionLog(start)),
            },
        ];
        if latest.is_none() {
            let recipe = dir.file(RunDir::RECIPE);
            let text = read_text(&recipe)?;
            events.push(summary(time, 0, vec![text_value("recipe", &text)]));
            events.extend(records.iter().map(|record| epoch_event(time, &record.summary, record.seconds)));
        }
        board.append(&events)?;
        Ok(board)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn append(&mut self, events: &[EventMessage]) -> Result<()> {
        let bytes: Vec<u8> = events.iter().flat_map(|event| frame::record(&event.encode_to_vec())).collect();
        self.file.write_all(&bytes).map_err(|error| {
            // If this fails too: readers forgive a record that was only begun, at the end of a
            // file.
            let _ = self.file.set_len(self.bytes);
            Error::io("write", &self.path)(error)
        })?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

impl Observer for TensorBoard<'_> {
    fn observe(&mut self, event: &furlough::train::Event<'_>) -> furlough::Result<Control> {
        if let furlough::train::Event::Epoch(summary) = event {
            let event = epoch_event((self.now)(), summary, (self.seconds)());
            self.append(&[event])?;
        }
        // The figure of the epoch whose network the run has, as a point of its own.
        if let furlough::train::Event::Stop { reason, state } = event
            && let (true, Some(best)) = (reason.is_finished(), &state.best)
        {
            let content = Some(Content::Scalar(best.value as f32));
            let value = Value { tag: "early-stopping/best".into(), metadata: None, content };
            let event = summary((self.now)(), best.epoch.into(), vec![value]);
            self.append(&[event])?;
        }
        Ok(Control::Continue)
    }
}

/// The greatest number in the names of the event files in a folder.
fn latest_file(folder: &Path) -> Result<Option<u64>> {
    let mut latest = None;
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let name = entry.map_err(Error::io("read", folder))?.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let number = rest.and_then(|rest| rest.split('.').next()?.parse().ok());
        latest = latest.max(number);
    }
    Ok(latest)
}

fn file_name_part(host: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' };
    if host.is_empty() { "localhost".into() } else { host.chars().map(fits).collect() }
}

fn epoch_event(wall_time: f64, epoch: &EpochSummary, seconds: f64) -> EventMessage {
    let split = epoch.eval.map_or(EvalSplit::Test, |eval| eval.split);
    let figures = [
        ("train/loss".to_string(), Some(epoch.train_loss)),
        ("train/accuracy".into(), epoch.train_accuracy),
        ("train-full/loss".into(), epoch.full_train.map(|scores| scores.loss)),
        ("train-full/accuracy".into(), epoch.full_train.and_then(|scores| scores.accuracy)),
        (format!("{split}/loss"), epoch.eval_loss()),
        (format!("{split}/accuracy"), epoch.eval_accuracy()),
        ("time/seconds".into(), Some(seconds)),
    ];
    let learned =
        epoch.learned_dropout.iter().map(|learned| (format!("dropout/layer{}", learned.layer), Some(learned.p)));
    let scalar = |(tag, figure): (String, Option<f64>)| {
        Some(Value { tag, metadata: None, content: Some(Content::Scalar(figure? as f32)) })
    };
    summary(wall_time, epoch.epoch.into(), figures.into_iter().chain(learned).filter_map(scalar).collect())
}

fn summary(wall_time: f64, step: i64, value: Vec<Value>) -> EventMessage {
    EventMessage { wall_time, step, what: Some(What::Summary(Summary { value })) }
}

/// A text for TensorBoard's text page, which takes it as Markdown: indented, it is shown as it is.
fn text_value(tag: &str, text: &str) -> Value {
    let markdown: String = text.lines().flat_map(|line| ["    ", line, "\n"]).collect();
    let tensor = Tensor {
        dtype: Tensor::STRING,
        shape: Some(Shape { dimensions: vec![Dimension { size: 1 }] }),
        strings: vec![markdown.into_bytes()],
    };
    let metadata = Metadata { plugin: Some(Plugin { name: "text".into() }) };
    Value { tag: tag.into(), metadata: Some(metadata), content: Some(Content::Tensor(tensor)) }
}
