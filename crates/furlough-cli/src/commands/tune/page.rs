//! What is said before, while and after a tune goes on, as text.

use super::TuneSummary;
use crate::progress::TrainPlan;
use crate::terminal::{Style, duration, name, path, program, shell_word, thousands, threads, wrap};
use furlough::{counted, noun_of};
use furlough_lab::recipe::Recipe;
use furlough_lab::run::Failure;
use furlough_lab::study::statistics::Estimate;
use furlough_lab::tune::{
    Candidate, DropoutArm, Finalist, Metric, STARTS, SearchEntry, SearchKey, SearchValue, TuneDir, TuneReport, rungs,
};

const INDENT: usize = 14;

struct Fields {
    lines: Vec<String>,
    style: Style,
}

impl Fields {
    fn add(&mut self, name: &str, text: &str, dim: bool) {
        for (index, line) in wrap(text, self.style.width.saturating_sub(INDENT)).into_iter().enumerate() {
            let name = if index == 0 { name } else { "" };
            let line = if dim { self.style.dim(&line) } else { self.style.text(&line) };
            self.lines.push(format!("  {} {line}", self.style.dim(&format!("{name:<11}"))));
        }
    }

    fn text(mut self) -> String {
        self.lines.push(String::new());
        self.lines.join("\n")
    }
}

/// The lines that say what will happen.
pub fn header(summary: &TuneSummary<'_>, style: Style) -> String {
    let options = &summary.options;
    let title = style.bold(&format!("furlough {}", env!("CARGO_PKG_VERSION")));
    let mut fields = Fields { lines: vec![title, String::new()], style };
    let (train, shape, classes) = TrainPlan::describe(&summary.data.train);
    let shape: Vec<_> = shape.iter().map(ToString::to_string).collect();
    let classes = classes.map(|n| format!(", {}", counted(n, "class"))).unwrap_or_default();
    let examples = thousands(train as u64);
    fields.add("data", &format!("{} · {examples} train · {}{classes}", options.recipe.data(), shape.join("×")), false);
    fields.add("", &name(&summary.origin), true);
    fields.add("base", &base(&options.recipe), false);
    fields.add("search", &options.space.to_string(), false);
    let starts: Vec<_> = STARTS.iter().map(|&p| if p == 0.0 { "none".into() } else { p.to_string() }).collect();
    let most = options.trials.map(|trials| format!("{} {}", thousands(trials as u64), noun_of(trials, "trial")));
    let count = match (options.budget.map(duration), most) {
        (Some(budget), Some(most)) => format!("{most} at most, for {budget}"),
        (Some(budget), None) => format!("trials for {budget}"),
        (None, most) => most.unwrap_or_default(),
    };
    let epochs: Vec<_> = rungs(options.recipe.options().epochs).iter().map(ToString::to_string).collect();
    fields.add("", &format!("{count}, {} first; compared after {} epochs", starts.join(", "), epochs.join(", ")), true);
    let folds = options.recipe.partition().folds.unwrap_or(1);
    let judged = if options.cross_validation {
        format!("mean {} on each of {folds} folds held out", summary.metric)
    } else {
        format!("{} on one fold of {folds}, held out", summary.metric)
    };
    fields.add("judged by", &judged, false);
    fields.add("machine", &format!("{} at a time, {} each", trials(summary.jobs), threads(summary.threads)), false);
    fields.add("tune", &path(&summary.out), false);
    if summary.resuming {
        fields.add("", "resumed: what is on record is not trained again", true);
    }
    fields.text()
}

fn trials(number: usize) -> String {
    counted(number, "trial")
}

/// `hidden 256-256 relu · lr 0.5 · batches of 256 · 10 epochs · seed 0`.
fn base(recipe: &Recipe) -> String {
    let options = recipe.options();
    let hidden: Vec<_> = recipe.hidden().iter().map(ToString::to_string).collect();
    format!(
        "hidden {} · {}, lr {} · batches of {} · {} · seed {}",
        hidden.join("-"),
        options.optimizer.title(),
        options.learning_rate,
        options.batch_size,
        counted(options.epochs as usize, "epoch"),
        options.seed
    )
}

/// The names over the columns of [`row`].
pub fn heading(summary: &TuneSummary<'_>, style: Style) -> String {
    style.dim(&format!("   trial     epochs   {:>9}   tried", summary.metric.name()))
}

/// What a trial came to at a rung: its figure, or how it failed.
pub fn score(entry: &SearchEntry, metric: Metric, score: f64) -> String {
    match &entry.failure {
        Some(Failure::Error { .. }) => "failed".into(),
        _ => metric.show(score),
    }
}

/// A trial that has come to a rung.
pub fn row(
    trial: usize,
    entry: &SearchEntry,
    (epoch, epochs): (u32, u32),
    value: &str,
    best: bool,
    style: Style,
) -> String {
    let text = format!(
        "  {trial:>6}   {:>8}   {value:>9}   {}",
        format!("{epoch}/{epochs}"),
        changes(&entry.candidate, &entry.recipe)
    );
    if best { format!("{} {}", style.text(&text), style.accent("· best so far")) } else { style.text(&text) }
}

/// `dropout 0.31, 0.5`, or `no dropout`.
pub fn rates(recipe: &Recipe) -> String {
    let mut parts = Vec::new();
    if recipe.dropout().iter().any(|&p| p > 0.0) {
        let rates: Vec<_> = recipe.dropout().iter().map(ToString::to_string).collect();
        parts.push(format!("dropout {}", rates.join(", ")));
    }
    if recipe.input_dropout() > 0.0 {
        parts.push(format!("input dropout {}", recipe.input_dropout()));
    }
    if parts.is_empty() { "no dropout".into() } else { parts.join(", ") }
}

/// The rates, and what else was searched.
fn changes(candidate: &Candidate, recipe: &Recipe) -> String {
    let mut parts = vec![rates(recipe)];
    if [SearchKey::Width, SearchKey::Depth].iter().any(|shape| candidate.values.contains_key(shape)) {
        let hidden: Vec<_> = recipe.hidden().iter().map(ToString::to_string).collect();
        parts.push(format!("hidden {}", hidden.join("-")));
    }
    for (key, value) in &candidate.values {
        let name = key.title();
        match (key, value) {
            (SearchKey::Width | SearchKey::Depth, _) => {}
            (SearchKey::Key(key), _) if key.name() == "input_dropout" => {}
            (_, SearchValue::Number(0.0)) => parts.push(format!("no {name}")),
            (_, SearchValue::Number(value)) if *value < 1e-3 => parts.push(format!("{name} {value:e}")),
            (_, value) => parts.push(format!("{name} {value}")),
        }
    }
    parts.join(" · ")
}

/// What came out, where it is, and what to type next.
pub fn ending(summary: &TuneSummary<'_>, report: &TuneReport, seconds: f64, style: Style) -> String {
    let run = |name: &str| shell_word(summary.out.join(name));
    let mut fields = Fields { lines: vec![String::new()], style };
    let over = format!("{} over {} seeds", report.metric, report.seeds.len());
    fields.lines.push(style.dim(&format!("              trial   {over}")));
    let tried = |finalist: &Finalist| {
        let trial = report.search.iter().find(|trial| trial.trial == finalist.trial);
        trial.map_or_else(|| rates(&finalist.recipe), |trial| changes(&trial.changes, &finalist.recipe))
    };
    for (name, finalist) in [("with", &report.with), ("without", &report.without)] {
        let line = format!("{:>5}   {:<24} {}", finalist.trial, spread(finalist, report.metric), tried(finalist));
        fields.add(name, &line, false);
    }
    fields.lines.push(String::new());
    for line in wrap(&report.verdict.text, style.width.saturating_sub(2)) {
        fields.lines.push(format!("  {}", style.bold(&line)));
    }
    fields.lines.push(String::new());
    let chosen = if report.verdict.recommended == DropoutArm::With { &report.with } else { &report.without };
    fields.add("recommended", &run(TuneDir::RECOMMENDED), false);
    fields.add("", &format!("{}, on all training examples", tried(chosen)), true);
    let score = match report.test.accuracy {
        Some(accuracy) => format!("test accuracy {:.2} %", 100.0 * accuracy),
        None => format!("test loss {:.4}", report.test.loss),
    };
    let examples = thousands(report.test.examples as u64);
    fields.add("final", &format!("{} · {score}", run(TuneDir::FINAL)), false);
    fields.add("", &format!("{examples} {}, looked at once", noun_of(report.test.examples, "test example")), true);
    let mut files = vec![TuneDir::REPORT, TuneDir::PLOT_SVG, TuneDir::PLOT_PNG];
    files.retain(|name| summary.out.join(name).exists());
    let searched = report.search.len();
    fields.add("saved", &files.join(" · "), true);
    fields.add("took", &format!("{}, {}", duration(seconds), counted(searched, "trial")), true);
    if let Some(budget) = report.budget.filter(|&budget| seconds > 1.1 * budget) {
        let why = "the first trials, the seeds and the final run are never left out, and what they take is reckoned \
         from epochs alone";
        fields.add("", &format!("longer than the {} asked for: {why}", duration(budget)), true);
    }
    let command = format!("{} evaluate {}{}", program(), run(TuneDir::FINAL), data_dir(summary));
    fields.lines.push(format!("  {} {}", style.dim("next       "), style.accent(&command)));
    fields.lines.join("\n")
}

/// `97.52 ± 0.21 %`, the mean with its interval.
fn spread(finalist: &Finalist, metric: Metric) -> String {
    let values: Vec<f64> = finalist.values.iter().flatten().copied().collect();
    let lost = finalist.values.len() - values.len();
    let Some(estimate) = Estimate::of(&values) else { return "all diverged".into() };
    let half = estimate.half_width.unwrap_or(0.0);
    let text = match metric {
        Metric::Accuracy => format!("{:.2} ± {:.2} %", 100.0 * estimate.mean, 100.0 * half),
        Metric::Loss => format!("{:.4} ± {:.4}", estimate.mean, half),
    };
    if lost > 0 { format!("{text}, {lost} diverged") } else { text }
}

fn data_dir(summary: &TuneSummary<'_>) -> String {
    let dir = summary.data_dir.as_ref();
    dir.map_or(String::new(), |dir| format!(" --data-dir {}", shell_word(dir)))
}

/// What is said when it was stopped.
pub fn stopped(summary: &TuneSummary<'_>, style: Style) -> String {
    let out = shell_word(&summary.out);
    let mut fields = Fields { lines: vec![String::new()], style };
    fields.add("stopped", "everything up to here is saved", false);
    let command = format!("{} tune --resume {out}{}", program(), data_dir(summary));
    fields.lines.push(format!("  {} {}", style.dim("resume     "), style.accent(&command)));
    fields.lines.join("\n")
}
