//! Runs beside each other: where their recipes differ, what they came to, and what may be concluded
//! from it.

use super::chapter::{Chapter, Section};
use super::{curves, numbers};
use crate::Result;
use crate::recipe::Recipe;
use crate::run::{EpochRecord, NamedRun, RunStatus, WarmStart, final_record, shorten};
use crate::study::statistics::{Estimate, SIGN_FLIP_LIMIT, Tail, sign_flip};
use furlough::data::EvalSplit;
use furlough::files::sha256_hex;
use maud::{Markup, html};
use std::collections::{BTreeMap, HashMap};

/// A run of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedRun {
    /// What it is called: its folder.
    pub name: String,
    /// Its recipe.
    pub recipe: Recipe,
    /// What another run had learned, where this one began from that.
    pub from: Option<WarmStart>,
    /// Its epochs so far.
    pub records: Vec<EpochRecord>,
    /// What it has come to.
    pub status: RunStatus,
}

/// A key of the recipes whose values are not all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The key.
    pub key: String,
    /// Its value in each run, as TOML; none where the recipe does not have it.
    pub values: Vec<Option<String>>,
}

/// Runs that differ in nothing but their seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What sets them apart from the other groups, as `dropout = 0.5`.
    pub label: String,
    /// Their places in the comparison, at least one.
    pub runs: Vec<usize>,
}

/// How a figure differs between a group and the first one, seed by seed.
#[derive(Debug, Clone, PartialEq)]
pub struct PairedFigure {
    /// The group's place in the comparison, from 1.
    pub group: usize,
    /// `accuracy` or `loss`, after the last epoch, on what the runs are judged by.
    pub figure: &'static str,
    /// The seeds that both groups have finished runs of, ascending; at least one.
    pub seeds: Vec<u64>,
    /// This group's figure less that of the first, a seed each.
    pub differences: Vec<f64>,
    /// Their mean with Student's 95 % interval.
    pub estimate: Estimate,
    /// The two-sided p-value of the exact sign-flip test; none for too many seeds.
    pub p_value: Option<f64>,
}

/// Runs beside each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The runs, in the order they were given.
    pub runs: Vec<ComparedRun>,
    /// Where their recipes differ, in the recipes' order.
    pub differences: Vec<Difference>,
    /// The runs by recipe, seeds left out, in the order of their first runs.
    pub groups: Vec<Group>,
    /// Each further group against the first, where they share seeds and are judged by the same
    /// examples.
    pub paired: Vec<PairedFigure>,
}

/// As many letters of a group's name are shown in tables.
const SHOWN: usize = 60;

impl Group {
    /// Returns its label with the middle left out where it is very long.
    pub fn short(&self) -> String {
        shorten(&self.label, SHOWN)
    }
}

const SEED: &str = "seed";

impl Comparison {
    /// Compares runs. Nothing is concluded from runs that are not finished or were cut short, but
    /// they are shown.
    ///
    /// ```
    /// use furlough_lab::{recipe::Settings, report::{Comparison, ComparedRun}, run::RunStatus};
    /// let line = |name: &str, text: &str| -> furlough::Result<ComparedRun> {
    ///     let recipe = Settings::parse(text, None)?.resolve()?;
    ///     Ok(ComparedRun { name: name.into(), recipe, from: None, records: vec![], status: RunStatus::Unfinished })
    /// };
    /// let other = line("b", "data = 'digits'\ndropout = 0.1")?;
    /// let compared = Comparison::of(vec![line("a", "data = 'digits'")?, other]);
    /// assert_eq!(compared.differences[0].key, "dropout");
    /// assert_eq!(compared.groups[1].label, "dropout = [0.1, 0.1]");
    /// # Ok::<(), furlough_lab::Error>(())
    /// ```
    pub fn of(runs: Vec<ComparedRun>) -> Self {
        let tables: Vec<toml::Table> = runs.iter().map(table).collect();
        let differences = differences(&tables);
        let mut groups: Vec<Group> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for (place, table) in tables.iter().enumerate() {
            let mut apart = table.clone();
            apart.remove(SEED);
            let group = *known.entry(apart.to_string()).or_insert(groups.len());
            match groups.get_mut(group) {
                Some(group) => group.runs.push(place),
                None => groups.push(Group { label: String::new(), runs: vec![place] }),
            }
        }
        let firsts: Vec<toml::Table> = groups.iter().map(|group| tables[group.runs[0]].clone()).collect();
        let apart: Vec<_> =
            self::differences(&firsts).into_iter().filter(|difference| difference.key != SEED).collect();
        for (place, group) in groups.iter_mut().enumerate() {
            let says = |difference: &Difference| {
                format!("{} = {}", difference.key, difference.values[place].as_deref().unwrap_or("default"))
            };
            group.label = apart.iter().map(says).collect::<Vec<_>>().join(", ");
        }
        let bases =
            FIGURES.map(|(_, figure)| groups.first().map_or(BTreeMap::new(), |group| ended(&runs, group, figure)));
        let paired = (1..groups.len())
            .flat_map(|group| {
                let each = FIGURES.iter().zip(&bases);
                each.filter_map(|(figure, base)| paired(&runs, &groups, group, figure, base)).collect::<Vec<_>>()
            })
            .collect();
        Comparison { runs, differences, groups, paired }
    }

    /// What the runs are judged by: `test` or `validation`, or both.
    pub fn eval_splits(&self) -> &'static str {
        let mut splits = self.runs.iter().map(|run| run.recipe.partition().eval_split());
        let first = splits.next().unwrap_or(EvalSplit::Test);
        if splits.all(|split| split == first) { first.as_str() } else { "test or validation" }
    }
}

type Figure = (&'static str, fn(&EpochRecord) -> Option<f64>);
const FIGURES: [Figure; 2] =
    [("accuracy", |record| record.summary.eval_accuracy()), ("loss", |record| record.summary.eval_loss())];

/// Returns what decides a run's numbers, beside its data: its recipe and the weights that it began
/// with.
fn table(run: &ComparedRun) -> toml::Table {
    let mut table: toml::Table = run.recipe.to_toml().parse().unwrap_or_default();
    // Its columns would fill pages: the file's name, and what tells it from another one.
    if let (Some(own), Some(file)) = (table.remove("table"), run.recipe.table()) {
        let digest = sha256_hex(own.to_string().as_bytes());
        table.insert("table".into(), format!("{} ({})", file.name(), &digest[..6]).into());
    }
    if let Some(WarmStart { run, weights, .. }) = &run.from {
        let weights = weights.get(..8).unwrap_or(weights);
        table.insert("from".into(), format!("{run}, weights {weights}").into());
    }
    table
}

/// Returns a figure of each finished run of a group after its last epoch, by seed.
fn ended(runs: &[ComparedRun], group: &Group, figure: fn(&EpochRecord) -> Option<f64>) -> BTreeMap<u64, f64> {
    let value = |place: &usize| {
        let run = &runs[*place];
        let value =
            final_record(&run.recipe, &run.records).filter(|_| run.status == RunStatus::Finished).and_then(figure)?;
        Some((run.recipe.options().seed, value))
    };
    group.runs.iter().filter_map(value).collect()
}

/// `base` has the first group's figures.
fn paired(
    runs: &[ComparedRun],
    groups: &[Group],
    group: usize,
    (name, figure): &Figure,
    base: &BTreeMap<u64, f64>,
) -> Option<PairedFigure> {
    // Figures on other examples are no pair.
    let fold = |group: usize| runs[groups[group].runs[0]].recipe.partition().validation_fold();
    if fold(0) != fold(group) {
        return None;
    }
    let other = ended(runs, &groups[group], *figure);
    let (seeds, differences): (Vec<u64>, Vec<f64>) =
        other.iter().filter_map(|(seed, value)| Some((*seed, value - base.get(seed)?))).unzip();
    let estimate = Estimate::of(&differences)?;
    let p_value = if differences.len() <= SIGN_FLIP_LIMIT { sign_flip(&differences, Tail::Both) } else { None };
    Some(PairedFigure { group, figure: name, seeds, differences, estimate, p_value })
}

/// The keys of all tables, in the order of the first that has them.
fn keys(tables: &[toml::Table]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for key in tables.iter().flat_map(toml::Table::keys) {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    keys
}

fn differences(tables: &[toml::Table]) -> Vec<Difference> {
    let difference = |key: String| {
        let values: Vec<_> = tables.iter().map(|table| table.get(&key).map(ToString::to_string)).collect();
        let differs = values.iter().any(|value| *value != values[0]);
        differs.then_some(Difference { key, values })
    };
    keys(tables).into_iter().filter_map(difference).collect()
}

impl PairedFigure {
    /// What it comes to, in a sentence without the figures: whether 0 is within the interval.
    pub fn verdict(&self) -> &'static str {
        match (self.estimate.half_width, self.estimate.excludes_zero(), self.figure == "loss", self.estimate.mean > 0.0)
        {
            (None, ..) => "one seed says nothing about chance",
            (Some(_), false, ..) => "no difference is shown",
            (_, _, true, true) | (_, _, false, false) => "worse than the first group",
            _ => "better than the first group",
        }
    }

    /// A difference as it is told: accuracies in percentage points, losses as they are; always with
    /// its sign.
    pub fn show(&self, value: f64) -> String {
        if self.figure == "loss" { format!("{value:+.4}") } else { format!("{:+.2} points", 100.0 * value) }
    }
}

pub(super) fn chapter(comparison: &Comparison, place: usize) -> Result<Chapter> {
    let named: Vec<NamedRun<'_>> =
        comparison.runs.iter().map(|run| NamedRun { name: &run.name, records: &run.records }).collect();
    let mut sections = vec![Section { id: "runs", title: "Runs", body: runs(comparison) }];
    sections.push(Section { id: "recipes", title: "Where the recipes differ", body: recipes(comparison) });
    if !comparison.paired.is_empty() {
        sections.push(Section { id: "paired", title: "Paired differences", body: statistics(comparison) });
    }
    if let Some(body) = curves::of_runs(&named, comparison.eval_splits(), place)? {
        sections.push(Section { id: "overlay", title: "Learning curves", body });
    }
    let count = numbers::counted(comparison.runs.len(), "run");
    let opening = html! {
        p.lead {
            @if comparison.groups.len() == 1 { "The same recipe throughout, but for the seed." }
            @else { (numbers::counted(comparison.groups.len(), "recipe")) ", seeds left out." }
        }
    };
    Ok(Chapter { title: format!("{count} compared"), opening, sections })
}

fn runs(comparison: &Comparison) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Runs" {
            table {
                caption { "Figures after the last epoch" }
                thead {
                    tr {
                        th.text scope="col" { "Run" } th scope="col" { "Accuracy, " (comparison.eval_splits()) }
                            th scope="col" { "Loss, " (comparison.eval_splits()) }
                        th scope="col" { "Train accuracy" } th scope="col" { "Train loss" } th scope="col" {
                            "Epochs" } th scope="col" { "Time" }
                    }
                }
                tbody {
                    @for run in &comparison.runs {
                        @let last = final_record(&run.recipe, &run.records).map(|record| &record.summary);
                        tr {
                            th scope="row" { (run.name) @if run.status != RunStatus::Finished { " " span.state.open {
                                (run.status.as_str()) } } }
                            td { (numbers::or_dash(last.and_then(|last| last.eval_accuracy()), numbers::percent)) }
                            td { (numbers::or_dash(last.and_then(|last| last.eval_loss()), numbers::loss)) }
                            td { (numbers::or_dash(last.and_then(|last| last.train_accuracy), numbers::percent)) }
                            td { (numbers::or_dash(last.map(|last| last.train_loss), numbers::loss)) }
                            td { (run.records.len()) }
                            td { (numbers::seconds(run.records.iter().map(|record| record.seconds).sum())) }
                        }
                    }
                }
            }
        }
    }
}

fn recipes(comparison: &Comparison) -> Markup {
    if comparison.differences.is_empty() {
        return html! { p { "They do not: these runs have the same recipe." } };
    }
    html! {
        p { "Keys that have the same value everywhere are left out. What differs from the first run is set in color." }
        div.scroll tabindex="0" role="region" aria-label="Where the recipes differ" {
            table {
                caption { "Keys of the recipes whose values differ" }
                thead {
                    tr { th.text scope="col" { "Run" } @for difference in &comparison.differences { th scope="col" {
                        (difference.key) } } }
                }
                tbody {
                    @for (place, run) in comparison.runs.iter().enumerate() {
                        tr {
                            th scope="row" { (run.name) }
                            @for Difference { values, .. } in &comparison.differences {
                                td.differs[values[place] != values[0]] { (values[place].as_deref().unwrap_or("–")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn statistics(comparison: &Comparison) -> Markup {
    html! {
        p {
            "Runs with the same seed see the same data in the same order and start from the same weights, so they are \
             compared in pairs. The first group is "
            @let first = &comparison.groups[0];
            strong title=(first.label) { (first.short()) }
            ". Intervals are Student's, 95 %; p-values are those of the exact sign-flip test."
        }
        div.scroll tabindex="0" role="region" aria-label="Paired differences" {
            table {
                caption { "Each group less the first, over the seeds that both have" }
                thead {
                    tr {
                        th.text scope="col" { "Group" } th.text scope="col" { "Figure" } th scope="col" { "Seeds" }
                            th scope="col" { "Mean difference" }
                        th scope="col" { "95 % interval" } th scope="col" { "p" } th.text scope="col" { "Conclusion" }
                    }
                }
                tbody {
                    @for paired in &comparison.paired {
                        tr {
                            @let group = &comparison.groups[paired.group];
                            th scope="row" title=(group.label) { (group.short()) }
                            td.text { (comparison.eval_splits()) " " (paired.figure) }
                            td { (paired.seeds.len()) }
                            td { (paired.show(paired.estimate.mean)) }
                            td { (paired.estimate.interval().map_or("–".into(), |(low, high)| format!("{} to \
                             {}", paired.show(low), paired.show(high)))) }
                            td { (paired.p_value.map_or("–".into(), |p| format!("{p:.3}"))) }
                            td.text { (paired.verdict()) }
                        }
                    }
                }
            }
        }
    }
}
