use crate::{Error, Result};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// Which examples of a batch have one dropout mask in common while training.
///
/// Where many do, what their mask drops need not be computed for any of them: not its column in the
/// forward product, not its row in the next, not its gradients ("batchwise dropout": Graham,
/// Reizenstein and Robinson, "Efficient batchwise dropout training using submatrices", 2015, with
/// one mask for the whole batch). The price is that a step sees fewer sub-networks.
///
/// Written `per-example`, `batch`, or a number of rows.
///
/// ```
/// use furlough::nn::MaskSharing;
/// assert_eq!(MaskSharing::rows(64)?, "64".parse()?);
/// assert_eq!(MaskSharing::Batch.to_string(), "batch");
/// # Ok::<(), furlough::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MaskSharing {
    /// None: each example has a mask of its own.
    #[default]
    PerExample,
    /// Groups of so many examples, taken in the order of the batch. The last group has those that
    /// are left.
    Rows(NonZeroU32),
    /// All examples of a batch.
    Batch,
}

impl MaskSharing {
    /// Groups of `rows` examples.
    ///
    /// # Errors
    /// [`Error::Setting`] for 0.
    pub fn rows(rows: u32) -> Result<Self> {
        NonZeroU32::new(rows).map(MaskSharing::Rows).ok_or_else(|| refuse(rows))
    }

    /// Whether each example has a mask of its own.
    pub fn is_per_example(&self) -> bool {
        *self == MaskSharing::PerExample
    }

    /// The examples of a whole group; none where nothing is shared.
    pub fn group_size(self) -> Option<NonZeroU32> {
        match self {
            MaskSharing::PerExample => None,
            MaskSharing::Rows(rows) => Some(rows),
            MaskSharing::Batch => Some(NonZeroU32::MAX),
        }
    }
}

fn refuse(value: impl fmt::Display) -> Error {
    Error::setting(
        "dropout_sharing",
        value,
        "write per-example, batch, or how many examples share a mask: a whole number from 1 to 4294967295",
    )
}

impl fmt::Display for MaskSharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MaskSharing::PerExample => f.write_str("per-example"),
            MaskSharing::Rows(rows) => rows.fmt(f),
            MaskSharing::Batch => f.write_str("batch"),
        }
    }
}

impl FromStr for MaskSharing {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "per-example" => Ok(MaskSharing::PerExample),
            "batch" => Ok(MaskSharing::Batch),
            number => number.parse().map(MaskSharing::Rows).map_err(|_| refuse(number)),
        }
    }
}

/// Rows as a number, the others as text.
impl Serialize for MaskSharing {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            MaskSharing::Rows(rows) => serializer.serialize_u32(rows.get()),
            other => serializer.collect_str(other),
        }
    }
}

impl<'de> Deserialize<'de> for MaskSharing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Said;

        impl Visitor<'_> for Said {
            type Value = MaskSharing;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"per-example\", \"batch\" or a whole number of rows")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<MaskSharing, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, rows: i64) -> std::result::Result<MaskSharing, E> {
                rows.to_string().parse().map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, rows: u64) -> std::result::Result<MaskSharing, E> {
                rows.to_string().parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Said)
    }
}
