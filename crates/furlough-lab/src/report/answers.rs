use super::Pixels;
use super::weights::{Weights, weights};
use crate::{Error, Result};
use furlough::data::{Dataset, DatasetRef, EvalData, EvalSplit, Targets};
use furlough::predict::{Calibration, Evaluation, Mistake, Predictor, RiskCoverage, calibration, mistakes};
use furlough_tables::figures::{TableFigures, TargetResiduals};
use furlough_tables::preprocessing::TargetEncoder;

/// What a trained network says of data it has not learned from.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// The classes' names; none for numbers.
    pub names: Vec<String>,
    /// Loss, accuracy and confusion.
    pub evaluation: Evaluation,
    /// How far its probabilities can be believed; none for numbers.
    pub calibration: Option<Calibration>,
    /// How often it is wrong by how sure it is; none for numbers.
    pub risk_coverage: Option<RiskCoverage>,
    /// Which examples they are.
    pub split: EvalSplit,
    /// The scores of a table's rows, in the target's units and with intervals; none of other data.
    pub figures: Option<TableFigures>,
    /// Where predicted numbers are off, target by target; none of classes.
    pub residuals: Vec<TargetResiduals>,
    /// Its most confident mistakes, the most confident first.
    pub mistakes: Vec<MistakeView>,
    /// Its first layer; none when examples are no images.
    pub weights: Option<Weights>,
}

/// A mistake with what the network saw.
#[derive(Debug, Clone, PartialEq)]
pub struct MistakeView {
    /// The mistake.
    pub mistake: Mistake,
    /// The example.
    pub view: ExampleView,
}

/// What an example looks like.
#[derive(Debug, Clone, PartialEq)]
pub enum ExampleView {
    /// An image.
    Image(Pixels),
    /// Its first features, and how many there are.
    Row(Vec<f32>, usize),
}

impl Answers {
    /// So many of the most confident mistakes are shown.
    pub const MISTAKES: usize = 24;
    /// So many features of an example that is no image are shown.
    pub const FEATURES: usize = 12;

    /// Measures a network on `eval`; `target` says what its outputs mean, where it learned from a
    /// table.
    ///
    /// # Errors
    /// [`furlough::Error::Data`] when the data does not fit the network.
    pub fn of(predictor: &mut Predictor, eval: EvalData<'_>, target: Option<&TargetEncoder>) -> Result<Self> {
        let EvalData { data, split } = eval;
        let DatasetRef::Memory(test) = data else {
            return Err(Error::data("set", "is in a file; a report is about rows in memory"));
        };
        let outputs = target.map(|_| predictor.predict(test)).transpose()?;
        let table = target.zip(outputs.as_ref());
        let figures = table.map(|(target, outputs)| TableFigures::of(outputs.view(), test, target));
        let residuals = table.map(|(target, outputs)| TargetResiduals::of(outputs.view(), test, target));
        let evaluation = predictor.evaluate(test)?;
        let answers = Answers {
            names: Vec::new(),
            evaluation,
            calibration: None,
            risk_coverage: None,
            split,
            figures,
            residuals: residuals.unwrap_or_default(),
            mistakes: Vec::new(),
            weights: weights(predictor, test)?,
        };
        let Targets::Classes { labels, names } = test.targets() else { return Ok(answers) };
        let probabilities = predictor.predict_proba(test)?;
        let wrong = mistakes(probabilities.view(), labels, Self::MISTAKES)?;
        let shown = |mistake: Mistake| Ok(MistakeView { mistake, view: ExampleView::of(test, mistake.index)? });
        Ok(Answers {
            names: names.clone(),
            calibration: Some(calibration(probabilities.view(), labels, Calibration::BINS)?),
            risk_coverage: Some(RiskCoverage::of(probabilities.view(), labels)?),
            mistakes: wrong.into_iter().map(shown).collect::<Result<_>>()?,
            ..answers
        })
    }
}

impl ExampleView {
    fn of(data: &Dataset, row: usize) -> Result<Self> {
        Ok(match Pixels::of_example(data, row)? {
            Some(pixels) => ExampleView::Image(pixels),
            None => {
                let mut values = vec![0.0; data.features()];
                data.read_row(row, &mut values);
                values.truncate(Answers::FEATURES);
                ExampleView::Row(values, data.features())
            }
        })
    }
}
