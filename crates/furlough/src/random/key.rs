use super::philox4x32;

/// What a random word is for. No two streams share a word, so a new use of randomness gets a new
/// stream and leaves every old number as it was. The numbers are frozen
/// (`docs/reference/masks.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Stream {
    /// Initial weights.
    Init = 0,
    /// The order of the examples in an epoch.
    Shuffle = 1,
    /// Dropout masks in training.
    Dropout = 2,
    /// Dropout masks of Monte-Carlo predictions.
    MonteCarlo = 3,
    /// Masks of weights in training.
    DropConnect = 4,
    /// Which examples are held out.
    Split = 5,
    /// Masks of weights of Monte-Carlo predictions.
    DropConnectMonteCarlo = 6,
    /// What `tune` tries next.
    Search = 8,
    /// Which examples a bootstrap draws.
    Bootstrap = 9,
    /// First values of the input stage's parameters.
    InputStage = 10,
    /// First biases that the data decide.
    DataDriven = 11,
    /// Columns of a table whose values are shuffled, to see what a model loses by that.
    Permutation = 12,
}

/// The seed of a run. Every random number of the run is a function of this and of what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(u64);

impl Key {
    /// The key of a seed.
    pub fn new(seed: u64) -> Self {
        Key(seed)
    }

    /// The two Philox key words, low word first.
    pub fn words(self) -> [u32; 2] {
        [self.0 as u32, (self.0 >> 32) as u32]
    }

    /// Four words of `stream`. `layer` must be below 2^24 (it shares a counter word with the
    /// stream).
    #[inline]
    pub fn draw(self, stream: Stream, layer: u32, c0: u32, c1: u32, c2: u32) -> [u32; 4] {
        philox4x32([c0, c1, c2, Self::site(stream, layer)], self.words())
    }

    /// The last counter word: the stream in the top eight bits, the layer below.
    #[inline]
    pub fn site(stream: Stream, layer: u32) -> u32 {
        debug_assert!(layer < 1 << 24, "layer {layer} does not fit 24 bits");
        (stream as u32) << 24 | layer
    }
}
