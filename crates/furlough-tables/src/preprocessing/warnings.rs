//! What may make a score too good to be true.

use super::TargetRows;
use crate::schema::{Role, words};
use crate::table::{Column, RowSplit, Table};
use furlough::random::{Key, Stream};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A reason to doubt a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "warning")]
pub enum TableWarning {
    /// A column alone predicts the target nearly perfectly.
    Leak {
        /// The column.
        column: String,
        /// The accuracy that it reaches, or R².
        score: f64,
    },
    /// Rows of the validation and test parts stand in the training part too.
    RepeatedRows {
        /// How many.
        rows: u64,
    },
    /// A column's name holds the target's.
    NamedLikeTarget {
        /// The column.
        column: String,
        /// The target.
        target: String,
    },
}

impl fmt::Display for TableWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TableWarning::Leak { column, score } => write!(
                f,
                "`{column}` alone predicts the target nearly perfectly ({score:.4}); will it be known when you predict?"
            ),
            TableWarning::RepeatedRows { rows } => {
                let (rows_said, stand) =
                    (furlough::counted(*rows as usize, "held-out row"), if *rows == 1 { "stands" } else { "stand" });
                write!(
                    f,
                    "{rows_said} {stand} in the training part too, features and target; unless that is chance, the \
                     score is better than on new rows"
                )
            }
            TableWarning::NamedLikeTarget { column, target } => {
                write!(f, "`{column}` is named like the target `{target}`; will it be known when you predict?")
            }
        }
    }
}

/// How many rows are looked at for a leak.
const LEAK_ROWS: usize = 20_000;

/// Finds the features whose name begins or ends with the words of a target.
pub fn named_like_target(table: &Table) -> Vec<TableWarning> {
    let columns = &table.schema().columns;
    let targets = columns.iter().filter(|column| column.role == Role::Target);
    let mut found = Vec::new();
    for target in targets {
        let wanted = words(&target.name);
        let alike = |name: &str| {
            let words = words(name);
            !wanted.is_empty() && (words.starts_with(&wanted) || words.ends_with(&wanted))
        };
        let features = columns.iter().filter(|column| column.role == Role::Feature && alike(&column.name));
        found.extend(
            features.map(|column| TableWarning::NamedLikeTarget {
                column: column.name.clone(),
                target: target.name.clone(),
            }),
        );
    }
    found
}

/// Counts the validation and test rows whose features and targets are those of a training row.
pub fn repeated_rows(table: &Table, split: &RowSplit) -> Option<TableWarning> {
    let places = [Role::Feature, Role::Target].map(|role| table.schema().with_the_role(role));
    let features: Vec<&Column> = places.into_iter().flatten().map(|place| &table.columns()[place]).collect();
    let key = |&row: &u32| {
        let mut hasher = DefaultHasher::new();
        for column in &features {
            match column {
                Column::Numbers(numbers) => numbers[row as usize].to_bits().hash(&mut hasher),
                Column::Codes { codes, .. } => codes[row as usize].hash(&mut hasher),
                Column::Dropped => {}
            }
        }
        hasher.finish()
    };
    let known: HashSet<u64> = split.train.iter().map(key).collect();
    let rows = split.validation.iter().chain(&split.test).filter(|row| known.contains(&key(row))).count() as u64;
    (rows > 0).then_some(TableWarning::RepeatedRows { rows })
}

/// Finds the features that predict the target nearly perfectly, each alone. Each half of the rows
/// is predicted by the other one: a level by its most frequent answer or its mean, a number by its
/// nearest neighbor.
/// Nearly means an accuracy of 0.99 and a tenth of the errors of the most frequent class, or R² of
/// 0.999. At most 20,000 rows are looked at, and of several targets the first one.
pub fn leaking_columns(table: &Table, rows: &[u32]) -> Vec<TableWarning> {
    let rows = TargetRows::of(table, rows).rows;
    let step = rows.len().div_ceil(LEAK_ROWS).max(1);
    let rows: Vec<u32> = rows.into_iter().step_by(step).collect();
    let target = table.schema().with_the_role(Role::Target).next().map(|place| &table.columns()[place]);
    let Some(target) = target.filter(|_| rows.len() >= 20) else {
        return Vec::new(); // with fewer, chance alone could do it
    };
    let mut found = Vec::new();
    for place in table.schema().with_the_role(Role::Feature) {
        let (score, perfect) = match target {
            Column::Codes { codes, levels } => {
                let labels: Vec<u32> = rows.iter().map(|&row| codes[row as usize]).collect();
                accuracy(&table.columns()[place], &rows, &labels, levels.len())
            }
            Column::Numbers(numbers) => {
                let values: Vec<f64> = rows.iter().map(|&row| numbers[row as usize]).collect();
                let score = r_squared(&table.columns()[place], &rows, &values);
                (score, score >= 0.999)
            }
            Column::Dropped => continue,
        };
        let column = table.schema().columns[place].name.clone();
        found.extend(perfect.then_some(TableWarning::Leak { column, score }));
    }
    found
}

/// Both ways to let one half of so many rows learn and the other judge. The halves are drawn by
/// chance, and always the same.
fn halves(count: usize) -> [[Vec<usize>; 2]; 2] {
    // Another layer than those of splits: no word is drawn for two things.
    let first = |at: &usize| Key::new(0).draw(Stream::Split, 2, *at as u32, 0, 0)[0] & 1 == 0;
    let (one, other): (Vec<usize>, Vec<usize>) = (0..count).partition(first);
    [[one.clone(), other.clone()], [other, one]]
}

/// What one column knows of the judging rows.
struct Neighbors {
    /// Learning places that answer together: those of one level, or one number alone.
    groups: Vec<Vec<usize>>,
    /// The judging places, each with the group that answers for it.
    judged: Vec<(usize, Option<usize>)>,
}

impl Neighbors {
    fn of(column: &Column, rows: &[u32], [learn, judge]: &[Vec<usize>; 2]) -> Self {
        match column {
            Column::Codes { codes, .. } => {
                let (mut places, mut groups) = (HashMap::new(), Vec::new());
                for &at in learn {
                    let place = *places.entry(codes[rows[at] as usize]).or_insert(groups.len());
                    if place == groups.len() {
                        groups.push(Vec::new());
                    }
                    groups[place].push(at);
                }
                let group = |&at: &usize| (at, places.get(&codes[rows[at] as usize]).copied());
                Neighbors { judged: judge.iter().map(group).collect(), groups }
            }
            Column::Numbers(numbers) => {
                let value = |at: usize| numbers[rows[at] as usize];
                let mut known: Vec<usize> = learn.iter().copied().filter(|&at| !value(at).is_nan()).collect();
                known.sort_by(|&a, &b| value(a).total_cmp(&value(b)));
                let nearest = |&at: &usize| {
                    let x = value(at);
                    let after = known.partition_point(|&other| value(other) < x);
                    let sides = [after.checked_sub(1), Some(after).filter(|&after| after < known.len())];
                    let away = |side: &usize| (value(known[*side]) - x).abs();
                    let near = sides.into_iter().flatten().min_by(|a, b| away(a).total_cmp(&away(b)));
                    (at, near.filter(|_| !x.is_nan()))
                };
                let judged = judge.iter().map(nearest).collect();
                Neighbors { judged, groups: known.into_iter().map(|at| vec![at]).collect() }
            }
            Column::Dropped => Neighbors { groups: Vec::new(), judged: Vec::new() },
        }
    }
}

fn accuracy(column: &Column, rows: &[u32], labels: &[u32], classes: usize) -> (f64, bool) {
    let most = |places: &mut dyn Iterator<Item = usize>| {
        let mut counts = vec![0u64; classes];
        places.for_each(|at| counts[labels[at] as usize] += 1);
        (0..classes).rev().max_by_key(|&class| counts[class]).unwrap_or(0) as u32
    };
    let (mut right, mut usually) = (0, 0);
    for half in halves(rows.len()) {
        let usual = most(&mut half[0].iter().copied());
        let Neighbors { groups, judged } = Neighbors::of(column, rows, &half);
        let answer = |group: &Vec<usize>| match group[..] {
            [one] => labels[one],
            _ => most(&mut group.iter().copied()),
        };
        let answers: Vec<u32> = groups.iter().map(answer).collect();
        for (at, group) in judged {
            right += u64::from(group.map_or(usual, |group| answers[group]) == labels[at]);
            usually += u64::from(usual == labels[at]);
        }
    }
    let all = rows.len() as u64;
    let score = right as f64 / all as f64;
    (score, score >= 0.99 && 10 * (all - right) <= all - usually && all > usually)
}

fn r_squared(column: &Column, rows: &[u32], values: &[f64]) -> f64 {
    let mean_of = |places: &[usize]| places.iter().map(|&at| values[at]).sum::<f64>() / places.len() as f64;
    let (mut error, mut spread) = (0.0, 0.0);
    for half in halves(rows.len()) {
        let usual = mean_of(&half[0]);
        let Neighbors { groups, judged } = Neighbors::of(column, rows, &half);
        let means: Vec<f64> = groups.iter().map(|group| mean_of(group)).collect();
        for (at, group) in judged {
            error += (values[at] - group.map_or(usual, |group| means[group])).powi(2);
            spread += (values[at] - usual).powi(2);
        }
    }
    if spread > 0.0 { 1.0 - error / spread } else { 0.0 }
}
