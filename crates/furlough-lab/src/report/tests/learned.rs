//! What concrete dropout learned, on the page.

use super::*;
use furlough::train::LearnedDropout;

/// A run with concrete dropout after its second layer, that an older furlough began.
fn learning(layers: &[usize]) -> RunReport {
    let mut report = report("runs/a", ["cat", "dog"]);
    for record in report.records.iter_mut().skip(1) {
        let p = 0.5 / f64::from(record.summary.epoch);
        record.summary.learned_dropout = layers.iter().map(|&layer| LearnedDropout { layer, p }).collect();
    }
    report
}

#[test]
fn learned_probabilities_have_a_chart_and_a_table() {
    let report = learning(&[2]);
    let html = page(&[Part::Run(&report)]).unwrap();
    let section = html.split("id=\"learned-0\"").nth(1).unwrap().split("</section>").next().unwrap();
    assert!(section.contains("after hidden layer 2") && section.contains("0.2500"), "{section}");
    assert!(section.contains("\"values\":[null,0.25,"), "{section}");
    let chart = report.learned_dropout().unwrap();
    let crate::run::Panel::Lines { lines, .. } = &chart.panels[0] else { panic!("lines") };
    assert_eq!(
        lines.iter().map(|line| (line.name.as_str(), line.points[0].x)).collect::<Vec<_>>(),
        [("after hidden layer 2", 2.0)]
    );
}

#[test]
fn other_runs_have_no_such_chapter() {
    let html = page(&[Part::Run(&learning(&[]))]).unwrap();
    assert!(!html.contains("learned-0") && !html.contains("drop probabilities"), "nothing was learned");
}
