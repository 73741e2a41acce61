#![no_main]

use furlough_fuzz::let_panics_be_caught;
use furlough_lab::study::Study;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: let_panics_be_caught(),
    |bytes: &[u8]| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            let _ = Study::parse(text, None);
        }
    }
);
