//! Everything here runs on a small data set with checksums of its own, served by a server in the
//! same process.

mod server;

use super::*;
use crate::failure::Hinted;
use flate2::{Compression, write::GzEncoder};
use furlough::data::idx;
use furlough::data::idx_folder::{KnownFile, NAMES};
use server::{good_answers, serve, serve_on};
use sha2::{Digest, Sha256};
use std::io::Write;
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
            proxy: None,
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
fn https_is_trusted_by_the_named_authority_only() {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    use rustls::{ServerConfig, ServerConnection, StreamOwned, pki_types::PrivatePkcs8KeyDer};
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_pem = authority.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(["127.0.0.1".to_string()]).unwrap().signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![server.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
        .unwrap();
    let config = std::sync::Arc::new(config);
    let wrap = move |stream| StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
    let mut scene = Scene::new(Some(serve_on("https", good_answers(), wrap)));

    let error = scene.anywhere().err().unwrap().to_string();
    assert!(error.to_lowercase().contains("certificate"), "{error}");
    assert_eq!(names_in(&scene.cache()), [""; 0]);

    let path = scene.folder.path().join("authority.pem");
    std::fs::write(&path, "no certificate here").unwrap();
    scene.places.certificates = Some(path.clone());
    let error = scene.anywhere().err().unwrap().to_string();
    assert!(error.contains("SSL_CERT_FILE") && error.contains("has no certificate"), "{error}");

    std::fs::write(&path, authority_pem).unwrap();
    assert!(scene.anywhere().unwrap().origin.starts_with("https://127.0.0.1:"));
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
        assert!(told.contains("needs replacing"), "{told}");
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
        (says(&whole), whole[..whole.len() / 2].to_vec(), "broke off"),
        ("200 OK".to_string(), whole[..whole.len() / 2].to_vec(), "broke off"),
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
fn what_a_killed_download_left_is_cleared_away_once_it_is_old() {
    let mut scene = Scene::new(Some(serve(good_answers())));
    std::fs::create_dir_all(scene.cache()).unwrap();
    let [old, young] = [".incoming-old", ".incoming-young"].map(|name| scene.cache().join(name));
    std::fs::write(&young, "half").unwrap();
    let file = std::fs::File::create(&old).unwrap();
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(7200)).unwrap();
    scene.anywhere().unwrap();
    assert!(!old.exists() && young.exists());
}

#[test]
fn when_all_fails_one_error_lists_it_all() {
    let mut scene = Scene::new(None);
    let error = scene.anywhere().err().unwrap();
    let hint = &error.downcast_ref::<Hinted>().unwrap().hint;
    assert!(hint.contains("--data-dir FOLDER") && hint.contains("--data digits"), "{hint}");
    let error = error.to_string();
    for expected in ["cache: nothing in", "system package: there is no", "download: "] {
        assert!(error.contains(expected), "{error}\nshould contain {expected:?}");
    }
    assert_eq!(error.lines().count(), 1, "{error}");
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
    assert_eq!(resolve::from_data_dir(&source(), &folder, &mut |_| {}).unwrap().split.test.len(), 40);
    std::fs::write(folder.join(format!("{}.gz", NAMES[3])), b"damaged").unwrap();
    let error = resolve::from_data_dir(&source(), &folder, &mut |_| {}).err().unwrap();
    assert!(error.to_string().contains(NAMES[3]) && error.to_string().lines().count() == 1, "{error}");
    assert!(error.downcast_ref::<Hinted>().unwrap().hint.contains("--data-dir must name a folder"));
}

#[test]
fn names_and_folders_that_do_not_go_together() {
    fn wanted(name: &str) -> Wanted<'_> {
        Wanted { name, labels_from: 0 }
    }
    let told = |name: &str, folder: Option<&Path>| split(wanted(name), folder, &mut |_| {}).err().unwrap().to_string();
    assert!(told("fashion-mnits", None).contains("Did you mean fashion-mnist?"));
    assert!(told("digits", Some(Path::new("/"))).contains("digits is built in"));
    assert!(told("idx", None).contains("--data-dir"));
    assert_eq!(split(wanted("digits"), None, &mut |_| {}).unwrap().origin, "built in");
}

#[test]
fn ones_own_folder_is_not_suggested_to_who_named_it() {
    for force in [false, true] {
        let error = fetch("idx", force, &mut |_| {}).unwrap_err().to_string();
        assert!(error.contains("idx is a folder of your own") && error.contains("--data-dir"), "{error}");
        assert!(!error.contains("Did you mean"), "{error}");
    }
    let error = split(Wanted { name: "digits", labels_from: 1 }, None, &mut |_| {}).err().unwrap().to_string();
    assert!(error.contains("--labels-from is for a folder of your own"), "{error}");
}

#[test]
fn the_good_one_of_two_files_is_taken_and_named() {
    let scene = Scene::new(None);
    let folder = scene.folder.path().join("mine");
    scene.fill(&folder.join("FashionMNIST/raw"), true);
    std::fs::write(folder.join("FashionMNIST/raw").join(NAMES[1]), "").unwrap();
    let mut told = Vec::new();
    let found = resolve::from_data_dir(&source(), &folder, &mut |line| told.push(line.to_string())).unwrap();
    assert_eq!(found.origin, folder.join("FashionMNIST/raw").display().to_string());
    assert!(told.len() == 1 && told[0].contains("it is empty or cut short"), "{told:?}");
    assert!(told[0].ends_with("train-labels-idx1-ubyte.gz was read in its place"), "{told:?}");

    // Likewise where files are copied to the cache.
    let system = scene.folder.path().join("system");
    scene.fill(&system, true);
    std::fs::write(system.join(NAMES[1]), "").unwrap();
    cache::copy(&system, &scene.cache(), &source()).unwrap();
    assert_eq!(std::fs::read(scene.cache().join(NAMES[1])).unwrap(), contents()[1]);
}

#[test]
fn classes_without_an_example_are_told() {
    let folder = tempfile::tempdir().unwrap();
    for (name, shape) in NAMES.iter().zip([&[3, 2, 2][..], &[3], &[1, 2, 2], &[1]]) {
        let count: usize = shape.iter().product();
        let values: Vec<u8> = if shape.len() == 1 { [4, 1, 2][..count].into() } else { vec![9; count] };
        std::fs::write(folder.path().join(name), idx::encode(shape, &values).unwrap()).unwrap();
    }
    let read = |labels_from| {
        let mut told = Vec::new();
        let wanted = Wanted { name: "idx", labels_from };
        let found = split(wanted, Some(folder.path()), &mut |line| told.push(line.to_string())).unwrap();
        (found.split.train.outputs(), told)
    };
    let (outputs, told) = read(0);
    let expected = "note: no training example has the labels 0, 3; if the labels count from 1, --labels-from 1 leaves \
     the empty class out";
    assert_eq!((outputs, told), (5, vec![expected.to_string()]));
    assert_eq!(read(1), (4, vec!["note: no training example has the label 3".into()]));
}
