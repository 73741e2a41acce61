//! The first phase of a step where tiles of rows do not keep all workers busy, as there are too few of them: one layer after the other, each cut into columns too. All numbers are
//! computed as in the other way, from the same factors in the same order, so nobody can tell from them which way it was.

use super::StepSums;
use super::concrete::Concretes;
use super::rows::{Pass, tile_rows};
use super::workers::Workers;
use super::workspace::Shared;
use std::ops::Range;

/// Columns are cut at multiples of this: what the kernels of every instruction set take at once, and masks are drawn in.
pub(super) const UNIT: usize = 64;

/// Whether tiles of rows would leave workers idle for more than a fifth of the phase, if it is worth more than one worker at all.
pub(super) fn pays(concretes: &Concretes, workers: &Workers, tiles: usize) -> bool {
    let workers = workers.chosen();
    let turns = tiles.div_ceil(workers) * workers;
    5 * tiles < 4 * turns && !concretes.any()
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
        let units = width.div_ceil(UNIT);
        // Whoever has the most to do decides: as many parts, times the columns of one. Of equals the widest parts, which share their rows best.
        let most = |step: usize| (tiles * units.div_ceil(step)).div_ceil(workers) * step;
        let step = (1..=units).rev().min_by_key(|&step| most(step)).unwrap_or(1);
        Grid { count, tile, width, step: step * UNIT }
    }

    fn tiles(&self) -> usize {
        self.count.div_ceil(self.tile.0)
    }

    fn parts(&self) -> usize {
        self.tiles() * self.width.div_ceil(self.step)
    }

    /// Those of the same columns follow each other, so that few workers read the same weights.
    fn part(&self, index: usize) -> (Range<usize>, Range<usize>) {
        let tiles = self.tiles();
        let start = index / tiles * self.step;
        (tile_rows(index % tiles, self.count, self.tile), start..self.width.min(start + self.step))
    }
}

/// Forward, loss and backward, as [`super::rows::train_phase`] wants them.
pub(super) fn train(
    pass: &Pass<'_>,
    workers: &mut Workers,
    tile: (usize, usize),
    examples: &[u32],
    weight: f32,
    sums: &Shared<StepSums>,
) {
    let blocks = pass.mlp.architecture().blocks();
    let (count, most) = (examples.len(), workers.count());
    let grid = |width: usize| Grid::new(count, tile, width, most);
    let few = count.div_ceil(most);
    // In each call of `run` a task has rows, or columns of rows, of its own, and reads what earlier calls have left.
    workers.run(count.div_ceil(few), &|task, _| {
        let rows = task * few..count.min((task + 1) * few);
        let examples = &examples[rows.clone()];
        // SAFETY: as above.
        unsafe { pass.read(rows.start, rows.start, rows.len(), &|row| examples[row]) }
    });
    for (index, block) in blocks.iter().enumerate() {
        let grid = grid(block.outputs);
        workers.run(grid.parts(), &|task, worker| {
            let (rows, columns) = grid.part(task);
            let place = (rows.start, rows.start, rows.len());
            // SAFETY: as above.
            unsafe { pass.forward_block(index, worker, place, columns, &|row| examples[rows.start + row]) }
        });
    }
    let tiles = grid(1);
    workers.run(tiles.parts(), &|task, _| {
        let rows = tiles.part(task).0;
        // SAFETY: as above.
        unsafe { pass.loss(rows.start, &examples[rows], weight, sums) }
    });
    for (index, block) in blocks.iter().enumerate().skip(1).rev() {
        let grid = grid(block.inputs);
        workers.run(grid.parts(), &|task, worker| {
            let (rows, columns) = grid.part(task);
            // SAFETY: as above.
            unsafe { pass.backward_block(index, worker, rows.start, &examples[rows], columns) }
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
                assert!(!columns.is_empty() && columns.start.is_multiple_of(UNIT));
                rows.for_each(|row| columns.clone().for_each(|column| seen[row * width + column] += 1));
            }
            assert!(seen.iter().all(|&times| times == 1), "{count} × {width} for {workers}");
        }
        // 2 tiles of rows by 8 of columns, and 4 by 4.
        assert_eq!((Grid::new(256, (144, 6), 4096, 16).parts(), Grid::new(256, (72, 6), 256, 16).parts()), (16, 16));
    }
}
