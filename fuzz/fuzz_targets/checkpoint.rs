#![no_main]

use furlough::nn::{Layer, Sequential};
use furlough_fuzz::let_panics_be_caught;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: let_panics_be_caught(),
    |bytes: &[u8]| {
        furlough_fuzz::sealed(bytes, |path| {
            let _ = furlough::files::checkpoint_progress(path);
            let _ = furlough::files::load_checkpoint_network(path, |inputs, outputs| {
                Sequential::new([Layer::Linear(inputs, outputs)])
            });
        });
    }
);
