#![no_main]

use furlough_fuzz::let_panics_be_caught;
use furlough_tables::TableModel;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: let_panics_be_caught(),
    |bytes: &[u8]| {
        furlough_fuzz::sealed(bytes, |path| {
            let _ = furlough::files::load_model(path);
            let _ = TableModel::load(path, 1);
        });
    }
);
