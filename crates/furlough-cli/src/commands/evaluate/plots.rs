//! The pictures of an evaluation.

use super::Full;
use crate::commands::report::Folder;
use crate::terminal::{note, path as shown};
use furlough::noun_of;
use furlough_lab::run::Plot;
use furlough_tables::figures::TargetResiduals;
use std::path::Path;

/// Writes confusion matrix and reliability diagram, or the residuals of each target, as SVG and
/// PNG.
pub fn write(dir: &Path, full: &Full, residuals: &[TargetResiduals], names: &[String]) -> anyhow::Result<()> {
    let folder = Folder::new(dir)?;
    if let Some(counts) = &full.evaluation.confusion {
        folder.plot("confusion", &Plot::Confusion { names, counts })?;
    }
    if let Some(calibration) = &full.calibration {
        folder.plot("reliability", &Plot::Reliability(calibration))?;
    }
    folder.write_residuals("", residuals)?;
    let count = folder.count();
    note(&format!("{}: {count} {}", shown(dir), noun_of(count, "picture")));
    Ok(())
}
