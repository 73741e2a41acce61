#![no_main]

use furlough_fuzz::let_panics_be_caught;
use furlough_lab::recipe::Settings;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: let_panics_be_caught(),
    |bytes: &[u8]| {
        if let Ok(text) = std::str::from_utf8(bytes)
            && let Ok(settings) = Settings::parse(text, None)
            && let Ok(recipe) = settings.resolve()
        {
            let _ = Settings::parse(&recipe.to_toml(), None).expect("what was written is read");
        }
    }
);
