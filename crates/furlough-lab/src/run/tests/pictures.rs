//! Learning curves of every kind of run.

use super::*;
use std::time::{Duration, Instant};

fn curves(epochs: u32) -> Vec<EpochRecord> {
    (1..=epochs).map(record).collect()
}

fn pixels(png: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut buffer = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut buffer).unwrap();
    (frame.width, frame.height, buffer)
}

#[test]
fn the_same_records_give_the_same_pictures() {
    let records = curves(10);
    let svg = curves_svg("a <title>", EvalSplit::Test, &records, None).unwrap();
    assert_eq!(svg, curves_svg("a <title>", EvalSplit::Test, &records, None).unwrap());
    assert!(svg.starts_with("<svg width=\"900\" height=\"400\" viewBox=\"0 0 3600 1600\""), "{}", &svg[..100]);
    assert!(svg.trim_end().ends_with("</svg>"));
    for text in ["a &lt;title&gt;", "loss", "accuracy", "epoch", "train, dropout on", "test, full network", "0.970"] {
        assert!(svg.contains(text), "{text}");
    }
    let png = curves_png("a <title>", EvalSplit::Test, &records, None).unwrap();
    assert_eq!(png, curves_png("a <title>", EvalSplit::Test, &records, None).unwrap());
    let (width, height, pixels) = pixels(&png);
    assert_eq!((width, height), (1800, 800));
    // Both curves' colors are there, and most of the rest is white.
    for color in [[0, 114, 178], [213, 94, 0]] {
        assert!(pixels.chunks_exact(3).filter(|&pixel| pixel == color).count() > 1000, "{color:?}");
    }
    assert!(pixels.iter().filter(|&&value| value == 255).count() > pixels.len() * 8 / 10);
}

#[test]
fn every_kind_of_run_can_be_drawn() {
    let strip = |record: EpochRecord, test: bool, accuracy: bool| {
        let mut record = record;
        record.summary.eval = record.summary.eval.filter(|_| test);
        record.summary.eval.iter_mut().for_each(|eval| eval.accuracy = eval.accuracy.filter(|_| accuracy));
        record.summary.train_accuracy = record.summary.train_accuracy.filter(|_| accuracy);
        record
    };
    for epochs in [1, 2, 1000] {
        for (test, accuracy) in [(true, true), (false, true), (true, false), (false, false)] {
            let records: Vec<_> = curves(epochs).into_iter().map(|record| strip(record, test, accuracy)).collect();
            let svg = curves_svg("run", EvalSplit::Test, &records, None).unwrap();
            assert_eq!(svg.contains("accuracy"), accuracy);
            assert_eq!(svg.contains("test, full network"), test);
            assert!(svg.matches("<polyline").count() >= usize::from(epochs > 1));
        }
    }
    let mut wild = curves(5);
    wild[1].summary.eval.as_mut().unwrap().loss = f64::NAN;
    wild[2].summary.eval.as_mut().unwrap().loss = f64::INFINITY;
    wild[3].summary.train_loss = 1e300;
    wild[4].summary.train_loss = 0.0;
    assert!(!curves_svg("run", EvalSplit::Test, &wild, None).unwrap().contains("NaN"));
    curves_png("run", EvalSplit::Test, &wild, None).unwrap();
    assert!(curves_svg("run", EvalSplit::Test, &[], None).unwrap_err().to_string().contains("no finished epoch"));
}

#[test]
fn many_runs_share_a_legend_in_place_of_end_labels() {
    let records = curves(3);
    let draw = |count: usize| {
        let names: Vec<String> = (0..count).map(|place| format!("run-{place}")).collect();
        let runs: Vec<NamedRun<'_>> = names.iter().map(|name| NamedRun { name, records: &records }).collect();
        Plot::Overlay(&runs).svg().unwrap()
    };
    let labels = |svg: &str| svg.matches("0.367").count();
    assert!(labels(&draw(3)) >= 3, "a few runs have their last figures at their ends");
    let many = draw(60);
    assert_eq!(labels(&many), 0);
    assert!(many.contains("run-39") && !many.contains("run-40") && many.contains("and 20 more"));
}

/// Four times the runs take about four times as long. Cubic work, as there once was, takes 64 times
/// as long; the bound lies between. A busy machine disturbs any one measurement, so the shortest
/// times count, of as many rounds as it takes.
#[test]
fn drawing_many_runs_takes_little_more_than_in_proportion() {
    let records = curves(2);
    let names: Vec<String> = (0..1600).map(|place| format!("run-{place}")).collect();
    let runs: Vec<NamedRun<'_>> = names.iter().map(|name| NamedRun { name, records: &records }).collect();
    let time = |count: usize| {
        let begun = Instant::now();
        Plot::Overlay(&runs[..count]).svg().unwrap();
        begun.elapsed()
    };
    let mut best = [Duration::MAX; 2];
    for _ in 0..30 {
        best = [best[0].min(time(400)), best[1].min(time(1600))];
        if best[1] < best[0] * 14 {
            return;
        }
    }
    panic!("400 runs: {:?}, 1600 runs: {:?}", best[0], best[1]);
}

#[test]
fn a_picture_is_read_back() {
    let rgb: Vec<u8> = (0..3 * 5 * 2).map(|byte| 8 * byte).collect();
    let picture = furlough::predict::Picture { width: 5, height: 2, rgb };
    let png = picture_png(&picture).unwrap();
    assert_eq!(pixels(&png), (5, 2, picture.rgb.clone()));
    assert_eq!(png, picture_png(&picture).unwrap());
    for (width, height) in [(0, 0), (5, 3), (1 << 40, 1)] {
        let wrong = furlough::predict::Picture { width, height, rgb: picture.rgb.clone() };
        let said = picture_png(&wrong).unwrap_err().to_string();
        assert!(said.starts_with("data picture: "), "{said}");
    }
}
