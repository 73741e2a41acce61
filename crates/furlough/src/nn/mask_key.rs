use crate::random::{Key, Stream};

/// Where in a run a mask stands. With the mask's id and the unit, it determines a mask bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaskKey {
    /// The run's seed.
    pub key: Key,
    /// [`Stream::Dropout`] in training, [`Stream::MonteCarlo`] for sampled predictions.
    pub stream: Stream,
    /// The training step, from 0 over the whole run; for Monte-Carlo, the sample.
    pub step: u32,
    /// How many linear layers stand before the dropout: 0 for input dropout, 1 after the first
    /// hidden layer.
    pub layer: u32,
}

impl MaskKey {
    /// The random word of a unit in the mask of `mask_id`: sixteen consecutive units are sixteen
    /// consecutive counters, so that 4, 8 or 16 SIMD lanes each run one counter and no words are
    /// moved between lanes.
    pub fn word(&self, mask_id: u32, unit: u32) -> u32 {
        let counter = 16 * (unit / 64) + unit % 16;
        self.key.draw(self.stream, self.layer, counter, mask_id, self.step)[(unit / 16 % 4) as usize]
    }
}
