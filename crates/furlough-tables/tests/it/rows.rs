//! Files that are answered for row after row.

use crate::common::{file, message};
use crate::sample_tables::mixed;
use furlough_tables::model::{AnswerOptions, MaskedPasses, RowAnswers, RowInterval, RowSpread};
use furlough_tables::schema::{Role, TaskChoice};
use furlough_tables::{Error, Schema, TableModel, TableOptions, TableReader, Told};
use std::fmt::Write as _;
use std::path::Path;

furlough_harness::tests![
    a_file_is_answered_for_as_its_table_is_on_any_threads_and_in_any_blocks,
    masks_go_by_the_row_of_the_file,
    only_features_are_read,
    cells_come_along_as_they_are_written,
    what_training_never_saw_is_told_once,
    a_missing_feature_is_named,
    a_wrong_cell_is_told_with_its_row,
    a_file_without_a_header_is_read_as_the_one_that_was_learned_from,
];

/// A table of `rows` rows that the models here know, with an id.
fn text(rows: usize) -> String {
    let mut text = "id,x,color,yes\n".to_string();
    for row in 0..rows {
        let x = if row % 7 == 3 { String::new() } else { format!("{}", row as f64 / 8.0 - 3.0) };
        let color = ["red", "\"blue, light\"", "green"][row % 3];
        let _ = writeln!(text, "{row:04},{x},{color},{}", ["yes", "no"][row / 2 % 2]);
    }
    text
}

fn model(target: &str) -> TableModel {
    let other = if target == "price" { "class" } else { "price" };
    let table = mixed(300).with_role(other, Role::Ignore).unwrap().with_role("day", Role::Ignore).unwrap();
    let table = table.with_role("town", Role::Ignore).unwrap();
    TableModel::fit(&table, &TableOptions::target(target)).unwrap()
}

/// All answers for a file, block by block.
fn answered(
    model: &TableModel,
    path: &Path,
    options: &AnswerOptions,
    (threads, chunk): (usize, usize),
) -> Result<(Vec<RowAnswers>, Told), Error> {
    let mut blocks: Vec<RowAnswers> = Vec::new();
    let mut reader = TableReader::open_in_chunks(path, model.schema(), &["id".into()], (threads, chunk))?;
    let said = model.answer_file(&mut reader, options, threads, Clone::clone, |rows| {
        assert_eq!(rows.first_row, blocks.iter().map(|block| block.rows() as u64).sum::<u64>());
        blocks.push(rows);
        Ok::<_, Error>(())
    })?;
    assert_eq!(said.rows, blocks.iter().map(|block| block.rows() as u64).sum::<u64>());
    Ok((blocks, said.told))
}

/// Everything that is answered for a row, in bits.
fn bits(block: &RowAnswers) -> Vec<(String, Vec<u32>, [Vec<u64>; 2])> {
    let row = |(row, text): (usize, String)| {
        let probabilities = block.probabilities.as_ref().map(|all| all.row(row).mapv(f32::to_bits).to_vec());
        let spread = match &block.spread {
            None => Vec::new(),
            Some(RowSpread::Numbers(deviations)) => deviations.row(row).mapv(f64::to_bits).to_vec(),
            Some(RowSpread::Entropies(entropies)) => vec![entropies[row].to_bits()],
            Some(RowSpread::Classes(doubts)) => {
                let doubt = doubts[row];
                [doubt.predictive_entropy, doubt.mutual_information, doubt.agreement].map(f64::to_bits).to_vec()
            }
        };
        let sure = block.confidence.as_ref().map_or(0, |sure| sure.values[row].to_bits());
        let mut interval = match &block.interval {
            None => Vec::new(),
            Some(RowInterval::Numbers { low, high }) => [low, high].map(|bound| bound[[row, 0]].to_bits()).to_vec(),
            Some(RowInterval::Classes(sets)) => sets[row].iter().map(|&class| class.into()).collect(),
        };
        interval.push(sure);
        (text, probabilities.unwrap_or_default(), [spread, interval])
    };
    block.answers.texts().into_iter().enumerate().map(row).collect()
}

fn a_file_is_answered_for_as_its_table_is_on_any_threads_and_in_any_blocks() {
    let scratch = file("new.csv", text(500));
    for target in ["price", "class"] {
        let mut model = model(target);
        let table = model.read(&scratch.path, 1).unwrap();
        for options in [
            AnswerOptions::default(),
            AnswerOptions { probabilities: true, ..AnswerOptions::default() },
            AnswerOptions {
                probabilities: true,
                passes: MaskedPasses::Drawn { samples: 7, seed: 3 },
                ..AnswerOptions::default()
            },
            AnswerOptions { interval: Some(0.8), ..AnswerOptions::default() },
            AnswerOptions { passes: MaskedPasses::Analytic, probabilities: true, ..AnswerOptions::default() },
            AnswerOptions { interval: Some(0.8), by_class: true, abstain: Some(0.3), ..AnswerOptions::default() },
        ] {
            if target == "price" && options.by_class {
                continue; // a number has no class
            }
            let (whole, told) = model.answer(&table, 0, &options).unwrap();
            assert_eq!(whole.answers.texts().len(), 500);
            if options.passes == MaskedPasses::Full {
                assert_eq!(whole.answers, model.predict(&table).unwrap().answers);
            }
            if target == "class" && options == (AnswerOptions { probabilities: true, ..AnswerOptions::default() }) {
                assert_eq!(whole.probabilities, Some(model.predict_proba(&table).unwrap().probabilities));
            }
            for threads_and_chunk in [(1, 64), (1, 1 << 20), (2, 200), (3, 1000)] {
                let (blocks, again) = answered(&model, &scratch.path, &options, threads_and_chunk).unwrap();
                let rows: Vec<_> = blocks.iter().flat_map(bits).collect();
                assert!(rows == bits(&whole), "{target}, {options:?}, {threads_and_chunk:?}");
                assert_eq!(told, again, "{threads_and_chunk:?}");
            }
        }
    }
}

fn masks_go_by_the_row_of_the_file() {
    let scratch = file("new.csv", text(40));
    let mut model = model("price");
    let table = model.read(&scratch.path, 1).unwrap();
    let options = AnswerOptions { passes: MaskedPasses::Drawn { samples: 5, seed: 0 }, ..AnswerOptions::default() };
    let (whole, _) = model.answer(&table, 0, &options).unwrap();
    let rows: Vec<u32> = (30..40).collect();
    let (part, _) = model.answer(&table.select(&rows), 30, &options).unwrap();
    assert_eq!(bits(&part), bits(&whole)[30..]);
    let (other, _) = model.answer(&table.select(&rows), 0, &options).unwrap();
    assert_ne!(bits(&part), bits(&other));
}

fn only_features_are_read() {
    let model = model("price");
    let blank = file("new.csv", text(6));
    let with = text(6).replace("yes\n", "yes,n/a\n").replace("no\n", "no,?\n").replacen("yes,n/a", "yes,price", 1);
    let with = file("new.csv", with);
    let options = AnswerOptions::default();
    let [blank, with] = [blank, with].map(|scratch| answered(&model, &scratch.path, &options, (1, 100)).unwrap());
    assert_eq!(blank, with, "a target that is no number is not looked at");
}

fn cells_come_along_as_they_are_written() {
    let model = model("price");
    let scratch = file("new.csv", text(100));
    let cells: Vec<String> = ["id", "x", "color"].map(String::from).into();
    let mut rows = text(100).lines().skip(1).map(String::from).collect::<Vec<_>>().into_iter();
    for block in TableReader::open_in_chunks(&scratch.path, model.schema(), &cells, (2, 200)).unwrap() {
        let block = block.unwrap();
        for row in 0..block.table.rows() {
            let line = rows.next().unwrap();
            let [id, x, color] = [0, 1, 2].map(|column| block.cells[column].get(row).unwrap().to_string());
            assert!(line.replace('"', "").starts_with(&format!("{id},{x},{color},")), "{line}");
        }
    }
    assert_eq!(rows.next(), None);
    let missing = TableReader::open_with_cells(&scratch.path, model.schema(), &["idd".into()], 1).err().unwrap();
    assert_eq!(message(&missing, &scratch), "column idd: new.csv has no such column; did you mean id?");
}

fn what_training_never_saw_is_told_once() {
    let model = model("price");
    let scratch = file("new.csv", text(90).replace("green", "mauve"));
    let (_, told) = answered(&model, &scratch.path, &AnswerOptions::default(), (2, 100)).unwrap();
    assert_eq!(told.unseen, [("color".to_string(), 60)]);
    assert_eq!(told.extra, ["id"]);
    let lines = "{\"x\":1,\"color\":\"red\",\"yes\":\"yes\",\"id\":1}\n".repeat(40) + "{\"x\":1,\"late\":2}\n";
    let scratch = file("new.jsonl", lines);
    let (_, told) = answered(&model, &scratch.path, &AnswerOptions::default(), (2, 100)).unwrap();
    assert_eq!(told.extra, ["id", "late"]);
}

fn a_missing_feature_is_named() {
    let model = model("price");
    let scratch = file("new.csv", text(3).replace("color", "colour"));
    let error = TableReader::open(&scratch.path, model.schema(), 1).err().unwrap().to_string();
    assert_eq!(
        error,
        "column color: is missing in this table; the model needs each feature that it learned from; did you mean \
         colour?"
    );
}

fn a_wrong_cell_is_told_with_its_row() {
    let model = model("price");
    for (threads, chunk) in [(1, 100), (3, 100)] {
        let scratch = file("new.csv", text(90).replace("0077,6.625", "0077,much"));
        let error = answered(&model, &scratch.path, &AnswerOptions::default(), (threads, chunk)).unwrap_err();
        let said = message(&error, &scratch);
        assert!(said.starts_with("new.csv, row 78 (line 79), column x: \"much\" is not a number"), "{said}");
    }
}

fn a_file_without_a_header_is_read_as_the_one_that_was_learned_from() {
    let learned = file("learned.csv", "p,x,0\ne,s,1\np,b,0\n".repeat(20));
    let schema = Schema::infer(&learned.path, &Default::default()).unwrap();
    let schema = schema.with_target(&["x2"], TaskChoice::Classification).unwrap();
    let table = furlough_tables::read_table(&learned.path, &schema, 1).unwrap();
    let model = TableModel::fit(&table, &TableOptions { target: Vec::new(), ..TableOptions::target("") }).unwrap();
    // Of one row alone nobody could tell.
    let scratch = file("new.csv", "p,x\n");
    let rows: Vec<_> = TableReader::open(&scratch.path, model.schema(), 1).unwrap().map(Result::unwrap).collect();
    assert_eq!((rows.len(), rows[0].table.rows()), (1, 1));
}
