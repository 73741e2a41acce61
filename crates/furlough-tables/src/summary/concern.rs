use super::TableSummary;
use crate::error::Result;
use crate::preprocessing::{TableWarning, leaking_columns, named_like_target};
use crate::schema::{Kind, Role, number_of};
use crate::table::Table;
use furlough::counted;
use serde::Serialize;
use std::fmt;

/// A class with fewer rows is very rare.
const RARE: u64 = 10;

/// So many names stand in a sentence.
const NAMED: usize = 8;

/// Something to look at before training.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "concern")]
#[non_exhaustive]
pub enum Concern {
    /// A column alone predicts the target nearly perfectly.
    Leak {
        /// The column.
        column: String,
        /// The accuracy that it reaches, or R².
        score: f64,
    },
    /// A column's name holds the target's.
    NamedLikeTarget {
        /// The column.
        column: String,
        /// The target.
        target: String,
    },
    /// The target is missing in some rows.
    MissingTarget {
        /// The target.
        target: String,
        /// In so many rows.
        rows: u64,
    },
    /// The target has one class.
    OneClass {
        /// The target.
        target: String,
        /// The class.
        class: String,
    },
    /// Some classes have very few rows.
    RareClasses {
        /// The target.
        target: String,
        /// The classes, rarest first.
        classes: Vec<String>,
        /// The rows of the rarest.
        rows: u64,
    },
    /// Rows stand in the file before.
    RepeatedRows {
        /// How many.
        rows: u64,
        /// Whether they were counted.
        exact: bool,
    },
    /// Columns without any value.
    AllMissing {
        /// The columns.
        columns: Vec<String>,
    },
    /// Columns with the same value in each row.
    Constant {
        /// The columns.
        columns: Vec<String>,
    },
    /// Columns that name the rows.
    Ids {
        /// The columns.
        columns: Vec<String>,
    },
    /// A category most of whose levels are numbers.
    NearlyNumbers {
        /// The column.
        column: String,
        /// The most frequent level that is none.
        level: String,
    },
    /// Columns with free text.
    Texts {
        /// The columns.
        columns: Vec<String>,
    },
    /// A column with infinite numbers.
    Infinite {
        /// The column.
        column: String,
        /// In so many rows.
        rows: u64,
    },
}

/// Finds what to look at.
pub(super) fn find(summary: &TableSummary, table: &Table) -> Result<Vec<Concern>> {
    let mut found = Vec::new();
    let targets: Vec<_> = summary.columns.iter().filter(|column| column.role == Role::Target).collect();
    let known = |name: &str| summary.column(name).is_some_and(|column| column.missing < summary.rows);
    if !targets.is_empty() && targets.iter().all(|target| known(&target.name)) {
        let doubts = leaking_columns(table, &table.all_rows()).into_iter().chain(named_like_target(table));
        found.extend(doubts.filter_map(|doubt| match doubt {
            TableWarning::Leak { column, score } => Some(Concern::Leak { column, score }),
            TableWarning::NamedLikeTarget { column, target } => Some(Concern::NamedLikeTarget { column, target }),
            TableWarning::RepeatedRows { .. } => None,
        }));
    }
    for column in &targets {
        let target = || column.name.clone();
        if column.missing > 0 && column.present {
            found.push(Concern::MissingTarget { target: target(), rows: column.missing });
        }
        if let [only] = &column.levels[..]
            && column.distinct == 1
        {
            found.push(Concern::OneClass { target: target(), class: only.level.clone() });
        }
        let rare: Vec<_> = column.levels.iter().rev().take_while(|level| level.count < RARE).collect();
        if column.distinct > 1
            && let Some(rarest) = rare.first()
        {
            let classes = rare.iter().map(|level| level.level.clone()).collect();
            found.push(Concern::RareClasses { target: target(), classes, rows: rarest.count });
        }
    }
    if summary.repeated_rows > 0 {
        found.push(Concern::RepeatedRows { rows: summary.repeated_rows, exact: summary.repeated_exact });
    }
    let infinite = summary.columns.iter().filter(|column| column.infinite > 0);
    found.extend(infinite.map(|column| Concern::Infinite { column: column.name.clone(), rows: column.infinite }));
    for column in summary.columns.iter().filter(|column| column.kind == Kind::Category && column.levels.len() > 9) {
        let others: Vec<_> = column.levels.iter().filter(|level| number_of(&level.level, false).is_none()).collect();
        if let Some(first) = others.first()
            && others.len() * 10 <= column.levels.len()
        {
            found.push(Concern::NearlyNumbers { column: column.name.clone(), level: first.level.clone() });
        }
    }
    let columns = |wanted: &dyn Fn(&super::ColumnSummary) -> bool| -> Vec<String> {
        let some = summary.columns.iter().filter(|column| column.present && wanted(column));
        some.map(|column| column.name.clone()).collect()
    };
    let empty = |column: &super::ColumnSummary| column.missing == summary.rows;
    for (columns, concern) in [
        (columns(&empty), (|columns| Concern::AllMissing { columns }) as fn(Vec<String>) -> Concern),
        (columns(&|column| column.kind == Kind::Constant && !empty(column)), |columns| Concern::Constant { columns }),
        (columns(&|column| column.role == Role::Id), |columns| Concern::Ids { columns }),
        (columns(&|column| column.kind == Kind::Text), |columns| Concern::Texts { columns }),
    ] {
        found.extend((!columns.is_empty()).then(|| concern(columns)));
    }
    Ok(found)
}

impl Concern {
    /// Returns what to do about it.
    pub fn advice(&self) -> String {
        match self {
            Concern::Leak { column, .. } | Concern::NamedLikeTarget { column, .. } => {
                format!("Will it be known when you predict? If not, leave it out: --ignore {column}")
            }
            Concern::MissingTarget { .. } => "Such rows are not learned from.".into(),
            Concern::OneClass { .. } => "There is nothing to learn until the file has rows of another class.".into(),
            Concern::RareClasses { .. } => {
                "They are hardly learned; collect more rows, put them together in the file, or leave them out.".into()
            }
            Concern::RepeatedRows { .. } => {
                "Copies on both sides of a split make scores too good: keep one of each, or give a column that copies \
                 share to --group"
                    .into()
            }
            Concern::AllMissing { .. } => "Nothing to do: they are not used.".into(),
            Concern::Constant { .. } => "Nothing to do: they are not used, as nothing can be learned from them.".into(),
            Concern::Ids { .. } => {
                "They are not used. If one means something, set its role to \"feature\" in a schema.".into()
            }
            Concern::NearlyNumbers { level, .. } => {
                format!("If {level:?} is a missing value, say so for the column to be numbers: --missing {level:?}")
            }
            Concern::Texts { .. } => {
                "They are not used. Where a text is one of some levels, set its kind to \"category\" and its role to \
                 \"feature\" in a schema."
                    .into()
            }
            Concern::Infinite { .. } => "They count as missing; look where they come from.".into(),
        }
    }
}

impl fmt::Display for Concern {
    /// Writes what was found, in one sentence without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows_said = |rows: u64| counted(rows as usize, "row");
        match self {
            Concern::Leak { column, score } => {
                write!(f, "{column} alone predicts the target nearly perfectly ({score:.4})")
            }
            Concern::NamedLikeTarget { column, target } => write!(f, "{column} is named like the target {target}"),
            Concern::MissingTarget { target, rows } => {
                write!(f, "the target {target} is missing in {}", rows_said(*rows))
            }
            Concern::OneClass { target, class } => write!(f, "the target {target} has one class, {class}"),
            Concern::RareClasses { target, classes, rows } => write!(
                f,
                "{} of {target} {} fewer than {RARE} rows: {}; the rarest has {rows}",
                counted(classes.len(), "class"),
                if classes.len() == 1 { "has" } else { "have" },
                names(classes)
            ),
            Concern::RepeatedRows { rows, exact } => {
                let about = if *exact { "" } else { "about " };
                let (stand, copies) = if *rows == 1 { ("is", "a copy") } else { ("are", "copies") };
                write!(f, "{about}{} {stand} {copies} of earlier ones", rows_said(*rows))
            }
            Concern::AllMissing { columns } => write!(f, "all values are missing: {}", names(columns)),
            Concern::Constant { columns } => write!(f, "the same value in each row: {}", names(columns)),
            Concern::Ids { columns } => write!(f, "the rows' names or numbers: {}", names(columns)),
            Concern::NearlyNumbers { column, level } => {
                write!(f, "{column} is taken for categories, as {level:?} is no number while nearly all others are")
            }
            Concern::Texts { columns } => write!(f, "free text: {}", names(columns)),
            Concern::Infinite { column, rows } => write!(f, "{column} is infinite in {}", rows_said(*rows)),
        }
    }
}

fn names(columns: &[String]) -> String {
    let more = if columns.len() > NAMED { format!(" and {} more", columns.len() - NAMED) } else { String::new() };
    columns.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ") + &more
}
