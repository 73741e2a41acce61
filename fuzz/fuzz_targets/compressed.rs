#![no_main]

use furlough_fuzz::let_panics_be_caught;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: let_panics_be_caught(),
    |bytes: &[u8]| {
        furlough_fuzz::find_out(bytes);
    }
);
