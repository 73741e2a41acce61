//! Where a classifier is wrong and does not doubt it.

use super::answers::answers;
use crate::Result;
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

/// An example taken for another class than its own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// The example's place in the data set, from 0.
    pub index: usize,
    /// Its class.
    pub label: u32,
    /// The class it was taken for.
    pub predicted: u32,
    /// The probability of the class it was taken for.
    pub probability: f64,
    /// The probability of its class.
    pub label_probability: f64,
}

/// The `most` most confident mistakes among `probabilities` (examples × classes): the most probable
/// first, of equally probable ones the one that comes first in the data.
///
/// ```
/// use furlough::predict::mistakes;
/// use ndarray::array;
/// let wrong = mistakes(array![[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]].view(), &[0, 1, 0], 10)?;
/// assert_eq!(wrong.iter().map(|one| one.index).collect::<Vec<_>>(), [2, 1]);
/// # Ok::<(), furlough::Error>(())
/// ```
///
/// # Errors
/// [`crate::Error::Data`] when there is no example, not one label an example, a label is not a
/// class, or a probability is not one.
pub fn mistakes<P: Copy + Into<f64>>(
    probabilities: ArrayView2<'_, P>,
    labels: &[u32],
    most: usize,
) -> Result<Vec<Mistake>> {
    let answers = answers(probabilities, labels)?;
    let wrong = answers.iter().zip(labels).enumerate().filter(|(_, (answer, label))| answer.class != **label as usize);
    let mistake = |(index, (answer, &label)): (usize, (&super::answers::Answer, &u32))| Mistake {
        index,
        label,
        predicted: answer.class as u32,
        probability: answer.confidence,
        label_probability: probabilities[[index, label as usize]].into(),
    };
    let mut wrong: Vec<Mistake> = wrong.map(mistake).collect();
    wrong.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.index.cmp(&b.index)));
    wrong.truncate(most);
    Ok(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_surest_come_first_and_equals_in_their_order() {
        let p = array![[0.5f32, 0.25, 0.25], [0.75, 0.25, 0.0], [0.0, 0.25, 0.75], [0.0, 1.0, 0.0], [0.75, 0.0, 0.25]];
        let labels = [2, 1, 0, 1, 2];
        let all = mistakes(p.view(), &labels, 9).unwrap();
        assert_eq!(all.iter().map(|one| one.index).collect::<Vec<_>>(), [1, 2, 4, 0]);
        let first = Mistake { index: 1, label: 1, predicted: 0, probability: 0.75, label_probability: 0.25 };
        assert_eq!(all[0], first);
        assert_eq!(mistakes(p.view(), &labels, 2).unwrap(), all[..2]);
        assert_eq!(mistakes(p.view(), &labels, 0).unwrap(), []);
        assert!(mistakes(p.view(), &labels[..4], 2).is_err());
    }
}
