use super::Pixels;
use super::weights::{Weights, weights};
use crate::Result;
use furlough::data::{Dataset, Targets};
use furlough::predict::{Calibration, Evaluation, Mistake, Predictor, calibration, mistakes};

/// What a trained network says of data it has not learned from.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// The classes' names; none for numbers.
    pub names: Vec<String>,
    /// Loss, accuracy and confusion.
    pub evaluation: Evaluation,
    /// How far its probabilities can be believed; none for numbers.
    pub calibration: Option<Calibration>,
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

    /// Measures a network on `test`.
    ///
    /// # Errors
    /// [`furlough::Error::Data`] when the data does not fit the network.
    pub fn of(predictor: &mut Predictor, test: &Dataset) -> Result<Self> {
        let evaluation = predictor.evaluate(test)?;
        let weights = weights(predictor, test)?;
        let Targets::Classes { labels, names } = test.targets() else {
            return Ok(Answers { names: Vec::new(), evaluation, calibration: None, mistakes: Vec::new(), weights });
        };
        let probabilities = predictor.predict_proba(test)?;
        let wrong = mistakes(probabilities.view(), labels, Self::MISTAKES)?;
        let shown = |mistake: Mistake| Ok(MistakeView { mistake, view: ExampleView::of(test, mistake.index)? });
        Ok(Answers {
            names: names.clone(),
            evaluation,
            calibration: Some(calibration(probabilities.view(), labels, Calibration::BINS)?),
            mistakes: wrong.into_iter().map(shown).collect::<Result<_>>()?,
            weights,
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
