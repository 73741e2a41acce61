//! The tests of the engine, in one program, so that they are linked once.

mod activations;
mod allocations;
mod averaging;
mod common;
mod concrete;
mod disk;
mod drop_connect;
mod dropout;
mod early_stopping;
mod input_stage;
mod mask_statistics;
mod masks_python;
mod module_order;
mod moments;
mod monte_carlo;
mod noise;
mod optimizers;
mod plain;
mod plan;
mod predict;
mod properties;
mod pytorch;
mod realmlp;
mod schedule;
#[cfg(feature = "serde")]
mod serde_feature;
mod shared;
mod step;
mod trainer;
mod two_levels;
mod version1;
mod weights;

use std::process::ExitCode;

fn main() -> ExitCode {
    furlough_harness::run(furlough_harness::all![
        activations,
        allocations,
        averaging,
        concrete,
        disk,
        drop_connect,
        dropout,
        early_stopping,
        input_stage,
        mask_statistics,
        masks_python,
        module_order,
        moments,
        monte_carlo,
        monte_carlo::passes,
        noise,
        optimizers,
        plain,
        plan,
        predict,
        properties,
        pytorch,
        realmlp,
        schedule,
        #[cfg(feature = "serde")]
        serde_feature,
        shared,
        step,
        trainer,
        two_levels,
        version1,
        weights,
    ])
}
