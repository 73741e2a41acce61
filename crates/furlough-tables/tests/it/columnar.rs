//! Parquet and Arrow, against files that pyarrow wrote (`fixtures/make_columnar.py`).

use crate::common::{Rows, csv, file, message, numbers, texts};
#[cfg(feature = "parquet")]
use furlough_tables::writers::{CellType, ParquetRows};
use furlough_tables::{
    Error, FileFormat, InferOptions, Kind, ReadAs, Reader, Result, Schema, Values, read_table, sniff,
};
#[cfg(feature = "parquet")]
use furlough_tables::{Place, TextValues};
use std::path::{Path, PathBuf};

furlough_harness::tests![
    cells_of_every_type_are_those_of_csv,
    blocks_are_the_same_on_any_number_of_threads,
    only_wanted_columns_are_read,
    nested_columns_are_refused_by_name,
    a_file_that_was_cut_off_is_an_error,
    a_footer_that_lies_is_an_error,
    a_type_of_another_schema_is_an_error_with_its_row,
    no_bytes_of_a_file_make_a_reader_panic,
    a_table_is_the_same_as_from_csv,
    #[cfg(feature = "parquet")]
    every_compression_and_encoding_is_read,
    #[cfg(feature = "parquet")]
    rows_that_are_written_are_read_back,
    #[cfg(feature = "parquet")]
    old_timestamps_are_moments,
    #[cfg(feature = "parquet")]
    a_file_without_rows_is_an_error,
    #[cfg(feature = "parquet")]
    rows_that_only_the_footer_has_take_no_memory,
];

const CHUNKS: [(usize, usize); 4] = [(1, 1 << 20), (2, 1), (3, 400), (40, 1 << 20)];

/// Files with the cells of `types.csv`.
const TYPES: &[&str] = &[
    #[cfg(feature = "parquet")]
    "types.parquet",
    #[cfg(feature = "arrow")]
    "types.arrow",
    #[cfg(feature = "arrow")]
    "types.feather",
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn format_of(name: &str) -> FileFormat {
    if name.ends_with(".parquet") { FileFormat::Parquet } else { FileFormat::Arrow }
}

fn read(name: &str, threads: (usize, usize)) -> Result<Rows> {
    texts(&fixture(name), &format_of(name), threads)
}

/// The rows with an empty cell for null, as CSV has it.
fn as_csv((names, rows): Rows) -> Rows {
    let cells = |row: Vec<Option<String>>| row.into_iter().map(|cell| Some(cell.unwrap_or_default())).collect();
    (names, rows.into_iter().map(cells).collect())
}

fn cells_of_every_type_are_those_of_csv() {
    let expected = texts(&fixture("types.csv"), &csv(), (1, 1 << 20)).unwrap();
    for name in TYPES {
        assert_eq!(sniff(&fixture(name)).unwrap(), format_of(name));
        for threads in CHUNKS {
            assert_eq!(as_csv(read(name, threads).unwrap()), expected, "{name}");
        }
    }
}

/// The columns of `types.csv` that are numbers, as bits.
fn bits(path: &Path, format: &FileFormat, threads: (usize, usize)) -> Vec<Vec<u64>> {
    let texts = ["yes", "text", "large", "bytes", "level", "day", "ms", "us", "ns"];
    let wanted = |name: &str| if texts.contains(&name) { ReadAs::Skip } else { ReadAs::numbers() };
    let reader = Reader::open_in_chunks(path, format, wanted, threads).unwrap();
    let mut columns = vec![Vec::new(); reader.names().len()];
    for block in reader {
        for (column, values) in columns.iter_mut().zip(block.unwrap().columns) {
            match values {
                Values::Numbers(numbers) => column.extend(numbers.iter().map(|number| number.to_bits())),
                other => assert_eq!(other, Values::Skipped),
            }
        }
    }
    columns
}

fn blocks_are_the_same_on_any_number_of_threads() {
    let expected = bits(&fixture("types.csv"), &csv(), (1, 1 << 20));
    for name in TYPES {
        for threads in CHUNKS {
            assert_eq!(bits(&fixture(name), &format_of(name), threads), expected, "{name}");
        }
        let blocks = |threads| {
            let open =
                Reader::open_in_chunks(&fixture(name), &format_of(name), |_| ReadAs::Text, (threads, 1)).unwrap();
            open.map(|block| block.unwrap()).collect::<Vec<_>>()
        };
        let alone = blocks(1);
        assert_eq!(alone.len(), 3, "a row is a block, and row groups have two");
        for threads in [2, 7, 64] {
            assert_eq!(blocks(threads), alone);
        }
    }
}

fn only_wanted_columns_are_read() {
    for name in TYPES {
        let wanted = |name: &str| if name == "f64" { ReadAs::numbers() } else { ReadAs::Skip };
        for threads in [1, 2] {
            let mut reader = Reader::open(&fixture(name), &format_of(name), wanted, threads).unwrap();
            let place = reader.names().iter().position(|name| name == "f64").unwrap();
            let block = reader.next_block().unwrap().unwrap();
            let skipped = block.columns.iter().filter(|values| **values == Values::Skipped).count();
            assert_eq!(skipped, block.columns.len() - 1);
            assert!(matches!(&block.columns[place], Values::Numbers(numbers) if numbers[0] == 0.1));
        }
        // The rows are counted even if no column is wanted.
        let mut reader = Reader::open(&fixture(name), &format_of(name), |_| ReadAs::Skip, 2).unwrap();
        assert_eq!(std::iter::from_fn(|| reader.next_block().unwrap()).map(|block| block.rows).sum::<usize>(), 3);
    }
}

fn nested_columns_are_refused_by_name() {
    let nested = [
        #[cfg(feature = "parquet")]
        "nested.parquet",
        #[cfg(feature = "arrow")]
        "nested.feather",
    ];
    for name in nested {
        let error = read(name, (1, 1)).unwrap_err().to_string();
        assert!(error.contains("column tags holds lists, maps or structures"), "{error}");
        assert!(error.contains("write their parts as columns of their own, or leave it out"), "{error}");
    }
}

fn a_file_that_was_cut_off_is_an_error() {
    for name in TYPES {
        let whole = std::fs::read(fixture(name)).unwrap();
        for left in [5, 11, whole.len() / 2, whole.len() - 1] {
            let scratch = file(name, &whole[..left]);
            let error = texts(&scratch.path, &format_of(name), (1, 1)).unwrap_err();
            let told = message(&error, &scratch);
            assert!(told.contains("was cut off") || (left < 12 && told.contains("is too short")), "{told}");
        }
        let scratch = file(name, [b"a,b\n1,2\n", &whole[..]].concat());
        let error = message(&texts(&scratch.path, &format_of(name), (1, 1)).unwrap_err(), &scratch);
        assert!(error.contains("it does not begin with"), "{error}");
    }
}

/// Where a file's footer begins, and where its length is written.
fn footer(name: &str, bytes: &[u8]) -> (usize, usize) {
    let at = bytes.len() - if name.ends_with("parquet") { 8 } else { 10 };
    let length = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    (at - length, at)
}

fn a_footer_that_lies_is_an_error() {
    for name in TYPES {
        let whole = std::fs::read(fixture(name)).unwrap();
        let (begin, length) = footer(name, &whole);
        for lie in [0u32, 1, 1 << 30, u32::MAX] {
            let mut bytes = whole.clone();
            bytes[length..length + 4].copy_from_slice(&lie.to_le_bytes());
            let scratch = file(name, bytes);
            let error = message(&texts(&scratch.path, &format_of(name), (1, 1)).unwrap_err(), &scratch);
            assert!(error.contains("footer") || error.contains("cut off"), "{error}");
        }
        // What lies before the footer is not where it says any more.
        let scratch = file(name, [&whole[..8], &whole[begin..]].concat());
        let error = message(&texts(&scratch.path, &format_of(name), (2, 1)).unwrap_err(), &scratch);
        assert!(error.contains("footer that lies") || error.contains("is damaged"), "{error}");
    }
}

fn a_type_of_another_schema_is_an_error_with_its_row() {
    for name in TYPES {
        for threads in CHUNKS {
            let error = numbers(&fixture(name), &format_of(name), threads).unwrap_err();
            let Error::Value { place, value, reason, .. } = error else { panic!("{error}") };
            assert_eq!((place.row, place.column.as_deref(), place.line), (Some(1), Some("text"), None));
            assert_eq!((&value[..], &reason[..]), ("a,b", "is not a number"));
        }
    }
}

fn no_bytes_of_a_file_make_a_reader_panic() {
    for name in TYPES {
        let whole = std::fs::read(fixture(name)).unwrap();
        let scratch = file(name, &whole);
        // Every second byte of the footer, and some of the others; fuzzing tries more.
        let (begin, _) = footer(name, &whole);
        for at in (0..whole.len()).filter(|at| at % 17 == 0 || (*at >= begin && at % 2 == 0)) {
            for flip in [1, 0x80] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                std::fs::write(&scratch.path, &bytes).unwrap();
                let _ = furlough_harness::quietly(|| texts(&scratch.path, &format_of(name), (1, 1 << 16)));
            }
        }
    }
}

fn a_table_is_the_same_as_from_csv() {
    let table = |name: &str| {
        let schema = Schema::infer(&fixture(name), &InferOptions::default()).unwrap();
        let kinds: Vec<(String, Kind)> = schema.columns.iter().map(|c| (c.name.clone(), c.kind)).collect();
        let read = read_table(&fixture(name), &schema, 2).unwrap();
        (kinds, format!("{:?}", read.columns()))
    };
    let expected = table("types.csv");
    for name in TYPES {
        assert_eq!(table(name), expected, "{name}");
    }
}

#[cfg(feature = "parquet")]
fn every_compression_and_encoding_is_read() {
    let expected = read("none.parquet", (1, 1 << 20)).unwrap();
    assert_eq!(expected.1.len(), 500);
    let text = |text: &str| Some(text.to_string());
    assert_eq!(expected.1[14..16], [[text("14"), None, text("name 4")], [text("15"), text("3.75"), text("name 0")]]);
    let names = ["snappy", "gzip", "zstd", "lz4", "version2"].map(|name| format!("{name}.parquet"));
    for name in &names {
        for threads in CHUNKS {
            assert_eq!(read(name, threads).unwrap(), expected, "{name}");
        }
    }
    #[cfg(feature = "arrow")]
    assert_eq!(read("zstd.feather", (2, 300)).unwrap(), expected);
    let error = read("brotli.parquet", (1, 1)).unwrap_err().to_string();
    assert!(error.contains("column id is compressed by BROTLI") && error.contains("write it with snappy"), "{error}");
}

#[cfg(feature = "parquet")]
fn rows_that_are_written_are_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("written.parquet");
    let types = [CellType::Text, CellType::Double, CellType::Single, CellType::Whole, CellType::Boolean];
    let names = ["text, \"quoted\"", "double", "single", "whole", "truth"].map(String::from);
    let columns: Vec<(String, CellType)> = names.into_iter().zip(types).collect();
    // Blocks of several lengths, so many that there is more than one row group.
    let block = |first: usize, rows: usize| -> Vec<Values> {
        let rows = first..first + rows;
        let mut texts = TextValues::default();
        let padding = "é".repeat(300);
        rows.clone().for_each(|row| texts.push((row % 7 != 0).then_some(&format!("{row} {padding}")[..])));
        let numbers = |of: fn(usize) -> f64| {
            Values::Numbers(rows.clone().map(|row| if row % 5 == 0 { f64::NAN } else { of(row) }).collect())
        };
        let [double, single] = [numbers(|row| 1.0 / row as f64), numbers(|row| f64::from(1.0 / row as f32))];
        let [whole, truth] = [numbers(|row| 1e15 - row as f64), numbers(|row| (row % 2) as f64)];
        vec![Values::Text(texts), double, single, whole, truth]
    };
    let mut file = ParquetRows::new(&path, &columns).unwrap();
    let (mut bytes, mut expected, mut first) = (Vec::new(), Vec::new(), 0);
    for rows in [1, 40_000, 0, 20_000, 33_000, 5] {
        let block = block(first, rows);
        first += rows;
        expected.push(block.clone());
        bytes.extend(file.append(block).unwrap());
    }
    let before_the_end = bytes.len();
    bytes.extend(file.finish().unwrap());
    assert!(before_the_end > 100_000, "row groups are written as they are full: {before_the_end}");
    std::fs::write(&path, bytes).unwrap();
    let as_numbers = |name: &str| if name.starts_with("text") { ReadAs::Text } else { ReadAs::numbers() };
    for (threads, chunk) in [(1, 1 << 20), (3, 1000)] {
        let reader = Reader::open_in_chunks(&path, &FileFormat::Parquet, as_numbers, (threads, chunk)).unwrap();
        assert_eq!(reader.names()[0], "text, \"quoted\"");
        let blocks: Vec<_> = reader.map(Result::unwrap).map(|block| block.columns).collect();
        assert_eq!(cells_of(&blocks), cells_of(&expected));
    }
    assert_eq!(sniff(&path).unwrap(), FileFormat::Parquet);
}

/// The cells of blocks, column by column, as text.
#[cfg(feature = "parquet")]
fn cells_of(blocks: &[Vec<Values>]) -> Vec<Vec<String>> {
    let cells = |values: &Values| -> Vec<String> {
        match values {
            Values::Text(texts) => texts.iter().map(|text| format!("{text:?}")).collect(),
            Values::Numbers(numbers) => numbers.iter().map(f64::to_string).collect(),
            Values::Skipped => Vec::new(),
        }
    };
    (0..5).map(|place| blocks.iter().flat_map(|block| cells(&block[place])).collect()).collect()
}

#[cfg(feature = "parquet")]
fn old_timestamps_are_moments() {
    let (names, rows) = read("int96.parquet", (1, 1)).unwrap();
    assert_eq!(names, ["ns", "i64"]);
    let ns: Vec<_> = rows.iter().map(|row| row[0].as_deref()).collect();
    assert_eq!(ns, [Some("2026-11-29 13:50:40.5"), None, Some("1969-12-31")]);
}

#[cfg(feature = "parquet")]
fn a_file_without_rows_is_an_error() {
    let error = read("empty.parquet", (2, 1)).unwrap_err();
    let Error::Format { place, reason, .. } = error else { panic!("{error}") };
    assert_eq!((place, &reason[..]), (Place::default(), "has columns but no rows"));
}

#[cfg(feature = "parquet")]
fn rows_that_only_the_footer_has_take_no_memory() {
    // Found by fuzzing: a list of all blocks, of a row each, would have filled the memory.
    // Nor does a page header at the end of the file keep it busy that announces very many parts.
    for threads in [(1, 64), (2, 1), (1, 1 << 16), (2, 1 << 16)] {
        let open =
            Reader::open_in_chunks(&fixture("many_rows.parquet"), &FileFormat::Parquet, |_| ReadAs::Text, threads);
        let error = open.and_then(|reader| reader.collect::<Result<Vec<_>>>()).unwrap_err().to_string();
        assert!(error.contains("is damaged"), "{error}");
    }
}
