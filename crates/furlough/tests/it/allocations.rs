//! A step allocates nothing after the first, and masked passes nothing more for more samples. The
//! counter counts every thread, so the test runs in a process of its own.

use crate::common::MOMENTUM;
use furlough::compute::Cpu;
use furlough::data::{Batch, Dataset, Features, Targets};
use furlough::nn::{Activation, DropoutKind, Init, InputColumn, InputStage, MaskKey, MaskSharing, Mlp, Sequential};
use furlough::optim::{Optimizer, OptimizerState, Regularizers, UpdateRule};
use furlough::random::{Key, Stream};
use furlough::train::{TrainOptions, Trainer, TrainingMemory};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

furlough_harness::tests![a_step_allocates_nothing_after_the_first_and_a_pass_nothing_at_all,];

struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn data() -> Dataset {
    let rows = ndarray::Array2::from_shape_fn((512, 784), |(i, j)| (i * j) as u8);
    let labels = (0..512).map(|i| i % 10).collect();
    let names = (0..10).map(|c| c.to_string()).collect();
    Dataset::new(Features::Bytes { rows, scale: 1.0 / 255.0 }, Targets::Classes { labels, names }, &[28, 28]).unwrap()
}

fn a_step_allocates_nothing_after_the_first_and_a_pass_nothing_at_all() {
    furlough_harness::alone("allocations::a_step_allocates_nothing_after_the_first_and_a_pass_nothing_at_all", || {
        steps();
        passes();
        reckoned();
    });
}

fn steps() {
    let data = data();
    let examples: Vec<u32> = (0..512).collect();
    let mut columns = vec![InputColumn::Number; 784];
    // The first byte of each is 0.
    columns[0] = InputColumn::Category { levels: 9, width: 1 };
    let numbers = InputStage::new(columns).with_scaling();
    let plain = UpdateRule::default();
    let bounded = Regularizers { max_norm: Some(1.0), ..Regularizers::default() };
    let rules = [
        plain,
        UpdateRule { optimizer: MOMENTUM, regularizers: bounded, ..plain },
        UpdateRule { optimizer: Optimizer::ADAMW, learning_rate: 0.001, ..plain },
        UpdateRule { clip_norm: Some(0.1), ..plain },
        UpdateRule { optimizer: Optimizer::ADAM, learning_rate: 0.001, clip_norm: Some(0.1), ..plain },
    ];
    for rule in rules {
        let (none, batch, groups) = (MaskSharing::PerExample, MaskSharing::Batch, MaskSharing::rows(50).unwrap());
        let plain = DropoutKind::Bernoulli;
        for (activation, threads, sharing, kind) in [
            (Activation::Relu, 1, none, plain),
            (Activation::Gelu, 2, none, plain),
            (Activation::Gelu, 9, none, plain), // more than tiles of rows
            (Activation::Relu, 1, batch, plain),
            (Activation::Gelu, 2, groups, plain),
            (Activation::Relu, 2, none, DropoutKind::DropConnect),
            (Activation::Relu, 2, none, DropoutKind::Concrete),
        ] {
            let network = Sequential::mlp(784, 10, &[256, 256], activation, 0.1, &[0.2, 0.5]);
            let network = network.with_sharing(sharing).with_dropout_kind(kind);
            let network = if threads == 9 { network.with_input_stage(numbers.clone()) } else { network };
            let mut mlp = Mlp::new(network.validate().unwrap(), Init::Kaiming, Key::new(0));
            let mut state = OptimizerState::new(&rule.optimizer, mlp.parameters().len());
            let mut cpu = Cpu::new(mlp.architecture(), 256, threads);
            let mut step = |step: u32, examples: &[u32]| {
                let site = MaskKey { key: Key::new(0), stream: Stream::Dropout, step, layer: 0 };
                // Some steps of a schedule, with dropout and without.
                let factor = [1.0, 0.5, 0.0][step as usize % 3];
                cpu.scheduled_step(&mut mlp, &mut state, &rule, Batch { data: &data, examples }, &site, factor);
            };
            // Every worker warms up: which one takes which tile is left to chance.
            (0..20).for_each(|n| step(n, &examples[..256]));
            let before = CALLS.load(Ordering::Relaxed);
            (20..60).for_each(|n| step(n, &examples[n as usize..][..256]));
            step(60, &examples[300..396]);
            let calls = CALLS.load(Ordering::Relaxed) - before;
            assert_eq!(
                calls, 0,
                "{calls} allocations in 41 steps, {threads} threads, {activation:?}, {sharing}, {kind:?}"
            );
        }
    }
}

/// What a training is reckoned to take is what it takes, or somewhat more.
fn reckoned() {
    let data = data();
    let cases = [
        (&[256, 256][..], 256, Optimizer::SGD, DropoutKind::Bernoulli),
        (&[2048, 2048], 32, MOMENTUM, DropoutKind::Bernoulli),
        (&[4096], 512, Optimizer::ADAM, DropoutKind::Gaussian),
        (&[1024, 1024], 64, Optimizer::ADAMW, DropoutKind::DropConnect),
    ];
    for (hidden, batch_size, optimizer, kind) in cases {
        let network = Sequential::mlp(784, 10, hidden, Activation::Gelu, 0.0, &vec![0.5; hidden.len()]);
        let network = network.with_dropout_kind(kind);
        let options = TrainOptions { batch_size, optimizer, ..TrainOptions::default() };
        let memory = TrainingMemory::of(&network.validate().unwrap(), &options, data.len(), 2).training();
        let before = BYTES.load(Ordering::Relaxed);
        let trainer = Trainer::new(&network, &options, &data, 2).unwrap();
        // The system was asked for all of it once, and gave it back.
        let taken = (BYTES.load(Ordering::Relaxed) - before) as u64 - memory;
        drop(trainer);
        assert!(taken <= memory, "{hidden:?}, {batch_size}: {taken} bytes of {memory}");
        assert!(memory <= 2 * taken + (8 << 20), "{hidden:?}, {batch_size}: {taken} bytes of {memory}");
    }
}

/// More samples than are taken at once cost no more allocations and no more memory.
fn passes() {
    let data = data();
    for (input_dropout, threads) in [(0.0, 1), (0.2, 2)] {
        let network = Sequential::mlp(784, 10, &[64, 64], Activation::Relu, input_dropout, &[0.2, 0.5]);
        let mlp = Mlp::new(network.validate().unwrap(), Init::Kaiming, Key::new(0));
        let mut cpu = Cpu::new(mlp.architecture(), 0, threads);
        let mut kept = [0.0; 8];
        let mut sample = |samples: u32| {
            let before = (CALLS.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed));
            cpu.sample(&mlp, &data, 0..8, Key::new(1), 0..samples, &mut kept, &|given, kept| {
                kept[0] += given.rows().map(|row| f64::from(row[0])).sum::<f64>();
            });
            (CALLS.load(Ordering::Relaxed) - before.0, BYTES.load(Ordering::Relaxed) - before.1)
        };
        sample(2 * 2048); // large enough for every worker, whose threads may only be starting
        let most = sample(2 * 2048); // the engine takes 2,048 of 8 examples at once
        assert_eq!(sample(8 * 2048), most, "calls and bytes, {threads} threads");
        assert!(most.0 < 10 && most.1 < 4 << 20, "{most:?}");
        assert!(sample(20).1 < most.1);
    }
}
