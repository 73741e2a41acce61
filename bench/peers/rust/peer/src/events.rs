use std::time::Duration;

use serde_json::{Value, json};

use crate::{Flags, Means};

/// Standard output is flushed at the end of each line.
fn emit(event: &Value) {
    println!("{event}");
}

pub fn start(flags: &Flags, framework: Value) {
    let mut event = json!({
        "event": "start",
        "threads": flags.threads,
        "widths": flags.widths(),
        "dropout": flags.dropout,
        "seed": flags.seed,
        "target_features": target_features(),
    });
    if let (Value::Object(event), Value::Object(framework)) = (&mut event, framework) {
        event.extend(framework);
    }
    emit(&event);
}

/// What the compiler was allowed to use: a build without `target-cpu=native` shows here.
fn target_features() -> &'static str {
    match () {
        _ if cfg!(target_feature = "avx512f") => "avx512f",
        _ if cfg!(target_feature = "avx2") => "avx2",
        _ => "baseline",
    }
}

pub fn first_step(loss: f64) {
    emit(&json!({"event": "step", "epoch": 1, "step": 1, "loss": loss}));
}

pub fn epoch(epoch: usize, train: &Means, test: &Means, took: Duration) {
    emit(&json!({
        "event": "epoch",
        "epoch": epoch,
        "train_loss": train.loss,
        "train_accuracy": train.accuracy,
        "test_loss": test.loss,
        "test_accuracy": test.accuracy,
        "seconds": took.as_secs_f64(),
    }));
}

pub fn stop() {
    emit(&json!({"event": "stop", "reason": "finished"}));
}
