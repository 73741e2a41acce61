use super::InputStage;
use crate::data::{Examples, Features};
use crate::{Error, Result};

impl InputStage {
    /// Checks that every value is one that its column takes. The examples have as many features as
    /// the stage.
    ///
    /// # Errors
    /// [`Error::Data`] that names the first example with another, and the feature.
    pub(crate) fn check_values(&self, data: &Examples) -> Result<()> {
        let checked = self.columns.iter().enumerate().filter(|(_, column)| !column.takes_all());
        for (number, column) in checked {
            let refusal = |example: usize, value: f32| column.refuses(value).map(|takes| (example, value, takes));
            let refused = match data.inputs() {
                Features::Bytes { rows, scale } => {
                    let values = rows.column(number).into_iter().map(|&byte| f32::from(byte) * scale);
                    values.enumerate().find_map(|(example, value)| refusal(example, value))
                }
                Features::Floats(rows) => {
                    rows.column(number).into_iter().enumerate().find_map(|(example, &value)| refusal(example, value))
                }
            };
            if let Some((example, value, takes)) = refused {
                let name = data.feature_names().get(number).map(|name| format!(" ({name:?})")).unwrap_or_default();
                let reason = format!(
                    "example {example}, feature {number}{name} is {value}, but the network takes {takes} there"
                );
                return Err(Error::data("set", reason));
            }
        }
        Ok(())
    }
}
