//! What is concluded from runs, by hand.

use super::*;

fn line(text: &str, accuracy: f64, status: RunStatus) -> ComparedRun {
    let recipe = recipe(&format!("data = 'digits'\nepochs = 2\n{text}"));
    let (from, records) = (None, vec![record(1, 0.5), record(2, accuracy)]);
    ComparedRun { name: text.into(), recipe, from, records, status }
}

#[test]
fn seeds_are_paired() {
    let compared = Comparison::of(vec![
        line("dropout = 0\nseed = 3", 0.50, RunStatus::Finished),
        line("dropout = 0\nseed = 1", 0.60, RunStatus::Finished),
        line("dropout = 0.5\nseed = 1", 0.70, RunStatus::Finished),
        line("dropout = 0.5\nseed = 2", 0.99, RunStatus::Finished),
        line("dropout = 0.5\nseed = 3", 0.62, RunStatus::Finished),
        line("dropout = 0.5\nseed = 4", 0.01, RunStatus::Unfinished),
        line("dropout = 0.5\nmax_norm = 3.0\nseed = 1", 0.60, RunStatus::Finished),
        line("dropout = 0.5\nseed = 3", 0.01, RunStatus::CutShort),
    ]);
    let keys: Vec<&str> = compared.differences.iter().map(|difference| difference.key.as_str()).collect();
    assert_eq!(keys, ["dropout", "seed", "max_norm"]);
    assert_eq!(compared.differences[2].values[0], None);
    assert_eq!(compared.differences[2].values[6].as_deref(), Some("3.0"));
    let groups: Vec<&[usize]> = compared.groups.iter().map(|group| group.runs.as_slice()).collect();
    assert_eq!(groups, [&[0, 1][..], &[2, 3, 4, 5, 7], &[6]]);
    assert_eq!(compared.groups[1].label, "dropout = [0.5, 0.5], max_norm = default");

    let [accuracy, loss, alone, _] = compared.paired.as_slice() else { panic!("{:?}", compared.paired) };
    assert_eq!((accuracy.group, accuracy.figure, accuracy.seeds.as_slice()), (1, "accuracy", &[1, 3][..]));
    // 0.10 and 0.12: mean 0.11, half-width t(0.975, 1) · 0.01 = 12.706 · 0.01.
    assert!((accuracy.estimate.mean - 0.11).abs() < 1e-12);
    assert!((accuracy.estimate.half_width.unwrap() - 0.127_062).abs() < 1e-6);
    assert_eq!((accuracy.p_value, accuracy.verdict()), (Some(0.5), "no difference is shown"));
    assert_eq!(accuracy.show(accuracy.estimate.mean), "+11.00 points");
    assert!((loss.estimate.mean + 0.11).abs() < 1e-12);
    assert_eq!((alone.seeds.len(), alone.verdict()), (1, "one seed says nothing about chance"));

    let html = page(&[Part::Comparison(&compared)]).unwrap();
    assert!(
        html.contains("+11.00 points")
            && html.contains("unfinished")
            && html.contains("cut short")
            && html.contains("td class=\"differs\"")
    );
}

/// The ends of long names, where they differ, are kept.
#[test]
fn very_long_names_of_groups_are_cut_in_the_middle() {
    let line = |last: &str| {
        let hidden = ["64"; 12].join(", ");
        line(&format!("hidden = [{hidden}, {last}]\ndropout = 0.5"), 0.5, RunStatus::Finished)
    };
    let compared = Comparison::of(vec![line("32"), line("16")]);
    let [first, second] = [0, 1].map(|group| compared.groups[group].short());
    assert_eq!([&first, &second].map(|name| name.chars().count()), [60, 60]);
    assert!(first.starts_with("hidden = [64, 64") && first.ends_with("64, 64, 32]"), "{first}");
    assert!(first.matches('…').count() == 1 && second.ends_with("64, 64, 16]"), "{second}");
    let html = page(&[Part::Comparison(&compared)]).unwrap();
    assert!(html.contains(&format!("title=\"{}\">{second}<", compared.groups[1].label)), "the whole name is there");
}

#[test]
fn figures_on_other_examples_are_no_pair() {
    let pairs = |other: &str| {
        let runs = vec![
            line("folds = 5\nfold = 1\nseed = 1", 0.5, RunStatus::Finished),
            line(other, 0.6, RunStatus::Finished),
        ];
        Comparison::of(runs).paired.len()
    };
    assert_eq!(pairs("folds = 5\nfold = 1\nseed = 1\ndropout = 0\ntrain_examples = 9"), 2);
    for other in [
        "seed = 1",
        "folds = 5\nseed = 1",
        "folds = 4\nfold = 1\nseed = 1",
        "folds = 5\nfold = 1\nsplit_seed = 2\nseed = 1",
    ] {
        assert_eq!(pairs(other), 0, "{other}");
    }
}

#[test]
fn better_and_worse_are_told_apart() {
    let compared = |gain: f64| {
        let plain = (0..5).map(|seed| line(&format!("dropout = 0\nseed = {seed}"), 0.5, RunStatus::Finished));
        let dropped = (0..5).map(|seed| {
            line(&format!("dropout = 0.5\nseed = {seed}"), 0.5 + gain + f64::from(seed) / 1e4, RunStatus::Finished)
        });
        let compared = Comparison::of(plain.chain(dropped).collect());
        [0, 1].map(|figure| compared.paired[figure].verdict())
    };
    assert_eq!(compared(0.1), ["better than the first group"; 2]);
    assert_eq!(compared(-0.1), ["worse than the first group"; 2]);
}

#[test]
fn equal_recipes_are_said_to_be_equal() {
    let compared =
        Comparison::of(vec![line("seed = 1", 0.5, RunStatus::Finished), line("seed = 1", 0.5, RunStatus::Finished)]);
    assert!(compared.differences.is_empty() && compared.paired.is_empty());
    let html = page(&[Part::Comparison(&compared)]).unwrap();
    assert!(html.contains("these runs have the same recipe"));
    let folds = Comparison::of(vec![
        line("folds = 5\nfold = 1", 0.5, RunStatus::Finished),
        line("seed = 1", 0.5, RunStatus::Finished),
    ]);
    assert_eq!((compared.eval_splits(), folds.eval_splits()), ("test", "test or validation"));
}
