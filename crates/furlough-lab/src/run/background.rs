use crate::{Error, Result};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Something to be written.
pub(super) type Task = Box<dyn FnOnce() -> Result<()> + Send>;

/// A thread that writes while training goes on: waiting until a checkpoint is on the disk takes
/// some 15 ms, which is 5 % of a short epoch and more than all of a very short one. So there are
/// two kinds of tasks. Lines are written one after the other in the order they came, each before
/// any snapshot that came later. Of snapshots only the newest matters: one that waits gives way to
/// the next, and after each one there is a rest, since those of epochs of some milliseconds would
/// keep the writer on a core that a worker wants. Nothing is done after a task has failed.
pub(super) struct Background {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// How many times as long as a snapshot took no other is begun, and the longest such rest: what a
/// kill can cost beside a snapshot's own time.
const REST: u32 = 9;
const LONGEST_REST: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<Task>,
    snapshot: Option<Task>,
    /// The end of the rest after the last snapshot.
    rested: Option<Instant>,
    failure: Option<Error>,
    broken: bool,
    closing: bool,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut queue = self.queue();
        loop {
            let rest = queue.rested.map_or(Duration::ZERO, |end| end.saturating_duration_since(Instant::now()));
            let may_save = queue.closing || rest.is_zero();
            let line = queue.lines.pop_front();
            let is_line = line.is_some();
            let Some(task) = line.or_else(|| queue.snapshot.take_if(|_| may_save)) else {
                queue = if queue.closing {
                    return;
                } else if queue.snapshot.is_some() {
                    self.changed.wait_timeout(queue, rest).unwrap_or_else(PoisonError::into_inner).0
                } else {
                    self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner)
                };
                continue;
            };
            if queue.broken {
                continue;
            }
            drop(queue);
            let begun = Instant::now();
            let outcome = task();
            let ended = Instant::now();
            queue = self.queue();
            if !is_line {
                queue.rested = Some(ended + ((ended - begun) * REST).min(LONGEST_REST));
            }
            if let Err(error) = outcome {
                queue.broken = true;
                queue.failure = Some(error);
            }
        }
    }
}

impl Background {
    /// A writer with nothing to do. Where the system refuses a thread, tasks are done at once
    /// instead.
    pub(super) fn new() -> Self {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("furlough-writer".into()).spawn(move || theirs.work()).ok();
        Background { shared, thread }
    }

    /// Leaves a line to the writer.
    ///
    /// # Errors
    /// That of a task which failed since this was last asked.
    pub(super) fn line(&mut self, task: Task) -> Result<()> {
        self.give(task, |queue, task| queue.lines.push_back(task))
    }

    /// Leaves a snapshot to the writer, in place of one that still waits.
    ///
    /// # Errors
    /// That of a task which failed since this was last asked.
    pub(super) fn snapshot(&mut self, task: Task) -> Result<()> {
        self.give(task, |queue, task| queue.snapshot = Some(task))
    }

    fn give(&mut self, task: Task, put: impl FnOnce(&mut Queue, Task)) -> Result<()> {
        if self.thread.is_none() {
            return task();
        }
        let mut queue = self.shared.queue();
        if let Some(error) = queue.failure.take() {
            return Err(error);
        }
        put(&mut queue, task);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Waits until all tasks are done. Tasks that come later are done at once.
    ///
    /// # Errors
    /// That of a task which failed since this was last asked.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.shared.queue().closing = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A task that panicked shows as work not done.
            let _ = thread.join();
        }
        self.shared.queue().failure.take().map_or(Ok(()), Err)
    }
}

impl Drop for Background {
    /// What was given to be written is written, whatever ends the run; there is nobody left to tell
    /// an error to.
    fn drop(&mut self) {
        let _ = self.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn note(notes: &Arc<Mutex<Vec<u32>>>, number: u32) -> Task {
        let notes = Arc::clone(notes);
        Box::new(move || {
            std::thread::sleep(Duration::from_millis(2));
            notes.lock().unwrap().push(number);
            Ok(())
        })
    }

    #[test]
    fn tasks_are_done_in_order_and_before_it_is_dropped() {
        let notes = Arc::default();
        let mut background = Background::new();
        (0..10).for_each(|number| background.line(note(&notes, number)).unwrap());
        drop(background);
        assert_eq!(*notes.lock().unwrap(), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_is_done_after_a_failure_and_it_is_told_once() {
        let notes = Arc::default();
        let mut background = Background::new();
        background.line(note(&notes, 1)).unwrap();
        background.line(Box::new(|| Err(Error::run(Path::new("disk"), "full")))).unwrap();
        let told = (2..20).filter(|&number| background.line(note(&notes, number)).is_err()).count();
        let at_the_end = usize::from(background.finish().is_err());
        assert_eq!(told + at_the_end, 1);
        assert_eq!(*notes.lock().unwrap(), [1]);
    }

    #[test]
    fn between_snapshots_there_is_a_rest_which_the_end_cuts_short() {
        let slow = Duration::from_millis(60);
        let begun: Arc<Mutex<Vec<Instant>>> = Arc::default();
        let task = || -> Task {
            let begun = Arc::clone(&begun);
            Box::new(move || {
                begun.lock().unwrap().push(Instant::now());
                std::thread::sleep(slow);
                Ok(())
            })
        };
        let lines = Arc::default();
        let mut background = Background::new();
        while begun.lock().unwrap().len() < 2 {
            background.snapshot(task()).unwrap();
            background.line(note(&lines, 0)).unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(lines.lock().unwrap().len() > 10, "lines do not wait for snapshots");
        background.snapshot(task()).unwrap();
        background.finish().unwrap();
        let begun = begun.lock().unwrap();
        assert!(begun.len() == 3 && begun[1] - begun[0] >= slow * (1 + REST), "{begun:?}");
        assert!(begun[2] - begun[1] < slow * REST, "{begun:?}");
    }

    #[test]
    fn a_snapshot_gives_way_to_a_newer_one_and_lines_do_not() {
        let notes: Arc<Mutex<Vec<u32>>> = Arc::default();
        let mut background = Background::new();
        for number in 0..100 {
            background.line(note(&notes, number)).unwrap();
            background.snapshot(note(&notes, 1000 + number)).unwrap();
        }
        background.finish().unwrap();
        let notes = notes.lock().unwrap();
        let (snapshots, lines): (Vec<u32>, Vec<u32>) = notes.iter().partition(|&&number| number >= 1000);
        assert_eq!(lines, (0..100).collect::<Vec<_>>());
        assert!(snapshots.is_sorted() && snapshots.len() < 100, "{snapshots:?}");
        // The last is never lost, and comes after its line.
        assert_eq!(notes.last(), Some(&1099));
        for snapshot in &snapshots {
            let place = |wanted: u32| notes.iter().position(|&number| number == wanted);
            assert!(place(snapshot - 1000) < place(*snapshot));
        }
    }
}
