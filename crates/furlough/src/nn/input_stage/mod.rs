//! What stands before the first linear layer where columns are not only numbers.

mod checks;
mod column;
mod definition;

use column::ColumnTensor;
pub use column::InputColumn;
pub(crate) use definition::StagePlaces;

use super::parameters::{ParamGroup, ParamInit, Specs};
use crate::data::Examples;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// What becomes of the columns of the data before the first linear layer sees them.
///
/// Data keep one matrix of f32 with a value a column. Each column is expanded to one input or
/// several ([`InputColumn`]), in their order. With `scaling` each of these is then multiplied by a
/// factor of its own that is learned and begins at 1. Dropout of the inputs comes after that, so it
/// drops single inputs of an embedding.
///
/// ```
/// use furlough::data::Dataset;
/// use furlough::nn::{InputColumn, InputStage, Layer::*, Sequential};
/// use furlough::train::{TrainOptions, Trainer};
/// use ndarray::array;
///
/// // A number, and a category of 4 levels that becomes 2 learned numbers.
/// let stage = InputStage::new([InputColumn::Number, InputColumn::Category { levels: 4, width: 2 }]).with_scaling();
/// let network = Sequential::new([Dropout(0.1), Linear(stage.width(), 8), Relu, Linear(8, 2)]).with_input_stage(stage);
///
/// let rows = array![[0.5, 0.0], [-1.0, 3.0], [0.1, 2.0], [2.0, 0.0]];
/// let data = Dataset::classification(rows, ["no", "yes", "no", "yes"])?;
/// let mut trainer = Trainer::new(&network, &TrainOptions::default(), &data, 1)?;
/// trainer.fit(None)?;
/// let names: Vec<_> = trainer.state().mlp.architecture().param_specs().iter().map(|spec| &*spec.name).collect();
/// assert_eq!(names[4..], ["input.embedding.1", "input.scale"]);
///
/// let wrong = Dataset::classification(array![[0.5, 4.0], [0.1, 1.0]], ["no", "yes"])?;
/// let error = trainer.evaluate(&wrong).unwrap_err().to_string();
/// assert!(error.ends_with("example 0, feature 1 is 4, but the network takes a whole number from 0 to 3 there"));
/// # Ok::<(), furlough::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputStage {
    columns: Vec<InputColumn>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    scaling: bool,
}

impl InputStage {
    /// The most columns: the tensors of a stage are numbered with the 24 bits of a random layer.
    const MOST_COLUMNS: usize = 1 << 20;

    /// Returns the stage of these columns, in the order of the data, without scaling.
    pub fn new(columns: impl Into<Vec<InputColumn>>) -> Self {
        InputStage { columns: columns.into(), scaling: false }
    }

    /// Returns the stage with a learned factor for each of its inputs.
    pub fn with_scaling(self) -> Self {
        InputStage { scaling: true, ..self }
    }

    /// Returns the stage of features with so many levels, 0 or [`Examples::INDICATOR`] for a
    /// number: an embedding `width` wide for each category, no wider than its levels; none where
    /// all are numbers.
    ///
    /// ```
    /// use furlough::nn::{InputColumn::*, InputStage};
    /// let stage = InputStage::of_levels(&[0, 12, 4], 8).unwrap();
    /// assert_eq!(stage.columns(), [Number, Category { levels: 12, width: 8 }, Category { levels: 4, width: 4 }]);
    /// assert_eq!(InputStage::of_levels(&[0, 0], 8), None);
    /// ```
    pub fn of_levels(levels: &[u32], width: usize) -> Option<Self> {
        let stage = InputStage::with_numbers(levels, width, &InputColumn::Number);
        stage.columns.iter().any(|column| *column != InputColumn::Number).then_some(stage)
    }

    /// Returns the stage of features with so many levels, in which each number is such a column,
    /// but for those that say whether something holds ([`Examples::INDICATOR`]).
    ///
    /// ```
    /// use furlough::{data::Examples, nn::{InputColumn, InputStage}};
    /// let stage = InputStage::with_numbers(&[0, Examples::INDICATOR, 12], 8, &InputColumn::PBLD);
    /// assert_eq!((stage.features(), stage.width()), (3, 4 + 1 + 8));
    /// ```
    pub fn with_numbers(levels: &[u32], width: usize, number: &InputColumn) -> Self {
        let column = |&levels: &u32| match levels {
            0 => number.clone(),
            Examples::INDICATOR => InputColumn::Number,
            levels => InputColumn::Category { levels: levels as usize, width: width.min(levels as usize) },
        };
        InputStage::new(levels.iter().map(column).collect::<Vec<_>>())
    }

    /// Returns the columns, in the order of the data.
    pub fn columns(&self) -> &[InputColumn] {
        &self.columns
    }

    /// Returns whether each input has a learned factor.
    pub fn scaling(&self) -> bool {
        self.scaling
    }

    /// Returns the number of features that an example has.
    pub fn features(&self) -> usize {
        self.columns.len()
    }

    /// Returns the number of inputs that the first linear layer takes.
    pub fn width(&self) -> usize {
        self.columns.iter().map(InputColumn::width).fold(0, usize::saturating_add)
    }

    /// Returns the number of values that it learns.
    pub fn parameters(&self) -> usize {
        let columns = self.columns.iter().map(InputColumn::parameters);
        columns.fold(if self.scaling { self.width() } else { 0 }, usize::saturating_add)
    }

    /// Adds its parameters to the list of a network: column after column, then the factors.
    pub(super) fn add_to(&self, specs: &mut Specs) {
        let mut layer = 0; // a validated stage has fewer than 2^24 tensors
        for (number, column) in self.columns.iter().enumerate() {
            for ColumnTensor { name, shape, init, group } in column.tensors(number, layer) {
                specs.add(format!("input.{name}"), shape, init, group);
                layer += 1;
            }
        }
        if self.scaling {
            specs.add("input.scale".into(), vec![self.width()], ParamInit::Ones, ParamGroup::InputScale);
        }
    }

    /// Checks the columns.
    ///
    /// # Errors
    /// [`Error::Setting`] that names the first column that makes no sense.
    pub fn validate(&self) -> Result<()> {
        if self.columns.is_empty() {
            return Err(Error::setting("input stage", "no columns", "needs at least one column"));
        }
        if self.columns.len() > Self::MOST_COLUMNS {
            let count = format!("{} columns", self.columns.len());
            return Err(Error::setting("input stage", count, format!("at most {} are numbered", Self::MOST_COLUMNS)));
        }
        for (number, column) in self.columns.iter().enumerate() {
            column.check().map_err(|reason| Error::setting(&format!("input column {number}"), column, reason))?;
        }
        Ok(())
    }
}
