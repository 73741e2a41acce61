use super::{OneOrMany, OptimizerKind, TrainFigures};
use furlough::compute::Precision;
use furlough::nn::{Activation, DropoutKind, Init, MaskSharing};
use furlough::optim::{FactorSet, Schedule};
use furlough::train::{ClassWeights, EvalMetric};
use furlough_tables::model::NumericEmbedding;
use std::num::{IntErrorKind, ParseIntError};
use std::str::FromStr;

/// What the text of a key's value looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Words of its own.
    Text,
    /// A number or several, so it may begin with a minus.
    Number,
    /// One of these names.
    Choice(Vec<&'static str>),
    /// `true` or `false`.
    Switch,
}

/// Why a text is no value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextError {
    /// It does not have the form of one, as in `'x' is not a number`.
    Form(String),
    /// It has, but there is no such value; the reason.
    Value(String),
}

/// A value that can be written as one word, as on a command line.
pub(super) trait FromText: Sized {
    fn form() -> Form {
        Form::Text
    }

    fn from_text(text: &str) -> Result<Self, TextError>;
}

/// Reads a whole number; the type says from where to where.
///
/// # Errors
/// Why it is none, in words that follow "is".
pub fn whole<T: FromStr<Err = ParseIntError>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|why: ParseIntError| match why.kind() {
        IntErrorKind::PosOverflow => "too large".into(),
        IntErrorKind::Zero => "not a whole number of at least 1".into(),
        _ => "not a whole number".into(),
    })
}

/// NaN and infinity are numbers here; what they mean for a recipe is not for the parser to say.
fn number(text: &str) -> Result<f64, String> {
    let comma = || text.contains(',') && text.replacen(',', ".", 1).parse::<f64>().is_ok();
    text.parse()
        .map_err(|_| if comma() { "not a number; decimals come after a point".into() } else { "not a number".into() })
}

/// `256,128`, `256` or `none`.
fn list<T>(text: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<OneOrMany<T>, String> {
    if text == "none" {
        return Ok(OneOrMany::Many(Vec::new()));
    }
    let values: Result<Vec<T>, String> =
        text.split(',').map(|part| parse(part.trim()).map_err(|why| format!("'{}' is {why}", part.trim()))).collect();
    let mut values = values?;
    Ok(if values.len() == 1 { OneOrMany::One(values.remove(0)) } else { OneOrMany::Many(values) })
}

/// `0.2,0.5`, `0.5` or `none`. What can only be a number with a decimal comma is refused: `0,5` and
/// `0,05`, but not `0,1`.
fn numbers(text: &str) -> Result<OneOrMany<f64>, String> {
    if let Some(decimals) = text.strip_prefix("0,")
        && decimals.bytes().all(|byte| byte.is_ascii_digit())
        && decimals.parse::<u64>().is_ok_and(|number| number > 1 || (decimals.len() > 1 && number > 0))
    {
        return Err(format!("decimals come after a point: 0.{decimals}; commas stand between the layers"));
    }
    list(text, number)
}

/// Numbers, by the function that reads them.
macro_rules! numeric {
    ($($type:ty: $read:expr),+ $(,)?) => {
        $(impl FromText for $type {
            fn form() -> Form {
                Form::Number
            }

            fn from_text(text: &str) -> Result<Self, TextError> {
                let read: fn(&str) -> Result<$type, String> = $read;
                read(text).map_err(TextError::Form)
            }
        })+
    };
}

numeric! {
    f64: number,
    u32: whole,
    u64: whole,
    usize: whole,
    OneOrMany<usize>: |text| list(text, whole),
    OneOrMany<f64>: numbers,
}

/// Types of the engine that read themselves, and their form.
macro_rules! named {
    ($($type:ty: $form:expr),+ $(,)?) => {
        $(impl FromText for $type {
            fn form() -> Form {
                $form
            }

            fn from_text(text: &str) -> Result<Self, TextError> {
                text.parse().map_err(|error| match error {
                    furlough::Error::Setting { reason, .. } => TextError::Value(reason),
                    other => TextError::Value(other.to_string()),
                })
            }
        })+
    };
}

named! {
    ClassWeights: Form::Text,
    EvalMetric: Form::Choice(EvalMetric::ALL.map(EvalMetric::name).to_vec()),
    TrainFigures: Form::Choice(TrainFigures::ALL.map(TrainFigures::name).to_vec()),
    Activation: Form::Choice(Activation::ALL.map(Activation::name).to_vec()),
    DropoutKind: Form::Choice(DropoutKind::ALL.map(DropoutKind::name).to_vec()),
    FactorSet: Form::Choice(FactorSet::ALL.map(FactorSet::name).to_vec()),
    Init: Form::Text,
    MaskSharing: Form::Number,
    NumericEmbedding: Form::Choice(NumericEmbedding::ALL.map(NumericEmbedding::name).to_vec()),
    OptimizerKind: Form::Choice(OptimizerKind::ALL.map(OptimizerKind::name).to_vec()),
    Precision: Form::Choice(Precision::ALL.map(Precision::name).to_vec()),
    Schedule: Form::Text,
}

impl FromText for String {
    fn from_text(text: &str) -> Result<Self, TextError> {
        Ok(text.into())
    }
}

impl FromText for bool {
    fn form() -> Form {
        Form::Switch
    }

    fn from_text(text: &str) -> Result<Self, TextError> {
        text.parse().map_err(|_| TextError::Form("not true or false".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_commas_are_told_from_lists() {
        assert_eq!(numbers("0.2, 0.5"), Ok(OneOrMany::Many(vec![0.2, 0.5])));
        assert_eq!(numbers("0,1"), Ok(OneOrMany::Many(vec![0.0, 1.0])));
        for text in ["0,5", "0,05", "0,25"] {
            assert!(numbers(text).unwrap_err().contains("after a point"), "{text}");
        }
        assert_eq!(list::<usize>("none", whole), Ok(OneOrMany::Many(vec![])));
        assert_eq!(list::<usize>("64,x", whole), Err("'x' is not a whole number".into()));
        assert_eq!(number("0,5"), Err("not a number; decimals come after a point".into()));
    }
}
