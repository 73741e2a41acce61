//! Data sets from arrays.

use super::{Dataset, Examples, Targets};
use crate::{Error, Result};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

impl Dataset {
    /// Returns a data set of classes: features, one row an example, and a label for each, whose
    /// kinds in ascending order are the classes.
    ///
    /// `x` is an array of numbers or [`Examples`]; labels are whole numbers, texts or whatever else
    /// has an order and a name. Sets that are made apart from each other number their classes
    /// apart: make the test set with [`Self::classification_as`], or by [`Self::split`].
    ///
    /// ```
    /// use furlough::data::Dataset;
    /// use ndarray::array;
    /// let (x, y) = (array![[5.1, 3.5], [6.3, 3.3], [4.9, 3.0]], ["setosa", "virginica", "setosa"]);
    /// let iris = Dataset::classification(x, y)?;
    /// assert_eq!(iris.class_names(), ["setosa", "virginica"]);
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Examples::new`], and [`Error::Data`] when there is not one label an example or
    /// all labels are the same.
    pub fn classification<L: Ord + ToString>(
        x: impl TryInto<Examples, Error: Into<Error>>,
        y: impl IntoIterator<Item = L>,
    ) -> Result<Self> {
        let examples = x.try_into().map_err(Into::into)?;
        let y: Vec<L> = y.into_iter().collect();
        let mut classes: Vec<&L> = y.iter().collect();
        classes.sort_unstable();
        classes.dedup();
        let place = |label: &L| classes.binary_search(&label).expect("each label is of a class") as u32;
        let labels = y.iter().map(place).collect();
        let names = classes.iter().map(|class| class.to_string()).collect();
        Dataset::of(examples, Targets::Classes { labels, names })
    }

    /// Returns a data set of the classes that `like` has, so that a network for one answers for the
    /// other. Classes may lack examples.
    ///
    /// ```
    /// use furlough::data::Dataset;
    /// use ndarray::array;
    /// let train = Dataset::classification(array![[0.0], [1.0], [2.0]], [3, 5, 4])?;
    /// let test = Dataset::classification_as(&train, array![[1.5]], [5])?;
    /// assert_eq!(test.class_names(), ["3", "4", "5"]);
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Examples::new`], and [`Error::Data`] when there is not one label an example, a
    /// label is not the name of a class, or `like` has numbers to predict.
    pub fn classification_as<L: ToString>(
        like: &Dataset,
        x: impl TryInto<Examples, Error: Into<Error>>,
        y: impl IntoIterator<Item = L>,
    ) -> Result<Self> {
        let names = like.class_names();
        if names.is_empty() {
            return Err(Error::data("set", "has labels, but the one that it is to be like has numbers to predict"));
        }
        let places: std::collections::HashMap<&str, u32> = names.iter().map(String::as_str).zip(0..).collect();
        let place = |(example, label): (usize, L)| {
            let label = label.to_string();
            places.get(&*label).copied().ok_or_else(|| {
                let known = names.iter().take(5).map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
                let more = if names.len() > 5 { format!(" and {} more", names.len() - 5) } else { String::new() };
                Error::data("set", format!("example {example} has label {label:?}, but the classes are {known}{more}"))
            })
        };
        let labels = y.into_iter().enumerate().map(place).collect::<Result<_>>()?;
        Dataset::of(x.try_into().map_err(Into::into)?, Targets::Classes { labels, names: names.to_vec() })
    }

    /// Returns a data set of numbers to predict: features, one row an example, and a number for
    /// each, or a row of numbers.
    ///
    /// ```
    /// use furlough::data::Dataset;
    /// use ndarray::array;
    /// let one = Dataset::regression(array![[1.0, 2.0], [3.0, 4.0]], array![0.5, -0.5])?;
    /// let two = Dataset::regression(array![[1.0, 2.0], [3.0, 4.0]], array![[0.5, 1.0], [-0.5, 2.0]])?;
    /// assert_eq!((one.outputs(), two.outputs()), (1, 2));
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Examples::new`], and [`Error::Data`] when there are not as many targets as
    /// examples, or one is not finite.
    pub fn regression(x: impl TryInto<Examples, Error: Into<Error>>, y: impl Into<TargetValues>) -> Result<Self> {
        Dataset::of(x.try_into().map_err(Into::into)?, Targets::Values(y.into().0))
    }
}

/// Numbers to predict, examples × outputs, made from an array of one or two dimensions.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetValues(Array2<f32>);

impl From<Array2<f32>> for TargetValues {
    fn from(values: Array2<f32>) -> Self {
        TargetValues(values)
    }
}

impl From<Array1<f32>> for TargetValues {
    fn from(values: Array1<f32>) -> Self {
        TargetValues(values.insert_axis(Axis(1)))
    }
}

impl From<ArrayView2<'_, f32>> for TargetValues {
    fn from(values: ArrayView2<'_, f32>) -> Self {
        TargetValues(values.to_owned())
    }
}

impl From<ArrayView1<'_, f32>> for TargetValues {
    fn from(values: ArrayView1<'_, f32>) -> Self {
        values.to_owned().into()
    }
}

impl From<Vec<f32>> for TargetValues {
    fn from(values: Vec<f32>) -> Self {
        Array1::from(values).into()
    }
}

/// Makes data sets of pairs of features and targets.
macro_rules! from_pairs {
    ($($make:ident: $($targets:ty),+;)+) => {$($(
        #[doc = concat!("As [`Dataset::", stringify!($make), "`] does.")]
        impl TryFrom<(Array2<f32>, $targets)> for Dataset {
            type Error = Error;

            fn try_from((x, y): (Array2<f32>, $targets)) -> Result<Self> {
                Dataset::$make(x, y)
            }
        }
    )+)+};
}

from_pairs! {
    regression: Array1<f32>, Array2<f32>, Vec<f32>;
    classification: Array1<u32>, Array1<i64>, Vec<u32>, Vec<i64>, Vec<String>, Vec<&str>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{array, s};

    fn labels(data: &Dataset) -> Vec<u32> {
        let Targets::Classes { labels, .. } = data.targets() else { panic!("classes") };
        labels.clone()
    }

    fn refusal(result: Result<Dataset>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn classes_are_the_labels_in_ascending_order() {
        let x = || Array2::<f32>::zeros((4, 2));
        let numbers = Dataset::classification(x(), [10, 9, -1, 9]).unwrap();
        assert_eq!((numbers.class_names().join(" "), labels(&numbers)), ("-1 9 10".into(), vec![2, 1, 0, 1]));
        let texts = Dataset::classification(x(), ["b", "B", "b", "é"]).unwrap();
        assert_eq!((texts.class_names().join(" "), labels(&texts)), ("B b é".into(), vec![1, 0, 1, 2]));
        let array = Dataset::classification(x().view(), &array![1u8, 0, 1, 1]).unwrap();
        assert_eq!((array.class_names().join(" "), labels(&array)), ("0 1".into(), vec![1, 0, 1, 1]));
        let flags = Dataset::classification(x(), [true, false, true, true]).unwrap();
        assert_eq!(flags.class_names(), ["false", "true"]);
    }

    #[test]
    fn a_test_set_without_a_class_numbers_the_others_as_training_does() {
        let train = Dataset::classification(array![[0.0], [1.0], [2.0]], ["a", "b", "c"]).unwrap();
        let test = Dataset::classification_as(&train, array![[3.0], [4.0]], ["c", "a"]).unwrap();
        assert_eq!(
            (labels(&test), test.class_names(), test.absent_classes()),
            (vec![2, 0], train.class_names(), vec![1])
        );
        let said = refusal(Dataset::classification_as(&train, array![[3.0]], ["d"]));
        assert!(said.contains(r#"example 0 has label "d", but the classes are "a", "b", "c""#), "{said}");
        let numbers = Dataset::regression(array![[3.0]], array![1.0]).unwrap();
        assert!(refusal(Dataset::classification_as(&numbers, array![[3.0]], ["d"])).contains("numbers to predict"));
        let many = Dataset::classification(Array2::zeros((7, 1)), 0..7).unwrap();
        assert!(refusal(Dataset::classification_as(&many, array![[3.0]], [7])).contains(r#""4" and 2 more"#));
    }

    #[test]
    fn targets_of_one_or_two_dimensions_and_any_layout_are_taken() {
        let x = || array![[1.0f32, 2.0], [3.0, 4.0], [5.0, 6.0]];
        let column = array![[1.0f32], [2.0], [3.0]];
        let expected =
            Dataset::new(super::super::Features::Floats(x()), Targets::Values(column.clone()), &[2]).unwrap();
        let long = array![1.0f32, 0.0, 2.0, 0.0, 3.0];
        for made in [
            Dataset::regression(x(), column.clone()),
            Dataset::regression(x().view(), column.column(0)),
            Dataset::regression(Examples::try_from(x()).unwrap(), vec![1.0, 2.0, 3.0]),
            Dataset::regression(x().reversed_axes().as_standard_layout().t(), long.slice(s![..;2])),
            (x(), array![1.0, 2.0, 3.0]).try_into(),
            (x(), column.clone().reversed_axes().reversed_axes()).try_into(),
        ] {
            assert_eq!(made.unwrap(), expected);
        }
        let turned = array![[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]].reversed_axes();
        let Targets::Values(values) = Dataset::regression(x(), turned).unwrap().targets().clone() else { panic!() };
        assert_eq!((values.is_standard_layout(), values), (true, array![[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]));
        let classes: Dataset = (x(), vec!["a", "b", "a"]).try_into().unwrap();
        assert_eq!(labels(&classes), [0, 1, 0]);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let x = || array![[0.0f32, 1.0], [1.0, 0.0]];
        let none = || Array2::<f32>::zeros((0, 2));
        for (made, expected) in [
            (Dataset::classification(x(), [0, 1, 0]), "has 2 examples but 3 targets"),
            (Dataset::classification(x(), [0, 0]), "has 1 class; at least 2"),
            (Dataset::classification(x(), Vec::<u32>::new()), "has 0 classes"),
            (Dataset::classification(none(), Vec::<u32>::new()), "has 0 examples of 2 features"),
            (Dataset::classification(array![[f32::NAN], [0.0]], [0, 1]), "example 0, feature 0 is NaN"),
            (Dataset::regression(x(), array![1.0]), "has 2 examples but 1 target"),
            (Dataset::regression(x(), array![1.0, f32::INFINITY]), "example 1, target 0 is inf"),
            (Dataset::regression(x(), Array2::zeros((2, 0))), "at least one column"),
            (Dataset::regression(none(), Array1::zeros(0)), "has 0 examples"),
        ] {
            let said = refusal(made);
            assert!(said.contains(expected), "{said:?} should say {expected:?}");
        }
    }
}
