//! Batches of a file in the order of its epochs. A thread reads the next window while the present
//! one is learned from.

use super::dataset::read_at;
use super::{BlockShuffle, DiskBatch, DiskDataset};
use crate::data::Batch;
use crate::random::Key;
use crate::{Error, Result};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// Batches of a file.
pub(crate) struct DiskFeed<'a> {
    data: &'a DiskDataset,
    batch: DiskBatch,
    reader: ReadAhead,
    /// How many epochs there are: beyond them nothing is read ahead.
    epochs: u32,
    /// The present epoch and the places of its order where each window ends.
    epoch: Option<u32>,
    ends: Vec<usize>,
    key: Key,
    /// The present window; none before the first one.
    window: Option<Window>,
}

/// Which window of which epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Which {
    epoch: u32,
    window: usize,
}

/// Rows of some blocks in memory.
#[derive(Debug)]
struct Window {
    which: Which,
    /// The blocks, whole places each.
    bytes: Vec<u8>,
    blocks: Vec<u32>,
    /// The order of the rows.
    places: Vec<u32>,
}

impl<'a> DiskFeed<'a> {
    /// Begins to read, for batches of up to so many rows.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be opened again, [`Error::NoThread`] when the system
    /// gives no thread.
    pub(crate) fn new(data: &'a DiskDataset, key: Key, epochs: u32, batch_size: usize) -> Result<Self> {
        let batch = DiskBatch::new(data, batch_size);
        let reader = ReadAhead::start(data, key)?;
        Ok(DiskFeed { data, batch, reader, epochs, epoch: None, ends: Vec::new(), key, window: None })
    }

    /// Returns the data set.
    pub(crate) fn data(&self) -> &'a DiskDataset {
        self.data
    }

    /// Returns the rows at these places of an epoch's order, of which there are some.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read, [`Error::File`] when it is damaged.
    pub(crate) fn batch(&mut self, epoch: u32, places: Range<usize>) -> Result<Batch<'_>> {
        self.begin(epoch);
        self.batch.clear();
        let mut at = places.start;
        while at < places.end {
            let number = self.ends.partition_point(|&end| end <= at);
            let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
            let end = self.ends[number].min(places.end);
            self.turn_to(Which { epoch, window: number })?;
            let Some(window) = &self.window else { break };
            let (shuffle, layout, width) = (self.data.shuffle(), self.data.layout, self.data.row_bytes());
            for &place in &window.places[at - start..end - start] {
                let record = &window.bytes[place as usize * width..][..width];
                self.batch.push(layout, record, shuffle.number(&window.blocks, place));
            }
            at = end;
        }
        if !self.batch.is_sound() {
            return Err(self.data.damaged());
        }
        let (data, examples) = self.batch.rows();
        Ok(Batch { data, examples })
    }

    /// Finds out where the windows of an epoch end.
    fn begin(&mut self, epoch: u32) {
        if self.epoch == Some(epoch) {
            return;
        }
        let (shuffle, rows) = (self.data.shuffle(), self.data.len());
        let blocks = shuffle.blocks(self.key, epoch, rows);
        let mut end = 0;
        let windows = blocks.chunks(shuffle.window_blocks as usize).map(|blocks| {
            end += blocks.iter().map(|&block| shuffle.rows_of(block, rows)).sum::<usize>();
            end
        });
        self.ends = windows.collect();
        self.epoch = Some(epoch);
    }

    /// Makes a window the present one, and has the next one read.
    fn turn_to(&mut self, which: Which) -> Result<()> {
        if self.window.as_ref().is_some_and(|window| window.which == which) {
            return Ok(());
        }
        let Which { epoch, window } = which;
        let last = window + 1 == self.ends.len();
        let next = if last { Which { epoch: epoch + 1, window: 0 } } else { Which { epoch, window: window + 1 } };
        let next = (next.epoch < self.epochs).then_some(next);
        let read = self.reader.turn(which, next, self.window.take());
        self.window = Some(read.map_err(Error::io("read", self.data.path()))?);
        Ok(())
    }
}

/// A thread that reads windows.
struct ReadAhead {
    wanted: Option<Sender<(Which, Window)>>,
    read: Receiver<io::Result<Window>>,
    /// What is being read.
    pending: Option<Which>,
    spare: Vec<Window>,
    thread: Option<JoinHandle<()>>,
}

impl ReadAhead {
    fn start(data: &DiskDataset, key: Key) -> Result<Self> {
        let file = File::open(data.path()).map_err(Error::io("read", data.path()))?;
        let (wanted, requests) = channel::<(Which, Window)>();
        let (done, read) = channel();
        let (shuffle, rows, width) = (data.shuffle(), data.len(), data.row_bytes());
        let work = move || {
            for (which, mut window) in requests {
                let filled = window.fill(&file, which, (shuffle, key), (rows, width)).map(|()| window);
                if done.send(filled).is_err() {
                    return; // nobody waits any more
                }
            }
        };
        let thread = std::thread::Builder::new().name("read-ahead".into()).spawn(work);
        let thread = Some(thread.map_err(|source| Error::NoThread { source })?);
        Ok(ReadAhead { wanted: Some(wanted), read, pending: None, spare: Vec::new(), thread })
    }

    /// Returns a window, and begins to read the next one into the memory of the one before.
    fn turn(&mut self, which: Which, next: Option<Which>, used: Option<Window>) -> io::Result<Window> {
        self.spare.extend(used);
        if self.pending != Some(which) {
            if self.pending.take().is_some() {
                let other = self.receive()?;
                self.spare.push(other);
            }
            self.ask(which);
        }
        let window = self.receive();
        self.pending = None; // an error has come in its place
        let window = window?;
        if let Some(next) = next {
            self.ask(next);
        }
        Ok(window)
    }

    fn ask(&mut self, which: Which) {
        let room = self.spare.pop().unwrap_or_else(|| Window::empty(which));
        self.pending = Some(which);
        if let Some(wanted) = &self.wanted {
            let _ = wanted.send((which, room)); // where the thread has ended, `receive` says so
        }
    }

    fn receive(&mut self) -> io::Result<Window> {
        self.read.recv().unwrap_or_else(|_| Err(io::Error::other("the thread that reads ahead has ended")))
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        self.wanted = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a panic of it has been told by `receive`
        }
    }
}

impl Window {
    fn empty(which: Which) -> Self {
        Window { which, bytes: Vec::new(), blocks: Vec::new(), places: Vec::new() }
    }

    /// Reads a window in place of what there was.
    fn fill(
        &mut self,
        file: &File,
        which: Which,
        (shuffle, key): (BlockShuffle, Key),
        (rows, width): (usize, usize),
    ) -> io::Result<()> {
        let all = shuffle.blocks(key, which.epoch, rows);
        let most = shuffle.window_blocks as usize;
        self.which = which;
        self.blocks = all.chunks(most).nth(which.window).unwrap_or_default().to_vec();
        self.places = shuffle.places(key, which.epoch, (which.window as u32, &self.blocks), rows);
        // A block that is larger than the file is the only one.
        let size = (shuffle.block_rows as usize).min(rows) * width;
        let bytes = self.blocks.len() * size;
        self.bytes.reserve_exact(bytes.saturating_sub(self.bytes.len()));
        self.bytes.resize(bytes, 0);
        for (&block, bytes) in self.blocks.iter().zip(self.bytes.chunks_exact_mut(size)) {
            let count = shuffle.rows_of(block, rows);
            read_at(file, block as u64 * size as u64, &mut bytes[..count * width])?;
        }
        Ok(())
    }
}
