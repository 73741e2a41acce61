//! What a run leaves on disk, and how it goes on from there. `docs/reference/run-directory.md` says
//! the same in words; it is normative.
//!
//! Every file is replaced whole or not at all, and the manifest comes last: a run that was killed
//! at any moment is one that can go on, a full disk leaves the last good files, and a manifest
//! means that all is there.

mod background;
mod contents;
mod directory;
mod failure;
mod in_memory;
mod lock;
mod manifest;
mod members;
mod metrics_log;
mod plot;
mod provenance;
mod recorder;
mod tensorboard;
#[cfg(test)]
mod tests;

pub use contents::{RunContents, RunStatus, Trained};
pub use directory::RunDir;
pub use failure::Failure;
pub use in_memory::{FitReport, FittedModel, GoingOn, begin_model, fit_further, fit_table};
pub(crate) use lock::{LOCK, something_in, take_lock};
pub use manifest::{FileEntry, Manifest};
pub use members::{JointModel, MemberReport, MembersConfig, finish_members, train_members};
pub use metrics_log::{EpochRecord, MetricsLog, best_epoch, final_record, read_metrics};
pub use plot::{
    Chart, ChartRow, Line, NamedRun, Panel, Plot, PlotPoint, chart_png, chart_svg, curves_png, curves_svg, picture_png,
    shorten,
};
pub(crate) use plot::{LOSS, wants_logarithm};
pub use provenance::{EvalInfo, Machine, Provenance, WarmStart};
pub use recorder::{Recorder, RunInfo};
pub use tensorboard::TensorBoard;
