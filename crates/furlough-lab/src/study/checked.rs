use super::Measure;
use super::file::{Compare, File, PlotSpec, Seeds};
use super::grid::{Arm, expand, texts};
use super::keys::{recipe_keys, suggestion};
use super::names::{check_file_name, check_line, check_name};
use crate::recipe::{Recipe, read_toml};
use crate::{Error, Result};
use furlough::data::EvalSplit;
use std::collections::HashSet;
use std::path::Path;
use toml::{Table, Value};

/// As many values of an axis are told in a message.
const SHOWN: usize = 12;

/// A study, read from its file and checked: which networks are trained, with which seeds, what is
/// measured of each, and how it is drawn. `docs/reference/study-file.md` says what a file has; it
/// is normative.
#[derive(Debug, Clone)]
pub struct Study {
    pub(super) text: String,
    pub(super) document: Table,
    file: File,
    seeds: Vec<u64>,
    arms: Vec<Arm>,
    measures: Vec<Measure>,
}

/// Returns what is measured of the examples that judge the arms: a study that holds examples out
/// may name the figures as those of the test set, as all did once.
fn judged(named: &[Measure], splits: &[EvalSplit]) -> std::result::Result<Vec<Measure>, String> {
    let mut all = Vec::new();
    for measure in named {
        if measure.split() == Some(EvalSplit::Validation) && !splits.contains(&EvalSplit::Validation) {
            let test = measure.on(EvalSplit::Test);
            let why = "is of held-out examples, and no arm holds any out";
            return Err(format!("{measure} {why}; set folds, or name {test}"));
        }
        let mut own: Vec<Measure> = splits.iter().map(|split| measure.on(*split)).collect();
        own.dedup();
        all.extend(own);
    }
    Ok(all)
}

impl Study {
    /// Reads a study's text and checks all of it: each arm must be a recipe. `path` is for
    /// messages.
    ///
    /// # Errors
    /// [`Error::Study`], in one line, for the first thing that is wrong.
    pub fn parse(text: &str, path: Option<&Path>) -> Result<Self> {
        Study::read(text).map_err(|reason| Error::Study { path: path.map(Path::to_path_buf), reason })
    }

    fn read(text: &str) -> std::result::Result<Self, String> {
        let mut file: File = read_toml(text)?;
        let document = read_toml(text)?;
        check_name("title", &file.title)?;
        let seeds = file.seeds.as_ref().map_or(Ok(Vec::new()), Seeds::list)?;
        if seeds.is_empty() {
            return Err("has no seeds; write how many: [seeds] and under it count = 5".into());
        }
        let arms = expand(&file.base, &file.axes, &file.grid, &seeds)?;
        let mut splits = vec![EvalSplit::Test, EvalSplit::Validation];
        splits.retain(|split| arms.iter().any(|arm| arm.recipe().partition().eval_split() == *split));
        file.measure = judged(&file.measure, &splits)?;
        for plot in &mut file.plot {
            plot.y = judged(&plot.y, &splits)?;
            if let Some(x) = plot.x.parse::<Measure>().ok().and_then(|x| Some(x.on(*splits.first()?))) {
                plot.x = x.to_string();
            }
        }
        let again = file.measure.iter().enumerate().find(|(place, measure)| file.measure[..*place].contains(measure));
        if let Some((_, measure)) = again {
            return Err(format!("measure: {measure} is there twice"));
        }
        let mut measures = file.measure.clone();
        if measures.is_empty() && file.plot.is_empty() {
            measures.extend(judged(&[Measure::TestError], &splits)?);
        }
        for plot in &file.plot {
            measures.extend(plot.y.iter().filter(|&&y| !measures.contains(&y)).copied().collect::<Vec<_>>());
            measures.extend(plot.x.parse().ok().filter(|x: &Measure| !measures.contains(x)));
        }
        let study = Study { text: text.into(), document, seeds, arms, measures, file };
        study.check_plots()?;
        study.check_baseline()?;
        Ok(study)
    }

    /// The same study of another data set.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn with_data(&self, name: &str) -> Result<Self> {
        let mut document = self.document.clone();
        let base = document.entry("base").or_insert(Value::Table(Table::new()));
        if let Some(base) = base.as_table_mut() {
            base.insert("data".into(), name.into());
            base.remove("table");
        }
        let text =
            toml::to_string(&document).map_err(|error| Error::Study { path: None, reason: error.to_string() })?;
        Study::parse(&text, None)
    }

    /// What it is called.
    pub fn title(&self) -> &str {
        &self.file.title
    }

    /// What it is to answer.
    pub fn question(&self) -> Option<&str> {
        self.file.question.as_deref()
    }

    /// What was published on it.
    pub fn paper(&self) -> Option<&str> {
        self.file.paper.as_deref()
    }

    /// Name of the data set, the same for all arms.
    pub fn data(&self) -> &str {
        self.arms[0].recipe().data()
    }

    /// The arms, in the order of the file: the first axis changes slowest.
    pub fn arms(&self) -> &[Arm] {
        &self.arms
    }

    /// The seeds, at least one. With the same seed all arms see the data in the same order and
    /// start from the same weights, where their networks have the same shape.
    pub fn seeds(&self) -> &[u64] {
        &self.seeds
    }

    /// What is measured of each trained network, at least one thing.
    pub fn measures(&self) -> &[Measure] {
        &self.measures
    }

    /// The pictures.
    pub fn plots(&self) -> &[PlotSpec] {
        &self.file.plot
    }

    /// What arms are compared with.
    pub fn compare(&self) -> Option<&Compare> {
        self.file.compare.as_ref()
    }

    /// Each arm with each seed: the arm's place, the seed and the recipe. Seed after seed, so that
    /// a study that is stopped has something of every arm.
    pub fn trials(&self) -> impl Iterator<Item = (usize, u64, Recipe)> {
        let arms = || self.arms.iter().enumerate();
        let recipe =
            |arm: &Arm, seed| arm.recipe().with_seed(seed).expect("seeds were checked when the study was read");
        self.seeds.iter().flat_map(move |&seed| arms().map(move |(place, arm)| (place, seed, recipe(arm, seed))))
    }

    /// The names by which arms can be told apart: the parts, if there are any, and the axes.
    pub fn axes(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        let names = self.arms.iter().flat_map(Arm::labels).map(|(axis, _)| axis.as_str());
        names.filter(|axis| seen.insert(*axis)).collect()
    }

    fn check_plots(&self) -> std::result::Result<(), String> {
        let axes = self.axes();
        let keys: Vec<&str> = recipe_keys().collect();
        let known = |what: &str, name: &str, more: &[&str]| {
            let mut names = axes.iter().chain(&keys).chain(more).copied();
            if names.any(|known| known == name) {
                return Ok(());
            }
            let near = suggestion(name, axes.iter().chain(&keys).chain(more).copied());
            Err(format!("plot: {what} = {name:?} is neither an axis of this study nor a key of a recipe{near}"))
        };
        let measures: Vec<String> = Measure::all().map(|measure| measure.to_string()).collect();
        let more: Vec<&str> = measures.iter().map(String::as_str).chain([PlotSpec::EPOCH, PlotSpec::PASSES]).collect();
        let mut names = HashSet::new();
        for (place, plot) in self.file.plot.iter().enumerate() {
            known("x", &plot.x, &more)?;
            plot.series.as_deref().map_or(Ok(()), |series| known("series", series, &[]))?;
            if plot.y.is_empty() {
                return Err("plot: y is empty; name a measurement".into());
            }
            if let Some(y) = plot.y.iter().find(|y| !plot.has_room_for(**y)) {
                return Err(format!("plot: {y} is not measured against {}", plot.x));
            }
            self.check_values("plot: only", &plot.only)?;
            let mut numbers = self.arms.iter().filter_map(|arm| arm.label(&plot.x)?.value);
            if let Some(bad) = plot.log_x.then(|| numbers.find(|&x| x <= 0.0)).flatten() {
                return Err(format!("plot: log_x has no place for {} {bad}", plot.x));
            }
            for (what, text) in [("title", &plot.title), ("x_label", &plot.x_label)] {
                text.as_deref().map_or(Ok(()), |text| check_line(&format!("plot: {what}"), text))?;
            }
            let name = plot.file_name(place);
            check_file_name("plot: name", &name)?;
            // Some file systems take a for A.
            if !names.insert(name.to_lowercase()) {
                return Err(format!("plot: two are called {name:?}; give each a name of its own"));
            }
        }
        Ok(())
    }

    fn check_baseline(&self) -> std::result::Result<(), String> {
        let Some(compare) = self.compare() else { return Ok(()) };
        if compare.baseline.is_empty() {
            return Err("compare: baseline is empty; say which arm: baseline = { dropout = 0 }".into());
        }
        self.check_values("compare: baseline", &compare.baseline)
    }

    /// Whether these are axes, and values of theirs.
    fn check_values(&self, what: &str, values: &Table) -> std::result::Result<(), String> {
        for (axis, value) in values {
            let labels = self.arms.iter().flat_map(Arm::labels).filter(|(name, _)| name == axis);
            let mut seen = HashSet::new();
            let known: Vec<&str> =
                labels.map(|(_, label)| label.text.as_str()).filter(|text| seen.insert(*text)).collect();
            if known.is_empty() {
                let near = suggestion(axis, self.axes());
                return Err(format!("{what}: {axis} is not an axis of this study{near}"));
            }
            let wanted = texts(value, |text| seen.contains(text));
            if wanted.is_empty() {
                return Err(format!("{what}: {axis} is an empty list"));
            }
            if let Some(other) = wanted.iter().find(|text| !seen.contains(text.as_str())) {
                let more =
                    if known.len() > SHOWN { format!(" and {} more", known.len() - SHOWN) } else { String::new() };
                let some = known[..known.len().min(SHOWN)].join(", ");
                return Err(format!("{what}: {axis} has no value {other}; it has {some}{more}"));
            }
        }
        Ok(())
    }
}
