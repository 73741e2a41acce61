/// Returns RMSE, MAE and R² of targets and answers; none without weight, and no R² where targets do
/// not vary.
pub(super) fn figures_of_numbers(pairs: &[(f64, f64)], weight: impl Fn(usize) -> f64) -> [Option<f64>; 3] {
    let (mut total, mut sum, mut squares, mut sizes) = (0.0, 0.0, 0.0, 0.0);
    for (row, &(target, answer)) in pairs.iter().enumerate() {
        let weight = weight(row);
        total += weight;
        sum += weight * target;
        squares += weight * (answer - target).powi(2);
        sizes += weight * (answer - target).abs();
    }
    if total <= 0.0 {
        return [None; 3];
    }
    let mean = sum / total;
    let spread: f64 = pairs.iter().enumerate().map(|(row, pair)| weight(row) * (pair.0 - mean).powi(2)).sum();
    [Some((squares / total).sqrt()), Some(sizes / total), (spread > 0.0).then(|| 1.0 - squares / spread)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_numbers_by_hand() {
        let pairs = [(1.0, 2.0), (2.0, 2.0), (4.0, 2.0), (5.0, 5.0)];
        let found = figures_of_numbers(&pairs, |_| 1.0).map(Option::unwrap);
        assert_eq!(found, [1.25f64.sqrt(), 0.75, 0.5]);
        assert_eq!(figures_of_numbers(&pairs, |_| 0.0), [None; 3]);
        assert_eq!(figures_of_numbers(&pairs[..1], |_| 1.0)[2], None, "one target alone does not vary");
    }
}
