use super::*;
use crate::data::{Targets, idx};
use std::path::Path;

/// Six training and four test examples of 2×3, three classes, as files.
fn contents() -> [Vec<u8>; 4] {
    let encode = |shape: &[usize], values: &[u8]| idx::encode(shape, values).unwrap();
    [
        encode(&[6, 2, 3], &(0..36).collect::<Vec<u8>>()),
        encode(&[6], &[0, 1, 2, 0, 1, 0]),
        encode(&[4, 2, 3], &(100..124).collect::<Vec<u8>>()),
        encode(&[4], &[2, 1, 0, 2]),
    ]
}

/// Writes the four files below `folder` under the names that `rename` gives; names that end in
/// `.gz` are not compressed, since content decides.
fn write_as(folder: &Path, rename: impl Fn(&str) -> String) {
    for (name, content) in NAMES.iter().zip(contents()) {
        let path = folder.join(rename(name));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

fn write(folder: &Path) {
    write_as(folder, str::to_string);
}

fn fails(folder: &Path) -> String {
    let error = read(folder, 0).unwrap_err().to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

#[test]
fn loads_any_four_files() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let dotted = folder.path().join("t10k-images.idx3-ubyte");
    std::fs::rename(folder.path().join(NAMES[2]), dotted).unwrap();
    let split = load(folder.path()).unwrap();
    assert_eq!((split.train.len(), split.test.len(), split.train.outputs()), (6, 4, 3));
    assert_eq!((split.train.shape(), split.test.shape()), (&[2, 3][..], &[2, 3][..]));
    assert_eq!(split.test.class_names(), ["0", "1", "2"]);
    let mut row = [0.0; 6];
    split.test.read_row(1, &mut row);
    assert_eq!(row, [106, 107, 108, 109, 110, 111].map(|byte| byte as f32 * (1.0 / 255.0)));
}

#[test]
fn each_fault_names_its_file() {
    let cases: [(usize, &[usize], &[u8], &str); 6] = [
        (1, &[5], &[0; 5], "train-labels-idx1-ubyte: has 5 labels for 6 examples"),
        (1, &[6, 1, 1], &[0; 6], "train-labels-idx1-ubyte: labels need one dimension"),
        (0, &[6], &[0; 6], "train-images-idx3-ubyte: examples need two dimensions"),
        (2, &[4, 3, 2], &[0; 24], "training examples have shape [2, 3], test examples [3, 2]"),
        (3, &[3], &[0; 3], "t10k-labels-idx1-ubyte: has 3 labels for 4 examples"),
        (3, &[4], &[0, 9, 1, 2], "t10k-labels-idx1-ubyte: example 1 has label 9, but labels go from 0 to 2"),
    ];
    for (index, shape, values, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path());
        std::fs::write(folder.path().join(NAMES[index]), idx::encode(shape, values).unwrap()).unwrap();
        let error = load(folder.path()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error:?} should mention {expected:?}");
    }
}

#[test]
fn known_files_are_checked_and_labels_must_have_names() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let known = NAMES.map(|name| {
        use sha2::{Digest, Sha256};
        let content = std::fs::read(folder.path().join(name)).unwrap();
        let sha256: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        KnownFile { name, bytes: content.len() as u64, sha256: sha256.leak() }
    });
    assert_eq!(load_known(folder.path(), &known, &["a", "b", "c"]).unwrap().train.class_names(), ["a", "b", "c"]);
    let error = load_known(folder.path(), &known, &["a", "b"]).unwrap_err().to_string();
    assert!(error.contains("train-labels-idx1-ubyte: example 2 has label 2, but labels go from 0 to 1"), "{error}");

    let path = folder.path().join(NAMES[0]);
    let mut content = std::fs::read(&path).unwrap();
    content[20] ^= 1;
    std::fs::write(&path, content).unwrap();
    let error = load_known(folder.path(), &known, &["a", "b", "c"]).unwrap_err().to_string();
    assert!(error.contains("train-images-idx3-ubyte: is not the expected file"), "{error}");
    std::fs::remove_file(path).unwrap();
    let error = load_known(folder.path(), &known, &["a", "b", "c"]).unwrap_err().to_string();
    assert!(error.contains("1 of the four files missing: train-images-idx3-ubyte"), "{error}");
}

#[test]
fn the_usual_layouts_and_spellings_are_taken_as_they_are() {
    let dotted = |name: &str| name.replace("-idx", ".idx");
    let emnist = |name: &str| format!("emnist-letters-{}.gz", name.replace("t10k", "test"));
    type Rename<'a> = &'a dyn Fn(&str) -> String;
    let cases: [(&str, &str, Rename); 8] = [
        ("", "", &dotted),
        ("", "", &|name| format!("{name}.gz")),
        ("", "", &|name| format!("{}.gz", dotted(name))),
        ("", "", &emnist),
        ("", "", &|name| format!("{name}/{}", dotted(name))),
        ("", "FashionMNIST/raw", &str::to_string),
        ("FashionMNIST", "FashionMNIST/raw", &dotted),
        ("FashionMNIST/raw", "FashionMNIST/raw", &|name| format!("{name}.gz")),
    ];
    for (named, place, rename) in cases {
        let folder = tempfile::tempdir().unwrap();
        write_as(&folder.path().join(place), rename);
        let loaded = read(&folder.path().join(named), 0).unwrap();
        assert_eq!((loaded.split.train.len(), loaded.split.test.len()), (6, 4), "{}", rename(NAMES[0]));
        assert_eq!(loaded.folder, folder.path().join(place));
        assert_eq!(loaded.skipped, []);
    }
}

#[test]
fn what_is_missing_is_told_beside_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert!(fails(folder).contains("4 of the four files missing"), "{}", fails(folder));
    assert!(fails(folder).ends_with("the folder is empty"), "{}", fails(folder));
    assert!(fails(&folder.join("none")).contains("there is no such folder"));

    std::fs::create_dir_all(folder.join("MNIST/raw")).unwrap();
    write_as(&folder.join("MNIST/raw"), |name| format!("{}.gz", name.replace("-idx", ".idx")));
    std::fs::remove_file(folder.join("MNIST/raw/t10k-labels.idx1-ubyte.gz")).unwrap();
    std::fs::write(folder.join("MNIST/raw/t10k-labels.txt"), "").unwrap();
    assert!(
        fails(folder).contains(
            "1 of the four files missing: t10k-labels-idx1-ubyte, each plain or .gz; found \
             MNIST/raw/train-images.idx3-ubyte.gz, MNIST/raw/train-labels.idx1-ubyte.gz, \
             MNIST/raw/t10k-images.idx3-ubyte.gz, and besides MNIST/raw/t10k-labels.txt"
        ),
        "{}",
        fails(folder)
    );
    let file = folder.join("MNIST/raw/t10k-labels.txt");
    assert!(fails(&file).contains("is a file; what is needed is the folder"), "{}", fails(&file));

    let other = tempfile::tempdir().unwrap();
    (0..9).for_each(|n| std::fs::write(other.path().join(format!("{n}.png")), "").unwrap());
    let text = fails(other.path());
    assert!(text.ends_with("found only 0.png, 1.png, 2.png, 3.png, 4.png, 5.png, 3 more"), "{text}");
}

#[test]
fn several_data_sets_in_one_folder_are_not_guessed_among() {
    let folder = tempfile::tempdir().unwrap();
    for prefix in ["emnist-digits-", "emnist-letters-"] {
        write_as(folder.path(), |name| format!("{prefix}{name}"));
    }
    let text = fails(folder.path());
    assert!(text.contains("has several data sets") && text.contains("emnist-letters-*"), "{text}");
    write(folder.path());
    assert_eq!(load(folder.path()).unwrap().train.len(), 6);

    let folder = tempfile::tempdir().unwrap();
    for name in ["MNIST", "KMNIST"] {
        write(&folder.path().join(name).join("raw"));
    }
    let text = fails(folder.path());
    assert!(text.contains("has several data sets") && text.contains("KMNIST/raw/*"), "{text}");
}

#[test]
fn a_broken_file_beside_a_good_one_is_passed_over() {
    let good = contents();
    for broken in [vec![], good[1][..9].to_vec(), b"<html>not found</html>".to_vec()] {
        let folder = tempfile::tempdir().unwrap();
        write_as(folder.path(), |name| format!("{name}.gz"));
        let path = folder.path().join(NAMES[1]);
        std::fs::write(&path, broken).unwrap();
        let loaded = read(folder.path(), 0).unwrap();
        assert_eq!(loaded.split.train.len(), 6);
        let [skipped] = &loaded.skipped[..] else { panic!("{:?}", loaded.skipped) };
        assert_eq!((&skipped.path, &skipped.taken), (&path, &folder.path().join(format!("{}.gz", NAMES[1]))));
        let text = skipped.to_string();
        assert!(text.ends_with("train-labels-idx1-ubyte.gz was read in its place"), "{text}");
        assert_eq!(loaded.split, load(folder.path()).unwrap());

        // Nothing good is left: the first file's fault is told.
        std::fs::write(folder.path().join(format!("{}.gz", NAMES[1])), "no").unwrap();
        assert!(fails(folder.path()).contains("train-labels-idx1-ubyte: "), "{}", fails(folder.path()));
    }
}

#[test]
fn labels_may_count_from_one() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    std::fs::write(folder.path().join(NAMES[1]), idx::encode(&[6], &[1, 2, 3, 1, 2, 1]).unwrap()).unwrap();
    std::fs::write(folder.path().join(NAMES[3]), idx::encode(&[4], &[3, 2, 1, 3]).unwrap()).unwrap();
    let split = load(folder.path()).unwrap();
    assert_eq!((split.train.outputs(), split.train.absent_classes()), (4, vec![0]));

    let split = read(folder.path(), 1).unwrap().split;
    assert_eq!(
        (split.train.class_names().to_vec(), split.train.absent_classes()),
        (["1", "2", "3"].map(String::from).to_vec(), vec![])
    );
    let Targets::Classes { labels, .. } = split.test.targets() else { panic!("classes") };
    assert_eq!(labels, &[2, 1, 0, 2]);

    let error = read(folder.path(), 2).unwrap_err().to_string();
    assert!(error.contains("train-labels-idx1-ubyte: example 0 has label 1, but labels go from 2 to 3"), "{error}");
}

/// IDX of any type, written by hand.
fn written(kind: u8, sizes: &[u32], values: &[u8]) -> Vec<u8> {
    [
        &[0, 0, kind, sizes.len() as u8][..],
        &sizes.iter().flat_map(|size| size.to_be_bytes()).collect::<Vec<_>>(),
        values,
    ]
    .concat()
}

#[test]
fn qmnists_labels_of_two_dimensions_and_more_than_256_classes_are_read() {
    let folder = tempfile::tempdir().unwrap();
    write_as(folder.path(), |name| format!("qmnist-{}", name.replace("labels-idx1-ubyte", "labels-idx2-int")));
    let labels: Vec<u8> =
        [0i32, 300, 2, 0, 1, 0].iter().flat_map(|&l| [l, -1, 7].map(i32::to_be_bytes).concat()).collect();
    std::fs::write(folder.path().join("qmnist-train-labels-idx2-int"), written(0x0c, &[6, 3], &labels)).unwrap();
    let split = read(folder.path(), 0).unwrap().split;
    assert_eq!((split.train.outputs(), split.test.outputs()), (301, 301));
    let Targets::Classes { labels, .. } = split.train.targets() else { panic!() };
    assert_eq!(labels, &[0, 300, 2, 0, 1, 0]);
}

#[test]
fn features_of_other_types_are_taken_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    write_as(folder.path(), |name| name.replace("images-idx3-ubyte", "images-idx3-float"));
    let floats = |count: usize| (0..count * 6).flat_map(|i| (i as f32 - 1.5).to_be_bytes()).collect::<Vec<_>>();
    let images = |part: &str| folder.path().join(format!("{part}-images-idx3-float"));
    std::fs::write(images("train"), written(0x0d, &[6, 2, 3], &floats(6))).unwrap();
    std::fs::write(images("t10k"), written(0x0d, &[4, 2, 3], &floats(4))).unwrap();
    let split = read(folder.path(), 0).unwrap().split;
    let mut row = [0.0; 6];
    split.test.read_row(1, &mut row);
    assert_eq!(row, [4.5, 5.5, 6.5, 7.5, 8.5, 9.5]);
    std::fs::write(images("t10k"), written(0x0d, &[4, 2, 3], &f32::NAN.to_be_bytes().repeat(24))).unwrap();
    let error = fails(folder.path());
    assert!(error.contains("t10k-images-idx3-float") && error.contains("finite"), "{error}");
}
