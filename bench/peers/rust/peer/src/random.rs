use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Normal};

/// The numbers that a framework does not draw from a seed by itself.
pub struct Random(SmallRng);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(SmallRng::seed_from_u64(seed))
    }

    /// `len` weights from N(0, 0.01²).
    pub fn weights(&mut self, len: usize) -> Vec<f32> {
        let normal = Normal::new(0.0, 0.01).expect("a positive deviation");
        (0..len).map(|_| normal.sample(&mut self.0)).collect()
    }

    /// 0 to `len` − 1 in a random order.
    pub fn order(&mut self, len: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..len as u32).collect();
        order.shuffle(&mut self.0);
        order
    }

    /// Inverted dropout: `len` values that are 0 with probability `p`, to 2⁻¹⁶, and else 1 / (1 −
    /// p). Four a draw.
    pub fn mask(&mut self, len: usize, p: f64) -> Vec<f32> {
        let threshold = (p * 65536.0).round() as u16;
        let kept = (1.0 / (1.0 - p)) as f32;
        let mut mask = vec![0.0; len];
        for four in mask.chunks_mut(4) {
            let bits = self.0.next_u64();
            for (i, value) in four.iter_mut().enumerate() {
                *value = if (bits >> (16 * i)) as u16 >= threshold { kept } else { 0.0 };
            }
        }
        mask
    }
}
