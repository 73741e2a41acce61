//! Recipes of tables by name.

use crate::common::{fails, folder, model, ok};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

furlough_harness::tests![
    a_preset_is_named_in_the_header_and_resolved_in_the_recipe,
    flags_and_whole_recipes_go_before_a_preset,
    a_preset_that_does_nothing_is_an_error,
];

fn write_table(folder: &Path) {
    let mut text = String::from("size,town,street,kind,price\n");
    for row in 0..240 {
        let (size, town, street) = (row * 7 % 50, ["Bern", "Chur", "Thun"][row % 3], row * 13 % 17);
        let kind = if size > 25 { "large" } else { "small" };
        writeln!(text, "{size},{town},s{street:02},{kind},{}", 3 * size + street).unwrap();
    }
    fs::write(folder.join("a.csv"), text).unwrap();
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn a_preset_is_named_in_the_header_and_resolved_in_the_recipe() {
    let folder = folder();
    let folder = folder.path();
    write_table(folder);
    let train = "train a.csv --target kind --ignore price --hidden 16,16 --epochs 12";
    let said = words(&ok(folder, &format!("{train} --preset realmlp --out a")));
    assert!(said.contains("preset realmlp: the defaults of RealMLP (2024) for classes"), "{said}");
    let recipe = fs::read_to_string(folder.join("a/recipe.toml")).unwrap();
    for line in ["numeric_embedding = \"pbld\"", "label_smoothing = 0.1", "drop_last = true", "scale_levels = true"] {
        assert!(recipe.contains(line), "{line}: {recipe}");
    }
    assert!(!recipe.contains("preset"), "{recipe}");
    ok(folder, "train --recipe a/recipe.toml --threads 1 --quiet --out b");
    assert_eq!(model(folder, "a"), model(folder, "b"));
    let said = words(&ok(folder, &format!("{train} --out c")));
    assert!(said.contains("preset auto:"), "{said}");
    // Numbers, several networks, and a table in files of rows.
    let numbers = "train a.csv --target price --ignore kind --hidden 8 --preset realmlp --epochs 3";
    let said = words(&ok(folder, &format!("{numbers} --members 2 --out d")));
    assert!(said.contains("preset realmlp: the defaults of RealMLP (2024) for numbers"), "{said}");
    ok(folder, "predict d a.csv");
    ok(folder, "explain a a.csv");
    ok(folder, "info a/model.safetensors");
}

fn flags_and_whole_recipes_go_before_a_preset() {
    let folder = folder();
    let folder = folder.path();
    write_table(folder);
    let train = "train a.csv --target kind --ignore price --preset realmlp --hidden 8 --epochs 2 --quiet";
    ok(folder, &format!("{train} --lr 0.01 --numeric-embedding none --early-stopping 0 --scaling standard --out a"));
    let recipe = fs::read_to_string(folder.join("a/recipe.toml")).unwrap();
    assert!(recipe.contains("lr = 0.01") && recipe.contains("scaling = \"standard\""), "{recipe}");
    assert!(!recipe.contains("pbld") && recipe.contains("early_stopping = 0"), "{recipe}");
    let said = words(&ok(folder, "train a.csv --target kind --ignore price --recipe a/recipe.toml --out b"));
    assert!(!said.contains("preset"), "{said}");
    assert_eq!(fs::read_to_string(folder.join("b/recipe.toml")).unwrap(), recipe);
    assert_eq!(model(folder, "a"), model(folder, "b"));
    // So a run that begins with weights has their features.
    ok(folder, "train a.csv --target kind --ignore price --from a --quiet --out c");
}

fn a_preset_that_does_nothing_is_an_error() {
    let folder = folder();
    let folder = folder.path();
    write_table(folder);
    let error = fails(folder, "train --data digits --preset realmlp", 1);
    assert!(error.contains("--preset would do nothing here: name the file"), "{error}");
    let error = fails(folder, "train a.csv --target kind --preset tabm", 2);
    assert!(error.contains("tabm") && error.contains("auto") && error.contains("realmlp"), "{error}");
    ok(folder, "train a.csv --target kind --ignore price --epochs 1 --quiet --out a");
    let error = fails(folder, "train --resume a --preset realmlp", 1);
    assert!(error.contains("--preset would do nothing here"), "{error}");
    let error = fails(folder, "train a.csv --target kind --preset realmlp --pbld-scale 0", 1);
    assert!(error.contains("pbld_scale = 0: must be a number above 0"), "{error}");
}
