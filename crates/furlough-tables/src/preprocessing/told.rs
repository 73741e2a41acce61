use serde::{Deserialize, Serialize};
use std::fmt;

/// What fitting decided about a column that one may want to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "note")]
pub enum Note {
    /// The column gives no feature.
    NoFeature {
        /// The column.
        column: String,
        /// Why, as a part of a sentence: "it is an id".
        why: String,
    },
    /// Rare levels share a feature.
    RareLevels {
        /// The column.
        column: String,
        /// How many levels share it.
        levels: usize,
        /// How many training rows have one of them.
        rows: u64,
    },
    /// Training rows have infinite numbers, which count as missing.
    Infinite {
        /// The column.
        column: String,
        /// How many rows.
        rows: u64,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::NoFeature { column, why } => write!(f, "`{column}` is left out: {why}"),
            Note::RareLevels { column, levels, rows } => {
                let (levels, rows) =
                    (furlough::counted(*levels, "rare level"), furlough::counted(*rows as usize, "row"));
                write!(f, "{levels} of `{column}`, in {rows}, count as one")
            }
            Note::Infinite { column, rows } => infinite(f, column, *rows),
        }
    }
}

fn infinite(f: &mut fmt::Formatter<'_>, column: &str, rows: u64) -> fmt::Result {
    let (rows_said, hold) = (furlough::counted(rows as usize, "row"), if rows == 1 { "holds" } else { "hold" });
    write!(f, "{rows_said} {hold} infinite numbers in `{column}`, which count as missing")
}

/// What was met in a table's features that training did not have, column by column. It is data:
/// who predicts decides what to say, and [`Self::sentences`] has the words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Told {
    /// How many rows hold levels that training never saw. They count as missing.
    pub unseen: Vec<(String, u64)>,
    /// How many rows hold infinite numbers. They count as missing.
    pub infinite: Vec<(String, u64)>,
    /// How many rows lack a value in columns in which no training row did. Numbers and dates take
    /// the median; of a category all features are 0.
    pub missing: Vec<(String, u64)>,
    /// Columns of the table that the model does not know. They are ignored.
    pub extra: Vec<String>,
}

impl Told {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        *self == Told::default()
    }

    /// Adds what was met in further rows.
    pub fn add(&mut self, other: &Told) {
        self.take(other, |all, new| all + new);
    }

    /// Takes in what another preprocessing met in the same rows: the greater count of each column.
    pub fn join(&mut self, other: &Told) {
        self.take(other, u64::max);
    }

    fn take(&mut self, other: &Told, both: impl Fn(u64, u64) -> u64) {
        let pairs = [
            (&mut self.unseen, &other.unseen),
            (&mut self.infinite, &other.infinite),
            (&mut self.missing, &other.missing),
        ];
        for (all, new) in pairs {
            for (column, rows) in new {
                match all.iter_mut().find(|(known, _)| known == column) {
                    Some((_, sum)) => *sum = both(*sum, *rows),
                    None => all.push((column.clone(), *rows)),
                }
            }
        }
        self.extra.extend(other.extra.iter().filter(|name| !self.extra.contains(name)).cloned().collect::<Vec<_>>());
    }

    /// Returns a sentence for each thing, such as "12 rows hold levels of `state` that training
    /// never saw; they count as missing".
    pub fn sentences(&self) -> Vec<String> {
        let rows = |rows: u64| {
            let (count, hold) = (furlough::counted(rows as usize, "row"), if rows == 1 { "holds" } else { "hold" });
            (count, hold, if rows == 1 { "it counts" } else { "they count" })
        };
        let mut said = Vec::new();
        for (column, count) in &self.unseen {
            let (rows, hold, count) = rows(*count);
            said.push(format!("{rows} {hold} levels of `{column}` that training never saw; {count} as missing"));
        }
        for (column, count) in &self.infinite {
            let (rows, hold, count) = rows(*count);
            said.push(format!("{rows} {hold} infinite numbers in `{column}`; {count} as missing"));
        }
        for (column, count) in &self.missing {
            let (rows, _, _) = rows(*count);
            let lack = if *count == 1 { "lacks" } else { "lack" };
            said.push(format!("{rows} {lack} a value of `{column}`, which no training row did"));
        }
        match &self.extra[..] {
            [] => {}
            [one] => said.push(format!("column `{one}` is ignored: the model does not know it")),
            [first, ..] => said.push(format!(
                "{} columns, `{first}` first, are ignored: the model does not know them",
                self.extra.len()
            )),
        }
        said
    }
}
