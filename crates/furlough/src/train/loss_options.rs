use crate::data::{DatasetRef, Task};
use crate::nn::Loss;
use crate::{Error, Result, counted};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// What a run minimizes: [`Loss`] with these settings. Examples have their weights with the data.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LossOptions {
    /// Which part of a target is spread over all classes, from 0 to below 1. For classes.
    pub label_smoothing: f64,
    /// How much the examples of each class count; all the same if none is said. For classes.
    pub class_weights: Option<ClassWeights>,
}

/// How much the examples of each class count in the loss.
#[derive(Debug, Clone, PartialEq)]
pub enum ClassWeights {
    /// So that each class counts the same in all: n / (k · n_c), n being the number of examples,
    /// n_c that of a class and k how many classes have some, as scikit-learn has it. Where examples
    /// have weights, n and n_c are sums of weights. A class without examples has weight 0.
    Balanced,
    /// One for each class, in their order.
    List(Vec<f64>),
}

impl LossOptions {
    /// Checks the ranges, as far as they do not depend on data.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(0.0..1.0).contains(&self.label_smoothing) {
            return Err(Error::setting("label_smoothing", self.label_smoothing, "must be at least 0 and below 1"));
        }
        let Some(weights @ ClassWeights::List(list)) = &self.class_weights else { return Ok(()) };
        // What is beyond single precision is no number to compute with.
        let refused = |reason: String| Err(Error::setting("class_weights", weights, reason));
        if let Some(bad) = list.iter().find(|weight| !(**weight >= 0.0 && (**weight as f32).is_finite())) {
            return refused(format!("{bad} is no finite number of at least 0"));
        }
        if list.iter().all(|&weight| weight == 0.0) {
            return refused("at least one class must count".into());
        }
        Ok(())
    }

    /// Returns the loss of a run on `data`.
    ///
    /// # Errors
    /// Those of [`Self::validate`]; [`Error::Setting`] for smoothing or class weights where there
    /// are numbers to predict, for a wrong number of class weights, and where they leave no example
    /// that counts; [`Error::Data`] when all examples have weight 0.
    pub fn of<'d>(&self, data: impl Into<DatasetRef<'d>>) -> Result<Loss> {
        let data = data.into();
        self.validate()?;
        data.like().check_weights()?;
        let names = data.like().class_names();
        let class_weights = match (data.task(), &self.class_weights) {
            (Task::Regression, _) if self.label_smoothing != 0.0 => {
                let reason = "smooths the targets of classes, but the data have numbers to predict";
                return Err(Error::setting("label_smoothing", self.label_smoothing, reason));
            }
            (Task::Regression, Some(weights)) => {
                let reason = "are of classes, but the data have numbers to predict; give the examples weights";
                return Err(Error::setting("class_weights", weights, reason));
            }
            (_, None) => Vec::new(),
            (Task::Classification, Some(ClassWeights::Balanced)) => balanced(&data.weight_of_class()),
            (Task::Classification, Some(weights @ ClassWeights::List(list))) => {
                if list.len() != names.len() {
                    let (given, classes) = (counted(list.len(), "weight"), counted(names.len(), "class"));
                    let reason = format!("has {given}, but the data have {classes}; give one for each, in their order");
                    return Err(Error::setting("class_weights", weights, reason));
                }
                list.clone()
            }
        };
        let loss = Loss { label_smoothing: self.label_smoothing, class_weights };
        if let (false, Some(weights)) = (total_normalizer(&loss, data) > 0.0, &self.class_weights) {
            let reason = "only classes without examples count, so there is nothing to learn";
            return Err(Error::setting("class_weights", weights, reason));
        }
        Ok(loss)
    }
}

/// Returns the sum of what the examples of a whole data set count.
pub(super) fn total_normalizer(loss: &Loss, data: DatasetRef<'_>) -> f64 {
    match data {
        DatasetRef::Memory(data) => (0..data.len()).map(|example| loss.example_weight(data, example)).sum(),
        DatasetRef::Disk(data) if data.weight_of_class().is_empty() => data.total_weight(),
        DatasetRef::Disk(data) => {
            let of_class = |(class, &sum): (usize, &f64)| sum * loss.class_weight(class);
            data.weight_of_class().iter().enumerate().map(of_class).sum()
        }
    }
}

fn balanced(of_class: &[f64]) -> Vec<f64> {
    let all: f64 = of_class.iter().sum();
    let present = of_class.iter().filter(|&&sum| sum > 0.0).count() as f64;
    of_class.iter().map(|&sum| if sum > 0.0 { all / (present * sum) } else { 0.0 }).collect()
}

impl fmt::Display for ClassWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClassWeights::Balanced => f.write_str("balanced"),
            ClassWeights::List(list) => {
                f.write_str(&list.iter().map(|weight| weight.to_string()).collect::<Vec<_>>().join(","))
            }
        }
    }
}

impl FromStr for ClassWeights {
    type Err = Error;

    /// Reads `balanced`, or numbers with commas between them.
    fn from_str(text: &str) -> Result<Self> {
        if text == "balanced" {
            return Ok(ClassWeights::Balanced);
        }
        let list = text.split(',').map(|number| number.trim().parse()).collect::<Result<_, _>>();
        list.map(ClassWeights::List)
            .map_err(|_| Error::setting("class_weights", text, "write balanced, or one number for each class: 1,1,2.5"))
    }
}

/// `"balanced"`, or a list of numbers.
impl Serialize for ClassWeights {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            ClassWeights::Balanced => serializer.collect_str(self),
            ClassWeights::List(list) => list.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ClassWeights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Said;

        impl<'de> Visitor<'de> for Said {
            type Value = ClassWeights;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"balanced\" or a list of numbers")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<ClassWeights, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> std::result::Result<ClassWeights, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(ClassWeights::List)
            }
        }

        deserializer.deserialize_any(Said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, Features, Targets};
    use ndarray::Array2;

    fn data(labels: &[u32], classes: usize) -> Dataset {
        let names = (0..classes).map(|class| class.to_string()).collect();
        let targets = Targets::Classes { labels: labels.to_vec(), names };
        Dataset::new(Features::Floats(Array2::zeros((labels.len(), 1))), targets, &[1]).unwrap()
    }

    fn with(class_weights: ClassWeights) -> LossOptions {
        LossOptions { class_weights: Some(class_weights), ..LossOptions::default() }
    }

    #[test]
    fn balanced_weights_are_those_of_scikit_learn() {
        // compute_class_weight("balanced", classes=[0, 1], y=[0, 0, 0, 1]) and, with
        // sample_weight=[1, 2, 1, 1], the same of sums of weights.
        let options = with(ClassWeights::Balanced);
        let weights = |data: &Dataset| options.of(data).unwrap().class_weights;
        assert_eq!(weights(&data(&[0, 0, 0, 1], 2)), [4.0 / 6.0, 2.0]);
        let weighted = data(&[0, 0, 0, 1], 2).with_weights(vec![1.0, 2.0, 1.0, 1.0]).unwrap();
        assert_eq!(weights(&weighted), [5.0 / 8.0, 2.5]);
        // Classes that nothing is of do not count among the classes.
        assert_eq!(weights(&data(&[0, 0, 2, 2], 4)), [1.0, 0.0, 1.0, 0.0]);
        let none = data(&[0, 1, 2], 3).with_weights(vec![1.0, 1.0, 0.0]).unwrap();
        assert_eq!(weights(&none), [1.0, 1.0, 0.0]);
    }

    #[test]
    fn what_makes_no_loss_is_refused() {
        let numbers = {
            let rows = Features::Floats(Array2::zeros((2, 1)));
            Dataset::new(rows, Targets::Values(Array2::zeros((2, 1))), &[1]).unwrap()
        };
        let classes = data(&[0, 1, 1], 3);
        let smoothing = |label_smoothing| LossOptions { label_smoothing, ..LossOptions::default() };
        let list = |list: &[f64]| with(ClassWeights::List(list.to_vec()));
        let cases = [
            (smoothing(1.0), &classes, "label_smoothing = 1: must be at least 0 and below 1"),
            (smoothing(-0.1), &classes, "label_smoothing = -0.1: must be"),
            (smoothing(f64::NAN), &classes, "label_smoothing = NaN: must be"),
            (smoothing(0.1), &numbers, "label_smoothing = 0.1: smooths the targets of classes"),
            (list(&[1.0, 2.0]), &classes, "class_weights = 1,2: has 2 weights, but the data have 3 classes"),
            (list(&[1.0, -2.0, 1.0]), &classes, "class_weights = 1,-2,1: -2 is no finite number of at least 0"),
            (list(&[1.0, f64::NAN, 1.0]), &classes, "class_weights = 1,NaN,1: NaN is no finite number"),
            (list(&[1e39, 1.0, 1.0]), &classes, "is no finite number of at least 0"),
            (list(&[0.0, 0.0, 0.0]), &classes, "class_weights = 0,0,0: at least one class must count"),
            (list(&[0.0, 0.0, 1.0]), &classes, "class_weights = 0,0,1: only classes without examples count"),
            (list(&[1.0]), &numbers, "class_weights = 1: are of classes"),
            (with(ClassWeights::Balanced), &numbers, "class_weights = balanced: are of classes"),
        ];
        for (options, data, expected) in cases {
            let error = options.of(data).unwrap_err().to_string();
            assert!(error.contains(expected), "{error:?} should say {expected:?}");
        }
    }

    #[test]
    fn class_weights_are_read_as_they_are_written() {
        for text in ["balanced", "1,2.5,0"] {
            assert_eq!(text.parse::<ClassWeights>().unwrap().to_string(), text);
        }
        for text in ["\"balanced\"", "[1.0,2.5,0.0]"] {
            let weights: ClassWeights = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&weights).unwrap(), text);
        }
        let error = "balance".parse::<ClassWeights>().unwrap_err().to_string();
        assert!(error.starts_with("class_weights = balance: write balanced, or one number for each class"), "{error}");
    }
}
