//! `furlough study run`.

use super::collect::{gather, said, write};
use super::show::{End, Event, Running, Told, display};
use super::{Planned, check_losses, find, shard, shard_words, trials};
use crate::acquire::AcquiredSource;
use crate::args::study::StudyRunArgs;
use crate::commands::train::{data, tell_notes, threads as cores};
use crate::progress::Display;
use crate::terminal::{Style, name, note, program, shell_word, threads as told_threads};
use crate::{failure, interrupt, limits};
use anyhow::bail;
use furlough::counted;
use furlough::data::Partition;
use furlough::train::Control;
use furlough_lab::run::final_record;
use furlough_lab::study::{
    Ended, Job, JobReport, Measure, PoolConfig, Queue, Study, StudyFolder, TrialConfig, TrialData, TrialOutcome,
    TrialRecord, TrialState, measure_trial, run_pool,
};
use serde_json::json;
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::io;
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// Runs what is not finished of a study, and collects.
pub fn run(args: &StudyRunArgs) -> anyhow::Result<ExitCode> {
    let (study, path) = find(&args.which.study, &args.which.place)?;
    // What can be refused without the data is refused before it is fetched.
    StudyFolder::check(&path, &study)?;
    let AcquiredSource { source, origin, .. } =
        data(study.arms()[0].recipe(), args.which.place.data_dir.as_deref(), cores(args.threads), args.json)?;
    let whole = source.run_data(&Partition::default())?;
    tell_notes(&whole.notes, args.json);
    let data = TrialData::of(&source, &whole, origin);
    check_losses(&study, &data)?;
    let own = shard(trials(&study, &data), &args.part)?;
    let folder = StudyFolder::claim(path, &study)?;
    let root = folder.trials();
    let todo = Todo::new(own, &root, args.retry_failed);
    let (jobs, threads) = share_out(args.jobs, args.threads, todo.trials.len());
    // Trials save after each epoch; nobody who asks for more is to end them all.
    interrupt::catch_save()?;
    interrupt::catch()?;
    let mut ran = match train(args, &study, &data, &root, &todo, [jobs, threads]) {
        Err(error) => return Err(error.context("the study was stopped, and what is finished of it is kept")),
        Ok(ran) => ran,
    };
    if ran.stopped {
        let finished = todo.finished.len() + ran.finished;
        return interrupted(args, &study, &folder, finished, todo.count(), &mut ran.display);
    }
    finish(&study, &data, &folder, jobs * threads, &mut ran, &todo)
}

/// What came of the training.
struct Ran {
    display: Display<Running>,
    finished: usize,
    /// Trials that failed by themselves, which is on record now.
    failed: usize,
    /// Trials whose folders are damaged or cannot be read or written.
    damaged: usize,
    stopped: bool,
}

/// What is to be run, and what was found already.
struct Todo {
    trials: Vec<Planned>,
    /// The names of those that are finished.
    finished: HashSet<String>,
    /// How many failed and are not run again.
    failed: usize,
    /// The work that was done before of those to be run.
    before: f64,
}

impl Todo {
    fn new(own: Vec<Planned>, root: &Path, retry_failed: bool) -> Self {
        let mut todo = Todo { trials: Vec::new(), finished: HashSet::new(), failed: 0, before: 0.0 };
        for planned in own {
            // What is wrong with a trial is told when it is its turn.
            let epochs = match planned.trial.found(root) {
                Ok(TrialRecord { state: TrialState::Finished, .. }) => {
                    todo.finished.insert(planned.trial.id().to_string());
                    continue;
                }
                // It would fail again.
                Ok(TrialRecord { state: TrialState::Failed(_), .. }) if !retry_failed => {
                    todo.failed += 1;
                    continue;
                }
                found => found.map_or(0, |record| record.records.len()),
            };
            todo.before += planned.weight * epochs as f64 / f64::from(planned.trial.recipe().options().epochs);
            todo.trials.push(planned);
        }
        todo
    }

    /// How many trials there are in all.
    fn count(&self) -> usize {
        self.trials.len() + self.finished.len() + self.failed
    }
}

fn train(
    args: &StudyRunArgs,
    study: &Study,
    data: &TrialData<'_>,
    root: &Path,
    todo: &Todo,
    [jobs, threads]: [usize; 2],
) -> anyhow::Result<Ran> {
    let Todo { trials, finished, failed, before } = todo;
    let (count, done) = (todo.count(), finished.len());
    let work = trials.iter().map(|planned| planned.weight).sum();
    let mut display = display(args.json, trials.len(), work, *before);
    let style = Style::of(&io::stdout());
    let (title, shard) = (style.bold(&name(study.title())), shard_words(&args.part));
    let mut text = format!("  {title}\n  {}: {}{shard}", study.data(), counted(count, "trial"));
    text += &format!(", {done} finished");
    if *failed > 0 {
        text += &format!(", {failed} failed");
    }
    text += &format!("; {jobs} at a time, {} each\n", told_threads(threads));
    let event = json!({
        "event": "start", "title": study.title(), "trials": count, "finished": done, "failed": failed,
        "jobs": jobs, "threads": threads,
    });
    display.begin(&Told { text: &text, event });
    let closed = display.closed();
    let stop = || interrupt::asked() || closed.is_set();
    let mut ran = Ran { display, finished: 0, failed: 0, damaged: 0, stopped: false };
    let mut broken = None;
    let start = Instant::now();
    let clock = || start.elapsed().as_secs_f64();
    let list = trials.iter().enumerate();
    let list: Vec<Job> =
        list.map(|(number, planned)| Job { number, trial: planned.trial.clone(), until: None }).collect();
    let mut plan = Queue::new(list, |report| {
        match on_report(&mut ran, report, trials, |planned| {
            let measured = measure_trial(&planned.trial, data, root, study.measures(), threads)?;
            Ok(measured.values.into_iter().filter(|(measure, _)| study.measures().contains(measure)).collect())
        }) {
            Ok(()) => Control::Continue,
            Err(error) => {
                broken.get_or_insert(error);
                Control::Stop
            }
        }
    });
    let no_room = |bytes| limits::no_room(bytes, jobs * threads);
    let setting = TrialConfig { root, threads, clock: &clock, retry_failed: args.retry_failed, no_room: &no_room };
    let ran_pool = run_pool(data, &PoolConfig { workers: jobs, setting, stop: &stop }, &mut plan);
    drop(plan);
    if let Err(error) = ran_pool {
        broken.get_or_insert(error);
    }
    match broken {
        Some(error) => {
            ran.display.abandon();
            Err(error.into())
        }
        None => {
            ran.stopped |= stop() && ran.finished + ran.failed + ran.damaged < trials.len();
            Ok(ran)
        }
    }
}

type Values = BTreeMap<Measure, f64>;

fn on_report(
    ran: &mut Ran,
    report: JobReport,
    todo: &[Planned],
    measure: impl Fn(&Planned) -> furlough_lab::Result<Values>,
) -> furlough_lab::Result<()> {
    match report {
        JobReport::Begun { .. } => Ok(()),
        JobReport::Epoch { number, summary } => {
            let Planned { trial, weight, .. } = &todo[number];
            let work = weight / f64::from(trial.recipe().options().epochs);
            ran.display.event(&Event::Epoch { title: &todo[number].title(), id: trial.id(), summary: &summary, work });
            Ok(())
        }
        JobReport::Ended { number, outcome } => {
            let planned = &todo[number];
            let (title, id) = (&*planned.title(), planned.trial.id());
            let done = outcome.and_then(|outcome| match outcome.ended {
                Ended::Finished => measure(planned).map(|values| (outcome, values)),
                _ => Ok((outcome, Values::new())),
            });
            match done {
                Ok((TrialOutcome { ended: Ended::Stopped | Ended::Paused, .. }, _)) => {
                    ran.stopped = true;
                    Ok(())
                }
                Ok((TrialOutcome { ended: Ended::Elsewhere, .. }, _)) => {
                    ran.display.event(&Event::Trial { title, id, end: End::Elsewhere });
                    Ok(())
                }
                Ok((TrialOutcome { failure: Some(failure), .. }, _)) => {
                    ran.failed += 1;
                    let why = &failure.to_string();
                    ran.display.event(&Event::Trial { title, id, end: End::Failed { why } });
                    Ok(())
                }
                Ok((outcome, mut values)) => {
                    ran.finished += 1;
                    let last = final_record(planned.trial.recipe(), &outcome.records);
                    let error = Measure::TestError.on(planned.trial.recipe().partition().eval_split());
                    values.extend(last.and_then(|last| Some((error, error.of_epoch(last)?))));
                    let seconds = outcome.records.iter().map(|record| record.seconds).sum();
                    ran.display.event(&Event::Trial { title, id, end: End::Finished { values: &values, seconds } });
                    Ok(())
                }
                // The next trial would fail likewise, and be the next to have its training thrown
                // away.
                Err(error) if error.is_out_of_space() => Err(error),
                Err(error) => {
                    ran.damaged += 1;
                    let why = &error.to_string();
                    ran.display.event(&Event::Trial { title, id, end: End::Failed { why } });
                    Ok(())
                }
            }
        }
    }
}

/// Trials at a time and threads of each: together no more than there are cores, unless somebody
/// wants it so.
fn share_out(jobs: Option<NonZero<usize>>, threads: Option<NonZero<usize>>, trials: usize) -> (usize, usize) {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let (jobs, threads) = (jobs.map(NonZero::get), threads.map(NonZero::get));
    match (jobs, threads) {
        (Some(jobs), Some(threads)) => (jobs, threads),
        (Some(jobs), None) => (jobs, (cores / jobs).max(1)),
        (None, Some(threads)) => ((cores / threads).clamp(1, trials.max(1)), threads),
        (None, None) => {
            let jobs = cores.min(trials).max(1);
            (jobs, cores / jobs)
        }
    }
}

fn interrupted(
    args: &StudyRunArgs,
    study: &Study,
    folder: &StudyFolder,
    done: usize,
    of: usize,
    display: &mut Display<Running>,
) -> anyhow::Result<ExitCode> {
    let what = &args.which.study;
    let mut command = format!("{} study run {}", program(), shell_word(what));
    if folder.path() != what && args.which.place.out.is_some() {
        command += &format!(" --out {}", shell_word(folder.path()));
    }
    for (flag, value) in [
        ("--data", args.which.place.data.as_ref().map(OsString::from)),
        ("--data-dir", args.which.place.data_dir.as_ref().map(|dir| dir.clone().into_os_string())),
        ("--shard", args.part.shard.map(|(part, of)| format!("{part}/{of}").into())),
    ] {
        command += &value.map_or(String::new(), |value| format!(" {flag} {}", shell_word(&value)));
    }
    let text = format!(
        "\n  stopped: {done} of {of} trials are finished, and everything up to here is saved. Go on with\n    {command}"
    );
    let event = json!({
        "event": "stop", "reason": "asked", "title": study.title(), "finished": done, "of": of, "command": command
    });
    display.end(&Told { text: &text, event })?;
    Ok(ExitCode::from(failure::INTERRUPTED))
}

/// Collects what there is. A study of which nothing more is being run elsewhere and nothing failed
/// is done.
fn finish(
    study: &Study,
    data: &TrialData<'_>,
    folder: &StudyFolder,
    threads: usize,
    ran: &mut Ran,
    todo: &Todo,
) -> anyhow::Result<ExitCode> {
    let results = gather(study, data, &[folder.trials()], threads)?;
    let elsewhere = todo.trials.len() - ran.finished - ran.failed - ran.damaged;
    // Of what was finished before, only reading it shows that it is damaged.
    let mut lost = HashSet::new();
    for missing in results.missing.iter().filter(|missing| todo.finished.contains(&missing.id)) {
        if lost.insert(&missing.id) {
            let title = format!("{}, seed {}", study.arms()[missing.arm].title(), missing.seed);
            ran.display.event(&Event::Late { title: &title, id: &missing.id, why: &missing.reason });
            ran.damaged += 1;
        }
    }
    let failed = results.failed().count();
    let mut files = Vec::new();
    if failed > 0 || results.arms.iter().any(|arm| !arm.trials.is_empty()) {
        files = write(study, &results, folder)?;
    }
    let whole = results.is_complete();
    let mut text = if whole { format!("\n{}", said(&results, folder, &files)) } else { String::new() };
    if !whole && ran.damaged == 0 {
        let missing = results.missing.len() - failed;
        text = format!(
            "\n  {} of the whole study {} not finished yet; `{} study collect` joins what there is",
            counted(missing, "trial"),
            if missing == 1 { "is" } else { "are" },
            program()
        );
    }
    let event = json!({
        "event": "stop", "reason": "finished", "failed": failed + ran.damaged, "elsewhere": elsewhere,
        "missing": results.missing.len(), "folder": folder.path(), "files": files,
    });
    ran.display.end(&Told { text: text.trim_end(), event })?;
    if ran.damaged > 0 {
        let what = counted(ran.damaged, "trial");
        bail!("{what} failed, for the reasons above; everything else is kept in {}", folder.path().display());
    }
    if failed > 0 {
        let what = counted(failed, "trial");
        note(&format!(
            "note: {what} failed, for the reasons in the table, and would again; --retry-failed runs them all the same"
        ));
        return Ok(ExitCode::from(failure::SOME_FAILED));
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use furlough_lab::recipe::Settings;
    use furlough_lab::study::Trial;
    use std::io::ErrorKind;

    #[test]
    fn a_full_disk_ends_the_study_and_any_other_error_a_trial() {
        let recipe = Settings::parse("data = 'digits'", None).unwrap().resolve().unwrap();
        let titles = vec!["dropout 0.5".into()];
        let todo = [Planned { trial: Trial::new(recipe, "data"), seed: 0, titles, weight: 1.0 }];
        let mut ran = Ran { display: display(true, 1, 1.0, 0.0), finished: 0, failed: 0, damaged: 0, stopped: false };
        let mut after = |kind: ErrorKind| {
            let source = kind.into();
            let outcome = Err(furlough::Error::Io { action: "write", path: "trials/a".into(), source }.into());
            on_report(&mut ran, JobReport::Ended { number: 0, outcome }, &todo, |_| Ok(Values::new())).is_ok()
        };
        assert_eq!(
            [ErrorKind::PermissionDenied, ErrorKind::StorageFull, ErrorKind::QuotaExceeded].map(&mut after),
            [true, false, false]
        );
        assert_eq!((ran.finished, ran.failed, ran.damaged, ran.stopped), (0, 0, 1, false));
    }
}
