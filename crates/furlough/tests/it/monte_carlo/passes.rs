//! The engine's passes, bit for bit.

use super::{data, key, mlp, networks};
use crate::common::{check_passes, passes};
use furlough::compute::{Cpu, Isa, Precision};
use furlough::data::{Dataset, Features, Targets};
use furlough::nn::{Activation, Dropout, Init, Layer, MaskKey, Mlp, Sequential};
use furlough::random::Stream;
use ndarray::{Array2, s};

furlough_harness::tests![
    a_pass_is_the_forward_pass_with_its_masks,
    blocks_of_samples_do_not_show,
    the_masks_are_the_definition,
];

fn site(sample: u32) -> MaskKey {
    MaskKey { key: key(), stream: Stream::MonteCarlo, step: sample, layer: 0 }
}

fn a_pass_is_the_forward_pass_with_its_masks() {
    for (isa, precision) in
        Isa::available().into_iter().flat_map(|isa| Precision::ALL.map(|precision| (isa, precision)))
    {
        for (number, (network, classes)) in networks().iter().enumerate() {
            let mlp = mlp(network);
            let architecture = mlp.architecture().clone();
            let (inputs, outputs) = (architecture.inputs(), architecture.outputs());
            // One of each; one tile and tiles with odd edges; more examples than a block has;
            // samples from the middle.
            for (examples, samples) in
                [(0..1, 0..1), (0..1, 0..150), (3..80, 0..13), (1..600, 5..7), (0..73, u32::MAX - 1..u32::MAX)]
            {
                let data = data(600, inputs, outputs, *classes);
                let mut cpu = Cpu::with(&architecture, 0, 1 + number % 3, precision, isa);
                let what = format!("{} {precision:?} network {number}", isa.name());
                check_passes(&what, &mut cpu, &mlp, (&data, examples), key(), samples);
            }
        }
    }
}

/// More samples than a block takes: `OUTPUTS` of the engine, rows padded to 16, are 16,384 for one
/// example.
fn blocks_of_samples_do_not_show() {
    let network = Sequential::mlp(6, 2, &[10], Activation::Relu, 0.0, &[0.5]);
    let (mlp, data) = (mlp(&network), data(5, 6, 2, true));
    let mut cpu = Cpu::new(mlp.architecture(), 0, 2);
    let all = passes(&mut cpu, &mlp, &data, key(), 2..5, 0..40_000);
    for part in [0..7, 16_380..16_390, 39_990..40_000] {
        let columns = 2 * part.start as usize..2 * part.end as usize;
        let alone = passes(&mut cpu, &mlp, &data, key(), 2..5, part);
        assert_eq!(all.slice(s![.., columns]), alone);
    }
}

/// With weights that pass a unit straight through, the outputs show the masks: those of the
/// definition.
fn the_masks_are_the_definition() {
    let mut mlp = Mlp::new(
        Sequential::new([Layer::Dropout(0.3), Layer::Linear(77, 77)]).validate().unwrap(),
        Init::Uniform(0.0),
        key(),
    );
    (0..77).for_each(|unit| mlp.parameters_mut()[unit * 78] = 1.0);
    let values = Array2::zeros((30, 77));
    let ones = Dataset::new(Features::Floats(Array2::ones((30, 77))), Targets::Values(values), &[77]).unwrap();
    let seen = passes(&mut Cpu::new(mlp.architecture(), 0, 2), &mlp, &ones, key(), 0..30, 0..40);
    let dropout = Dropout::new(0.3).unwrap();
    for ((example, column), &value) in seen.indexed_iter() {
        let expected = dropout.factor(&site(column as u32 / 77), example as u32, column as u32 % 77);
        assert_eq!(value, f64::from(expected), "example {example}, column {column}");
    }
}
