//! The live page, as a browser asks for it, while real runs come, train, stop and go.

use crate::common::watching::Watching;
use crate::common::{fails, folder, http, model, ok};
use serde_json::Value;
use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;

furlough_harness::tests![
    a_run_shows_while_it_trains,
    the_units_that_are_off,
    folders_in_folders_torn_lines_and_damage,
    only_the_page_is_served_and_only_to_this_machine,
    #[cfg(unix)]
    ctrl_c_ends_it_though_somebody_listens,
    what_cannot_be_watched,
];

const RUN: &str = "train --data digits --hidden 64,32 --input-dropout 0.1 --quiet";

/// Names and bytes of all files below a folder.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect();
    files.sort_unstable();
    files
}

fn a_run_shows_while_it_trains() {
    let folder = folder();
    let folder = folder.path();
    let watching = Watching::start(folder, "");
    assert!(watching.said.contains("runs does not exist yet; its runs will show as they come"), "{}", watching.said);
    let mut page = watching.listen();
    page.until(|page| page.resets == 1);
    assert_eq!(page.runs, serde_json::json!({}));

    // It would go on for minutes, and is stopped when it has been seen.
    let mut endless = crate::common::Training::start(folder, "--hidden 512,256 --epochs 20000 --out runs/endless");
    page.until(|page| page.epochs("endless") > 2);
    if cfg!(target_os = "linux") {
        page.until(|page| page.state("endless") == Some("running"));
    }
    endless.stop();
    if cfg!(target_os = "linux") {
        page.until(|page| page.state("endless") == Some("stopped"));
    }

    let args = format!("{RUN} --epochs 5");
    ok(folder, &format!("{args} --out runs/a"));
    page.until(|page| page.state("a") == Some("finished") && page.epochs("a") == 5);

    // What is shown is what the run wrote, and watching it left no trace.
    let log = fs::read_to_string(folder.join("runs/a/metrics.jsonl")).unwrap();
    assert_eq!(page.runs["a"]["rows"], Value::from(crate::common::json_lines(&log)));
    assert_eq!(page.runs["a"]["examples"], 1437);
    assert_eq!(page.runs["a"]["step"], 5 * 45);
    assert_eq!(page.runs["a"]["recipe"]["hidden"], serde_json::json!([64, 32]));
    ok(folder, &format!("{args} --out unwatched"));
    assert_eq!(model(folder, "runs/a"), model(folder, "unwatched"));
    assert_eq!(files(&folder.join("runs/a")).len(), files(&folder.join("unwatched")).len());

    // Somebody who comes later is told the same, and a run that is taken away goes.
    let mut later = watching.listen();
    later.until(|page| page.resets == 1);
    assert_eq!(later.runs["a"], page.runs["a"]);
    fs::remove_dir_all(folder.join("runs/a")).unwrap();
    ok(folder, "train --finish runs/endless --quiet");
    page.until(|page| page.state("endless") == Some("cut short"));
    page.until(|page| page.state("a").is_none());
    later.until(|page| page.state("a").is_none());
}

fn the_units_that_are_off() {
    let folder = folder();
    ok(folder.path(), &format!("{RUN} --epochs 1 --out a"));
    let before = files(&folder.path().join("a"));
    let watching = Watching::start(folder.path(), "a");
    assert!(watching.said.contains("1 run in a"), "{}", watching.said);
    let mut page = watching.listen();
    page.until(|page| page.resets == 1);
    let id = &page.runs["a"]["id"];
    let (status, head, body) = http::get(&watching.address, &format!("/dropped/{id}"));
    assert!(status == 200 && head.contains("content-type: application/json"), "{head}");
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&told["step"], &told["of_step"]), (&44.into(), &true.into()));
    let layers = told["layers"].as_array().unwrap();
    let shapes: Vec<_> = layers.iter().map(|layer| (&layer["layer"], &layer["p"], &layer["units"])).collect();
    assert_eq!(
        shapes,
        [
            (&Value::from(0), &Value::from(0.1), &Value::from(64)),
            (&1.into(), &0.2.into(), &64.into()),
            (&2.into(), &0.5.into(), &32.into())
        ]
    );
    assert!(layers.iter().all(|layer| layer["off"].as_array().unwrap().len() == 16));
    assert_eq!(http::get(&watching.address, "/dropped/77").0, 404);
    assert_eq!(files(&folder.path().join("a")), before);
}

fn folders_in_folders_torn_lines_and_damage() {
    let folder = folder();
    let study = folder.path().join("study");
    ok(folder.path(), &format!("{RUN} --epochs 2 --out study/trials/one"));
    let line = fs::read_to_string(study.join("trials/one/metrics.jsonl")).unwrap().lines().next().unwrap().to_string();
    let recipe = fs::read_to_string(study.join("trials/one/recipe.toml")).unwrap();
    let make = |name: &str, recipe: &str, log: &str| {
        fs::create_dir_all(study.join(name)).unwrap();
        fs::write(study.join(name).join("metrics.jsonl"), log).unwrap();
        fs::write(study.join(name).join("recipe.toml"), recipe).unwrap();
    };
    make("torn", &recipe, &line[..30]);
    make("broken", "hidden = -1", "");
    make("mixed", &recipe, &format!("{line}\n{line}\n"));
    let watching = Watching::start(folder.path(), "study");
    assert!(watching.said.contains("4 runs in study"), "{}", watching.said);
    let mut page = watching.listen();
    page.until(|page| page.resets == 1);
    let state = |name: &str| page.state(name).unwrap();
    assert_eq!([state("trials/one"), state("torn")], ["finished", "stopped"]);
    assert_eq!([state("broken"), state("mixed")], ["unreadable", "unreadable"]);
    let manifest = study.join("trials/one/manifest.json");
    let whole = fs::read(&manifest).unwrap();
    fs::write(&manifest, &whole[..whole.len() / 2]).unwrap();
    page.until(|page| page.state("trials/one") == Some("unreadable"));
    assert!(page.runs["trials/one"]["problem"].as_str().unwrap().contains("manifest.json: is damaged"));
    fs::write(&manifest, whole).unwrap();
    page.until(|page| page.state("trials/one") == Some("finished"));
    assert!(page.runs["broken"]["problem"].as_str().unwrap().contains("hidden"));
    assert_eq!(page.runs["mixed"]["problem"], "line 2 of the log is damaged");
    assert_eq!([page.epochs("trials/one"), page.epochs("torn"), page.epochs("mixed")], [2, 0, 1]);

    let mut log = File::options().append(true).open(study.join("torn/metrics.jsonl")).unwrap();
    log.write_all(&line.as_bytes()[30..]).unwrap();
    log.write_all(b"\n{\"epoch\":2,").unwrap();
    page.until(|page| page.epochs("torn") == 1);
    assert_eq!(page.runs["torn"]["rows"][0], serde_json::from_str::<Value>(&line).unwrap());
}

fn only_the_page_is_served_and_only_to_this_machine() {
    let folder = folder();
    fs::write(folder.path().join("secret"), "secret").unwrap();
    let watching = Watching::start(folder.path(), ".");
    assert!(watching.address.starts_with("127.0.0.1:"), "{}", watching.said);
    assert!(watching.said.contains(". has no runs yet; they will show as they come"), "{}", watching.said);
    let get = |path: &str| http::get(&watching.address, path);

    let (status, head, page) = get("/");
    assert!(status == 200 && head.contains("content-type: text/html; charset=utf-8"), "{head}");
    // Everything that the page and its scripts name is there, and nothing of it is elsewhere.
    let mut asked = vec!["/icon.svg".to_string()];
    let mut texts = vec![page];
    while let Some(text) = texts.pop() {
        assert!(!text.contains(" style=\"") && !text.contains("innerHTML"), "the policy forbids it");
        for (start, _) in text.match_indices("\"/") {
            let path = text[start + 1..].split('"').next().unwrap();
            if path.contains('.') && !asked.contains(&path.to_string()) {
                let (status, head, body) = get(path);
                assert!(status == 200 && head.contains("charset=utf-8"), "{path}: {head}");
                asked.push(path.into());
                if !path.contains("uplot") {
                    assert!(!body.contains("http://") && !body.contains("https://"), "{path}");
                    texts.push(body);
                }
            }
        }
    }
    assert_eq!(asked.len(), 8, "{asked:?}");

    for path in ["/", "/main.js", "/nothing", "/events"] {
        let (_, head) = http::open(&watching.address, &format!("GET {path}"), "localhost:6060");
        let policy = "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src \
         'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        for header in [policy, "x-content-type-options: nosniff", "cache-control: no-", "referrer-policy: no-referrer"]
        {
            assert!(head.contains(header), "{path}: {head}");
        }
    }
    for path in ["/secret", "/../secret", "/%2e%2e/secret", "/dropped/../secret", "/dropped/..%2fsecret", "//secret"] {
        let (status, _, body) = get(path);
        assert!(
            (400..500).contains(&status) && !body.contains("secret\n") && body != "secret",
            "{path}: {status} {body}"
        );
    }
    assert_eq!(http::ask(&watching.address, "POST /", &watching.address).0, 405);

    // Another site's name that was made to point here.
    for path in ["/", "/events", "/dropped/1"] {
        let (status, _, body) = http::ask(&watching.address, &format!("GET {path}"), "evil.example:6060");
        assert!(status == 421 && body.contains("--host"), "{path}: {status} {body}");
    }
}

#[cfg(unix)]
fn ctrl_c_ends_it_though_somebody_listens() {
    let folder = folder();
    let watching = Watching::start(folder.path(), "");
    let mut page = watching.listen();
    page.until(|page| page.resets == 1);
    let began = std::time::Instant::now();
    assert_eq!(watching.interrupt(), (Some(0), String::new()));
    assert!(began.elapsed() < std::time::Duration::from_secs(5));
}

fn what_cannot_be_watched() {
    let folder = folder();
    fs::write(folder.path().join("file"), "").unwrap();
    let said = fails(folder.path(), "watch file", 1);
    assert_eq!(said, "error: file is a file; give the folder of a run, or a folder with runs in it\n");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let said = fails(folder.path(), &format!("watch --port {port}"), 1);
    let expected = format!(
        "error: port {port} of 127.0.0.1 is in use, by another `furlough watch` perhaps; \
         choose another with --port, or any free one with --port 0\n"
    );
    assert_eq!(said, expected);

    let said = fails(folder.path(), "watch --port 0 --host 203.0.113.7", 1);
    assert!(said.starts_with("error: cannot listen on 203.0.113.7 (") && said.contains("--host"), "{said}");
    let said = fails(folder.path(), "watch --port 70000", 2);
    assert!(said.contains("70000") && said.contains("--port"), "{said}");
}
