use super::InputStage;
use crate::data::{Examples, Features};
use crate::{Error, Result};

impl InputStage {
    /// Checks that every value is one that its column takes, where each feature has so many levels,
    /// 0 for a number: none where all are numbers. There are as many features as the stage has.
    ///
    /// # Errors
    /// [`Error::Data`] that names the first feature with other levels.
    pub(crate) fn check_levels(&self, data: &Examples) -> Result<()> {
        for (number, column) in self.columns.iter().enumerate() {
            let levels = data.levels().get(number).filter(|&&levels| levels != Examples::INDICATOR);
            let levels = levels.copied().unwrap_or_default() as usize;
            if let Some(takes) = column.refuses_levels(levels) {
                let name = name_of(data, number);
                let has = if levels == 0 { "is a number".into() } else { format!("has {levels} levels") };
                let reason = format!("feature {number}{name} {has}, but the network takes {takes} there");
                return Err(Error::data("set", reason));
            }
        }
        Ok(())
    }

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
                let name = name_of(data, number);
                let reason = format!(
                    "example {example}, feature {number}{name} is {value}, but the network takes {takes} there"
                );
                return Err(Error::data("set", reason));
            }
        }
        Ok(())
    }
}

/// Returns the name of a feature in brackets, where it has one.
fn name_of(data: &Examples, number: usize) -> String {
    data.feature_names().get(number).map(|name| format!(" ({name:?})")).unwrap_or_default()
}
