//! Pages about real runs.

use crate::common::{fails, folder, ok};
use serde_json::Value;
use std::fs;
use std::path::Path;

furlough_harness::tests![
    a_run_becomes_one_page,
    what_is_no_report_is_not_replaced,
    what_is_missing_is_said,
    a_run_that_diverged_is_told_as_such_everywhere,
    every_folder_is_recognized,
    data_that_cannot_be_had_are_left_out,
    every_plot_is_written_too,
    runs_are_compared,
    a_study_is_shown,
    help_texts,
    a_browser_draws_the_curves unless without_browser(),
];

const RUN: &str = "train --data digits --hidden 16 --epochs 2 --quiet --out";

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap()
}

/// What `furlough ARGS` said on standard error; it must succeed.
fn told(folder: &Path, args: &str) -> String {
    let output = crate::common::run(folder, args);
    assert!(output.status.success(), "furlough {args}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn percent(share: &Value) -> String {
    format!("{:.2}\u{202f}%", 100.0 * share.as_f64().unwrap())
}

fn a_run_becomes_one_page() {
    let folder = folder();
    let folder = folder.path();
    ok(folder, &format!("{RUN} a"));
    let before: Vec<_> = fs::read_dir(folder.join("a")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(ok(folder, "report a").contains("report.html"));
    let html = read(folder, "a/report.html");
    let after = fs::read_dir(folder.join("a")).unwrap().count();
    assert_eq!(after, before.len() + 1);

    let evaluated: Value = serde_json::from_str(&ok(folder, "evaluate a --json")).unwrap();
    assert!(html.contains(&percent(&evaluated["accuracy"])));
    assert!(html.contains(&format!("{:.4}", evaluated["loss"].as_f64().unwrap())));
    for class in evaluated["classes"].as_array().unwrap() {
        assert!(html.contains(&percent(&class["recall"])) && html.contains(&percent(&class["f1"])));
    }
    assert!(html.contains("hidden = [16]") && html.contains("furlough train --recipe recipe.toml"));
    assert!(html.contains("alt=\"Example ") && html.contains("data:image/png;base64,"));
    for part in ["src=\"", "href=\""].iter().flat_map(|attribute| html.split(attribute).skip(1)) {
        assert!(part.starts_with("data:") || part.starts_with('#') || !part.starts_with("http"), "{}", &part[..60]);
    }
    assert!(html.len() < 400_000, "{} bytes", html.len());

    // The run is still what it was, and its report can be written again, byte for byte.
    ok(folder, "info a");
    ok(folder, "report a/");
    assert_eq!(read(folder, "a/report.html"), html);
}

fn what_is_no_report_is_not_replaced() {
    let folder = folder();
    let folder = folder.path();
    ok(folder, &format!("{RUN} a"));
    fs::write(folder.join("diary.html"), "dear diary").unwrap();
    let said = fails(folder, "report a --out diary.html", 1);
    assert!(said.contains("diary.html: exists and is no report"), "{said}");
    assert_eq!(read(folder, "diary.html"), "dear diary");
    let said = fails(folder, "report a --out a", 1);
    assert!(said.contains("a: is a folder"), "{said}");
    let said = fails(folder, "report a --out b/c.html", 1);
    assert!(said.contains("there is no folder b"), "{said}");
    let said = fails(folder, "report a --out c.html --plots a", 1);
    assert!(said.contains("a: is a run, whose files stay as they are"), "{said}");
    assert!(!folder.join("b").exists() && !folder.join("c.html").exists());

    fails(folder, "report", 2);
    let said = fails(folder, "report none", 1);
    assert!(said.contains("none: does not exist"), "{said}");
    fs::create_dir(folder.join("empty")).unwrap();
    let said = fails(folder, "report empty", 1);
    assert!(said.contains("empty: is neither a run"), "{said}");
    // Pictures do not make a study.
    fs::write(folder.join("empty/holiday.svg"), "<svg/>").unwrap();
    let said = fails(folder, "report empty", 1);
    assert!(said.contains("empty: is neither a run"), "{said}");
    let said = fails(folder, "report a ./a/", 1);
    assert!(said.contains("is given twice"), "{said}");
}

fn what_is_missing_is_said() {
    let folder = folder();
    let folder = folder.path();
    ok(folder, &format!("{RUN} a"));
    fs::remove_file(folder.join("a/model.safetensors")).unwrap();
    let said = told(folder, "report a");
    assert!(
        said.contains("note: a: What needs the trained network is left out.") && said.contains("is missing"),
        "{said}"
    );
    let html = read(folder, "a/report.html");
    assert!(html.contains("is missing, though the run is finished") && html.contains("id=\"curves-0\""));
    assert!(!html.contains("id=\"classes-0\"") && !html.contains("id=\"weights-0\""));

    // As a run that was killed in its second epoch leaves it.
    fs::remove_file(folder.join("a/manifest.json")).unwrap();
    let lines = read(folder, "a/metrics.jsonl");
    fs::write(folder.join("a/metrics.jsonl"), lines.lines().next().unwrap().to_string() + "\n{\"epo").unwrap();
    let said = told(folder, "report a --out b.html");
    assert!(said.contains("not finished: it has 1 of 2 epochs") && said.contains("train --resume a"), "{said}");
    assert!(read(folder, "b.html").contains("unfinished"));
    // And one that was killed before its first.
    fs::remove_file(folder.join("a/metrics.jsonl")).unwrap();
    assert!(told(folder, "report a --out b.html").contains("0 of 2 epochs"));
}

fn a_run_that_diverged_is_told_as_such_everywhere() {
    let folder = folder();
    let folder = folder.path();
    // In its very last step, which no later step's loss shows.
    let last = "train --data digits --batch-size 2000 --epochs 1 --lr 1e15 --quiet --out last";
    let said = fails(folder, last, 1);
    assert!(said.contains("the loss became") && said.contains("in epoch 1, step 1"), "{said}");
    assert!(!folder.join("last/manifest.json").exists() && !folder.join("last/model.safetensors").exists());
    let info = ok(folder, "info last");
    assert!(info.contains("diverged: the loss became") && info.contains("No epoch came to a good end."), "{info}");
    let object: Value = serde_json::from_str(&ok(folder, "info last --json")).unwrap();
    assert_eq!((&object["status"], &object["failure"]["kind"]), (&"diverged".into(), &"diverged".into()));
    assert_eq!((&object["failure"]["step"], &object["last_good_epoch"]), (&1.into(), &0.into()));

    // In a later epoch, after good ones: what was good stays to be seen.
    ok(folder, &format!("{RUN} good"));
    // A run that was good for two epochs and failed in its third.
    let recipe = read(folder, "good/recipe.toml").replace("epochs = 2", "epochs = 5");
    fs::create_dir(folder.join("later")).unwrap();
    fs::write(folder.join("later/recipe.toml"), recipe).unwrap();
    fs::write(folder.join("later/metrics.jsonl"), read(folder, "good/metrics.jsonl")).unwrap();
    let failed = "{\"version\":1,\"kind\":\"diverged\",\"epoch\":3,\"step\":7,\"loss\":\"inf\"}";
    fs::write(folder.join("later/failed.json"), failed).unwrap();
    let info = ok(folder, "info later");
    for expected in [
        "diverged: the loss became inf in epoch 3, step 7",
        "diverges at the same step, always",
        "lower --lr than 0.1",
        "--max-norm 3",
        "The last good epoch is 2.",
    ] {
        assert!(info.contains(expected), "{expected:?} is not in {info}");
    }
    assert!(!info.contains("resume"), "{info}");
    let told = told(folder, "report later --out later.html");
    let html = read(folder, "later.html");
    for text in [&told, &html] {
        assert!(
            text.contains("diverges at the same step, always") && text.contains("The last good epoch is 2."),
            "{text}"
        );
        assert!(!text.contains("--resume"), "{text}");
    }
    assert!(html.contains("diverged</span>") && html.contains("id=\"curves-0\""));
    // A comparison concludes nothing from it.
    assert!(ok(folder, "compare good later").contains("not trained to the end, and so not in any mean: later"));
    assert!(ok(folder, "runs .").lines().any(|line| line.contains("diverged") && line.ends_with("later")));
}

fn every_folder_is_recognized() {
    let folder = folder();
    let folder = folder.path();
    ok(folder, "train --data digits --hidden 8 --epochs 1 --quiet --out runs/a");
    ok(folder, "train --data digits --hidden 8 --epochs 1 --seed 1 --quiet --out runs/b");
    let tune = "tune --data digits --hidden 8 --epochs 2 --trials 4 --seeds 2 --quiet --out runs/t";
    ok(folder, tune);
    // Several runs are told one after the other, and a folder of them in lines.
    let both = ok(folder, "info runs/a runs/b");
    assert!(
        both.contains("runs/a\n") && both.contains("runs/b\n") && both.matches("recipe    ").count() == 2,
        "{both}"
    );
    let lines: Vec<Value> =
        ok(folder, "info runs --json").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[2]["tune"], &lines[2]["status"]), (3, &"runs/t".into(), &"finished".into()));
    assert!(lines[2]["report"]["verdict"]["text"].is_string());
    for listing in [ok(folder, "info runs"), ok(folder, "runs")] {
        let rows: Vec<&str> = listing.lines().collect();
        assert_eq!(rows.len(), 4, "{listing}");
        assert!(rows[0].contains("when (UTC)") && rows[3].contains("tune") && rows[3].ends_with("runs/t"), "{listing}");
        assert!(
            rows[1..].iter().all(|row| row.trim_start().starts_with("20") && row.contains("finished")),
            "{listing}"
        );
    }
    assert_eq!(ok(folder, "runs --json").lines().count(), 3);
    let page = ok(folder, "info runs/t");
    assert!(page.contains("verdict") && page.contains("recipe    data = \"digits\""), "{page}");

    ok(folder, "report runs/t");
    let html = read(folder, "runs/t/report.html");
    for expected in ["Does dropout help?", "What was tried", "runs/t/final", "id=\"curves-1\"", "id=\"plots-0\""] {
        assert!(html.contains(expected), "{expected}");
    }
    ok(folder, "report runs --out all.html");
    let html = read(folder, "all.html");
    assert!(html.contains("3 runs compared") && html.contains("runs/a") && html.contains("Does dropout help?"));

    // As a killed tune leaves it.
    for gone in ["tune.json", "error-by-p.svg", "error-by-p.png"] {
        fs::remove_file(folder.join("runs/t").join(gone)).unwrap();
    }
    let page = ok(folder, "info runs/t");
    assert!(page.contains("not finished") && page.contains("tune --resume runs/t"), "{page}");
    assert!(told(folder, "report runs/t --out t.html").contains("This tune is not finished"));
    assert!(fails(folder, "runs nowhere", 1).contains("nowhere: there is no such folder"));
}

/// Four IDX files of 4 × 4 pixels in two classes.
fn own_files(folder: &Path, first: u8) {
    fs::create_dir_all(folder).unwrap();
    for (part, count) in [("train", 24u8), ("t10k", 12)] {
        let images: Vec<u8> =
            (0..count).flat_map(|row| (0..16).map(move |place| first ^ (row * 37 + place * 11))).collect();
        let header = [0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 4, 0, 0, 0, 4];
        fs::write(folder.join(format!("{part}-images-idx3-ubyte")), [&header[..], &images].concat()).unwrap();
        let labels: Vec<u8> = (0..count).map(|row| row % 2).collect();
        fs::write(
            folder.join(format!("{part}-labels-idx1-ubyte")),
            [&[0, 0, 8, 1, 0, 0, 0, count][..], &labels].concat(),
        )
        .unwrap();
    }
}

fn data_that_cannot_be_had_are_left_out() {
    let folder = folder();
    let folder = folder.path();
    own_files(&folder.join("mine"), 0);
    own_files(&folder.join("others"), 255);
    ok(folder, "train --data idx --data-dir mine --hidden 4 --epochs 1 --quiet --out a");
    let said = told(folder, "report a");
    assert!(said.contains("What needs the data is left out.") && said.contains("--data-dir"), "{said}");
    let html = read(folder, "a/report.html");
    assert!(
        html.contains("id=\"curves-0\"")
            && !html.contains("id=\"classes-0\"")
            && html.contains("What needs the data is left out")
    );
    let said = told(folder, "report a --data-dir others");
    assert!(said.contains("This idx is not the data that the run was trained on"), "{said}");
    assert_eq!(told(folder, "report a --data-dir mine"), "");
    assert!(read(folder, "a/report.html").contains("id=\"classes-0\""));
    fails(folder, "report a --data-dir nowhere", 1);
}

fn every_plot_is_written_too() {
    let folder = folder();
    let folder = folder.path();
    ok(folder, &format!("{RUN} a --input-dropout 0.2"));
    ok(folder, "report a --out a.html --plots plots");
    let mut names: Vec<_> = fs::read_dir(folder.join("plots"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = ["confusion", "curves", "masks-0", "masks-1", "reliability", "risk-coverage", "weights"];
    assert_eq!(
        names,
        expected.iter().flat_map(|name| [format!("{name}.png"), format!("{name}.svg")]).collect::<Vec<_>>()
    );
    for name in expected {
        assert!(fs::read(folder.join(format!("plots/{name}.png"))).unwrap().starts_with(b"\x89PNG"));
        assert!(read(folder, &format!("plots/{name}.svg")).trim_end().ends_with("</svg>"));
    }
}

fn runs_are_compared() {
    let folder = folder();
    let folder = folder.path();
    for (name, flags) in [("a0", "--seed 0"), ("a1", "--seed 1"), ("b0", "--dropout 0"), ("b1", "--dropout 0 --seed 1")]
    {
        ok(folder, &format!("{RUN} {name} {flags}"));
    }
    let text = ok(folder, "compare a0 a1 b0 b1 --out c.html --plots plots");
    for expected in ["test accuracy", "dropout = [0.0]", "difference from dropout = [0.5]", "95 % interval", "c.html"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let html = read(folder, "c.html");
    assert!(html.contains("4 runs compared") && html.contains("id=\"overlay-0\"") && html.contains("id=\"paired-0\""));
    assert!(folder.join("plots/comparison.svg").is_file() && folder.join("plots/comparison.png").is_file());
    assert!(ok(folder, "compare a0 a1").contains("seed"));

    ok(folder, "report a0 b0 --plots pair");
    let html = read(folder, "report.html");
    assert!(
        html.contains("id=\"overlay-0\"") && html.contains("id=\"classes-1\"") && html.contains("id=\"classes-2\"")
    );
    assert!(folder.join("pair/a0-curves.svg").is_file() && folder.join("pair/comparison.png").is_file());

    fails(folder, "compare a0", 2);
    assert!(fails(folder, "compare a0 none", 1).contains("none: does not exist"));
    assert!(fails(folder, "compare a0 b0 a0/", 1).contains("is given twice"));
    fs::remove_file(folder.join("b1/manifest.json")).unwrap();
    assert!(ok(folder, "compare a0 a1 b0 b1").contains("not trained to the end, and so not in any mean: b1"));
}

fn a_study_is_shown() {
    let folder = folder();
    let folder = folder.path();
    fs::create_dir(folder.join("rate")).unwrap();
    fs::write(folder.join("rate/table.md"), "| p | error |\n|---|---:|\n| 0.5 | 1.25 ± 0.10 |\n").unwrap();
    fs::write(folder.join("rate/rate.svg"), "<svg viewBox=\"0 0 9 9\"><text x=\"1\">test error</text></svg>").unwrap();
    fs::write(folder.join("rate/study.toml"), "name = \"rate\"\n").unwrap();
    ok(folder, "report rate");
    let html = read(folder, "rate/report.html");
    assert!(html.contains("<td style=\"text-align: right\">1.25 ± 0.10</td>"));
    assert!(html.contains("test error</text>") && html.contains("name = &quot;rate&quot;"));

    // Its pictures are written as they are, and beside those of others by its name.
    fs::write(folder.join("rate/rate.png"), b"\x89PNG of the rate").unwrap();
    fs::write(folder.join("rate/bare.svg"), "<svg></svg>").unwrap();
    let said = ok(folder, "report rate --plots plots");
    assert!(said.contains("plots  2 pictures"), "{said}");
    let names = |folder: &Path| {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&folder.join("plots")), ["bare.svg", "rate.png", "rate.svg"]);
    for file in ["rate.png", "rate.svg", "bare.svg"] {
        assert_eq!(
            fs::read(folder.join("plots").join(file)).unwrap(),
            fs::read(folder.join("rate").join(file)).unwrap()
        );
    }
    ok(folder, &format!("{RUN} a"));
    ok(folder, "report a rate --plots both");
    let both = names(&folder.join("both"));
    assert!(both.contains(&"rate-rate.png".into()) && both.contains(&"a-curves.svg".into()), "{both:?}");
}

fn help_texts() {
    let folder = folder();
    insta::assert_snapshot!("help_report", ok(folder.path(), "report --help"));
    insta::assert_snapshot!("help_compare", ok(folder.path(), "compare --help"));
}

const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

fn browser() -> Option<&'static str> {
    BROWSERS.into_iter().find(|name| std::process::Command::new(name).arg("--version").output().is_ok())
}

fn without_browser() -> Option<String> {
    browser().is_none().then(|| format!("one of {}", BROWSERS.join(", ")))
}

fn a_browser_draws_the_curves() {
    let browser = browser().unwrap();
    let folder = folder();
    let folder = folder.path();
    ok(folder, &format!("{RUN} a"));
    ok(folder, "report a --out page.html");
    // A folder of its own, so that no browser of the tester's is asked to open it.
    let output = std::process::Command::new(browser)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            "--virtual-time-budget=3000",
        ])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .args(["--dump-dom", &format!("file://{}", folder.join("page.html").display())])
        .output()
        .unwrap();
    let (dom, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(dom.matches("<canvas").count(), 2, "{browser}: {log}");
    assert_eq!(dom.matches("class=\"key\" aria-pressed=\"true\"").count(), 4);
    assert!(dom.contains("epoch 2 (last)"));
    assert!(!log.contains("CONSOLE"), "{log}");
}
