//! The loop: what it promises about stopping, resuming, events and errors.

use crate::common::{MOMENTUM, whole_and_in_pieces};
use furlough::compute::Cpu;
use furlough::data::{Batch, Dataset, EvalData, Features, Targets, epoch_order};
use furlough::nn::{Init, Layer::*, MaskKey, Mlp, Sequential};
use furlough::optim::{Optimizer, OptimizerState, Schedule, UpdateRule};
use furlough::random::{Key, Stream};
use furlough::train::{Control, Event, StopReason, TrainOptions, TrainState, Trainer};
use furlough::{Error, Result};
use ndarray::Array2;

furlough_harness::tests![
    the_learning_rate_follows_its_schedule,
    stopping_anywhere_and_resuming_changes_no_bit,
    events_come_in_order_and_checkpoints_when_due,
    an_observer_may_ask_for_a_checkpoint_and_no_bit_changes,
    a_loss_that_is_not_finite_ends_the_run_with_what_was_learned_before,
    an_overflow_in_an_epochs_last_step_is_divergence,
    an_observers_error_ends_the_run,
    a_batch_larger_than_the_data_is_one_batch,
    a_last_short_batch_can_be_left_out,
    what_does_not_fit_is_refused_with_its_reason,
    a_run_that_is_over_still_has_a_plan,
];

/// 150 examples: which quarter of the square is it in?
fn quarters() -> Dataset {
    let unit = |w: u32| w as f32 / u32::MAX as f32;
    let word = |i: usize, j: usize| unit(Key::new(4).draw(Stream::Shuffle, 9, i as u32, j as u32, 0)[0]);
    let rows = Array2::from_shape_fn((150, 2), |(i, j)| word(i, j));
    let labels = rows.rows().into_iter().map(|r| u32::from(r[0] > 0.5) * 2 + u32::from(r[1] > 0.5)).collect();
    let names = ["sw", "nw", "se", "ne"].map(String::from).to_vec();
    Dataset::new(Features::Floats(rows), Targets::Classes { labels, names }, &[2]).unwrap()
}

fn network() -> Sequential {
    Sequential::new([Linear(2, 33), Relu, Dropout(0.25), Linear(33, 20), Tanh, Dropout(0.5), Linear(20, 4)])
}

fn options() -> TrainOptions {
    TrainOptions {
        init: "kaiming".parse().unwrap(),
        optimizer: MOMENTUM,
        learning_rate: 0.1,
        lr_schedule: Schedule::Cosine,
        batch_size: 16,
        epochs: 6,
        seed: 77,
        ..TrainOptions::default()
    }
}

fn bits(state: &TrainState) -> Vec<u32> {
    state.mlp.parameters().iter().copied().chain(state.optimizer.values()).map(f32::to_bits).collect()
}

/// The learning rate of each step is the schedule's, of all steps of all epochs, and nothing else
/// changes.
fn the_learning_rate_follows_its_schedule() {
    let data = quarters();
    for lr_schedule in ["constant", "linear", "cosine", "onecycle", "warmup:0.3+coslog4"] {
        let lr_schedule: Schedule = lr_schedule.parse().unwrap();
        let options = TrainOptions { lr_schedule: lr_schedule.clone(), epochs: 2, ..options() };
        let mut trainer = Trainer::new(&network(), &options, &data, 1).unwrap();
        trainer.fit(None).unwrap();

        let architecture = network().validate().unwrap();
        let mut mlp = Mlp::new(architecture.clone(), options.init, Key::new(options.seed));
        let mut state = OptimizerState::new(&options.optimizer, mlp.parameters().len());
        let mut cpu = Cpu::new(&architecture, options.batch_size, 1);
        for step in 0..20u32 {
            let mut order = vec![0; data.len()];
            epoch_order(Key::new(options.seed), step / 10, &mut order);
            let examples = order.chunks(16).nth(step as usize % 10).unwrap();
            let site = MaskKey { key: Key::new(options.seed), stream: Stream::Dropout, step, layer: 0 };
            let learning_rate = 0.1 * lr_schedule.factor(u64::from(step), 20);
            let rule = UpdateRule { optimizer: MOMENTUM, learning_rate, ..UpdateRule::default() };
            cpu.train_step(&mut mlp, &mut state, &rule, Batch { data: &data, examples }, &site);
        }
        assert_eq!(*trainer.state().mlp.parameters(), *mlp.parameters(), "{lr_schedule}");
    }
}

fn stopping_anywhere_and_resuming_changes_no_bit() {
    let data = quarters();
    let mut whole = Trainer::new(&network(), &options(), &data, 1).unwrap();
    let mut summaries = Vec::new();
    whole
        .fit_with(Some(EvalData::test(&data)), &mut |e: &Event<'_>| {
            if let Event::Epoch(summary) = e {
                summaries.push((*summary).clone());
            }
            Ok(Control::Continue)
        })
        .unwrap();
    // Ten steps an epoch: within an epoch, at its end, just after, at the end of all.
    for stop_at in [1, 9, 10, 11, 25, 59, 60] {
        let mut first = Trainer::new(&network(), &options(), &data, 2).unwrap();
        let mut steps = 0;
        let mut saved = None;
        let mut seen = Vec::new();
        let reason = first
            .fit_with(Some(EvalData::test(&data)), &mut |e: &Event<'_>| {
                match e {
                    Event::Step { .. } => steps += 1,
                    Event::Checkpoint { state } => saved = Some((*state).clone()),
                    Event::Epoch(summary) => seen.push((*summary).clone()),
                    _ => {}
                }
                Ok(if steps >= stop_at { Control::Stop } else { Control::Continue })
            })
            .unwrap();
        assert_eq!(steps, stop_at, "stops after the step it was asked in");
        assert_eq!(reason, if stop_at == 60 { StopReason::Finished } else { StopReason::Asked });
        let saved = saved.expect("stopping sends a checkpoint");
        assert_eq!(&saved, first.state());
        let mut second = Trainer::resume(&network(), &options(), &data, 1, saved).unwrap();
        let collect = &mut |e: &Event<'_>| {
            if let Event::Epoch(summary) = e {
                seen.push((*summary).clone());
            }
            Ok(Control::Continue)
        };
        assert_eq!(second.fit_with(Some(EvalData::test(&data)), collect).unwrap(), StopReason::Finished);
        assert_eq!(bits(second.state()), bits(whole.state()), "stopped after step {stop_at}");
        assert_eq!(seen, summaries, "stopped after step {stop_at}");
    }
}

fn events_come_in_order_and_checkpoints_when_due() {
    let data = quarters();
    let mut trainer = Trainer::new(&network(), &TrainOptions { epochs: 2, ..options() }, &data, 1).unwrap();
    trainer.checkpoint_every(Some(4));
    let mut told = String::new();
    let (mut loss, mut right) = (0.0, 0.0);
    trainer
        .fit_with(Some(EvalData::test(&data)), &mut |e: &Event<'_>| {
            if let Event::Step { examples, loss: mean, accuracy, .. } = e {
                loss += mean * *examples as f64;
                right += accuracy.unwrap() * *examples as f64;
            }
            if let Event::Epoch(summary) = e {
                assert!((summary.train_loss - loss / 150.0).abs() < 1e-9);
                assert!((summary.train_accuracy.unwrap() - right / 150.0).abs() < 1e-9);
                (loss, right) = (0.0, 0.0);
            }
            told.push(match e {
                Event::Start { epochs: 2, steps_per_epoch: 10, examples: 150, .. } => '<',
                Event::Step { .. } => 's',
                Event::EvaluationStart { examples: 150, .. } => '?',
                Event::Epoch(_) => 'E',
                Event::Checkpoint { .. } => 'c',
                Event::Stop { reason: StopReason::Finished, .. } => '>',
                other => panic!("unexpected {other:?}"),
            });
            Ok(Control::Continue)
        })
        .unwrap();
    assert_eq!(told, "<sssscsssscss?Ecsscsssscssss?Ec>");
}

fn an_observer_may_ask_for_a_checkpoint_and_no_bit_changes() {
    let data = quarters();
    let epochs = TrainOptions { epochs: 2, ..options() };
    let mut whole = Trainer::new(&network(), &epochs, &data, 1).unwrap();
    whole.fit(None).unwrap();
    let mut trainer = Trainer::new(&network(), &epochs, &data, 1).unwrap();
    let mut told = String::new();
    let mut watch = |e: &Event<'_>| {
        told.push(match e {
            Event::Step { .. } => 's',
            Event::Checkpoint { .. } => 'c',
            Event::Epoch(_) => 'E',
            _ => return Ok(Control::Continue),
        });
        Ok(if told.len() == 3 || told.ends_with('E') { Control::Save } else { Control::Continue })
    };
    assert_eq!(trainer.fit_with(None, &mut (&mut watch, ())).unwrap(), StopReason::Finished);
    assert_eq!(told, "ssscsssssssEcssssssssssEc", "once where an epoch's end saves by itself");
    assert_eq!(bits(trainer.state()), bits(whole.state()));
}

fn a_loss_that_is_not_finite_ends_the_run_with_what_was_learned_before() {
    let data = quarters();
    let relu = Sequential::new([Linear(2, 33), Relu, Linear(33, 33), Relu, Linear(33, 4)]);
    // The first rate makes the logits overflow with the weights still finite, the second the
    // weights themselves.
    let Features::Floats(rows) = data.inputs() else { unreachable!() };
    let far = Dataset::new(Features::Floats(rows * 1e4), data.targets().clone(), &[2]).unwrap();
    for (data, learning_rate, saves) in [(&data, 1e12, true), (&far, 1e38, false)] {
        let wild = TrainOptions { optimizer: Optimizer::SGD, learning_rate, ..options() };
        let mut trainer = Trainer::new(&relu, &wild, data, 1).unwrap();
        let mut saved = None;
        let error = trainer
            .fit_with(None, &mut |e: &Event<'_>| {
                if let Event::Checkpoint { state } = e {
                    saved = Some((*state).clone());
                }
                Ok(Control::Continue)
            })
            .unwrap_err();
        let Error::NotFinite { epoch: 1, step, .. } = error else { panic!("{error}") };
        assert!((2..=10).contains(&step), "{error}");
        assert!(error.to_string().contains("smaller learning rate"));
        assert_eq!(saved.is_some(), saves, "at rate {learning_rate}");
        if let Some(saved) = saved {
            assert_eq!(saved.progress.step, step - 1);
            assert!(saved.mlp.parameters().iter().all(|p| p.is_finite()));
        }
    }
}

fn an_overflow_in_an_epochs_last_step_is_divergence() {
    let data = quarters();
    let relu = Sequential::new([Linear(2, 33), Relu, Linear(33, 33), Relu, Linear(33, 4)]);
    // One step an epoch, so that no later step's loss shows the overflow of this one.
    for (epochs, test) in [(1, None), (1, Some(EvalData::test(&data))), (3, Some(EvalData::test(&data)))] {
        let (optimizer, learning_rate) = (Optimizer::SGD, 1e15);
        let wild = TrainOptions { optimizer, learning_rate, batch_size: data.len(), epochs, ..options() };
        let mut trainer = Trainer::new(&relu, &wild, &data, 1).unwrap();
        let mut told = Vec::new();
        let error = trainer
            .fit_with(test, &mut |e: &Event<'_>| {
                match e {
                    Event::Epoch(_) => told.push("epoch"),
                    Event::Checkpoint { .. } => told.push("checkpoint"),
                    Event::Stop { .. } => told.push("stop"),
                    Event::Diverged { epoch: 1, step: 1, loss } if !loss.is_finite() => told.push("diverged"),
                    _ => {}
                }
                Ok(Control::Continue)
            })
            .unwrap_err();
        assert!(matches!(error, Error::NotFinite { epoch: 1, step: 1, .. }), "{error}");
        assert_eq!(told, ["diverged"], "no epoch is told whose figures are of outputs that overflowed");
    }
}

fn an_observers_error_ends_the_run() {
    let data = quarters();
    let mut trainer = Trainer::new(&network(), &options(), &data, 1).unwrap();
    let broken = || Error::Data { origin: "disk".into(), reason: "full".into() };
    let error = trainer
        .fit_with(None, &mut |e: &Event<'_>| match e {
            Event::Step { step: 3, .. } => Err(broken()),
            _ => Ok(Control::Continue),
        })
        .unwrap_err();
    assert_eq!(error.to_string(), broken().to_string());
    assert_eq!(trainer.state().progress.step, 3);
}

/// 150 examples make nine batches of 16, and six are left out.
fn a_last_short_batch_can_be_left_out() {
    let data = quarters();
    let options = TrainOptions { drop_last: true, ..options() };
    let mut sizes = Vec::new();
    let mut trainer = Trainer::new(&network(), &options, &data, 2).unwrap();
    let mut observer = |event: &Event| {
        if let Event::Step { examples, .. } = event {
            sizes.push(*examples);
        }
        Ok(Control::Continue)
    };
    trainer.fit_with(None, &mut observer).unwrap();
    assert_eq!((trainer.steps_per_epoch(), sizes), (9, vec![16; 54]));
    // The first epoch is that of the first 144 examples of its order, and so are its figures.
    let mut order = vec![0; 150];
    epoch_order(Key::new(77), 0, &mut order);
    let mut first = Trainer::new(&network(), &options, &data, 1).unwrap();
    let (mut losses, mut told) = (0.0, None);
    let mut observer = |event: &Event| {
        match event {
            Event::Step { examples, loss, .. } => losses += *examples as f64 * loss,
            Event::Epoch(summary) => {
                told = Some((summary.train_loss, summary.train_accuracy.unwrap()));
                return Ok(Control::Stop);
            }
            _ => {}
        }
        Ok(Control::Continue)
    };
    first.fit_with(None, &mut observer).unwrap();
    let (loss, accuracy) = told.unwrap();
    assert!((loss - losses / 144.0).abs() < 1e-9, "{loss}, not {}", losses / 144.0);
    let correct = accuracy * 144.0;
    assert!((correct - correct.round()).abs() < 1e-9, "{correct} of 144 rows");
    // A batch of all is left alone.
    assert_eq!(TrainOptions { drop_last: true, batch_size: 999, ..options.clone() }.steps_per_epoch(150), 1);
    assert_eq!(TrainOptions { drop_last: false, ..options }.steps_per_epoch(150), 10);
    let options = TrainOptions { drop_last: true, ..self::options() };
    let (whole, pieces) = whole_and_in_pieces(&network(), &options, &data, &[1, 8, 2, 30]);
    assert!(whole.state() == pieces.state());
}

fn a_batch_larger_than_the_data_is_one_batch() {
    let data = quarters();
    let options = TrainOptions { batch_size: 10_000, epochs: 3, ..options() };
    let mut trainer = Trainer::new(&network(), &options, &data, 1).unwrap();
    trainer.fit(None).unwrap();
    assert_eq!(trainer.state().progress.step, 3);
}

fn what_does_not_fit_is_refused_with_its_reason() {
    let data = quarters();
    let refused = |network: Sequential, options: TrainOptions| -> String {
        Trainer::new(&network, &options, &data, 1).err().expect("refused").to_string()
    };
    let two = |inputs, outputs| Sequential::new([Linear(inputs, outputs)]);
    assert!(refused(two(3, 4), options()).contains("has 2 features an example, but the network takes 3"));
    assert!(refused(two(2, 5), options()).contains("has 4 classes or targets, but the network gives 5"));
    assert!(refused(network(), TrainOptions { batch_size: 0, ..options() }).contains("batch_size = 0"));
    assert!(refused(network(), TrainOptions { epochs: u32::MAX, ..options() }).contains("more than 2^32 steps"));
    let crowd = Trainer::new(&network(), &options(), &data, 100_000).err().expect("refused").to_string();
    assert!(crowd.contains("threads = 100000: at most 1024"), "{crowd}");
    let image = Dataset::new(data.inputs().clone(), data.targets().clone(), &[1, 2]).unwrap();
    let error = Trainer::new(&network(), &options(), &image, 1).err().unwrap().to_string();
    assert!(error.contains("put Flatten before"), "{error}");

    let mut trainer = Trainer::new(&network(), &options(), &data, 1).unwrap();
    let other = Dataset::new(Features::Floats(Array2::zeros((1, 3))), data_targets(), &[3]).unwrap();
    assert!(trainer.fit(Some(EvalData::test(&other))).unwrap_err().to_string().contains("has 3 features"));

    let numbers = Dataset::new(data.inputs().clone(), Targets::Values(Array2::zeros((150, 4))), &[2]).unwrap();
    assert!(
        trainer.fit(Some(EvalData::test(&numbers))).unwrap_err().to_string().contains("but the run learns classes")
    );
    assert!(trainer.evaluate(&other).unwrap_err().to_string().contains("has 3 features"));
    for init in [Init::Normal(f64::NAN), Init::Uniform(-1.0), Init::Normal(1e39)] {
        assert!(refused(network(), TrainOptions { init, ..options() }).contains("init = "), "{init}");
    }

    let state = |change: &dyn Fn(&mut TrainState)| -> Result<()> {
        let mut state = Trainer::new(&network(), &options(), &data, 1).unwrap().state().clone();
        change(&mut state);
        Trainer::resume(&network(), &options(), &data, 1, state).map(drop)
    };
    assert!(state(&|_| ()).is_ok());
    for bad in [
        &(|s: &mut TrainState| s.optimizer = OptimizerState::default()) as &dyn Fn(&mut TrainState),
        &|s| s.progress.step = 5,
        &|s| s.progress.step_in_epoch = 10,
        &|s| (s.progress.epoch, s.progress.step) = (7, 70),
    ] {
        assert!(state(bad).unwrap_err().to_string().contains("is not of this run"));
    }
}

fn data_targets() -> Targets {
    Targets::Classes { labels: vec![0], names: ["a", "b", "c", "d"].map(String::from).to_vec() }
}

/// A warm-up of the whole training leaves no step for what follows it.
fn a_run_that_is_over_still_has_a_plan() {
    let data = quarters();
    let schedule = Schedule::Warmup(1.0, Box::new(Schedule::Linear));
    let options = TrainOptions { epochs: 1, dropout_schedule: schedule, ..options() };
    let mut trainer = Trainer::new(&network(), &options, &data, 1).unwrap();
    trainer.fit(None).unwrap();
    assert!(!trainer.plan().unwrap().to_string().is_empty());
}
