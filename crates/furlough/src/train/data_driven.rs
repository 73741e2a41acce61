//! First weights and biases that the data decide
//! ([`Init::DataDriven`](crate::nn::Init::DataDriven)).

use crate::compute::{Cpu, Isa, Precision};
use crate::data::Examples;
use crate::nn::{Block, InputStage, Mlp};
use crate::random::{Key, Stream};
use ndarray::{Array2, ArrayView1};
use std::borrow::Cow;

/// Values before an activation that are held at once, at most: 64 MB of them. The rows are as many
/// as have so many in the widest layer, be it what an input stage gives.
const MOST_VALUES: usize = 1 << 24;

/// Rows of which a bias is a weighted mean.
const ROWS_OF_BIAS: u32 = 5;

/// Goes through the network once, layer by layer, without dropout. The weights of each unit, normal
/// numbers so far, are divided by the standard deviation of what they give for the rows (*std*),
/// and its bias is drawn ([`bias`]). A unit that gives the same for all rows keeps its weights.
pub(super) fn begin_by_data(mlp: &mut Mlp, data: &Examples, key: Key, threads: usize) {
    let rows = some_rows(mlp, data);
    for index in 0..mlp.architecture().blocks().len() {
        let part = mlp.before_activation(index);
        let mut cpu = Cpu::with(part.architecture(), 0, threads, Precision::F32, Isa::best());
        let Block { inputs, outputs, .. } = mlp.architecture().blocks()[index];
        let mut given = Array2::<f32>::zeros((rows.len(), outputs));
        let values = given.as_slice_mut().expect("a new array is contiguous");
        cpu.forward(&part, &rows, 0..rows.len() as u32, None, values);
        let factors: Vec<f64> = deviations(&given).iter().map(|&d| if d > 0.0 { 1.0 / d } else { 1.0 }).collect();
        let (weights, biases) = mlp.architecture().ranges(index);
        let parameters = mlp.parameters_mut();
        for input in 0..inputs {
            let row = &mut parameters[weights.start + input * outputs..][..outputs];
            row.iter_mut().zip(&factors).for_each(|(w, factor)| *w = (f64::from(*w) * factor) as f32);
        }
        for (unit, (place, factor)) in biases.zip(&factors).enumerate() {
            parameters[place] = (factor * bias(key, index as u32, unit as u32, given.column(unit))) as f32;
        }
    }
}

/// All examples, or as many as are held at once, evenly spread over them.
fn some_rows<'a>(mlp: &Mlp, data: &'a Examples) -> Cow<'a, Examples> {
    let stage = mlp.architecture().input_stage().map_or(1, InputStage::width);
    let widest = mlp.architecture().blocks().iter().map(|block| block.outputs).fold(stage, usize::max);
    let (all, most) = (data.len() as u64, (MOST_VALUES / widest).max(1) as u64);
    if all <= most {
        return Cow::Borrowed(data);
    }
    let rows: Vec<u32> = (0..most).map(|row| (row * all / most) as u32).collect();
    Cow::Owned(data.select(&rows))
}

/// The standard deviation of each column, by n, with sums in double precision in the order of the
/// rows.
fn deviations(values: &Array2<f32>) -> Vec<f64> {
    let count = values.nrows() as f64;
    let sum = |of: &dyn Fn(usize, f64) -> f64| {
        let mut sums = vec![0.0; values.ncols()];
        for row in values.rows() {
            for (unit, (sum, &value)) in sums.iter_mut().zip(row).enumerate() {
                *sum += of(unit, f64::from(value));
            }
        }
        sums
    };
    let means: Vec<f64> = sum(&|_, value| value).iter().map(|sum| sum / count).collect();
    sum(&|unit, value| (value - means[unit]).powi(2)).iter().map(|sum| (sum / count).sqrt()).collect()
}

/// Minus a random weighted mean of what a unit gives for five random rows, so that the unit's
/// corner is amid the data (*he+5*): the weights are uniform among all that sum to 1 (a flat
/// Dirichlet distribution), exponential numbers over their sum.
fn bias(key: Key, layer: u32, unit: u32, given: ArrayView1<'_, f32>) -> f64 {
    let draws = (0..ROWS_OF_BIAS).map(|draw| {
        let words = key.draw(Stream::DataDriven, layer, unit, draw, 0);
        let row = (u64::from(words[0]) * given.len() as u64) >> 32;
        let weight = -libm::log((f64::from(words[1]) + 0.5) / 4_294_967_296.0);
        (weight, f64::from(given[row as usize]))
    });
    let (weights, sum) = draws.fold((0.0, 0.0), |(all, sum), (weight, value)| (all + weight, sum + weight * value));
    -sum / weights
}
