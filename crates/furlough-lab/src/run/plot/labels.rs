//! Where labels stand that would touch each other.

/// Moves labels apart where they would touch, none of them further than it must, and keeps them
/// between top and bottom. A label is what it belongs to and where it would be; the result has them
/// from the top. Takes n log n for n labels.
pub(super) fn spread(mut labels: Vec<(usize, f64)>, apart: f64, top: f64, bottom: f64) -> Vec<(usize, f64)> {
    labels.sort_by(|a, b| a.1.total_cmp(&b.1));
    // Groups of labels that touch: the first one's place, and how many there are. Each is centered
    // on what its labels want.
    let mut groups: Vec<(f64, usize)> = Vec::new();
    for &(_, wanted) in &labels {
        let mut group = (wanted, 1);
        while let Some(&(start, count)) = groups.last() {
            if start + apart * count as f64 <= group.0 {
                break;
            }
            groups.pop();
            let all = count + group.1;
            let own = group.0 - apart * count as f64;
            group = ((start * count as f64 + own * group.1 as f64) / all as f64, all);
        }
        let span = apart * (group.1 - 1) as f64;
        group.0 = group.0.min(bottom - span).max(top);
        groups.push(group);
    }
    let places = groups.iter().flat_map(|&(start, count)| (0..count).map(move |i| start + apart * i as f64));
    labels.iter().zip(places).map(|(&(line, _), y)| (line, y)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const APART: f64 = 17.0;

    #[test]
    fn labels_keep_apart() {
        let places = |wanted: &[f64]| -> Vec<f64> {
            let mut places = spread(wanted.iter().copied().enumerate().collect(), APART, 0.0, 200.0);
            places.sort_by_key(|(line, _)| *line);
            places.into_iter().map(|(_, y)| y).collect()
        };
        assert_eq!(places(&[150.0, 20.0]), [150.0, 20.0]);
        assert_eq!(places(&[100.0, 100.0]), [100.0 - APART / 2.0, 100.0 + APART / 2.0]);
        assert_eq!(places(&[200.0, 199.0]), [200.0, 200.0 - APART]);
        assert_eq!(places(&[0.0, 1.0, 2.0]), [0.0, APART, 2.0 * APART]);
        let mut many = places(&[90.0, 91.0, 120.0, 80.0, 119.0]);
        many.sort_by(f64::total_cmp);
        assert!(many.windows(2).all(|pair| pair[1] - pair[0] >= APART - 1e-9), "{many:?}");
    }
}
