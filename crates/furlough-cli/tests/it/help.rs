//! The help texts, word for word.

use crate::common::{folder, ok};

furlough_harness::tests![help_texts, completions_know_the_flags,];

fn help_texts() {
    let folder = folder();
    for (name, args) in [
        ("help", "--help"),
        ("help_train", "train --help"),
        ("help_train_short", "train -h"),
        ("help_tune", "tune --help"),
        ("help_evaluate", "evaluate --help"),
        ("help_predict", "predict --help"),
        ("help_explain", "explain --help"),
        ("help_card", "card --help"),
        ("help_info", "info --help"),
        ("help_runs", "runs --help"),
        ("help_watch", "watch --help"),
    ] {
        insta::assert_snapshot!(name, ok(folder.path(), args));
    }
    assert!(ok(folder.path(), "--version").starts_with("furlough "));
}

fn completions_know_the_flags() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = ok(folder.path(), &format!("completions {shell}"));
        assert!(script.contains("input-dropout") && script.contains("checkpoint-every"), "{shell}");
    }
}
