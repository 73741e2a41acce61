//! Learning curves: for the script, as pictures, and as a table.

use super::RunReport;
use super::embed;
use super::numbers::{self, capital};
use crate::Result;
use crate::run::{EpochRecord, LOSS, NamedRun, Plot, best_epoch, final_record, wants_logarithm};
use furlough::data::EvalSplit;
use furlough_tables::figures::in_digits;
use maud::{Markup, html};
use serde::Serialize;

/// A chart as the script takes it.
#[derive(Serialize)]
pub(super) struct LiveChart<'a> {
    title: String,
    xlabel: &'static str,
    percent: bool,
    log: bool,
    x: Vec<u32>,
    series: Vec<LiveSeries<'a>>,
}

#[derive(Serialize)]
pub(super) struct LiveSeries<'a> {
    name: &'a str,
    color: String,
    dash: bool,
    values: Vec<Option<f64>>,
}

impl<'a> LiveSeries<'a> {
    /// One of many: a color of its own, as far as there are colors.
    pub(super) fn of_number(number: usize, name: &'a str, values: Vec<Option<f64>>) -> Self {
        LiveSeries { name, color: format!("--c{}", number % COLORS + 1), dash: number >= COLORS, values }
    }
}

type Figure = fn(&EpochRecord) -> Option<f64>;

const TRAIN_LOSS: Figure = |record| Some(record.summary.train_loss);
const EVAL_LOSS: Figure = |record| record.summary.eval_loss();
const FULL_TRAIN_LOSS: Figure = |record| record.summary.full_train.map(|scores| scores.loss);
const FULL_TRAIN_ACCURACY: Figure = |record| record.summary.full_train.and_then(|scores| scores.accuracy);
const TRAIN_ACCURACY: Figure = |record| record.summary.train_accuracy;
const EVAL_ACCURACY: Figure = |record| record.summary.eval_accuracy();

/// The curves of a run; none before its first epoch.
pub(super) fn of_run(report: &RunReport, place: usize) -> Result<Option<Markup>> {
    let (records, loss) = report.curves();
    if records.is_empty() {
        return Ok(None);
    }
    let shown = Shown { records: &records, loss: &loss, split: report.recipe.partition().eval_split() };
    let series = |name, color: &str, figure: Figure| LiveSeries {
        name,
        color: color.into(),
        dash: false,
        values: records.iter().map(figure).collect(),
    };
    let Shown { split, .. } = shown;
    let (train, test) = ("train, dropout on", format!("{split}, full network"));
    let (test, full) = (test.as_str(), "train, full network");
    let best = best_epoch(&report.recipe, &records);
    let charts = [
        chart(
            &capital(&loss),
            false,
            records.len(),
            vec![
                series(train, "--train", TRAIN_LOSS),
                series(test, "--test", EVAL_LOSS),
                series(full, "--c3", FULL_TRAIN_LOSS),
            ],
        ),
        chart(
            "Accuracy",
            true,
            records.len(),
            vec![
                series(train, "--train", TRAIN_ACCURACY),
                series(test, "--test", EVAL_ACCURACY),
                series(full, "--c3", FULL_TRAIN_ACCURACY),
            ],
        ),
    ];
    let still = Plot::Curves { title: "", split, records: &records, best, loss: &loss }.svg()?;
    Ok(Some(html! {
        p { "Train figures are means over each epoch with dropout on, while the weights changed; " (split) " figures \
         are those of the full network after it."
            @if let Some(best) = best {
                " The best epoch is " (best) ": the network of a finished run is that of this epoch."
            }
        }
        figure {
            (live(&charts, place))
            div.still.twin { (embed::picture(&still, &said(report, shown))) }
            details {
                summary { "Figures as a table" }
                div.scroll tabindex="0" role="region" aria-label="Figures of each epoch" {
                    (table(shown, best))
                }
            }
        }
    }))
}

/// The epochs as a run's curves show them.
#[derive(Clone, Copy)]
struct Shown<'a> {
    records: &'a [EpochRecord],
    /// What their losses are called.
    loss: &'a str,
    split: EvalSplit,
}

impl Shown<'_> {
    /// Returns how a loss is written.
    fn text(&self) -> fn(f64) -> String {
        if self.loss == LOSS { numbers::loss } else { in_digits }
    }
}

/// What the picture shows, in a sentence.
fn said(report: &RunReport, shown: Shown<'_>) -> String {
    let Shown { records, loss, .. } = shown;
    let mut text = format!("Learning curves over {}", numbers::counted(records.len(), "epoch"));
    if let Some(last) = final_record(&report.recipe, records).map(|record| &record.summary) {
        text.push_str(&format!("; at the end train {loss} {}", shown.text()(last.train_loss)));
        if let Some(accuracy) = last.eval_accuracy() {
            text.push_str(&format!(
                ", {} accuracy {}",
                report.recipe.partition().eval_split(),
                numbers::percent(accuracy)
            ));
        }
    }
    text
}

fn table(shown: Shown<'_>, best: Option<u32>) -> Markup {
    let (Shown { records, loss, split }, text) = (shown, shown.text());
    let full = records.iter().any(|record| record.summary.full_train.is_some());
    html! {
        table {
            caption { "Figures of each epoch" }
            thead {
                tr {
                    th scope="col" { "Epoch" } th scope="col" { "Train " (loss) }
                    th scope="col" { (capital(split.as_str())) " " (loss) }
                    th scope="col" { "Train accuracy" } th scope="col" { (capital(split.as_str())) " accuracy" }
                        @if full { th scope="col" { "Train " (loss) ", full network" } th scope="col" {
                            "Train accuracy, full network" } }
                        th scope="col" { "Seconds" }
                }
            }
            tbody {
                @for record in records {
                    @let EpochRecord { summary, seconds } = record;
                    tr {
                        th scope="row" { (summary.epoch) @if Some(summary.epoch) == best { " (best)" } }
                        td { (text(summary.train_loss)) }
                        td { (numbers::or_dash(summary.eval_loss(), text)) }
                        td { (numbers::or_dash(summary.train_accuracy, numbers::percent)) }
                        td { (numbers::or_dash(summary.eval_accuracy(), numbers::percent)) }
                        @if full {
                            td { (numbers::or_dash(FULL_TRAIN_LOSS(record), text)) }
                            td { (numbers::or_dash(FULL_TRAIN_ACCURACY(record), numbers::percent)) }
                        }
                        td { (format!("{seconds:.2}")) }
                    }
                }
            }
        }
    }
}

/// The curves of several runs over each other; none when no run has an epoch.
pub(super) fn of_runs(runs: &[NamedRun<'_>], splits: &str, place: usize) -> Result<Option<Markup>> {
    let epochs = runs.iter().map(|run| run.records.len()).max().unwrap_or(0);
    if epochs == 0 {
        return Ok(None);
    }
    let series = |figure: Figure| overlaid(runs, epochs, figure);
    let charts = [
        chart(&format!("{} accuracy, full network", capital(splits)), true, epochs, series(EVAL_ACCURACY)),
        chart(&format!("{} loss, full network", capital(splits)), false, epochs, series(EVAL_LOSS)),
        chart("Train accuracy, dropout on", true, epochs, series(TRAIN_ACCURACY)),
        chart("Train loss, dropout on", false, epochs, series(TRAIN_LOSS)),
    ];
    let names: Vec<&str> = runs.iter().map(|run| run.name).collect();
    let still = Plot::Overlay(runs).svg()?;
    Ok(Some(html! {
        figure {
            (live(&charts, place))
            div.still.twin { (embed::picture(&still, &format!("Learning curves of {}", names.join(", ")))) }
            details {
                summary { (capital(splits)) " accuracy and loss as a table" }
                div.scroll tabindex="0" role="region" aria-label="Accuracy and loss of each epoch" {
                    (tables(runs, epochs)) }
            }
        }
    }))
}

/// A figure of each run, as long as the longest.
fn overlaid<'a>(runs: &[NamedRun<'a>], epochs: usize, figure: Figure) -> Vec<LiveSeries<'a>> {
    let one = |(number, run): (usize, &NamedRun<'a>)| {
        let values = run.records.iter().map(figure).chain(std::iter::repeat(None)).take(epochs).collect();
        LiveSeries::of_number(number, run.name, values)
    };
    runs.iter().enumerate().map(one).collect()
}

/// Colors that the style sheet has for runs; further runs have them again, dashed.
const COLORS: usize = 7;

fn tables(runs: &[NamedRun<'_>], epochs: usize) -> Markup {
    html! {
        table {
            caption { "Accuracy and loss of each epoch" }
            thead {
                tr { th scope="col" rowspan="2" { "Epoch" } @for run in runs { th scope="colgroup" colspan="2" {
                    (run.name) } } }
                tr { @for _ in runs { th scope="col" { "accuracy" } th scope="col" { "loss" } } }
            }
            tbody {
                @for epoch in 0..epochs {
                    tr {
                        th scope="row" { (epoch + 1) }
                        @for run in runs {
                            @let record = run.records.get(epoch);
                            td { (numbers::or_dash(record.and_then(EVAL_ACCURACY), numbers::percent)) }
                            td { (numbers::or_dash(record.and_then(EVAL_LOSS), numbers::loss)) }
                        }
                    }
                }
            }
        }
    }
}

/// A chart without the series that have no figures; none without any.
pub(super) fn chart<'a>(
    title: &str,
    percent: bool,
    epochs: usize,
    series: Vec<LiveSeries<'a>>,
) -> Option<LiveChart<'a>> {
    let series: Vec<_> = series.into_iter().filter(|one| one.values.iter().any(Option::is_some)).collect();
    if series.is_empty() {
        return None;
    }
    let log = !percent && wants_logarithm(series.iter().flat_map(|one| one.values.iter().flatten().copied()));
    let title = if log { format!("{title}, logarithmic") } else { title.into() };
    Some(LiveChart { title, xlabel: "epoch", percent, log, x: (1..=epochs as u32).collect(), series })
}

/// The charts for the script. Cursors of the same place move together.
pub(super) fn live(charts: &[Option<LiveChart<'_>>], place: usize) -> Markup {
    html! {
        div.pair {
            @for chart in charts.iter().flatten() {
                div.plot data-sync={ "part" (place) } {
                    h3 { (chart.title) }
                    script type="application/json" { (embed::json(chart)) }
                }
            }
        }
    }
}
