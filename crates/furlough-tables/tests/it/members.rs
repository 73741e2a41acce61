//! Several networks as one model, and the intervals and sets that answers out of fold make.

use crate::common::quick;
use crate::sample_tables::mixed;
use furlough::files::{ModelFile, load_model, load_models, save_ensemble};
use furlough::train::EpochSummary;
use furlough_tables::model::{
    AnswerOptions, IntervalMethod, MaskedPasses, OutOfFold, RowInterval, TableRecipe, member_folds, member_partition,
    member_seed,
};
use furlough_tables::schema::{Role, TaskChoice};
use furlough_tables::{Column, Error, SplitOptions, Table, TableAnswers, TableModel, TableOptions};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

furlough_harness::tests![
    several_networks_are_one_model_of_their_means,
    threads_change_no_bit_of_several_networks,
    each_row_is_answered_out_of_fold_by_networks_that_did_not_learn_from_it,
    a_file_of_several_networks_has_all_that_is_needed,
    a_file_of_several_networks_that_is_not_whole_is_refused,
    groups_are_left_out_whole_and_times_are_the_latest,
    a_temperature_is_kept_where_answers_are_too_unsure,
    intervals_and_sets_hold_the_answers_as_often_as_they_say,
    cv_plus_goes_by_the_networks_of_each_fold,
    what_has_no_interval_says_why,
    networks_of_different_tables_are_not_put_together,
];

fn faster() -> TableRecipe {
    TableRecipe { learning_rate: 1e-2, epochs: 12, patience: 6, ..quick() }
}

fn options(target: &str, members: u32) -> TableOptions {
    TableOptions { members, recipe: Some(faster()), ..TableOptions::target(target) }
}

fn bytes(model: &TableModel, path: &Path) -> Vec<u8> {
    model.save(path).unwrap();
    std::fs::read(path).unwrap()
}

/// Networks of the folds that [`TableModel::fit`] leaves out, trained to the end one by one.
fn networks(table: &Table, target: &str, members: u32) -> (Vec<TableModel>, Vec<Vec<u32>>, Table) {
    let table = table.clone().with_target(&[target], TaskChoice::Auto).unwrap();
    let one = |member| {
        let partition = member_partition(member, member_folds(members, false), false, 0);
        let (train, held_out) = table.fold_rows(&table.all_rows(), &partition).unwrap();
        let options = TableOptions { seed: member_seed(0, member), validation: 0.0, ..options(target, 1) };
        (TableModel::fit(&table.select(&train), &options).unwrap(), held_out)
    };
    let (models, held_out) = (0..members).map(one).unzip();
    (models, held_out, table)
}

fn several_networks_are_one_model_of_their_means() {
    let table = mixed(300);
    let told = Mutex::new(BTreeSet::new());
    let tell = |member: u32, _: &EpochSummary| {
        told.lock().unwrap().insert(member);
    };
    let mut model = TableModel::fit_with(&table, &options("price", 3), tell).unwrap();
    assert_eq!((model.members(), told.into_inner().unwrap()), (3, BTreeSet::from([0, 1, 2])));
    // Three networks leave out a fifth each.
    assert_eq!(model.ensemble().unwrap().out_of_fold.rows, 180);
    let scores = model.evaluate(&table).unwrap();
    assert!(scores.targets[0].r2 > 0.5 && scores.rows == 300, "{scores:?}");

    for target in ["price", "class"] {
        let (models, held_out, table) = networks(&table, target, 2);
        let mut alone: Vec<TableModel> = models;
        let each: Vec<_> = alone.iter_mut().map(|model| model.predict(&table).unwrap()).collect();
        let probabilities: Vec<_> = alone.iter_mut().filter_map(|model| model.predict_proba(&table).ok()).collect();
        let (mut together, _) = TableModel::of_networks(alone, &table, &held_out).unwrap();
        let answers = together.predict(&table).unwrap();
        if let Some(numbers) = answers.numbers() {
            let mean = (each[0].numbers().unwrap() + each[1].numbers().unwrap()) / 2.0;
            assert_eq!(numbers, mean);
        } else {
            assert!(together.ensemble().unwrap().temperature.is_none(), "the means are those of the plain answers");
            let mean = (&probabilities[0].probabilities + &probabilities[1].probabilities) / 2.0;
            let found = together.predict_proba(&table).unwrap().probabilities;
            assert!((&found - &mean).iter().all(|off| off.abs() < 1e-6));
        }
    }
}

fn threads_change_no_bit_of_several_networks() {
    let folder = tempfile::tempdir().unwrap();
    let fit = |threads| {
        let model = TableModel::fit(&mixed(300), &TableOptions { threads, ..options("class", 5) }).unwrap();
        bytes(&model, &folder.path().join("m"))
    };
    let one = fit(1);
    assert!([2, 3, 10].into_iter().all(|threads| fit(threads) == one));
    // One network is trained as without a word of them.
    let single =
        |options: &TableOptions| bytes(&TableModel::fit(&mixed(200), options).unwrap(), &folder.path().join("s"));
    let unsaid = TableOptions { recipe: Some(faster()), ..TableOptions::target("class") };
    assert_eq!(single(&options("class", 1)), single(&unsaid));
    let none = TableModel::fit(&mixed(60), &options("class", 0)).err().expect("refused").to_string();
    assert!(none.starts_with("members = 0: there is at least one network"), "{none}");
}

fn each_row_is_answered_out_of_fold_by_networks_that_did_not_learn_from_it() {
    let (models, held_out, table) = networks(&mixed(300), "class", 5);
    let mut alone = networks(&mixed(300), "class", 5).0;
    let (model, found) = TableModel::of_networks(models, &table, &held_out).unwrap();
    let OutOfFold { rows, answers, probabilities } = found;
    assert_eq!(rows, table.all_rows());
    assert_eq!(model.ensemble().unwrap().out_of_fold.rows, 300);
    let TableAnswers::Classes { classes, .. } = answers else { panic!("classes") };
    let probabilities = probabilities.unwrap();
    for (member, rows) in held_out.iter().enumerate() {
        let part = table.select(rows);
        let own = alone[member].predict(&part).unwrap();
        let TableAnswers::Classes { classes: own, .. } = own.answers else { panic!("classes") };
        for (place, &row) in rows.iter().enumerate() {
            assert_eq!(classes[row as usize], own[place], "row {row}");
            assert!((probabilities.row(row as usize).sum() - 1.0).abs() < 1e-12);
        }
    }
    let right = alone
        .iter_mut()
        .zip(&held_out)
        .map(|(model, rows)| model.evaluate(&table.select(rows)).unwrap().accuracy.unwrap() * rows.len() as f64);
    let accuracy = right.sum::<f64>() / 300.0;
    assert!((model.ensemble().unwrap().out_of_fold.accuracy.unwrap() - accuracy).abs() < 1e-12);
}

fn a_file_of_several_networks_has_all_that_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let table = mixed(300);
    for target in ["class", "price"] {
        let mut model = TableModel::fit(&table, &options(target, 5)).unwrap();
        let written = bytes(&model, &path);
        let mut read = TableModel::load(&path, 2).unwrap();
        assert_eq!(read.predict(&table).unwrap(), model.predict(&table).unwrap());
        assert_eq!((read.members(), read.ensemble(), read.schema()), (5, model.ensemble(), model.schema()));
        assert!(read.headers().eq(model.headers()));
        assert_eq!(bytes(&read, &folder.path().join("again")), written);
        let schemas = String::from_utf8_lossy(&written).matches(r#"\"schema\":"#).count();
        assert_eq!(schemas, 1, "the networks share it");
        assert!(load_model(&path).unwrap_err().to_string().contains("holds 5 networks"));
    }
}

fn a_file_of_several_networks_that_is_not_whole_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m");
    TableModel::fit(&mixed(200), &options("class", 2)).unwrap().save(&path).unwrap();
    let ModelFile::Ensemble(members, info) = load_models(&path).unwrap() else { panic!("several") };
    let refused = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut info = info.clone();
        change(info.table.as_mut().unwrap());
        let path = folder.path().join("changed");
        save_ensemble(&path, &members, &info).unwrap();
        TableModel::load(&path, 1).err().expect("refused").to_string()
    };
    let newer = refused(&|table| table["version"] = 2.into());
    assert!(newer.contains("has a table of version 2 and needs a newer furlough"), "{newer}");
    let lacking = refused(&|table| drop(table.as_object_mut().unwrap().remove("schema")));
    assert!(lacking.contains("contradicts itself: missing field `schema`"), "{lacking}");
    let other = refused(&|table| table["conformal"]["folds"][1]["members"] = serde_json::json!([7]));
    assert!(other.contains("its conformal scores are not those of its networks"), "{other}");
    let mut none = info.clone();
    none.table = None;
    save_ensemble(&path, &members, &none).unwrap();
    let told = TableModel::load(&path, 1).err().expect("refused").to_string();
    assert!(told.contains("holds networks that did not learn from a table"), "{told}");
}

fn groups_are_left_out_whole_and_times_are_the_latest() {
    let x = (0..200).map(|row| f64::from(row * 37 % 101));
    let table = Table::builder()
        .numbers("x", x.clone())
        .numbers("when", (0..200).map(f64::from))
        .texts("y", x.map(|x| if x > 50.0 { "p" } else { "n" }))
        .build()
        .unwrap();
    let by_time = table.clone().with_role("when", Role::Time).unwrap();
    let model = TableModel::fit(&by_time, &options("y", 6)).unwrap();
    let [fold] = &model.conformal().unwrap().folds[..] else { panic!("one fold") };
    // One of six parts, as five could be held out and the earliest one never is.
    assert_eq!((fold.members.len(), fold.rows, model.ensemble().unwrap().out_of_fold.rows), (6, 33, 33));
    let by_group = table.with_role("when", Role::Group).unwrap();
    let model = TableModel::fit(&by_group, &options("y", 6)).unwrap();
    assert_eq!((model.conformal().unwrap().folds.len(), model.conformal().unwrap().rows()), (6, 200));
}

fn a_temperature_is_kept_where_answers_are_too_unsure() {
    let table = |rows: usize| {
        let x = |row: usize| ((row * 7919) % 1000) as f64 / 1000.0;
        let class = move |row: usize| if x(row) > 0.5 { "high" } else { "low" };
        Table::builder().numbers("x", (0..rows).map(x)).texts("y", (0..rows).map(class)).build().unwrap()
    };
    // After some steps answers are right, and far from sure.
    let short = TableRecipe { learning_rate: 3e-3, dropout: 0.0, ..faster() };
    let fit = |recipe: TableRecipe| {
        TableModel::fit(&table(400), &TableOptions { recipe: Some(recipe), ..options("y", 5) }).unwrap()
    };
    let mut model = fit(short);
    let ensemble = model.ensemble().unwrap().clone();
    let fitted = ensemble.temperature.expect("there is much to gain");
    assert!(fitted.temperature < 0.7 && fitted.loss_after < 0.8 * fitted.loss_before, "{fitted:?}");
    // The model is measured with temperatures that the rows did not fit.
    assert!((ensemble.out_of_fold.loss - fitted.loss_after).abs() < 1e-6, "{ensemble:?}");
    // It is the answers' too.
    let surest = |model: &mut TableModel| {
        model.predict_proba(&table(100)).unwrap().probabilities.iter().copied().fold(0.0, f32::max)
    };
    let (models, held_out, labeled) = networks(&table(400), "y", 5);
    let mut sure = TableModel::of_networks(models, &labeled, &held_out).unwrap().0;
    assert_eq!(sure.ensemble().unwrap().temperature.filter(|fitted| fitted.temperature >= 1.0), None);
    assert!(surest(&mut model) > 0.9 && surest(&mut sure) > 0.9);
}

/// A number and a class that follow from two columns and chance.
fn chancy(rows: u32, seed: u32) -> Table {
    let word = |row: u32, salt: u32| {
        let word = (row + 100_000 * seed).wrapping_mul(2_654_435_761).wrapping_add(salt.wrapping_mul(40_503));
        f64::from((word ^ (word >> 15)).wrapping_mul(2_246_822_519) >> 8) / f64::from(1 << 24)
    };
    let (x, z) = (move |row| word(row, 1), move |row| word(row, 2));
    let noise = move |row: u32| (0..6).map(|part| word(row, 10 + part)).sum::<f64>() - 3.0;
    let number = move |row: u32| 10.0 * x(row) + 3.0 * z(row) * z(row) + (0.5 + x(row)) * noise(row);
    let class = move |row: u32| match x(row) + z(row) + 0.5 * noise(row) {
        low if low < 0.8 => "low",
        low if low < 1.3 => "middle",
        _ => "high",
    };
    Table::builder()
        .numbers("x", (0..rows).map(x))
        .numbers("z", (0..rows).map(z))
        .numbers("number", (0..rows).map(number))
        .texts("class", (0..rows).map(class))
        .build()
        .unwrap()
}

/// The share of rows of `test` whose answer is within.
fn coverage(model: &mut TableModel, test: &Table, target: &str) -> f64 {
    let place = test.schema().columns.iter().position(|column| column.name == target).unwrap();
    let within: Vec<bool> = match &test.columns()[place] {
        Column::Numbers(numbers) => {
            let found = model.predict_interval(test, 0.9).unwrap();
            let answers = model.predict(test).unwrap();
            let rows = numbers.iter().enumerate();
            let inside = |(row, &number): (usize, &f64)| {
                let (low, high) = (found.low[[row, 0]], found.high[[row, 0]]);
                let answer = answers.numbers().unwrap()[[row, 0]];
                assert!(low <= answer && answer <= high);
                (low..=high).contains(&number)
            };
            rows.map(inside).collect()
        }
        Column::Codes { codes, levels } => {
            let found = model.predict_set(test, 0.9).unwrap();
            let rows = codes.iter().zip(&found.sets);
            rows.map(|(&code, set)| set.iter().any(|&class| found.names[class as usize] == levels[code as usize]))
                .collect()
        }
        Column::Dropped => panic!("it is the target"),
    };
    within.iter().filter(|&&within| within).count() as f64 / within.len() as f64
}

fn intervals_and_sets_hold_the_answers_as_often_as_they_say() {
    for (target, other) in [("number", "class"), ("class", "number")] {
        for members in [1, 5] {
            let mut all = Vec::new();
            for seed in 0..20 {
                let table = chancy(1200, seed).with_role(other, Role::Ignore).unwrap();
                let split = table.split_rows(&SplitOptions { test: 0.4, seed: seed.into(), ..SplitOptions::default() });
                let split = split.unwrap();
                let recipe = Some(TableRecipe { epochs: 40, learning_rate: 5e-3, ..faster() });
                let options = TableOptions { seed: seed.into(), recipe, ..options(target, members) };
                let mut model = TableModel::fit(&table.select(&split.train), &options).unwrap();
                all.push(coverage(&mut model, &table.select(&split.test), target));
            }
            let mean = all.iter().sum::<f64>() / all.len() as f64;
            assert!((0.88..=0.92).contains(&mean), "{target}, {members} members: {mean} of {all:?}");
        }
    }
}

/// By the definition, network by network.
fn cv_plus_goes_by_the_networks_of_each_fold() {
    let (mut models, held_out, table) =
        networks(&chancy(300, 0).with_role("class", Role::Ignore).unwrap(), "number", 5);
    let new = chancy(40, 1);
    let each: Vec<Vec<f64>> = models.iter_mut().map(|model| numbers(model, &new)).collect();
    let mut scores = Vec::new();
    for (member, (model, rows)) in models.iter_mut().zip(&held_out).enumerate() {
        let part = table.select(rows);
        let Column::Numbers(right) = part.column("number").unwrap() else { panic!("numbers") };
        let answers = numbers(model, &part);
        scores.extend(answers.iter().zip(right).map(|(answer, right)| (member, (answer - right).abs())));
    }
    let mut model = TableModel::of_networks(models, &table, &held_out).unwrap().0;
    let plus =
        AnswerOptions { interval: Some(0.9), interval_method: IntervalMethod::CvPlus, ..AnswerOptions::default() };
    let Some(RowInterval::Numbers { low, high }) = model.answer(&new, 0, &plus).unwrap().0.interval else {
        panic!("bounds")
    };
    let around = model.predict_interval(&new, 0.9).unwrap();
    let rank = (0.9f64 * 301.0).ceil() as usize;
    for row in 0..40 {
        let mut ups: Vec<f64> = scores.iter().map(|&(member, score)| each[member][row] + score).collect();
        let mut downs: Vec<f64> = scores.iter().map(|&(member, score)| each[member][row] - score).collect();
        ups.sort_by(f64::total_cmp);
        downs.sort_by(|a, b| b.total_cmp(a));
        assert!((high[[row, 0]] - ups[rank - 1]).abs() < 1e-5 && (low[[row, 0]] - downs[rank - 1]).abs() < 1e-5);
        let width = around.high[[row, 0]] - around.low[[row, 0]];
        assert!((width - (around.high[[0, 0]] - around.low[[0, 0]])).abs() < 1e-9, "one width for all rows");
    }
}

fn numbers(model: &mut TableModel, table: &Table) -> Vec<f64> {
    model.predict(table).unwrap().numbers().unwrap().column(0).to_vec()
}

fn what_has_no_interval_says_why() {
    let table = mixed(200);
    let mut numbers = TableModel::fit(&table, &options("price", 1)).unwrap();
    let mut classes = TableModel::fit(&table, &options("class", 1)).unwrap();
    let said = |error: Error| error.to_string();
    assert!(
        said(numbers.predict_set(&table, 0.9).unwrap_err())
            .contains("price: is predicted as numbers; ask for an interval")
    );
    assert!(
        said(classes.predict_interval(&table, 0.9).unwrap_err())
            .contains("class: is predicted as classes; ask for sets")
    );
    assert!(said(numbers.predict_interval(&table, 0.999).unwrap_err()).contains("at least 999 rows"));
    let both = AnswerOptions {
        passes: MaskedPasses::Drawn { samples: 3, seed: 0 },
        interval: Some(0.9),
        ..AnswerOptions::default()
    };
    assert!(
        said(numbers.answer(&table, 0, &both).unwrap_err()).starts_with("interval = 0.9: it is measured by the full")
    );
    let whole = TableOptions { validation: 0.0, ..options("price", 1) };
    let mut unmeasured = TableModel::fit(&table, &whole).unwrap();
    assert!(said(unmeasured.predict_interval(&table, 0.9).unwrap_err()).contains("train it again"));
    let mut several = TableModel::fit(&table, &options("price", 2)).unwrap();
    let sampled = AnswerOptions { passes: MaskedPasses::Drawn { samples: 3, seed: 0 }, ..AnswerOptions::default() };
    assert!(said(several.answer(&table, 0, &sampled).unwrap_err()).starts_with("samples = 3: the model is of several"));
}

fn networks_of_different_tables_are_not_put_together() {
    let (models, held_out, table) = networks(&mixed(200), "class", 2);
    let refused = |models: Vec<TableModel>, held_out: &[Vec<u32>]| {
        TableModel::of_networks(models, &table, held_out).err().expect("refused").to_string()
    };
    let mut both = models;
    both[1] = networks(&mixed(200), "price", 1).0.remove(0);
    assert!(refused(both, &held_out).contains("do not answer for the same targets"));
    assert!(refused(Vec::new(), &[]).contains("each of several networks has rows"));
    let (models, ..) = networks(&mixed(200), "class", 2);
    assert!(refused(models, &held_out[..1]).contains("each of several networks has rows"));
}
