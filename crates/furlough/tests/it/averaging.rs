//! Averages of masked passes and of ensembles: by the formulas, and the same however they are
//! computed.

use crate::common::data;
use furlough::data::{Dataset, Targets};
use furlough::nn::{Activation, Init, Mlp, Sequential};
use furlough::predict::{AverageScore, AveragingPoint, Predictor, ensemble};
use furlough::random::Key;
use ndarray::Array2;

furlough_harness::tests![
    prefixes_are_the_averages_of_as_many_passes,
    neither_threads_nor_other_counts_show,
    ensembles_average_as_many_networks,
    what_cannot_be_averaged_is_refused,
];

fn mlp(seed: u64, p: f64) -> Mlp {
    let network = Sequential::mlp(12, 5, &[40, 30], Activation::Relu, 0.1, &[p, p]);
    Mlp::new(network.validate().unwrap(), Init::Kaiming, Key::new(seed))
}

fn key() -> Key {
    Key::new(77)
}

fn score(means: &Array2<f64>, data: &Dataset) -> AverageScore {
    let Targets::Classes { labels, .. } = data.targets() else { panic!("classes") };
    let (mut wrong, mut loss) = (0, 0.0);
    for (row, &label) in means.rows().into_iter().zip(labels) {
        let most = row.iter().copied().fold(f64::MIN, f64::max);
        wrong += usize::from(row.iter().position(|&p| p == most) != Some(label as usize));
        loss -= row[label as usize].ln();
    }
    AverageScore { error: wrong as f64 / labels.len() as f64, loss: loss / labels.len() as f64 }
}

fn close(seen: AverageScore, expected: AverageScore, what: &str) {
    assert_eq!(seen.error, expected.error, "{what}: error");
    assert!((seen.loss - expected.loss).abs() < 1e-5, "{what}: loss {} should be {}", seen.loss, expected.loss);
}

fn prefixes_are_the_averages_of_as_many_passes() {
    // More examples than are held at once, and more samples than are folded at once.
    let data = data(4096 + 57, 12, 5, true);
    let mut predictor = Predictor::new(mlp(1, 0.5), 2);
    let counts = [1, 2, 3, 10, 64, 90];
    let curve = predictor.averaging(&data, &counts, 2, key()).unwrap();
    assert_eq!(curve.points.iter().map(|point| point.members).collect::<Vec<_>>(), counts);
    for point in &curve.points {
        assert_eq!(point.repetitions.len(), 2);
        let means = predictor.monte_carlo(&data, point.members, key()).unwrap().means;
        close(point.repetitions[0], score(&means, &data), &format!("{} passes", point.members));
        assert_ne!(point.repetitions[0], point.repetitions[1], "other masks");
    }
    // Samples 90 .. 180 are what 180 have beyond the first 90.
    let [all, first] = [180, 90].map(|samples| predictor.monte_carlo(&data, samples, key()).unwrap().means);
    close(curve.points[5].repetitions[1], score(&(2.0 * all - first), &data), "the second repetition");
    let full = predictor.evaluate(&data).unwrap();
    close(curve.full, AverageScore { error: 1.0 - full.accuracy.unwrap(), loss: full.loss }, "the full network");
    assert_eq!(curve.examples, data.len());
}

fn neither_threads_nor_other_counts_show() {
    let data = data(900, 12, 5, true);
    let of = |threads: usize, counts: &[u32]| {
        Predictor::new(mlp(1, 0.5), threads).averaging(&data, counts, 3, key()).unwrap()
    };
    let all = of(1, &[1, 7, 30]);
    assert_eq!(all, of(2, &[1, 7, 30]));
    assert_eq!(all, of(5, &[1, 7, 30]));
    let every: Vec<u32> = (1..=30).collect();
    let every = of(2, &every);
    for (point, place) in all.points.iter().zip([0, 6, 29]) {
        assert_eq!(point, &every.points[place]);
    }
    let deviation = |place: usize| every.points[place].standard_deviation().unwrap().loss;
    assert!(deviation(29) < deviation(0), "averages of more passes differ less: {every:?}");
}

fn ensembles_average_as_many_networks() {
    let data = data(300, 12, 5, true);
    let mut members: Vec<Predictor> = (1..4).map(|seed| Predictor::new(mlp(seed, 0.2), 1)).collect();
    let together = ensemble(&mut members, &data).unwrap();
    let points = &together.points;
    let mut sum = Array2::<f64>::zeros((300, 5));
    for (count, (point, member)) in (1..).zip(points.iter().zip(&mut members)) {
        sum += &member.predict_proba(&data).unwrap().mapv(f64::from);
        close(point.mean(), score(&(&sum / f64::from(count)), &data), &format!("{count} members"));
        assert_eq!((point.members, point.standard_deviation()), (count, None));
    }
    let full = members[0].evaluate(&data).unwrap();
    close(points[0].mean(), AverageScore { error: 1.0 - full.accuracy.unwrap(), loss: full.loss }, "one member");
    // All of them together: the mean itself, and the classes that it gives.
    let Targets::Classes { labels, .. } = data.targets() else { panic!("classes") };
    assert!((&sum / 3.0 - &together.means).iter().all(|difference| difference.abs() < 1e-6));
    let whole = &together.evaluation;
    close(points[2].mean(), AverageScore { error: 1.0 - whole.accuracy.unwrap(), loss: whole.loss }, "all members");
    let mut confusion = Array2::<u64>::zeros((5, 5));
    for (row, &label) in together.means.rows().into_iter().zip(labels) {
        let most = row.iter().copied().fold(f64::MIN, f64::max);
        confusion[[label as usize, row.iter().position(|&p| p == most).unwrap()]] += 1;
    }
    assert_eq!(whole.confusion.as_ref(), Some(&confusion));
    assert_ne!(whole.confusion, full.confusion, "the first one's would do");
    let members: Vec<u32> = points.iter().map(|AveragingPoint { members, .. }| *members).collect();
    assert_eq!(members, [1, 2, 3]);
}

fn what_cannot_be_averaged_is_refused() {
    let classes = data(10, 12, 5, true);
    let mut predictor = Predictor::new(mlp(1, 0.5), 1);
    let mut of = |data: &Dataset, counts: &[u32], repetitions: u32| {
        predictor.averaging(data, counts, repetitions, key()).unwrap_err().to_string()
    };
    assert_eq!(of(&classes, &[], 1), "counts = none: at least one number of passes is needed");
    for counts in [[0, 1], [2, 2], [3, 2]] {
        assert_eq!(of(&classes, &counts, 1), format!("counts = {counts:?}: numbers of passes rise and are at least 1"));
    }
    let said = of(&classes, &[1, 100], 0);
    assert_eq!(said, "repetitions = 0: at least 1, and at most 42949672 of 100 passes, which have numbers of 32 bits");
    assert!(
        of(&classes, &[1, 100], 42_949_673).starts_with("repetitions = 42949673: at least 1, and at most 42949672")
    );
    let numbers = data(10, 12, 5, false);
    assert_eq!(of(&numbers, &[1], 1), "data set: has numbers to predict; averaging needs classes");
    assert!(of(&data(10, 13, 5, true), &[1], 1).contains("has 13 features an example, but the network takes 12"));
    assert_eq!(
        ensemble(&mut [], &classes).unwrap_err().to_string(),
        "members = 0: an ensemble has at least one network"
    );
    assert!(ensemble(&mut [predictor], &numbers).is_err());
}
