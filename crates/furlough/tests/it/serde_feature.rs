//! With the feature `serde`: settings and results survive being written and read.

use furlough::data::{Partition, digits};
use furlough::nn::{Layer::*, Sequential};
use furlough::optim::{Optimizer, Schedule};
use furlough::predict::Predictor;
use furlough::train::{TrainOptions, Trainer};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

furlough_harness::tests![settings_and_results_survive];

fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(serde_json::from_str::<T>(&text).unwrap(), *value, "{text}");
}

fn settings_and_results_survive() {
    let digits = digits::load().unwrap();
    let network = Sequential::new([Flatten, Linear(64, 16), Relu, Dropout(0.5), Linear(16, 10)]);
    let options = TrainOptions {
        optimizer: Optimizer::ADAMW,
        learning_rate: 0.01,
        lr_schedule: Schedule::Warmup(0.1, Box::new(Schedule::Cosine)),
        epochs: 2,
        ..TrainOptions::default()
    };
    survives(&network);
    survives(&options);
    survives(&Partition { folds: Some(5), ..Partition::default() });
    let mut trainer = Trainer::new(&network, &options, &digits.train, 1).unwrap();
    trainer.fit(None).unwrap();
    survives(&trainer.evaluate(&digits.test).unwrap());
    let mut predictor = Predictor::new(trainer.into_mlp(), 1);
    survives(&predictor.evaluate(&digits.test).unwrap());
    survives(&predictor.monte_carlo(&digits.test, 3, furlough::random::Key::new(0)).unwrap());
}
