//! Data flows one way: a module uses only those above it in `lib.rs`. And what is `unsafe` stays in
//! one folder.

use std::path::{Path, PathBuf};

furlough_harness::tests![
    a_module_uses_only_those_above_it,
    the_check_sees_every_way_to_name_a_module,
    unsafe_lives_in_compute,
];

const ORDER: [&str; 8] = ["random", "data", "nn", "optim", "compute", "train", "predict", "files"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The code of a file without comment lines, so that links in the documentation may point anywhere.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The modules that some code names as `crate::module` or in `use crate::{module::…, …}`.
fn uses(code: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices("crate::") {
        let rest = &code[start + "crate::".len()..];
        let named: Vec<&str> = match rest.strip_prefix('{') {
            None => vec![rest],
            Some(group) => {
                let mut depth = 0;
                let mut parts = vec![];
                let mut from = 0;
                for (i, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => {
                            parts.push(group[from..i].trim());
                            break;
                        }
                        '}' => depth -= 1,
                        ',' if depth == 0 => {
                            parts.push(group[from..i].trim());
                            from = i + 1;
                        }
                        _ => {}
                    }
                }
                parts
            }
        };
        for name in named {
            let name = name.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
            found.extend(ORDER.iter().find(|module| **module == name));
        }
    }
    found
}

fn a_module_uses_only_those_above_it() {
    let lib = code(&src().join("lib.rs"));
    let declared: Vec<&str> =
        lib.lines().filter_map(|l| l.trim().strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(declared, ORDER, "lib.rs declares the modules in reading order");
    for (rank, module) in ORDER.iter().enumerate() {
        let files = sources(&src().join(module));
        assert!(!files.is_empty(), "{module} has no source");
        for file in files {
            for used in uses(&code(&file)) {
                let other = ORDER.iter().position(|m| *m == used).unwrap();
                assert!(other <= rank, "{} uses {used}, which comes after {module}", file.display());
            }
        }
    }
}

fn the_check_sees_every_way_to_name_a_module() {
    assert_eq!(uses("use crate::files::Origin;"), ["files"]);
    assert_eq!(uses("use crate::{Error, train::{a, b}, nn};"), ["train", "nn"]);
    assert_eq!(uses("fn f() { crate::predict::g() }"), ["predict"]);
    assert!(uses("use crate::Error;").is_empty());
}

fn unsafe_lives_in_compute() {
    for file in sources(&src()) {
        let has = code(&file).split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe");
        assert!(!has || file.starts_with(src().join("compute")), "{} has unsafe code", file.display());
    }
}
