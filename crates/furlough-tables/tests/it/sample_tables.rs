//! Tables that several tests use.

use furlough_tables::{Table, TableBuilder};

/// The iris flowers, as built from memory.
pub fn iris() -> Table {
    let mut lines = include_str!("../../data/iris.csv").lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let cells: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let add =
        |builder: TableBuilder, (place, name): (usize, &&str)| builder.texts(name, cells.iter().map(|row| row[place]));
    names.iter().enumerate().fold(Table::builder(), add).build().unwrap()
}

/// A table of every kind, with gaps: numbers, categories few and many, a boolean, a date, and a
/// class that depends on them.
pub fn mixed(rows: usize) -> Table {
    let gap = |row: usize, every: usize, text: String| if row % every == 3 { String::new() } else { text };
    let x = |row: usize| (row * 7919 % 1000) as f64 / 100.0;
    let town = |row: usize| row * 31 % 13;
    let yes = |row: usize| row * 17 % 5 < 2;
    Table::builder()
        .texts("x", (0..rows).map(|row| gap(row, 11, x(row).to_string())))
        .texts("color", (0..rows).map(|row| gap(row, 17, ["red", "green", "NA"][row % 3].into())))
        .texts("town", (0..rows).map(|row| format!("t{}", town(row) * town(row) / 13)))
        .texts("yes", (0..rows).map(|row| if yes(row) { "yes" } else { "no" }))
        .texts("day", (0..rows).map(|row| gap(row, 13, format!("2024-{:02}-{:02}", row % 12 + 1, row % 28 + 1))))
        .texts("class", (0..rows).map(|row| if x(row) > 5.0 || yes(row) && row % 3 == 0 { "good" } else { "bad" }))
        .numbers("price", (0..rows).map(|row| 1000.0 + 200.0 * x(row) + if yes(row) { 300.0 } else { 0.0 }))
        .build()
        .unwrap()
}
