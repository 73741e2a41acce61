//! Rows of a file give what the same rows in memory do.

use furlough::compute::Cpu;
use furlough::data::{Batch, BlockShuffle, Dataset, DiskDataset, DiskWriter, EvalData, Examples, Targets};
use furlough::nn::{DropoutKind, Init, InputColumn, InputStage, Layer, MaskKey, Mlp, Sequential};
use furlough::optim::{Optimizer, OptimizerState};
use furlough::random::{Key, Stream};
use furlough::train::{ClassWeights, Control, LossOptions, TrainOptions, TrainState, Trainer};
use ndarray::Array2;
use std::path::Path;

furlough_harness::tests![
    steps_are_those_of_the_order_in_memory,
    threads_change_no_bit_of_a_file,
    resuming_at_any_step_changes_no_bit,
    scores_of_a_file_are_those_of_memory,
    concrete_dropout_knows_how_many_rows_there_are,
    a_file_that_goes_away_is_an_error,
    a_network_that_is_given_is_taken_as_it_is,
    blocks_larger_than_the_file_take_no_memory,
    levels_of_a_file_are_those_of_the_network,
    what_needs_all_rows_in_memory_is_refused,
];

const ROWS: usize = 103;

const SHUFFLE: BlockShuffle = BlockShuffle { block_rows: 8, window_blocks: 3 };

fn data() -> Dataset {
    let rows = Array2::from_shape_fn((ROWS, 5), |(i, j)| ((i * 7 + j * 31) % 23) as f32 / 11.0 - 1.0);
    let labels = rows.rows().into_iter().map(|row| usize::from(row[1] > row[0]) + usize::from(row[2] > 0.5));
    let labels: Vec<usize> = labels.collect();
    let data = Dataset::classification(rows, labels).unwrap();
    data.with_weights((0..ROWS).map(|row| 0.5 + (row % 3) as f32).collect()).unwrap()
}

fn on_disk(folder: &Path, data: &Dataset) -> DiskDataset {
    let mut writer = DiskWriter::create(&folder.join("rows")).unwrap();
    writer.append(data).unwrap();
    writer.finish().unwrap().with_shuffle(SHUFFLE).unwrap()
}

fn network() -> Sequential {
    use Layer::*;
    Sequential::new([Dropout(0.2), Linear(5, 16), Relu, Dropout(0.5), Linear(16, 3)])
}

fn options() -> TrainOptions {
    let loss = LossOptions { class_weights: Some(ClassWeights::Balanced), label_smoothing: 0.1 };
    let init = "kaiming".parse().unwrap();
    TrainOptions { loss, init, learning_rate: 0.1, batch_size: 10, epochs: 3, seed: 9, ..TrainOptions::default() }
}

fn trained(disk: &DiskDataset, options: &TrainOptions, threads: usize) -> Mlp {
    let mut trainer = Trainer::new(&network(), options, disk, threads).unwrap();
    trainer.fit(Some(EvalData::test(disk))).unwrap();
    trainer.into_mlp()
}

/// Masks go by a row's number in the file, whatever window and batch it is in.
fn steps_are_those_of_the_order_in_memory() {
    let (folder, data, options) = (tempfile::tempdir().unwrap(), data(), options());
    let key = Key::new(options.seed);
    let mut mlp = Mlp::new(network().validate().unwrap(), options.init, key);
    let mut state = OptimizerState::new(&Optimizer::SGD, mlp.parameters().len());
    let mut cpu = Cpu::new(mlp.architecture(), options.batch_size, 1);
    cpu.minimize(options.loss.of(&data).unwrap());
    let mut step = 0;
    for epoch in 0..options.epochs {
        for examples in SHUFFLE.epoch_order(key, epoch, ROWS).chunks(options.batch_size) {
            let site = MaskKey { key, stream: Stream::Dropout, step, layer: 0 };
            let batch = Batch { data: &data, examples };
            cpu.train_step(&mut mlp, &mut state, &options.update_rule(u64::from(step), 33), batch, &site);
            step += 1;
        }
    }
    assert_eq!(trained(&on_disk(folder.path(), &data), &options, 1), mlp);
}

fn threads_change_no_bit_of_a_file() {
    let (folder, options) = (tempfile::tempdir().unwrap(), options());
    let disk = on_disk(folder.path(), &data());
    let one = trained(&disk, &options, 1);
    for threads in [2, 3] {
        assert_eq!(trained(&disk, &options, threads), one);
    }
}

fn resuming_at_any_step_changes_no_bit() {
    let (folder, options) = (tempfile::tempdir().unwrap(), options());
    let disk = on_disk(folder.path(), &data());
    let whole = trained(&disk, &options, 1);
    for stop in (1..33).step_by(4) {
        let mut first = Trainer::new(&network(), &options, &disk, 1).unwrap();
        let mut steps = 0;
        let mut stopped: Option<TrainState> = None;
        let mut observer = |event: &furlough::train::Event<'_>| {
            match event {
                furlough::train::Event::Step { .. } => steps += 1,
                furlough::train::Event::Checkpoint { state } => stopped = Some((*state).clone()),
                _ => {}
            }
            Ok(if steps == stop { Control::Stop } else { Control::Continue })
        };
        first.fit_with(None, &mut observer).unwrap();
        drop(first);
        let mut second = Trainer::resume(&network(), &options, &disk, 2, stopped.unwrap()).unwrap();
        second.fit(None).unwrap();
        assert_eq!(second.into_mlp(), whole, "stopped after {stop} steps");
    }
}

fn scores_of_a_file_are_those_of_memory() {
    let (folder, data) = (tempfile::tempdir().unwrap(), data());
    let disk = on_disk(folder.path(), &data);
    let options = TrainOptions { full_train_figures: true, ..options() };
    let mut trainer = Trainer::new(&network(), &options, &disk, 1).unwrap();
    let mut told = Vec::new();
    trainer.on_epoch(|epoch| assert!(epoch.full_train.is_some()));
    trainer.fit(None).unwrap();
    for _ in 0..2 {
        told.push(trainer.evaluate(&disk).unwrap());
        told.push(trainer.evaluate(&data).unwrap());
    }
    assert!(told.iter().all(|scores| *scores == told[0]), "{told:?}");
}

fn concrete_dropout_knows_how_many_rows_there_are() {
    let (folder, data) = (tempfile::tempdir().unwrap(), data());
    let network = network().with_dropout_kind(DropoutKind::Concrete);
    let disk = on_disk(folder.path(), &data);
    // One window of one batch: the order within it changes sums in their last digits only.
    let options = TrainOptions { batch_size: ROWS, epochs: 2, ..options() };
    let learned = |trainer: &mut Trainer<'_>| {
        trainer.fit(None).unwrap();
        trainer.state().mlp.dropout_logits().to_vec()
    };
    let of_disk = learned(&mut Trainer::new(&network, &options, &disk, 1).unwrap());
    let of_memory = learned(&mut Trainer::new(&network, &options, &data, 1).unwrap());
    assert!(of_disk.iter().zip(&of_memory).all(|(a, b)| (a - b).abs() < 1e-5), "{of_disk:?} {of_memory:?}");
}

fn what_needs_all_rows_in_memory_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let disk = on_disk(folder.path(), &data());
    let refusal = |options| Trainer::new(&network(), &options, &disk, 1).err().unwrap().to_string();
    let error = refusal(TrainOptions { drop_last: true, ..options() });
    assert!(error.contains("drop_last = true: needs all rows in memory"), "{error}");
    let error = refusal(TrainOptions { init: Init::DataDriven, ..options() });
    assert!(error.contains("init = data-driven: looks at many rows at once"), "{error}");
}

fn a_file_that_goes_away_is_an_error() {
    let (folder, options) = (tempfile::tempdir().unwrap(), options());
    let disk = on_disk(folder.path(), &data());
    let mut trainer = Trainer::new(&network(), &options, &disk, 1).unwrap();
    std::fs::File::options().write(true).open(disk.path()).unwrap().set_len(100).unwrap();
    let said = trainer.fit(None).unwrap_err().to_string();
    assert!(said.starts_with("cannot read "), "{said}");
    assert_eq!(trainer.fit(None).unwrap_err().to_string(), said, "and again, without waiting for ever");
}

/// First weights by the data need rows in memory, a network that is given does not.
fn a_network_that_is_given_is_taken_as_it_is() {
    let (folder, init) = (tempfile::tempdir().unwrap(), Init::DataDriven);
    let disk = on_disk(folder.path(), &data());
    let mlp = Mlp::new(network().validate().unwrap(), Init::Kaiming, Key::new(5));
    let options = TrainOptions { init, ..options() };
    assert_eq!(Trainer::from_mlp(mlp.clone(), &options, &disk, 1).unwrap().into_mlp(), mlp);
    let said = Trainer::new(&network(), &options, &disk, 1).err().unwrap().to_string();
    assert!(said.contains("looks at many rows at once"), "{said}");
}

fn blocks_larger_than_the_file_take_no_memory() {
    let (folder, data) = (tempfile::tempdir().unwrap(), data());
    let of = |block_rows| {
        let shuffle = BlockShuffle { block_rows, window_blocks: 3 };
        trained(&on_disk(folder.path(), &data).with_shuffle(shuffle).unwrap(), &options(), 1)
    };
    // Windows of so many rows would be 130 GB.
    assert_eq!(of(u32::MAX), of(ROWS as u32));
}

fn levels_of_a_file_are_those_of_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let rows = || Array2::from_shape_fn((40, 2), |(row, column)| if column == 0 { 0.5 } else { (row % 4) as f32 });
    let of = |levels: Option<u32>| {
        let examples = Examples::try_from(rows()).unwrap().with_feature_names(["size", "state"]).unwrap();
        let examples = levels.map_or(Ok(examples.clone()), |levels| examples.with_levels([0, levels])).unwrap();
        let targets = Targets::Values(Array2::from_shape_fn((40, 1), |(row, _)| (row % 4) as f32));
        Dataset::of(examples, targets).unwrap()
    };
    let stage = InputStage::new([InputColumn::Number, InputColumn::Category { levels: 5, width: 2 }]);
    let network = Sequential::new([Layer::Linear(3, 1)]).with_input_stage(stage);
    let options = TrainOptions { epochs: 2, learning_rate: 0.01, ..TrainOptions::default() };
    for levels in [4, 5] {
        let disk = on_disk(folder.path(), &of(Some(levels)));
        let mut trainer = Trainer::new(&network, &options, &disk, 1).unwrap();
        trainer.fit(Some(EvalData::test(&disk))).unwrap();
    }
    let cases = [(None, "is a number"), (Some(6), "has 6 levels")];
    for (levels, has) in cases {
        let disk = on_disk(folder.path(), &of(levels));
        let said = Trainer::new(&network, &options, &disk, 1).err().unwrap().to_string();
        let expected = format!("feature 1 (\"state\") {has}, but the network takes a category of 1 to 5 levels there");
        assert!(said.ends_with(&expected), "{said}");
        let memory = of(Some(5));
        let mut trainer = Trainer::new(&network, &options, &memory, 1).unwrap();
        assert_eq!(trainer.evaluate(&disk).unwrap_err().to_string(), said);
        assert_eq!(trainer.fit(Some(EvalData::test(&disk))).unwrap_err().to_string(), said);
    }
}
