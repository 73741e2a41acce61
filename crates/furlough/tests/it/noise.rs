//! Every kind of dropout by the fast kernels against its definition, for each instruction set of
//! this machine.

use crate::common::site;
use furlough::compute::{Cpu, Isa, drop_in_place};
use furlough::data::{Examples, digits};
use furlough::files::{DataInfo, ModelInfo, load_model, save_model};
use furlough::nn::{Activation, Dropout, DropoutKind, Init, Layer, MaskKey, MaskSharing, Mlp, Sequential};
use furlough::predict::Predictor;
use furlough::random::{Key, Stream};
use furlough::train::{TrainOptions, Trainer};
use ndarray::Array2;

furlough_harness::tests![
    noise_in_place_is_the_definition,
    noise_has_the_mean_and_variance_that_its_page_says,
    alpha_dropout_keeps_mean_0_and_variance_1,
    selu_with_lecun_keeps_the_size_of_values,
    digits_are_learned_with_noise_and_the_model_keeps_its_kind,
    layers_that_make_no_noise_are_refused,
];

/// To the bit: infinite values, numbers that are none and zeros of both signs too.
fn noise_in_place_is_the_definition() {
    for isa in Isa::available() {
        for kind in DropoutKind::OF_UNITS {
            for (p, rows, width) in
                [(0.0, 2, 5), (0.5, 3, 64), (0.3, 5, 131), (0.9, 1, 1), (1.0 - 2f64.powi(-33), 2, 70)]
            {
                let dropout = Dropout::of(kind, p, MaskSharing::PerExample).unwrap();
                let examples: Vec<u32> = (0..rows as u32).map(|row| 1000 - 7 * row).collect();
                let mut values = Array2::from_shape_fn((rows, width), |(i, j)| i as f32 - j as f32 / 3.0);
                values[[rows - 1, width - 1]] = f32::INFINITY;
                values[[0, width / 2]] = f32::NAN;
                values[[0, 0]] = -0.0;
                let at = MaskKey { layer: 2, ..site(8) };
                let expected = dropout.forward(values.view(), &examples, &at);
                let mut values = values.into_raw_vec_and_offset().0;
                drop_in_place(dropout, &mut values, &examples, &at, isa);
                for (place, (fast, slow)) in values.iter().zip(&expected).enumerate() {
                    let same = fast.to_bits() == slow.to_bits() || fast.is_nan() && slow.is_nan();
                    assert!(same, "{} {kind} {p} {rows} × {width}: {fast} at {place}, not {slow}", isa.name());
                }
            }
        }
    }
}

/// Mean and variance over the masks, of a value that stands for a unit in training.
fn noise_has_the_mean_and_variance_that_its_page_says() {
    let units = 1 << 18;
    for (p, x) in [(0.05, 1.0f32), (0.5, 1.0), (0.5, -3.0), (0.8, 0.25)] {
        let variance = p / (1.0 - p) * f64::from(x).powi(2);
        for kind in [DropoutKind::Bernoulli, DropoutKind::Gaussian] {
            let dropout = Dropout::of(kind, p, MaskSharing::PerExample).unwrap();
            let mut values = vec![x; units];
            drop_in_place(dropout, &mut values, &[7], &site(3), Isa::best());
            let (mean, seen) = moments(&values);
            let error = (variance / units as f64).sqrt();
            assert!((mean - f64::from(x)).abs() < 4.5 * error, "{kind} {p}: mean {mean}, not {x}");
            assert!((seen / variance - 1.0).abs() < 0.03, "{kind} {p}: variance {seen}, not {variance}");
        }
    }
}

/// What alpha dropout is for: values of mean 0 and variance 1 keep both, whatever the p.
fn alpha_dropout_keeps_mean_0_and_variance_1() {
    let normal: Vec<f32> = (0..1u32 << 18).map(|i| furlough::random::normal(i << 14 | 1 << 13)).collect();
    for p in [0.05, 0.2, 0.5, 0.9] {
        let mut values = normal.clone();
        let dropout = Dropout::of(DropoutKind::Alpha, p, MaskSharing::PerExample).unwrap();
        drop_in_place(dropout, &mut values, &[7], &site(3), Isa::best());
        let (mean, variance) = moments(&values);
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.03, "{p}: mean {mean}, variance {variance}");
    }
    // As PyTorch has it: -1.7580993408473766 and, at p = 0.5, a = 0.8864049 and b = 0.77919394.
    let half = Dropout::of(DropoutKind::Alpha, 0.5, MaskSharing::PerExample).unwrap();
    assert!((DropoutKind::ALPHA_DROPPED + 1.758_099_340_847_376_6).abs() < 1e-15);
    assert_eq!((half.scale(), half.alpha_shifts()), (0.886_404_9, (0.779_193_94, -0.779_193_94)));
}

/// And SELU with its initial weights: deep networks begin with outputs of about mean 0 and variance
/// 1.
fn selu_with_lecun_keeps_the_size_of_values() {
    let hidden = [256; 12];
    let rows = Array2::from_shape_fn((64, 200), |(i, j)| {
        let word = Key::new(2).draw(Stream::Shuffle, 3, i as u32, j as u32, 0)[0];
        furlough::random::normal(word)
    });
    let data = Examples::try_from(rows).unwrap();
    for (kind, p) in [(DropoutKind::Bernoulli, 0.0), (DropoutKind::Alpha, 0.1)] {
        let network = Sequential::mlp(200, 256, &hidden, Activation::Selu, 0.0, &[p; 12]).with_dropout_kind(kind);
        let mlp = Mlp::new(network.validate().unwrap(), Init::Lecun, Key::new(1));
        let mut outputs = vec![0.0; 64 * 256];
        Cpu::new(mlp.architecture(), 0, 2).forward(&mlp, &data, 0..64, Some(&site(0)), &mut outputs);
        let (mean, variance) = moments(&outputs);
        assert!(mean.abs() < 0.1 && (0.7..1.4).contains(&variance), "{kind} {p}: mean {mean}, variance {variance}");
    }
}

fn moments(values: &[f32]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    (mean, values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n)
}

fn digits_are_learned_with_noise_and_the_model_keeps_its_kind() {
    let digits = digits::load().unwrap();
    for kind in DropoutKind::OF_UNITS {
        for sharing in [MaskSharing::PerExample, MaskSharing::rows(8).unwrap()] {
            // Alpha dropout goes with values of mean 0 only, which neither pixels nor ReLU give.
            let (activation, init, input, dropout) = match kind {
                DropoutKind::Alpha => (Activation::Selu, Init::Lecun, 0.0, [0.05, 0.1]),
                _ => (Activation::Relu, Init::Kaiming, 0.05, [0.2, 0.3]),
            };
            let network = Sequential::mlp(64, 10, &[64, 32], activation, input, &dropout);
            let network = network.with_dropout_kind(kind).with_sharing(sharing);
            let options = TrainOptions {
                init,
                learning_rate: 0.1,
                batch_size: 32,
                epochs: 25,
                seed: 4,
                ..TrainOptions::default()
            };
            let mut trainer = Trainer::new(&network, &options, &digits.train, 2).unwrap();
            trainer.fit(None).unwrap();
            let accuracy = trainer.evaluate(&digits.test).unwrap().accuracy.unwrap();
            assert!(accuracy > 0.88, "{kind} {sharing}: {accuracy}");

            let mlp = trainer.into_mlp();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("model.safetensors");
            let info = ModelInfo::new(DataInfo::of(&digits.train), "");
            save_model(&path, &mlp, &info).unwrap();
            let (read, _) = load_model(&path).unwrap();
            assert!(read == mlp && read.architecture() == mlp.architecture());
            let sampled = Predictor::new(read, 2).monte_carlo(&digits.test, 10, Key::new(0)).unwrap();
            let sampled = sampled.evaluate(&digits.test).unwrap().accuracy.unwrap();
            assert!((sampled - accuracy).abs() < 0.05, "{kind}: sampled {sampled}, whole {accuracy}");
        }
    }
}

fn layers_that_make_no_noise_are_refused() {
    use Layer::{AlphaDropout, DropoutWith, GaussianDropout, Linear};
    for (layer, expected) in [
        (GaussianDropout(1.0), "layer 2 (GaussianDropout(1)): gaussian dropout has variance p/(1-p)"),
        (AlphaDropout(1.0), "layer 2 (AlphaDropout(1)): alpha dropout keeps the variance"),
        (GaussianDropout(f64::NAN), "layer 2 (GaussianDropout(NaN)): a drop probability lies between"),
        (
            DropoutWith(DropoutKind::Gaussian, 1.0, MaskSharing::Batch),
            "layer 2 (DropoutWith(gaussian, 1, batch)): gaussian dropout has variance p/(1-p), so it takes a p from 0 \
             to below 1, not 1",
        ),
    ] {
        let error = Sequential::new([Linear(2, 3), layer, Linear(3, 2)]).validate().unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let error = Dropout::of(DropoutKind::Gaussian, 1.0, MaskSharing::PerExample).unwrap_err().to_string();
    assert!(error.starts_with("dropout = 1: gaussian dropout has variance"), "{error}");
}
