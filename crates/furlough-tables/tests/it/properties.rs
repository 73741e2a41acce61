//! Random tables and random bytes.

use crate::common::{csv, file, numbers, texts};
use furlough_tables::{FileFormat, sniff};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::cell::Cell;

furlough_harness::tests![
    a_written_table_is_read_as_it_was_by_any_number_of_threads,
    any_text_is_read_as_the_csv_crate_reads_it,
    numbers_are_those_that_the_standard_library_parses,
    no_bytes_make_a_reader_panic,
];

fn cases(count: u32) -> TestRunner {
    TestRunner::new(ProptestConfig { cases: count, failure_persistence: None, ..ProptestConfig::default() })
}

const THREADS: [(usize, usize); 8] = [(1, 1 << 20), (1, 1), (2, 1), (2, 13), (3, 5), (7, 1), (7, 64), (7, 1 << 20)];

/// Cells that hold what is hard: delimiters, quotes, newlines, nothing, more than ASCII.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9 .]{0,12}",
        "[a,;|\t\"'\n\r é]{0,8}",
        any::<f64>().prop_map(|number| number.to_string()),
        Just(String::new()),
        "[x\"\n]{20,60}",
    ]
}

fn a_written_table_is_read_as_it_was_by_any_number_of_threads() {
    let delimiter = prop::sample::select(vec![',', ';', '\t', '|']);
    let quoting = prop::sample::select(vec![::csv::QuoteStyle::Necessary, ::csv::QuoteStyle::Always]);
    let end = prop::sample::select(vec![::csv::Terminator::CRLF, ::csv::Terminator::Any(b'\n')]);
    let table =
        (1..6usize).prop_flat_map(|columns| prop::collection::vec(prop::collection::vec(cell(), columns), 1..20));
    let strategy = (table, delimiter, quoting, end, any::<bool>());
    cases(150)
        .run(&strategy, |(table, delimiter, quoting, end, cut_end)| {
            let mut writer = ::csv::WriterBuilder::new()
                .delimiter(delimiter as u8)
                .quote_style(quoting)
                .terminator(end)
                .from_writer(Vec::new());
            table.iter().for_each(|row| writer.write_record(row).unwrap());
            let mut bytes = writer.into_inner().unwrap();
            if cut_end {
                bytes.pop();
            }
            let scratch = file("a.csv", &bytes);
            let format = FileFormat::Csv { delimiter, quote: Some('"'), header: false, decimal_comma: false };
            for threads in THREADS {
                let (_, rows) = texts(&scratch.path, &format, threads).unwrap();
                let rows: Vec<Vec<String>> = rows.into_iter().map(|row| row.into_iter().flatten().collect()).collect();
                prop_assert_eq!(&rows, &table);
            }
            Ok(())
        })
        .unwrap();
}

/// Whatever stands in a file, if both readers take it, both make the same of it. A lone carriage
/// return ends a row there and not here, so there is none.
fn any_text_is_read_as_the_csv_crate_reads_it() {
    let text =
        prop::collection::vec(prop::sample::select(vec!["a", "7", ",", ",", "\"", "\n", "\r\n", "é", " "]), 1..60);
    let compared = Cell::new(0);
    cases(1500)
        .run(&text, |parts| {
            let text = parts.concat();
            let scratch = file("a.csv", &text);
            let format = FileFormat::Csv { delimiter: ',', quote: Some('"'), header: false, decimal_comma: false };
            let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
            let theirs: Result<Vec<Vec<String>>, _> =
                reader.records().map(|record| record.map(|r| r.iter().map(String::from).collect())).collect();
            let first = texts(&scratch.path, &format, THREADS[0]).map_err(|error| error.to_string());
            for threads in &THREADS[1..] {
                let found = texts(&scratch.path, &format, *threads).map_err(|error| error.to_string());
                prop_assert_eq!(&found, &first);
            }
            match (first, theirs) {
                (Ok((_, ours)), Ok(theirs)) => {
                    let ours: Vec<Vec<String>> =
                        ours.into_iter().map(|row| row.into_iter().flatten().collect()).collect();
                    prop_assert_eq!(ours, theirs);
                    compared.set(compared.get() + 1);
                }
                // They take a quote that is never closed, and a file without rows.
                (Err(ours), Ok(theirs)) => {
                    prop_assert!(ours.contains("never closed") || theirs.is_empty(), "{ours} {theirs:?}");
                }
                (Ok(ours), Err(theirs)) => prop_assert!(false, "{ours:?} {theirs}"),
                (Err(ours), Err(_)) => prop_assert!(ours.contains("cell") || ours.contains("never closed"), "{ours}"),
            }
            Ok(())
        })
        .unwrap();
    assert!(compared.get() > 100, "only {} texts were read by both", compared.get());
}

fn numbers_are_those_that_the_standard_library_parses() {
    let number = prop_oneof![
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(|number| format!("{number:e}")),
        (any::<i32>(), 0..1_000_000u32).prop_map(|(whole, part)| format!("{whole}.{part:06}")),
        any::<u64>().prop_map(|number| number.to_string()),
        Just(String::new()),
    ];
    let table = prop::collection::vec((number.clone(), number), 1..30);
    cases(200)
        .run(&table, |table| {
            let text: String = table.iter().map(|(a, b)| format!("{a},\"{b}\"\n")).collect();
            let scratch = file("a.csv", format!("a,b\n{text}"));
            for threads in THREADS {
                let columns = numbers(&scratch.path, &csv(), threads).unwrap();
                for (row, (a, b)) in table.iter().enumerate() {
                    for (text, found) in [(a, columns[0][row]), (b, columns[1][row])] {
                        let expected = if text.is_empty() { f64::NAN } else { text.parse::<f64>().unwrap() };
                        prop_assert!(found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan());
                    }
                }
            }
            Ok(())
        })
        .unwrap();
}

fn no_bytes_make_a_reader_panic() {
    let parts = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        prop::sample::select(vec![
            &b"{\"a\":1}\n"[..],
            b"a,b\n1,2\n",
            b"\x1f\x8b\x08",
            b"\x28\xb5\x2f\xfd",
            b"\"",
            b"\xef\xbb\xbf"
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    let bytes = prop::collection::vec(parts, 0..6).prop_map(|parts| parts.concat());
    let tabs = FileFormat::Csv { delimiter: '\t', quote: None, header: false, decimal_comma: true };
    let formats = [csv(), tabs, FileFormat::JsonLines, FileFormat::Npy];
    cases(400)
        .run(&bytes, |bytes| {
            let scratch = file("a", &bytes);
            let _ = sniff(&scratch.path);
            for format in &formats {
                for threads in [(1, 1), (2, 5), (1, 1 << 16)] {
                    let _ = texts(&scratch.path, format, threads);
                    let _ = numbers(&scratch.path, format, threads);
                }
            }
            Ok(())
        })
        .unwrap();
}
