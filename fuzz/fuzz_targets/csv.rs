#![no_main]

use furlough_fuzz::let_panics_be_caught;
use furlough_tables::FileFormat;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: let_panics_be_caught(),
    |bytes: &[u8]| {
        // The first byte is the delimiter and the second one the switches.
        let [delimiter, switches, bytes @ ..] = bytes else { return };
        let format = FileFormat::Csv {
            delimiter: *delimiter as char,
            quote: (switches & 1 == 1).then_some('"'),
            header: switches & 2 == 2,
            decimal_comma: switches & 4 == 4,
        };
        furlough_fuzz::read(bytes, &format);
    }
);
