//! Parses chunks of rows on any number of threads, and hands them over in order.

use super::cut::Cutter;
use crate::block::Values;
use crate::error::{Error, Place, Result};
use crate::source::Watch;
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// The rows of a chunk.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) rows: usize,
    pub(super) columns: Vec<Values>,
    /// How many lines of the file they take.
    pub(super) lines: u64,
}

/// What is wrong in a chunk, and where: rows and lines count from 0 there.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) row: usize,
    pub(super) line: u64,
    pub(super) column: Option<usize>,
    /// The cell, where it is the cell that is wrong.
    pub(super) value: Option<String>,
    pub(super) reason: String,
}

/// Parses one chunk on its own.
pub(super) trait Parse: Send + Sync + 'static {
    fn parse(&self, chunk: &[u8]) -> Result<Parsed, Fault>;
}

/// Parsed chunks in order.
pub(super) struct Pipeline {
    path: PathBuf,
    names: Vec<String>,
    watch: Watch,
    rows: u64,
    lines: u64,
    chunks: Chunks,
}

enum Chunks {
    Here { cutter: Cutter, buffer: Vec<u8>, parse: Arc<dyn Parse> },
    Threads { shared: Arc<Shared>, threads: Vec<JoinHandle<()>>, next: u64 },
}

type Outcome = Result<Result<Parsed, Fault>>;

/// What the threads share. Each takes the next chunk, parses it and puts it among the outcomes, so
/// that none is a reader only.
struct Shared {
    input: Mutex<Input>,
    outcomes: Mutex<Outcomes>,
    /// Something was put among the outcomes.
    put: Condvar,
    /// Something was taken, or all is over.
    taken: Condvar,
    parse: Arc<dyn Parse>,
    /// How many chunks may wait, which bounds the memory.
    window: u64,
}

struct Input {
    cutter: Cutter,
    next: u64,
}

#[derive(Default)]
struct Outcomes {
    waiting: BTreeMap<u64, Result<Outcome, Box<dyn Any + Send>>>,
    taken: u64,
    /// How many chunks there are, once that is known.
    end: Option<u64>,
    stop: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pipeline {
    /// Begins to parse. `lines` of the file have been read already, such as its header.
    pub(super) fn new(
        cutter: Cutter,
        lines: u64,
        names: Vec<String>,
        parse: impl Parse,
        threads: usize,
    ) -> Result<Self> {
        let (path, watch) = (cutter.source().path().to_path_buf(), cutter.source().watch());
        let parse = Arc::new(parse);
        let chunks = match threads {
            0 | 1 => Chunks::Here { cutter, buffer: Vec::new(), parse },
            _ => start(cutter, parse, threads)?,
        };
        Ok(Pipeline { path, names, watch, rows: 0, lines, chunks })
    }

    /// Returns the rows of the next chunk that has some.
    pub(super) fn next(&mut self) -> Result<Option<Parsed>> {
        loop {
            let outcome = match &mut self.chunks {
                Chunks::Here { cutter, buffer, parse } => match cutter.next(buffer)? {
                    true => Some(parse.parse(buffer)),
                    false => None,
                },
                Chunks::Threads { shared, next, .. } => shared.take(next)?,
            };
            let Some(outcome) = outcome else { return Ok(None) };
            let parsed = outcome.map_err(|fault| self.error(fault))?;
            self.rows += parsed.rows as u64;
            self.lines += parsed.lines;
            if parsed.rows > 0 {
                return Ok(Some(parsed));
            }
        }
    }

    /// The error of a fault. A file that has changed is cause enough for any other.
    fn error(&self, fault: Fault) -> Error {
        if let Err(changed) = self.watch.check() {
            return changed;
        }
        let place = Place {
            row: Some(self.rows + fault.row as u64 + 1),
            column: fault.column.and_then(|column| Some(self.names.get(column)?.as_str().into())),
            ..Place::of_line(self.lines + fault.line)
        };
        match fault.value {
            Some(value) => Error::Value { path: self.path.clone(), place, value, reason: fault.reason },
            None => Error::format(&self.path, place, fault.reason),
        }
    }
}

fn start(cutter: Cutter, parse: Arc<dyn Parse>, count: usize) -> Result<Chunks> {
    let shared = Arc::new(Shared {
        input: Mutex::new(Input { cutter, next: 0 }),
        outcomes: Mutex::default(),
        put: Condvar::new(),
        taken: Condvar::new(),
        parse,
        window: 2 * count as u64,
    });
    let mut threads = Vec::new();
    for _ in 0..count {
        let worker = shared.clone();
        match std::thread::Builder::new().name("furlough-read".into()).spawn(move || worker.work()) {
            Ok(thread) => threads.push(thread),
            Err(source) => {
                stop(&shared, &mut threads);
                return Err(furlough::Error::NoThread { source }.into());
            }
        }
    }
    Ok(Chunks::Threads { shared, threads, next: 0 })
}

impl Shared {
    fn work(&self) {
        let mut buffer = Vec::new();
        while let Some(number) = self.cut(&mut buffer) {
            let outcome = catch_unwind(AssertUnwindSafe(|| Ok(self.parse.parse(&buffer))));
            self.put(number, outcome);
        }
    }

    /// Takes the next chunk, once there is room for it. Returns its number.
    fn cut(&self, buffer: &mut Vec<u8>) -> Option<u64> {
        let mut input = lock(&self.input);
        let mut outcomes = lock(&self.outcomes);
        while !outcomes.stop && outcomes.end.is_none() && input.next >= outcomes.taken + self.window {
            outcomes = self.taken.wait(outcomes).unwrap_or_else(PoisonError::into_inner);
        }
        if outcomes.stop || outcomes.end.is_some() {
            return None;
        }
        drop(outcomes);
        let number = input.next;
        match catch_unwind(AssertUnwindSafe(|| input.cutter.next(buffer))) {
            Ok(Ok(true)) => {
                input.next += 1;
                Some(number)
            }
            end => {
                let failed = !matches!(end, Ok(Ok(_)));
                lock(&self.outcomes).end = Some(number + u64::from(failed));
                match end {
                    Ok(Err(error)) => self.put(number, Ok(Err(error))),
                    Err(panic) => self.put(number, Err(panic)),
                    Ok(Ok(_)) => self.put.notify_all(),
                }
                None
            }
        }
    }

    fn put(&self, number: u64, outcome: Result<Outcome, Box<dyn Any + Send>>) {
        lock(&self.outcomes).waiting.insert(number, outcome);
        self.put.notify_all();
    }

    /// Waits for the chunk whose turn it is.
    fn take(&self, next: &mut u64) -> Result<Option<Result<Parsed, Fault>>> {
        let mut outcomes = lock(&self.outcomes);
        loop {
            if let Some(outcome) = outcomes.waiting.remove(next) {
                *next += 1;
                outcomes.taken = *next;
                drop(outcomes);
                self.taken.notify_all();
                return outcome.unwrap_or_else(|panic| resume_unwind(panic)).map(Some);
            }
            if outcomes.end.is_some_and(|end| *next >= end) {
                return Ok(None);
            }
            outcomes = self.put.wait(outcomes).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn stop(shared: &Shared, threads: &mut Vec<JoinHandle<()>>) {
    lock(&shared.outcomes).stop = true;
    shared.taken.notify_all();
    for thread in threads.drain(..) {
        let _ = thread.join(); // it catches its panics
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        if let Chunks::Threads { shared, threads, .. } = &mut self.chunks {
            stop(shared, threads);
        }
    }
}
