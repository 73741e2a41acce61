#![no_main]

use furlough_fuzz::let_panics_be_caught;
use furlough_tables::Schema;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: let_panics_be_caught(),
    |bytes: &[u8]| {
        if let Ok(text) = std::str::from_utf8(bytes)
            && let Ok(schema) = Schema::parse_toml(text, None)
        {
            let written = schema.to_toml();
            assert_eq!(Schema::parse_toml(&written, None).expect("what was written is read").to_toml(), written);
        }
    }
);
