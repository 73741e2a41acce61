use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// How columns become features.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PreprocessingOptions {
    /// How numbers are scaled.
    pub scaling: Scaling,
    /// A category with up to so many levels has a feature for each; at least 2.
    pub one_hot_up_to: usize,
    /// Whether a category with more levels is one feature, the codes of its levels, of which a
    /// network learns an embedding. Otherwise it has features for levels too.
    pub embed: bool,
    /// In a category with more levels, those that fewer training rows have share a code.
    pub min_count: u64,
    /// At most so many of a category's levels have a feature of their own, the most frequent ones.
    pub most_levels: usize,
    /// Whether missing values that training rows had are told apart: by a feature that says that a
    /// number is missing, and a code of their own in categories. Otherwise a missing number is the
    /// median and nothing else, and a missing category is one that training never saw.
    #[serde(skip_serializing_if = "is_true")]
    pub missing_apart: bool,
    /// Whether features of levels are scaled as numbers are. Otherwise they are 0 and 1, or of two
    /// codes −1 and 1.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub scale_levels: bool,
}

/// How numbers are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scaling {
    /// Less the median, over the distance of the quartiles (over half the range where they are
    /// equal), and then x/√(1 + (x/3)²), which lies between −3 and 3: Holzmüller, Grinsztajn and
    /// Steinwart, "Better by default", NeurIPS 2024.
    #[default]
    Robust,
    /// Less the mean, over the standard deviation. At most 1000 of these from the mean, so that no
    /// value overflows.
    Standard,
    /// The normal quantile of the share of training values below, by up to 1000 knots, as
    /// scikit-learn's `QuantileTransformer` with normal output has it but for ties,
    /// which get the middle of their shares.
    Quantile,
}

impl Scaling {
    /// All of them.
    pub const ALL: [Scaling; 3] = [Scaling::Robust, Scaling::Standard, Scaling::Quantile];

    /// Returns its name: `robust`, `standard` or `quantile`.
    pub fn name(self) -> &'static str {
        match self {
            Scaling::Robust => "robust",
            Scaling::Standard => "standard",
            Scaling::Quantile => "quantile",
        }
    }
}

fn is_true(value: &bool) -> bool {
    *value
}

impl Default for PreprocessingOptions {
    fn default() -> Self {
        PreprocessingOptions {
            scaling: Scaling::Robust,
            one_hot_up_to: 8,
            embed: true,
            min_count: 10,
            most_levels: 100,
            missing_apart: true,
            scale_levels: false,
        }
    }
}

impl PreprocessingOptions {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Engine`] naming the setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let refused = |name: &str, value: usize, reason: &str| {
            let (name, value, reason) = (name.into(), value.to_string(), reason.into());
            Err(Error::Engine(furlough::Error::Setting { name, value, reason }))
        };
        if self.one_hot_up_to < 2 {
            return refused("one_hot_up_to", self.one_hot_up_to, "a category has at least 2 levels");
        }
        if self.most_levels == 0 {
            return refused("most_levels", 0, "at least one level must have a feature of its own");
        }
        Ok(())
    }
}
