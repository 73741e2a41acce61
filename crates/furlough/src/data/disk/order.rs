use crate::random::{Key, Stream, shuffle};
use crate::{Error, Result};

/// In which order the rows of a file come, epoch by epoch. The file is cut into blocks of so many
/// rows, of which the last one may have fewer. In each epoch the blocks are shuffled, and every
/// `window_blocks` of them, one after the other, make a window, whose rows are shuffled among each
/// other. All of it is a pure function of the seed and the epoch.
///
/// ```
/// use furlough::data::BlockShuffle;
/// use furlough::random::Key;
/// let shuffle = BlockShuffle { block_rows: 4, window_blocks: 3 };
/// let mut order = shuffle.epoch_order(Key::new(7), 0, 30);
/// assert_ne!(order, shuffle.epoch_order(Key::new(7), 1, 30));
/// order.sort_unstable();
/// assert!(order.into_iter().eq(0..30));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockShuffle {
    /// Rows of a block, at least 1.
    pub block_rows: u32,
    /// Blocks of a window, at least 1.
    pub window_blocks: u32,
}

/// The layer of the words that shuffle blocks; that of the order in memory is 0.
const BLOCKS: u32 = 1;

/// The layer of the words that shuffle the rows of a window.
const ROWS: u32 = 2;

impl BlockShuffle {
    /// Returns blocks and windows of about so many bytes each, of rows of `row` bytes.
    pub fn of_bytes(row: usize, block: usize, window: usize) -> Self {
        let block_rows = (block / row.max(1)).clamp(1, 1 << 24);
        let window_blocks = (window / (block_rows * row).max(1)).clamp(1, 1 << 24);
        BlockShuffle { block_rows: block_rows as u32, window_blocks: window_blocks as u32 }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the size that is 0.
    pub fn validate(&self) -> Result<()> {
        match self {
            BlockShuffle { block_rows: 0, .. } => Err(Error::setting("block_rows", 0, "must be at least 1")),
            BlockShuffle { window_blocks: 0, .. } => Err(Error::setting("window_blocks", 0, "must be at least 1")),
            _ => Ok(()),
        }
    }

    /// Checks the ranges, and that the places of a window of so many rows can be counted.
    ///
    /// # Errors
    /// As [`Self::validate`], and [`Error::Setting`] `window_blocks` when they are too many.
    pub(super) fn validate_for(&self, rows: usize) -> Result<()> {
        self.validate()?;
        let (block_rows, window_blocks) = (u64::from(self.block_rows), u64::from(self.window_blocks));
        let most = 1 << 32;
        if block_rows * window_blocks.min((rows as u64).div_ceil(block_rows)) > most {
            let reason = format!("blocks of {block_rows} rows make windows of more than {most} places, the most");
            return Err(Error::setting("window_blocks", window_blocks, reason));
        }
        Ok(())
    }

    /// Returns the order of an epoch, from 0, of so many rows: what training reads piece by piece.
    pub fn epoch_order(&self, key: Key, epoch: u32, rows: usize) -> Vec<u32> {
        let blocks = self.blocks(key, epoch, rows);
        let numbers = |(window, blocks): (usize, &[u32])| {
            let number = |place| self.number(blocks, place);
            self.places(key, epoch, (window as u32, blocks), rows).into_iter().map(number).collect::<Vec<_>>()
        };
        blocks.chunks(self.window_blocks as usize).enumerate().flat_map(numbers).collect()
    }

    /// Returns the blocks in the order of an epoch.
    pub(super) fn blocks(&self, key: Key, epoch: u32, rows: usize) -> Vec<u32> {
        let mut blocks: Vec<u32> = (0..rows.div_ceil(self.block_rows as usize) as u32).collect();
        shuffle(&mut blocks, |counter| key.draw(Stream::Shuffle, BLOCKS, counter, 0, epoch));
        blocks
    }

    /// Returns the places of a window in the order of an epoch: place p is row p mod `block_rows`
    /// of the window's block p / `block_rows`.
    pub(super) fn places(&self, key: Key, epoch: u32, (window, blocks): (u32, &[u32]), rows: usize) -> Vec<u32> {
        let first = |slot: usize| slot as u32 * self.block_rows;
        let of_block = |(slot, &block): (usize, &u32)| first(slot)..first(slot) + self.rows_of(block, rows) as u32;
        let mut places: Vec<u32> = blocks.iter().enumerate().flat_map(of_block).collect();
        shuffle(&mut places, |counter| key.draw(Stream::Shuffle, ROWS, counter, window, epoch));
        places
    }

    /// Returns how many rows a block has.
    pub(super) fn rows_of(&self, block: u32, rows: usize) -> usize {
        let (size, first) = (self.block_rows as usize, block as usize * self.block_rows as usize);
        size.min(rows - first)
    }

    /// Returns the number of the row at a place of a window.
    pub(super) fn number(&self, blocks: &[u32], place: u32) -> u32 {
        blocks[(place / self.block_rows) as usize] * self.block_rows + place % self.block_rows
    }

    /// Returns how many rows a window has at most, of so many.
    pub fn window_rows(&self, rows: usize) -> usize {
        rows.min((self.block_rows as usize).saturating_mul(self.window_blocks as usize))
    }
}
