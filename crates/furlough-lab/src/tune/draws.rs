use furlough::random::{Key, Stream};
use rand_core::TryRng;
use std::convert::Infallible;

/// The random words of one value of one proposal, for samplers that want a generator: counter after
/// counter of [`Stream::Search`], so that no proposal depends on how many words another one took.
#[derive(Debug)]
pub(super) struct Draws {
    key: Key,
    axis: u32,
    proposal: u32,
    attempt: u32,
    counter: u32,
    words: [u32; 4],
    left: usize,
}

impl Draws {
    /// The words of the `attempt` at value number `axis` of proposal number `proposal`.
    pub fn new(seed: u64, proposal: u32, axis: u32, attempt: u32) -> Self {
        Draws { key: Key::new(seed), axis, proposal, attempt, counter: 0, words: [0; 4], left: 0 }
    }

    fn word(&mut self) -> u32 {
        if self.left == 0 {
            self.words = self.key.draw(Stream::Search, self.axis, self.counter, self.attempt, self.proposal);
            self.counter = self.counter.wrapping_add(1);
            self.left = 4;
        }
        self.left -= 1;
        self.words[3 - self.left]
    }
}

impl TryRng for Draws {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.word())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let low = u64::from(self.word());
        Ok(low | u64::from(self.word()) << 32)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(4) {
            let word = self.word().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::Rng;

    #[test]
    fn words_are_those_of_the_stream() {
        let expected: Vec<u32> = (0..2).flat_map(|c| Key::new(9).draw(Stream::Search, 3, c, 1, 7)).collect();
        let mut draws = Draws::new(9, 7, 3, 1);
        let words: Vec<u32> = (0..8).map(|_| draws.next_u32()).collect();
        assert_eq!(words, expected);
        let mut bytes = [0; 7];
        Draws::new(9, 7, 3, 1).fill_bytes(&mut bytes);
        assert_eq!(bytes[..4], expected[0].to_le_bytes());
        assert_eq!(bytes[4..], expected[1].to_le_bytes()[..3]);
        assert_eq!(Draws::new(9, 7, 3, 1).next_u64() >> 32, u64::from(expected[1]));
    }
}
