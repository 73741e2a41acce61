use super::{BlockShuffle, DiskDataset, DiskWriter};
use crate::data::{Dataset, Examples, Split, Targets, digits};
use crate::random::Key;
use ndarray::{Array1, Array2};
use std::path::Path;

fn shuffle(block_rows: u32, window_blocks: u32) -> BlockShuffle {
    BlockShuffle { block_rows, window_blocks }
}

fn order(shuffle: BlockShuffle, epoch: u32, rows: usize) -> Vec<u32> {
    shuffle.epoch_order(Key::new(3), epoch, rows)
}

#[test]
fn every_row_comes_once_an_epoch() {
    for rows in [1, 2, 7, 64, 1001] {
        for (block_rows, window_blocks) in [(1, 1), (1, 5), (4, 1), (4, 3), (64, 2), (2000, 3), (7, 1000)] {
            let mut sorted = order(shuffle(block_rows, window_blocks), 2, rows);
            sorted.sort_unstable();
            assert!(sorted.into_iter().eq(0..rows as u32), "{rows} rows, {block_rows} × {window_blocks}");
        }
    }
}

#[test]
fn the_order_changes_with_seed_and_epoch() {
    let shuffle = shuffle(8, 4);
    assert_eq!(order(shuffle, 1, 500), order(shuffle, 1, 500));
    assert_ne!(order(shuffle, 1, 500), order(shuffle, 2, 500));
    assert_ne!(shuffle.epoch_order(Key::new(1), 1, 500), shuffle.epoch_order(Key::new(2), 1, 500));
}

#[test]
fn a_window_has_the_rows_of_its_blocks() {
    let (block, window) = (8_u32, 4);
    let order = order(shuffle(block, window), 0, 320);
    for rows in order.chunks((block * window) as usize) {
        let blocks: std::collections::BTreeSet<u32> = rows.iter().map(|row| row / block).collect();
        assert_eq!(blocks.len(), window as usize);
        let in_place = rows.windows(2).filter(|pair| pair[0] + 1 == pair[1]).count();
        assert!(in_place < 8, "{in_place} rows follow the one before");
    }
}

#[test]
fn a_row_is_as_likely_anywhere() {
    let (rows, epochs) = (24, 6000);
    let mut counts = vec![[0u32; 6]; rows];
    for epoch in 0..epochs {
        for (place, row) in order(shuffle(4, 3), epoch, rows).into_iter().enumerate() {
            counts[row as usize][place / 4] += 1;
        }
    }
    // Chi-squared with 5 degrees of freedom: 30.9 is exceeded with probability 1e-5.
    let expected = f64::from(epochs) / 6.0;
    for (row, counts) in counts.iter().enumerate() {
        let chi2: f64 = counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
        assert!(chi2 < 30.9, "row {row}: chi-squared {chi2}");
    }
}

#[test]
fn one_window_of_blocks_of_one_row_is_any_order() {
    let mut orders = std::collections::HashMap::new();
    (0..2400).for_each(|epoch| *orders.entry(order(shuffle(1, 4), epoch, 4)).or_insert(0u32) += 1);
    assert_eq!(orders.len(), 24);
    let chi2: f64 = orders.values().map(|&count| (f64::from(count) - 100.0).powi(2) / 100.0).sum();
    assert!(chi2 < 58.6, "chi-squared {chi2}"); // with 23 degrees of freedom: probability 6e-5
}

/// Frozen: a change here changes every recorded run.
#[test]
fn known_answers() {
    assert_eq!(order(shuffle(2, 2), 0, 9), KNOWN);
}
const KNOWN: [u32; 9] = [8, 3, 2, 0, 4, 5, 1, 7, 6];

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn written(path: &Path, parts: &[Dataset]) -> DiskDataset {
    let mut writer = DiskWriter::create(path).unwrap();
    parts.iter().for_each(|part| writer.append(part).unwrap());
    writer.finish().unwrap()
}

/// As numbers: the file keeps no bytes.
fn as_numbers(data: &Dataset) -> Dataset {
    let mut rows = Array2::zeros((data.len(), data.features()));
    for (at, mut row) in rows.rows_mut().into_iter().enumerate() {
        data.read_row(at, row.as_slice_mut().unwrap());
    }
    Dataset::classification(rows, data.labels().unwrap().iter().copied()).unwrap()
}

#[test]
fn rows_come_back_as_they_were_written() {
    let folder = folder();
    let path = folder.path().join("rows");
    let Split { train, .. } = digits::load().unwrap();
    let train = as_numbers(&train);
    let weights = (0..train.len()).map(|row| (row % 5) as f32 / 4.0).collect();
    let weighted = train.clone().with_weights(weights).unwrap();
    let several = Array2::from_shape_fn((50, 3), |(row, column)| (row * 7 + column) as f32);
    let numbers = Dataset::regression(several.clone(), several).unwrap().with_feature_names(["a", "b", "c"]).unwrap();
    for data in [train, weighted, numbers] {
        let (first, rest) = (0..20, 20..data.len() as u32);
        let parts = [first, rest].map(|rows| data.select(&rows.collect::<Vec<_>>()));
        written(&path, &parts);
        let disk = DiskDataset::open(&path).unwrap();
        assert_eq!((disk.len(), disk.read(0..data.len()).unwrap()), (data.len(), data.clone()));
        assert_eq!(disk.read(7..9).unwrap(), data.select(&[7, 8]));
        assert_eq!(disk.total_weight(), data.total_weight());
        let whole = written(&path, std::slice::from_ref(&data));
        assert_eq!(whole.fingerprint(), disk.fingerprint(), "however it was cut");
        let other = written(&path, &parts[1..]);
        assert_ne!(other.fingerprint(), disk.fingerprint());
    }
}

fn refusal(path: &Path) -> String {
    DiskDataset::open(path).unwrap_err().to_string()
}

#[test]
fn a_file_that_was_cut_or_changed_is_refused() {
    let folder = folder();
    let path = folder.path().join("rows");
    let data = Dataset::regression(Array2::zeros((9, 2)), Array1::zeros(9)).unwrap();
    written(&path, std::slice::from_ref(&data));
    let bytes = std::fs::read(&path).unwrap();
    let with = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        refusal(&path)
    };
    assert!(with(&[]).contains("is no finished file of rows: it is too short"));
    assert!(with(&bytes[..bytes.len() - 1]).contains("is no finished file of rows"));
    assert!(with(&bytes[12..]).contains("its end contradicts its length"));
    for at in (0..bytes.len()).step_by(3) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        let said = with(&damaged);
        assert!(said.contains("damaged") || said.contains("is no finished file"), "byte {at}: {said}");
    }
    // An end that says more than there is.
    let text = bytes.len() - 16 - u64::from_le_bytes(*bytes[bytes.len() - 16..].first_chunk().unwrap()) as usize;
    let footer = std::str::from_utf8(&bytes[text..bytes.len() - 16]).unwrap();
    for (what, other) in [
        (r#""shape":[2]"#, r#""shape":[4611686018427387904,4]"#),
        (r#""shape":[2]"#, r#""shape":[1099511627776]"#),
        (r#""targets":1"#, r#""targets":18446744073709551615"#),
        (r#""targets":1"#, r#""targets":0"#),
        (r#""rows":9"#, r#""rows":18446744073709551615"#),
    ] {
        assert!(footer.contains(what), "{footer}");
        let footer = footer.replace(what, other);
        let size = footer.len() as u64;
        let said = with(&[&bytes[..text], footer.as_bytes(), &size.to_le_bytes(), b"furlrows"].concat());
        assert!(said.contains("its end contradicts its length"), "{other}: {said}");
    }
    // A writer that was killed.
    let mut writer = DiskWriter::create(&path).unwrap();
    writer.append(&data).unwrap();
    drop(writer);
    assert!(refusal(&path).contains("is no finished file of rows"));
    let empty = DiskWriter::create(&path).unwrap().finish().unwrap_err().to_string();
    assert!(empty.contains("has 0 examples"), "{empty}");
}

#[test]
fn weights_may_be_0_in_a_part_but_not_in_all() {
    let folder = folder();
    let path = folder.path().join("rows");
    let data = Dataset::regression(Array2::zeros((2, 1)), Array1::zeros(2)).unwrap();
    let mut writer = DiskWriter::create(&path).unwrap();
    writer.append_some(&data, Some(&[0.0, 0.0]), &[0, 1]).unwrap();
    writer.append_some(&data, Some(&[0.0, 2.5]), &[1]).unwrap();
    assert_eq!(writer.finish().unwrap().read(0..3).unwrap().weights(), Some(&[0.0, 0.0, 2.5][..]));
    let mut writer = DiskWriter::create(&path).unwrap();
    writer.append_some(&data, Some(&[0.0, 0.0]), &[0, 1]).unwrap();
    assert!(writer.finish().unwrap_err().to_string().contains("has weights that are all 0"));
    for bad in [-1.0, f32::NAN, f32::INFINITY] {
        let mut writer = DiskWriter::create(&path).unwrap();
        let said = writer.append_some(&data, Some(&[1.0, bad]), &[0, 1]).unwrap_err().to_string();
        assert!(said.contains(&format!("has weight {bad}")), "{said}");
        // It is as if that had not been tried.
        assert_eq!(writer.rows(), 0);
        writer.append_some(&data, Some(&[0.5, bad]), &[0]).unwrap();
        let disk = writer.finish().unwrap();
        assert_eq!((disk.len(), disk.total_weight()), (1, 0.5));
        assert_eq!(DiskDataset::open(&path).unwrap().read(0..1).unwrap().weights(), Some(&[0.5][..]));
    }
}

#[test]
fn rows_that_differ_in_kind_are_refused() {
    let folder = folder();
    let mut writer = DiskWriter::create(&folder.path().join("rows")).unwrap();
    let classes = |features| Dataset::classification(Array2::zeros((2, features)), ["a", "b"]).unwrap();
    writer.append(&classes(3)).unwrap();
    let numbers = Dataset::regression(Array2::zeros((2, 3)), Array1::zeros(2)).unwrap();
    let others = Dataset::classification(Array2::zeros((2, 3)), ["a", "c"]).unwrap();
    for other in [classes(2), numbers, others, classes(3).with_weights(vec![1.0; 2]).unwrap()] {
        let said = writer.append(&other).unwrap_err().to_string();
        assert!(said.contains("rows differ in shape, names, classes or weights"), "{said}");
    }
    assert_eq!(writer.rows(), 2);
}

#[test]
fn a_code_of_no_level_is_damage() {
    let folder = folder();
    let path = folder.path().join("rows");
    let examples = Examples::try_from(Array2::from_shape_fn((4, 2), |(row, _)| row as f32)).unwrap();
    let targets = Targets::Values(Array2::zeros((4, 1)));
    let data = Dataset::of(examples.with_levels([0, 4]).unwrap(), targets).unwrap();
    let disk = written(&path, std::slice::from_ref(&data));
    assert_eq!(disk.read(0..4).unwrap(), data);
    let bytes = std::fs::read(&path).unwrap();
    for (column, value, sound) in [(0, 4.5_f32, true), (1, 4.0, false), (1, 0.5, false), (1, -1.0, false)] {
        let mut changed = bytes.clone();
        let place = 2 * disk.row_bytes() + 4 * column;
        changed[place..place + 4].copy_from_slice(&value.to_le_bytes());
        std::fs::write(&path, changed).unwrap();
        let read = DiskDataset::open_written(&path).unwrap().read(0..4);
        assert_eq!(read.is_ok(), sound, "{value} in column {column}");
        assert!(sound || read.unwrap_err().to_string().contains("is damaged"));
    }
}

#[test]
fn windows_that_cannot_be_counted_are_refused() {
    let of = |block_rows, window_blocks, rows| shuffle(block_rows, window_blocks).validate_for(rows);
    assert!(of(u32::MAX, u32::MAX, 100).is_ok(), "one block");
    assert!(of(1 << 16, u32::MAX, u32::MAX as usize).is_ok());
    let said = of(3_000_000_000, 2, 4_000_000_000).unwrap_err().to_string();
    assert!(said.contains("window_blocks = 2: blocks of 3000000000 rows make windows of more than"), "{said}");
    assert!(of(0, 1, 9).is_err() && of(1, 0, 9).is_err());
}
