//! Model files and checkpoints, and how files are read and written so that they are whole or
//! absent. `docs/reference/run-directory.md` says the same in words; it is normative.

mod atomic;
mod checkpoint;
mod fingerprint;
mod model;
mod open;
mod save_load;
mod sealed;
mod tensors;
#[cfg(test)]
mod tests;

pub use atomic::{AtomicFile, folder_of, is_leftover, remove_leftovers, sync_folder, write_atomic};
pub use checkpoint::{
    CheckpointNetwork, Origin, checkpoint_bytes, checkpoint_progress, load_checkpoint, load_checkpoint_network,
    save_checkpoint,
};
pub use fingerprint::{fingerprint, sha256_hex, weights_fingerprint};
pub use model::{
    DataInfo, EnsembleInfo, EnsembleMember, ModelFile, ModelInfo, ensemble_bytes, load_model, load_models, model_bytes,
    models_from_bytes, save_ensemble, save_model,
};
pub use open::{open_file, open_file_with, read_file, read_text};

/// Version of the format of run directories, written into every file of one that has a place for
/// it but the model.
pub const FORMAT_VERSION: u32 = 1;

/// Version of the format of model files. Those of version 1 are read too.
pub const MODEL_VERSION: u32 = 2;

/// Version of the format of model files with several networks. Files of one network keep the
/// version that they have.
pub const ENSEMBLE_VERSION: u32 = 3;

/// Checks that a file of this version can be read where `newest` is the newest version known.
///
/// # Errors
/// [`Error::File`](crate::Error::File) when the file is of a later version.
pub fn check_version(path: &std::path::Path, version: u32, newest: u32) -> crate::Result<()> {
    if version <= newest {
        return Ok(());
    }
    let known = if newest == 1 { "version 1".into() } else { format!("versions 1 to {newest}") };
    let reason = format!("has format version {version} and needs a newer furlough; this one reads {known}");
    Err(crate::Error::file(path, reason))
}
