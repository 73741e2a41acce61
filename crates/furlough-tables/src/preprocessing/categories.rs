//! Categories: codes, and what a network sees of a code: one-hot features, or the code itself.

use super::{NumberScale, PreprocessingOptions, ScaledNumber, Scaling};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// How the levels of a category become codes, fitted: first the levels with a code of their own,
/// then one code for all rare levels if there are some, then one for missing values if training
/// rows had some. Codes that are embedded always have a last one for what training rows did not
/// have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CategoryEncoder {
    /// The levels with a code of their own, by their spelling: other training rows give them other
    /// frequencies but the same order.
    pub levels: Vec<String>,
    /// The levels of training rows that share a code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rare: Vec<String>,
    /// Whether missing values, which training rows had, have a code.
    pub missing: bool,
    /// Whether training rows had missing values that have no code.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missing_without_code: bool,
    /// Whether the feature is the code, of which the network has an embedding.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub embedded: bool,
    /// The scales of the features of levels; none where they are as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scales: Vec<NumberScale>,
}

/// The most codes of an embedded category: as many as an `f32` tells apart, but for a few.
const MOST_CODES: usize = (1 << 24) - 8;

/// What a level is to an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coded {
    /// It has this code.
    Code(usize),
    /// Training never saw it. It counts as missing, which may have a code.
    Unseen(Option<usize>),
    /// It is missing, which no training row was.
    Missing,
    /// It is missing as training rows were, and has no code.
    MissingAsBefore,
}

impl CategoryEncoder {
    /// Fits codes to the levels of the training rows, with how many rows have each, and to the
    /// number of rows that have none.
    pub(super) fn fit(mut counts: Vec<(String, u64)>, missing: u64, options: &PreprocessingOptions) -> Self {
        counts.retain(|(_, count)| *count > 0);
        // A single level is told from none by a code.
        let missing_without_code = missing > 0 && !options.missing_apart && counts.len() > 1;
        let (uncoded, missing) = if missing_without_code { (missing, 0) } else { (0, missing) };
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let all = counts.len() + usize::from(missing > 0);
        let most = if options.embed { MOST_CODES } else { options.most_levels };
        let own = if all <= options.one_hot_up_to {
            counts.len()
        } else {
            counts.iter().take(most).filter(|(_, count)| *count >= options.min_count).count()
        };
        let rare_counts = counts.split_off(own);
        let codes = own + usize::from(!rare_counts.is_empty()) + usize::from(missing > 0);
        let embedded = options.embed && codes > options.one_hot_up_to;
        counts.sort();
        let rare_rows = rare_counts.iter().map(|(_, count)| count).sum();
        let levels = counts.iter().map(|(level, _)| level.clone()).collect();
        let rare = rare_counts.into_iter().map(|(level, _)| level).collect();
        let mut encoder =
            CategoryEncoder { levels, rare, missing: missing > 0, missing_without_code, embedded, scales: Vec::new() };
        if options.scale_levels && !embedded {
            let own = counts.into_iter().map(|(_, count)| count);
            let rows_of_codes: Vec<u64> = own.chain([rare_rows, missing]).filter(|&rows| rows > 0).collect();
            encoder.scales = encoder.fit_scales(&rows_of_codes, uncoded, options.scaling);
        }
        encoder
    }

    /// Fits the scales of the features to how many rows have each code, and how many have none.
    fn fit_scales(&self, rows_of_codes: &[u64], uncoded: u64, scaling: Scaling) -> Vec<NumberScale> {
        let mut values: Vec<Vec<f64>> = vec![Vec::new(); self.features()];
        let mut row = vec![0.0; self.features()];
        let codes = rows_of_codes.iter().copied().enumerate().map(|(code, rows)| (Some(code), rows));
        for (code, rows) in codes.chain([(None, uncoded)]) {
            row.fill(0.0);
            self.spread(code, &mut row);
            let rows = usize::try_from(rows).unwrap_or(usize::MAX);
            for (values, &value) in values.iter_mut().zip(&row) {
                values.extend(std::iter::repeat_n(f64::from(value), rows));
            }
        }
        values.into_iter().map(|values| ScaledNumber::fit(values, scaling).scale).collect()
    }

    /// Returns how many codes there are.
    pub fn codes(&self) -> usize {
        self.levels.len() + usize::from(!self.rare.is_empty()) + usize::from(self.missing)
    }

    /// Returns how many levels an embedding has; 0 where the features are numbers. What training
    /// rows did not have is the missing code if there is one, then the rare one, and then the last.
    pub fn embedded_levels(&self) -> usize {
        if self.embedded { self.codes() + 1 } else { 0 }
    }

    /// Returns the number of features: none where all rows are alike, one of −1 and 1 for two
    /// codes, one where the code is embedded, one a code otherwise.
    pub fn features(&self) -> usize {
        match self.codes() {
            _ if self.embedded => 1,
            0 | 1 => 0,
            2 => 1,
            codes => codes,
        }
    }

    /// Returns the names of the features of a column.
    pub(super) fn feature_names(&self, column: &str) -> Vec<String> {
        if self.embedded {
            return vec![column.into()];
        }
        let mut names: Vec<String> = self.levels.iter().map(|level| format!("{column}={level}")).collect();
        names.extend((!self.rare.is_empty()).then(|| format!("{column} is rare")));
        names.extend(self.missing.then(|| format!("{column} is missing")));
        match names.len() {
            0 | 1 => Vec::new(),
            // The one that is 1 with the second code.
            2 => names.split_off(1),
            _ => names,
        }
    }

    fn missing_code(&self) -> Option<usize> {
        self.missing.then(|| self.codes() - 1)
    }

    /// Returns what these levels are, and a missing one.
    pub(super) fn code_all(&self, levels: &[String]) -> (Vec<Coded>, Coded) {
        let own: HashMap<&str, usize> = self.levels.iter().map(String::as_str).zip(0..).collect();
        let rare: HashSet<&str> = self.rare.iter().map(String::as_str).collect();
        let code = |level: &String| match own.get(level.as_str()) {
            Some(&code) => Coded::Code(code),
            None if rare.contains(level.as_str()) => Coded::Code(self.levels.len()),
            None => Coded::Unseen(self.missing_code()),
        };
        let missing = match self.missing_code() {
            Some(code) => Coded::Code(code),
            None if self.missing_without_code => Coded::MissingAsBefore,
            None => Coded::Missing,
        };
        (levels.iter().map(code).collect(), missing)
    }

    /// Writes the features of a code, or of none, into a row of zeros.
    pub(super) fn spread(&self, code: Option<usize>, row: &mut [f32]) {
        match (&mut *row, code) {
            ([one], code) if self.embedded => {
                let rare = (!self.rare.is_empty()).then_some(self.levels.len());
                *one = code.or(rare).unwrap_or(self.codes()) as f32;
            }
            ([], _) | (_, None) => {}
            ([one], Some(code)) => *one = if code == 1 { 1.0 } else { -1.0 },
            (row, Some(code)) => row[code] = 1.0,
        }
        let scaled = row.iter_mut().zip(&self.scales);
        scaled.for_each(|(value, scale)| *value = scale.apply(f64::from(*value)) as f32);
    }
}

impl Coded {
    /// Returns the code, if there is one.
    pub(super) fn code(self) -> Option<usize> {
        match self {
            Coded::Code(code) => Some(code),
            Coded::Unseen(code) => code,
            Coded::Missing | Coded::MissingAsBefore => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(counts: &[(&str, u64)], missing: u64) -> CategoryEncoder {
        let counts = counts.iter().map(|&(level, count)| (level.to_string(), count)).collect();
        CategoryEncoder::fit(counts, missing, &PreprocessingOptions::default())
    }

    fn row(encoder: &CategoryEncoder, level: &str) -> Vec<f32> {
        let mut row = vec![0.0; encoder.features()];
        encoder.spread(encoder.code_all(&[level.into()]).0[0].code(), &mut row);
        row
    }

    #[test]
    fn few_levels_are_one_hot_and_two_make_one_feature() {
        let encoder = fit(&[("a", 3), ("b", 5), ("c", 1)], 0);
        assert_eq!(encoder.feature_names("x"), ["x=a", "x=b", "x=c"]);
        assert_eq!((row(&encoder, "a"), row(&encoder, "?")), (vec![1.0, 0.0, 0.0], vec![0.0; 3]));
        let encoder = fit(&[("a", 3), ("b", 5)], 0);
        assert_eq!(
            (encoder.feature_names("x"), row(&encoder, "a"), row(&encoder, "b")),
            (vec!["x=b".into()], vec![-1.0], vec![1.0])
        );
        assert_eq!(row(&encoder, "unseen"), [0.0]);
        // A level, or none.
        let encoder = fit(&[("a", 3)], 2);
        assert_eq!((encoder.feature_names("x"), row(&encoder, "a")), (vec!["x is missing".into()], vec![-1.0]));
        assert_eq!(row(&encoder, "unseen is missing"), [1.0]);
        assert_eq!(fit(&[("a", 3)], 0).features(), 0);
        assert_eq!(fit(&[], 3).features(), 0);
    }

    #[test]
    fn above_eight_levels_rare_ones_share_a_feature() {
        let names: Vec<String> = (0..9).map(|level| level.to_string()).collect();
        let counts: Vec<(&str, u64)> = names.iter().map(String::as_str).zip([50, 40, 30, 20, 10, 9, 8, 1, 1]).collect();
        let eight = fit(&counts[..8], 0);
        assert_eq!((eight.rare.len(), eight.features()), (0, 8));
        // The missing one is the ninth.
        let nine = fit(&counts[..8], 1);
        assert_eq!((nine.levels.len(), nine.rare.len(), nine.features()), (5, 3, 7));
        let encoder = fit(&counts, 0);
        assert_eq!((encoder.levels.len(), encoder.rare.join(" ")), (5, "5 6 7 8".into()));
        assert_eq!(encoder.feature_names("x").last().unwrap(), "x is rare");
        assert_eq!(row(&encoder, "7"), [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(row(&encoder, "unseen"), [0.0; 6], "training had no missing value, so an unseen one has no code");
    }

    #[test]
    fn many_levels_are_codes_of_an_embedding() {
        let names: Vec<String> = (0..12).map(|level| format!("{level:02}")).collect();
        let counts = |few: &str| {
            names.iter().map(|name| (name.as_str(), if name.as_str() < few { 9 } else { 10 })).collect::<Vec<_>>()
        };
        let encoder = fit(&counts("00"), 0);
        assert_eq!(
            (encoder.features(), encoder.embedded_levels(), encoder.feature_names("x")),
            (1, 13, vec!["x".into()])
        );
        // What training never saw has the last code, or that of missing values, or of rare ones.
        assert_eq!((row(&encoder, "00"), row(&encoder, "11"), row(&encoder, "?")), (vec![0.0], vec![11.0], vec![12.0]));
        let encoder = fit(&counts("00"), 1);
        assert_eq!((encoder.embedded_levels(), row(&encoder, "?")), (14, vec![12.0]));
        let encoder = fit(&counts("02"), 0);
        assert_eq!((encoder.embedded_levels(), encoder.rare.len()), (12, 2));
        assert_eq!((row(&encoder, "02"), row(&encoder, "01"), row(&encoder, "?")), (vec![0.0], vec![10.0], vec![10.0]));
        // Rare ones taken together, there are few.
        let encoder = fit(&counts("06"), 0);
        assert_eq!((encoder.codes(), encoder.embedded_levels(), encoder.features()), (7, 0, 7));
    }

    #[test]
    fn levels_can_be_scaled_and_missing_ones_be_zeros() {
        let options =
            PreprocessingOptions { missing_apart: false, scale_levels: true, ..PreprocessingOptions::default() };
        let fit = |counts: &[(&str, u64)], missing| {
            let counts = counts.iter().map(|&(level, count)| (level.to_string(), count)).collect();
            CategoryEncoder::fit(counts, missing, &options)
        };
        let missing = |encoder: &CategoryEncoder| {
            let mut row = vec![0.0; encoder.features()];
            let coded = encoder.code_all(&[]).1;
            encoder.spread(coded.code(), &mut row);
            (coded, row)
        };
        let clip = |z: f64| (z / (1.0 + (z / 3.0) * (z / 3.0)).sqrt()) as f32;
        // Of ±1 and 0: the median is −1, the quartiles are −1 and 1.
        let encoder = fit(&[("a", 51), ("b", 39)], 10);
        assert_eq!((row(&encoder, "a"), row(&encoder, "b")), (vec![0.0], vec![clip(1.0)]));
        assert_eq!(missing(&encoder), (Coded::MissingAsBefore, vec![clip(0.5)]));
        assert_eq!(encoder.feature_names("x"), ["x=b"]);
        // A rare level: median and quartiles are 0, so the range decides.
        let encoder = fit(&[("a", 80), ("b", 10), ("c", 10)], 5);
        assert_eq!(row(&encoder, "b"), [clip(-2.0), clip(2.0), 0.0]);
        assert_eq!(missing(&encoder).1, [clip(-2.0), 0.0, 0.0]);
        // A single level is told from none.
        assert_eq!(fit(&[("a", 3)], 2).feature_names("x"), ["x is missing"]);
        // An embedded category has no scale, and one code for missing and unseen values.
        let counts: Vec<(String, u64)> = (0..12).map(|level| (format!("{level:02}"), 20)).collect();
        let encoder = CategoryEncoder::fit(counts, 4, &options);
        assert_eq!((encoder.embedded_levels(), encoder.scales.len(), missing(&encoder).1), (13, 0, vec![12.0]));
    }

    #[test]
    fn only_the_most_frequent_levels_have_features() {
        let counts: Vec<(String, u64)> = (0..1000).map(|level| (format!("{level:04}"), 20)).collect();
        let one_hot = PreprocessingOptions { embed: false, ..PreprocessingOptions::default() };
        let encoder = CategoryEncoder::fit(counts, 0, &one_hot);
        assert_eq!((encoder.levels.len(), encoder.rare.len(), encoder.features()), (100, 900, 101));
        assert_eq!(encoder.levels[99], "0099", "of equals the first");
    }
}
