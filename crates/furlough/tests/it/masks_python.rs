//! The masks, epoch orders and initial weights against a second implementation: `scripts/masks.py`,
//! written from `docs/reference/masks.md` alone. Its answers are committed; with python3 and numpy
//! at hand the script is also run afresh.
//!
//! `FURLOUGH_PYTHON` names another interpreter than `python3`. With `FURLOUGH_REQUIRE_PYTHON=1` a
//! missing numpy is a failure; without it the fresh runs are skipped.

use furlough::data::epoch_order;
use furlough::nn::{Dropout, DropoutKind, Init, MaskKey, MaskSharing};
use furlough::random::{Key, Stream, normal, philox4x32};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

furlough_harness::tests![
    the_committed_answers,
    the_committed_answers_tell_wrong_masks,
    the_page_shows_these_numbers unless outside_the_repository(),
    a_fresh_run_of_the_script unless without_numpy(),
    the_script_asked_other_questions unless without_numpy(),
];

const FIXTURE: &str = include_str!("../fixtures/masks.json");
const PAGE_PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/masks.md");
static PAGE: LazyLock<String> = LazyLock::new(|| std::fs::read_to_string(PAGE_PATH).expect("the page of the masks"));
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/masks.py");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn number(question: &Value, name: &str) -> u64 {
    question[name].as_u64().unwrap_or_else(|| panic!("{name} of {question}"))
}

fn stream(number: u64) -> Stream {
    match number {
        2 => Stream::Dropout,
        3 => Stream::MonteCarlo,
        4 => Stream::DropConnect,
        6 => Stream::DropConnectMonteCarlo,
        other => panic!("stream {other} has no masks"),
    }
}

/// Whether a unit is kept: what the definition says, or a broken variant of it.
type Keeps = dyn Fn(Dropout, &MaskKey, u32, u32) -> bool;

fn definition(dropout: Dropout, site: &MaskKey, example: u32, unit: u32) -> bool {
    dropout.keeps(site, example, unit)
}

fn mask_answer(question: &Value, keeps: &Keeps) -> Value {
    let p = question["p"].as_f64().unwrap();
    let dropout = match question.get("sharing") {
        None => Dropout::new(p).unwrap(),
        Some(sharing) => Dropout::shared(p, MaskSharing::deserialize(sharing).unwrap()).unwrap(),
    };
    let site = MaskKey {
        key: Key::new(number(question, "seed")),
        stream: stream(number(question, "stream")),
        step: number(question, "step") as u32,
        layer: number(question, "layer") as u32,
    };
    let first = number(question, "first_unit") as u32;
    let units = number(question, "units") as u32;
    let mut packed = Vec::new();
    let mut count = 0;
    let mut kept = 0;
    for (row, example) in question["examples"].as_array().unwrap().iter().enumerate() {
        let place = question.get("places").map_or(row as u64, |places| places[row].as_u64().unwrap());
        let owner = dropout.mask_id(&site, place as u32, example.as_u64().unwrap() as u32);
        for unit in 0..units {
            if count % 8 == 0 {
                packed.push(0);
            }
            let keep = keeps(dropout, &site, owner, first + unit);
            packed[count / 8] |= u8::from(keep) << (count % 8);
            count += 1;
            kept += u32::from(keep);
        }
    }
    let mut answer = question.clone();
    answer["threshold"] = json!(dropout.threshold());
    answer["scale"] = json!(format!("{:08x}", dropout.scale().to_bits()));
    answer["kept"] = json!(kept);
    if count <= 256 {
        answer["bits"] = json!(hex(&packed));
    } else {
        answer["sha256"] = json!(hex(&Sha256::digest(&packed)));
    }
    answer
}

/// What other kinds of noise make of a value, and what its derivative is multiplied by.
fn noise_answer(question: &Value) -> Value {
    let kind = question["noise"].as_str().unwrap().parse().unwrap();
    let dropout = Dropout::of(kind, question["p"].as_f64().unwrap(), MaskSharing::PerExample).unwrap();
    let x = question["x"].as_f64().unwrap() as f32;
    let site = MaskKey {
        key: Key::new(number(question, "seed")),
        stream: stream(number(question, "stream")),
        step: number(question, "step") as u32,
        layer: number(question, "layer") as u32,
    };
    let (first, units) = (number(question, "first_unit") as u32, number(question, "units") as u32);
    let examples = question["examples"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32);
    let (values, slopes): (Vec<f32>, Vec<f32>) = examples
        .flat_map(|id| (first..first + units).map(move |unit| (id, unit)))
        .map(|(id, unit)| (dropout.value(x, &site, id, unit), dropout.factor(&site, id, unit)))
        .unzip();
    let mut answer = question.clone();
    for (name, numbers) in [("values", values), ("slopes", slopes)] {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        let short = numbers.iter().map(|number| format!("{:08x}", number.to_bits())).collect::<Vec<_>>().join(" ");
        answer[name] = if numbers.len() <= 16 { json!(short) } else { json!(hex(&Sha256::digest(&bytes))) };
    }
    answer
}

fn order_answer(question: &Value) -> Value {
    let mut order = vec![0; number(question, "examples") as usize];
    epoch_order(Key::new(number(question, "seed")), number(question, "epoch") as u32, &mut order);
    let bytes: Vec<u8> = order.iter().flat_map(|id| id.to_le_bytes()).collect();
    let mut answer = question.clone();
    answer["first"] = json!(&order[..order.len().min(8)]);
    answer["sha256"] = json!(hex(&Sha256::digest(&bytes)));
    answer
}

/// The greatest distance, in units in the last place, of the weights from those of `known`.
fn init_ulps(known: &Value) -> i64 {
    let (inputs, outputs) = (number(known, "inputs") as usize, number(known, "outputs") as usize);
    let init: Init = known["init"].as_str().unwrap().parse().unwrap();
    let mut weights = vec![0.0f32; inputs * outputs];
    let key = Key::new(number(known, "seed"));
    init.fill(key, number(known, "layer") as u32, inputs, outputs, &mut weights);
    let known: Vec<u32> =
        known["weights"].as_str().unwrap().split(' ').map(|w| u32::from_str_radix(w, 16).unwrap()).collect();
    assert_eq!(known.len(), weights.len());
    let place = |bits: u32| if bits >> 31 == 0 { i64::from(bits) } else { (1i64 << 31) - i64::from(bits) };
    weights.iter().zip(known).map(|(w, k)| (place(w.to_bits()) - place(k)).abs()).max().unwrap_or(0)
}

/// How many answers of each kind were compared: masks, orders, weights, other noise.
fn compare(text: &str) -> [usize; 4] {
    let known: Value = serde_json::from_str(text).unwrap();
    assert_eq!(known["version"], 1);
    let mut seen = [0; 4];
    for answer in known["answers"].as_array().unwrap() {
        match answer["kind"].as_str().unwrap() {
            "mask" => {
                assert_eq!(&mask_answer(answer, &definition), answer, "Rust on the left, Python on the right");
                seen[0] += 1;
            }
            "order" => {
                assert_eq!(&order_answer(answer), answer, "Rust on the left, Python on the right");
                seen[1] += 1;
            }
            "init" => {
                // Uniforms use exact operations only. Normals go through log, sin and cos, whose
                // last bit differs between libraries, so that rarely a rounding to f32 falls the
                // other way.
                let uniform = ["xavier", "uniform"].iter().any(|n| answer["init"].as_str().unwrap().starts_with(n));
                assert!(init_ulps(answer) <= i64::from(!uniform), "{} units off: {answer}", init_ulps(answer));
                seen[2] += 1;
            }
            "noise" => {
                assert_eq!(&noise_answer(answer), answer, "Rust on the left, Python on the right");
                seen[3] += 1;
            }
            other => panic!("kind {other}"),
        }
    }
    seen
}

fn the_committed_answers() {
    let [masks, orders, weights, noise] = compare(FIXTURE);
    assert!(masks >= 100 && orders >= 7 && weights >= 15, "{masks} masks, {orders} orders, {weights} weights");
    assert!(noise >= 8, "{noise} of other noise");
}

/// Implementations that are wrong in one respect, each as random as the right one, must not pass.
fn the_committed_answers_tell_wrong_masks() {
    type Words = fn(&MaskKey, u32, u32) -> u32;
    fn draw(site: &MaskKey, c0: u32, c1: u32, c2: u32) -> [u32; 4] {
        site.key.draw(site.stream, site.layer, c0, c1, c2)
    }
    fn plain(unit: u32) -> (u32, usize) {
        (16 * (unit / 64) + unit % 16, (unit / 16 % 4) as usize)
    }
    let words: [(&str, Words); 7] = [
        ("halves of the word swapped", |s, e, u| s.word(e, u).rotate_left(16)),
        ("unit % 4 as the output word", |s, e, u| draw(s, u / 4, e, s.step)[(u % 4) as usize]),
        ("one counter a unit", |s, e, u| draw(s, u, e, s.step)[0]),
        ("example and step swapped", |s, e, u| draw(s, plain(u).0, s.step, e)[plain(u).1]),
        ("stream and layer swapped", |s, e, u| {
            let site = s.layer << 8 | s.stream as u32;
            philox4x32([plain(u).0, e, s.step, site], s.key.words())[plain(u).1]
        }),
        ("key words swapped", |s, e, u| {
            let [low, high] = s.key.words();
            let counter = [plain(u).0, e, s.step, Key::site(s.stream, s.layer)];
            philox4x32(counter, [high, low])[plain(u).1]
        }),
        ("example cut to 16 bits", |s, e, u| s.word(e & 0xFFFF, u)),
    ];
    let mut wrong: Vec<(&str, Box<Keeps>)> = Vec::new();
    for (name, word) in words {
        wrong.push((name, Box::new(move |d, s, e, u| u64::from(word(s, e, u)) >= d.threshold())));
    }
    wrong.push(("dropped at the threshold too", Box::new(|d, s, e, u| u64::from(s.word(e, u)) > d.threshold())));
    wrong.push(("kept below", Box::new(|d, s, e, u| u64::from(s.word(e, u)) < d.threshold())));
    let known: Value = serde_json::from_str(FIXTURE).unwrap();
    let masks: Vec<_> = known["answers"].as_array().unwrap().iter().filter(|a| a["kind"] == "mask").collect();
    for (name, keeps) in wrong {
        assert!(masks.iter().any(|a| mask_answer(a, &keeps) != **a), "the fixture does not notice: {name}");
    }
}

/// The worked numbers of the page, made again here.
fn the_page_shows_these_numbers() {
    for (seed, stream, step, layer, example, p, units) in [
        (1, Stream::Dropout, 0, 1, 0, 0.5, 0..8u32),
        (0x9E37_79B9_7F4A_7C15, Stream::MonteCarlo, 41, 2, 59_999, 0.2, 62..68),
    ] {
        let site = MaskKey { key: Key::new(seed), stream, step, layer };
        let dropout = Dropout::new(p).unwrap();
        let name = if stream == Stream::Dropout { "dropout" } else { "monte-carlo" };
        let [low, high] = site.key.words();
        let mut lines = vec![
            format!("seed {seed}, {name}, step {step}, layer {layer}, example {example}, p {p:?}"),
            format!("key {low:08x} {high:08x}, threshold {}, scale {:?}", dropout.threshold(), dropout.scale()),
        ];
        for unit in units {
            let c0 = 16 * (unit / 64) + unit % 16;
            let words = site.key.draw(stream, layer, c0, example, step).map(|w| format!("{w:08x}")).join(" ");
            let c3 = Key::site(stream, layer);
            let kept = if dropout.keeps(&site, example, unit) { "kept" } else { "dropped" };
            let one = ndarray::Array2::from_shape_fn((1, unit as usize + 1), |_| 1.0);
            let y = dropout.forward(one.view(), &[example], &site)[[0, unit as usize]];
            let word = site.word(example, unit);
            lines.push(format!(
                "unit {unit:>3}: {c0:08x} {example:08x} {step:08x} {c3:08x} -> {words}, word {} = {word:>10}, {kept}, \
                 1 -> {y:?}",
                unit / 16 % 4
            ));
        }
        for line in lines {
            assert!(PAGE.contains(&line), "docs/reference/masks.md lacks the line\n{line}");
        }
    }
    let site = MaskKey { key: Key::new(1), stream: Stream::Dropout, step: 3, layer: 1 };
    let shared = Dropout::shared(0.5, MaskSharing::rows(64).unwrap()).unwrap();
    let group = shared.mask_id(&site, 200, 41);
    for unit in 0..4 {
        let words = site.key.draw(site.stream, 1, unit, group, 3).map(|w| format!("{w:08x}")).join(" ");
        let kept = if shared.keeps(&site, group, unit) { "kept, 1 -> 2.0" } else { "dropped, 1 -> 0.0" };
        let line = format!(
            "unit {unit:>3}: {unit:08x} {group:08x} 00000003 02000001 -> {words}, word 0 = {:>10}, {kept}",
            site.word(group, unit)
        );
        assert!(PAGE.contains(&line), "docs/reference/masks.md lacks the line\n{line}");
    }
    for word in [0, 1, 0x1000_0000, 0x1333_3333, 0x1333_3334, 0x4000_0000, 0x7FFF_FFFF, 1 << 31, 0xC000_0000, u32::MAX]
    {
        let z = normal(word);
        let (begin, end) = (format!("| `{word:08x}` | "), format!(" | `{:08x}` |", z.to_bits()));
        let shown = PAGE.lines().filter_map(|line| line.strip_prefix(&begin)?.strip_suffix(&end));
        assert!(shown.map(|z| z.parse::<f32>().unwrap()).eq([z]), "docs/reference/masks.md lacks {begin}{z}{end}");
    }
    let site = MaskKey { key: Key::new(1), stream: Stream::Dropout, step: 0, layer: 1 };
    for kind in DropoutKind::OF_UNITS.into_iter().filter(|kind| !kind.is_bernoulli()) {
        let dropout = Dropout::of(kind, 0.5, MaskSharing::PerExample).unwrap();
        for unit in 0..4 {
            let (word, y, slope) =
                (site.word(0, unit), dropout.value(1.0, &site, 0, unit), dropout.factor(&site, 0, unit));
            let line =
                format!("unit {unit:>3}: word {word:>10}, normal {:?}, 1 -> {y:?}, slope {slope:?}", normal(word));
            assert!(PAGE.contains(&line), "docs/reference/masks.md lacks the line\n{line}");
        }
    }
    let mut order = [0; 8];
    epoch_order(Key::new(0), 0, &mut order);
    let order = order.map(|id| id.to_string()).join(" ");
    assert!(PAGE.contains(&order), "docs/reference/masks.md lacks the order {order}");
    for (init, seed, layer, inputs, outputs) in
        [(Init::Normal(0.01), 0, 0, 1, 4), (Init::Xavier, 7, 2, 3, 2), (Init::Kaiming, 7, 1, 3, 2)]
    {
        let mut weights = vec![0.0; inputs * outputs];
        init.fill(Key::new(seed), layer, inputs, outputs, &mut weights);
        let weights: Vec<_> = weights.iter().map(f32::to_string).collect();
        assert!(PAGE.contains(&weights.join(" ")), "docs/reference/masks.md lacks the weights {}", weights.join(" "));
    }
}

fn interpreter() -> String {
    std::env::var("FURLOUGH_PYTHON").unwrap_or_else(|_| "python3".into())
}

/// The page and the script stay in the repository: the crate's package has neither.
fn outside_the_repository() -> Option<String> {
    let map = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ARCHITECTURE.md");
    (!Path::new(map).exists()).then(|| "the repository around the crate".into())
}

/// What is missing to run the script, unless it is required.
fn without_numpy() -> Option<String> {
    static MISSING: LazyLock<Option<String>> = LazyLock::new(|| {
        if std::env::var("FURLOUGH_REQUIRE_PYTHON").as_deref() == Ok("1") {
            return None;
        }
        if let Some(missing) = outside_the_repository() {
            return Some(missing);
        }
        let numpy = Command::new(interpreter()).args(["-c", "import numpy"]).stderr(Stdio::null()).status();
        let missing = || format!("{} with numpy (FURLOUGH_PYTHON names another interpreter)", interpreter());
        (!numpy.is_ok_and(|status| status.success())).then(missing)
    });
    MISSING.clone()
}

/// The script's answer.
fn python(arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(interpreter())
        .arg(SCRIPT)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{SCRIPT} {arguments:?} failed");
    String::from_utf8(output.stdout).unwrap()
}

fn a_fresh_run_of_the_script() {
    let fresh = python(&["fixture"], "");
    compare(&fresh);
    let counted = |text: &str| serde_json::from_str::<Value>(text).unwrap()["answers"].as_array().unwrap().len();
    assert_eq!(counted(&fresh), counted(FIXTURE), "write the fixture again: scripts/masks.py fixture");
}

/// Questions that nobody chose: 200 masks and some orders and weights at pseudo-random places.
fn the_script_asked_other_questions() {
    let mut state = 20_260_101u64;
    let mut random = |bits: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> (64 - bits)
    };
    let mut questions = Vec::new();
    for _ in 0..200 {
        let p = random(53) as f64 / (1u64 << 53) as f64;
        let examples: Vec<u64> = (0..=random(3)).map(|_| random(32)).collect();
        questions.push(json!({
            "kind": "mask", "seed": random(64), "stream": 2 + random(1), "step": random(32), "layer": random(24),
            "examples": examples, "first_unit": random(31), "units": 1 + random(9), "p": p,
        }));
    }
    for _ in 0..10 {
        questions.push(json!({"kind": "order", "seed": random(64), "epoch": random(32), "examples": 1 + random(11)}));
    }
    for noise in DropoutKind::OF_UNITS.into_iter().filter(|kind| !kind.is_bernoulli()).cycle().take(20) {
        questions.push(json!({
            "kind": "noise", "noise": noise.name(), "seed": random(64), "stream": 2 + random(1), "step": random(32),
            "layer": random(24), "examples": [random(32)], "first_unit": random(31), "units": 1 + random(9),
            "p": random(53) as f64 / (1u64 << 53) as f64, "x": random(12) as f64 / 64.0 - 32.0,
        }));
    }
    for init in ["normal:0.01", "kaiming", "lecun", "xavier", "uniform:3"] {
        questions.push(json!({
            "kind": "init", "seed": random(64), "layer": random(24), "init": init,
            "inputs": 1 + random(6), "outputs": 1 + random(8),
        }));
    }
    let answers = python(&["answer"], &Value::from(questions).to_string());
    assert_eq!(compare(&answers), [200, 10, 5, 20]);
}
