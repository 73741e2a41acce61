//! Pictures, pixel by pixel.

use super::*;
use crate::run::{NamedRun, Plot};
use furlough::nn::{Dropout, DropoutKind, Layer, MaskKey, MaskSharing, Sequential};
use furlough::random::Stream;
use std::num::NonZero;

/// The bytes of an image as they are stored: places in its table of colors, or values.
fn pixels(image: &Pixels) -> Vec<u8> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(&image.png));
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut bytes).unwrap();
    assert_eq!((frame.width as usize, frame.height as usize), (image.width, image.height));
    bytes
}

fn dataset(shape: &[usize], rows: Array2<f32>) -> Dataset {
    let names = vec!["a".into(), "b".into()];
    let labels = vec![0; rows.nrows()];
    Dataset::new(Features::Floats(rows), Targets::Classes { labels, names }, shape).unwrap()
}

#[test]
fn examples_are_shown_as_they_are() {
    let data = data(["a", "b"]);
    let image = Pixels::of_example(&data, 3).unwrap().unwrap();
    assert_eq!((image.width, image.height), (4, 6));
    assert_eq!(pixels(&image), (0..24).map(|pixel| (33 + 7 * pixel) as u8).collect::<Vec<_>>());

    // Numbers from the least to the largest; colors side by side or one after another.
    let ramp = |features: usize| Array2::from_shape_fn((1, features), |(_, place)| place as f32);
    let gray = Pixels::of_example(&dataset(&[2, 3], ramp(6)), 0).unwrap().unwrap();
    assert_eq!(pixels(&gray), [0, 51, 102, 153, 204, 255]);
    let beside = Pixels::of_example(&dataset(&[2, 2, 3], ramp(12)), 0).unwrap().unwrap();
    let planes = Pixels::of_example(&dataset(&[3, 2, 2], ramp(12)), 0).unwrap().unwrap();
    assert_eq!(pixels(&beside)[..4], [0, 23, 46, 70]);
    assert_eq!(pixels(&planes)[..4], [0, 93, 185, 23]);
    let flat = Pixels::of_example(&dataset(&[2, 3], Array2::from_elem((1, 6), 4.0)), 0).unwrap().unwrap();
    assert_eq!(pixels(&flat), [0; 6]);
    for shape in [&[6][..], &[1, 6], &[6, 1], &[2, 3, 1, 1]] {
        assert_eq!(Pixels::of_example(&dataset(shape, ramp(6)), 0).unwrap(), None, "{shape:?}");
    }
}

#[test]
fn masks_are_those_of_the_definition() {
    let rows = |rows| MaskSharing::Rows(NonZero::new(rows).unwrap());
    for (sharing, owner) in [
        (MaskSharing::PerExample, (|row| 2 * row + 5) as fn(u32) -> u32),
        (rows(4), |row| row / 4),
        (MaskSharing::Batch, |_| 0),
    ] {
        let network = Sequential::new([Layer::Linear(4, 200), Layer::Relu, Layer::Dropout(0.3), Layer::Linear(200, 2)]);
        let places = MaskPlace::all(&network.with_sharing(sharing).validate().unwrap(), 1.0);
        assert_eq!(places.len(), 1);
        assert_eq!((places[0].after.as_str(), places[0].layer, places[0].units), ("hidden layer 1", 1, 200));
        let site = MaskKey { key: Key::new(77), stream: Stream::Dropout, step: 0, layer: 1 };
        let dropout = Dropout::new(0.3).unwrap();
        let batch: Vec<u32> = (0..20).map(|row| 2 * row + 5).collect();
        let expected: Vec<u8> = (0..16)
            .flat_map(|row| (0..128).map(move |unit| 63 * u8::from(dropout.keeps(&site, owner(row), unit))))
            .collect();
        assert!(pixels(&places[0].picture(77, &batch, 1).unwrap()) == expected, "{sharing}");
        let large = places[0].picture(77, &batch, 3).unwrap();
        assert_eq!((large.width, large.height), (384, 48));
        assert_eq!(pixels(&large)[384 * 5 + 7], expected[128 + 2]);
    }
    let first = first_batch(&recipe("data = 'digits'\nbatch_size = 3"), 8);
    assert_eq!(first, [3, 5, 0], "the known answer of the order of an epoch");
    assert!(MaskPlace::all(&Sequential::new([Layer::Linear(4, 2)]).validate().unwrap(), 1.0).is_empty());
}

#[test]
fn other_noise_and_schedules_are_drawn_as_they_are() {
    let dropout = Dropout::of(DropoutKind::Gaussian, 0.5, MaskSharing::PerExample).unwrap();
    let place = MaskPlace { after: "hidden layer 1".into(), layer: 1, units: 64, dropout };
    let site = MaskKey { key: Key::new(5), stream: Stream::Dropout, step: 0, layer: 1 };
    let shown = pixels(&place.picture(5, &[3], 1).unwrap());
    for (unit, step) in shown.into_iter().enumerate() {
        let factor = dropout.factor(&site, 3, unit as u32);
        assert_eq!(step, (31.5 * factor).round().clamp(0.0, 63.0) as u8, "unit {unit}: {factor}");
    }
    let network = Sequential::new([Layer::Linear(4, 8), Layer::Relu, Layer::Dropout(0.5), Layer::Linear(8, 2)]);
    let network = network.validate().unwrap();
    assert_eq!(MaskPlace::all(&network, 0.5)[0].dropout.p(), 0.25);
    assert!(MaskPlace::all(&network, 0.0).is_empty());
}

#[test]
fn weights_are_drawn_where_examples_are_images() {
    let answers = report("a", ["x", "y"]).answers.unwrap();
    let weights = answers.weights.unwrap();
    assert_eq!(weights.drawn.units, [0, 1, 2, 3, 4]);
    assert!(weights.pixels.png.starts_with(b"\x89PNG"));
    assert!(weights.pixels.svg(2).contains(&format!("width=\"{}\"", 2 * weights.pixels.width)));
    let flat = dataset(&[24], Array2::zeros((2, 24)));
    let mlp = report("a", ["x", "y"]).model.unwrap().mlp;
    assert_eq!(Answers::of(&mut Predictor::new(mlp, 1), EvalData::test(&flat), None).unwrap().weights, None);
}

#[test]
fn every_plot_is_drawn_on_both_surfaces() {
    let run = report("a <b>", ["cat & dog", "x"]);
    let answers = run.answers.as_ref().unwrap();
    let names: Vec<String> = (0..80).map(|class| format!("class {class}")).collect();
    let counts = Array2::<u64>::from_diag_elem(80, 3);
    let runs: Vec<_> = (0..9).map(|_| NamedRun { name: "a <b>", records: &run.records }).collect();
    let shorter = [NamedRun { name: "none", records: &[] }, NamedRun { name: "two", records: &run.records[..2] }];
    let plots = [
        Plot::Overlay(&runs),
        Plot::Overlay(&shorter),
        Plot::Reliability(answers.calibration.as_ref().unwrap()),
        Plot::RiskCoverage(answers.risk_coverage.as_ref().unwrap()),
        Plot::Confusion { names: &answers.names, counts: answers.evaluation.confusion.as_ref().unwrap() },
        Plot::Confusion { names: &names, counts: &counts },
    ];
    for plot in plots {
        let svg = plot.svg().unwrap();
        assert!(svg.trim_end().ends_with("</svg>") && !svg.contains("NaN") && !svg.contains("<b>"));
        assert!(plot.png().unwrap().starts_with(b"\x89PNG"));
        assert_eq!(plot.svg().unwrap(), svg);
    }
    assert!(Plot::Overlay(&shorter[..1]).svg().unwrap_err().to_string().contains("no finished epoch"));
}
