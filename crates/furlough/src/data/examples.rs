use crate::{Error, Result, counted};
use ndarray::{Array2, ArrayView2, Axis};

/// What the network sees: one row an example.
#[derive(Debug, Clone, PartialEq)]
pub enum Features {
    /// Bytes, as images come; the network sees `byte as f32 * scale`. They stay bytes in memory and
    /// are scaled as they enter a step.
    Bytes {
        /// Examples × features, in standard (row-major) order.
        rows: Array2<u8>,
        /// What a byte is multiplied by, 1/255 for 8-bit images.
        scale: f32,
    },
    /// Numbers as they are, in standard (row-major) order.
    Floats(Array2<f32>),
}

/// Features without targets, checked once: at least one example, every number finite.
///
/// ```
/// use furlough::data::Examples;
/// use ndarray::array;
/// let examples = Examples::try_from(array![[5.1, 3.5], [6.2, 2.9]])?.with_feature_names(["length", "width"])?;
/// assert_eq!((examples.len(), examples.features(), examples.shape()), (2, 2, &[2][..]));
/// assert_eq!(examples.feature_names(), ["length", "width"]);
/// # Ok::<(), furlough::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Examples {
    features: Features,
    shape: Vec<usize>,
    feature_names: Vec<String>,
    levels: Vec<u32>,
    part: Option<Part>,
}

/// Which examples of a larger data set some examples are: a batch of rows of a file.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    /// The number that each one has there.
    numbers: Vec<u32>,
    /// How many there are.
    whole: usize,
}

impl Examples {
    /// Returns checked examples. `shape` is the shape of one of them (`[28, 28]` for an image) and
    /// its product the number of features. Arrays in another order than the standard one are
    /// copied.
    ///
    /// ```
    /// use furlough::data::{Examples, Features};
    /// use ndarray::Array2;
    /// let images = Features::Bytes { rows: Array2::zeros((10, 784)), scale: 1.0 / 255.0 };
    /// assert_eq!(Examples::new(images, &[28, 28])?.features(), 784);
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Data`] when there is no example, when the shape does not fit, or when a value is
    /// not finite.
    pub fn new(features: Features, shape: &[usize]) -> Result<Self> {
        let bad = |reason: String| Err(Error::data("set", reason));
        let features = match features {
            Features::Bytes { rows, scale } => Features::Bytes { rows: in_standard_order(rows), scale },
            Features::Floats(rows) => Features::Floats(in_standard_order(rows)),
        };
        let (rows, width) = match &features {
            Features::Bytes { rows, .. } => rows.dim(),
            Features::Floats(rows) => rows.dim(),
        };
        if rows == 0 || width == 0 {
            return bad(format!(
                "has {} of {}; at least one of each is needed",
                counted(rows, "example"),
                counted(width, "feature")
            ));
        }
        if u32::try_from(rows).is_err() {
            return bad(format!("has {rows} examples; example ids are 32 bits, so {} is the most", u32::MAX));
        }
        if shape.iter().product::<usize>() != width {
            return bad(format!("examples of shape {shape:?} do not have {}", counted(width, "feature")));
        }
        match &features {
            Features::Bytes { scale, .. } if !(255.0 * scale).is_finite() => {
                return bad(format!("scale is {scale}, but every byte times the scale must be a finite number"));
            }
            Features::Floats(values) => check_finite(values, "feature")?,
            Features::Bytes { .. } => {}
        }
        let (feature_names, levels) = Default::default();
        Ok(Examples { features, shape: shape.to_vec(), feature_names, levels, part: None })
    }

    /// Returns the same examples with a name for each feature.
    ///
    /// # Errors
    /// [`Error::Data`] when there is not one name a feature, or a name is given twice.
    pub fn with_feature_names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Result<Self> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        if names.len() != self.features() {
            let (names, features) = (counted(names.len(), "name"), counted(self.features(), "feature"));
            return Err(Error::data("set", format!("has {names} for {features}; give one name a feature")));
        }
        let mut seen = std::collections::HashSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(Error::data("set", format!("has two features of the name {twice:?}")));
        }
        self.feature_names = names;
        Ok(self)
    }

    /// What [`Self::with_levels`] has for a number that says whether something holds: whether a
    /// category has a level, or a value is missing. It needs no embedding of a number.
    pub const INDICATOR: u32 = u32::MAX;

    /// Returns the same examples, of which some features are categories: `levels` has for each
    /// feature how many levels there are, 0 for a number, or [`Self::INDICATOR`]. A category's
    /// values are the codes of levels, from 0; a network learns an embedding of them
    /// ([`InputStage::of_levels`](crate::nn::InputStage::of_levels)).
    ///
    /// ```
    /// use furlough::data::Examples;
    /// use ndarray::array;
    /// let examples = Examples::try_from(array![[5.1, 0.0], [6.2, 2.0]])?.with_levels([0, 3])?;
    /// assert_eq!(examples.levels(), [0, 3]);
    /// let error = examples.with_levels([0, 2]).unwrap_err().to_string();
    /// assert!(error.contains("example 1, feature 1 is 2, which is no code of 2 levels"));
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Data`] when there is not one number a feature, or a value is no code of a level.
    pub fn with_levels(mut self, levels: impl Into<Vec<u32>>) -> Result<Self> {
        let levels = levels.into();
        if levels.len() != self.features() {
            let (levels, features) = (counted(levels.len(), "number"), counted(self.features(), "feature"));
            return Err(Error::data("set", format!("has {levels} of levels for {features}; give one a feature")));
        }
        let mut row = vec![0.0; levels.len()];
        for example in 0..self.len() {
            self.read_row(example, &mut row);
            let of_level = |(&levels, &value): (&u32, &f32)| is_code(levels, value);
            if let Some(feature) = levels.iter().zip(&row).position(|pair| !of_level(pair)) {
                let (value, levels) = (row[feature], counted(levels[feature] as usize, "level"));
                let reason = format!("example {example}, feature {feature} is {value}, which is no code of {levels}");
                return Err(Error::data("set", reason));
            }
        }
        self.levels = levels;
        Ok(self)
    }

    /// Returns the number of examples, at least 1.
    #[allow(clippy::len_without_is_empty)] // there is always one
    pub fn len(&self) -> usize {
        match &self.features {
            Features::Bytes { rows, .. } => rows.nrows(),
            Features::Floats(rows) => rows.nrows(),
        }
    }

    /// Returns the number of features of an example.
    pub fn features(&self) -> usize {
        match &self.features {
            Features::Bytes { rows, .. } => rows.ncols(),
            Features::Floats(rows) => rows.ncols(),
        }
    }

    /// Returns the shape of one example, such as `[28, 28]`.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Returns the features' names, in order; none unless they were given.
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// Returns how many levels each feature has, 0 for a number and [`Self::INDICATOR`] for one
    /// that says whether something holds; none where all are numbers.
    pub fn levels(&self) -> &[u32] {
        &self.levels
    }

    /// Returns the features.
    pub fn inputs(&self) -> &Features {
        &self.features
    }

    /// Returns some of the examples, in this order; their ids are their places in it.
    ///
    /// # Panics
    /// When there is no example, or one that does not exist.
    pub fn select(&self, examples: &[u32]) -> Examples {
        assert!(!examples.is_empty(), "there is always one example");
        let rows: Vec<usize> = examples.iter().map(|&example| example as usize).collect();
        let features = match &self.features {
            Features::Bytes { rows: all, scale } => Features::Bytes { rows: all.select(Axis(0), &rows), scale: *scale },
            Features::Floats(all) => Features::Floats(all.select(Axis(0), &rows)),
        };
        let (shape, feature_names, levels) = (self.shape.clone(), self.feature_names.clone(), self.levels.clone());
        Examples { features, shape, feature_names, levels, part: None }
    }

    /// Returns the number that the masks of an example go by.
    #[inline]
    pub(crate) fn number(&self, example: u32) -> u32 {
        self.part.as_ref().map_or(example, |part| part.numbers[example as usize])
    }

    /// Returns how many examples the data set has that these are of: their own number, but for a
    /// batch of rows of a file.
    pub(crate) fn whole_len(&self) -> usize {
        self.part.as_ref().map_or(self.len(), |part| part.whole)
    }

    /// Makes the examples a part of `whole` ones, whose numbers there are set one by one.
    pub(super) fn be_part_of(&mut self, whole: usize) {
        self.part = Some(Part { numbers: vec![0; self.len()], whole });
    }

    pub(super) fn forget_part(&mut self) {
        self.part = None;
    }

    pub(super) fn set_number(&mut self, example: usize, number: u32) {
        if let Some(part) = &mut self.part {
            part.numbers[example] = number;
        }
    }

    /// Returns all numbers, row after row; nothing of bytes.
    pub(super) fn floats_mut(&mut self) -> &mut [f32] {
        match &mut self.features {
            Features::Bytes { .. } => &mut [],
            Features::Floats(rows) => rows.as_slice_mut().expect("standard layout, set in new"),
        }
    }

    /// Writes the features of example `row` as the network sees them.
    ///
    /// # Panics
    /// When there is no such row or `out` is not [`Self::features`] long.
    #[inline]
    pub fn read_row(&self, row: usize, out: &mut [f32]) {
        let width = self.features();
        assert_eq!(out.len(), width, "a row has {width} features");
        match &self.features {
            Features::Bytes { rows, scale } => {
                let bytes = &rows.as_slice().expect("standard layout, set in new")[row * width..][..width];
                for (value, &byte) in out.iter_mut().zip(bytes) {
                    *value = f32::from(byte) * scale;
                }
            }
            Features::Floats(rows) => {
                let values = rows.as_slice().expect("standard layout, set in new");
                out.copy_from_slice(&values[row * width..][..width]);
            }
        }
    }
}

/// Rows of numbers as they are.
impl TryFrom<Array2<f32>> for Examples {
    type Error = Error;

    fn try_from(rows: Array2<f32>) -> Result<Self> {
        let width = rows.ncols();
        Examples::new(Features::Floats(rows), &[width])
    }
}

/// A copy of rows of numbers.
impl TryFrom<ArrayView2<'_, f32>> for Examples {
    type Error = Error;

    fn try_from(rows: ArrayView2<'_, f32>) -> Result<Self> {
        Examples::try_from(rows.to_owned())
    }
}

/// Whether a value is the code of one of so many levels. Of 0 levels or [`Examples::INDICATOR`],
/// which are a number's, every value is.
pub(super) fn is_code(levels: u32, value: f32) -> bool {
    matches!(levels, 0 | Examples::INDICATOR)
        || (value >= 0.0 && value.fract() == 0.0 && f64::from(value) < f64::from(levels))
}

/// Returns the same array in row-major order, a copy unless it is.
pub(super) fn in_standard_order<T: Copy>(values: Array2<T>) -> Array2<T> {
    if values.is_standard_layout() { values } else { values.as_standard_layout().into_owned() }
}

pub(super) fn check_finite(values: &Array2<f32>, what: &str) -> Result<()> {
    match values.indexed_iter().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some(((row, column), value)) => Err(Error::data(
            "set",
            format!("example {row}, {what} {column} is {value}; a network takes finite numbers only"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{array, s};

    fn refusal<T: std::fmt::Debug>(result: Result<T>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn any_layout_reads_the_same_rows() {
        let rows = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let straight = Examples::try_from(rows.clone()).unwrap();
        let turned = rows.t().as_standard_layout().into_owned().reversed_axes();
        assert!(!turned.is_standard_layout());
        assert_eq!(Examples::try_from(turned).unwrap(), straight);
        let wide = array![[1.0, 0.0, 2.0, 0.0, 3.0], [4.0, 0.0, 5.0, 0.0, 6.0]];
        assert_eq!(Examples::try_from(wide.slice(s![.., ..;2])).unwrap(), straight);
        let backwards = rows.slice(s![..;-1, ..]);
        assert_eq!(Examples::try_from(backwards).unwrap(), straight.select(&[1, 0]));
        let bytes = Features::Bytes { rows: array![[1u8, 4], [2, 5], [3, 6]].reversed_axes(), scale: 1.0 };
        let mut row = [0.0; 3];
        Examples::new(bytes, &[3]).unwrap().read_row(1, &mut row);
        assert_eq!(row, [4.0, 5.0, 6.0]);
    }

    #[test]
    fn what_a_network_cannot_answer_for_is_refused() {
        let of = |rows: Array2<f32>| refusal(Examples::try_from(rows));
        assert!(of(Array2::zeros((0, 3))).contains("has 0 examples of 3 features; at least one of each"));
        assert!(of(Array2::zeros((3, 0))).contains("has 3 examples of 0 features"));
        assert!(of(array![[0.0, 1.0], [f32::NAN, 0.0]]).contains("example 1, feature 0 is NaN"));
        assert!(of(array![[f32::NEG_INFINITY]]).contains("example 0, feature 0 is -inf"));
        assert!(refusal(Examples::new(Features::Floats(array![[1.0]]), &[2])).contains("shape [2]"));
        let names = |names: &[&str]| {
            refusal(Examples::try_from(array![[1.0, 2.0]]).unwrap().with_feature_names(names.to_vec()))
        };
        assert!(names(&["a"]).contains("has 1 name for 2 features; give one name a feature"));
        let levels = |levels: &[u32]| refusal(Examples::try_from(array![[1.0, 2.5]]).unwrap().with_levels(levels));
        assert!(levels(&[2]).contains("has 1 number of levels for 2 features"));
        assert!(levels(&[1, 0]).contains("example 0, feature 0 is 1, which is no code of 1 level"));
        assert!(levels(&[2, 3]).contains("feature 1 is 2.5, which is no code of 3 levels"));
        assert!(names(&["a", "a"]).contains("two features of the name \"a\""));
    }

    #[test]
    fn one_row_is_enough_and_names_go_along() {
        let one = Examples::try_from(array![[7.0, 8.0]]).unwrap().with_feature_names(["a", "b"]).unwrap();
        let one = one.with_levels([8, 0]).unwrap();
        assert_eq!(one.select(&[0, 0]).feature_names(), ["a", "b"]);
        assert_eq!(one.select(&[0, 0]).levels(), [8, 0]);
        assert_eq!((one.len(), one.select(&[0, 0]).len()), (1, 2));
    }
}
