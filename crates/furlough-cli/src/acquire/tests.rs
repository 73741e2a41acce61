//! Everything here runs on a small data set with checksums of its own, served by a server in the same process.

use super::*;
use flate2::{Compression, write::GzEncoder};
use furlough::data::idx;
use furlough::data::idx_folder::{KnownFile, NAMES};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;

const LENGTHS: [usize; 4] = [300, 300, 40, 40];

fn contents() -> [Vec<u8>; 4] {
    let image = |i: usize| (i * i % 253) as u8;
    std::array::from_fn(|index| {
        let count = LENGTHS[index];
        let encoded = match index % 2 {
            0 => idx::encode(&[count, 8, 8], &(0..count * 64).map(image).collect::<Vec<_>>()),
            _ => idx::encode(&[count], &(0..count).map(|i| (i % 3) as u8).collect::<Vec<_>>()),
        };
        encoded.unwrap()
    })
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn source() -> Source {
    let contents = contents();
    let files = std::array::from_fn(|index| {
        let content = &contents[index];
        let sha256: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        KnownFile { name: NAMES[index], bytes: content.len() as u64, sha256: sha256.leak() }
    });
    Source {
        name: "small",
        title: "the small set",
        files,
        classes: &["a", "b", "c"],
        url: "http://127.0.0.1:1",
        url_variable: "FURLOUGH_TEST_URL_THAT_NOBODY_SETS",
        debian_package: "furlough-no-such-package",
        system_folder: "/nonexistent/furlough",
    }
}

/// Status line and headers, and body, by path.
type Answers = HashMap<String, (String, Vec<u8>)>;

fn good_answers() -> Answers {
    let mut answers = Answers::new();
    for (name, content) in NAMES.iter().zip(contents()) {
        let body = gzip(&content);
        answers.insert(format!("/{name}.gz"), (format!("200 OK\r\nContent-Length: {}", body.len()), body));
    }
    answers
}

/// Serves until the process ends. Answers the address.
fn serve(answers: Answers) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let path = lines.next().unwrap().unwrap().split(' ').nth(1).unwrap().to_string();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let missing = ("404 Not Found\r\nContent-Length: 0".to_string(), Vec::new());
            let (head, body) = answers.get(&path).unwrap_or(&missing);
            let _ = write!(stream, "HTTP/1.1 {head}\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(body);
        }
    });
    address
}

struct Scene {
    folder: tempfile::TempDir,
    places: Places,
    told: Vec<String>,
}

impl Scene {
    fn new(url: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            cache: Some(folder.path().join("cache")),
            system: Some(folder.path().join("system")),
            certificates: None,
            url: url.or(Some("http://127.0.0.1:1".into())),
            no_packages: true,
        };
        Scene { folder, places, told: Vec::new() }
    }

    fn anywhere(&mut self) -> Result<Acquired> {
        self.told.clear();
        resolve::from_anywhere(&source(), &self.places, &mut |line| self.told.push(line.into()))
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache/small")
    }

    fn fill(&self, folder: &Path, packed: bool) {
        std::fs::create_dir_all(folder).unwrap();
        for (name, content) in NAMES.iter().zip(contents()) {
            match packed {
                true => std::fs::write(folder.join(format!("{name}.gz")), gzip(&content)).unwrap(),
                false => std::fs::write(folder.join(name), content).unwrap(),
            }
        }
    }

    fn told(&self) -> String {
        self.told.join("\n")
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_download_is_kept_decompressed_and_used_the_next_time() {
    let mut scene = Scene::new(Some(serve(good_answers())));
    let first = scene.anywhere().unwrap();
    assert_eq!((first.split.train.len(), first.split.test.len()), (300, 40));
    assert_eq!(first.origin, scene.places.url(&source()));
    assert!(scene.told().contains("downloading http://127.0.0.1"), "{}", scene.told());
    let mut expected = NAMES.map(String::from);
    expected.sort();
    assert_eq!(names_in(&scene.cache()), expected);
    assert_eq!(std::fs::read(scene.cache().join(NAMES[0])).unwrap(), contents()[0]);

    scene.places.url = Some("http://127.0.0.1:1".into());
    let second = scene.anywhere().unwrap();
    assert_eq!(second.origin, scene.cache().display().to_string());
    assert_eq!(second.split, first.split);
    assert_eq!(scene.told(), "");
}

#[test]
fn a_damaged_cache_is_reported_and_only_the_damage_is_fetched() {
    let mut scene = Scene::new(Some(serve(good_answers())));
    scene.fill(&scene.cache(), false);
    for damage in [contents()[2][..100].to_vec(), vec![], vec![7; contents()[2].len()]] {
        std::fs::write(scene.cache().join(NAMES[2]), damage).unwrap();
        scene.anywhere().unwrap();
        let told = scene.told();
        assert!(told.contains("cache: ") && told.contains(NAMES[2]), "{told}");
        assert_eq!(told.matches("downloading").count(), 1, "{told}");
        assert_eq!(std::fs::read(scene.cache().join(NAMES[2])).unwrap(), contents()[2]);
    }
}

#[test]
fn a_bad_server_leaves_nothing_and_is_named() {
    let name = format!("/{}.gz", NAMES[0]);
    let whole = gzip(&contents()[0]);
    let other = gzip(&vec![3; contents()[0].len()]);
    let longer = gzip(&vec![3; 2 * contents()[0].len()]);
    let bombs = gzip(&vec![0; 64 << 20]);
    let says = |body: &[u8]| format!("200 OK\r\nContent-Length: {}", body.len());
    let cases = [
        ("404 Not Found\r\nContent-Length: 0".to_string(), vec![], "404"),
        ("500 Oh\r\nContent-Length: 0".to_string(), vec![], "500"),
        (says(&whole), whole[..whole.len() / 2].to_vec(), "failed"),
        ("200 OK".to_string(), whole[..whole.len() / 2].to_vec(), "failed"),
        (says(&other), other.clone(), "SHA-256"),
        (says(&longer), longer.clone(), "longer than"),
        (says(&bombs), bombs.clone(), "longer than"),
        (says(b"<html>"), b"<html>".to_vec(), "it has 6 of"),
        ("200 OK\r\nContent-Length: 0".to_string(), vec![], "it has 0 of"),
    ];
    for (head, body, expected) in cases {
        let mut answers = good_answers();
        answers.insert(name.clone(), (head, body));
        let mut scene = Scene::new(Some(serve(answers)));
        let error = scene.anywhere().err().unwrap().to_string();
        assert!(error.contains(expected), "{error}\nshould contain {expected:?}");
        assert_eq!(names_in(&scene.cache()), [""; 0], "nothing half-written stays");
    }
}

#[test]
fn when_all_fails_one_error_lists_it_all() {
    let mut scene = Scene::new(None);
    let error = scene.anywhere().err().unwrap().to_string();
    for expected in
        ["cache: nothing in", "system package: there is no", "download: ", "--data-dir FOLDER", "--data digits"]
    {
        assert!(error.contains(expected), "{error}\nshould contain {expected:?}");
    }
    scene.places.no_packages = false;
    let error = scene.anywhere().err().unwrap().to_string();
    assert!(error.contains("Debian package: "), "{error}");
}

#[test]
fn the_system_package_is_used_and_kept() {
    let mut scene = Scene::new(None);
    let system = scene.folder.path().join("system");
    scene.fill(&system, true);
    let found = scene.anywhere().unwrap();
    assert_eq!(found.origin, system.display().to_string());
    assert_eq!(scene.anywhere().unwrap().origin, scene.cache().display().to_string());

    std::fs::write(system.join(format!("{}.gz", NAMES[1])), b"no").unwrap();
    std::fs::remove_dir_all(scene.cache()).unwrap();
    assert!(scene.anywhere().is_err());
    assert!(scene.told().contains("system package: ") && scene.told().contains(NAMES[1]), "{}", scene.told());
}

#[test]
fn without_a_cache_the_data_still_serves() {
    let mut scene = Scene::new(Some(serve(good_answers())));
    scene.places.cache = None;
    assert_eq!(scene.anywhere().unwrap().split.train.len(), 300);
    assert!(scene.told().contains("will not be kept: there is no cache directory"), "{}", scene.told());
    // A file where the folder should be cannot be written into, whoever asks.
    let file = scene.folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    scene.places.cache = Some(file);
    assert_eq!(scene.anywhere().unwrap().split.train.len(), 300);
    assert!(scene.told().contains("will not be kept: cannot make"), "{}", scene.told());
}

#[test]
fn fetch_forces_and_says_where() {
    let scene = Scene::new(Some(serve(good_answers())));
    let fetch = |force| {
        let mut told = Vec::new();
        let folder = resolve::into_cache(&source(), &scene.places, force, &mut |line| told.push(line.to_string()));
        (folder.unwrap(), told.len())
    };
    assert_eq!(fetch(false), (scene.cache(), 5), "one line for the missing system package and four downloads");
    assert_eq!(fetch(false).1, 0);
    assert_eq!(fetch(true).1, 5);
}

#[test]
fn a_named_folder_is_all_or_nothing() {
    let scene = Scene::new(None);
    let folder = scene.folder.path().join("mine");
    scene.fill(&folder, true);
    assert_eq!(resolve::from_data_dir(&source(), &folder).unwrap().split.test.len(), 40);
    std::fs::write(folder.join(NAMES[3]), b"damaged").unwrap();
    let error = resolve::from_data_dir(&source(), &folder).err().unwrap().to_string();
    assert!(error.contains(NAMES[3]) && error.contains("--data-dir must name a folder"), "{error}");
}

#[test]
fn names_and_folders_that_do_not_go_together() {
    let told = |name: &str, folder: Option<&Path>| split(name, folder, &mut |_| {}).err().unwrap().to_string();
    assert!(told("fashion-mnits", None).contains("Did you mean fashion-mnist?"));
    assert!(told("digits", Some(Path::new("/"))).contains("digits is built in"));
    assert!(told("idx", None).contains("--data-dir"));
    assert_eq!(split("digits", None, &mut |_| {}).unwrap().origin, "built in");
}
