//! The commands of a page of the guide do what it says.

use crate::common::{folder, ok};
use std::fs;
use std::path::Path;

furlough_harness::tests![from_a_csv_to_predictions unless outside_the_repository()];

/// The commands of a page's shell blocks, in order, without the program's name.
fn commands(page: &str) -> Vec<String> {
    let text = fs::read_to_string(repository(&format!("docs/guide/{page}"))).unwrap();
    let blocks = text.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sh\n"));
    let commands = blocks.flat_map(str::lines).map(|line| line.strip_prefix("furlough ").expect("a command of ours"));
    commands.map(String::from).collect()
}

fn repository(path: &str) -> String {
    format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"))
}

fn outside_the_repository() -> Option<String> {
    (!Path::new(&repository("ARCHITECTURE.md")).exists()).then(|| "the repository around the crate".into())
}

fn from_a_csv_to_predictions() {
    let folder = folder();
    let folder = folder.path();
    let flowers = fs::read_to_string(repository("crates/furlough-tables/data/iris.csv")).unwrap();
    let without_species = |line: &str| line.rsplit_once(',').unwrap().0.to_string() + "\n";
    fs::write(folder.join("flowers.csv"), &flowers).unwrap();
    fs::write(folder.join("others.csv"), &flowers).unwrap();
    fs::write(folder.join("new.csv"), flowers.lines().map(without_species).collect::<String>()).unwrap();
    let said: Vec<String> = commands("from-a-csv.md").iter().map(|command| ok(folder, command)).collect();
    assert_eq!(said.len(), 11);
    assert!(said[3].contains("realmlp"), "{}", said[3]);
    assert!(said[4].contains("5 networks, one model"), "{}", said[4]);
    assert!(said[5].contains("95 % interval"), "{}", said[5]);
    let truth = flowers.lines().map(|line| line.rsplit_once(',').unwrap().1);
    let answers = fs::read_to_string(folder.join("answers.csv")).unwrap();
    assert_eq!(answers.lines().count(), 151);
    let right = answers.lines().zip(truth).filter(|(answer, truth)| answer == truth).count();
    assert!(right > 140, "{right} of 150 flowers and the header");
    assert!(said[6].starts_with("sepal_length,species,P(setosa),P(versicolor),P(virginica)\n"), "{}", said[6]);
    assert_eq!(fs::read_to_string(folder.join("answers.jsonl")).unwrap().lines().count(), 150);
    assert!(said[8].contains("log loss") && said[8].contains("petal_length"), "{}", said[8]);
    assert!(fs::read_to_string(folder.join("flowers.html")).unwrap().contains("Answers along a column"));
    assert!(said[9].contains("species: setosa, versicolor, virginica (3 classes)"), "{}", said[9]);
    assert!(fs::read_to_string(folder.join("flowers/README.md")).unwrap().contains("library_name: furlough"));
}
