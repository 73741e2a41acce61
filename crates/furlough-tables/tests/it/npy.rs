use crate::common::{Scratch, file, message, numbers, texts};
use furlough_tables::{FileFormat, FileFormat::Npy, sniff};
use std::path::{Path, PathBuf};

furlough_harness::tests![
    an_array_of_any_shape_is_a_table,
    an_array_in_fortrans_order_is_read_by_rows,
    arrays_of_one_file_are_columns_side_by_side,
    what_is_no_table_is_refused_with_what_to_do,
    a_file_that_lies_about_its_length_is_an_error,
    an_archive_that_is_damaged_is_an_error,
    files_of_an_archive_that_share_bytes_are_refused,
    no_bytes_of_an_array_or_archive_make_a_reader_panic,
];

const CHUNKS: [(usize, usize); 3] = [(1, 1 << 20), (2, 1), (3, 40)];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn array(described: &str, shape: &str, values: &[u8]) -> Scratch {
    let header = format!("{{'descr': '{described}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let start = [b"\x93NUMPY\x01\0".to_vec(), (header.len() as u16).to_le_bytes().to_vec(), header.into_bytes()];
    file("a.npy", [&start.concat(), values].concat())
}

fn npz(arrays: &[&str]) -> FileFormat {
    FileFormat::Npz { arrays: arrays.iter().map(|name| name.to_string()).collect() }
}

fn an_array_of_any_shape_is_a_table() {
    for (shape, columns) in [
        ("(6,)", vec![vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]),
        ("(3, 2)", vec![vec![1.0, 3.0, 5.0], vec![2.0, 4.0, 6.0]]),
        ("(2, 3, 1)", vec![vec![1.0, 4.0], vec![2.0, 5.0], vec![3.0, 6.0]]),
    ] {
        let scratch = array("|u1", shape, &[1, 2, 3, 4, 5, 6]);
        assert_eq!(sniff(&scratch.path).unwrap(), Npy);
        for threads in CHUNKS {
            assert_eq!(numbers(&scratch.path, &Npy, threads).unwrap(), columns);
            let (names, rows) = texts(&scratch.path, &Npy, threads).unwrap();
            assert_eq!(names.len(), columns.len());
            assert_eq!(names[0], "x0");
            assert_eq!(rows.last().unwrap().last().unwrap().as_deref(), Some("6"));
        }
    }
}

fn an_array_in_fortrans_order_is_read_by_rows() {
    for threads in CHUNKS {
        let found = numbers(&fixture("fortran.npy"), &Npy, threads).unwrap();
        assert_eq!(found, [[-3.0, -1.0, 1.0], [-2.0, 0.0, 2.0]]);
    }
}

fn arrays_of_one_file_are_columns_side_by_side() {
    let text = |text: &str| Some(text.to_string());
    for name in ["stored.npz", "compressed.npz"] {
        for threads in CHUNKS {
            let (names, rows) = texts(&fixture(name), &npz(&["y", "X"]), threads).unwrap();
            assert_eq!(names, ["y", "x0", "x1"]);
            assert_eq!(
                rows,
                [[text("a"), text("0.5"), text("-1")], [text("é"), None, text("2")], [text(""), text("3"), text("4")]]
            );
        }
    }
    assert_eq!(sniff(&fixture("stored.npz")).unwrap(), npz(&["X", "y"]));
    assert_eq!(sniff(&fixture("compressed.npz")).unwrap(), npz(&["X", "y", "pixels"]));
    let (names, _) = texts(&fixture("compressed.npz"), &npz(&["pixels"]), (1, 1)).unwrap();
    assert_eq!(names, ["pixels0", "pixels1", "pixels2", "pixels3"]);
}

fn what_is_no_table_is_refused_with_what_to_do() {
    let refused = |path: &Path, format: &FileFormat, reason: &str| {
        let error = numbers(path, format, (1, 1)).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    };
    refused(&fixture("objects.npy"), &Npy, "not Python's objects");
    refused(&fixture("fields.npy"), &Npy, "has fields of several types");
    refused(&array("<f8", "()", &[0; 8]).path, &Npy, "is one value and no table");
    refused(&array("<f8", "(0, 3)", &[]).path, &Npy, "has no rows");
    refused(&array("<f8", "(3, 0)", &[]).path, &Npy, "has no columns");
    refused(&array("<f8", "(9, 99999999999)", &[]).path, &Npy, "a row may have at most 64 MiB");
    refused(&array("<f8", "(99999999999999999, 2000)", &[]).path, &Npy, "a row may have at most 64 MiB");
    refused(&file("a.npy", b"\x93NUMPY\x09\0").path, &Npy, "is of version 9");
    refused(&file("a.npy", "a,b\n1,2\n3,4\n").path, &Npy, "is no array of NumPy");
    refused(&fixture("stored.npz"), &npz(&["X", "other"]), "array X has 3 rows and other has 5");
    refused(&fixture("stored.npz"), &npz(&["Y"]), "has no array Y; it has X, y, other");
    refused(&fixture("stored.npz"), &npz(&["y"]), "row 1, column y: \"a\" is not a number");
    let scratch = array("|S1", "(2,)", b"1x");
    let error = numbers(&scratch.path, &Npy, (1, 1)).unwrap_err();
    assert_eq!(message(&error, &scratch), r#"a.npy, row 2, column x0: "x" is not a number"#);
}

fn a_file_that_lies_about_its_length_is_an_error() {
    for (rows, told) in
        [("(5,)", "goes on behind the 5 rows"), ("(7,)", "ends before the 7 rows"), ("(999999999999,)", "ends before")]
    {
        for threads in CHUNKS {
            let error = numbers(&array("|u1", rows, &[0; 6]).path, &Npy, threads).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
    let mut fortran = std::fs::read(fixture("fortran.npy")).unwrap();
    fortran.pop();
    let error = numbers(&file("a.npy", fortran).path, &Npy, (1, 1)).unwrap_err().to_string();
    assert!(error.contains("ends before the 3 rows of 2 values"), "{error}");
}

fn an_archive_that_is_damaged_is_an_error() {
    for name in ["stored.npz", "compressed.npz"] {
        let whole = std::fs::read(fixture(name)).unwrap();
        for cut in [10, whole.len() / 2, whole.len() - 1] {
            let scratch = file("a.npz", &whole[..cut]);
            let error = message(&numbers(&scratch.path, &npz(&["X"]), (1, 1)).unwrap_err(), &scratch);
            assert!(error.starts_with("a.npz: the ZIP archive is damaged or cut off: "), "{error}");
        }
    }
    // A value that changed on the disk.
    let mut stored = std::fs::read(fixture("stored.npz")).unwrap();
    let at = stored.windows(4).position(|bytes| bytes == 0.5f32.to_le_bytes()).unwrap();
    stored[at] ^= 1;
    let error = numbers(&file("a.npz", stored).path, &npz(&["X"]), (1, 1)).unwrap_err().to_string();
    assert!(error.contains("checksum"), "{error}");
    let error = sniff(&file("a.zip", b"PK\x03\x04").path).unwrap_err().to_string();
    assert!(error.contains("damaged"), "{error}");
}

fn files_of_an_archive_that_share_bytes_are_refused() {
    let mut bytes = std::fs::read(fixture("compressed.npz")).unwrap();
    let listed: Vec<usize> = (0..bytes.len() - 4).filter(|&at| bytes[at..].starts_with(b"PK\x01\x02")).collect();
    assert_eq!(listed.len(), 3);
    // Where the second file begins is where the first one does.
    let offset = |entry: usize| listed[entry] + 42..listed[entry] + 46;
    bytes.copy_within(offset(0), offset(1).start);
    let scratch = file("a.npz", bytes);
    let told = "a.npz: the ZIP archive is damaged or cut off: two files in it overlap";
    for error in [numbers(&scratch.path, &npz(&["X"]), (1, 1)).unwrap_err(), sniff(&scratch.path).unwrap_err()] {
        assert_eq!(message(&error, &scratch), told);
    }
}

fn no_bytes_of_an_array_or_archive_make_a_reader_panic() {
    // Every byte of small files, changed in three ways.
    for name in ["stored.npz", "compressed.npz", "fortran.npy"] {
        let whole = std::fs::read(fixture(name)).unwrap();
        let scratch = file(name, &whole);
        for at in 0..whole.len() {
            for flip in [1, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                std::fs::write(&scratch.path, &bytes).unwrap();
                if let Ok(format) = sniff(&scratch.path) {
                    let _ = texts(&scratch.path, &format, (1, 64));
                }
                let _ = numbers(&scratch.path, &npz(&["X", "y"]), (1, 64));
            }
        }
    }
}
