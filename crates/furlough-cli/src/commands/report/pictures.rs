//! The plots of a report as files.

use anyhow::{Context, bail};
use furlough::files::write_atomic;
use furlough_lab::report::{Comparison, Pixels, RunReport, StudyPicture};
use furlough_lab::run::{NamedRun, Plot, RunDir, best_epoch, chart_png, chart_svg};
use furlough_tables::figures::TargetResiduals;
use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder they go to.
pub struct Folder {
    path: PathBuf,
    count: Cell<usize>,
}

/// Pixels of a unit's mask.
const MASK: usize = 8;

impl Folder {
    /// Makes the folder if it is not there.
    ///
    /// # Errors
    /// When it cannot be made, or is a run's own, whose pictures are part of the run.
    pub fn new(path: &Path) -> anyhow::Result<Self> {
        if path.join(RunDir::RECIPE).exists() {
            bail!("{}: is a run, whose files stay as they are; choose another folder with --plots", path.display());
        }
        fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Folder { path: path.into(), count: Cell::new(0) })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Pictures written so far, of two files each as a rule: a study's may lack the image.
    pub fn count(&self) -> usize {
        self.count.get()
    }

    /// Writes the plots of a run, each name after `prefix`.
    pub fn write_run(&self, prefix: &str, run: &RunReport) -> anyhow::Result<()> {
        if !run.records.is_empty() {
            let (split, best) = (run.recipe.partition().eval_split(), best_epoch(&run.recipe, &run.records));
            let (records, loss) = run.curves();
            let curves = Plot::Curves { title: &run.name, split, records: &records, best, loss: &loss };
            self.plot(&format!("{prefix}curves"), &curves)?;
        }
        if let Some(learned) = run.learned_dropout() {
            let name = format!("{prefix}learned");
            self.picture(&name, &chart_svg(&name, &learned)?, Some(&chart_png(&name, &learned)?))?;
        }
        if let Some(answers) = &run.answers {
            if let Some(counts) = &answers.evaluation.confusion {
                self.plot(&format!("{prefix}confusion"), &Plot::Confusion { names: &answers.names, counts })?;
            }
            if let Some(calibration) = &answers.calibration {
                self.plot(&format!("{prefix}reliability"), &Plot::Reliability(calibration))?;
            }
            if let Some(curve) = &answers.risk_coverage {
                self.plot(&format!("{prefix}risk-coverage"), &Plot::RiskCoverage(curve))?;
            }
            self.write_residuals(prefix, &answers.residuals)?;
        }
        if let Some(weights) = run.answers.as_ref().and_then(|answers| answers.weights.as_ref()) {
            self.pixels(&format!("{prefix}weights"), &weights.pixels)?;
        }
        for place in run.mask_places().into_iter().filter(|_| !run.first_batch.is_empty()) {
            let pixels = place.picture(run.recipe.options().seed, &run.first_batch, MASK)?;
            self.pixels(&format!("{prefix}masks-{}", place.layer), &pixels)?;
        }
        Ok(())
    }

    /// Writes the pictures of a study or a tune as they are in its folder, each name after
    /// `prefix`.
    pub fn write_pictures(&self, prefix: &str, pictures: &[StudyPicture]) -> anyhow::Result<()> {
        for StudyPicture { name, svg, png } in pictures {
            self.picture(&format!("{prefix}{name}"), svg, png.as_deref())?;
        }
        Ok(())
    }

    /// Writes where predicted numbers are off, a picture a target, each name after `prefix`.
    pub fn write_residuals(&self, prefix: &str, residuals: &[TargetResiduals]) -> anyhow::Result<()> {
        for (place, of_target) in residuals.iter().enumerate() {
            let number = if residuals.len() > 1 { format!("-{}", place + 1) } else { String::new() };
            self.plot(&format!("{prefix}residuals{number}"), &Plot::Residuals(of_target))?;
        }
        Ok(())
    }

    /// Writes a plot.
    pub fn plot(&self, name: &str, plot: &Plot<'_>) -> anyhow::Result<()> {
        self.picture(name, &plot.svg()?, Some(&plot.png()?))
    }

    fn pixels(&self, name: &str, pixels: &Pixels) -> anyhow::Result<()> {
        self.picture(name, &pixels.svg(1), Some(&pixels.png))
    }

    /// Writes a picture.
    pub fn picture(&self, name: &str, svg: &str, png: Option<&[u8]>) -> anyhow::Result<()> {
        write_atomic(&self.path.join(format!("{name}.svg")), svg.as_bytes())?;
        if let Some(png) = png {
            write_atomic(&self.path.join(format!("{name}.png")), png)?;
        }
        self.count.set(self.count.get() + 1);
        Ok(())
    }
}

/// Writes the runs' curves over each other.
pub fn overlay(folder: &Folder, comparison: &Comparison) -> anyhow::Result<()> {
    let named: Vec<_> = comparison.runs.iter().map(|run| NamedRun { name: &run.name, records: &run.records }).collect();
    if named.iter().all(|run| run.records.is_empty()) {
        return Ok(());
    }
    folder.plot("comparison", &Plot::Overlay(&named))
}

/// What the names of a run's pictures begin with, where there are several runs: its folder, made
/// fit for a file name.
pub fn prefix(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    format!("{}-", name.trim_start_matches(['.', '/']).chars().map(plain).collect::<String>())
}
