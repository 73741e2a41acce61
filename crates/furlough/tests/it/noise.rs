//! Every kind of dropout by the fast kernels against its definition, for each instruction set of this machine.

use crate::common::{Tolerance, bits, check_gradient, check_passes, data, sampled, site, velocity};
use furlough::compute::{Cpu, Gathering, Isa, Precision, drop_in_place};
use furlough::data::{Batch, Dataset, Features, Targets, digits};
use furlough::files::{DataInfo, ModelInfo, load_model, save_model};
use furlough::nn::{Activation, Dropout, DropoutKind, Init, Layer, MaskSite, Mlp, Sequential, Sharing};
use furlough::optim::Sgd;
use furlough::predict::Predictor;
use furlough::random::{Key, Stream};
use furlough::train::{TrainOptions, Trainer};
use ndarray::Array2;

furlough_harness::tests![
    noise_in_place_is_the_definition,
    the_fast_step_is_the_plain_step,
    any_number_of_threads_gives_the_same_bits,
    gradients_are_those_of_finite_differences_with_the_noise_frozen,
    noise_has_the_mean_and_variance_that_its_page_says,
    alpha_dropout_keeps_mean_0_and_variance_1,
    selu_with_lecun_keeps_the_size_of_values,
    samples_are_forward_passes,
    digits_are_learnt_with_noise_and_the_model_keeps_its_kind,
    layers_that_make_no_noise_are_refused,
];

struct Case {
    kind: DropoutKind,
    /// Inputs, hidden widths, outputs.
    widths: &'static [usize],
    /// Of the inputs and after each hidden layer.
    dropout: &'static [f64],
    sharing: Sharing,
    activation: Activation,
    batch: usize,
    optimizer: Sgd,
    classes: bool,
}

impl Case {
    fn mlp(&self) -> Mlp {
        let Case { widths, dropout, activation, .. } = *self;
        let (inputs, outputs) = (widths[0], widths[widths.len() - 1]);
        let hidden = &widths[1..widths.len() - 1];
        let network = Sequential::perceptron(inputs, outputs, hidden, activation, dropout[0], &dropout[1..]);
        let network = network.with_dropout_kind(self.kind).with_sharing(self.sharing);
        Mlp::new(network.validate().unwrap(), Init::Kaiming, Key::new(3))
    }

    fn data(&self) -> Dataset {
        data(2 * self.batch, self.widths[0], self.widths[self.widths.len() - 1], self.classes)
    }
}

fn cases() -> Vec<Case> {
    let gentle = Sgd { learning_rate: 0.05, ..Sgd::default() };
    let all = Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.01, l1: 1e-4, max_norm: Some(1.1), ..gentle };
    let mut cases = Vec::new();
    for kind in DropoutKind::OF_UNITS {
        let base = || Case {
            kind,
            widths: &[48, 70, 31, 10],
            dropout: &[0.1, 0.4, 0.25],
            sharing: Sharing::PerExample,
            activation: Activation::Relu,
            batch: 67,
            optimizer: gentle,
            classes: true,
        };
        cases.extend([
            base(),
            Case { widths: &[1, 1, 2], dropout: &[0.3, 0.5], batch: 1, ..base() },
            Case { widths: &[63, 65, 1, 129, 3], dropout: &[0.0, 0.2, 0.0, 0.6], batch: 40, optimizer: all, ..base() },
            Case { widths: &[17, 10], dropout: &[0.5], batch: 130, ..base() },
            Case { widths: &[241, 700, 7], dropout: &[0.05, 0.3], batch: 150, classes: false, ..base() },
            // Few rows; masks shared by groups and by all.
            Case { widths: &[70, 64, 48, 33], dropout: &[0.1, 0.2, 0.5], batch: 16, optimizer: all, ..base() },
            Case { sharing: Sharing::rows(33).unwrap(), batch: 100, ..base() },
            Case { sharing: Sharing::Batch, optimizer: all, ..base() },
        ]);
        cases.extend(Activation::ALL.map(|activation| Case { activation, ..base() }));
    }
    cases
}

/// To the bit: infinite values, numbers that are none and zeros of both signs too.
fn noise_in_place_is_the_definition() {
    for isa in Isa::available() {
        for kind in DropoutKind::OF_UNITS {
            for (p, rows, width) in
                [(0.0, 2, 5), (0.5, 3, 64), (0.3, 5, 131), (0.9, 1, 1), (1.0 - 2f64.powi(-33), 2, 70)]
            {
                let dropout = Dropout::of(kind, p, Sharing::PerExample).unwrap();
                let examples: Vec<u32> = (0..rows as u32).map(|row| 1000 - 7 * row).collect();
                let mut values = Array2::from_shape_fn((rows, width), |(i, j)| i as f32 - j as f32 / 3.0);
                values[[rows - 1, width - 1]] = f32::INFINITY;
                values[[0, width / 2]] = f32::NAN;
                values[[0, 0]] = -0.0;
                let at = MaskSite { layer: 2, ..site(8) };
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

fn the_fast_step_is_the_plain_step() {
    let precisions = |isa| Precision::ALL.map(|precision| (isa, precision));
    for (isa, precision) in Isa::available().into_iter().flat_map(precisions) {
        for (number, case) in cases().iter().enumerate() {
            let what = format!("{} {} case {number} {}", isa.name(), precision.name(), case.kind);
            let (data, start) = (case.data(), case.mlp());
            let examples: Vec<u32> = (0..case.batch as u32).map(|i| 2 * case.batch as u32 - 1 - 2 * i).collect();
            let batch = Batch { data: &data, examples: &examples };
            let mut cpu = Cpu::with(start.architecture(), case.batch + 3, 2, precision, isa);
            // What shares masks is gathered if that can be; noise cannot.
            cpu.gather(Gathering::Always);
            let tolerance = Tolerance { precision, slack: 2.0 };
            let fast = tolerance.check_steps(&what, &mut cpu, &start, &case.optimizer, batch, |_, _, _, _| ());
            for masks in [site(5), sampled(5)] {
                tolerance.check_outputs(&what, &mut cpu, &fast, (&data, 1..1 + case.batch as u32), Some(&masks));
            }
        }
    }
}

fn any_number_of_threads_gives_the_same_bits() {
    for case in cases() {
        let data = data(4 * case.batch, case.widths[0], case.widths[case.widths.len() - 1], case.classes);
        let examples: Vec<u32> = (0..4 * case.batch as u32).collect();
        let run = |threads: usize| {
            let mut mlp = case.mlp();
            let mut velocity = velocity(&case.optimizer, &mlp);
            let mut cpu = Cpu::new(mlp.architecture(), examples.len(), threads);
            for step in 0..3 {
                let batch = Batch { data: &data, examples: &examples };
                cpu.train_step(&mut mlp, &mut velocity, &case.optimizer, batch, &site(step));
            }
            bits(mlp.parameters())
        };
        assert_eq!(run(1), run(4), "{}", case.kind);
    }
}

fn gradients_are_those_of_finite_differences_with_the_noise_frozen() {
    for kind in DropoutKind::OF_UNITS {
        for (activation, classes, sharing) in [
            (Activation::Tanh, true, Sharing::PerExample),
            (Activation::Gelu, false, Sharing::PerExample),
            (Activation::Identity, true, Sharing::Batch),
        ] {
            let case = Case {
                kind,
                widths: &[11, 9, 7, 3],
                dropout: &[0.2, 0.3, 0.5],
                sharing,
                activation,
                batch: 13,
                optimizer: Sgd { learning_rate: 1.0, ..Sgd::default() },
                classes,
            };
            let (data, before) = (case.data(), case.mlp());
            let examples: Vec<u32> = (0..case.batch as u32).collect();
            let batch = Batch { data: &data, examples: &examples };
            let mut cpu = Cpu::new(before.architecture(), case.batch, 1);
            let mut after = before.clone();
            cpu.train_step(&mut after, &mut [], &case.optimizer, batch, &site(1));
            check_gradient(&before, &after, 3e-4, &format!("{kind} {activation:?}"), |mlp| {
                cpu.train_step(mlp, &mut [], &case.optimizer, batch, &site(1)).loss / case.batch as f64
            });
        }
    }
}

/// Mean and variance over the masks, of a value that stands for a unit in training.
fn noise_has_the_mean_and_variance_that_its_page_says() {
    let units = 1 << 18;
    for (p, x) in [(0.05, 1.0f32), (0.5, 1.0), (0.5, -3.0), (0.8, 0.25)] {
        let variance = p / (1.0 - p) * f64::from(x).powi(2);
        for kind in [DropoutKind::Bernoulli, DropoutKind::Gaussian] {
            let dropout = Dropout::of(kind, p, Sharing::PerExample).unwrap();
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
        let dropout = Dropout::of(DropoutKind::Alpha, p, Sharing::PerExample).unwrap();
        drop_in_place(dropout, &mut values, &[7], &site(3), Isa::best());
        let (mean, variance) = moments(&values);
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.03, "{p}: mean {mean}, variance {variance}");
    }
    // As PyTorch has it: -1.7580993408473766 and, at p = 0.5, a = 0.8864049 and b = 0.77919394.
    let half = Dropout::of(DropoutKind::Alpha, 0.5, Sharing::PerExample).unwrap();
    assert!((DropoutKind::ALPHA_DROPPED + 1.758_099_340_847_376_6).abs() < 1e-15);
    assert_eq!((half.scale(), half.alpha_shifts()), (0.886_404_9, (0.779_193_94, -0.779_193_94)));
}

/// And SELU with its initial weights: deep networks begin with outputs of about mean 0 and variance 1.
fn selu_with_lecun_keeps_the_size_of_values() {
    let hidden = [256; 12];
    let rows = Array2::from_shape_fn((64, 200), |(i, j)| {
        let word = Key::new(2).draw(Stream::Order, 3, i as u32, j as u32, 0)[0];
        furlough::random::normal(word)
    });
    let data = Dataset::new(Features::Floats(rows), Targets::Values(Array2::zeros((64, 256))), &[200]).unwrap();
    for (kind, p) in [(DropoutKind::Bernoulli, 0.0), (DropoutKind::Alpha, 0.1)] {
        let network =
            Sequential::perceptron(200, 256, &hidden, Activation::Selu, 0.0, &[p; 12]).with_dropout_kind(kind);
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

/// Masked passes have the bits of the forward pass, wherever the noise begins.
fn samples_are_forward_passes() {
    for case in cases() {
        let (data, mlp) = (case.data(), case.mlp());
        let mut cpu = Cpu::new(mlp.architecture(), 0, 2);
        let examples = (&data, 1..1 + case.batch as u32);
        check_passes(&case.kind.to_string(), &mut cpu, &mlp, examples, Key::new(5), 0..3);
    }
}

fn digits_are_learnt_with_noise_and_the_model_keeps_its_kind() {
    let digits = digits::load().unwrap();
    for kind in DropoutKind::OF_UNITS {
        for sharing in [Sharing::PerExample, Sharing::rows(8).unwrap()] {
            // Alpha dropout goes with values of mean 0 only, which neither pixels nor ReLU give.
            let (activation, init, input, dropout) = match kind {
                DropoutKind::Alpha => (Activation::Selu, Init::Lecun, 0.0, [0.05, 0.1]),
                _ => (Activation::Relu, Init::Kaiming, 0.05, [0.2, 0.3]),
            };
            let network = Sequential::perceptron(64, 10, &[64, 32], activation, input, &dropout);
            let network = network.with_dropout_kind(kind).with_sharing(sharing);
            let optimizer = Sgd { learning_rate: 0.1, ..Sgd::default() };
            let options =
                TrainOptions { init, optimizer, batch_size: 32, epochs: 25, seed: 4, ..TrainOptions::default() };
            let mut trainer = Trainer::new(&network, &options, &digits.train, 2).unwrap();
            trainer.fit(None, &mut ()).unwrap();
            let accuracy = trainer.evaluate(&digits.test).unwrap().accuracy.unwrap();
            assert!(accuracy > 0.88, "{kind} {sharing}: {accuracy}");

            let mlp = trainer.into_mlp();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("model.safetensors");
            let info = ModelInfo { data: DataInfo::of(&digits.train), recipe: String::new() };
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
    use Layer::{AlphaDropout, AnyDropout, GaussianDropout, Linear};
    for (layer, expected) in [
        (GaussianDropout(1.0), "layer 2 (GaussianDropout(1)): gaussian dropout has variance p/(1-p)"),
        (AlphaDropout(1.0), "layer 2 (AlphaDropout(1)): alpha dropout keeps the variance"),
        (GaussianDropout(f64::NAN), "layer 2 (GaussianDropout(NaN)): a drop probability lies between"),
        (
            AnyDropout(DropoutKind::Gaussian, 1.0, Sharing::Batch),
            "layer 2 (AnyDropout(gaussian, 1, batch)): gaussian dropout has variance p/(1-p), so it takes a p from 0 to below 1, not 1",
        ),
    ] {
        let error = Sequential::new([Linear(2, 3), layer, Linear(3, 2)]).validate().unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let error = Dropout::of(DropoutKind::Gaussian, 1.0, Sharing::PerExample).unwrap_err().to_string();
    assert!(error.starts_with("dropout = 1: gaussian dropout has variance"), "{error}");
}
