use super::{Dataset, EvalData, EvalSplit, Split};
use crate::random::{Key, Stream};
use crate::{Error, Result, counted};
use std::ops::Range;

/// Which training examples a run learns from, and which are held out to judge it.
///
/// The examples are put into an order that depends on the split's own seed only, so that runs with
/// other seeds share their split. The order is cut into `folds` parts, which differ by one example
/// at most. Part `fold` is held out, and takes the place of the test set. Of the others the first
/// `train_examples` are learned from, all of them if none is said. In each part the examples are
/// then in the order of the data.
///
/// Where it is stratified, the examples of the order are taken class by class and dealt to the
/// folds, one after the other, the larger folds first. So folds differ by one example of a class
/// at most, and have the sizes that they have otherwise.
///
/// ```
/// use furlough::data::{Partition, digits};
/// let fifth = Partition { folds: Some(5), fold: 0, ..Partition::default() };
/// let (whole, part) = (digits::load()?, fifth.apply(digits::load()?)?);
/// assert_eq!(part.train.len() + part.eval.len(), whole.train.len());
/// # Ok::<(), furlough::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Partition {
    /// How many examples are learned from, at least 1; all of them if none.
    pub train_examples: Option<usize>,
    /// Into how many parts the training set is cut, at least 2; if none, nothing is held out.
    pub folds: Option<u32>,
    /// Which part is held out, from 0.
    pub fold: u32,
    /// Seed of the order.
    pub seed: u64,
    /// Whether each fold has its share of each class; nothing where numbers are predicted.
    pub stratified: bool,
}

impl Partition {
    /// Whether this leaves data as they are.
    pub fn is_whole(&self) -> bool {
        self.train_examples.is_none() && self.folds.is_none()
    }

    /// Returns what a run is judged by while it trains: the test set, or the examples that are held
    /// out for it.
    pub fn eval_split(&self) -> EvalSplit {
        if self.folds.is_none() { EvalSplit::Test } else { EvalSplit::Validation }
    }

    /// Which examples judge: how the folds are cut, however many are learned from; none for the
    /// test set. Figures of runs whose judges differ are not to be compared.
    pub fn validation_fold(&self) -> Option<Partition> {
        self.folds.map(|_| Partition { train_examples: None, ..*self })
    }

    /// Checks the ranges, as far as they do not depend on data.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the key.
    pub fn validate(&self) -> Result<()> {
        if self.train_examples == Some(0) {
            return Err(Error::setting("train_examples", 0, "must be at least 1"));
        }
        match self.folds {
            Some(folds) if folds < 2 => {
                Err(Error::setting("folds", folds, "one part is held out and the others are learned from: at least 2"))
            }
            Some(folds) if self.fold >= folds => {
                let reason = format!("there are {folds} folds, numbered from 0 to {}", folds - 1);
                Err(Error::setting("fold", self.fold, reason))
            }
            None if self.fold != 0 => Err(Error::setting("fold", self.fold, "say how many folds there are: folds")),
            None if self.stratified => Err(Error::setting("stratified", true, "say how many folds there are: folds")),
            _ if self.is_whole() && self.seed != 0 => {
                Err(Error::setting("split_seed", self.seed, "there is nothing to split; set folds or train_examples"))
            }
            _ => Ok(()),
        }
    }

    /// The data that a run sees. With folds the test set is not part of it.
    ///
    /// # Errors
    /// Those of [`Self::select`].
    pub fn apply(&self, split: Split) -> Result<TrainingData> {
        let eval_split = self.eval_split();
        if self.is_whole() {
            self.validate()?;
            return Ok(TrainingData { train: split.train, eval: split.test, eval_split });
        }
        let (train, held_out) = self.select(&split.train)?;
        Ok(TrainingData { train, eval: held_out.unwrap_or(split.test), eval_split })
    }

    /// The examples of `train` that are learned from, and those that are held out, in the order of
    /// the data.
    ///
    /// # Errors
    /// Those of [`Self::validate`], and [`Error::Setting`] for more folds or training examples than
    /// the data have.
    pub fn select(&self, train: &Dataset) -> Result<(Dataset, Option<Dataset>)> {
        let (learned, held_out) = self.places(train.len(), train.labels())?;
        Ok((train.select(&learned), self.folds.map(|_| train.select(&held_out))))
    }

    /// Returns how many of the examples that `later` holds out this partition learns from: a
    /// network that is trained by this one has seen them.
    ///
    /// # Errors
    /// Those of [`Self::select`], of both.
    pub fn learned_of_held_out(&self, later: &Partition, train: &Dataset) -> Result<usize> {
        let places = |partition: &Partition| partition.places(train.len(), train.labels());
        let ((learned, _), (_, held_out)) = (places(self)?, places(later)?);
        Ok(held_out.iter().filter(|example| learned.binary_search(example).is_ok()).count())
    }

    /// Returns the places of the examples that are learned from, and of those that are held out,
    /// both ascending, of `count` examples with these labels, if they have labels.
    ///
    /// ```
    /// use furlough::data::Partition;
    /// let fifth = Partition { folds: Some(5), fold: 2, ..Partition::default() };
    /// let (learned, held_out) = fifth.places(100, None)?;
    /// assert_eq!((learned.len(), held_out.len()), (80, 20));
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::select`].
    ///
    /// # Panics
    /// When there are labels, but not `count` of them.
    pub fn places(&self, count: usize, labels: Option<&[u32]>) -> Result<(Vec<u32>, Vec<u32>)> {
        assert!(labels.is_none_or(|labels| labels.len() == count), "a label an example");
        self.check(count)?;
        Ok(self.choose(count, labels))
    }

    /// Checks the ranges on so many examples.
    pub(super) fn check(&self, count: usize) -> Result<()> {
        self.validate()?;
        if let Some(folds) = self.folds.filter(|&folds| folds as usize > count) {
            let reason = format!("the data have only {}", counted(count, "training example"));
            return Err(Error::setting("folds", folds, reason));
        }
        let left = count - self.held_out_len(count);
        match self.train_examples {
            Some(wanted) if wanted > left => {
                let reason = format!("only {} can be learned from", counted(left, "example"));
                Err(Error::setting("train_examples", wanted, reason))
            }
            _ => Ok(()),
        }
    }

    /// How many of `count` training examples are learned from, for a partition that these allow.
    pub fn train_len(&self, count: usize) -> usize {
        let left = count - self.held_out_len(count);
        self.train_examples.map_or(left, |wanted| wanted.min(left))
    }

    fn held_out_len(&self, count: usize) -> usize {
        self.folds.map_or(0, |folds| fold_range(count, folds, self.fold).len())
    }

    /// The examples that are learned from, and those that are held out, in ascending order.
    fn choose(&self, count: usize, labels: Option<&[u32]>) -> (Vec<u32>, Vec<u32>) {
        let mut order = shuffled(self.seed, count);
        let mut held_out: Vec<u32> = match self.folds {
            None => Vec::new(),
            Some(folds) if self.stratified && labels.is_some() => {
                let size = |fold| fold_range(count, folds, fold).len();
                let before = |&other: &u32| (size(self.fold), other) < (size(other), self.fold);
                let turn = (0..folds).filter(before).count();
                by_class(order.clone(), labels).into_iter().skip(turn).step_by(folds as usize).collect()
            }
            Some(folds) => order[fold_range(count, folds, self.fold)].to_vec(),
        };
        held_out.sort_unstable();
        order.retain(|example| held_out.binary_search(example).is_err());
        order.truncate(self.train_examples.unwrap_or(count));
        order.sort_unstable();
        (order, held_out)
    }
}

/// Returns these examples class by class, each class in the order in which they came; all as they
/// came where there are no classes.
pub(super) fn by_class(mut examples: Vec<u32>, labels: Option<&[u32]>) -> Vec<u32> {
    if let Some(labels) = labels {
        examples.sort_by_key(|&example| labels[example as usize]);
    }
    examples
}

/// Which places of `count` a fold has where they are cut one after the other.
fn fold_range(count: usize, folds: u32, fold: u32) -> Range<usize> {
    let start = |fold: usize| fold * count / folds as usize;
    start(fold as usize)..start(fold as usize + 1)
}

/// The data that a run sees.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingData {
    /// What it learns from.
    pub train: Dataset,
    /// What it is judged by.
    pub eval: Dataset,
    /// Which examples judge it.
    pub eval_split: EvalSplit,
}

impl TrainingData {
    /// Returns what the run is judged by, for [`Trainer::fit`](crate::train::Trainer::fit).
    pub fn eval_data(&self) -> EvalData<'_> {
        EvalData { split: self.eval_split, data: (&self.eval).into() }
    }
}

/// The numbers below `count` by ascending random word, the first of each number's draw; equal words
/// by number.
pub(super) fn shuffled(seed: u64, count: usize) -> Vec<u32> {
    let key = Key::new(seed);
    let mut order: Vec<u32> = (0..count as u32).collect(); // a data set has less than 2^32 examples
    order.sort_by_cached_key(|&example| (key.draw(Stream::Split, 0, example, 0, 0)[0], example));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Targets, digits};
    use ndarray::Array2;
    use std::collections::HashSet;

    fn data(count: usize, label: impl Fn(u32) -> u32) -> Dataset {
        let labels = (0..count as u32).map(label).collect();
        let names = ["a", "b", "c"].map(String::from).to_vec();
        Dataset::of(Array2::zeros((count, 1)).try_into().unwrap(), Targets::Classes { labels, names }).unwrap()
    }

    #[test]
    fn examples_that_another_partition_learned_from_are_counted() {
        let data = data(100, |example| example % 2);
        let part = |folds, fold, seed| Partition { folds, fold, seed, ..Partition::default() };
        let (whole, first, second) = (Partition::default(), part(Some(5), 0, 3), part(Some(5), 1, 3));
        let seen = |by: &Partition, later: &Partition| by.learned_of_held_out(later, &data).unwrap();
        assert_eq!([seen(&whole, &first), seen(&first, &first), seen(&first, &second)], [20, 0, 20]);
        assert_eq!(seen(&first, &whole), 0);
        let few = Partition { train_examples: Some(7), ..part(Some(5), 1, 3) };
        let by_hand = |by: &Partition, later: &Partition| {
            let learned: HashSet<u32> = by.choose(data.len(), data.labels()).0.into_iter().collect();
            later.choose(data.len(), data.labels()).1.iter().filter(|&example| learned.contains(example)).count()
        };
        for later in [first, part(Some(3), 2, 8)] {
            assert_eq!(seen(&few, &later), by_hand(&few, &later));
        }
        assert!(first.learned_of_held_out(&part(Some(200), 0, 0), &data).is_err());
    }

    #[test]
    fn stratified_folds_have_their_share_of_each_class() {
        // Many of one class, few of another, and none, one or two of the last.
        for (count, folds, last) in [(100_u32, 5, 0), (100, 7, 1), (53, 5, 2), (10, 10, 1), (9, 2, 1), (1000, 3, 2)] {
            let label = |example| if example < last { 2 } else { u32::from(example % 10 == 3) };
            let data = data(count as usize, label);
            let of_class = |examples: &[u32], class| examples.iter().filter(|&&e| label(e) == class).count();
            let mut seen = Vec::new();
            for fold in 0..folds {
                let base = Partition { folds: Some(folds), fold, seed: 3, ..Partition::default() };
                let partition = Partition { stratified: true, ..base };
                let (learned, held_out) = partition.choose(data.len(), data.labels());
                assert_eq!((learned.len(), held_out.len()), {
                    let (learned, held_out) = base.choose(data.len(), data.labels());
                    (learned.len(), held_out.len())
                });
                assert!(learned.is_sorted() && held_out.is_sorted());
                for class in 0..3 {
                    let all = of_class(&(0..count).collect::<Vec<_>>(), class);
                    let here = of_class(&held_out, class);
                    let share = all / folds as usize..=all.div_ceil(folds as usize);
                    assert!(
                        share.contains(&here),
                        "{count} in {folds}: fold {fold} has {here} of {all} of class {class}"
                    );
                }
                seen.extend(held_out);
            }
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..count));
        }
    }

    #[test]
    fn folds_of_numbers_are_never_stratified() {
        let values = Targets::Values(Array2::zeros((50, 1)));
        let data = Dataset::of(Array2::zeros((50, 1)).try_into().unwrap(), values).unwrap();
        let fold = |stratified| {
            let partition = Partition { folds: Some(5), fold: 1, seed: 3, stratified, ..Partition::default() };
            partition.choose(data.len(), data.labels()).1
        };
        assert_eq!(fold(true), fold(false));
    }

    #[test]
    fn folds_hold_out_each_example_once() {
        for (count, folds) in [(10, 3), (7, 7), (1000, 5), (2, 2)] {
            let mut seen = Vec::new();
            for fold in 0..folds {
                let partition = Partition { folds: Some(folds), fold, seed: 3, ..Partition::default() };
                let (learned, held_out) = partition.choose(count, None);
                assert_eq!(learned.len() + held_out.len(), count);
                assert_eq!(partition.train_len(count), learned.len());
                assert_eq!(Partition { train_examples: Some(1), ..partition }.train_len(count), 1);
                assert!(held_out.len() == count / folds as usize || held_out.len() == count.div_ceil(folds as usize));
                assert!(learned.iter().chain(&held_out).collect::<HashSet<_>>().len() == count);
                assert!(learned.is_sorted() && held_out.is_sorted());
                seen.extend(held_out);
            }
            seen.sort_unstable();
            assert!(seen.iter().enumerate().all(|(place, &example)| place == example as usize));
        }
    }

    #[test]
    fn fewer_examples_are_some_of_more() {
        let choose = |train_examples, seed| {
            let partition = Partition { train_examples: Some(train_examples), seed, ..Partition::default() };
            partition.choose(1000, None).0.into_iter().collect::<HashSet<_>>()
        };
        let (few, more) = (choose(10, 1), choose(100, 1));
        assert!(few.len() == 10 && more.len() == 100 && few.is_subset(&more));
        assert_ne!(few, choose(10, 2));
    }

    /// Frozen: a change here changes every recorded split.
    #[test]
    fn known_answers() {
        assert_eq!(shuffled(0, 8), [3, 5, 7, 2, 4, 6, 1, 0]);
        // By class: 3 7 2 6 and 5 4 1 0. The first of three folds has 2 examples, the others 3:
        // they are dealt to first.
        let data = data(8, |example| u32::from([0, 1, 4, 5].contains(&example)));
        let fold = |fold, stratified| {
            let partition = Partition { folds: Some(3), fold, stratified, ..Partition::default() };
            partition.choose(data.len(), data.labels()).1
        };
        assert_eq!([0, 1, 2].map(|number| fold(number, true)), [vec![2, 4], vec![1, 3, 6], vec![0, 5, 7]]);
        assert_eq!([0, 1, 2].map(|number| fold(number, false)), [vec![3, 5], vec![2, 4, 7], vec![0, 1, 6]]);
    }

    #[test]
    fn the_test_set_is_left_alone_or_left_out() {
        let digits = digits::load().unwrap();
        let some = Partition { train_examples: Some(100), ..Partition::default() };
        let part = some.apply(digits.clone()).unwrap();
        assert_eq!((part.train.len(), &part.eval, part.eval_split), (100, &digits.test, EvalSplit::Test));
        let fold = Partition { folds: Some(4), fold: 3, train_examples: Some(50), seed: 1, stratified: false };
        let part = fold.apply(digits.clone()).unwrap();
        assert_eq!((part.train.len(), part.eval.len()), (50, digits.train.len() - digits.train.len() * 3 / 4));
        assert_eq!(part.eval_split, EvalSplit::Validation);
        let whole = Partition::default().apply(digits.clone()).unwrap();
        assert_eq!((whole.train, whole.eval), (digits.train, digits.test));
    }

    #[test]
    fn what_cannot_be_split_is_refused() {
        let whole = Partition::default();
        for (partition, expected) in [
            (Partition { train_examples: Some(0), ..whole }, "train_examples = 0"),
            (
                Partition { train_examples: Some(5000), ..whole },
                "train_examples = 5000: only 1437 examples can be learned from",
            ),
            (Partition { folds: Some(1), ..whole }, "folds = 1"),
            (Partition { folds: Some(5), fold: 5, ..whole }, "fold = 5: there are 5 folds, numbered from 0 to 4"),
            (Partition { fold: 1, ..whole }, "fold = 1: say how many"),
            (Partition { folds: Some(99_999), ..whole }, "folds = 99999: the data have only"),
            (Partition { seed: 2, ..whole }, "split_seed = 2: there is nothing to split"),
            (Partition { stratified: true, ..whole }, "stratified = true: say how many folds"),
            (
                Partition { stratified: true, folds: Some(99_999), ..whole },
                "folds = 99999: the data have only 1437 training examples",
            ),
        ] {
            let error = partition.apply(digits::load().unwrap()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error:?} should mention {expected:?}");
        }
    }
}
