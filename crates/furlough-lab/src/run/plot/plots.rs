//! Pictures that reports show besides curves and charts, and all of them under one name.

use super::canvas::{Canvas, Drawn};
use super::{
    FINE, NamedRun, SIZE, confusion, dependence, failed, overlay, png, reliability, residuals, risk, scene, svg,
};
use crate::Result;
use crate::run::EpochRecord;
use furlough::data::EvalSplit;
use furlough::predict::{Calibration, RiskCoverage};
use furlough_tables::explain::PartialDependence;
use furlough_tables::figures::TargetResiduals;
use ndarray::Array2;
use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingBackend};

/// A picture of figures. The same figures give the same bytes.
///
/// ```
/// use furlough_lab::run::Plot;
/// let counts = ndarray::array![[48, 2], [5, 45]];
/// let names = ["cat".to_string(), "dog".to_string()];
/// let svg = Plot::Confusion { names: &names, counts: &counts }.svg()?;
/// assert!(svg.contains("cat") && svg.contains("48"));
/// # Ok::<(), furlough_lab::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub enum Plot<'a> {
    /// The learning curves of a run: losses and, for classes, accuracies, over the epochs.
    Curves {
        /// What stands above them.
        title: &'a str,
        /// What was evaluated.
        split: EvalSplit,
        /// The epochs, from the first.
        records: &'a [EpochRecord],
        /// The best epoch, where the run may stop early.
        best: Option<u32>,
        /// What the losses of the records are called: `loss`, or `RMSE of price`.
        loss: &'a str,
    },
    /// The learning curves of several runs, one color a run.
    Overlay(&'a [NamedRun<'a>]),
    /// Whether answers are as often right as they are sure.
    Reliability(&'a Calibration),
    /// Which class was taken for which: a row a true class, a column an answer.
    Confusion {
        /// The classes' names.
        names: &'a [String],
        /// `[true class, predicted class]`: number of examples.
        counts: &'a Array2<u64>,
    },
    /// How many answers are wrong, if only the surest are given.
    RiskCoverage(&'a RiskCoverage),
    /// Where predicted numbers are off.
    Residuals(&'a TargetResiduals),
    /// What a model answers on average along a column.
    Dependence(&'a PartialDependence),
}

impl Plot<'_> {
    /// The picture as SVG.
    ///
    /// # Errors
    /// [`crate::Error::Run`] when there is nothing to draw.
    pub fn svg(&self) -> Result<String> {
        self.check("picture.svg")?;
        svg("picture.svg", self.size(), |area, drop| self.draw(area, drop))
    }

    /// The same picture as a PNG image, two pixels to the unit.
    ///
    /// # Errors
    /// [`crate::Error::Run`] when there is nothing to draw.
    pub fn png(&self) -> Result<Vec<u8>> {
        self.check("picture.png")?;
        png("picture.png", self.size(), |area, drop| self.draw(area, drop))
    }

    /// Size of the picture in the units of the scene.
    fn size(&self) -> (u32, u32) {
        match self {
            Plot::Curves { .. } => SIZE,
            Plot::Overlay(runs) => overlay::size(runs),
            Plot::Reliability(_) => reliability::SIZE,
            Plot::Confusion { names, .. } => confusion::size(names),
            Plot::RiskCoverage(_) => risk::SIZE,
            Plot::Residuals(_) => residuals::SIZE,
            Plot::Dependence(along) => dependence::size(along),
        }
    }

    fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, drop: f64) -> Drawn<DB> {
        if let Plot::Curves { title, split, records, best, loss } = self {
            return scene::draw(area, (FINE, drop), (title, *split, loss), records, *best);
        }
        let canvas = Canvas::new(area, FINE, drop)?;
        match self {
            Plot::Curves { .. } => Ok(()),
            Plot::Overlay(runs) => overlay::draw(&canvas, runs),
            Plot::Reliability(calibration) => reliability::draw(&canvas, calibration),
            Plot::Confusion { names, counts } => confusion::draw(&canvas, names, counts),
            Plot::RiskCoverage(curve) => risk::draw(&canvas, curve),
            Plot::Residuals(residuals) => residuals::draw(&canvas, residuals),
            Plot::Dependence(along) => dependence::draw(&canvas, along),
        }
    }

    fn check(&self, name: &str) -> Result<()> {
        let empty = match self {
            Plot::Curves { records, .. } => records.is_empty(),
            Plot::Overlay(runs) => runs.iter().all(|run| run.records.is_empty()),
            Plot::RiskCoverage(curve) => curve.points.is_empty(),
            Plot::Reliability(_) | Plot::Confusion { .. } | Plot::Residuals(_) | Plot::Dependence(_) => false,
        };
        if empty { Err(failed(name, "cannot be drawn: the run has no finished epoch")) } else { Ok(()) }
    }
}
