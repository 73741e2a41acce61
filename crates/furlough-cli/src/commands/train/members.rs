//! Several networks that learn from a table side by side, as one model.

use super::begin::Begun;
use super::{next_command, with_advice};
use crate::args::TrainArgs;
use crate::commands::note as notes_file;
use crate::figures::{lines_with_intervals, out_of_fold};
use crate::progress::{Drawing, Output, StandardStream, TrainPlan, bar, header};
use crate::terminal::{self, Style, duration, note, program, shell_word, wrap};
use crate::{failure, interrupt, limits};
use anyhow::bail;
use furlough::nn::{Architecture, Sequential};
use furlough::noun_of;
use furlough::train::{Control, StopReason, Trainer, TrainingMemory, too_large};
use furlough_lab::recipe::Recipe;
use furlough_lab::run::{JointModel, MemberReport, MembersConfig, finish_members, train_members};
use furlough_lab::source::{DataSource, RunData, TableSource};
use furlough_tables::TableModel;
use furlough_tables::figures::TableFigures;
use serde_json::{Value, json};
use std::io::{self, IsTerminal};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Trains the networks that are not finished, and makes one model of them.
pub fn run(args: &TrainArgs, begun: Begun, threads: usize) -> anyhow::Result<ExitCode> {
    let Begun { mut dir, recipe, found, preset } = begun;
    let DataSource::Table(source) = &found.source else {
        bail!("--members: networks side by side learn from a table in memory; leave --memory out");
    };
    let members = recipe.members().unwrap_or(1);
    let first = recipe.member(0);
    let RunData { training: data, notes, table: table_header, .. } = source.run_data(&first.partition())?;
    super::tell_notes(&notes, args.quiet);
    let out = dir.path().to_path_buf();
    let network = recipe.network(data.train.features(), data.train.levels(), data.train.outputs());
    let architecture = network.validate()?;
    check_memory(&network, (&architecture, &first), data.train.len(), (threads, members))?;
    let (train, shape, classes) = TrainPlan::describe(&data.train);
    let plan = TrainPlan {
        architecture,
        origin: found.origin.clone(),
        train,
        eval: data.eval.len(),
        shape,
        classes,
        deviation: table_header.as_ref().and_then(TrainPlan::deviation_of),
        preset,
        threads,
        instruction_set: Trainer::new(&network, &first.options(), &data.train, 1)?.instruction_set(),
        from: None,
        resumed: None,
        out: out.clone(),
        earlier: Vec::new(),
        recipe: recipe.clone(),
    };
    drop(data);
    if args.resume.is_none() {
        dir.begin_members(&recipe)?;
    }
    if let Some(text) = &args.going_on.note {
        notes_file::write(&out, text)?;
    }
    // From here on there is something to save.
    interrupt::catch()?;
    let mut shown = Shown::new(args, &plan, members);
    let closed = shown.output.closed();
    let start = Instant::now();
    let saves = Mutex::new(vec![0; members as usize]);
    let control = |member: u32| match interrupt::asked() || closed.is_set() {
        true => Control::Stop,
        false => {
            let mut saves = saves.lock().unwrap_or_else(PoisonError::into_inner);
            if interrupt::save_asked(&mut saves[member as usize]) { Control::Save } else { Control::Continue }
        }
    };
    let config = MembersConfig {
        threads,
        checkpoint_every: args.checkpoint_every.map(NonZero::get),
        clock: &|| start.elapsed().as_secs_f64(),
        control: &control,
    };
    let trained = train_members(&dir, &recipe, (source, &found.origin), &config, |report| shown.take(&report));
    let finished = trained.inspect_err(|_| shown.abandon()).map_err(|error| with_advice(error, &recipe))?;
    if !finished {
        shown.stopped(&out)?;
        return Ok(ExitCode::from(failure::INTERRUPTED));
    }
    let JointModel { mut model, files } = finish_members(dir, &recipe, (source, &found.origin), threads)?;
    let scores = scores(&mut model, source)?;
    shown.end(&out, start.elapsed().as_secs_f64(), (&model, &files), scores.as_ref())?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses networks that take more memory than this process may have, as many as are trained at a
/// time. All are as large as the first, but for levels that only some of them see.
fn check_memory(
    network: &Sequential,
    (architecture, first): (&Architecture, &Recipe),
    rows: usize,
    (threads, members): (usize, u32),
) -> anyhow::Result<()> {
    let (workers, of_each) =
        (MembersConfig::workers(threads, members), MembersConfig::threads_of_each(threads, members));
    let each = TrainingMemory::of(architecture, &first.options(), rows, of_each).total();
    let together = each.saturating_mul(workers as u64);
    match limits::no_room(together, threads) {
        Some(reason) if workers == 1 => Err(too_large(network, each, &reason).into()),
        Some(reason) => bail!(
            "{workers} networks at a time take about {} of memory, {reason}; --threads 1 trains one after the other",
            terminal::bytes(together)
        ),
        None => Ok(()),
    }
}

/// Returns how good the model is on rows that no network saw; none where there is no test set.
fn scores(model: &mut TableModel, source: &TableSource) -> anyhow::Result<Option<TableFigures>> {
    let Some((table, rows)) = source.test() else { return Ok(None) };
    let judged = model.judge(table, rows)?;
    Ok(Some(TableFigures::of(judged.outputs.view(), &judged.data, model.preprocessing().target()?)))
}

/// How the networks are shown: a line each, or events.
struct Shown {
    output: Output,
    style: Style,
    quiet: bool,
    json: bool,
    /// How far each is, shared with the thread that draws.
    epochs: Arc<Mutex<Vec<f64>>>,
    of: u32,
    /// What to type next.
    next: String,
}

impl Shown {
    fn new(args: &TrainArgs, plan: &TrainPlan, members: u32) -> Self {
        let style = Style::of(&io::stdout());
        if args.live {
            note("note: --live shows one network; with --members there is a line for each");
        }
        let epochs = Arc::new(Mutex::new(vec![0.0; members as usize]));
        let theirs = Arc::clone(&epochs);
        let of = plan.recipe.options().epochs;
        let drawing: Drawing = Box::new(move |_| {
            let epochs = theirs.try_lock().ok()?;
            let done: f64 = epochs.iter().map(|epochs| epochs / f64::from(of)).sum();
            let ended = epochs.iter().filter(|&&epochs| epochs >= f64::from(of)).count();
            Some(vec![bar(&format!("{ended}/{}", epochs.len()), done / epochs.len() as f64, "networks", style)])
        });
        let draws = !args.quiet && !args.json && io::stderr().is_terminal();
        let mut output = Output::new(draws.then_some((StandardStream::Stderr, drawing)));
        if args.json {
            let event = json!({
                "event": "start", "version": env!("CARGO_PKG_VERSION"), "recipe": plan.recipe, "members": members,
                "threads": plan.threads, "instruction_set": plan.instruction_set, "run": plan.out.display().to_string(),
            });
            output.print(&event.to_string());
        } else if !args.quiet {
            output.print(&header(plan, style));
        }
        let next = next_command(&plan.recipe, &plan.out);
        Shown { output, style, quiet: args.quiet, json: args.json, epochs, of, next }
    }

    fn take(&mut self, report: &MemberReport) {
        let mut epochs = self.epochs.lock().unwrap_or_else(PoisonError::into_inner);
        match report {
            MemberReport::Begun { member, epochs: done, .. } => epochs[*member as usize] = f64::from(*done),
            MemberReport::Epoch { member, .. } => epochs[*member as usize] += 1.0,
            MemberReport::Finished { member } => epochs[*member as usize] = f64::from(self.of),
            MemberReport::Ended { member, reason, .. } if reason.is_finished() => {
                epochs[*member as usize] = f64::from(self.of);
            }
            MemberReport::Ended { .. } => {}
        }
        drop(epochs);
        if self.json {
            self.output.print(&event(report).to_string());
        } else if let (false, MemberReport::Ended { member, reason, epochs, network, seconds }) = (self.quiet, report) {
            let noun = noun_of(*epochs as usize, "epoch");
            let mut text = format!("member {member:>3}   {epochs:>4} {noun} in {}", duration(*seconds));
            if !reason.is_finished() {
                text += " · stopped, and saved";
            } else if let Some(network) = network {
                text += &format!(" · best {:>4}", network.epoch);
                if let Some(accuracy) = network.eval_accuracy() {
                    text += &format!(" · accuracy {:.2} %", 100.0 * accuracy);
                }
                if let Some(loss) = network.eval_loss() {
                    text += &format!(" · loss {loss:.4}");
                }
            }
            self.output.print(&self.style.text(&format!("  {text}")));
        }
    }

    fn abandon(&mut self) {
        let _ = self.output.finish();
    }

    fn stopped(mut self, out: &Path) -> anyhow::Result<()> {
        let run = shell_word(out);
        let resume = format!("{} train --resume {run}", program());
        self.output.end_picture();
        if self.json {
            let event = json!({ "event": "stop", "reason": StopReason::Asked, "run": out.display().to_string() });
            self.output.print(&event.to_string());
        } else if !self.quiet {
            self.field("stopped", "everything up to here is saved");
            self.field("saved", &run);
            self.output.print(&format!("  {} {}", self.style.dim("resume   "), self.style.accent(&resume)));
        }
        Ok(self.output.finish().map_err(failure::output)?)
    }

    fn end(
        mut self,
        out: &PathBuf,
        seconds: f64,
        (model, files): (&TableModel, &[String]),
        scores: Option<&TableFigures>,
    ) -> anyhow::Result<()> {
        self.output.end_picture();
        if self.json {
            let ensemble = model.ensemble();
            let event = json!({
                "event": "stop", "reason": StopReason::Finished, "seconds": seconds, "members": model.members(),
                "run": out.display().to_string(), "files": files,
                "out_of_fold": ensemble.map(|ensemble| &ensemble.out_of_fold),
                "temperature": ensemble.and_then(|ensemble| ensemble.temperature), "test": scores,
            });
            self.output.print(&event.to_string());
        } else if !self.quiet {
            self.output.print("");
            self.field("finished", &format!("in {} · {} networks, one model", duration(seconds), model.members()));
            for (place, line) in model.ensemble().iter().flat_map(|ensemble| out_of_fold(ensemble)).enumerate() {
                self.field(if place == 0 { "held out" } else { "" }, &line);
            }
            for (place, line) in scores.iter().flat_map(|scores| lines_with_intervals(scores)).enumerate() {
                self.field(if place == 0 { "test" } else { "" }, &format!("{line} that no network saw"));
            }
            self.field("saved", &shell_word(out));
            let names: Vec<&str> = files.iter().filter(|name| !name.contains('/')).map(String::as_str).collect();
            self.field("", &format!("{} · members/", names.join(" · ")));
            let next = self.style.accent(&self.next);
            self.output.print(&format!("  {} {next}", self.style.dim("next     ")));
        }
        Ok(self.output.finish().map_err(failure::output)?)
    }

    fn field(&mut self, name: &str, text: &str) {
        for (place, line) in wrap(text, self.style.width.saturating_sub(12)).into_iter().enumerate() {
            let name = if place == 0 { name } else { "" };
            let line = format!("  {} {}", self.style.dim(&format!("{name:<9}")), self.style.text(&line));
            self.output.print(&line);
        }
    }
}

/// Returns a report as one of the events of `--json`.
fn event(report: &MemberReport) -> Value {
    match report {
        MemberReport::Finished { member } => json!({ "event": "finished", "member": member }),
        MemberReport::Begun { member, epochs, train, held_out, features } => json!({
            "event": "member", "member": member, "epochs": epochs, "train": train, "held_out": held_out,
            "features": features,
        }),
        MemberReport::Epoch { member, summary, seconds } => {
            let mut event = json!({ "event": "epoch", "member": member, "seconds": seconds });
            if let (Value::Object(event), Ok(Value::Object(figures))) = (&mut event, serde_json::to_value(summary)) {
                event.extend(figures);
            }
            event
        }
        MemberReport::Ended { member, reason, epochs, network, seconds } => json!({
            "event": "ended", "member": member, "reason": reason, "epochs": epochs,
            "best_epoch": network.as_ref().map(|network| network.epoch), "seconds": seconds,
        }),
    }
}
