//! A thread pool for jobs of a fraction of a millisecond. A step hands work out three times and
//! takes about a millisecond, so a hand-over must cost microseconds: workers spin briefly before
//! they sleep.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

/// A job: called with (task, worker) for each task once, from several threads.
type Job<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// How often a waiting worker looks before it sleeps: for somewhat less than a millisecond, longer
/// than the calling thread is busy with other things between two jobs.
const SPINS: u32 = 2000;

/// How often it looks before it lets others run in between, which matters when there are more
/// threads than cores.
const SPINS_ALONE: u32 = 200;

/// Empty jobs that time a hand-over, after some that are not timed: a thread that still starts, or
/// wakes, would be timed with them.
const UNTIMED: usize = 20;
const TIMED: usize = 80;

/// How long they may take where cores are few, and for how many times as long as they took the
/// result is taken to hold.
const TIMING: Duration = Duration::from_micros(500);
const TIMING_HOLDS: u32 = 200;

/// What the threads share.
struct PoolState {
    /// Counts the jobs; a worker waits for it to move on.
    round: AtomicUsize,
    /// The present job, valid while `busy` is not 0.
    job: UnsafeCell<Option<(*const Job<'static>, usize)>>,
    /// How many of its own tasks each worker has begun, or others for it: worker w's are w, w +
    /// count, w + 2 count, … So the same task mostly falls to the same worker, which has what it
    /// needs in its cache from last time, and none waits for one that is late.
    begun: Vec<Begun>,
    /// Workers that have not yet finished the present job.
    busy: AtomicUsize,
    /// What the present job panicked with in a worker, if it did.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    closing: AtomicBool,
}

/// On a cache line of its own.
#[repr(align(64))]
#[derive(Default)]
struct Begun(AtomicUsize);

// SAFETY: `job` is written only by `run` while no worker is busy, and read by workers only after
// `round` has told them of it. The pointer is to a `Sync` closure that `run` keeps alive until none
// is busy.
unsafe impl Sync for PoolState {}
// SAFETY: as above.
unsafe impl Send for PoolState {}

pub(super) struct Workers {
    state: Arc<PoolState>,
    threads: Vec<JoinHandle<()>>,
    sleepers: Vec<Thread>,
    /// How many threads do the present jobs: one or all.
    active: usize,
    /// What an empty job takes, and until when that holds; for good where somebody has said it.
    hand_over: Duration,
    holds_until: Option<Instant>,
}

impl Workers {
    /// Starts `count` workers, the calling thread being worker 0, and times a hand-over. A thread
    /// that the system refuses is done without.
    pub(super) fn new(count: usize) -> Self {
        let state = Arc::new(PoolState {
            round: AtomicUsize::new(0),
            job: UnsafeCell::new(None),
            begun: (0..count).map(|_| Begun::default()).collect(),
            busy: AtomicUsize::new(0),
            panic: Mutex::new(None),
            closing: AtomicBool::new(false),
        });
        let threads: Vec<_> = (1..count)
            .map_while(|worker| {
                let state = Arc::clone(&state);
                std::thread::Builder::new().name(format!("furlough-{worker}")).spawn(move || state.work(worker)).ok()
            })
            .collect();
        let sleepers = threads.iter().map(|thread| thread.thread().clone()).collect();
        let (active, hand_over) = (threads.len() + 1, Duration::ZERO);
        let mut workers = Workers { state, threads, sleepers, active, hand_over, holds_until: None };
        workers.time_hand_over();
        workers
    }

    /// Times empty jobs. A quarter of them took less than the result: others may have a core now
    /// and then.
    fn time_hand_over(&mut self) {
        let (begin, count) = (Instant::now(), self.count());
        let active = std::mem::replace(&mut self.active, count);
        let mut time = |begin: Instant| {
            self.run(count, &|_, _| {});
            begin.elapsed()
        };
        (0..UNTIMED).take_while(|_| begin.elapsed() < TIMING).for_each(|_| _ = time(begin));
        let mut times = [Duration::MAX; TIMED];
        times[0] = time(Instant::now());
        let rest = times.iter_mut().skip(1).take_while(|_| begin.elapsed() < TIMING);
        let timed = 1 + rest.map(|to| *to = time(Instant::now())).count();
        times[..timed].sort_unstable();
        (self.active, self.hand_over) = (active, times[timed / 4]);
        self.holds_until = Instant::now().checked_add(TIMING_HOLDS * begin.elapsed());
    }

    /// Times a hand-over again where the last time no longer holds. Cores of a virtual machine
    /// move, and a new thread may begin on the core of the calling one.
    pub(super) fn refresh_hand_over(&mut self) {
        if self.holds_until.is_some_and(|until| Instant::now() > until) {
            self.time_hand_over();
        }
    }

    /// Says what a hand-over takes, for good.
    pub(super) fn set_hand_over(&mut self, time: Duration) {
        (self.hand_over, self.holds_until) = (time, None);
    }

    /// Returns what a hand-over takes.
    pub(super) fn hand_over(&self) -> Duration {
        self.hand_over
    }

    pub(super) fn count(&self) -> usize {
        self.threads.len() + 1
    }

    /// Sets how many threads do the jobs of the present call: one or all. The results are the same.
    pub(super) fn activate(&mut self, threads: usize) {
        self.active = threads;
    }

    /// Calls `job` once for each of `0 .. tasks`, spread over the workers, and returns when all
    /// calls have.
    ///
    /// # Panics
    /// With what a call panicked, after all workers have come to an end with the job.
    pub(super) fn run(&mut self, tasks: usize, job: &Job<'_>) {
        if self.active == 1 || tasks <= 1 {
            (0..tasks).for_each(|task| job(task, 0));
            return;
        }
        let state = &*self.state;
        let erased: *const Job<'_> = job;
        // SAFETY: only the lifetime changes, and this call does not return before the last use.
        let erased: *const Job<'static> = unsafe { std::mem::transmute(erased) };
        // SAFETY: `&mut self` and busy = 0 say that nobody else looks at the job now.
        unsafe { *state.job.get() = Some((erased, tasks)) };
        state.begun.iter().for_each(|begun| begun.0.store(0, Ordering::Relaxed));
        state.busy.store(self.threads.len(), Ordering::Relaxed);
        state.round.fetch_add(1, Ordering::Release);
        self.sleepers.iter().for_each(Thread::unpark);
        let mine = catch_unwind(AssertUnwindSafe(|| state.take_tasks(job, tasks, 0)));
        let mut looks = 0;
        while state.busy.load(Ordering::Acquire) != 0 {
            pause(&mut looks);
        }
        // Taken out in any case: the next job begins without.
        let theirs = state.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(panic) = mine.err().or(theirs) {
            resume_unwind(panic);
        }
    }
}

impl PoolState {
    fn work(&self, worker: usize) {
        let mut seen = 0;
        loop {
            let mut looks = 0;
            while self.round.load(Ordering::Acquire) == seen {
                if looks < SPINS {
                    pause(&mut looks);
                } else {
                    std::thread::park();
                }
            }
            seen = seen.wrapping_add(1);
            if self.closing.load(Ordering::Acquire) {
                return;
            }
            // SAFETY: the round has moved on, so `run` has written the job and waits for this
            // worker to finish it.
            if let Some((job, tasks)) = unsafe { *self.job.get() } {
                // SAFETY: `run` keeps the closure alive until `busy` is 0.
                let job = unsafe { &*job };
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.take_tasks(job, tasks, worker))) {
                    *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
                }
            }
            self.busy.fetch_sub(1, Ordering::Release);
        }
    }

    fn take_tasks(&self, job: &Job<'_>, tasks: usize, worker: usize) {
        let count = self.begun.len();
        for owner in (worker..count).chain(0..worker) {
            loop {
                let task = owner + count * self.begun[owner].0.fetch_add(1, Ordering::Relaxed);
                if task >= tasks {
                    break;
                }
                job(task, worker);
            }
        }
    }
}

fn pause(looks: &mut u32) {
    *looks += 1;
    if *looks < SPINS_ALONE {
        std::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.state.closing.store(true, Ordering::Release);
        self.state.round.fetch_add(1, Ordering::Release);
        self.sleepers.iter().for_each(Thread::unpark);
        for thread in self.threads.drain(..) {
            // A worker catches the panics of its jobs, so there is nothing to hear from it.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_task_runs_once_at_any_number_of_workers() {
        for count in [1, 2, 4, 7] {
            let mut workers = Workers::new(count);
            for tasks in [0, 1, 2, 3, 100] {
                for _ in 0..20 {
                    let runs: Vec<_> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                    workers.run(tasks, &|task, worker| {
                        assert!(worker < count);
                        runs[task].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(runs.iter().all(|r| r.load(Ordering::Relaxed) == 1));
                }
            }
        }
    }

    #[test]
    fn sleeping_workers_wake() {
        let mut workers = Workers::new(3);
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(20));
            let sum = AtomicUsize::new(0);
            workers.run(10, &|task, _| {
                sum.fetch_add(task, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), 45);
        }
    }

    #[test]
    fn a_panic_comes_back_and_the_workers_live_on() {
        let mut workers = Workers::new(2);
        for _ in 0..5 {
            let failed = catch_unwind(AssertUnwindSafe(|| workers.run(8, &|task, _| assert!(task != 3, "task 3"))));
            assert_eq!(failed.unwrap_err().downcast_ref::<&str>(), Some(&"task 3"));
        }
        // Both at once: each waits for the other, so each has one.
        let both = std::sync::Barrier::new(2);
        let failed = catch_unwind(AssertUnwindSafe(|| {
            workers.run(2, &|_, _| {
                both.wait();
                panic!("both");
            });
        }));
        assert_eq!(failed.unwrap_err().downcast_ref::<&str>(), Some(&"both"));
        let ran = AtomicUsize::new(0);
        workers.run(8, &|_, _| {
            ran.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(ran.into_inner(), 8);
    }
}
