//! Parts of a data set: one that is held out, or folds.

use super::partition::{by_class, shuffled};
use super::{Dataset, Partition, Split};
use crate::{Error, Result, counted};

impl Dataset {
    /// Returns the data set in two parts: `fraction` of the examples, rounded to whole ones, become
    /// the test set, drawn at random. Of each class both parts get their share, but for one
    /// example. Both keep the order of the data, and the same seed gives the same parts.
    ///
    /// ```
    /// use furlough::data::Dataset;
    /// use ndarray::Array2;
    /// let labels = (0..100).map(|example| if example % 5 == 0 { "rare" } else { "common" });
    /// let split = Dataset::classification(Array2::zeros((100, 2)), labels)?.split(0.25, 0)?;
    /// assert_eq!((split.train.len(), split.test.len()), (75, 25));
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Setting`] unless the fraction is above 0 and below 1 and leaves each part an
    /// example.
    pub fn split(&self, fraction: f64, seed: u64) -> Result<Split> {
        let bad = |reason: &str| Err(Error::setting("fraction", fraction, reason));
        if !(fraction > 0.0 && fraction < 1.0) {
            return bad("the share of the test set is a number above 0 and below 1");
        }
        let count = self.len();
        let wanted = (fraction * count as f64).round() as usize;
        if wanted == 0 || wanted == count {
            let short = if wanted == 0 { "the test set" } else { "training" };
            return bad(&format!("of {} that leaves none for {short}", counted(count, "example")));
        }
        // Every so many of the examples, class by class.
        let drawn = |place: usize| place * wanted / count;
        let places = by_class(shuffled(seed, count), self.labels()).into_iter().enumerate();
        let (mut test, mut train) = (Vec::new(), Vec::new());
        for (place, example) in places {
            if drawn(place) < drawn(place + 1) { test.push(example) } else { train.push(example) }
        }
        train.sort_unstable();
        test.sort_unstable();
        Ok(Split { train: self.select(&train), test: self.select(&test) })
    }

    /// Returns the data set cut into `k` folds, each held out once: pairs of what is learned from
    /// and what is held out. Folds differ by one example at most, and so do the examples that they
    /// have of a class. Each pair is made when it is asked for.
    ///
    /// ```
    /// use furlough::data::digits;
    /// let digits = digits::load()?.train;
    /// for (train, held_out) in digits.folds(5, 0)? {
    ///     assert_eq!(train.len() + held_out.len(), digits.len());
    /// }
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Setting`] unless there are at least 2 folds, and no more than examples.
    pub fn folds(&self, k: u32, seed: u64) -> Result<impl ExactSizeIterator<Item = (Dataset, Dataset)> + '_> {
        let partition = move |fold| Partition { folds: Some(k), fold, seed, stratified: true, ..Partition::default() };
        partition(0).check(self.len())?;
        Ok((0..k).map(move |fold| {
            let (train, held_out) = partition(fold).select(self).expect("checked above, of any fold");
            (train, held_out.expect("there are folds"))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2, array};

    fn ids(count: usize) -> Array2<f32> {
        Array2::from_shape_fn((count, 1), |(row, _)| row as f32)
    }

    /// The rows that a part has, by the number that each has for a feature.
    fn rows(data: &Dataset) -> Vec<usize> {
        let mut row = [0.0];
        let read = |at| {
            data.read_row(at, &mut row);
            row[0] as usize
        };
        (0..data.len()).map(read).collect()
    }

    /// 7 of 10 are of class 0, 2 of class 1, 1 of class 2.
    fn classes(count: usize) -> Dataset {
        let labels = (0..count).map(|row| [0, 0, 1, 0, 2, 0, 0, 1, 0, 0][row % 10]);
        Dataset::classification(ids(count), labels).unwrap()
    }

    fn of_class(data: &Dataset, class: u32) -> usize {
        let labels = data.labels().unwrap();
        labels.iter().filter(|&&label| label == class).count()
    }

    #[test]
    fn both_parts_of_a_split_have_their_share_of_each_class() {
        for (count, fraction) in [(10, 0.1), (100, 0.2), (100, 0.5), (1003, 0.333), (50, 0.9)] {
            let data = classes(count);
            let split = data.split(fraction, 7).unwrap();
            assert_eq!(split.test.len(), (fraction * count as f64).round() as usize);
            let (train, test) = (rows(&split.train), rows(&split.test));
            assert!(train.is_sorted() && test.is_sorted());
            let mut all = [train, test].concat();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..count), "each example in one part");
            for class in 0..3 {
                let share = of_class(&data, class) as f64 * split.test.len() as f64 / count as f64;
                let here = of_class(&split.test, class) as f64;
                assert!((here - share).abs() < 1.0, "{here} of class {class}, where {share} is its share");
            }
            assert_eq!(data.split(fraction, 7).unwrap(), split);
            assert!(count < 50 || data.split(fraction, 8).unwrap() != split);
        }
    }

    #[test]
    fn a_split_of_numbers_is_a_random_one() {
        let data = Dataset::regression(ids(200), Array1::zeros(200)).unwrap();
        let test = rows(&data.split(0.25, 1).unwrap().test);
        assert_eq!(test.len(), 50);
        // Of each quarter of the data some 12: four standard deviations to each side.
        let quarters = [0, 1, 2, 3].map(|quarter| test.iter().filter(|&&row| row / 50 == quarter).count());
        assert!(quarters.iter().all(|count| (3..25).contains(count)), "{quarters:?}");
    }

    #[test]
    fn weights_and_names_go_along() {
        let data = classes(20).with_feature_names(["id"]).unwrap();
        let data = data.with_weights((0..20).map(|row| row as f32).collect()).unwrap();
        let Split { train, test } = data.split(0.3, 0).unwrap();
        let folds = data.folds(4, 0).unwrap().flat_map(|(train, held_out)| [train, held_out]);
        for part in [train, test].into_iter().chain(folds) {
            let weights: Vec<f32> = rows(&part).into_iter().map(|row| row as f32).collect();
            assert_eq!((part.weights().unwrap(), part.feature_names()), (&*weights, &["id".to_string()][..]));
            assert_eq!(part.class_names(), ["0", "1", "2"]);
        }
    }

    #[test]
    fn folds_hold_out_each_example_once_and_each_class_by_its_share() {
        let data = classes(53);
        let folds = data.folds(5, 9).unwrap();
        assert_eq!(folds.len(), 5);
        let mut seen = Vec::new();
        for (train, held_out) in folds {
            assert_eq!(train.len() + held_out.len(), 53);
            for class in 0..3 {
                let all = of_class(&data, class);
                assert!((all / 5..=all.div_ceil(5)).contains(&of_class(&held_out, class)));
            }
            seen.extend(rows(&held_out));
        }
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..53));
    }

    #[test]
    fn what_leaves_a_part_empty_is_refused() {
        let of = |count: usize, fraction| classes(count).split(fraction, 0).unwrap_err().to_string();
        for fraction in [0.0, 1.0, -0.1, 1.5, f64::NAN, f64::INFINITY] {
            let said = of(10, fraction);
            assert!(said.starts_with(&format!("fraction = {fraction}: the share of the test set")), "{said}");
        }
        assert!(of(10, 0.04).contains("of 10 examples that leaves none for the test set"));
        assert!(of(10, 0.96).contains("of 10 examples that leaves none for training"));
        let one = Dataset::regression(array![[1.0]], array![1.0]).unwrap();
        assert!(one.split(0.5, 0).unwrap_err().to_string().contains("of 1 example"));
        let folds = |data: &Dataset, k| data.folds(k, 0).map(|_| ()).unwrap_err().to_string();
        assert!(folds(&one, 2).contains("folds = 2: the data have only 1 training example"));
        assert!(folds(&classes(10), 11).contains("folds = 11: the data have only 10"));
        assert!(folds(&classes(10), 1).contains("folds = 1") && folds(&classes(10), 0).contains("folds = 0"));
        assert_eq!(classes(10).folds(10, 0).unwrap().count(), 10);
    }
}
