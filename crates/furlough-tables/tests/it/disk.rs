//! Tables that are read piece by piece: what memory would give, as far as it can.

use furlough::data::{BlockShuffle, Dataset, Partition};
use furlough_tables::preprocessing::{Encoding, NumberScale, TargetEncoder};
use furlough_tables::{
    DiskOptions, DiskTable, InferOptions, Preprocessing, PreprocessingOptions, Scaling, Schema, TableSurvey,
    TaskChoice, read_table,
};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

furlough_harness::tests![
    few_rows_are_fitted_and_written_as_memory_does,
    scales_of_many_rows_are_within_a_percent_of_rank,
    files_do_not_depend_on_threads,
    rows_that_are_lost_or_of_another_table_are_not_taken,
    a_bad_row_of_a_late_block_is_named_by_its_number,
    what_cannot_be_learned_is_one_error,
];

/// A new folder that goes away with the test.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

const SHUFFLE: BlockShuffle = BlockShuffle { block_rows: 100, window_blocks: 3 };

/// Numbers with gaps, a rare number, a category of many levels, yes and no, and a class.
fn write(folder: &Path, rows: u32, target: &str) -> (PathBuf, Schema) {
    let path = folder.join("table.csv");
    let mut text = String::from("n,x,rare,town,flag,kind\n");
    for row in 0..rows {
        let word = row.wrapping_mul(2_654_435_761) ^ (row >> 3);
        let x = if word % 11 == 0 { String::new() } else { format!("{}", f64::from(word % 10_007).powi(2) / 1e4) };
        let rare = u32::from(row == rows / 2);
        let (town, flag) = (word % 40, if word & 64 == 0 { "no" } else { "yes" });
        let kind = ["a", "b", "c"][(word >> 7) as usize % 3];
        writeln!(text, "{row},{x},{rare}.5,t{town},{flag},{kind}").unwrap();
    }
    fs::write(&path, text).unwrap();
    let schema = Schema::infer(&path, &InferOptions { rows: u64::MAX, ..InferOptions::default() }).unwrap();
    let schema = schema.with_role("n", furlough_tables::Role::Feature).unwrap();
    (path, schema.with_target(&[target], TaskChoice::Auto).unwrap())
}

fn options<'a>(file: &'a Path, schema: &'a Schema, scaling: Scaling) -> DiskOptions<'a> {
    let partition = Partition { folds: Some(5), stratified: true, ..Partition::default() };
    let preprocessing = PreprocessingOptions { scaling, ..PreprocessingOptions::default() };
    DiskOptions { file, test_file: None, schema, preprocessing, test_fraction: 0.2, test_seed: 3, partition }
}

/// The rows of `part` among those of `all`, in their order.
fn places(part: &Dataset, all: &Dataset) -> Vec<u32> {
    let row = |data: &Dataset, at: usize| {
        let mut row = vec![0.0; data.features()];
        data.read_row(at, &mut row);
        row
    };
    let mut at = 0;
    let place = |own: usize| {
        let own = row(part, own);
        at += (at..all.len()).position(|at| row(all, at) == own).expect("a row of the table") + 1;
        at as u32 - 1
    };
    (0..part.len()).map(place).collect()
}

fn few_rows_are_fitted_and_written_as_memory_does() {
    let folder = folder();
    for (target, scaling) in
        [("kind", Scaling::Robust), ("flag", Scaling::Standard), ("x", Scaling::Quantile), ("x", Scaling::Robust)]
    {
        let (path, schema) = write(folder.path(), 2000, target);
        let options = options(&path, &schema, scaling);
        let survey = TableSurvey::of(&options, 1).unwrap();
        let disk = DiskTable::write(&folder.path().join("rows"), &options, &survey, SHUFFLE, 1).unwrap();
        let table = read_table(&path, &schema, 1).unwrap();
        let fitted = &survey.header.preprocessing;
        let has_target = furlough_tables::preprocessing::TargetRows::of(&table, &table.all_rows()).rows;
        let all = fitted.dataset(&table, &has_target).unwrap().0;
        let parts = [&disk.train, disk.validation.as_ref().unwrap(), disk.test.as_ref().unwrap()];
        let parts = parts.map(|part| places(&part.read(0..part.len()).unwrap(), &all));
        let mut seen = parts.concat();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..has_target.len() as u32), "each row once");
        let train: Vec<u32> = parts[0].iter().map(|&place| has_target[place as usize]).collect();
        let of_memory = Preprocessing::fit(&table, &train, &options.preprocessing).unwrap();
        assert_eq!(fitted.columns, of_memory.columns, "{target} {scaling:?}");
        assert_eq!(fitted.notes, of_memory.notes);
        match (&fitted.target, &of_memory.target) {
            (Some(TargetEncoder::Regression { columns: own }), Some(TargetEncoder::Regression { columns })) => {
                assert!((own[0].mean - columns[0].mean).abs() < 1e-9 * columns[0].mean);
                assert!((own[0].deviation - columns[0].deviation).abs() < 1e-9 * columns[0].deviation);
            }
            (own, target) => assert_eq!(own, target),
        }
        let labels = disk.train.read(0..disk.train.len()).unwrap();
        assert_eq!(labels.targets(), all.select(&parts[0]).targets());
    }
}

fn scales_of_many_rows_are_within_a_percent_of_rank() {
    let folder = folder();
    let (path, schema) = write(folder.path(), 150_000, "kind");
    let survey = TableSurvey::of(&options(&path, &schema, Scaling::Robust), 2).unwrap();
    let fitted = &survey.header.preprocessing;
    let encoding = |name: &str| &fitted.columns.iter().find(|column| column.column == name).unwrap().encoding;
    let Encoding::Number { number: Some(number), .. } = encoding("n") else { panic!("a number") };
    let NumberScale::Robust { center, factor } = number.scale else { panic!("robust") };
    // Of 0 to 149,999: half the rows lie between the quartiles.
    assert!((center / 150_000.0 - 0.5).abs() < 0.01, "{center}");
    assert!((1.0 / factor / 150_000.0 - 0.5).abs() < 0.014, "{factor}");
    // One row in all has another number: a column of two numbers is a feature, whatever the sample
    // holds, where that row trains.
    let table = read_table(&path, &schema, 2).unwrap();
    let base = options(&path, &schema, Scaling::Robust);
    let whole = DiskOptions { test_fraction: 0.0, partition: Partition::default(), ..base };
    let columns = TableSurvey::of(&whole, 2).unwrap().header.preprocessing.columns;
    assert!(columns.iter().any(|column| column.column == "rare"));
    assert_eq!(table.rows() as u64, survey.rows.train + survey.rows.validation + survey.rows.test);
    let standard = TableSurvey::of(&options(&path, &schema, Scaling::Standard), 2).unwrap();
    let columns = &standard.header.preprocessing.columns;
    let Encoding::Number { number: Some(number), .. } = &columns[0].encoding else { panic!("a number") };
    let NumberScale::Standard { center, factor } = number.scale else { panic!("standard") };
    assert!((center - 75_000.0).abs() < 300.0 && (1.0 / factor - 43_301.0).abs() < 200.0, "{center} {factor}");
}

fn files_do_not_depend_on_threads() {
    let folder = folder();
    let (path, schema) = write(folder.path(), 60_000, "kind");
    let options = options(&path, &schema, Scaling::Robust);
    let prints: Vec<_> = [1, 2, 5]
        .map(|threads| {
            let survey = TableSurvey::of(&options, threads).unwrap();
            let rows = folder.path().join(format!("rows-{threads}"));
            let disk = DiskTable::write(&rows, &options, &survey, SHUFFLE, threads).unwrap();
            let parts = [Some(&disk.train), disk.validation.as_ref(), disk.test.as_ref()];
            (parts.map(|part| part.unwrap().fingerprint().to_string()), disk.header.clone(), disk.notes.clone())
        })
        .into_iter()
        .collect();
    assert!(prints.iter().all(|print| *print == prints[0]));
}

fn rows_that_are_lost_or_of_another_table_are_not_taken() {
    let folder = folder();
    let (path, schema) = write(folder.path(), 500, "kind");
    let options = options(&path, &schema, Scaling::Robust);
    let rows = folder.path().join("rows");
    assert!(DiskTable::open(&rows, &options, SHUFFLE).unwrap().is_none());
    let survey = TableSurvey::of(&options, 1).unwrap();
    let written = DiskTable::write(&rows, &options, &survey, SHUFFLE, 1).unwrap();
    let opened = DiskTable::open(&rows, &options, SHUFFLE).unwrap().unwrap();
    assert_eq!((opened.train.fingerprint(), &opened.header), (written.train.fingerprint(), &written.header));
    let other = DiskOptions { test_seed: 4, ..options.clone() };
    assert!(DiskTable::open(&rows, &other, SHUFFLE).unwrap().is_none());
    // A table of the same columns with other values in them.
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(",a\n", ",d\n").replace(",b\n", ",a\n").replace(",d\n", ",b\n")).unwrap();
    assert!(DiskTable::open(&rows, &options, SHUFFLE).unwrap().is_none());
    let written = DiskTable::write(&rows, &options, &survey, SHUFFLE, 1).unwrap();
    let opened = DiskTable::open(&rows, &options, SHUFFLE).unwrap().unwrap();
    assert_eq!(opened.train.fingerprint(), written.train.fingerprint());
    let bytes = fs::read(rows.join("test.rows")).unwrap();
    fs::write(rows.join("test.rows"), &bytes[1..]).unwrap();
    assert!(DiskTable::open(&rows, &options, SHUFFLE).unwrap().is_none());
    opened.remove().unwrap();
    assert!(!rows.exists());
}

fn a_bad_row_of_a_late_block_is_named_by_its_number() {
    let folder = folder();
    let (path, schema) = write(folder.path(), 60_000, "kind");
    let test = folder.path().join("test.csv");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&test, format!("{text}60000,1,1.5,t1,no,unknown\n")).unwrap();
    let options =
        DiskOptions { test_file: Some(&test), test_fraction: 0.0, ..options(&path, &schema, Scaling::Robust) };
    let survey = TableSurvey::of(&options, 2).unwrap();
    let said = DiskTable::write(&folder.path().join("rows"), &options, &survey, SHUFFLE, 2).unwrap_err().to_string();
    assert!(said.contains("test.csv, row 60001, column kind: \"unknown\" is a class that training"), "{said}");
}

fn what_cannot_be_learned_is_one_error() {
    let folder = folder();
    let (path, schema) = write(folder.path(), 40, "kind");
    let of = |options: &DiskOptions<'_>| TableSurvey::of(options, 1).unwrap_err().to_string();
    let base = options(&path, &schema, Scaling::Robust);
    let fewer = Partition { train_examples: Some(3), ..base.partition };
    assert!(of(&DiskOptions { partition: fewer, ..base.clone() }).contains("train_examples = 3: a table that is read"));
    let folds = Partition { folds: Some(1), ..base.partition };
    assert!(of(&DiskOptions { partition: folds, ..base.clone() }).contains("folds = 1"));
    fs::write(&path, "n,x,rare,town,flag,kind\n1,1,1.5,t1,no,a\n2,1,1.5,t1,no,a\n3,1,1.5,t1,no,a\n").unwrap();
    let whole = DiskOptions { test_fraction: 0.0, partition: Partition::default(), ..base.clone() };
    assert!(of(&whole).contains("column kind: has one class only"), "{}", of(&whole));
    fs::write(&path, "n,x,rare,town,flag,kind\n1,1,1.5,t1,no,\n").unwrap();
    assert!(of(&whole).contains("no row has a target"), "{}", of(&whole));
}
