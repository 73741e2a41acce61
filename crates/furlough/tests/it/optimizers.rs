//! What an optimizer keeps from step to step, in memory and in checkpoints, and gradients that
//! cannot be clipped.

use crate::common::case::Case;
use crate::common::{NESTEROV, new_state, sgd, site, state_bits, whole_and_in_pieces};
use furlough::compute::{Isa, SharedMaskMode};
use furlough::data::{Batch, Dataset, digits};
use furlough::files::{Origin, load_checkpoint, save_checkpoint};
use furlough::nn::{Activation, Init, Layer::*, MaskSharing, Sequential};
use furlough::optim::{Optimizer, Regularizers, UpdateRule};
use furlough::train::{TrainOptions, Trainer, TrainingMemory};
use furlough::{Error, Result};
use ndarray::Array2;

furlough_harness::tests![
    adam_learns_digits_and_resuming_changes_no_bit,
    a_checkpoint_has_every_buffer_by_name,
    memory_counts_each_buffer_and_the_gradient,
    a_gradient_that_is_not_finite_changes_nothing_where_it_is_clipped,
    a_gradient_that_is_short_is_not_clipped,
    decoupled_decay_is_not_the_penalty,
];

fn options(optimizer: Optimizer) -> TrainOptions {
    TrainOptions {
        init: Init::Kaiming,
        optimizer,
        learning_rate: 0.01,
        clip_norm: Some(1.0),
        lr_schedule: "warmup:0.1+cosine".parse().unwrap(),
        weight_decay_schedule: "flat_cos".parse().unwrap(),
        batch_size: 100,
        epochs: 25,
        seed: 4,
        ..TrainOptions::default()
    }
}

fn network() -> Sequential {
    Sequential::mlp(64, 10, &[96, 48], Activation::Relu, 0.1, &[0.3, 0.3])
}

fn adam_learns_digits_and_resuming_changes_no_bit() {
    let digits = digits::load().unwrap();
    for (optimizer, sharing) in [(Optimizer::ADAM, MaskSharing::PerExample), (Optimizer::ADAMW, MaskSharing::Batch)] {
        let network = network().with_sharing(sharing);
        let (mut whole, pieces) = whole_and_in_pieces(&network, &options(optimizer), &digits.train, &[1, 13, 2, 30]);
        assert!(whole.state() == pieces.state(), "{}", optimizer.name());
        let accuracy = whole.evaluate(&digits.test).unwrap().accuracy.unwrap();
        assert!(accuracy > 0.88, "{}: {accuracy}", optimizer.name());
    }
}

fn a_checkpoint_has_every_buffer_by_name() {
    let digits = digits::load().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let options = TrainOptions { epochs: 1, ..options(Optimizer::ADAMW) };
    let mut trainer = Trainer::new(&network(), &options, &digits.train, 1).unwrap();
    trainer.fit(None).unwrap();
    let (state, origin) = (trainer.state(), Origin::new("recipe", "data"));
    save_checkpoint(&path, state, &origin).unwrap();
    let file = std::fs::read(&path).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
    assert_eq!(tensors.len(), 18);
    for name in ["linear1.weight", "linear3.bias"] {
        for buffer in ["first_moment", "second_moment"] {
            let tensor = tensors.tensor(&format!("{buffer}.{name}")).unwrap();
            assert_eq!(tensor.shape(), tensors.tensor(name).unwrap().shape());
            assert!(tensor.data().iter().any(|&byte| byte != 0), "{buffer}.{name}");
        }
    }
    let load = |optimizer| load_checkpoint(&path, &origin, state.mlp.architecture(), &optimizer);
    assert!(load(Optimizer::ADAMW).unwrap() == *state);
    for other in [Optimizer::SGD, NESTEROV] {
        assert!(load(other).unwrap_err().to_string().contains("18 tensors, not"));
    }
    let other = TrainOptions { optimizer: NESTEROV, ..options };
    let resumed = Trainer::resume(&network(), &other, &digits.train, 1, state.clone());
    assert!(resumed.err().unwrap().to_string().contains("it has the state of another optimizer"));
}

fn memory_counts_each_buffer_and_the_gradient() {
    let network = network().validate().unwrap();
    let parameters = 4 * network.parameters() as u64;
    for (optimizer, buffers) in
        [(Optimizer::SGD, 0), (NESTEROV, 1), (Optimizer::ADAM, 2), (Optimizer::ADAMW, 2), (Optimizer::LION, 1)]
    {
        for (clip_norm, gradients) in [(None, 0), (Some(1.0), 1)] {
            let options = TrainOptions { optimizer, clip_norm, ..TrainOptions::default() };
            let memory = TrainingMemory::of(&network, &options, 1000, 2);
            assert_eq!(memory.optimizer, (buffers + gradients) * parameters, "{}", optimizer.name());
        }
    }
}

/// A loss of 1e38 whose derivative is beyond single precision.
fn steep() -> Dataset {
    Dataset::regression(Array2::from_elem((40, 3), 1e25f32), Array2::from_elem((40, 1), -1e19f32)).unwrap()
}

fn a_gradient_that_is_not_finite_changes_nothing_where_it_is_clipped() {
    let data = steep();
    let examples: Vec<u32> = (0..40).collect();
    let base = || Case { activation: Activation::Identity, batch: 40, ..Case::new(&[3, 7, 1], [0.0, 0.2]) };
    let shared = Case { sharing: MaskSharing::Batch, gathering: SharedMaskMode::Always, ..base() };
    for (case, optimizer) in [(base(), Optimizer::ADAM), (base(), Optimizer::SGD), (shared, NESTEROV)] {
        let rule = UpdateRule { optimizer, clip_norm: Some(1.0), ..sgd(0.1) };
        let (mut mlp, mut cpu) = (case.mlp(), case.cpu(Isa::best(), 2));
        // Sums of the first block stay small, and its gradients overflow.
        let weights = mlp.architecture().ranges(0).0;
        mlp.parameters_mut()[weights].iter_mut().for_each(|w| *w *= 1e-25);
        let (before, mut state) = (mlp.clone(), new_state(&rule, &mlp));
        let sums = cpu.train_step(&mut mlp, &mut state, &rule, Batch { data: &data, examples: &examples }, &site(0));
        assert!(sums.loss.is_finite() && !sums.gradient_norm.is_finite() && !sums.is_finite(), "{sums:?}");
        assert!(mlp == before && state.values().all(|value| value == 0.0), "{}", optimizer.name());
    }
    let network = Sequential::new([Linear(3, 1)]);
    let options = TrainOptions { clip_norm: Some(1.0), init: Init::Normal(1e-30), ..TrainOptions::default() };
    let trained: Result<_> = Trainer::new(&network, &options, &data, 1).unwrap().fit(None);
    let Err(Error::NotFinite { epoch: 1, step: 1, loss }) = trained else { panic!("{trained:?}") };
    assert!(loss.is_nan());
}

/// The factor is then exactly 1: with momentum, where nothing is fused, no bit differs.
fn a_gradient_that_is_short_is_not_clipped() {
    let case = Case::new(&[48, 64, 32, 10], [0.0, 0.2, 0.5]);
    let (data, examples) = (case.data(), case.examples());
    let batch = Batch { data: &data, examples: &examples };
    let step = |clip_norm| {
        let rule = UpdateRule { optimizer: NESTEROV, clip_norm, ..sgd(0.1) };
        let (mut mlp, mut cpu) = (case.mlp(), case.cpu(Isa::best(), 2));
        let mut state = new_state(&rule, &mlp);
        let norm = cpu.train_step(&mut mlp, &mut state, &rule, batch, &site(0)).gradient_norm;
        (norm, mlp, state_bits(&state))
    };
    let (free, long, short) = (step(None), step(Some(1e6)), step(Some(0.01)));
    assert!(free.0 == 0.0 && long.0 > 0.1 && long.0 == short.0, "{} {}", long.0, short.0);
    assert!((&free.1, &free.2) == (&long.1, &long.2) && free.1 != short.1);
}

/// The same number as a penalty passes through the moments, and changes biases' gradients nowhere.
fn decoupled_decay_is_not_the_penalty() {
    let case = Case::new(&[48, 64, 10], [0.0, 0.2]);
    let (data, examples) = (case.data(), case.examples());
    let batch = Batch { data: &data, examples: &examples };
    let step = |optimizer, l2| {
        let rule = UpdateRule { optimizer, regularizers: Regularizers { l2, ..Regularizers::default() }, ..sgd(0.01) };
        let (mut mlp, mut cpu) = (case.mlp(), case.cpu(Isa::best(), 1));
        let mut state = new_state(&rule, &mlp);
        cpu.train_step(&mut mlp, &mut state, &rule, batch, &site(0));
        (mlp, state_bits(&state))
    };
    let adamw = Optimizer::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.5 };
    let (plain, decayed, penalized) = (step(Optimizer::ADAM, 0.0), step(adamw, 0.0), step(Optimizer::ADAM, 0.5));
    assert!(decayed.1 == plain.1 && penalized.1 != plain.1);
    let before = case.mlp();
    for (place, (after, plain)) in decayed.0.weights(0).iter().zip(plain.0.weights(0)).enumerate() {
        let shrunk = plain - 0.005 * before.parameters()[place];
        assert!((after - shrunk).abs() < 1e-6, "weight {place}: {after}, not {shrunk}");
    }
    assert_eq!(decayed.0.biases(0), plain.0.biases(0));
    assert_eq!(penalized.0.biases(0), plain.0.biases(0));
}
