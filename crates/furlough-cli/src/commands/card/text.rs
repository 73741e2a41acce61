//! The body of a card, in Markdown.

use crate::commands::facts::{ModelColumn, ModelFacts};
use crate::figures::out_of_fold;
use crate::progress::{network, training};
use crate::terminal::thousands;
use furlough::noun_of;
use furlough_tables::figures::TableFigures;
use furlough_tables::model::{RowCounts, TableHeader};
use furlough_tables::preprocessing::TargetEncoder;
use std::fmt::Write as _;

/// So many columns have a row; a card is read by people.
const COLUMNS: usize = 100;

/// What only the author knows.
const YOURS: &str = "*(yours to write)*";

/// Returns what the model is called: what it learned from and what it answers.
pub fn title(facts: &ModelFacts) -> String {
    let data = facts.data().unwrap_or("a table");
    match facts.target() {
        Some(target) => format!("{} of {data}", target.names().join(", ")),
        None => format!("a network for {data}"),
    }
}

/// Returns the card below its head.
pub fn body(facts: &ModelFacts) -> String {
    let sections =
        [heading(facts), intended_use(facts), training_data(facts), evaluation(facts), usage(facts), limits(facts)];
    sections.join("\n")
}

fn heading(facts: &ModelFacts) -> String {
    let mut text = format!("# {}\n\n", escaped(&title(facts)));
    let architecture = facts.mlp.architecture();
    let what = match &facts.together {
        None => "A feed-forward network with dropout.".to_string(),
        Some(all) => format!("The mean of {} feed-forward networks with dropout.", all.members),
    };
    let _ = writeln!(text, "{what}\nIt predicts {}.\n\n| | |\n|---|---|", escaped(&facts.predicts()));
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "| {name} | {} |", escaped(value));
    };
    row("network", &network(architecture));
    if facts.members() > 1 {
        row("networks", &facts.members().to_string());
    }
    row("parameters", &thousands((facts.members() * architecture.parameters()) as u64));
    if let Some(recipe) = &facts.recipe {
        let rows = facts.table.as_ref().and_then(|table| table.rows);
        let steps = rows.map(|rows| recipe.options().steps_per_epoch(rows.training));
        row("training", &training(recipe, steps));
    }
    if let Some(table) = facts.table.as_ref().filter(|table| !table.library.is_empty()) {
        row("made by", &format!("furlough {}", table.library));
    }
    text
}

fn intended_use(facts: &ModelFacts) -> String {
    let mut text = format!("## Intended use\n\nWhat it is for, and what it must not be used for: {YOURS}\n");
    let columns = facts.columns();
    if columns.is_empty() {
        return text;
    }
    text += "\nIt answers for rows of a table with these columns, in any order.\n\n";
    text += "| column | kind | values in the data | what the network sees |\n|---|---|---|---|\n";
    for column in columns.iter().take(COLUMNS) {
        let ModelColumn { schema, becomes, .. } = column;
        let (name, values) = (escaped(&schema.name), escaped(&column.values()));
        let _ = writeln!(text, "| {name} | {} | {values} | {} |", schema.kind.name(), escaped(becomes));
    }
    if columns.len() > COLUMNS {
        let _ = writeln!(text, "\n{} more columns are not listed here.", columns.len() - COLUMNS);
    }
    text
}

fn training_data(facts: &ModelFacts) -> String {
    let mut text = format!("## Training data\n\nWhere the data come from, and whom they are about: {YOURS}\n\n");
    if let Some(data) = facts.data() {
        let _ = writeln!(text, "- Data: `{}`", data.replace('`', "'"));
    }
    if let Some(table) = &facts.table {
        if let Some(RowCounts { training, validation, test }) = table.rows {
            match &facts.together {
                None => {
                    let _ = writeln!(text, "- Rows that it learned from: {}", thousands(training));
                    let _ = writeln!(text, "- Rows that decided when to stop: {}", thousands(validation));
                    let _ = writeln!(text, "- Rows that only judged the finished network: {}", thousands(test));
                }
                Some(_) => {
                    let all = thousands(training + validation);
                    let _ = writeln!(text, "- Rows that it learned from: {all}, another part held out by each network");
                    let _ = writeln!(text, "- Rows that no network saw: {}", thousands(test));
                }
            }
        }
        if table.dropped_rows > 0 {
            let _ = writeln!(text, "- Rows without a target, left out: {}", thousands(table.dropped_rows));
        }
        for note in &table.preprocessing.notes {
            let _ = writeln!(text, "- {}", escaped(&note.to_string()));
        }
    }
    if !facts.info.data.fingerprint.is_empty() {
        let _ = writeln!(text, "- Fingerprint of the training rows: `{}`", facts.info.data.fingerprint);
    }
    text
}

fn evaluation(facts: &ModelFacts) -> String {
    let mut text = String::from("## Evaluation\n\n");
    let table = facts.table.as_ref();
    match (table.and_then(|table| table.test.as_ref()), &facts.together) {
        (Some(test), _) => text += &scores(test),
        (None, Some(all)) => {
            for line in out_of_fold(&all.header) {
                let _ = writeln!(text, "- {}", escaped(&line));
            }
        }
        (None, None) => text += "The model's file has no figures of rows that neither taught nor chose it.\n",
    }
    if let Some(TableHeader { warnings, .. }) = table {
        for (place, warning) in warnings.iter().enumerate() {
            let head = if place == 0 { "\nThe scores may be too good:\n\n" } else { "" };
            let _ = writeln!(text, "{head}- {}", escaped(&warning.to_string()));
        }
    }
    text
}

fn scores(test: &TableFigures) -> String {
    let TableFigures { examples, resamples, .. } = test;
    let rows = format!("{} {}", thousands(*examples), noun_of(*examples as usize, "row"));
    let mut text = format!("Of {rows} that neither taught the network nor decided when to stop.\n");
    if *resamples > 0 {
        let _ = writeln!(text, "Intervals are the middle 95 % of {resamples} draws of these rows with replacement.");
    }
    text += "\n| score | value | 95 % interval |\n|---|---:|---:|\n";
    for (name, figure) in test.named() {
        let interval = figure.interval_text().unwrap_or_default();
        let _ = writeln!(text, "| {} | {} | {interval} |", escaped(&name), figure.text());
    }
    text
}

fn usage(facts: &ModelFacts) -> String {
    let file = facts.path.file_name().map_or("model.safetensors".into(), |name| name.to_string_lossy());
    let word = crate::terminal::shell_word(&*file);
    if facts.table.is_none() {
        return format!("## How to use it\n\n```sh\nfurlough info {word}\nfurlough evaluate {word}\n```\n");
    }
    let labels = match facts.target() {
        Some(TargetEncoder::Regression { .. }) => "numbers in the target's units",
        _ => "the target's labels",
    };
    format!(
        "## How to use it\n\nAnswers are {labels}; columns are found by name.\n\n\
         ```sh\n\
         furlough predict {word} new.csv --out answers.csv\n\
         furlough evaluate {word} labeled.csv\n\
         furlough explain {word} labeled.csv\n\
         ```\n\nIn Rust:\n\n\
         ```rust\n\
         let mut model = furlough_tables::TableModel::load({file:?}, 1)?;\n\
         let table = model.read(\"new.csv\", 1)?;\n\
         for answer in model.predict(&table)?.texts() {{\n    println!(\"{{answer}}\");\n}}\n\
         ```\n"
    )
}

fn limits(facts: &ModelFacts) -> String {
    let mut text = String::from("## Limits\n\n");
    if facts.table.is_some() {
        text += "- It answers for any row, also for such as it never saw the like of.\n";
        text += "- Levels that training never saw count as missing, and `furlough predict` says how many there are.\n";
        text +=
            "- Scores hold for rows drawn as those of the test set were, and not for other places, times or people.\n";
    }
    if facts.target().is_some_and(|target| matches!(target, TargetEncoder::Classification { .. })) {
        text += "- Probabilities may be too sure; `furlough evaluate` on labeled rows shows by how much.\n";
    }
    text += "- What columns are worth to it is no statement of causes.\n";
    let _ = writeln!(text, "- Whom wrong answers would harm, and what was done about that: {YOURS}");
    text
}

/// A text that says the same in Markdown.
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '~' => shown.extend(['\\', c]),
            c if c.is_control() => shown.push(' '),
            c => shown.push(c),
        }
    }
    shown
}
