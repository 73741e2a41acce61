use super::file::{GridSpec, MOST_TRIALS};
use super::keys::{recipe_keys, suggestion};
use super::names::check_name;
use crate::recipe::{Recipe, RecipeKey, Settings, Varies, toml_reason};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use toml::{Table, Value};

/// What an arm is called along an axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Label {
    /// As a table shows it.
    pub text: String,
    /// Its number, where it is one, or a list of one number again and again.
    pub value: Option<f64>,
}

/// One way to train that a study tries, with each of its seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    labels: Vec<(String, Label)>,
    recipe: Recipe,
}

impl Arm {
    /// The part of the study, if it has parts, and the arm's value on each axis.
    pub fn labels(&self) -> &[(String, Label)] {
        &self.labels
    }

    /// What the arm is called on `axis`, or else what its recipe says under that key.
    pub fn label(&self, name: &str) -> Option<Label> {
        let own = self.labels.iter().find(|(axis, _)| axis == name).map(|(_, label)| label.clone());
        own.or_else(|| Table::try_from(&self.recipe).ok()?.get(name).map(label))
    }

    /// The recipe with the study's first seed.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// All labels in one line: `fixed width, dropout 0.5`.
    pub fn title(&self) -> String {
        titled(&self.labels)
    }
}

fn titled(labels: &[(String, Label)]) -> String {
    let title = |(axis, label): &(String, Label)| match label.value {
        None => label.text.clone(),
        Some(_) => format!("{axis} {}", label.text),
    };
    labels.iter().map(title).collect::<Vec<_>>().join(", ")
}

/// The name of the axis that tells a study's parts apart.
pub(super) const GRID: &str = "grid";

/// What the columns of `results.csv` are called that every study has.
const COLUMNS: [&str; 2] = ["seed", "trial"];

/// How many arms a study may have.
const MOST_ARMS: usize = 10_000;

/// A part of a study, or all of it where it has no parts.
struct GridPart<'a> {
    settings: Table,
    labels: Vec<(String, Label)>,
    /// The axes beside those of the whole study.
    own: Vec<GridAxis<'a>>,
}

/// All arms of a study, each checked with the first of its seeds.
pub(super) fn expand(base: &Table, axes: &Table, grids: &[GridSpec], seeds: &[u64]) -> Result<Vec<Arm>, String> {
    check_keys("base", base)?;
    if axes.is_empty() && grids.is_empty() {
        return Err("the grid is empty: [axes] needs an axis, such as dropout = [0, 0.5]".into());
    }
    let shared = all_points(axes)?;
    let parts = if grids.is_empty() {
        vec![GridPart { settings: base.clone(), labels: Vec::new(), own: Vec::new() }]
    } else {
        parts(base, axes, grids)?
    };
    check_size(&shared, &parts, seeds.len())?;
    let mut arms: Vec<Arm> = Vec::new();
    for part in &parts {
        let axes: Vec<&GridAxis<'_>> = shared.iter().chain(&part.own).collect();
        check_apart(&axes)?;
        let start = arms.len();
        product(&axes, &mut vec![], &mut |chosen| {
            let mut settings = part.settings.clone();
            let mut labels = part.labels.clone();
            for (axis, point) in chosen {
                settings.extend(point.sets.clone());
                labels.push((axis.to_string(), point.label.clone()));
            }
            let recipe = resolve(&settings, seeds[0]).map_err(|reason| format!("{}: {reason}", titled(&labels)))?;
            arms.push(Arm { labels, recipe });
            Ok(())
        })?;
        check_duplicates(&arms[start..])?;
    }
    Ok(arms)
}

/// The study's parts.
fn parts<'a>(base: &Table, axes: &Table, grids: &'a [GridSpec]) -> Result<Vec<GridPart<'a>>, String> {
    let mut names = HashSet::new();
    let mut parts = Vec::new();
    for (place, grid) in grids.iter().enumerate() {
        let name = &grid.name;
        check_name(&format!("the name of grid {}", place + 1), name)?;
        if !names.insert(name) {
            return Err(format!("two grids are called {name:?}; give each a name of its own"));
        }
        check_keys(&format!("grid {name:?}: base"), &grid.base)?;
        let mut settings = base.clone();
        settings.extend(grid.base.clone());
        if let Some(axis) = grid.axes.keys().find(|&axis| axes.contains_key(axis)) {
            return Err(format!("grid {name:?}: {axis} is an axis of the whole study already"));
        }
        if axes.contains_key(GRID) || grid.axes.contains_key(GRID) {
            return Err(format!("axes: {GRID} is what the parts are told apart by; call this axis something else"));
        }
        let labels = vec![(GRID.to_string(), Label { text: name.clone(), value: None })];
        parts.push(GridPart { settings, labels, own: all_points(&grid.axes)? });
    }
    Ok(parts)
}

/// Before the first arm is made: a slip in an axis can make a study endless.
fn check_size(shared: &[GridAxis<'_>], parts: &[GridPart<'_>], seeds: usize) -> Result<(), String> {
    let times = |arms: usize, (_, points): &GridAxis<'_>| arms.saturating_mul(points.len());
    let each = shared.iter().fold(1, times);
    let arms = parts.iter().fold(0, |arms: usize, part| arms.saturating_add(part.own.iter().fold(each, times)));
    let trials = arms.saturating_mul(seeds);
    if arms > MOST_ARMS {
        return Err(format!("has {arms} arms, and {MOST_ARMS} are the most that there may be; make its axes shorter"));
    }
    if trials > MOST_TRIALS {
        return Err(format!(
            "has {trials} trials, {arms} arms with {seeds} seeds each, and {MOST_TRIALS} are the most that there may \
             be; \
             take fewer seeds, or make its axes shorter"
        ));
    }
    Ok(())
}

/// A value of an axis.
struct Point {
    label: Label,
    sets: Table,
}

type GridAxis<'a> = (&'a str, Vec<Point>);
/// An axis and the value on it that was chosen.
type Choice<'a> = (&'a str, &'a Point);

fn all_points(axes: &Table) -> Result<Vec<GridAxis<'_>>, String> {
    axes.iter().map(|(axis, values)| points(axis, values)).collect()
}

fn points<'a>(axis: &'a str, values: &Value) -> Result<GridAxis<'a>, String> {
    check_name("axes: the name of an axis", axis)?;
    let Value::Array(values) = values else {
        return Err(format!("axes: {axis} is to be a list of values, such as {axis} = [{values}]"));
    };
    if values.is_empty() {
        return Err(format!("axes: {axis} is an empty list"));
    }
    let point = |value: &Value| match value {
        Value::Table(variant) => {
            let mut sets = variant.clone();
            let name = match sets.remove("name") {
                None => None,
                Some(Value::String(name)) => Some(name),
                Some(other) => return Err(format!("axes: {axis}: name = {other} is to be a text")),
            };
            check_keys(&format!("axes: {axis}"), &sets)?;
            let said = sets.iter().map(|(key, value)| format!("{key} {}", label(value).text));
            let text = name.unwrap_or_else(|| said.collect::<Vec<_>>().join(", "));
            Ok(Point { label: Label { text, value: None }, sets })
        }
        value => {
            let sets = Table::from_iter([(axis.to_string(), value.clone())]);
            check_keys("axes", &sets)?;
            Ok(Point { label: label(value), sets })
        }
    };
    let points = values.iter().map(point).collect::<Result<Vec<_>, _>>()?;
    if COLUMNS.contains(&axis) {
        return Err(format!("axes: {axis} is a column of every study's results; call this axis something else"));
    }
    let mut texts = HashSet::new();
    for text in points.iter().map(|point| &point.label.text) {
        check_name(&format!("axes: {axis}: a value's name"), text)?;
        if !texts.insert(text) {
            return Err(format!("axes: {axis} has {text} twice"));
        }
    }
    Ok((axis, points))
}

/// Keys of a recipe, apart from those that a study sets by other means.
fn check_keys(place: &str, table: &Table) -> Result<(), String> {
    for key in table.keys() {
        // The table of a recipe says, as `data` does, what is learned from.
        let table = (key == "table").then_some(Varies::ByStudy);
        match RecipeKey::named(key).map(RecipeKey::varies).or(table) {
            Some(Varies::BySeed) => return Err(format!("{place}: {key} is not set here but under [seeds]")),
            Some(Varies::ByStudy) if place != "base" => {
                return Err(format!("{place}: a study is of one data set; set {key} in [base]"));
            }
            Some(_) => {}
            None => {
                let near = suggestion(key, recipe_keys());
                let variants = if place == "axes" {
                    format!("; an axis of several keys has tables: {key} = [{{ name = \"a\", dropout = 0.5 }}]")
                } else {
                    String::new()
                };
                return Err(format!("{place}: {key} is not a key of a recipe{near}{variants}"));
            }
        }
    }
    Ok(())
}

/// No two axes may set the same key: one of them would do nothing.
fn check_apart(axes: &[&GridAxis<'_>]) -> Result<(), String> {
    let mut setter: HashMap<&str, &str> = HashMap::new();
    for (axis, points) in axes {
        for key in points.iter().flat_map(|point| point.sets.keys()) {
            if let Some(other) = setter.insert(key, axis).filter(|other| other != axis) {
                return Err(format!("axes: both {other} and {axis} set {key}"));
            }
        }
    }
    Ok(())
}

/// Tells `each` of every choice of a value on each axis.
fn product<'a>(
    axes: &[&'a GridAxis<'a>],
    chosen: &mut Vec<Choice<'a>>,
    each: &mut dyn FnMut(&[Choice<'a>]) -> Result<(), String>,
) -> Result<(), String> {
    let Some(((axis, points), rest)) = axes.split_first() else { return each(chosen) };
    for point in points {
        chosen.push((axis, point));
        product(rest, chosen, each)?;
        chosen.pop();
    }
    Ok(())
}

/// Within a part, two arms with the same recipe would be one, counted twice.
fn check_duplicates(arms: &[Arm]) -> Result<(), String> {
    let mut seen: HashMap<String, &Arm> = HashMap::new();
    for arm in arms {
        if let Some(other) = seen.insert(arm.recipe.to_toml(), arm) {
            return Err(format!("two arms are the same: {} and {}", other.title(), arm.title()));
        }
    }
    Ok(())
}

fn resolve(settings: &Table, seed: u64) -> Result<Recipe, String> {
    for (key, value) in settings {
        let alone = Table::from_iter([(key.clone(), value.clone())]);
        Settings::deserialize(alone).map_err(|error| format!("{key} = {value}: {}", toml_reason(&error)))?;
    }
    let mut settings = Settings::deserialize(settings.clone()).map_err(|error| toml_reason(&error))?;
    settings.seed = Some(seed);
    let recipe = settings.resolve().map_err(|error| error.to_string())?;
    match recipe.members() {
        Some(members) => Err(format!("members = {members}: a trial is a single network; leave members out")),
        None => Ok(recipe),
    }
}

/// What a value is called.
pub(super) fn label(value: &Value) -> Label {
    match value {
        Value::String(text) => Label { text: text.clone(), value: None },
        Value::Integer(number) => Label { text: number.to_string(), value: Some(*number as f64) },
        Value::Float(number) => Label { text: number.to_string(), value: Some(*number) },
        Value::Array(values) if values.is_empty() => Label { text: "none".into(), value: None },
        Value::Array(values) => {
            let labels: Vec<Label> = values.iter().map(label).collect();
            let first = labels.first().and_then(|label| label.value);
            let text = labels.iter().map(|label| label.text.as_str()).collect::<Vec<_>>().join("-");
            Label { text, value: first.filter(|_| labels.iter().all(|label| label.value == first)) }
        }
        other => Label { text: other.to_string(), value: None },
    }
}

/// The label of a value; of a list that is no value of its own, those of its values.
pub(super) fn texts(value: &Value, known: impl Fn(&str) -> bool) -> Vec<String> {
    let whole = label(value).text;
    match value {
        Value::Array(values) if !known(&whole) => values.iter().map(|value| label(value).text).collect(),
        _ => vec![whole],
    }
}
