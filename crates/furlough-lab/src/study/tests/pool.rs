use super::*;
use crate::run::RunDir;
use furlough::train::Control;
use std::sync::atomic::{AtomicBool, Ordering};

fn jobs(count: usize) -> Vec<Job> {
    let job = |number| Job { number, trial: trial(&format!("hidden = 8\nepochs = 3\nseed = {number}")), until: None };
    (0..count).map(job).collect()
}

fn crew<'a>(root: &'a Path, stop: &'a (dyn Fn() -> bool + Sync)) -> PoolConfig<'a> {
    PoolConfig { workers: 3, setting: setting(root), stop }
}

/// What each job came to, in the order of the numbers.
fn outcomes(reports: Vec<JobReport>) -> Vec<(usize, crate::Result<TrialOutcome>)> {
    let mut outcomes: Vec<_> = reports
        .into_iter()
        .filter_map(|report| match report {
            JobReport::Ended { number, outcome } => Some((number, outcome)),
            _ => None,
        })
        .collect();
    outcomes.sort_by_key(|(number, _)| *number);
    outcomes
}

#[test]
fn many_at_a_time_come_to_the_same() {
    let (root, alone) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // One of them cannot be run; the others are none the worse.
    let bad = &jobs(7)[2];
    fs::create_dir(bad.trial.folder(root.path())).unwrap();
    fs::write(bad.trial.folder(root.path()).join("notes.txt"), "mine").unwrap();
    let mut reports = Vec::new();
    let mut plan = Queue::new(jobs(7), |report| {
        reports.push(report);
        Control::Continue
    });
    run_pool(&data(), &crew(root.path(), &|| false), &mut plan).unwrap();
    let begun = reports.iter().filter(|report| matches!(report, JobReport::Begun { .. })).count();
    let epochs = reports.iter().filter(|report| matches!(report, JobReport::Epoch { .. })).count();
    assert_eq!((begun, epochs), (7, 6 * 3));
    let outcomes = outcomes(reports);
    assert_eq!(outcomes.len(), 7);
    for (job, (number, outcome)) in jobs(7).iter().zip(outcomes) {
        assert_eq!(job.number, number);
        match outcome {
            Err(error) => assert!(number == 2 && error.to_string().contains("notes.txt"), "{error}"),
            Ok(outcome) => {
                let same = run(&job.trial, alone.path(), None).unwrap();
                assert_eq!((outcome.ended, &outcome.records), (Ended::Finished, &same.records));
                assert_eq!(contents(&outcome.path), contents(&same.path));
            }
        }
    }
}

#[test]
fn stopping_saves_and_begins_nothing_more() {
    let root = tempfile::tempdir().unwrap();
    let mut reports = Vec::new();
    let mut plan = Queue::new(jobs(12), |report| {
        reports.push(report);
        Control::Stop
    });
    run_pool(&data(), &crew(root.path(), &|| false), &mut plan).unwrap();
    let outcomes = outcomes(reports);
    assert!(outcomes.len() <= 3, "{outcomes:?}");
    let stop = AtomicBool::new(true);
    let mut none = Queue::new(jobs(12), |report| panic!("{report:?}"));
    run_pool(&data(), &crew(root.path(), &|| stop.load(Ordering::Relaxed)), &mut none).unwrap();

    let mut reports = Vec::new();
    let mut rest = Queue::new(jobs(12), |report| {
        reports.push(report);
        Control::Continue
    });
    run_pool(&data(), &crew(root.path(), &|| false), &mut rest).unwrap();
    assert!(self::outcomes(reports).iter().all(|(_, o)| o.as_ref().unwrap().ended == Ended::Finished));
}

#[test]
fn what_others_run_is_tried_again_at_the_end() {
    let root = tempfile::tempdir().unwrap();
    let jobs = jobs(5);
    let hold = |job: &Job| {
        run(&job.trial, root.path(), Some(1)).unwrap();
        RunDir::resume(job.trial.folder(root.path())).unwrap()
    };
    // One is let go before all others are done, one is not.
    let (kept, mut released) = (hold(&jobs[0]), Some(hold(&jobs[1])));
    let mut order = Vec::new();
    let mut plan = Queue::new(jobs.clone(), |report| {
        if let JobReport::Ended { number, outcome } = report {
            released.take();
            order.push((number, outcome.unwrap().ended));
        }
        Control::Continue
    });
    run_pool(&data(), &crew(root.path(), &|| false), &mut plan).unwrap();
    drop(kept);
    let (first, last) = order.split_at(3);
    assert!(first.iter().all(|(number, ended)| *number >= 2 && *ended == Ended::Finished), "{order:?}");
    let mut last = last.to_vec();
    last.sort_by_key(|(number, _)| *number);
    assert_eq!(last, [(0, Ended::Elsewhere), (1, Ended::Finished)]);
}

/// A plan that makes each job from what the one before came to.
struct Ladder {
    rung: u32,
    waiting: bool,
    records: Vec<usize>,
}

impl Plan for Ladder {
    fn next(&mut self) -> Option<Job> {
        if self.waiting || self.rung == 3 {
            return None;
        }
        self.rung += 1;
        self.waiting = true;
        Some(Job { number: 0, until: Some(self.rung), ..jobs(1).remove(0) })
    }

    fn on_report(&mut self, report: JobReport) -> Control {
        if let JobReport::Ended { outcome, .. } = report {
            self.waiting = false;
            self.records.push(outcome.unwrap().records.len());
        }
        Control::Continue
    }
}

#[test]
fn a_plan_may_depend_on_what_was_heard() {
    let root = tempfile::tempdir().unwrap();
    let mut plan = Ladder { rung: 0, waiting: false, records: Vec::new() };
    run_pool(&data(), &crew(root.path(), &|| false), &mut plan).unwrap();
    assert_eq!(plan.records, [1, 2, 3]);
}
