//! How a run looks, with figures and times that are given.

use super::training::TrainingProgress;
use super::{Ending, EpochRow, Output, Renderer, Size, TrainPlan, curves, ending, header, json, lines, live};
use crate::terminal::Style;
use furlough::train::{EpochSummary, EvalScores, Event, Progress, StopReason};
use furlough_lab::recipe::Settings;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

const PLAIN: Style = Style { color: false, unicode: true, width: 80 };

/// What was printed.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn plan(recipe: &str, epochs: u32) -> TrainPlan {
    let recipe = Settings::parse(recipe, None).unwrap().resolve().unwrap();
    let split = recipe.partition().eval_split();
    let row = |epoch: u32| {
        let train_loss = 2.0 / f64::from(epoch) + 0.3;
        let loss = 1.1 / f64::from(epoch) + 0.4;
        let summary = EpochSummary {
            epoch,
            train_loss,
            train_accuracy: Some(1.0 - 0.4 * train_loss),
            eval: Some(EvalScores { split, loss, accuracy: Some(1.0 - 0.3 * loss) }),
            ..EpochSummary::default()
        };
        EpochRow { summary, seconds: Some(0.4) }
    };
    TrainPlan {
        architecture: recipe.network(784, &[], 10).validate().unwrap(),
        recipe,
        origin: "cache, /home/ada/.cache/furlough/fashion-mnist".into(),
        train: 60_000,
        eval: 10_000,
        shape: vec![28, 28],
        classes: Some(10),
        deviation: None,
        preset: None,
        threads: 2,
        instruction_set: "AVX2",
        out: "runs/fashion-mnist-1".into(),
        from: None,
        resumed: None,
        earlier: (1..=epochs).map(row).collect(),
    }
}

#[test]
fn headers() {
    insta::assert_snapshot!("header", header(&plan("", 0), PLAIN));
    let all = "hidden = [1024, 512, 256]\ndropout = 0.5\ninput_dropout = 0.2\nactivation = 'leaky-relu'\n\
               momentum = 0.95\nnesterov = true\nweight_decay = 1e-4\nmax_norm = 3.5\nlr = 0.01\nepochs = 1";
    let mut long = plan(all, 0);
    (long.threads, long.classes) = (1, None);
    long.resumed = Some(Progress { epoch: 3, step_in_epoch: 17, ..Progress::default() });
    insta::assert_snapshot!("header_ascii", header(&long, Style { unicode: false, ..PLAIN }));
    for (sharing, said) in [("'batch'", "masks shared by the batch"), ("64", "masks shared by 64 examples")] {
        let text = header(&plan(&format!("dropout_sharing = {sharing}"), 0), PLAIN);
        assert!(text.contains(&format!("init normal:0.01, {said}")), "{text}");
    }
    let colorful = header(&plan("hidden = []", 0), Style { color: true, ..PLAIN });
    insta::assert_snapshot!("header_color", colorful.replace('\x1b', "ESC"));
}

#[test]
fn curves_at_the_end() {
    let plan = plan("", 10);
    let progress = TrainingProgress::new(&plan);
    insta::assert_snapshot!("curves", curves::text(&progress, 1, curves::HEIGHT, PLAIN));
    let ascii = curves::text(&progress, 1, curves::HEIGHT, Style { unicode: false, ..PLAIN });
    assert!(ascii.is_ascii(), "{ascii}");
    insta::assert_snapshot!("curves_ascii", ascii);
    insta::assert_snapshot!("curves_narrow", curves::text(&progress, 1, curves::HEIGHT, Style { width: 44, ..PLAIN }));
    let color = curves::text(&progress, 1, curves::HEIGHT, Style { color: true, ..PLAIN });
    assert!(color.contains("\x1b[0;36m") && color.contains("\x1b[0;33m"), "both curves have a color");
    let stripped = color.replace("\x1b[0;36m", "").replace("\x1b[0;33m", "").replace("\x1b[0;1m", "");
    assert_eq!(
        stripped.replace("\x1b[0;2m", "").replace("\x1b[0m", ""),
        curves::text(&progress, 1, curves::HEIGHT, PLAIN)
    );
}

#[test]
fn lines_of_a_run() {
    let plan = plan("epochs = 3", 2);
    let mut progress = TrainingProgress::new(&plan);
    let paper = Paper::default();
    let mut out = Output::to(paper.clone());
    let mut shown = lines::Lines::new(PLAIN);
    shown.begin(&plan, &mut out);
    // Without a test set, after a loss that is hardly a number, and after a long time.
    let summary = EpochSummary { epoch: 3, train_loss: 1234.5, train_accuracy: Some(1.0), ..EpochSummary::default() };
    progress.epochs.push(EpochRow { summary: summary.clone(), seconds: Some(4000.0) });
    shown.event(&(&Event::Epoch(&summary), &progress), &mut out);
    let text = paper.text();
    insta::assert_snapshot!("lines", &text[text.find("     epoch").unwrap()..]);
}

#[test]
fn endings() {
    let mut plan = plan("", 4);
    plan.resumed = Some(Progress { epoch: 4, step: 4 * 235, ..Progress::default() });
    let progress = TrainingProgress::new(&plan);
    let stopped = Ending {
        reason: StopReason::Asked,
        out: "runs/a b".into(),
        files: vec!["checkpoint".into()],
        next: "furlough evaluate 'runs/a b'".into(),
        data_dir: None,
        scores: None,
    };
    let text = ending::text(&progress, &stopped, PLAIN);
    assert!(text.contains("stopped   in epoch 5 of 10; everything up to here is saved"), "{text}");
    assert!(text.ends_with("train --resume 'runs/a b'"), "{text}");
    let done = Ending { reason: StopReason::Finished, ..stopped };
    let text = ending::text(&progress, &done, PLAIN);
    assert!(text.contains("0.40 s an epoch · test accuracy 79.75 %"), "{text}");
    assert!(text.ends_with("evaluate 'runs/a b'"), "{text}");
    let elsewhere = Ending { data_dir: Some("my data".into()), ..done };
    let text = ending::text(&progress, &elsewhere, PLAIN);
    assert!(text.ends_with("evaluate 'runs/a b' --data-dir 'my data'"), "{text}");
    let stopped = Ending { reason: StopReason::Asked, ..elsewhere };
    let text = ending::text(&progress, &stopped, PLAIN);
    assert!(text.ends_with("train --resume 'runs/a b' --data-dir 'my data'"), "{text}");
}

#[test]
fn the_number_of_epochs_is_never_cut() {
    for epochs in ["10", "100000", "4000000000"] {
        let progress = TrainingProgress::new(&plan(&format!("epochs = {epochs}"), 4));
        for width in [60, 80, 100] {
            let text = curves::text(&progress, 1, curves::HEIGHT, Style { width, ..PLAIN });
            let axis = text.lines().last().unwrap();
            assert!(axis.contains(&format!(" {epochs}")), "{width}: {axis:?}");
        }
    }
}

#[test]
fn json_of_a_run() {
    let plan = plan("", 1);
    let mut progress = TrainingProgress::new(&plan);
    let paper = Paper::default();
    let mut out = Output::to(paper.clone());
    let mut shown = json::JsonLines;
    shown.begin(&plan, &mut out);
    let step = Event::Step { epoch: 2, step: 1, examples: 256, loss: 0.625, accuracy: Some(0.75) };
    progress.take(&step, 0.0);
    shown.event(&(&step, &progress), &mut out);
    let summary = progress.epochs[0].summary.clone();
    shown.event(&(&Event::Epoch(&summary), &progress), &mut out);
    insta::assert_snapshot!("json", paper.text());
}

#[test]
fn the_running_epoch_is_the_mean_of_its_steps() {
    let mut progress = TrainingProgress::new(&plan("", 0));
    assert_eq!((progress.now.loss(), progress.now.accuracy()), (None, None));
    for (step, examples, loss, accuracy) in [(1, 256, 2.0, 0.25), (2, 128, 0.5, 1.0)] {
        progress.take(&Event::Step { epoch: 1, step, examples, loss, accuracy: Some(accuracy) }, 0.0);
    }
    assert_eq!((progress.now.loss(), progress.now.accuracy()), (Some(1.5), Some(0.5)));
    assert_eq!((progress.steps, progress.total_steps()), (2, 2350));
    progress.take(&Event::Step { epoch: 2, step: 1, examples: 10, loss: 9.0, accuracy: None }, 0.0);
    assert_eq!((progress.now.loss(), progress.now.accuracy()), (Some(9.0), None));
}

#[test]
fn a_picture_is_never_larger_than_its_terminal() {
    let progress = TrainingProgress::new(&plan("", 4));
    for (rows, columns) in [(24, 80), (12, 80), (8, 60), (3, 40), (1, 30)] {
        let drawn = live::rows(&progress, Size { rows, columns }, PLAIN);
        assert!(drawn.len() < rows.max(3), "{rows}: {drawn:#?}");
        assert!(drawn.iter().skip(2).all(|row| row.chars().count() < columns), "{columns}: {drawn:#?}");
    }
}
