//! How the present step goes about it. Nobody can tell from its numbers.

use super::concrete::Concretes;
use super::layers;
use super::workers::Workers;

/// What is decided anew for each step.
#[derive(Clone, Copy, Default)]
pub(super) struct Way {
    /// The first phase goes from layer to layer, each cut into columns too, and not in tiles of rows all the way.
    pub(super) by_layers: bool,
    /// What workers read of each other is stored past the caches.
    pub(super) streaming: bool,
    /// The gradient of the first layer reads the bytes of the features anew.
    pub(super) reads_anew: bool,
    /// Then no worker needs another's features: so many rows of the workspace's input are a worker's, if that is fewer than all have.
    pub(super) own_rows: Option<usize>,
    /// Which of the two ways to cut the parameters: with 1 the first layer's gradient leaves out the zeros of its deltas.
    pub(super) partition: usize,
}

impl Way {
    /// For `count` rows in tiles of `tile`. `streams` says that storing past the caches pays here; `bytes`, that the features are bytes and enter the first layer
    /// as they are; `by_units`, that the first layer's gradient is to leave out the zeros of its deltas.
    pub(super) fn choose(
        (concretes, workers): (&Concretes, &Workers),
        (count, tile): (usize, usize),
        streams: bool,
        bytes: bool,
        by_units: bool,
    ) -> Way {
        let (tiles, chosen) = (count.div_ceil(tile), workers.chosen());
        let by_layers = layers::pays(concretes, workers, tiles);
        let reads_anew = bytes && !by_layers;
        Way {
            by_layers,
            streaming: streams && chosen > 1 && !by_layers,
            reads_anew,
            own_rows: (reads_anew && chosen < tiles).then_some(tile),
            partition: usize::from(by_units),
        }
    }
}
