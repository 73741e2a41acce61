use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// The numbers that matrix products multiply. Everything else is single precision in any case: the
/// products' sums, the parameters, biases, activations, losses and the optimizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// Each factor is rounded to bfloat16 (8 bits of mantissa, the range of `f32`) before it is
    /// multiplied; halves rounded to even. Fast where the processor multiplies such numbers (AMX,
    /// AVX512-BF16), and computed with single-precision instructions elsewhere.
    Bf16,
}

impl Precision {
    /// Every precision, in the order help texts list them.
    pub const ALL: [Precision; 2] = [Precision::F32, Precision::Bf16];

    /// The name in recipes and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
        }
    }

    /// Whether it is [`Precision::F32`].
    pub fn is_f32(&self) -> bool {
        *self == Precision::F32
    }

    /// What a factor of a product becomes.
    ///
    /// ```
    /// use furlough::compute::Precision;
    /// assert_eq!(Precision::F32.round(0.1), 0.1);
    /// assert_eq!(Precision::Bf16.round(0.1), 0.100_097_656);
    /// ```
    #[inline(always)]
    pub fn round(self, value: f32) -> f32 {
        match self {
            Precision::F32 => value,
            Precision::Bf16 => f32::from_bits(bf16_bits(value) << 16),
        }
    }
}

/// The bfloat16 nearest to `value`, in the lower half of the result. NaN stays NaN.
#[inline(always)]
pub(super) fn bf16_bits(value: f32) -> u32 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7FFF + (bits >> 16 & 1)) >> 16;
    // The sum could carry a NaN's mantissa away.
    if value.is_nan() { bits >> 16 | 0x40 } else { rounded }
}

impl std::str::FromStr for Precision {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Precision::ALL.into_iter().find(|precision| precision.name() == name);
        found.ok_or_else(|| Error::setting("precision", name, "not a precision; there are f32 and bf16"))
    }
}

impl TryFrom<String> for Precision {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl From<Precision> for &'static str {
    fn from(precision: Precision) -> Self {
        precision.name()
    }
}
