//! Optical recognition of handwritten digits: 1,797 images of 8×8, in the library itself, so that
//! everything can be tried with no files at all.
//!
//! E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998, DOI 10.24432/C50P49, CC BY
//! 4.0. The README beside the embedded files says what was changed.

use super::{Dataset, Entry, Features, Split, Targets, idx};
use crate::Result;
use ndarray::{Array2, Axis};

const IMAGES: &[u8] = include_bytes!("../../data/digits/images-idx3-ubyte.gz");
const LABELS: &[u8] = include_bytes!("../../data/digits/labels-idx1-ubyte.gz");

/// How many of the examples, from the first, are for training.
const TRAIN: usize = 1437;

/// The classes' names, in order.
pub const CLASSES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// What the catalog says of it.
pub const ENTRY: Entry = Entry {
    name: "digits",
    title: "Optical recognition of handwritten digits",
    description: "small handwritten digits, built in: needs no files and no network",
    train: TRAIN,
    test: 1797 - TRAIN,
    shape: &[8, 8],
    classes: &CLASSES,
    license: "CC BY 4.0, E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998",
    source: "https://doi.org/10.24432/C50P49",
};

/// Loads the digits: the first 1,437 for training, the last 360 for testing. Pixels go from 0 to 16
/// and are seen times 1/16.
///
/// The examples are in the order of their writers, and the split does not shuffle them: the last
/// come from other writers, so the test accuracy is about unknown hands, and lower than a shuffled
/// split would say.
///
/// ```
/// let digits = furlough::data::digits::load()?;
/// assert_eq!((digits.train.len(), digits.test.len()), (1437, 360));
/// assert_eq!(digits.train.shape(), [8, 8]);
/// # Ok::<(), furlough::Error>(())
/// ```
///
/// # Errors
/// None that can happen: the embedded files are tested.
pub fn load() -> Result<Split> {
    let (images, labels) = (idx::decode(IMAGES)?.values, idx::decode(LABELS)?.values);
    let rows = Array2::from_shape_vec((labels.len(), 64), images)
        .map_err(|error| crate::Error::data("digits", error.to_string()))?;
    let (first, last) = rows.view().split_at(Axis(0), TRAIN);
    let part = |rows: Array2<u8>, labels: &[u8]| {
        let names = CLASSES.map(String::from).to_vec();
        let labels = labels.iter().copied().map(u32::from).collect();
        Dataset::new(Features::Bytes { rows, scale: 1.0 / 16.0 }, Targets::Classes { labels, names }, &[8, 8])
    };
    Ok(Split { train: part(first.to_owned(), &labels[..TRAIN])?, test: part(last.to_owned(), &labels[TRAIN..])? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_digits_are_the_known_ones() {
        let split = load().unwrap();
        let counts = |data: &Dataset| {
            let Targets::Classes { labels, .. } = data.targets() else { panic!("digits have classes") };
            let mut counts = [0; 10];
            labels.iter().for_each(|&label| counts[label as usize] += 1);
            counts
        };
        assert_eq!(counts(&split.train), [143, 146, 142, 146, 144, 145, 144, 143, 141, 143]);
        assert_eq!(counts(&split.test), [35, 36, 35, 37, 37, 37, 37, 36, 33, 37]);
        // The first image, a zero, as the UCI file prints it.
        let mut row = [0.0; 64];
        split.train.read_row(0, &mut row);
        assert_eq!(
            row[..16].iter().map(|v| v * 16.0).collect::<Vec<_>>(),
            [0., 0., 5., 13., 9., 1., 0., 0., 0., 0., 13., 15., 10., 15., 5., 0.]
        );
        assert!(row.iter().all(|v| (0.0..=1.0).contains(v)));
    }
}
