//! Randomness as a pure function: the same bits for the same question, whoever asks and whenever.
//!
//! There is no generator object and no hidden state. A random word is `philox(counter, key)`: the
//! [`Key`] is the run's seed, and the counter says what the word is *for* (which stream, which
//! step, which example, which unit).

mod key;
mod normal;
mod philox;
mod shuffle;

pub use key::{Key, Stream};
pub(crate) use normal::ln;
pub use normal::normal;
pub use philox::philox4x32;
pub(crate) use philox::{MULTIPLIERS, ROUNDS, WEYL};
pub use shuffle::shuffle;
