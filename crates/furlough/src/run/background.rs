use crate::{Error, Result};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Something to be written.
pub(super) type Task = Box<dyn FnOnce() -> Result<()> + Send>;

/// A thread that writes while training goes on: waiting until a checkpoint is on the disk takes some 15 ms, which is 5 % of a short epoch.
/// Tasks are done one after the other in the order they came, and none after one has failed, so what the disk holds is at every moment
/// what it would hold if each had been waited for.
pub(super) struct Background {
    tasks: Option<SyncSender<Task>>,
    thread: Option<JoinHandle<()>>,
    failure: Arc<Mutex<Option<Error>>>,
}

impl Background {
    /// A writer with nothing to do. Where the system refuses a thread, tasks are done at once instead.
    pub(super) fn new() -> Self {
        // One task waits while another is done: more would let training run ahead of a slow disk.
        let (tasks, queue) = sync_channel(1);
        let failure = Arc::new(Mutex::new(None));
        let theirs = Arc::clone(&failure);
        let thread =
            std::thread::Builder::new().name("furlough-writer".into()).spawn(move || work(&queue, &theirs)).ok();
        Background { tasks: thread.is_some().then_some(tasks), thread, failure }
    }

    /// Leaves a task to the writer; waits if one is waiting already.
    ///
    /// # Errors
    /// That of a task which failed since this was last asked.
    pub(super) fn push(&mut self, task: Task) -> Result<()> {
        self.failed()?;
        match &self.tasks {
            // The writer ends only when the sender is dropped, so there is someone to take it.
            Some(tasks) => tasks.send(task).map_err(|lost| lost.0).or_else(|task| task()),
            None => task(),
        }
    }

    /// Waits until all tasks are done. Tasks that come later are done at once.
    ///
    /// # Errors
    /// That of a task which failed since this was last asked.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.tasks = None;
        if let Some(thread) = self.thread.take() {
            // It has no panic of its own to tell of: a task's is caught with it, and shows as work not done.
            let _ = thread.join();
        }
        self.failed()
    }

    fn failed(&self) -> Result<()> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }
}

fn work(queue: &Receiver<Task>, failure: &Mutex<Option<Error>>) {
    let mut broken = false;
    for task in queue {
        if broken {
            continue;
        }
        if let Err(error) = task() {
            broken = true;
            *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }
}

impl Drop for Background {
    /// What was given to be written is written, whatever ends the run; there is nobody left to tell an error to.
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
            std::thread::sleep(std::time::Duration::from_millis(2));
            notes.lock().unwrap().push(number);
            Ok(())
        })
    }

    #[test]
    fn tasks_are_done_in_order_and_before_it_is_dropped() {
        let notes = Arc::default();
        let mut background = Background::new();
        (0..10).for_each(|number| background.push(note(&notes, number)).unwrap());
        drop(background);
        assert_eq!(*notes.lock().unwrap(), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_is_done_after_a_failure_and_it_is_told_once() {
        let notes = Arc::default();
        let mut background = Background::new();
        background.push(note(&notes, 1)).unwrap();
        background.push(Box::new(|| Err(Error::run(Path::new("disk"), "full")))).unwrap();
        let told = (2..20).filter(|&number| background.push(note(&notes, number)).is_err()).count();
        let at_the_end = usize::from(background.finish().is_err());
        assert_eq!(told + at_the_end, 1);
        assert_eq!(*notes.lock().unwrap(), [1]);
    }
}
