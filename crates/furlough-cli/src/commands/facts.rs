//! What a model's file says of itself, and nothing else.

use super::folder::{FolderKind, to_resume};
use super::model::is_model_name;
use crate::terminal::shell_word;
use anyhow::bail;
use furlough::files::{ModelFile, ModelInfo, load_models};
use furlough::nn::Mlp;
use furlough_lab::recipe::{Recipe, Settings};
use furlough_lab::run::RunDir;
use furlough_tables::TableModel;
use furlough_tables::figures::in_digits;
use furlough_tables::model::{EnsembleHeader, TableHeader};
use furlough_tables::preprocessing::{CategoryEncoder, Encoding, NumberScale, ScaledNumber, TargetEncoder};
use furlough_tables::schema::{ColumnSchema, Kind, Role};
use std::path::{Path, PathBuf};

/// What a model's file holds.
pub struct ModelFacts {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The network; of several the first, and the others are as large.
    pub mlp: Mlp,
    /// Beside it; the recipe of several networks is that of all.
    pub info: ModelInfo,
    /// Of a table. Of several networks it is the header of the first, without its own scores.
    pub table: Option<TableHeader>,
    /// What several networks are together.
    pub together: Option<JointFacts>,
    /// How it was trained; none where the library did that without one.
    pub recipe: Option<Recipe>,
}

/// What several networks are together.
pub struct JointFacts {
    /// How many they are.
    pub members: usize,
    pub header: EnsembleHeader,
}

impl ModelFacts {
    /// Returns how many networks there are.
    pub fn members(&self) -> usize {
        self.together.as_ref().map_or(1, |together| together.members)
    }

    /// Reads a model's file, or that of a finished run's folder.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let path = if path.is_dir() { of_run(path)? } else { path.to_path_buf() };
        let file = load_models(&path).map_err(|error| match error {
            furlough::Error::File { .. } if !is_model_name(&path) => {
                anyhow::anyhow!("{}: it is no model's file; those end in .safetensors", path.display())
            }
            error => error.into(),
        })?;
        let (mlp, info, table, together) = match file {
            ModelFile::Single(single) => {
                let (mlp, info) = *single;
                let table = info.table.as_ref().map(|_| TableHeader::of(&path, &info)).transpose()?;
                (mlp, info, table, None)
            }
            ModelFile::Ensemble(members, all) => {
                let info = ModelInfo { data: members[0].info.data.clone(), recipe: all.recipe.clone(), table: None };
                let model = TableModel::of_file(&path, ModelFile::Ensemble(members, all), 1)?;
                let mut table = model.headers().next().cloned();
                if let Some(header) = &mut table {
                    (header.test, header.validation) = (None, None);
                }
                let header = model.ensemble().cloned();
                let together = header.map(|header| JointFacts { members: model.members(), header });
                (model.network().clone(), info, table, together)
            }
        };
        let recipe = match info.recipe.is_empty() {
            true => None,
            false => Some(Settings::parse(&info.recipe, None)?.resolve()?),
        };
        let bytes = std::fs::metadata(&path).map_or(0, |about| about.len());
        Ok(ModelFacts { path, bytes, mlp, info, table, together, recipe })
    }

    /// Returns what is answered with.
    pub fn target(&self) -> Option<&TargetEncoder> {
        self.table.as_ref()?.preprocessing.target.as_ref()
    }

    /// Returns `species: setosa, versicolor, virginica (3 classes)`, or the numbers.
    pub fn predicts(&self) -> String {
        const NAMED: usize = 12;
        let classes = |classes: &[String]| {
            let more = if classes.len() > NAMED { ", …" } else { "" };
            format!("{}{more} ({} classes)", classes[..classes.len().min(NAMED)].join(", "), classes.len())
        };
        match self.target() {
            Some(TargetEncoder::Classification { column, classes: names }) => format!("{column}: {}", classes(names)),
            Some(TargetEncoder::Regression { columns }) => {
                let one = |column: &furlough_tables::preprocessing::TargetColumn| {
                    let (mean, deviation) = (in_digits(column.mean), in_digits(column.deviation));
                    format!("{}, a number ({mean} ± {deviation} in training)", column.name)
                };
                columns.iter().map(one).collect::<Vec<_>>().join("; ")
            }
            None if self.info.data.classes.is_empty() => furlough::counted(self.mlp.architecture().outputs(), "number"),
            None => classes(&self.info.data.classes),
        }
    }

    /// Returns the name of the data that it learned from, without a folder; none where the file
    /// does not say.
    pub fn data(&self) -> Option<&str> {
        self.recipe.as_ref().map(Recipe::data)
    }

    /// Returns the columns that it sees.
    pub fn columns(&self) -> Vec<ModelColumn<'_>> {
        let Some(table) = &self.table else { return Vec::new() };
        let column = |encoder: &'_ furlough_tables::preprocessing::ColumnEncoder| {
            let schema = table.schema.columns.iter().find(|column| column.name == encoder.column)?;
            Some(ModelColumn { schema, features: encoder.features(), becomes: in_words(&encoder.encoding) })
        };
        table.preprocessing.columns.iter().filter_map(column).collect()
    }

    /// Returns the names of columns that it does not see, but for the target.
    pub fn unseen(&self) -> Vec<&str> {
        let Some(table) = &self.table else { return Vec::new() };
        let seen = |column: &&ColumnSchema| {
            column.role == Role::Target || table.preprocessing.columns.iter().any(|one| one.column == column.name)
        };
        table.schema.columns.iter().filter(|column| !seen(column)).map(|column| column.name.as_str()).collect()
    }
}

/// The file of a finished run.
fn of_run(folder: &Path) -> anyhow::Result<PathBuf> {
    let dir = RunDir::open(folder)?;
    if !dir.is_finished() {
        let run = to_resume(folder);
        let finish = if FolderKind::of(&run) == Some(FolderKind::Members) { "" } else { "` or `--finish" };
        bail!(
            "{}: the run is not finished, so it has no model's file; `furlough train --resume {}{finish}` makes one",
            folder.display(),
            shell_word(run)
        );
    }
    Ok(folder.join(RunDir::MODEL))
}

/// A column that a model sees.
pub struct ModelColumn<'a> {
    pub schema: &'a ColumnSchema,
    /// How many features it becomes.
    pub features: usize,
    /// How, in words.
    pub becomes: String,
}

impl ModelColumn<'_> {
    /// Returns what was found in the rows that training looked at: a range, or levels.
    pub fn values(&self) -> String {
        const NAMED: usize = 5;
        let found = &self.schema.found;
        if let Some([least, most]) = &found.range {
            return format!("{least} to {most}");
        }
        let more = if found.levels.len() > NAMED { ", …" } else { "" };
        match self.schema.kind {
            Kind::Category | Kind::Boolean => {
                format!("{}{more}", found.levels.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", "))
            }
            _ => String::new(),
        }
    }
}

/// How a column becomes features, in words.
fn in_words(encoding: &Encoding) -> String {
    let missing = |indicator: bool, median: Option<f64>| match (indicator, median) {
        (true, Some(median)) => format!("; missing: as {}, and told", in_digits(median)),
        (true, None) => "; whether it is missing".into(),
        (false, _) => String::new(),
    };
    match encoding {
        Encoding::Number { number, indicator, .. } => {
            let scale = number.as_ref().map_or(String::new(), scaled);
            scale + &missing(*indicator, number.as_ref().map(|number| number.median))
        }
        Encoding::Date { date, indicator, .. } => {
            let parts: Vec<&str> = date.parts.iter().map(|(part, _)| part.name()).collect();
            format!("{}, scaled{}", parts.join(", "), if *indicator { "; missing is told" } else { "" })
        }
        Encoding::Category { boolean: true, .. } => "no or yes".into(),
        Encoding::Category { category: CategoryEncoder { levels, rare, missing, embedded, scales, .. }, .. } => {
            let rare = match rare.len() {
                0 => String::new(),
                rare => format!(", {rare} rare ones as one"),
            };
            let missing = if *missing { ", missing as one" } else { "" };
            let embedded = if *embedded { ", embedded" } else { "" };
            let scaled = if scales.is_empty() { "" } else { ", scaled" };
            format!("{}{rare}{missing}{embedded}{scaled}", furlough::counted(levels.len(), "level"))
        }
    }
}

fn scaled(number: &ScaledNumber) -> String {
    match &number.scale {
        NumberScale::Robust { center, factor } => {
            format!("less {}, over {}, bent within ±3", in_digits(*center), in_digits(1.0 / factor))
        }
        NumberScale::Standard { center, factor } => {
            format!("less {}, over {}", in_digits(*center), in_digits(1.0 / factor))
        }
        NumberScale::Quantile { .. } => "the normal quantile of its share".into(),
    }
}
