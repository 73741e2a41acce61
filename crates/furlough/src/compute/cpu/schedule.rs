//! The first phase of a step, in one of two orders: tiles of rows, or layer by layer. Both compute
//! every number from the same factors in the same order.

use super::blocking::COLUMN_MULTIPLE;
use super::pass::{Pass, Tile};
use super::workers::Workers;
use crate::data::Batch;
use std::ops::Range;

/// Returns the rows of tile `tile` of `count` rows cut into tiles of `most`, as equal as whole
/// groups of rows allow.
pub(super) fn tile_rows(tile: usize, count: usize, (most, group): (usize, usize)) -> Range<usize> {
    let (tiles, groups) = (count.div_ceil(most), count.div_ceil(group));
    let edge = |tile: usize| count.min(tile * groups / tiles * group);
    edge(tile)..edge(tile + 1)
}

/// Takes tiles of rows through all layers and back. Rows are independent of each other, so workers
/// meet only when all are done.
pub(super) fn row_tiles(pass: &Pass<'_>, workers: &mut Workers, batch: Batch<'_>) {
    let tile = pass.plan.tile();
    let count = batch.examples.len();
    workers.run(count.div_ceil(tile.0), &|index, worker| {
        let rows = tile_rows(index, count, tile);
        let first = rows.start;
        let examples = &batch.examples[rows.clone()];
        // SAFETY: each tile has its own rows of every buffer, or of the input its worker has.
        unsafe {
            pass.forward(worker, Tile::of(&rows), pass.plan.blocks.len(), |row| examples[row]);
            pass.loss.of_rows(pass.isa, batch, rows, pass.workspace);
            pass.backward(worker, first, examples);
        }
    });
}

/// Computes one layer after the other with all workers, each cut into columns too: for when tiles
/// of rows are too few to keep the workers busy.
pub(super) fn layerwise(pass: &Pass<'_>, workers: &mut Workers, batch: Batch<'_>) {
    let blocks = pass.mlp.architecture().blocks();
    let examples = batch.examples;
    let (count, most) = (examples.len(), workers.count());
    let grid = |width: usize| Grid::new(count, pass.plan.tile(), width, most);
    let few = count.div_ceil(most);
    // In each call of `run` a task has rows, or columns of rows, of its own, and reads what earlier
    // calls have left.
    workers.run(count.div_ceil(few), &|task, _| {
        let rows = task * few..count.min((task + 1) * few);
        let examples = &examples[rows.clone()];
        // SAFETY: as above.
        unsafe { pass.read(Tile::of(&rows), &|row| examples[row]) }
    });
    for (index, block) in blocks.iter().enumerate() {
        let grid = grid(block.outputs);
        workers.run(grid.parts(), &|task, worker| {
            let (rows, columns) = grid.part(task);
            let tile = Tile::of(&rows);
            // SAFETY: as above.
            unsafe { pass.forward_block(index, worker, tile, columns, &|row| examples[rows.start + row]) }
        });
    }
    pass.loss.of_batch(pass.isa, workers, batch, pass.workspace);
    for (index, block) in blocks.iter().enumerate().skip(1).rev() {
        let grid = grid(block.inputs);
        workers.run(grid.parts(), &|task, worker| {
            let (rows, columns) = grid.part(task);
            // SAFETY: as above.
            unsafe { pass.backward_block(index, worker, rows.start, &examples[rows], columns) }
        });
    }
    if pass.mlp.architecture().learns_inputs() {
        let grid = grid(blocks[0].inputs);
        workers.run(grid.parts(), &|task, worker| {
            let (rows, columns) = grid.part(task);
            // SAFETY: as above.
            unsafe { pass.backward_input(worker, rows.start, &examples[rows], columns) }
        });
    }
    let grid = |index: usize| grid(blocks[index].outputs);
    workers.run((0..blocks.len()).map(|index| grid(index).parts()).sum(), &|task, _| {
        let (mut index, mut task) = (0, task);
        while task >= grid(index).parts() {
            task -= grid(index).parts();
            index += 1;
        }
        let (rows, columns) = grid(index).part(task);
        // SAFETY: as above.
        unsafe { pass.pack_deltas(index, rows.start, rows.len(), columns) }
    });
}

/// Rows `0 .. count` by columns `0 .. width`, cut for so many workers.
struct Grid {
    count: usize,
    tile: (usize, usize),
    width: usize,
    /// Columns of a part.
    step: usize,
}

impl Grid {
    fn new(count: usize, tile: (usize, usize), width: usize, workers: usize) -> Self {
        let tiles = count.div_ceil(tile.0);
        let units = width.div_ceil(COLUMN_MULTIPLE);
        // Whoever has the most to do decides: so many parts, times the columns of one. Of equals
        // the widest parts, which share their rows best.
        let most = |step: usize| (tiles * units.div_ceil(step)).div_ceil(workers) * step;
        let step = (1..=units).rev().min_by_key(|&step| most(step)).unwrap_or(1);
        Grid { count, tile, width, step: step * COLUMN_MULTIPLE }
    }

    fn tiles(&self) -> usize {
        self.count.div_ceil(self.tile.0)
    }

    fn parts(&self) -> usize {
        self.tiles() * self.width.div_ceil(self.step)
    }

    /// Returns rows and columns of a part. Parts of the same columns follow each other, so that few
    /// workers read the same weights.
    fn part(&self, index: usize) -> (Range<usize>, Range<usize>) {
        let tiles = self.tiles();
        let start = index / tiles * self.step;
        (tile_rows(index % tiles, self.count, self.tile), start..self.width.min(start + self.step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_everything_once_and_nobody_has_much_more_than_a_share() {
        for (count, width, workers) in
            [(256, 4096, 16), (256, 256, 16), (250, 1000, 7), (40, 10, 3), (129, 65, 5), (33, 1, 2)]
        {
            let grid = Grid::new(count, (72, 6), width, workers);
            let mut seen = vec![0u8; count * width];
            for index in 0..grid.parts() {
                let (rows, columns) = grid.part(index);
                assert!(!columns.is_empty() && columns.start.is_multiple_of(COLUMN_MULTIPLE));
                rows.for_each(|row| columns.clone().for_each(|column| seen[row * width + column] += 1));
            }
            assert!(seen.iter().all(|&times| times == 1), "{count} × {width} for {workers}");
        }
        // 2 tiles of rows by 8 of columns, and 4 by 4.
        assert_eq!((Grid::new(256, (144, 6), 4096, 16).parts(), Grid::new(256, (72, 6), 256, 16).parts()), (16, 16));
    }

    #[test]
    fn tiles_cover_every_row_once_and_fit() {
        for (most, group) in
            [(72usize, 2usize), (72, 4), (72, 6), (64, 16), (32, 16), (36, 6), (128, 32), (64, 32), (32, 32)]
        {
            for count in 1..400usize {
                let tiles: Vec<_> =
                    (0..count.div_ceil(most)).map(|tile| tile_rows(tile, count, (most, group))).collect();
                assert_eq!((tiles[0].start, tiles[tiles.len() - 1].end), (0, count));
                assert!(tiles.windows(2).all(|pair| pair[0].end == pair[1].start));
                assert!(
                    tiles.iter().all(|tile| (1..=most).contains(&tile.len())),
                    "{count} rows by {group}: {tiles:?}"
                );
            }
        }
    }
}
