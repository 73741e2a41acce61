use super::*;
use std::sync::atomic::{AtomicBool, Ordering};

const HEAD: &str = "title = 'A study'\n[base]\ndata = 'digits'\nhidden = 8\nepochs = 1\n[seeds]\ncount = 2\n";

fn study(text: &str) -> crate::Result<Study> {
    Study::parse(text, Some("a.toml".as_ref()))
}

#[test]
fn the_grid_is_the_product_of_its_axes() {
    let text = format!(
        "{HEAD}[axes]\nmodel = [{{ name = 'narrow', hidden = [4, 4] }}, {{ hidden = 16, lr = 0.2 }}]\ndropout = [0, \
         0.5]\n"
    );
    let study = study(&text).unwrap();
    let titles: Vec<String> = study.arms().iter().map(Arm::title).collect();
    assert_eq!(
        titles,
        ["narrow, dropout 0", "narrow, dropout 0.5", "hidden 16, lr 0.2, dropout 0", "hidden 16, lr 0.2, dropout 0.5"]
    );
    assert_eq!(study.axes(), ["model", "dropout"]);
    assert_eq!((study.seeds(), study.measures()), (&[0, 1][..], &[Measure::TestError][..]));
    let trials: Vec<_> = study.trials().collect();
    assert_eq!(trials.len(), 8);
    assert_eq!((trials[5].0, trials[5].1), (1, 1), "seed after seed");
    assert_eq!((trials[5].2.hidden(), trials[5].2.dropout()), (&[4, 4][..], &[0.5, 0.5][..]));
    assert_eq!(trials[5].2.options().seed, 1);
    assert_eq!(study.arms()[3].label("lr").unwrap().value, Some(0.2));
    assert_eq!(study.arms()[0].label("hidden").unwrap(), Label { text: "4-4".into(), value: Some(4.0) });
}

/// Figures of held-out examples are called so, whatever an older study calls them.
#[test]
fn held_out_examples_have_figures_of_their_own_names() {
    let text = |folds: &str, measure: &str| {
        format!(
            "{HEAD}[axes]\n{folds}\n[[plot]]\nx = 'epoch'\ny = ['test_loss', 'noisy_train_loss']\n\
             [[plot]]\nx = 'test_error'\ny = 'gap'\n"
        )
        .replacen("[base]", &format!("measure = {measure}\n[base]"), 1)
    };
    let measures = |folds: &str, measure: &str| study(&text(folds, measure)).unwrap().measures().to_vec();
    use Measure::*;
    assert_eq!(measures("folds = [5, 7]", "['test_error']"), [ValError, ValLoss, NoisyTrainLoss, ValGap]);
    assert_eq!(measures("folds = [5, 7]", "['val_error']"), [ValError, ValLoss, NoisyTrainLoss, ValGap]);
    assert_eq!(measures("dropout = [0, 0.5]", "['test_error']"), [TestError, TestLoss, NoisyTrainLoss, Gap]);
    let mixed = measures("part = [{ name = 'whole' }, { name = 'fold', folds = 5 }]", "['averaging_error']");
    assert_eq!(mixed, [AveragingError, ValAveragingError, TestLoss, ValLoss, NoisyTrainLoss, Gap, ValGap, TestError]);
    let error = study(&text("dropout = [0, 0.5]", "['val_error']")).unwrap_err().to_string();
    assert!(
        error.contains("val_error is of held-out examples, and no arm holds any out; set folds, or name test_error")
    );
    let error = study(&text("folds = [5, 7]", "['val_error', 'test_error']")).unwrap_err().to_string();
    assert!(error.contains("measure: val_error is there twice"), "{error}");
    let plots = study(&text("folds = [5, 7]", "['gap']")).unwrap().plots().to_vec();
    assert_eq!((plots[1].x.as_str(), &plots[1].y[..]), ("val_error", &[ValGap][..]));
}

#[test]
fn parts_have_axes_of_their_own_and_may_share_trials() {
    let text = format!(
        "{HEAD}[[grid]]\nname = 'fixed width'\nbase = {{ batch_size = 64 }}\naxes.dropout = [0, 0.5]\n\
         [[grid]]\nname = 'width times keep'\n[grid.base]\nbatch_size = 64\n[grid.axes]\n\
         point = [{{ dropout = 0, hidden = 8 }}, {{ dropout = 0.5, hidden = 16 }}]\n\
         [[plot]]\nx = 'dropout'\ny = ['test_error', 'gap']\nseries = 'grid'\n"
    );
    let study = study(&text).unwrap();
    let titles: Vec<String> = study.arms().iter().map(Arm::title).collect();
    assert_eq!(titles[..2], ["fixed width, dropout 0", "fixed width, dropout 0.5"]);
    assert_eq!(titles[3], "width times keep, dropout 0.5, hidden 16");
    assert_eq!(study.arms()[0].recipe(), study.arms()[2].recipe());
    assert_eq!(study.measures(), [Measure::TestError, Measure::Gap]);
    let other = study.with_data("fashion-mnist").unwrap();
    assert_eq!((other.data(), other.title()), ("fashion-mnist", "A study"));
}

fn is_said_in_one_line<const N: usize>(cases: [(String, &str); N]) {
    for (text, expected) in cases {
        let error = study(&text).unwrap_err().to_string();
        assert!(error.starts_with("study a.toml: "), "{error}");
        assert!(error.contains(expected), "{text}\n{error}\nshould mention {expected:?}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn what_is_wrong_with_the_axes_is_said_in_one_line() {
    is_said_in_one_line([
        (
            format!("{HEAD}[axes]\ndropuot = [0, 0.5]\n"),
            "axes: dropuot is not a key of a recipe (do you mean dropout?)",
        ),
        (format!("{HEAD}[axes]\nmodel = [1, 2]\n"), "an axis of several keys has tables: model = [{ name"),
        (
            format!("{HEAD}[axes]\nm = [{{ name = 'a', hiden = 3 }}]\n"),
            "axes: m: hiden is not a key of a recipe (do you mean hidden?)",
        ),
        (format!("{HEAD}[axes]\nm = [{{ name = 1, hidden = 3 }}]\n"), "name = 1 is to be a text"),
        (HEAD.into(), "the grid is empty: [axes] needs an axis"),
        (format!("{HEAD}[axes]\ndropout = []\n"), "axes: dropout is an empty list"),
        (format!("{HEAD}[axes]\ndropout = 0.5\n"), "axes: dropout is to be a list of values, such as dropout = [0.5]"),
        (format!("{HEAD}[axes]\ndropout = [0, 0.5, 0.0]\n"), "axes: dropout has 0 twice"),
        (format!("{HEAD}[axes]\ndropout = [[0.5], 0.5]\n"), "axes: dropout has 0.5 twice"),
        (
            format!("{HEAD}[axes]\nm = [{{ name = 'a', lr = 1 }}, {{ name = 'b', lr = 1.0 }}]\n"),
            "two arms are the same: a and b",
        ),
        (format!("{HEAD}[axes]\nlr = [1]\nm = [{{ name = 'a', lr = 2 }}]\n"), "axes: both lr and m set lr"),
        (format!("{HEAD}[axes]\ndropout = [0, 1.5]\n"), "dropout 1.5: dropout = 1.5: a drop probability"),
        (format!("{HEAD}[axes]\ndropout = [0, 'half']\n"), "half: dropout = \"half\": invalid type"),
        (format!("{HEAD}[axes]\nseed = [0, 1]\n"), "seed is not set here but under [seeds]"),
        (format!("{HEAD}[axes]\ndata = ['digits']\n"), "a study is of one data set"),
    ]);
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let axes = "[axes]\ndropout = [0, 0.5]\n";
    is_said_in_one_line([
        (HEAD.replace("hidden", "hiden") + axes, "base: hiden is not a key of a recipe (do you mean hidden?)"),
        (HEAD.replace("count = 2", "count = 0") + axes, "has no seeds; write how many"),
        (HEAD.replace("[seeds]\ncount = 2\n", "") + axes, "has no seeds; write how many"),
        (HEAD.replace("count = 2", "list = [3, 4, 3]") + axes, "seeds: 3 is there twice"),
        (HEAD.replace("count = 2", "list = [3]\ncount = 2") + axes, "a list and a count"),
        (HEAD.replace("title", "titel") + axes, "line 1, column 1 (titel = 'A study'): unknown field `titel`"),
        (HEAD.replace("[seeds]", "[seeds") + axes, "line 6, column 7 ([seeds): "),
        (format!("measure = ['gap', 'test_error', 'gap']\n{HEAD}{axes}"), "measure: gap is there twice"),
        (
            format!("measure = ['test_eror']\n{HEAD}{axes}"),
            "\"test_eror\" is not a measurement (do you mean test_error?)",
        ),
        (
            format!("{HEAD}{axes}[plot]\nx = 'dropuot'\ny = 'gap'\n"),
            "plot: x = \"dropuot\" is neither an axis of this study nor",
        ),
        (format!("{HEAD}{axes}[plot]\nx = 'epoch'\ny = 'gap'\n"), "plot: gap is not measured against epoch"),
        (format!("{HEAD}{axes}[plot]\nx = 'lr'\ny = []\n"), "plot: y is empty"),
        (
            format!("{HEAD}{axes}[plot]\nx = 'dropout'\nlog_x = true\ny = 'gap'\n"),
            "plot: log_x has no place for dropout 0",
        ),
        (format!("{HEAD}{axes}[plot]\nx = 'lr'\ny = 'gap'\nname = '../a'\n"), "is to be a file's name"),
        (
            format!("{HEAD}{axes}[[plot]]\nx = 'lr'\ny = 'gap'\n[[plot]]\nx = 'lr'\ny = 'gap'\nname = 'plot'\n"),
            "two are called \"plot\"",
        ),
        (
            format!("{HEAD}{axes}[plot]\nx = 'lr'\ny = 'gap'\nonly = {{ dropout = 0.4 }}\n"),
            "plot: only: dropout has no value 0.4; it has 0, 0.5",
        ),
        (
            format!(
                "{HEAD}[axes]\nlr = [{}]\n[compare]\nbaseline = {{ lr = 99 }}\n",
                [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14].map(|k: u8| k.to_string()).join(", ")
            ),
            "compare: baseline: lr has no value 99; it has 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 2 more",
        ),
        (
            format!("{HEAD}{axes}[compare]\nbaseline = {{ droput = 0 }}\n"),
            "compare: baseline: droput is not an axis of this study (do you mean dropout?)",
        ),
        (format!("{HEAD}{axes}[compare]\nbaseline = {{}}\n"), "compare: baseline is empty"),
        (
            format!("{HEAD}[[grid]]\nname = 'a'\n{}[[grid]]\nname = 'a'\n", "axes.lr = [1]\n"),
            "two grids are called \"a\"",
        ),
        (
            format!("{HEAD}{axes}[[grid]]\nname = 'a'\naxes.dropout = [0.1]\n"),
            "dropout is an axis of the whole study already",
        ),
        (
            HEAD.replace("count = 2", "count = -1") + axes,
            "line 7, column 9 (count = -1): invalid value: integer `-1`, expected a whole",
        ),
        (HEAD.replace("count = 2", "count = 100001") + axes, "seeds: count = 100001 is more than 100000"),
        (
            HEAD.replace("count = 2", "count = 2\nfirst = 9223372036854775807") + axes,
            "seeds: 2 from 9223372036854775807 on go beyond 9223372036854775807",
        ),
        (
            format!("{HEAD}{axes}[compare]\nbaseline = {{ dropout = [] }}\n"),
            "compare: baseline: dropout is an empty list",
        ),
    ]);
}

#[test]
fn a_slip_does_not_make_a_study_endless() {
    let many = |count: usize| (1..=count).map(|k| k.to_string()).collect::<Vec<_>>().join(", ");
    let axes = |rates: &str, sizes: &str| format!("[axes]\nlr = [{rates}]\nbatch_size = [{sizes}]\n");
    let part = "[[grid]]\nname = 'a'\naxes.epochs = [1, 2]\n[[grid]]\nname = 'b'\n";
    for (text, expected) in [
        (
            format!("{HEAD}{}", axes(&many(150), &many(300))),
            "has 45000 arms, and 10000 are the most that there may be; make its axes shorter",
        ),
        (format!("{HEAD}{}{part}", axes(&many(100), &many(100))), "has 30000 arms"),
        (
            HEAD.replace("count = 2", "count = 1000") + &axes(&many(15), &many(30)),
            "has 450000 trials, 450 arms with 1000 seeds each, and 100000 are the most that there may be; take fewer",
        ),
        (
            HEAD.replace("count = 2", &format!("list = [{}]", many(50_001))) + &axes("1, 2", "3"),
            "has 100002 trials, 2 arms with 50001 seeds each",
        ),
    ] {
        let error = study(&text).unwrap_err().to_string();
        assert!(error.contains(expected) && error.lines().count() == 1, "{error}\nshould mention {expected:?}");
    }
    let most = HEAD.replace("count = 2", "count = 10") + &axes(&many(100), &many(100));
    assert_eq!(study(&most).unwrap().trials().count(), 100_000);
    // The largest seed that a recipe's file can have.
    let last = HEAD.replace("count = 2", "count = 2\nfirst = 9223372036854775806") + &axes("1", "2");
    assert_eq!(study(&last).unwrap().trials().last().unwrap().2.options().seed, i64::MAX as u64);
}

#[test]
fn names_can_stand_in_tables_and_be_files() {
    let axes = "[axes]\ndropout = [0, 0.5]\n";
    let plot = |more: &str| format!("{HEAD}{axes}[plot]\nx = 'dropout'\ny = 'gap'\n{more}\n");
    let broken = "has a line break or another control character";
    for (text, expected) in [
        (HEAD.replace("'A study'", "''") + axes, "title is empty"),
        (HEAD.replace("'A study'", "\"A\\nB\"") + axes, &*format!("title \"A\\nB\" {broken}, '\\n'")),
        (format!("{HEAD}[axes]\n'' = [{{ name = 'a', lr = 1 }}]\n"), "axes: the name of an axis is empty"),
        (format!("{HEAD}[axes]\n\"a\\tb\" = [{{ name = 'a', lr = 1 }}]\n"), "the name of an axis \"a\\tb\" has a line"),
        (format!("{HEAD}[axes]\nm = [{{ name = ' ', lr = 1 }}]\n"), "axes: m: a value's name is empty"),
        (format!("{HEAD}[axes]\nm = [{{}}]\n"), "axes: m: a value's name is empty"),
        (
            format!("{HEAD}[axes]\nm = [{{ name = \"a\\nb\", lr = 1 }}]\n"),
            "axes: m: a value's name \"a\\nb\" has a line",
        ),
        (format!("{HEAD}[axes]\ndropout = [0.5, {{ name = '0.5', lr = 1 }}]\n"), "axes: dropout has 0.5 twice"),
        (format!("{HEAD}[[grid]]\nname = ''\n{axes}"), "the name of grid 1 is empty"),
        (format!("{HEAD}{axes}[[grid]]\nname = \"a\\u2028\"\n"), "the name of grid 1 \"a\\u{2028}\" has a line"),
        (
            format!("{HEAD}[axes]\ngrid = [{{ name = 'a', lr = 1 }}]\n[[grid]]\nname = 'b'\n"),
            "axes: grid is what the parts are told apart by; call this axis something else",
        ),
        (
            format!("{HEAD}[[grid]]\nname = 'b'\naxes.grid = [{{ name = 'a', lr = 1 }}]\n"),
            "axes: grid is what the parts",
        ),
        (
            format!("{HEAD}[axes]\ntrial = [{{ name = 'a', lr = 1 }}]\n"),
            "axes: trial is a column of every study's results",
        ),
        (
            format!("{HEAD}[axes]\nseed = [{{ name = 'a', lr = 1 }}]\n"),
            "axes: seed is a column of every study's results",
        ),
        (plot("title = \"a\\nb\""), "plot: title \"a\\nb\" has a line"),
        (plot("x_label = \"a\\u0001\""), "plot: x_label \"a\\u{1}\" has a line"),
        (plot("name = ''"), "plot: name \"\" is to be a file's name"),
        (plot("name = 'a/b'"), "plot: name \"a/b\" is to be a file's name"),
        (plot("name = \"a\\nb\""), "plot: name \"a\\nb\" is to be a file's name"),
        (
            plot(&format!("name = '{}'", "ä".repeat(65))),
            "plot: name \"ääääääääääääääää\"… has 130 bytes; as a file's name",
        ),
        (
            plot("name = 'A'\n").replace("[plot]", "[[plot]]") + "[[plot]]\nx = 'lr'\ny = 'gap'\nname = 'a'",
            "two are called",
        ),
    ] {
        let error = study(&text).expect_err(&text).to_string();
        assert!(error.contains(expected), "{text}\n{error}\nshould mention {expected:?}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    study(&plot(&format!("name = '{}'", "a".repeat(128)))).unwrap();
    // No layer at all has a name too; and without parts an axis may be called grid.
    let study = study(&format!("{HEAD}[axes]\nhidden = [[], 8]\ngrid = [{{ name = 'a', lr = 1 }}]\n")).unwrap();
    assert_eq!(study.arms()[0].title(), "none, a");
}

#[test]
fn a_folder_is_one_studys() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("deep/study");
    let text = format!("{HEAD}[axes]\ndropout = [0, 0.5]\n");
    let claim = |text: &str| StudyFolder::claim(&at, &study(text).unwrap()).map(|folder| folder.study().unwrap());
    claim(&text).unwrap();
    claim(&text).unwrap();
    // Words and pictures may change, and a study may grow.
    let words = text.replace("A study", "Another title") + "[plot]\nx = 'dropout'\ny = 'gap'\n";
    assert_eq!(claim(&words).unwrap().title(), "Another title");
    let grown = text.replace("count = 2", "count = 3").replace("[0, 0.5]", "[0, 0.25, 0.5]");
    assert_eq!(claim(&grown).unwrap().seeds().len(), 3);
    for (other, expected) in [
        (grown.replace("hidden = 8", "hidden = 9"), "holds another study: base.hidden is 8 there, and 9 here"),
        (grown.replace("[0, 0.25, 0.5]", "[0, 0.5]"), "axes.dropout is [0, 0.25, 0.5] there, and [0, 0.5] here"),
        (grown.replace("count = 3", "count = 2"), "seeds.count is 3 there, and 2 here"),
        (grown.replace("hidden = 8", "hidden = 8\nlr = 0.3"), "base.lr is not set there, and 0.3 here"),
    ] {
        let error = claim(&other).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("choose another folder"), "{error}");
    }
    assert_eq!(StudyFolder::open(&at).unwrap().study().unwrap().seeds().len(), 3);
    let error = StudyFolder::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("is no study's folder: study.toml is missing"), "{error}");
    let error = StudyFolder::claim(folder.path(), &study(&text).unwrap()).unwrap_err().to_string();
    assert!(error.contains("is not empty (it has deep)"), "{error}");
}

#[test]
fn a_study_that_another_process_begins_just_now_is_no_stranger() {
    let study = study(&format!("{HEAD}[axes]\ndropout = [0, 0.5]\n")).unwrap();
    let root = tempfile::tempdir().unwrap();
    for round in 0..100 {
        let path = root.path().join(round.to_string());
        let begun = AtomicBool::new(false);
        std::thread::scope(|scope| {
            // Whoever looks between the two moments of a check sees the file that was not there.
            let looks = scope.spawn(|| -> crate::Result<()> {
                while !begun.load(Ordering::Relaxed) {
                    StudyFolder::check(&path, &study)?;
                }
                Ok(())
            });
            StudyFolder::claim(&path, &study).unwrap();
            begun.store(true, Ordering::Relaxed);
            looks.join().unwrap().unwrap();
        });
    }
}
