//! How sure answers are: sets by class, rows without an answer, and all masks at once.

use crate::common::quick;
use crate::sample_tables::mixed;
use furlough::predict::{Detection, RiskCoverage};
use furlough_tables::model::{AnswerOptions, DoubtKind, MaskedPasses, RowInterval, RowSpread, TableRecipe};
use furlough_tables::schema::Role;
use furlough_tables::{Column, SplitOptions, Table, TableAnswers, TableModel, TableOptions};

furlough_harness::tests![
    sets_by_class_hold_rare_classes_as_often_as_they_say,
    a_class_of_too_few_rows_is_in_every_set_by_class,
    so_many_rows_have_no_answer_that_the_others_are_right,
    what_cannot_be_left_unanswered_says_why,
    a_file_keeps_what_abstaining_and_sets_by_class_go_by,
    all_masks_at_once_are_near_many_drawn_ones,
    rows_of_another_kind_are_doubted_more,
];

/// Three classes that overlap, the last one rare.
fn uneven(rows: usize, seed: u32) -> Table {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let mut chance = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        f64::from(state) / f64::from(u32::MAX)
    };
    let (mut x, mut classes) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let draw = chance();
        let (class, center) = if draw < 0.65 {
            ("often", 0.0)
        } else if draw < 0.9 {
            ("seldom", 1.2)
        } else {
            ("rare", 2.0)
        };
        classes.push(class);
        x.push(center + chance() + chance() + chance() - 1.5);
    }
    Table::builder().numbers("x", x).texts("class", classes).build().unwrap()
}

fn options(epochs: u32) -> TableOptions {
    let recipe = TableRecipe { epochs, learning_rate: 1e-2, patience: 10, ..quick() };
    TableOptions { recipe: Some(recipe), ..TableOptions::target("class") }
}

/// The labels of a table's rows.
fn labels(table: &Table) -> Vec<String> {
    match table.column("class") {
        Ok(Column::Codes { codes, levels }) => codes.iter().map(|&code| levels[code as usize].clone()).collect(),
        other => panic!("{other:?}"),
    }
}

fn sets_by_class_hold_rare_classes_as_often_as_they_say() {
    let of = |by_class| AnswerOptions { interval: Some(0.9), by_class, ..AnswerOptions::default() };
    let (mut held, mut rows) = ([[0, 0, 0]; 2], [0, 0, 0]);
    for seed in 0..20 {
        let table = uneven(1500, seed);
        let split =
            table.split_rows(&SplitOptions { test: 0.4, seed: seed.into(), ..SplitOptions::default() }).unwrap();
        let mut model =
            TableModel::fit(&table.select(&split.train), &TableOptions { seed: seed.into(), ..options(20) }).unwrap();
        let test = table.select(&split.test);
        for (held, by_class) in held.iter_mut().zip([false, true]) {
            let answers = model.answer(&test, 0, &of(by_class)).unwrap().0;
            let (Some(RowInterval::Classes(sets)), TableAnswers::Classes { names, .. }) =
                (answers.interval, answers.answers)
            else {
                panic!("sets of classes")
            };
            for (label, set) in labels(&test).iter().zip(sets) {
                let class = ["often", "seldom", "rare"].iter().position(|name| name == label).unwrap();
                held[class] += usize::from(set.iter().any(|&one| names[one as usize] == *label));
                rows[class] += usize::from(by_class);
            }
        }
    }
    let [all, by_class] = held.map(|held| [0, 1, 2].map(|class| held[class] as f64 / rows[class] as f64));
    assert!(by_class.iter().all(|share| (0.88..=0.94).contains(share)), "by class {by_class:?}, together {all:?}");
    assert!(all[2] < 0.86, "together the rare class is held less often: {all:?}");
}

fn a_class_of_too_few_rows_is_in_every_set_by_class() {
    let table = uneven(60, 1);
    let mut model = TableModel::fit(&table, &options(10)).unwrap();
    let options = AnswerOptions { interval: Some(0.9), by_class: true, ..AnswerOptions::default() };
    let answers = model.answer(&table, 0, &options).unwrap().0;
    let (Some(RowInterval::Classes(sets)), TableAnswers::Classes { names, .. }) = (answers.interval, answers.answers)
    else {
        panic!("sets of classes")
    };
    let rare = names.iter().position(|name| name == "rare").unwrap() as u32;
    assert!(sets.iter().all(|set| set.contains(&rare)), "a dozen rows validate, one or two of them rare");
}

fn so_many_rows_have_no_answer_that_the_others_are_right() {
    for members in [1, 3] {
        let (mut wrong, mut given, mut all) = (0, 0, 0);
        for seed in 0..10 {
            let table = uneven(1500, seed);
            let split =
                table.split_rows(&SplitOptions { test: 0.4, seed: seed.into(), ..SplitOptions::default() }).unwrap();
            let options = TableOptions { seed: seed.into(), members, ..options(20) };
            let mut model = TableModel::fit(&table.select(&split.train), &options).unwrap();
            let test = table.select(&split.test);
            let asked = AnswerOptions { abstain: Some(0.1), probabilities: true, ..AnswerOptions::default() };
            let answers = model.answer(&test, 0, &asked).unwrap().0;
            let sure = answers.confidence.as_ref().unwrap();
            let point = *model.answered_from(0.1).unwrap();
            assert_eq!(sure.least, point.confidence);
            let texts = answers.answers.texts();
            for (row, (text, label)) in texts.iter().zip(labels(&test)).enumerate() {
                let most = answers.probabilities.as_ref().unwrap().row(row).fold(0.0f32, |most, &p| most.max(p));
                assert!((f64::from(most) - sure.values[row]).abs() < 1e-5);
                assert_eq!(answers.has_answer(row), sure.values[row] >= sure.least);
                given += usize::from(answers.has_answer(row));
                wrong += usize::from(answers.has_answer(row) && *text != label);
                all += 1;
            }
            assert_eq!(answers.unanswered(), (0..test.rows()).filter(|&row| !answers.has_answer(row)).count());
        }
        let (risk, coverage) = (f64::from(wrong as u32) / given as f64, given as f64 / all as f64);
        assert!((0.06..0.14).contains(&risk) && (0.2..0.95).contains(&coverage), "{members}: {risk}, {coverage}");
    }
}

fn what_cannot_be_left_unanswered_says_why() {
    let table = mixed(200);
    let said = |target: &str, change: AnswerOptions, validation| {
        let recipe = Some(quick());
        let options = TableOptions { recipe, validation, ..TableOptions::target(target) };
        let mut model = TableModel::fit(&table, &options).unwrap();
        model.answer(&table, 0, &change).unwrap_err().to_string()
    };
    let of = |abstain| AnswerOptions { abstain: Some(abstain), ..AnswerOptions::default() };
    assert!(said("price", of(0.1), 0.2).contains("abstain = 0.1: the model does not say how often it was wrong"));
    assert!(said("class", of(0.1), 0.0).contains("held no rows out"));
    assert!(said("class", of(1.0), 0.2).contains("abstain = 1: the share of answers that may be wrong is at least 0"));
    assert!(said("class", of(f64::NAN), 0.2).contains("abstain = NaN"));
    let masked = AnswerOptions { passes: MaskedPasses::Analytic, ..of(0.1) };
    assert!(said("class", masked, 0.2).contains("abstain = 0.1: it is measured by the full network's answers"));
    let by_class = AnswerOptions { by_class: true, ..AnswerOptions::default() };
    assert!(said("class", by_class, 0.2).contains("by_class = true: it is about sets"));
    let of_number = AnswerOptions { interval: Some(0.9), ..by_class };
    assert!(said("price", of_number, 0.2).contains("class by class: it is one of numbers"));
    // A class that chance decides: the surest answers are wrong too.
    let chance = Table::builder()
        .numbers("x", (0..300).map(f64::from))
        .texts("class", (0..300).map(|row| ["a", "b"][(row * 7919 % 997) % 2]))
        .build()
        .unwrap();
    let error = |seed| {
        let model = TableModel::fit(&chance, &TableOptions { seed, ..options(10) }).unwrap();
        model.answered_from(0.0).err().map(|error| error.to_string())
    };
    let errors: Vec<String> = (0..8).filter_map(error).collect();
    assert!(!errors.is_empty() && errors.iter().all(|error| error.contains("abstain = 0: even of the surest")));
}

fn a_file_keeps_what_abstaining_and_sets_by_class_go_by() {
    let folder = tempfile::tempdir().unwrap();
    let table = uneven(400, 3);
    for members in [1, 2] {
        let mut model = TableModel::fit(&table, &TableOptions { members, ..options(10) }).unwrap();
        let path = folder.path().join("m");
        model.save(&path).unwrap();
        let mut loaded = TableModel::load(&path, 1).unwrap();
        let asked =
            AnswerOptions { interval: Some(0.8), by_class: true, abstain: Some(0.2), ..AnswerOptions::default() };
        assert_eq!(loaded.answer(&table, 0, &asked).unwrap(), model.answer(&table, 0, &asked).unwrap());
        let risk: &RiskCoverage = loaded.risk_coverage().unwrap();
        assert_eq!(risk.examples, loaded.conformal().unwrap().rows());
    }
}

fn all_masks_at_once_are_near_many_drawn_ones() {
    let table = mixed(300).with_role("day", Role::Ignore).unwrap();
    for target in ["price", "class"] {
        let recipe = Some(TableRecipe { hidden: vec![64, 64], ..quick() });
        let mut model = TableModel::fit(&table, &TableOptions { recipe, ..TableOptions::target(target) }).unwrap();
        let of = |passes| AnswerOptions { passes, probabilities: true, ..AnswerOptions::default() };
        let drawn = model.answer(&table, 0, &of(MaskedPasses::Drawn { samples: 2000, seed: 0 })).unwrap().0;
        let all = model.answer(&table, 0, &of(MaskedPasses::Analytic)).unwrap().0;
        match (&drawn.spread, &all.spread) {
            (Some(RowSpread::Numbers(drawn)), Some(RowSpread::Numbers(all))) => {
                let ratio = (all / drawn).mean().unwrap();
                assert!((0.8..1.2).contains(&ratio), "{ratio}");
            }
            (Some(RowSpread::Classes(doubts)), Some(RowSpread::Entropies(entropies))) => {
                let off = doubts.iter().zip(entropies).map(|(doubt, all)| (doubt.predictive_entropy - all).abs());
                assert!(off.sum::<f64>() / 300.0 < 0.02);
                let (drawn, all) = (drawn.probabilities.unwrap(), all.probabilities.unwrap());
                assert!((&drawn - &all).mapv(f32::abs).mean().unwrap() < 0.01);
            }
            other => panic!("{other:?}"),
        }
    }
}

fn rows_of_another_kind_are_doubted_more() {
    let table = mixed(400).with_role("day", Role::Ignore).unwrap();
    let ascending = |values: &[f64]| values.iter().all(|value| value.is_finite() && *value >= 0.0);
    for (target, members, passes, kinds) in [
        ("class", 1, MaskedPasses::Full, 2),
        ("class", 3, MaskedPasses::Full, 3),
        ("class", 1, MaskedPasses::Drawn { samples: 20, seed: 0 }, 2),
        ("class", 1, MaskedPasses::Analytic, 1),
        ("price", 1, MaskedPasses::Full, 0),
        ("price", 3, MaskedPasses::Full, 1),
        ("price", 1, MaskedPasses::Drawn { samples: 20, seed: 0 }, 1),
    ] {
        let options = TableOptions { recipe: Some(quick()), members, ..TableOptions::target(target) };
        let mut model = TableModel::fit(&table, &options).unwrap();
        let doubts = model.doubts(&table, passes).unwrap();
        assert_eq!(doubts.kinds.len(), kinds, "{target}, {members}, {passes:?}");
        assert!(doubts.kinds.iter().all(|(_, values)| values.len() == 400 && ascending(values)));
        if let [(DoubtKind::LeastConfidence, least), (DoubtKind::PredictiveEntropy, entropies), ..] = &doubts.kinds[..]
        {
            let mut order: Vec<usize> = (0..400).collect();
            order.sort_by(|&a, &b| least[a].total_cmp(&least[b]));
            assert!(entropies[order[0]] < entropies[order[399]]);
        }
        if kinds == 3 {
            let shared = &doubts.kinds[2];
            assert_eq!(shared.0, DoubtKind::MutualInformation);
            assert!(shared.1.iter().zip(&doubts.kinds[1].1).all(|(shared, all)| shared <= all));
        }
        if target == "price" && members == 3 {
            assert_eq!(doubts.kinds[0].0, DoubtKind::Deviation { target: "price".into() });
        }
    }
    // Between the classes, where nothing was learned for sure, there is more doubt.
    let table = uneven(1500, 4);
    let mut model = TableModel::fit(&table, &options(20)).unwrap();
    let near = Table::builder().numbers("x", vec![-1.2; 50]).build_as(model.schema()).unwrap();
    let between = Table::builder().numbers("x", vec![0.7; 50]).build_as(model.schema()).unwrap();
    let [near, between] = [near, between].map(|table| model.doubts(&table, MaskedPasses::Full).unwrap().kinds);
    let found = Detection::of(&near[0].1, &between[0].1).unwrap();
    assert_eq!((found.auroc, found.auprc, found.fpr95), (1.0, 1.0, 0.0));
}
