//! Drop probabilities that change from step to step: the fast step against the plain one with those
//! of the step, and the loop.

use crate::common::{data, nothing, sgd};
use furlough::compute::{Cpu, Isa, Precision, SharedMaskMode, reference};
use furlough::data::{Batch, digits};
use furlough::nn::{Activation, Init, Loss, MaskKey, MaskSharing, Mlp, Sequential};
use furlough::optim::Schedule;
use furlough::random::{Key, Stream};
use furlough::train::{Control, Event, TrainOptions, Trainer};

furlough_harness::tests![
    a_step_has_the_drop_probabilities_of_its_factor,
    training_follows_its_schedule_and_resuming_changes_no_bit,
    a_fraction_out_of_range_is_refused_before_training,
];

fn site(step: u32) -> MaskKey {
    MaskKey { key: Key::new(11), stream: Stream::Dropout, step, layer: 0 }
}

/// One engine takes steps with other probabilities each time, dropped units gathered away or not,
/// all and none dropped too.
fn a_step_has_the_drop_probabilities_of_its_factor() {
    let rule = sgd(0.2);
    let data = data(150, 37, 5, true);
    let examples: Vec<u32> = (0..70).map(|i| 149 - 2 * i).collect();
    let batch = Batch { data: &data, examples: &examples };
    let groups = MaskSharing::rows(33).unwrap();
    for (activation, sharing) in [
        (Activation::Relu, MaskSharing::PerExample),
        (Activation::Relu, MaskSharing::Batch),
        (Activation::Tanh, groups),
    ] {
        let network = Sequential::mlp(37, 5, &[67, 21], activation, 0.3, &[1.0, 0.5]).with_sharing(sharing);
        let start = Mlp::new(network.validate().unwrap(), Init::Kaiming, Key::new(3));
        for (isa, when) in
            Isa::available().into_iter().flat_map(|isa| [(isa, SharedMaskMode::Never), (isa, SharedMaskMode::Always)])
        {
            let (mut fast, mut slow) = (start.clone(), start.parameters().to_vec());
            let mut cpu = Cpu::with(start.architecture(), 75, 2, Precision::F32, isa);
            cpu.gather(when);
            for (step, factor) in [1.0, 0.0, 0.4, 0.0, 1.0, 1e-12, 0.75].into_iter().enumerate() {
                let site = site(step as u32);
                let sums = cpu.scheduled_step(&mut fast, &mut nothing(), &rule, batch, &site, factor);
                let scaled = start.architecture().with_dropout_times(factor);
                let mut plain = Mlp::from_parameters(scaled, slow);
                let loss =
                    reference::step(&mut plain, &mut nothing(), &rule, batch, &Loss::default(), &site, Precision::F32);
                slow = plain.parameters().to_vec();
                let what = format!("{} {activation:?} {sharing} {when:?} factor {factor}", isa.name());
                assert!(
                    (sums.loss / 70.0 - loss).abs() < 1e-5 * loss.max(1.0),
                    "{what}: {} not {loss}",
                    sums.loss / 70.0
                );
                let size = slow.iter().fold(0f32, |a, b| a.max(b.abs()));
                for (f, s) in fast.parameters().iter().zip(&slow) {
                    assert!((f - s).abs() < 2e-5 * size, "{what}: {f}, the oracle says {s}");
                }
            }
        }
    }
}

/// The loop asks for the factor of each step: by hand it is the same, to the bit.
fn training_follows_its_schedule_and_resuming_changes_no_bit() {
    let digits = digits::load().unwrap();
    let network = Sequential::mlp(64, 10, &[40], Activation::Relu, 0.1, &[0.5]);
    let mut ends = Vec::new();
    for text in ["constant", "early:0.4", "late:0.4", "ramp:0.7", "decay", "flat_cos", "warmup:0.2+linear"] {
        let schedule: Schedule = text.parse().unwrap();
        let options = TrainOptions {
            init: Init::Kaiming,
            batch_size: 500, // three steps an epoch
            epochs: 5,
            seed: 4,
            dropout_schedule: schedule.clone(),
            ..TrainOptions::default()
        };
        let mut whole = Trainer::new(&network, &options, &digits.train, 2).unwrap();
        whole.fit(None).unwrap();

        let mut mlp = Mlp::new(network.validate().unwrap(), options.init, Key::new(4));
        let mut cpu = Cpu::new(mlp.architecture(), 500, 1);
        let mut order = vec![0; digits.train.len()];
        for step in 0..15u32 {
            furlough::data::epoch_order(Key::new(4), step / 3, &mut order);
            let examples = order.chunks(500).nth(step as usize % 3).unwrap();
            let batch = Batch { data: &digits.train, examples };
            let site = MaskKey { key: Key::new(4), ..site(step) };
            let factor = schedule.factor(step.into(), 15);
            cpu.scheduled_step(&mut mlp, &mut nothing(), &options.update_rule(0, 15), batch, &site, factor);
        }
        assert!(mlp == whole.state().mlp, "{text}");

        let mut first = Trainer::new(&network, &options, &digits.train, 1).unwrap();
        let mut left = 7;
        let mut stop = |event: &Event<'_>| {
            left -= i32::from(matches!(event, Event::Step { .. }));
            Ok(if left == 0 { Control::Stop } else { Control::Continue })
        };
        first.fit_with(None, &mut stop).unwrap();
        let mut second = Trainer::resume(&network, &options, &digits.train, 2, first.state().clone()).unwrap();
        second.fit(None).unwrap();
        assert!(second.state().mlp == whole.state().mlp, "{text}, resumed");
        ends.push(mlp);
    }
    assert!(
        (1..ends.len()).all(|i| ends[..i].iter().all(|other| *other != ends[i])),
        "each schedule is another training"
    );
}

fn a_fraction_out_of_range_is_refused_before_training() {
    let digits = digits::load().unwrap();
    let network = Sequential::mlp(64, 10, &[8], Activation::Relu, 0.0, &[0.5]);
    for part in [1.5, -0.1, f64::NAN] {
        let options = TrainOptions { dropout_schedule: Schedule::Ramp(part), ..TrainOptions::default() };
        let error = Trainer::new(&network, &options, &digits.train, 1).err().unwrap().to_string();
        assert!(error.contains(&format!("dropout_schedule = ramp:{part}: write constant")), "{error}");
    }
}
