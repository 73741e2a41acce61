use super::{Ended, Trial, TrialConfig, TrialData, TrialOutcome, run_trial};
use crate::Result;
use furlough::train::{Control, EpochSummary, Event};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// A trial to run, and how far.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// A number of the plan's own, which comes back with each report.
    pub number: usize,
    /// The trial.
    pub trial: Trial,
    /// Pause after this epoch; none to run all epochs.
    pub until: Option<u32>,
}

/// What the crew tells of its jobs.
#[derive(Debug)]
pub enum JobReport {
    /// A worker has taken the job.
    Begun {
        /// The job's number.
        number: usize,
    },
    /// An epoch of the job was trained.
    Epoch {
        /// The job's number.
        number: usize,
        /// The epoch's figures.
        summary: EpochSummary,
    },
    /// The job is done for now. The last report of a job.
    Ended {
        /// The job's number.
        number: usize,
        /// What it came to; an error is of this trial alone.
        outcome: Result<TrialOutcome>,
    },
}

/// What is to be run. Both methods are called on the thread that called [`run_pool`].
pub trait Plan {
    /// The next job; none when there is none for now. It is asked again after each job that ended.
    fn next(&mut self) -> Option<Job>;

    /// Takes note of a report; [`Control::Stop`] stops all that is running, after its step, and
    /// begins nothing more.
    fn on_report(&mut self, report: JobReport) -> Control;
}

/// A plan that is known from the start: these jobs in their order, and someone who hears the
/// reports.
pub struct Queue<F> {
    jobs: VecDeque<Job>,
    heard: F,
}

impl<F: FnMut(JobReport) -> Control> Queue<F> {
    /// Runs `jobs` and tells `heard` of them.
    pub fn new(jobs: impl IntoIterator<Item = Job>, heard: F) -> Self {
        Queue { jobs: jobs.into_iter().collect(), heard }
    }
}

impl<F: FnMut(JobReport) -> Control> Plan for Queue<F> {
    fn next(&mut self) -> Option<Job> {
        self.jobs.pop_front()
    }

    fn on_report(&mut self, report: JobReport) -> Control {
        (self.heard)(report)
    }
}

/// Who runs the trials.
#[derive(Clone, Copy)]
pub struct PoolConfig<'a> {
    /// Trials at a time, at least 1. Together with the threads of each no more than there are
    /// cores, or they wait for each other.
    pub workers: usize,
    /// Where and how each trial is run.
    pub setting: TrialConfig<'a>,
    /// Asked at each step: whether everything is to be saved and stopped.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

/// Runs the plan's trials side by side, until it has no more or somebody asks to stop, and tells it
/// of each as it goes. Stopped trials are saved and end as [`Ended::Stopped`]; of those that were
/// not begun by then nothing is told.
///
/// A trial that another process is running is put aside and tried once more when there is nothing
/// else to do; only if it is still being run then, it ends as [`Ended::Elsewhere`]. So processes
/// that share a folder share the work.
///
/// # Errors
/// [`furlough::Error::NoThread`] when the system starts no worker. Of several it may refuse some,
/// and the others do the work.
pub fn run_pool(data: &TrialData<'_>, crew: &PoolConfig<'_>, plan: &mut dyn Plan) -> Result<()> {
    let halted = AtomicBool::new(false);
    let stop = || halted.load(Ordering::Relaxed) || (crew.stop)();
    thread::scope(|scope| {
        let (reports, inbox) = channel();
        let mut refused = None;
        let slots: Vec<WorkerSlot> = (0..crew.workers.max(1))
            .map_while(|number| {
                let (jobs, work) = channel();
                let worker = Worker { number, reports: reports.clone(), data, setting: crew.setting, stop: &stop };
                let started = thread::Builder::new().spawn_scoped(scope, move || worker.work(work));
                started.map_err(|source| refused = Some(source)).ok()?;
                Some(WorkerSlot { jobs, running: None })
            })
            .collect();
        drop(reports);
        if let (true, Some(source)) = (slots.is_empty(), refused) {
            return Err(furlough::Error::NoThread { source }.into());
        }
        let mut hall = PoolState { slots, deferred: Vec::new(), again: VecDeque::new() };
        loop {
            while !stop() && hall.hand_out(plan) {}
            if hall.is_quiet() {
                return Ok(());
            }
            match inbox.recv() {
                Ok((worker, Some(report))) => {
                    if hall.sort(worker, &report) && plan.on_report(report) == Control::Stop {
                        halted.store(true, Ordering::Relaxed);
                    }
                }
                // A worker panicked. The others are stopped, and the scope passes the panic on.
                Ok((_, None)) | Err(_) => {
                    halted.store(true, Ordering::Relaxed);
                    return Ok(());
                }
            }
        }
    })
}

/// A worker's place, seen from where jobs are handed out.
struct WorkerSlot {
    jobs: Sender<Job>,
    /// The job, and whether this is its second try.
    running: Option<(Job, bool)>,
}

struct PoolState {
    slots: Vec<WorkerSlot>,
    /// Jobs that another process was running.
    deferred: Vec<Job>,
    /// Those of them whose turn it is again.
    again: VecDeque<Job>,
}

impl PoolState {
    fn is_quiet(&self) -> bool {
        self.slots.iter().all(|slot| slot.running.is_none())
    }

    /// Gives a job to an idle worker; says whether there was one of each.
    fn hand_out(&mut self, plan: &mut dyn Plan) -> bool {
        let quiet = self.is_quiet();
        let Some(slot) = self.slots.iter_mut().find(|slot| slot.running.is_none()) else { return false };
        let fresh = plan.next().map(|job| (job, false));
        if fresh.is_none() && quiet {
            self.again.extend(self.deferred.drain(..));
        }
        let Some(job) = fresh.or_else(|| Some((self.again.pop_front()?, true))) else { return false };
        // A worker that is gone has said so, and is heard of next.
        let _ = slot.jobs.send(job.0.clone());
        slot.running = Some(job);
        true
    }

    /// Takes note of a report; says whether it is for the plan.
    fn sort(&mut self, worker: usize, report: &JobReport) -> bool {
        let JobReport::Ended { outcome, .. } = report else { return true };
        let elsewhere = outcome.as_ref().is_ok_and(|outcome| outcome.ended == Ended::Elsewhere);
        match self.slots[worker].running.take() {
            Some((job, false)) if elsewhere => {
                self.deferred.push(job);
                false
            }
            _ => true,
        }
    }
}

struct Worker<'a, 'd> {
    number: usize,
    reports: Sender<(usize, Option<JobReport>)>,
    data: &'a TrialData<'d>,
    setting: TrialConfig<'a>,
    stop: &'a (dyn Fn() -> bool + Sync),
}

impl Worker<'_, '_> {
    fn work(self, jobs: Receiver<Job>) {
        for Job { number, trial, until } in jobs {
            self.tell(JobReport::Begun { number });
            let mut observer = |event: &Event<'_>| -> furlough::Result<Control> {
                if let Event::Epoch(summary) = *event {
                    self.tell(JobReport::Epoch { number, summary: summary.clone() });
                }
                Ok(if (self.stop)() { Control::Stop } else { Control::Continue })
            };
            let outcome = run_trial(&trial, self.data, &self.setting, until, &mut observer);
            self.tell(JobReport::Ended { number, outcome });
        }
    }

    fn tell(&self, report: JobReport) {
        // Nobody listens any more when another worker panicked.
        let _ = self.reports.send((self.number, Some(report)));
    }
}

impl Drop for Worker<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = self.reports.send((self.number, None));
        }
    }
}
