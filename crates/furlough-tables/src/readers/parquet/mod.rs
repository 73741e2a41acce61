//! Parquet: a file of row groups, each of which has its columns one behind the other.
//!
//! Only the columns that are wanted are read. A block has rows of one row group. On several threads
//! each decodes some of the columns, of all row groups: that pays in a file of one row group too.
//! The file must be one that can be sought in.

mod bytes;

mod cells;

mod decode;

mod footer;

use super::column::Column;
use super::guarded::guarded;
use super::{Blocks, Ignored, Opened, Threads};
use crate::block::{ReadAs, Values};
use crate::error::{Error, Place, Result};
use crate::source::Watch;
use ::parquet::file::reader::FileReader;
use ::parquet::file::serialized_reader::SerializedFileReader;
use bytes::FileBytes;
use cells::Kind;
use decode::{Decoder, Part, WrongColumn};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

/// How many parts of blocks wait on each thread.
const WAITING: usize = 2;

/// A column that is read.
struct Plan {
    /// Its place.
    place: usize,
    name: String,
    kind: Kind,
    column: Column,
    /// How many bytes it has, decompressed.
    bytes: u64,
}

/// What the threads share.
struct Opening {
    path: PathBuf,
    reader: SerializedFileReader<FileBytes>,
    watch: Watch,
    /// How many rows each row group has.
    groups: Vec<usize>,
    /// How many rows a block has, or fewer at the end of a row group.
    step: usize,
}

/// Where the next block begins. A footer may tell any number of rows, so blocks are counted and not
/// listed.
#[derive(Clone, Copy, Default)]
struct Position {
    group: usize,
    /// How many rows of the row group stand before.
    done: usize,
    /// How many rows of the file do.
    row: u64,
}

impl Position {
    /// Goes to the row group that has the next row. Returns how many rows the next block has, if
    /// there is one.
    fn next_block(&mut self, opening: &Opening) -> Option<usize> {
        while self.done == *opening.groups.get(self.group)? {
            self.group += 1;
            self.done = 0;
        }
        Some((opening.groups[self.group] - self.done).min(opening.step))
    }

    /// Goes behind a block.
    fn advance(&mut self, rows: usize) {
        self.done += rows;
        self.row += rows as u64;
    }
}

/// Opens a file.
pub(super) fn open(path: &Path, wanted: &dyn Fn(&str) -> ReadAs, threads: Threads) -> Result<Opened> {
    let failed = |error| Error::io("read", path)(error);
    let file = File::open(path).map_err(failed)?;
    let watch = Watch::of(path, file.try_clone().map_err(failed)?).map_err(failed)?;
    let refused = |reason: String| watch.check().err().unwrap_or(Error::format(path, Place::default(), reason));
    let bytes = FileBytes::new(file).map_err(failed)?;
    footer::check_ends(&bytes).map_err(refused)?;
    let reader = guarded(|| SerializedFileReader::new(bytes.clone()));
    let reader = reader.map_err(|reason| refused(format!("has a footer that is damaged or lies: {reason}")))?;
    let groups = footer::checked_groups(reader.metadata(), &bytes).map_err(refused)?;
    let columns = footer::columns(reader.metadata()).map_err(refused)?;
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let step = (threads.chunk / (8 * names.len())).max(1);
    let mut plans = Vec::new();
    for (place, column) in columns.into_iter().enumerate() {
        let wanted = Column::new(wanted(&column.name));
        if !matches!(wanted, Column::Skip) {
            let footer::FoundColumn { name, kind, bytes } = column;
            plans.push(Plan { place, name, kind, column: wanted, bytes });
        }
    }
    let width = names.len();
    let opening = Arc::new(Opening { path: path.into(), reader, watch, groups, step });
    let blocks = Box::new(Columns::start(opening, plans, width, threads.count)?);
    Ok(Opened { names, blocks, ignored: Ignored::default() })
}

/// Blocks that are put together from the columns of each thread.
struct Columns {
    opening: Arc<Opening>,
    width: usize,
    parts: Parts,
    position: Position,
}

enum Parts {
    Here(Decoder),
    Threads { parts: Vec<Receiver<Result<Part, WrongColumn>>>, threads: Vec<JoinHandle<()>> },
}

impl Columns {
    fn start(opening: Arc<Opening>, plans: Vec<Plan>, width: usize, threads: usize) -> Result<Columns> {
        let shares = shares(plans, threads);
        let parts = match shares.len() {
            0 | 1 => Parts::Here(Decoder::new(opening.clone(), shares.into_iter().flatten().collect())),
            _ => {
                let mut started = (Vec::new(), Vec::new());
                for share in shares {
                    let decoder = Decoder::new(opening.clone(), share);
                    let (sender, parts) = sync_channel(WAITING);
                    let work = move || {
                        for part in decoder {
                            let failed = part.is_err();
                            if sender.send(part).is_err() || failed {
                                break;
                            }
                        }
                    };
                    let thread = std::thread::Builder::new().name("furlough-read".into()).spawn(work);
                    started.0.push(parts);
                    started.1.push(thread.map_err(|source| furlough::Error::NoThread { source })?);
                }
                Parts::Threads { parts: started.0, threads: started.1 }
            }
        };
        Ok(Columns { opening, width, parts, position: Position::default() })
    }

    /// Returns the parts of the next block. Of several that failed, the first column's error.
    fn next_parts(&mut self) -> Result<Vec<Part>> {
        let parts: Vec<_> = match &mut self.parts {
            Parts::Here(decoder) => decoder.next().into_iter().collect(),
            // A thread that has gone has told why.
            Parts::Threads { parts, .. } => parts.iter().filter_map(|part| part.recv().ok()).collect(),
        };
        let first = parts.iter().filter_map(|part| part.as_ref().err()).map(|wrong| wrong.place).min();
        let mut whole = Vec::new();
        for part in parts {
            match part {
                Ok(part) => whole.push(part),
                Err(wrong) if Some(wrong.place) == first => {
                    return Err(self.opening.watch.check().err().unwrap_or(wrong.error));
                }
                Err(_) => {}
            }
        }
        Ok(whole)
    }
}

impl Blocks for Columns {
    fn next(&mut self) -> Result<Option<(usize, Vec<Values>)>> {
        let Some(rows) = self.position.next_block(&self.opening) else {
            self.opening.watch.check()?;
            return Ok(None);
        };
        self.position.advance(rows);
        let mut block = vec![Values::Skipped; self.width];
        for (place, values) in self.next_parts()?.into_iter().flatten() {
            block[place] = values;
        }
        Ok(Some((rows, block)))
    }
}

impl Drop for Columns {
    fn drop(&mut self) {
        if let Parts::Threads { parts, threads } = &mut self.parts {
            parts.clear(); // whoever still sends is told
            for thread in threads.drain(..) {
                let _ = thread.join();
            }
        }
    }
}

/// Divides the columns among threads so that each has about as many bytes, its columns in the
/// file's order.
fn shares(mut plans: Vec<Plan>, threads: usize) -> Vec<Vec<Plan>> {
    let count = threads.clamp(1, plans.len().max(1));
    let mut shares: Vec<(u64, Vec<Plan>)> = (0..count).map(|_| (0, Vec::new())).collect();
    plans.sort_by_key(|plan| (std::cmp::Reverse(plan.bytes), plan.place));
    for plan in plans {
        if let Some((bytes, share)) = shares.iter_mut().min_by_key(|(bytes, _)| *bytes) {
            *bytes = bytes.saturating_add(plan.bytes.max(1));
            share.push(plan);
        }
    }
    let in_order = |(_, mut share): (u64, Vec<Plan>)| {
        share.sort_by_key(|plan| plan.place);
        share
    };
    shares.into_iter().map(in_order).collect()
}
