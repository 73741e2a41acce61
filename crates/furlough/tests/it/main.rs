//! The tests of the engine, in one program, so that they are linked once.

mod activations;
mod allocations;
mod averaging;
mod common;
mod concrete;
mod drop_connect;
mod dropout;
mod mask_statistics;
mod masks_python;
mod module_order;
mod monte_carlo;
mod noise;
mod plain;
mod predict;
mod properties;
mod pytorch;
mod schedule;
mod shared;
mod step;
mod trainer;
mod two_levels;

use std::process::ExitCode;

fn main() -> ExitCode {
    furlough_harness::run(
        [
            activations::tests(),
            allocations::tests(),
            averaging::tests(),
            concrete::tests(),
            drop_connect::tests(),
            dropout::tests(),
            mask_statistics::tests(),
            masks_python::tests(),
            module_order::tests(),
            monte_carlo::tests(),
            monte_carlo::passes::tests(),
            noise::tests(),
            plain::tests(),
            predict::tests(),
            properties::tests(),
            pytorch::tests(),
            schedule::tests(),
            shared::tests(),
            step::tests(),
            trainer::tests(),
            two_levels::tests(),
        ]
        .into_iter()
        .flatten()
        .collect(),
    )
}
