//! What a run leaves on disk, and how it goes on from there. `docs/run-directory.md` says the same in words;
//! it is normative.
//!
//! Every file is replaced whole or not at all, and the manifest comes last: a run that was killed at any moment is
//! one that can go on, a full disk leaves the last good files, and a manifest means that all is there.

mod atomic;
mod background;
mod checkpoint;
mod contents;
mod directory;
mod fingerprint;
mod manifest;
mod metrics_log;
mod model;
mod open;
mod plot;
mod recorder;
mod sealed;
mod tensorboard;
#[cfg(test)]
mod tests;

pub use atomic::write_atomic;
pub(crate) use atomic::{is_leftover, remove_leftovers};
pub use checkpoint::{Origin, checkpoint_progress, load_checkpoint, save_checkpoint};
pub use contents::{RunContents, Trained};
pub use directory::RunDir;
pub use fingerprint::{fingerprint, sha256_hex};
pub use manifest::{FileEntry, Manifest};
pub use metrics_log::{EpochRecord, MetricsLog, read_metrics};
pub use model::{DataInfo, ModelInfo, load_model, save_model};
pub(crate) use open::open_file_with;
pub use open::{open_file, read_file, read_text};
pub(crate) use plot::wants_logarithm;
pub use plot::{
    Chart, ChartRow, Line, NamedRun, Panel, Plot, PlotPoint, chart_png, chart_svg, curves_png, curves_svg, picture_png,
};
pub use recorder::{Recorder, RunInfo};
pub use tensorboard::TensorBoard;

/// Version of the run directory's format, written into every file that has a place for it.
pub const FORMAT_VERSION: u32 = 1;
