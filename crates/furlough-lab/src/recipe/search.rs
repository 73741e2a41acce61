//! How `tune` searches a key: plain data of the table.

/// How the values of a key lie beside each other in a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Evenly, in steps of 0.01.
    Even,
    /// By ratio, in two significant digits.
    Ratio,
    /// Whole numbers by ratio, multiples of 8 from 64 on.
    WholeByRatio,
    /// Whole numbers, each as likely.
    Each,
    /// Names, each as likely.
    Choice,
}

/// What is searched where nothing is said of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Usual {
    /// From here to there, ends included.
    Between(f64, f64),
    /// From the base's own value divided by a factor to that value times it.
    Around(f64),
    /// These.
    Choices(&'static [&'static str]),
    /// All that have names.
    AllNames,
}

/// On which side of a range a bound or a penalty is so weak that none is beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// Below the range, as a penalty of 0.
    Below,
    /// Above the range, as a bound that nothing reaches.
    Above,
}

/// How a key is searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Search {
    /// The order of its values.
    pub scale: Scale,
    /// What is searched where nothing is said.
    pub usual: Usual,
    /// What its ends must lie between.
    pub limits: (f64, f64),
    /// Whether having none of it is searched too.
    pub absent: Option<Absent>,
}

impl Search {
    /// A share or a probability.
    pub(crate) const fn even(low: f64, high: f64) -> Self {
        Search { scale: Scale::Even, usual: Usual::Between(low, high), limits: (0.0, 1.0), absent: None }
    }

    /// A number above 0.
    pub(crate) const fn ratio(low: f64, high: f64) -> Self {
        Search { scale: Scale::Ratio, usual: Usual::Between(low, high), limits: (1e-9, 1e9), absent: None }
    }

    /// A number of things.
    pub(crate) const fn count(low: f64, high: f64) -> Self {
        Search { scale: Scale::WholeByRatio, usual: Usual::Between(low, high), limits: (1.0, 65_536.0), absent: None }
    }

    /// One of these, or of others that are said.
    pub(crate) const fn choices(names: &'static [&'static str]) -> Self {
        Search { scale: Scale::Choice, usual: Usual::Choices(names), limits: (0.0, 0.0), absent: None }
    }

    /// One of all names that the key has.
    pub(crate) const fn names() -> Self {
        Search { usual: Usual::AllNames, ..Search::choices(&[]) }
    }

    /// Around what the base has.
    pub(crate) const fn around(self, factor: f64) -> Self {
        Search { usual: Usual::Around(factor), ..self }
    }

    /// What its ends must lie between.
    pub(crate) const fn within(self, low: f64, high: f64) -> Self {
        Search { limits: (low, high), ..self }
    }

    /// Having none of it is searched too.
    pub(crate) const fn or_none(self, side: Absent) -> Self {
        Search { absent: Some(side), ..self }
    }
}
