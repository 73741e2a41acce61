//! Model files and checkpoints, and how files are read and written so that they are whole or
//! absent. `docs/reference/run-directory.md` says the same in words; it is normative.

mod atomic;
mod checkpoint;
mod fingerprint;
mod model;
mod open;
mod sealed;
mod tensors;
#[cfg(test)]
mod tests;

pub use atomic::{folder_of, is_leftover, remove_leftovers, sync_folder, write_atomic};
pub use checkpoint::{Origin, checkpoint_bytes, checkpoint_progress, load_checkpoint, save_checkpoint};
pub use fingerprint::{fingerprint, sha256_hex};
pub use model::{DataInfo, ModelInfo, load_model, save_model};
pub use open::{open_file, open_file_with, read_file, read_text};

/// Version of the format of model files, checkpoints and run directories, written into every file
/// that has a place for it.
pub const FORMAT_VERSION: u32 = 1;
