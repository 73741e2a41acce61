use super::{Dataset, Examples};
use crate::Result;
use ndarray::{Array2, ArrayView2};
use std::borrow::Cow;

/// What a network is asked to answer for: examples, a data set, whose targets must be such as the
/// network answers with and are not looked at further, or rows of numbers, which are copied and
/// checked. Made by `into()`; a function that takes `impl
/// Into<Inputs>` takes any of these.
#[derive(Debug, Clone, Copy)]
pub enum Inputs<'a> {
    /// Examples.
    Examples(&'a Examples),
    /// Those of a data set.
    Dataset(&'a Dataset),
    /// One row an example, in any layout.
    Rows(ArrayView2<'a, f32>),
}

impl<'a> Inputs<'a> {
    /// Returns the examples.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) for rows that are none, or have a value that is not
    /// finite.
    pub fn examples(self) -> Result<Cow<'a, Examples>> {
        match self {
            Inputs::Examples(examples) => Ok(Cow::Borrowed(examples)),
            Inputs::Dataset(data) => Ok(Cow::Borrowed(data.examples())),
            Inputs::Rows(rows) => Ok(Cow::Owned(rows.try_into()?)),
        }
    }
}

impl<'a> From<&'a Examples> for Inputs<'a> {
    fn from(examples: &'a Examples) -> Self {
        Inputs::Examples(examples)
    }
}

impl<'a> From<&'a Dataset> for Inputs<'a> {
    fn from(data: &'a Dataset) -> Self {
        Inputs::Dataset(data)
    }
}

impl<'a> From<ArrayView2<'a, f32>> for Inputs<'a> {
    fn from(rows: ArrayView2<'a, f32>) -> Self {
        Inputs::Rows(rows)
    }
}

impl<'a> From<&'a Array2<f32>> for Inputs<'a> {
    fn from(rows: &'a Array2<f32>) -> Self {
        Inputs::Rows(rows.view())
    }
}
