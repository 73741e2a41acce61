//! Intervals and sets that hold the true answer as often as they are asked to.
//!
//! How far answers were off for rows that a network did not learn from says how far off they will
//! be for new rows. With one network this is split-conformal prediction (Papadopoulos, Proedrou,
//! Vovk and Gammerman, ECML 2002; for sets Sadinle, Lei and Wasserman, JASA 114, 2019). Several
//! networks that each left out a fold are another matter; [`IntervalMethod`] has ways for them.

use crate::error::{Error, Result};
use crate::preprocessing::TargetEncoder;
use furlough::counted;
use serde::{Deserialize, Serialize};

/// Around which answers of several networks an interval lies; with one network both are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IntervalMethod {
    /// The mean of all networks. It is off by no more than they are on average, so what they were
    /// off out of fold is on the safe side.
    #[default]
    Mean,
    /// Of each fold those of the networks that left it out, CV+ (Barber, Candès, Ramdas and
    /// Tibshirani, Annals of Statistics 49, 2021; for sets Romano, Sesia and Candès, NeurIPS 2020).
    /// Asked to hold a share F of new rows it holds about 2F − 1 of them at least, whatever the
    /// networks do, and as a rule more than F.
    CvPlus,
}

impl IntervalMethod {
    /// All of them.
    pub const ALL: [IntervalMethod; 2] = [IntervalMethod::Mean, IntervalMethod::CvPlus];

    /// Returns its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            IntervalMethod::Mean => "mean",
            IntervalMethod::CvPlus => "cv+",
        }
    }
}

/// How far answers were off for rows that did not teach the networks that gave them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConformalScores {
    /// The folds, each with the networks that left it out.
    pub folds: Vec<FoldScores>,
}

/// How far the answers for a fold's rows were off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoldScores {
    /// The networks that left the fold out, ascending; the answers are their means.
    pub members: Vec<u32>,
    /// How many rows it has.
    pub rows: u64,
    /// Ascending, of each target of numbers: `|y − ŷ|` in its units. Of classes there is one list:
    /// 1 less the probability of the row's class. Of many rows every so many are kept.
    pub scores: Vec<Vec<f32>>,
    /// Of classes: the scores of each class's rows alone; none in files of older versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_class: Vec<ClassRows>,
}

/// How far the answers for a class's rows were off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassRows {
    /// How many rows of the fold are of the class.
    pub rows: u64,
    /// 1 less the probability of the class, ascending. Of many rows every so many are kept.
    pub scores: Vec<f32>,
}

/// So many scores of a fold are kept at most.
const MOST: usize = 1000;

/// What rounding may take from a rank.
const ROUNDING: f64 = 1e-9;

impl FoldScores {
    /// Takes the scores of a fold's rows, of each target, in any order; and the rows' labels of so
    /// many classes, if they have some.
    pub(super) fn new(members: Vec<u32>, scores: Vec<Vec<f64>>, labels: Option<(&[u32], usize)>) -> Self {
        let mut of_class: Vec<Vec<f64>> = vec![Vec::new(); labels.map_or(0, |(_, classes)| classes)];
        for (&label, &score) in labels.map_or(&[][..], |(labels, _)| labels).iter().zip(scores.iter().flatten()) {
            of_class[label as usize].push(score);
        }
        let class = |scores: Vec<f64>| ClassRows { rows: scores.len() as u64, scores: kept(scores) };
        let by_class = of_class.into_iter().map(class).collect();
        let rows = scores.first().map_or(0, |scores| scores.len() as u64);
        FoldScores { members, rows, scores: scores.into_iter().map(kept).collect(), by_class }
    }

    /// Returns for how many rows a score of a target stands.
    fn weight(&self, target: usize) -> f64 {
        self.rows as f64 / self.scores[target].len().max(1) as f64
    }
}

/// Returns how many rows have a score below another one, where some stand for all.
fn below(rows: u64, scores: &[f32], own: f64) -> f64 {
    let weight = rows as f64 / scores.len().max(1) as f64;
    weight * scores.partition_point(|&score| f64::from(score) < own) as f64
}

/// Sorts scores and keeps every so many, the greatest of those that it stands for: never too low.
fn kept(mut scores: Vec<f64>) -> Vec<f32> {
    scores.sort_by(f64::total_cmp);
    let (rows, count) = (scores.len(), scores.len().min(MOST));
    let last = |part: usize| ((part + 1) * rows).div_ceil(count) - 1;
    (0..count).map(|part| single_above(scores[last(part)])).collect()
}

/// Returns the least number of single precision that is not below another one.
fn single_above(number: f64) -> f32 {
    let single = number as f32;
    if f64::from(single) < number { single.next_up() } else { single }
}

impl ConformalScores {
    /// Returns how many rows measure.
    pub fn rows(&self) -> u64 {
        self.folds.iter().map(|fold| fold.rows).sum()
    }

    /// Returns how many scores are not above the limit of an interval or a set that is to hold the
    /// answer with this probability.
    ///
    /// # Errors
    /// [`furlough::Error::Setting`] when it is not between 0 and 1, or so near to 1 that more rows
    /// are needed.
    pub fn rank(&self, confidence: f64) -> Result<f64> {
        let refused = |reason: String| {
            let (name, value) = ("interval".into(), confidence.to_string());
            Err(furlough::Error::Setting { name, value, reason }.into())
        };
        if !(confidence > 0.0 && confidence < 1.0) {
            return refused(
                "the share of rows whose answer is to lie within is above 0 and below 1, such as 0.9".into(),
            );
        }
        let rows = self.rows();
        let rank = (confidence * (rows + 1) as f64 - ROUNDING).ceil();
        if rank > rows as f64 {
            let needed = (confidence / (1.0 - confidence) - ROUNDING).ceil();
            return refused(format!(
                "that takes at least {} which the networks did not learn from, and there are {rows}; ask for less",
                counted(needed as usize, "row"),
            ));
        }
        Ok(rank)
    }

    /// Returns the number which so many of the scores of a target are not above, each added to the
    /// offset of its fold.
    pub(super) fn limit(&self, target: usize, offsets: &[f64], rank: f64) -> f64 {
        let at = |fold: &FoldScores, offset: f64| {
            let scores = &fold.scores[target];
            // A product of whole numbers is exact, so that one fold's place is the rank.
            let place = (rank * scores.len() as f64 / self.rows() as f64).ceil() as usize;
            offset + f64::from(scores[place.clamp(1, scores.len()) - 1])
        };
        let folds = || self.folds.iter().zip(offsets).filter(|(fold, _)| fold.rows > 0);
        // The limit lies between the least and the greatest of the folds' own ones.
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for (fold, &offset) in folds() {
            let own = at(fold, offset);
            (low, high) = (low.min(own), high.max(own));
        }
        let (mut below, mut between) = (0.0, Vec::new());
        for (fold, &offset) in folds() {
            let (scores, weight) = (&fold.scores[target], fold.weight(target));
            let begin = scores.partition_point(|&score| offset + f64::from(score) < low);
            let end = scores.partition_point(|&score| offset + f64::from(score) <= high);
            below += weight * begin as f64;
            between.extend(scores[begin..end].iter().map(|&score| (offset + f64::from(score), weight)));
        }
        between.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (value, weight) in between {
            below += weight;
            if below + ROUNDING * rank >= rank {
                return value;
            }
        }
        high
    }

    /// Whether fewer scores than `rank` are below those of a new row's class, fold by fold.
    pub(super) fn holds(&self, own: &[f64], rank: f64) -> bool {
        let count = |(fold, &own): (&FoldScores, &f64)| below(fold.rows, &fold.scores[0], own);
        self.folds.iter().zip(own).map(count).sum::<f64>() < rank - ROUNDING * rank
    }

    /// Returns for each class its own rank ([`Self::rank`]), infinite where a set is to hold the
    /// class whatever its probability, since too few rows of it measure.
    ///
    /// # Errors
    /// As [`Self::rank`]; [`Error::Schema`] where rows were not told apart by their class.
    pub fn class_ranks(&self, confidence: f64) -> Result<Vec<f64>> {
        self.rank(confidence)?;
        let classes = self.folds.iter().map(|fold| fold.by_class.len()).min().unwrap_or(0);
        if classes == 0 {
            let reason = "the model does not say how far it was off class by class: it is one of numbers, or an older \
                          furlough trained it; train it again";
            return Err(Error::Schema { path: None, reason: reason.into() });
        }
        let rank = |class: usize| {
            let rows: u64 = self.folds.iter().map(|fold| fold.by_class[class].rows).sum();
            let rank = (confidence * (rows + 1) as f64 - ROUNDING).ceil();
            if rank > rows as f64 { f64::INFINITY } else { rank }
        };
        Ok((0..classes).map(rank).collect())
    }

    /// [`Self::holds`] by the rows of a class alone, given its own rank.
    pub(super) fn class_holds(&self, class: usize, own: &[f64], rank: f64) -> bool {
        let count =
            |(fold, &own): (&FoldScores, &f64)| below(fold.by_class[class].rows, &fold.by_class[class].scores, own);
        rank.is_infinite() || self.folds.iter().zip(own).map(count).sum::<f64>() < rank - ROUNDING * rank
    }

    /// Returns why these scores cannot be those of so many networks and of such a target; none
    /// where they can.
    pub(super) fn contradiction(&self, members: usize, target: &TargetEncoder) -> Option<String> {
        let (targets, classes) = match target {
            TargetEncoder::Classification { classes, .. } => (1, classes.len()),
            TargetEncoder::Regression { columns } => (columns.len(), 0),
        };
        let is_list = |rows: u64, scores: &[f32]| {
            let right = scores.len() as u64 == rows.min(MOST as u64);
            right && scores.iter().all(|score| score.is_finite() && *score >= 0.0) && scores.is_sorted()
        };
        let is_bad = |fold: &FoldScores| {
            let list = |scores: &Vec<f32>| is_list(fold.rows, scores);
            let of_classes = fold.by_class.iter().map(|class| class.rows).sum::<u64>();
            fold.members.is_empty()
                || fold.members.iter().any(|&member| member as usize >= members)
                || fold.scores.len() != targets
                || !fold.scores.iter().all(list)
                || (!fold.by_class.is_empty() && (of_classes != fold.rows || fold.by_class.len() != classes))
                || !fold.by_class.iter().all(|class| is_list(class.rows, &class.scores))
        };
        self.folds.iter().any(is_bad).then(|| "its conformal scores are not those of its networks".into())
    }
}

/// Refuses a model that no rows measured.
pub(super) fn measured(scores: Option<&ConformalScores>) -> Result<&ConformalScores> {
    let reason = "the model does not say how far it was off for rows that it did not learn from, which intervals are \
                  made of: it was trained without such rows, not to its end, or by an older furlough; train it again";
    scores.ok_or_else(|| Error::Schema { path: None, reason: reason.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocessing::TargetColumn;

    fn of(folds: &[&[f64]]) -> ConformalScores {
        let fold = |(place, scores): (usize, &&[f64])| FoldScores::new(vec![place as u32], vec![scores.to_vec()], None);
        ConformalScores { folds: folds.iter().enumerate().map(fold).collect() }
    }

    /// The definition: all scores with their offsets, sorted.
    fn plainly(folds: &[&[f64]], offsets: &[f64], rank: f64) -> f64 {
        let with = |(scores, offset): (&&[f64], &f64)| {
            scores.iter().map(|score| f64::from(*score as f32) + offset).collect::<Vec<_>>()
        };
        let mut all: Vec<f64> = folds.iter().zip(offsets).flat_map(with).collect();
        all.sort_by(f64::total_cmp);
        all[rank as usize - 1]
    }

    #[test]
    fn a_limit_is_the_one_of_the_definition() {
        let number = |seed: u32| f64::from(seed.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24);
        for (count, rows) in [(1, 10), (1, 35), (1, 77), (1, 135), (2, 10), (5, 10)] {
            let lists: Vec<Vec<f64>> = (0..count)
                .map(|fold| (0..rows + 7 * fold).map(|row| f64::from(number(97 * fold + row) as f32)).collect())
                .collect();
            let folds: Vec<&[f64]> = lists.iter().map(|list| &list[..]).collect();
            let offsets: Vec<f64> = (0..count).map(|fold| number(1000 + fold) * f64::from(fold)).collect();
            let scores = of(&folds);
            for rank in 1..=scores.rows() {
                let (found, expected) =
                    (scores.limit(0, &offsets, rank as f64), plainly(&folds, &offsets, rank as f64));
                assert_eq!(found, expected, "rank {rank} of {count} folds, {rows} rows");
            }
        }
    }

    #[test]
    fn one_fold_is_split_conformal_by_hand() {
        let scores = of(&[&[3.0, 1.0, 2.0, 5.0, 4.0, 9.0, 8.0, 7.0, 6.0]]);
        // ⌈0.8 · 10⌉ = 8 of 9.
        assert_eq!((scores.rank(0.8).unwrap(), scores.limit(0, &[100.0], 8.0)), (8.0, 108.0));
        assert_eq!((scores.rank(0.9).unwrap(), scores.limit(0, &[0.0], 9.0)), (9.0, 9.0));
        let told = scores.rank(0.95).unwrap_err().to_string();
        assert!(
            told.contains("interval = 0.95") && told.contains("at least 19 rows") && told.contains("there are 9"),
            "{told}"
        );
        for wrong in [0.0, 1.0, -0.5, 90.0, f64::NAN] {
            assert!(scores.rank(wrong).unwrap_err().to_string().contains("above 0 and below 1"), "{wrong}");
        }
        // A class is in the set while fewer than 8 scores are below its own.
        let probabilities = of(&[&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]]);
        assert!(probabilities.holds(&[0.8], 8.0) && !probabilities.holds(&[0.81], 8.0));
    }

    #[test]
    fn kept_scores_are_never_too_low() {
        let all: Vec<f64> = (0..4321).map(|row| f64::from(row) / 7.0).collect();
        let scores = of(&[&all]);
        assert_eq!((scores.folds[0].scores[0].len(), scores.rows()), (MOST, 4321));
        for rank in [1.0, 2.0, 432.0, 3889.0, 4320.0, 4321.0] {
            let (limit, exact) = (scores.limit(0, &[0.0], rank), all[rank as usize - 1]);
            assert!(limit >= exact && limit <= exact + 6.0 / 7.0, "{rank}: {limit} {exact}");
        }
    }

    #[test]
    fn scores_of_another_model_are_told() {
        let numbers = |count: usize| {
            let column = |place: usize| TargetColumn { name: format!("y{place}"), mean: 0.0, deviation: 1.0 };
            TargetEncoder::Regression { columns: (0..count).map(column).collect() }
        };
        let mut scores = of(&[&[1.0, 2.0], &[3.0]]);
        assert_eq!(scores.contradiction(2, &numbers(1)), None);
        assert!(scores.contradiction(1, &numbers(1)).is_some() && scores.contradiction(2, &numbers(2)).is_some());
        scores.folds[0].scores[0][0] = f32::NAN;
        assert!(scores.contradiction(2, &numbers(1)).is_some());
        let classes = |count: usize| {
            let classes = (0..count).map(|class| class.to_string()).collect();
            TargetEncoder::Classification { column: "y".into(), classes }
        };
        let fold = FoldScores::new(vec![0], vec![vec![0.1, 0.2, 0.3]], Some((&[0, 1, 1], 2)));
        let mut scores = ConformalScores { folds: vec![fold] };
        assert_eq!(scores.contradiction(1, &classes(2)), None);
        assert!(scores.contradiction(1, &classes(3)).is_some(), "a class of which nothing is said");
        scores.folds[0].by_class[1].rows = 1;
        assert!(scores.contradiction(1, &classes(2)).is_some(), "a row of no class");
    }
}
