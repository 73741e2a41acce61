//! The page as a browser and a screen reader find it.

use super::*;
use crate::report::embed;
use base64::Engine;
use sha2::{Digest, Sha256};

#[test]
fn it_loads_nothing() {
    let html = everything("runs/a", ["cat", "dog"]);
    let body = html.replace(&embed::script(), "").replace(&embed::style(), "");
    for attribute in ["src=\"", "href=\""] {
        for part in body.split(attribute).skip(1) {
            assert!(part.starts_with("data:") || part.starts_with('#'), "{attribute}{}", &part[..40]);
        }
    }
    assert!(!embed::style().contains("url(") && !embed::style().contains("@import"));
    for call in ["fetch(", "XMLHttpRequest", "import(", "WebSocket", "sendBeacon"] {
        assert!(!embed::script().contains(call), "{call}");
    }
    // The one script that may run is the one that is there.
    let start = html.rfind("<script>").unwrap() + "<script>".len();
    let script = &html[start..html.rfind("</script>").unwrap()];
    assert_eq!(script, embed::script());
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(script.as_bytes()));
    assert!(html.contains(&format!("script-src 'sha256-{hash}'")));
    assert!(!embed::script().contains("</script") && !embed::style().contains("</style"));
    assert!(html.contains("Copyright (c) 2022 Leon Sorokin"));
}

#[test]
fn it_can_be_read_aloud() {
    let html = everything("runs/a", ["cat", "dog"]);
    let count = |text: &str| html.matches(text).count();
    assert!(html.contains("<html lang=\"en\">"));
    assert_eq!((count("<h1>"), count("<main"), count("<nav"), count("<header"), count("<footer")), (1, 1, 1, 1, 1));
    let ours = html.split("<table").skip(1).filter(|table| !table.contains("1.25"));
    assert!(ours.clone().count() > 8 && ours.into_iter().all(|table| table.contains("<caption>")));
    assert!(html.split("<img").skip(1).all(|image| image[..image.find('>').unwrap()].contains(" alt=\"")));
    assert!(html.split("<svg").skip(1).all(|svg| svg.starts_with(" role=\"img\"") && svg.contains("aria-label=\"")));
    assert!(html.split("<section").skip(1).all(|section| section[..section.find('>').unwrap()].contains("aria-label")));
    // What scrolls can be reached without a mouse.
    assert!(
        html.split("class=\"scroll\"")
            .skip(1)
            .all(|part| part.starts_with(" tabindex=\"0\" role=\"region\" aria-label="))
    );
    let mut ids: Vec<&str> = html.split(" id=\"").skip(1).map(|part| &part[..part.find('"').unwrap()]).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    for link in html.split("href=\"#").skip(1).map(|part| &part[..part.find('"').unwrap()]) {
        assert!(ids.contains(&link), "{link}");
    }
}

#[test]
fn it_has_the_figures() {
    let run = report("runs/a", ["cat", "dog"]);
    let html = page(&[Part::Run(&run)]).unwrap();
    let answers = run.answers.as_ref().unwrap();
    let accuracy = answers.evaluation.accuracy.unwrap();
    assert!(html.contains(&format!("{:.2}\u{202f}%", 100.0 * accuracy)));
    assert!(html.contains(&format!("{:.4}", answers.evaluation.loss)));
    assert!(html.contains("24–5–2 network") && html.contains("seed = 9") && html.contains("finished"));
    assert!(html.contains(&run.manifest.as_ref().unwrap().data_fingerprint));
    assert_eq!(html.matches("<li><img").count(), answers.mistakes.len());
    assert!(!answers.mistakes.is_empty());
    assert!(html.len() < 250_000, "{} bytes", html.len());
    assert!(is_report(html.as_bytes()));
    assert_eq!(html, page(&[Part::Run(&run)]).unwrap());
}

#[test]
fn what_is_missing_is_left_out() {
    let whole = report("runs/a", ["cat", "dog"]);
    let begun = RunReport {
        manifest: None,
        model: None,
        answers: None,
        first_batch: vec![],
        records: vec![],
        commands: "go on so".into(),
        ..whole.clone()
    };
    let html = page(&[Part::Run(&begun)]).unwrap();
    assert!(html.contains("unfinished") && html.contains("0 of 3 epochs") && html.contains("go on so"));
    for id in ["curves-0", "classes-0", "weights-0", "masks-0"] {
        assert!(!html.contains(id), "{id}");
    }
    let html = page(&[Part::Run(&RunReport { answers: None, ..whole.clone() })]).unwrap();
    assert!(html.contains("id=\"masks-0\"") && !html.contains("weights-0") && !html.contains("mistakes-0"));
    let html = page(&[Part::Run(&RunReport { first_batch: vec![], ..whole.clone() })]).unwrap();
    assert!(!html.contains("masks-0"));
    // Examples that are no images have no pictures, and their features are told.
    let mut flat = whole;
    flat.answers.as_mut().unwrap().weights = None;
    flat.answers.as_mut().unwrap().mistakes[0].view = ExampleView::Row(vec![0.5, -1.0], 24);
    let html = page(&[Part::Run(&flat)]).unwrap();
    assert!(!html.contains("weights-0") && html.contains("0.500 -1.000 … (24 features)"));
}

#[test]
fn many_classes_have_no_matrix() {
    let mut run = report("runs/a", ["cat", "dog"]);
    let answers = run.answers.as_mut().unwrap();
    answers.names = (0..40).map(|class| format!("class {class}")).collect();
    let mut counts = Array2::<u64>::from_diag_elem(40, 7);
    counts[[3, 8]] = 5;
    answers.evaluation.confusion = Some(counts);
    let html = page(&[Part::Run(&run)]).unwrap();
    assert!(!html.contains("Confusion matrix") && html.contains("class 3 for class 8 (5)"));
}
