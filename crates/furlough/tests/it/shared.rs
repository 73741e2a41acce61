//! Masks shared by groups of rows: the step that leaves out what is dropped against the plain one,
//! which computes everything.

use crate::common::case::Case;
use crate::common::{MOMENTUM, bits, new_state, nothing, site, whole_and_in_pieces};
use furlough::compute::{Cpu, SharedMaskMode};
use furlough::data::{Batch, digits};
use furlough::nn::{Activation, Dropout, Init, MaskKey, MaskSharing, Sequential};
use furlough::optim::{GroupFactors, Optimizer, Regularizers, UpdateRule};
use furlough::random::Stream;
use furlough::train::TrainOptions;
use ndarray::Array2;

furlough_harness::tests![
    what_is_dropped_does_not_move,
    what_is_dropped_is_penalised_all_the_same,
    digits_are_learned_and_resuming_changes_no_bit,
    the_definition_shares_by_place_and_only_in_training,
];

fn for_the_batch() -> Case {
    Case { sharing: MaskSharing::Batch, ..Case::new(&[48, 64, 32, 10], [0.0, 0.2, 0.5]) }
}

fn what_is_dropped_does_not_move() {
    let case = for_the_batch();
    let (data, before) = (case.data(), case.mlp());
    let examples: Vec<u32> = (0..case.batch as u32).collect();
    let mut after = before.clone();
    let mut cpu = Cpu::new(before.architecture(), case.batch, 2);
    cpu.gather(SharedMaskMode::Always);
    cpu.train_step(&mut after, &mut nothing(), &case.rule, Batch { data: &data, examples: &examples }, &site(0));
    let mask = MaskKey { layer: 1, ..site(0) };
    let dropout = before.architecture().blocks()[0].dropout;
    let mut moved = [0, 0];
    for ((input, unit), weight) in after.weights(0).indexed_iter() {
        let same = weight.to_bits() == before.weights(0)[[input, unit]].to_bits();
        let kept = dropout.keeps(&mask, 0, unit as u32);
        assert!(kept || same, "weight {input} of unit {unit}, which is dropped");
        moved[usize::from(kept)] += usize::from(!same);
    }
    assert!(moved[1] > 500, "{moved:?}");
}

/// Gathered or not, a weight of a dropped unit has no gradient but the penalties', and a weight of
/// 0 has none at all.
fn what_is_dropped_is_penalised_all_the_same() {
    let case = for_the_batch();
    let (data, mut before) = (case.data(), case.mlp());
    before.parameters_mut().iter_mut().step_by(3).for_each(|w| *w = 0.0);
    let examples: Vec<u32> = (0..case.batch as u32).collect();
    let dropout = before.architecture().blocks()[0].dropout;
    let dropped = |unit: usize| !dropout.keeps(&MaskKey { layer: 1, ..site(0) }, 0, unit as u32);
    let (rate, l1, decay) = (0.25, 0.01, 0.125);
    for (momentum, weight_decay) in [(0.0, 0.0), (0.9, 0.0), (0.0, decay), (0.9, decay)] {
        let regularizers = Regularizers { l1, l2: weight_decay, ..Regularizers::default() };
        let optimizer = Optimizer::Sgd { momentum, nesterov: false };
        let rule = UpdateRule {
            optimizer,
            learning_rate: rate,
            regularizers,
            clip_norm: None,
            factors: GroupFactors::DEFAULT,
        };
        for when in [SharedMaskMode::Always, SharedMaskMode::Never] {
            let mut after = before.clone();
            let mut state = new_state(&rule, &after);
            let mut cpu = Cpu::new(before.architecture(), case.batch, 2);
            cpu.gather(when);
            let batch = Batch { data: &data, examples: &examples };
            cpu.train_step(&mut after, &mut state, &rule, batch, &site(0));
            let mut seen = [0; 3];
            for ((input, unit), &new) in after.weights(0).indexed_iter().filter(|((_, unit), _)| dropped(*unit)) {
                let old = before.weights(0)[[input, unit]];
                let sign = f32::from(u8::from(old > 0.0)) - f32::from(u8::from(old < 0.0));
                let expected = old - rate as f32 * (weight_decay as f32 * old + l1 as f32 * sign);
                assert_eq!(new, expected, "{when:?}, momentum {momentum}, decay {weight_decay}: was {old}");
                seen[(sign + 1.0) as usize] += 1;
            }
            assert!(seen.iter().all(|&count| count > 100), "{seen:?}");
        }
    }
}

/// Groups that divide the batch and groups that do not, and a last batch of the epoch that is
/// smaller.
fn digits_are_learned_and_resuming_changes_no_bit() {
    let digits = digits::load().unwrap();
    for sharing in [MaskSharing::Batch, MaskSharing::rows(80).unwrap()] {
        // Large enough to be gathered unasked.
        let network = Sequential::mlp(64, 10, &[1024, 128], Activation::Relu, 0.0, &[0.5, 0.3]);
        let network = network.with_sharing(sharing);
        // 1,437 examples: 14 batches of 100 and one of 37.
        let options = TrainOptions {
            init: Init::Kaiming,
            optimizer: MOMENTUM,
            learning_rate: 0.02,
            batch_size: 100,
            epochs: 12,
            seed: 4,
            ..TrainOptions::default()
        };
        let (mut whole, pieces) = whole_and_in_pieces(&network, &options, &digits.train, &[1, 13, 2, 30]);
        let accuracy = whole.evaluate(&digits.test).unwrap().accuracy.unwrap();
        assert!(accuracy > 0.88, "{sharing}: {accuracy}");
        assert_eq!(bits(whole.into_mlp().parameters()), bits(pieces.into_mlp().parameters()), "{sharing}");
    }
}

fn the_definition_shares_by_place_and_only_in_training() {
    let x = Array2::ones((7, 90));
    let ids = [9, 4, 4, 30, 2, 8, 1];
    let half = |sharing| Dropout::shared(0.5, sharing).unwrap();
    let threes = half(MaskSharing::rows(3).unwrap()).forward(x.view(), &ids, &site(0));
    let plain = half(MaskSharing::PerExample);
    for (place, row) in threes.rows().into_iter().enumerate() {
        let alone = plain.forward(x.slice(ndarray::s![..1, ..]), &[place as u32 / 3], &site(0));
        assert_eq!(row, alone.row(0), "place {place}");
    }
    let batch = half(MaskSharing::Batch).forward(x.view(), &ids, &site(0));
    assert!(batch.rows().into_iter().all(|row| row == threes.row(0)));
    let sampled = MaskKey { stream: Stream::MonteCarlo, ..site(0) };
    for sharing in [MaskSharing::Batch, MaskSharing::rows(1).unwrap()] {
        let apart = plain.forward(x.view(), &ids, &sampled);
        assert_eq!(half(sharing).forward(x.view(), &ids, &sampled), apart);
    }
    assert_eq!(Dropout::shared(0.0, MaskSharing::Batch).unwrap(), Dropout::NONE);
    let message = MaskSharing::rows(0).unwrap_err().to_string();
    assert!(message.starts_with("dropout_sharing = 0: write per-example, batch, or how many"), "{message}");
}
