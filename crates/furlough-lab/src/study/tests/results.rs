use super::*;
use crate::run::Panel;
use furlough::predict::Predictor;
use furlough::train::Control;
use std::path::PathBuf;

const STUDY: &str = "
title = 'Dropout on digits, in no time'
question = 'Does it help?'
measure = ['test_error', 'train_error', 'gap', 'parameters']
[base]
data = 'digits'
batch_size = 128
hidden = 8
epochs = 3
[axes]
model = [{ name = 'narrow', hidden = 8 }, { name = 'wide, \"very\"', hidden = 24 }]
dropout = [0, 0.25, 0.5]
[seeds]
count = 3
[[plot]]
x = 'dropout'
y = ['test_error', 'gap']
series = 'model'
[[plot]]
name = 'training'
x = 'epoch'
y = 'test_error'
only = { model = 'narrow' }
[[plot]]
name = 'arms'
x = 'model'
y = ['test_error', 'train_error']
[[plot]]
name = 'size'
x = 'parameters'
y = 'test_error'
series = 'dropout'
[compare]
baseline = { dropout = 0 }
";

fn study() -> Study {
    Study::parse(STUDY, None).unwrap()
}

/// Trains what `chosen` says of the study's trials.
fn train(root: &Path, chosen: impl Fn(usize) -> bool) {
    let trials = study().trials().enumerate().filter(|(number, _)| chosen(*number)).collect::<Vec<_>>();
    let job =
        |(number, (_, _, recipe))| Job { number, trial: Trial::new(recipe, &data().info.fingerprint), until: None };
    let mut plan = Queue::new(trials.into_iter().map(job), |_| Control::Continue);
    run_pool(&data(), &PoolConfig { workers: 2, setting: setting(root), stop: &|| false }, &mut plan).unwrap();
}

fn collect(roots: &[PathBuf]) -> Results {
    Results::collect(&study(), &data(), roots, 1, &mut |_, _| ()).unwrap()
}

#[test]
fn results_are_what_the_trials_came_to() {
    let (whole, halves) = (tempfile::tempdir().unwrap(), [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()]);
    train(whole.path(), |_| true);
    let results = collect(&[whole.path().to_path_buf()]);
    assert_eq!((results.arms.len(), results.missing.len()), (6, 0));
    let arm = &results.arms[4];
    assert_eq!((arm.title.as_str(), arm.trials.len()), ("wide, \"very\", dropout 0.25", 3));
    let trial = &arm.trials[1];
    let error = 100.0 * (1.0 - trial.epochs[2].summary.eval_accuracy().unwrap());
    assert!((trial.values[&Measure::TestError] - error).abs() < 1e-6);
    assert_eq!(trial.values[&Measure::Parameters], (64.0 + 1.0) * 24.0 + 25.0 * 10.0);
    let gap = trial.values[&Measure::TestError] - trial.values[&Measure::TrainError];
    assert!((trial.values[&Measure::Gap] - gap).abs() < 1e-9);
    let errors: Vec<f64> = arm.trials.iter().map(|trial| trial.values[&Measure::TestError]).collect();
    assert_eq!(arm.estimates[&Measure::TestError], statistics::Estimate::of(&errors).unwrap());

    // Each arm with dropout beside the same model without: two models, two rates, four
    // measurements.
    assert_eq!(results.comparisons.len(), 2 * 2 * 4);
    let pair = &results.comparisons[0];
    assert_eq!((pair.arm, pair.baseline, pair.measure), (1, 0, Measure::TestError));
    let difference =
        |seed| results.arms[1].value(seed, pair.measure).unwrap() - results.arms[0].value(seed, pair.measure).unwrap();
    assert!((pair.difference.mean - (difference(0) + difference(1) + difference(2)) / 3.0).abs() < 1e-9);

    // Two shards in folders of their own, then read back.
    train(halves[0].path(), |number| number % 2 == 0);
    train(halves[1].path(), |number| number % 2 == 1);
    let roots = halves.each_ref().map(|half| half.path().to_path_buf());
    let joined = collect(&roots);
    assert_eq!(joined.to_json(), results.to_json());
    assert_eq!(serde_json::from_str::<Results>(&results.to_json()).unwrap(), results);
    assert_eq!(joined.to_csv(), results.to_csv());

    // One shard alone says what is missing, and a damaged trial is no more than that.
    fs::write(roots[0].join(results.arms[0].trials[0].id.as_str()).join("metrics.jsonl"), "").unwrap();
    let half = collect(&roots[..1]);
    assert_eq!(half.missing.len(), 10);
    assert!(half.missing[0].reason.contains("this trial is damaged"), "{:?}", half.missing[0]);
    assert!(half.missing[1].reason.contains("has not begun"), "{:?}", half.missing[1]);
    assert!(half.to_markdown().contains("10 trials are missing"));
    pages(&results);
    pictures(&results);
}

#[test]
fn a_trial_that_failed_is_told_with_its_reason() {
    let root = tempfile::tempdir().unwrap();
    let text = "title = 'rates'\nseeds = { count = 1 }\nmeasure = ['test_error']\n\
                base = { data = 'digits', hidden = 8, epochs = 1, batch_size = 256 }\naxes = { rate = [{ name = \
                'fine', lr = 0.1 }, { name = 'wild', lr = 1e30 }] }";
    let study = Study::parse(text, None).unwrap();
    let collect = || Results::collect(&study, &data(), &[root.path().to_path_buf()], 1, &mut |_, _| ()).unwrap();
    let trials: Vec<_> = study.trials().map(|(_, _, recipe)| Trial::new(recipe, &data().info.fingerprint)).collect();
    run(&trials[0], root.path(), None).unwrap();
    let before = collect();
    assert!(!before.is_complete() && before.failed().next().is_none());
    assert!(
        before.to_markdown().contains("1 trial is missing:\n\n- wild, seed 0: has not begun"),
        "{}",
        before.to_markdown()
    );
    run(&trials[1], root.path(), None).unwrap();
    let after = collect();
    assert!(after.is_complete() && after.failed().count() == 1);
    let table = after.to_markdown();
    assert!(table.contains("1 trial failed:\n\n- wild, seed 0: diverged: the loss became"), "{table}");
    assert!(!table.contains("missing") && !table.contains("has not begun"), "{table}");
    let json = after.to_json();
    assert!(json.contains("\"state\":\"failed\""), "{json}");
    // Results of before there were states are read as they were.
    let older = json.replace("\"state\":\"failed\",", "");
    assert_eq!(serde_json::from_str::<Results>(&older).unwrap().missing[0].state, MissingState::Unfinished);
}

#[test]
fn arms_that_other_examples_judge_are_not_compared() {
    let text = "title = 'Judges'\n[base]\ndata = 'digits'\nhidden = 8\nbatch_size = 256\nepochs = 1\n[axes]\n\
                judge = [{ name = 'test', lr = 0.1 }, { name = 'more', lr = 0.2 }, { name = 'held out', lr = 0.1, \
                folds = 4 }]\n\
                [seeds]\ncount = 2\n[compare]\nbaseline = { judge = 'test' }";
    let study = Study::parse(text, None).unwrap();
    let root = tempfile::tempdir().unwrap();
    for (_, _, recipe) in study.trials() {
        run(&Trial::new(recipe, &data().info.fingerprint), root.path(), None).unwrap();
    }
    let results = Results::collect(&study, &data(), &[root.path().into()], 1, &mut |_, _| ()).unwrap();
    assert_eq!((results.arms.len(), results.missing.len()), (3, 0));
    assert_eq!(results.comparisons.iter().map(|pair| pair.arm).collect::<Vec<_>>(), [1]);
    // Each arm has the figure of its own judge, and no other.
    assert_eq!(results.measures, [Measure::TestError, Measure::ValError]);
    let named = |arm: usize| results.arms[arm].estimates.keys().copied().collect::<Vec<_>>();
    assert_eq!([named(0), named(2)], [[Measure::TestError], [Measure::ValError]]);
    assert!(results.to_csv().starts_with("judge,seed,trial,test_error,val_error\r\n"), "{}", results.to_csv());
}

/// Files of before have the names of the test set for figures of held-out examples.
#[test]
fn what_older_versions_measured_of_held_out_examples_is_taken_for_that() {
    let text = "title = 'Folds'\nmeasure = ['gap', 'averaging_loss', 'test_error']\n[base]\ndata = 'digits'\n\
                hidden = 8\nbatch_size = 256\nepochs = 1\nfolds = 4\n[axes]\ndropout = [0.5]\n[seeds]\ncount = 1";
    let study = Study::parse(text, None).unwrap();
    let root = tempfile::tempdir().unwrap();
    let (_, _, recipe) = study.trials().next().unwrap();
    let trial = run(&Trial::new(recipe, &data().info.fingerprint), root.path(), None).unwrap();
    let collect = || Results::collect(&study, &data(), &[root.path().into()], 1, &mut |_, _| ()).unwrap();
    let results = collect();
    assert_eq!(results.measures, [Measure::ValGap, Measure::ValAveragingLoss, Measure::ValError]);
    let of = &results.arms[0].trials[0];
    assert_eq!(of.values.keys().copied().collect::<Vec<_>>(), [Measure::ValError, Measure::ValGap]);
    assert!(of.curves.contains_key(&Measure::ValAveragingLoss));
    assert!(results.to_markdown().contains("validation error − training error (points)"));
    let file = trial.path.join(Measured::FILE);
    let kept = fs::read_to_string(&file).unwrap();
    let older = kept.replace("\"val_", "\"");
    assert_ne!(older, kept);
    fs::write(&file, &older).unwrap();
    assert_eq!(collect(), results);
    assert_eq!(fs::read_to_string(&file).unwrap(), older, "it was not measured again");
}

#[test]
fn passes_and_activations_are_measured_once() {
    let text = "title = 'Averaging'\nmeasure = ['averaging_loss', 'zeros', 'correlation']\n[base]\ndata = \
     'digits'\nhidden = 16\n\
                batch_size = 256\nepochs = 1\n[axes]\ndropout = [0.25, 0.5]\n[seeds]\ncount = 2\n\
                [plot]\nx = 'passes'\nlog_x = true\ny = ['averaging_error', 'test_error']\nonly = { dropout = 0.5 }";
    let study = Study::parse(text, None).unwrap();
    let root = tempfile::tempdir().unwrap();
    for (_, _, recipe) in study.trials() {
        run(&Trial::new(recipe, &data().info.fingerprint), root.path(), None).unwrap();
    }
    let collect = || Results::collect(&study, &data(), &[root.path().into()], 1, &mut |_, _| ()).unwrap();
    let results = collect();
    let arm = &results.arms[1];
    let trial = &arm.trials[0];
    let curve = &trial.curves[&Measure::AveragingLoss];
    assert_eq!(curve.iter().map(|(passes, _)| *passes).collect::<Vec<_>>(), [1, 2, 5, 10, 20, 50, 100, 200]);
    assert!(curve[0].1 > curve[7].1, "more passes are better: {curve:?}");
    let (mlp, _) = furlough::files::load_model(&root.path().join(&trial.id).join("model.safetensors")).unwrap();
    let layer = Predictor::new(mlp, 1).activations(&split().test).unwrap().remove(0);
    assert_eq!(trial.values[&Measure::Zeros], 100.0 * layer.zeros);
    assert_eq!(trial.values[&Measure::Correlation], layer.coadaptation.unwrap().mean);

    let chart = figure(&results, &study.plots()[0]).unwrap();
    let Panel::Lines { lines, .. } = &chart.panels[0] else { panic!("passes are numbers") };
    assert_eq!(lines.iter().map(|line| line.points.len()).collect::<Vec<_>>(), [8, 8]);
    assert!(lines[1].points.iter().all(|point| point.y == arm.estimates[&Measure::TestError].mean));
    assert!(!results.to_csv().contains("averaging"));
    passes_table(&results);

    // What was measured is kept, and what it says is believed; of another model it is not.
    let file = root.path().join(&trial.id).join(Measured::FILE);
    let kept = fs::read_to_string(&file).unwrap();
    let zeros = trial.values[&Measure::Zeros].to_string();
    fs::write(&file, kept.replace(&zeros, "12.5")).unwrap();
    assert_eq!(collect().arms[1].trials[0].values[&Measure::Zeros], 12.5);
    fs::write(&file, kept.replace(&zeros, "12.5").replace("\"model\": \"", "\"model\": \"0")).unwrap();
    assert_eq!(collect(), results);
}

fn passes_table(results: &Results) {
    let page = results.to_markdown();
    let (_, page) = page.split_once("\n## Masked passes\n").unwrap_or_else(|| panic!("{page}"));
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows[0], "| dropout | k | test loss of k passes | test error of k passes (%) |");
    assert_eq!(rows.len(), 2 + 2 * 9, "{page}");
    // By hand, for the second arm: 200 passes, and the network's own numbers after its last epoch.
    let trials = &results.arms[1].trials;
    let said = |measure: Measure, values: [f64; 2]| {
        let estimate = statistics::Estimate::of(&values).unwrap();
        format!("{} ± {}", measure.format(estimate.mean), measure.format(estimate.half_width.unwrap()))
    };
    let passes = |measure| said(measure, [0, 1].map(|trial| trials[trial].curves[&measure][7].1));
    let full = |measure: Measure| {
        said(measure, [0, 1].map(|trial| measure.of_epoch(trials[trial].epochs.last().unwrap()).unwrap()))
    };
    let row = |what: &str, loss: String, error: String| format!("| 0.5 | {what} | {loss} | {error} |");
    assert_eq!(rows[18], row("200", passes(Measure::AveragingLoss), passes(Measure::AveragingError)));
    assert_eq!(rows[19], row("full network", full(Measure::TestLoss), full(Measure::TestError)));
}

#[test]
fn passes_alone_are_a_table_too() {
    let text = "title = 'Averaging'\nmeasure = ['averaging_error']\n[base]\ndata = 'digits'\nhidden = 4\nbatch_size = \
     256\n\
                epochs = 1\n[axes]\ndropout = [0.5]\n[seeds]\ncount = 1\n";
    let study = Study::parse(text, None).unwrap();
    let root = tempfile::tempdir().unwrap();
    let collect = || Results::collect(&study, &data(), &[root.path().into()], 1, &mut |_, _| ()).unwrap().to_markdown();
    // A table of nothing but names would say nothing; and before there is a trial there are no
    // passes.
    assert!(!collect().contains("| dropout |"), "{}", collect());
    for (_, _, recipe) in study.trials() {
        run(&Trial::new(recipe, &data().info.fingerprint), root.path(), None).unwrap();
    }
    let page = collect();
    assert_eq!(page.matches("| dropout |").count(), 1, "{page}");
}

fn pages(results: &Results) {
    let csv = results.to_csv();
    assert_eq!(csv.lines().count(), 1 + 18);
    assert!(csv.starts_with("model,dropout,seed,trial,test_error,train_error,gap,parameters\r\n"), "{csv}");
    assert!(csv.contains("\"wide, \"\"very\"\"\",0.25,1,"), "{csv}");
    let page = results.to_markdown();
    let row = page.lines().find(|line| line.starts_with("| narrow | 0.5 |")).unwrap();
    assert_eq!(row.matches(" ± ").count(), 3, "the number of parameters has no spread: {row}");
    assert!(page.contains("| arm | baseline | measurement |") && page.contains("Does it help?"), "{page}");
}

fn pictures(results: &Results) {
    let study = study();
    let chart = |place: usize| figure(results, &study.plots()[place]).unwrap();
    let Panel::Lines { lines, title, .. } = &chart(0).panels[1] else { panic!("dropout is a number") };
    assert_eq!(title, "test error − training error (points)");
    assert_eq!(
        lines.iter().map(|line| (line.name.as_str(), line.points.len())).collect::<Vec<_>>(),
        [("narrow", 3), ("wide, \"very\"", 3)]
    );
    let gap = results.arms[5].estimates[&Measure::Gap];
    assert_eq!(lines[1].points[2], crate::run::PlotPoint { x: 0.5, y: gap.mean, half_width: gap.half_width });

    let Panel::Lines { lines, x_title, .. } = &chart(1).panels[0] else { panic!("epochs are numbers") };
    assert_eq!(x_title, "epoch");
    assert_eq!(
        lines.iter().map(|line| line.name.as_str()).collect::<Vec<_>>(),
        ["dropout 0", "dropout 0.25", "dropout 0.5"]
    );
    assert_eq!(lines[0].points[2].y, results.arms[0].estimates[&Measure::TestError].mean);

    let Panel::Rows { rows, .. } = &chart(2).panels[1] else { panic!("a model is a name") };
    assert_eq!((rows.len(), rows[5].name.as_str()), (6, "wide, \"very\", dropout 0.5"));
    // Over what was measured, arms that are apart are one line.
    let Panel::Lines { lines, .. } = &chart(3).panels[0] else { panic!("parameters are numbers") };
    assert_eq!(
        lines.iter().map(|line| (line.name.as_str(), line.points.len())).collect::<Vec<_>>(),
        [("dropout 0", 2), ("dropout 0.25", 2), ("dropout 0.5", 2)]
    );
    for place in 0..4 {
        let (svg, png) = picture("plot", &chart(place)).unwrap();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && svg.contains("95 % interval"), "{svg}");
        assert!(png.starts_with(b"\x89PNG"));
        assert_eq!(picture("plot", &chart(place)).unwrap(), (svg, png));
    }
}
