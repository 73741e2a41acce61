//! Answers for the rows of tables.

use crate::common::{fails, folder, furlough, json_lines, ok, run};
use furlough_tables::writers::WRITES_PARQUET;
use furlough_tables::{ReadAs, Reader, TableModel, TableReader, Values, sniff};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

furlough_harness::tests![
    the_answers_are_those_of_the_library,
    any_threads_write_the_same_bytes,
    columns_of_the_file_and_probabilities_stand_beside_the_answers,
    numbers_are_answered_in_their_units_with_their_deviation,
    json_lines_keep_labels_that_are_numbers,
    all_masks_rows_without_an_answer_and_sets_by_class,
    parquet_has_the_answers_of_csv_or_says_how_to_have_it,
    standard_input_and_compressed_files_are_read,
    what_training_never_saw_is_told_once_and_a_missing_column_by_name,
    what_cannot_be_answered_leaves_nothing_behind,
    a_run_that_is_not_finished_answers_from_its_checkpoint,
    a_table_with_the_target_judges_in_its_units_with_intervals,
    doubts_tell_rows_of_another_kind,
    what_cannot_judge_is_refused,
    #[cfg(unix)]
    ctrl_c_leaves_nothing_half_written,
    #[cfg(unix)]
    nobody_who_reads_is_no_error,
];

/// Rows with a class and a number to predict. Labels have commas and quotes.
fn table(rows: usize, first: usize) -> String {
    let mut text = "key,size,kind,label,price\n".to_string();
    for row in first..first + rows {
        let (size, kind) = (row % 40, ["a", "b"][row % 2]);
        let label = if size < 20 { "\"small, \"\"s\"\"\"" } else { "large" };
        let _ = writeln!(text, "{row:05},{size},{kind},{label},{}", 100 * size + 7);
    }
    text
}

/// A folder with a run of classes in `c` and one of numbers in `n`, and new rows in `new.csv`.
fn trained() -> tempfile::TempDir {
    let folder = folder();
    fs::write(folder.path().join("old.csv"), table(400, 0)).unwrap();
    fs::write(folder.path().join("new.csv"), table(90, 7)).unwrap();
    let train =
        "train old.csv --ignore key --hidden 16 --dropout 0.2 --epochs 40 --lr 0.01 --early-stopping 40 --quiet";
    ok(folder.path(), &format!("{train} --ignore price --target label --out c"));
    ok(folder.path(), &format!("{train} --ignore label --target price --out n"));
    folder
}

fn the_answers_are_those_of_the_library() {
    let folder = trained();
    let folder = folder.path();
    for name in ["c", "n"] {
        let model = folder.join(name).join("model.safetensors");
        let mut model = TableModel::load(model, 1).unwrap();
        let new = model.read(folder.join("new.csv"), 1).unwrap();
        let expected = model.predict(&new).unwrap().texts();
        let said = ok(folder, &format!("predict {name} new.csv"));
        assert_eq!(said, ok(folder, &format!("predict {name}/model.safetensors new.csv")));
        let mut rows = csv::Reader::from_reader(said.as_bytes());
        assert_eq!(rows.headers().unwrap(), vec![["label", "price"][usize::from(name == "n")]]);
        let seen: Vec<String> = rows.records().map(|row| row.unwrap()[0].to_string()).collect();
        assert_eq!(seen, expected);
        let written = ok(folder, &format!("predict {name} new.csv --out {name}.csv"));
        assert_eq!((written, fs::read_to_string(folder.join(format!("{name}.csv"))).unwrap()), (String::new(), said));
    }
}

fn any_threads_write_the_same_bytes() {
    let folder = trained();
    let folder = folder.path();
    // Several blocks.
    fs::write(folder.join("long.csv"), table(60_000, 0)).unwrap();
    let of = |threads: usize, more: &str| ok(folder, &format!("predict c long.csv --threads {threads} {more}"));
    for more in ["--proba --id key", "--samples 3 --seed 5"] {
        let one = of(1, more);
        assert_eq!(one.lines().count(), 60_001);
        assert!([2, 3, 8].into_iter().all(|threads| of(threads, more) == one), "{more}");
    }
    // The masks of a row go by its number in the file.
    let reader = |schema| TableReader::open(&folder.join("long.csv"), schema, 1).unwrap();
    let model = TableModel::load(folder.join("c/model.safetensors"), 1).unwrap();
    assert!(reader(model.schema()).count() > 2, "several blocks");
}

fn columns_of_the_file_and_probabilities_stand_beside_the_answers() {
    let folder = trained();
    let said = ok(folder.path(), "predict c new.csv --id key,size,label --proba --samples 10");
    let mut lines = said.lines();
    let head = "key,size,label,predicted_label,P(large),\"P(small, \"\"s\"\")\",predictive_entropy,\
                mutual_information,agreement";
    assert_eq!(lines.next(), Some(head));
    assert!(lines.next().unwrap().starts_with("00007,7,\"small, \"\"s\"\"\",\"small, \"\"s\"\"\","), "{said}");
    let mut rows = csv::Reader::from_reader(said.as_bytes());
    for (place, row) in rows.records().enumerate() {
        let row = row.unwrap();
        assert_eq!(row[0], format!("{:05}", place + 7));
        let number = |column: usize| row[column].parse::<f64>().unwrap();
        let (large, small) = (number(4), number(5));
        assert!((large + small - 1.0).abs() < 1e-6, "{row:?}");
        assert_eq!(large > small, &row[3] == "large", "{row:?}");
        assert!(number(6) >= number(7) && (0.5..=1.0).contains(&number(8)), "{row:?}");
    }
    let said = fails(folder.path(), "predict c new.csv --id kee", 1);
    assert!(said.contains("column kee: new.csv has no such column; did you mean key?"), "{said}");
    let said = fails(folder.path(), "predict c new.csv --id key,key", 1);
    assert!(said.contains("--id: two columns of the output would be called key"), "{said}");
}

fn numbers_are_answered_in_their_units_with_their_deviation() {
    let folder = trained();
    let said = ok(folder.path(), "predict n new.csv --samples 50 --id price");
    let mut rows = csv::Reader::from_reader(said.as_bytes());
    assert_eq!(rows.headers().unwrap(), vec!["price", "predicted_price", "predicted_price_std"]);
    let rows: Vec<[f64; 3]> = rows.deserialize().map(Result::unwrap).collect();
    let off = rows.iter().map(|[price, predicted, _]| (price - predicted).abs()).sum::<f64>() / rows.len() as f64;
    assert!(off < 600.0, "off by {off} of 0 to 3907");
    assert!(rows.iter().all(|row| (1.0..3000.0).contains(&row[2])), "deviations in the target's units");
    let said = fails(folder.path(), "predict n new.csv --proba", 1);
    assert!(said.contains("--proba: price is predicted as a number, which has no probabilities"), "{said}");
}

fn json_lines_keep_labels_that_are_numbers() {
    let folder = trained();
    let folder = folder.path();
    ok(folder, "predict c new.csv --id key --proba --out c.jsonl");
    let rows = json_lines(&fs::read_to_string(folder.join("c.jsonl")).unwrap());
    assert_eq!(rows.len(), 90);
    assert_eq!((&rows[0]["key"], &rows[0]["label"]), (&"00007".into(), &"small, \"s\"".into()));
    assert!(rows.iter().all(|row| row["P(large)"].is_number()), "{}", rows[0]);
    let digits = table(120, 0).replace("\"small, \"\"s\"\"\"", "3").replace("large", "8");
    fs::write(folder.join("digits.csv"), digits).unwrap();
    ok(folder, "train digits.csv --ignore key,price --target label --hidden 8 --epochs 5 --quiet --out d");
    ok(folder, "predict d new.csv --out d.ndjson");
    let rows = json_lines(&fs::read_to_string(folder.join("d.ndjson")).unwrap());
    assert!(rows.iter().all(|row| row["label"] == 3 || row["label"] == 8), "{}", rows[0]);
}

fn all_masks_rows_without_an_answer_and_sets_by_class() {
    let folder = trained();
    let folder = folder.path();
    let said = ok(folder, "predict n new.csv --samples analytic");
    assert_eq!(said.lines().next(), Some("price,price_std"));
    assert!(said.lines().skip(1).all(|line| line.split(',').nth(1).unwrap().parse::<f64>().unwrap() > 0.0));
    let said = ok(folder, "predict c new.csv --samples analytic --proba");
    assert!(said.starts_with("label,P(large),\"P(small, \"\"s\"\")\",predictive_entropy\n"), "{said}");

    let output = run(folder, "predict c new.csv --abstain 0.01 --id size");
    let (said, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let mut reader = csv::Reader::from_reader(said.as_bytes());
    assert_eq!(reader.headers().unwrap(), vec!["size", "label", "confidence"]);
    let rows: Vec<(u32, String, f64)> = reader.deserialize().collect::<Result<_, _>>().unwrap();
    let least = rows.iter().filter(|row| !row.1.is_empty()).map(|row| row.2).fold(1.0, f64::min);
    assert!(rows.iter().all(|row| row.1.is_empty() == (row.2 < least)), "{said}");
    let none = rows.iter().filter(|row| row.1.is_empty()).count();
    assert!(told.contains(&format!("{none} of 90 rows have no answer: less sure than")), "{told}");
    let output = run(folder, "predict c new.csv --abstain 0.01 --out new.jsonl --quiet");
    assert!(output.status.success() && output.stderr.is_empty());
    let written = fs::read_to_string(folder.join("new.jsonl")).unwrap();
    let nulls = json_lines(&written).iter().filter(|row| row["label"].is_null()).count();
    assert_eq!(nulls, none);

    let said = ok(folder, "predict c new.csv --interval 0.9 --by-class");
    assert_eq!(said.lines().next(), Some("label,label_set"));
    for (line, code, why) in [
        ("predict n new.csv --abstain 0.1", 1, "the model does not say how often it was wrong by how sure it was"),
        ("predict c new.csv --abstain 2", 1, "the share of answers that may be wrong is at least 0 and below 1"),
        ("predict n new.csv --interval 0.9 --by-class", 1, "class by class: it is one of numbers"),
        ("predict c new.csv --samples analytic --seed 1", 1, "--seed would do nothing with --samples analytic"),
        ("predict c new.csv --samples analytical", 2, "or say analytic"),
    ] {
        assert!(fails(folder, line, code).contains(why), "{line}");
    }
}

fn parquet_has_the_answers_of_csv_or_says_how_to_have_it() {
    let folder = trained();
    let folder = folder.path();
    if !WRITES_PARQUET {
        let said = fails(folder, "predict c new.csv --out answers.parquet", 1);
        assert!(said.contains("not built in") && said.contains("--features parquet"), "{said}");
        assert!(!folder.join("answers.parquet").exists());
        return;
    }
    // Labels that are whole numbers or truth values are so there.
    let digits = table(400, 0).replace("\"small, \"\"s\"\"\"", "3").replace("large", "-11");
    fs::write(folder.join("digits.csv"), digits).unwrap();
    ok(folder, "train digits.csv --ignore key,price --target label --task classification --epochs 2 --quiet --out d");
    for args in [
        "c new.csv --proba --id key,label --interval 0.9",
        "c new.csv --samples 5",
        "n new.csv --interval 0.8",
        "n new.csv --samples 5 --id size",
        "d digits.csv --proba",
        "d digits.csv --samples analytic",
    ] {
        let expected = ok(folder, &format!("predict {args}"));
        ok(folder, &format!("predict {args} --out answers.parquet --threads 3"));
        let bytes = fs::read(folder.join("answers.parquet")).unwrap();
        ok(folder, &format!("predict {args} --out answers.parquet --threads 1"));
        assert!(fs::read(folder.join("answers.parquet")).unwrap() == bytes, "{args}");
        let path = folder.join("answers.parquet");
        let mut rows = csv::Reader::from_reader(expected.as_bytes());
        let names: Vec<String> = rows.headers().unwrap().iter().map(String::from).collect();
        let expected: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
        let reader = Reader::open(&path, &sniff(&path).unwrap(), |_| ReadAs::Text, 2).unwrap();
        assert_eq!(reader.names(), names, "{args}");
        let mut at = 0;
        for block in reader.map(Result::unwrap) {
            for row in 0..block.rows {
                for (column, values) in block.columns.iter().enumerate() {
                    let Values::Text(texts) = values else { panic!("text") };
                    assert_eq!(texts.get(row).unwrap_or_default(), &expected[at][column], "{args}: {}", names[column]);
                }
                at += 1;
            }
        }
        assert_eq!(at, expected.len());
    }
}

fn standard_input_and_compressed_files_are_read() {
    let folder = trained();
    let folder = folder.path();
    let expected = ok(folder, "predict c new.csv");
    let text = fs::read(folder.join("new.csv")).unwrap();
    let file = fs::File::create(folder.join("new.csv.gz")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    gzip.write_all(&text).unwrap();
    gzip.finish().unwrap();
    assert_eq!(ok(folder, "predict c new.csv.gz"), expected);
    let mut child = furlough(folder)
        .args(["predict", "c", "-"])
        .env("TMPDIR", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let before = fs::read_dir(folder).unwrap().count();
    child.stdin.take().unwrap().write_all(&text).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((String::from_utf8(output.stdout).unwrap(), output.status.success()), (expected, true));
    assert!(fs::read_dir(folder).unwrap().count() <= before, "no copy is left");
}

fn what_training_never_saw_is_told_once_and_a_missing_column_by_name() {
    let folder = trained();
    let folder = folder.path();
    fs::write(
        folder.join("odd.csv"),
        table(50_000, 0)
            .replace(",b,", ",z,")
            .replace("kind", "more,kind")
            .replace(",z,", ",,z,")
            .replace(",a,", ",,a,"),
    )
    .unwrap();
    let output = run(folder, "predict c odd.csv --out odd.out.csv");
    let said = String::from_utf8(output.stderr).unwrap();
    let said: Vec<&str> = said.lines().collect();
    assert_eq!(
        said[..2],
        [
            "warning: 25000 rows hold levels of `kind` that training never saw; they count as missing",
            "warning: column `more` is ignored: the model does not know it",
        ],
        "{said:?}"
    );
    assert!(said[2].starts_with("odd.out.csv: 50,000 rows in "), "{said:?}");
    assert_eq!(run(folder, "predict c odd.csv --out odd.out.csv --quiet").stderr, b"");
    fs::write(folder.join("odd.csv"), table(3, 0).replace("size", "sise")).unwrap();
    let said = fails(folder, "predict c odd.csv", 1);
    assert!(said.contains("column size: is missing in this table") && said.contains("did you mean sise?"), "{said}");
}

fn what_cannot_be_answered_leaves_nothing_behind() {
    let folder = trained();
    let folder = folder.path();
    ok(folder, "train --data digits --hidden 8 --epochs 1 --quiet --out digits");
    ok(folder, "train old.csv --ignore key,price --target label --dropout 0 --epochs 2 --quiet --out dry");
    let late = table(60_000, 0).replace("\n59999,39,", "\n59999,many,");
    fs::write(folder.join("late.csv"), late).unwrap();
    fs::write(folder.join("empty.csv"), "").unwrap();
    fs::write(folder.join("head.csv"), "size,kind\n").unwrap();
    fs::write(folder.join("answers.csv"), "of before").unwrap();
    fs::create_dir(folder.join("folder.csv")).unwrap();
    let left = || {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    };
    let before = left();
    for (line, said) in [
        ("predict c late.csv --out answers.csv", "late.csv, row 60000 (line 60001), column size: \"many\" is not a"),
        ("predict c empty.csv --out answers.csv", "empty.csv: is empty"),
        ("predict c head.csv --out answers.csv", "head.csv: has columns but no rows"),
        ("predict c nowhere.csv --out answers.csv", "cannot read nowhere.csv"),
        ("predict nowhere new.csv", "nowhere: does not exist"),
        ("predict new.csv c", "new.csv: it is no model; the run or model comes first, and the table second"),
        ("predict digits new.csv", "digits: it did not learn from a table"),
        ("predict c new.csv --out folder.csv", "--out folder.csv: it is a folder"),
        ("predict c new.csv --out new.csv", "--out new.csv: it is the table that is read"),
        ("predict c new.csv --out answers.txt", "end the name in .csv, .jsonl or .parquet"),
        ("predict c new.csv --out no/such/answers.csv", "cannot write no/such/answers.csv"),
        ("predict dry new.csv --samples 5", "--samples: this network was trained without dropout"),
    ] {
        let text = fails(folder, line, 1);
        assert!(text.contains(said), "{line}: {text}");
        assert_eq!(left(), before, "{line}");
    }
    assert_eq!(fs::read_to_string(folder.join("answers.csv")).unwrap(), "of before");
    for line in ["predict c", "predict c new.csv --seed 1", "predict c new.csv --samples 0"] {
        fails(folder, line, 2);
    }
}

fn a_run_that_is_not_finished_answers_from_its_checkpoint() {
    let folder = trained();
    let folder = folder.path();
    let expected = ok(folder, "predict c new.csv");
    for file in ["model.safetensors", "manifest.json"] {
        let _ = fs::remove_file(folder.join("c").join(file));
    }
    let output = run(folder, "predict c new.csv");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("note: c is not finished: it has 40 of 40 epochs"), "{said}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

fn a_table_with_the_target_judges_in_its_units_with_intervals() {
    let folder = trained();
    let folder = folder.path();
    let json = |line: &str| -> serde_json::Value { serde_json::from_str(&ok(folder, line)).unwrap() };
    for (name, names) in
        [("c", &["accuracy", "balanced accuracy", "log loss", "AUROC"][..]), ("n", &["RMSE", "MAE", "R²"])]
    {
        let judged = json(&format!("evaluate {name} new.csv --json"));
        let same = json(&format!("evaluate {name}/model.safetensors new.csv --json --threads 1"));
        assert_eq!((&judged["examples"], &judged["figures"]), (&90.into(), &same["figures"]));
        assert_eq!(judged["figures"]["resamples"], 1000);
        let figures = judged["figures"]["figures"].as_array().unwrap();
        assert!(figures.iter().map(|figure| &figure["name"]).eq(names), "{figures:?}");
        for figure in figures {
            let [low, value, high] = ["low", "value", "high"].map(|key| figure[key].as_f64().unwrap());
            assert!(low <= value && value <= high, "{figure}");
        }
    }
    // The answers of `predict`, counted.
    let said = ok(folder, "predict c new.csv --id label");
    let mut rows = csv::Reader::from_reader(said.as_bytes());
    let right = rows.records().filter(|row| row.as_ref().is_ok_and(|row| row[0] == row[1])).count();
    assert_eq!(json("evaluate c new.csv --json")["accuracy"], right as f64 / 90.0);
    let said = ok(folder, "predict n new.csv --id price");
    let mut rows = csv::Reader::from_reader(said.as_bytes());
    let pairs: Vec<[f64; 2]> = rows.deserialize().map(Result::unwrap).collect();
    let rmse = (pairs.iter().map(|[price, answer]| (price - answer).powi(2)).sum::<f64>() / 90.0).sqrt();
    let judged = &json("evaluate n new.csv --json")["figures"]["figures"][0];
    assert_eq!((&judged["name"], &judged["target"]), (&"RMSE".into(), &"price".into()));
    assert!((judged["value"].as_f64().unwrap() / rmse - 1.0).abs() < 1e-4, "{judged}, not {rmse}");
    let text = ok(folder, "evaluate c new.csv");
    assert!(text.contains("95 % interval") && text.contains("percentiles of 1000 draws of the rows, seed 0"), "{text}");
    let text = ok(folder, "evaluate n");
    assert!(text.contains("  RMSE ") && text.contains(" to "), "{text}");
}

fn doubts_tell_rows_of_another_kind() {
    let folder = trained();
    let folder = folder.path();
    let unlike = table(60, 0).lines().enumerate().fold(String::new(), |text, (place, line)| match place {
        0 => text + line + "\n",
        _ => text + &line.replacen(&format!(",{},", (place - 1) % 40), ",19.6,", 1) + "\n",
    });
    fs::write(folder.join("unlike.csv"), unlike).unwrap();
    let page = ok(folder, "evaluate c new.csv --unlike unlike.csv --samples 20");
    for line in ["rows of unlike.csv told from these by doubt", "1 - confidence", "mutual information of the passes"] {
        assert!(page.contains(line), "{page}");
    }
    let json = ok(folder, "evaluate c new.csv --unlike unlike.csv --json");
    let found = &json_lines(&json)[0]["unlike"];
    assert_eq!((found["rows"].as_u64(), found["doubts"].as_array().unwrap().len()), (Some(60), 2));
    assert!(found["doubts"][0]["auroc"].as_f64().unwrap() > 0.9, "at the border of two classes: {found}");
    for (line, code, why) in [
        ("evaluate n new.csv --unlike unlike.csv", 1, "has no doubts of its own; add --samples 100"),
        ("evaluate c --unlike unlike.csv", 2, "FILE|RUN"),
        ("evaluate c new.csv --unlike nowhere.csv", 1, "nowhere.csv"),
    ] {
        let said = fails(folder, line, code);
        assert!(said.contains(why), "{line}: {said}");
    }
}

fn what_cannot_judge_is_refused() {
    let folder = trained();
    let folder = folder.path();
    ok(folder, "train --data digits --hidden 8 --epochs 1 --quiet --out digits");
    let without = table(6, 0).lines().map(|line| format!("{}\n", line.rsplit_once(',').unwrap().0)).collect::<String>();
    fs::write(folder.join("without.csv"), without).unwrap();
    fs::write(folder.join("other.csv"), table(6, 17).replace("large", "huge")).unwrap();
    fs::write(folder.join("gaps.csv"), table(6, 0).replace(",207", ",")).unwrap();
    for (line, said) in [
        ("evaluate n without.csv", "column price: is the target, but the table lacks it"),
        ("evaluate c other.csv", "\"huge\" is a class that training never saw"),
        ("evaluate c new.csv old.csv", "old.csv: one table at a time"),
        ("evaluate digits new.csv", "new.csv: digits did not learn from a table"),
        ("evaluate digits/model.safetensors new.csv", "did not learn from a table"),
        ("evaluate new.csv c", "new.csv: it is no model; the run or model comes first"),
    ] {
        let text = fails(folder, line, 1);
        assert!(text.contains(said), "{line}: {text}");
    }
    let said = String::from_utf8(run(folder, "evaluate n old.csv").stderr).unwrap();
    assert!(said.starts_with("note: n learned from rows of old.csv, so these figures are too good"), "{said}");
    let output = run(folder, "evaluate n gaps.csv --json");
    assert!(String::from_utf8(output.stderr).unwrap().contains("note: 1 row without a target is left out"));
    let judged: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(judged["examples"], 5);
}

#[cfg(unix)]
fn ctrl_c_leaves_nothing_half_written() {
    let folder = trained();
    let folder = folder.path();
    let left = |folder: &Path| {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| !name.ends_with(".fifo")).collect();
        names.sort();
        names
    };
    fs::write(folder.join("answers.csv"), "of before").unwrap();
    let before = left(folder);
    for signal in ["INT", "TERM", "HUP"] {
        // Standard input that never ends.
        let mut child = furlough(folder)
            .args(["predict", "c", "-", "--out", "answers.csv"])
            .env("TMPDIR", folder)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.as_mut().unwrap().write_all(table(10, 0).as_bytes()).unwrap();
        let began = std::time::Instant::now();
        while left(folder).len() < before.len() + 2 {
            assert!(began.elapsed().as_secs() < 60, "{:?}", left(folder));
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
        crate::common::signal(child.id(), signal);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.trim()), (Some(130), "stopped; nothing was written"), "{signal}");
        assert_eq!(left(folder), before, "{signal}");
    }
    assert_eq!(fs::read_to_string(folder.join("answers.csv")).unwrap(), "of before");
}

#[cfg(unix)]
fn nobody_who_reads_is_no_error() {
    use std::io::Read;
    let folder = trained();
    fs::write(folder.path().join("long.csv"), table(60_000, 0)).unwrap();
    let mut child = furlough(folder.path())
        .args(["predict", "c", "long.csv", "--proba"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdout.take().unwrap().read_exact(&mut [0; 100]).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.is_empty()), (Some(0), true), "{output:?}");
}
