//! Input stages of any columns, and data for them.

use furlough::data::{Dataset, Features};
use furlough::nn::{InputColumn, InputStage};
use furlough::random::{Key, Stream};
use ndarray::Array2;
use proptest::prelude::*;

/// A word that belongs to two numbers.
fn word(i: usize, j: usize) -> u32 {
    Key::new(11).draw(Stream::Shuffle, 5, i as u32, j as u32, 0)[0]
}

/// A stage of this width, or none. Its columns are of every kind, in some order.
pub fn any_stage(width: usize) -> impl Strategy<Value = Option<InputStage>> {
    let stage = (any::<u16>(), any::<bool>()).prop_map(move |(seed, scaling)| {
        let stage = InputStage::new(columns(width, seed.into()));
        if scaling { stage.with_scaling() } else { stage }
    });
    prop::option::weighted(0.35, stage)
}

fn columns(width: usize, seed: usize) -> Vec<InputColumn> {
    let (mut columns, mut left) = (Vec::new(), width);
    while left > 0 {
        let word = word(seed, columns.len()) as usize;
        let some = left.min(1 + word / 7 % 9);
        let column = match word % 5 {
            0 => InputColumn::Number,
            1 if some > 1 => InputColumn::Periodic {
                frequencies: [1, 16, 21, 35][word / 100 % 4],
                outputs: some - 1,
                deviation: 1.0,
            },
            2 => InputColumn::PiecewiseLinear { edges: (0..=some).map(|edge| edge as f32 / 5.0 - 0.8).collect() },
            // Few levels that many rows have, and more than there are rows.
            _ => InputColumn::Category { levels: [1, 3, 17, 400][word / 100 % 4], width: some },
        };
        left -= column.width();
        columns.push(column);
    }
    columns
}

/// The same examples with a value for each column of the stage in place of their features.
pub fn with_columns(data: &Dataset, stage: &InputStage) -> Dataset {
    let value = |(row, column): (usize, usize)| {
        let word = word(1 << 20 | row, column);
        match stage.columns()[column] {
            InputColumn::Category { levels, .. } => (word as usize % levels) as f32,
            InputColumn::Periodic { .. } => word as f32 / u32::MAX as f32 - 0.5,
            _ => 2.0 * (word as f32 / u32::MAX as f32) - 1.0,
        }
    };
    let rows = Array2::from_shape_fn((data.len(), stage.features()), value);
    let same = Dataset::new(Features::Floats(rows), data.targets().clone(), &[stage.features()]).unwrap();
    match data.weights() {
        Some(weights) => same.with_weights(weights.to_vec()).unwrap(),
        None => same,
    }
}
