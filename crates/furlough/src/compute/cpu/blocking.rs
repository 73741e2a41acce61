//! Every size that products, tiles and buffers are cut into. A number here changes speed; only
//! [`KC`] and [`BATCH_BLOCK`] also change how sums round.

/// `f32` values of a cache line.
pub(super) const LINE: usize = 16;

/// Depth of a block of a product in single precision. A block of a panel (256 KB with AVX-512)
/// stays in the second-level cache while it meets all rows. A sum is one chain within a block.
pub(super) const KC: usize = 1024;

/// Columns whose panels meet a group of rows while the rows are in the first-level cache.
pub(super) const NC: usize = 64;

/// Rows of a batch whose inputs are packed at a time for a gradient, so that they stay in the
/// second-level cache while they meet the deltas of a tile.
pub(super) const BATCH_BLOCK: usize = 1024;

/// Factors that are packed in parts have parts of a multiple of this depth: in bfloat16 the words
/// of one part then end where those of the next begin.
pub(super) const K_MULTIPLE: usize = 2 * AMX_K;

/// Words (pairs in depth) of one AMX tile.
pub(super) const AMX_K: usize = 16;

/// In bfloat16: columns of a panel, rows of a block, and words in depth that are multiplied at a
/// time (a panel takes 128 KB with them, and 64 rows 256 KB).
pub(super) const BF16_MR: usize = 32;
pub(super) const BF16_NR: usize = 32;
pub(super) const BF16_KC: usize = 1024;

/// The sparse kernel: depth of a block, one bit of a word for each number; vectors of columns that
/// are summed at once (AVX2 has registers for eight and a factor); rows that meet a block in turn.
pub(super) const SPARSE_KC: usize = 64;
pub(super) const SPARSE_VECTORS: usize = 8;
pub(super) const SPARSE_ROWS: usize = 128;

/// Rows of a row tile: enough to be worth streaming the weights from the second-level cache, few
/// enough for a batch of 256 to make four tiles. Wide layers stream from further away.
pub(super) const ROW_TILE: usize = 72;
pub(super) const WIDE_ROW_TILE: usize = 128;

/// Rows of a tile where deltas are packed whole lines or panels at a time, and their multiple.
pub(super) const PANEL_ROW_TILE: usize = 64;
pub(super) const PANEL_ROWS: usize = 32;

/// Layers are cut into columns at multiples of this: what every kernel takes at once, and the units
/// whose mask words are drawn together.
pub(super) const COLUMN_MULTIPLE: usize = 64;

/// Inputs whose products with the deltas are transposed at a time when weights stay in place.
pub(super) const TRANSPOSED_INPUTS: usize = 48;

/// Rows (inputs) and columns (units) of a tile of parameters. Both are multiples of what the
/// kernels of every instruction set take at once, so that only the last tile has an odd edge.
pub(super) const TILE_INPUTS: usize = 96;
pub(super) const TILE_UNITS: usize = 512;

/// The same where deltas are unit-major. Tiles have whole rows of the weights if they can: a
/// processor fetches neighboring lines unasked, and takes them from the worker that will write
/// them.
pub(super) const DELTA_MAJOR_INPUTS: usize = 128;
pub(super) const DELTA_MAJOR_FEWEST_INPUTS: usize = 64;
pub(super) const DELTA_MAJOR_UNITS: usize = 1024;
pub(super) const DELTA_MAJOR_FEWEST_UNITS: usize = 64;

/// The same in the gathered step. Many workers get tiles of fewer inputs.
pub(super) const GATHERED_INPUTS: usize = 192;
pub(super) const GATHERED_FEWEST_INPUTS: usize = 48;

/// Kept units of a task of the gathered step, and of a task of a wide layer.
pub(super) const GATHERED_COLUMNS: usize = 64;
pub(super) const GATHERED_WIDE_COLUMNS: usize = 2 * GATHERED_COLUMNS;

/// Rows of the batch that are read together into one strip, small enough for the first-level cache.
pub(super) const STRIP: usize = 32;

const _: () = assert!(
    TILE_INPUTS <= DELTA_MAJOR_INPUTS
        && TILE_INPUTS.is_multiple_of(K_MULTIPLE)
        && DELTA_MAJOR_INPUTS.is_multiple_of(K_MULTIPLE)
        && BATCH_BLOCK.is_multiple_of(K_MULTIPLE)
        && STRIP.is_multiple_of(K_MULTIPLE)
        && KC.is_multiple_of(SPARSE_KC)
        && BF16_KC.is_multiple_of(SPARSE_KC)
        && BF16_KC <= KC
);

/// Cuts `0 .. len` into as few parts of at most `most` as possible, all but the last a multiple of
/// `multiple` long.
pub(super) fn parts(len: usize, most: usize, multiple: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let step = len.div_ceil(len.div_ceil(most)).next_multiple_of(multiple);
    (0..len).step_by(step).map(move |start| start..len.min(start + step))
}

/// Cuts `0 .. len` into `count` parts, as equal as whole multiples allow.
pub(super) fn even_parts(len: usize, count: usize, multiple: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let units = len.div_ceil(multiple);
    let edge = move |part: usize| len.min(part * units / count * multiple);
    (0..count).map(move |part| edge(part)..edge(part + 1))
}
