use super::*;
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use std::io::Write;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn small() -> Vec<u8> {
    let values: Vec<u8> = (0..5 * 4 * 3).map(|i: u32| (i * i % 251) as u8).collect();
    encode(&[5, 4, 3], &values).unwrap()
}

fn header(kind: u8, sizes: &[u32]) -> Vec<u8> {
    let mut bytes = vec![0, 0, kind, sizes.len() as u8];
    sizes.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
    bytes
}

#[test]
fn each_fault_is_named() {
    let with = |mut bytes: Vec<u8>, more: &[u8]| {
        bytes.extend_from_slice(more);
        bytes
    };
    let cases = [
        (vec![], "empty or cut short"),
        (b"\x89PNG\r\n".to_vec(), "begins with 89 50 4e 47"),
        (with(header(0x0d, &[2]), &[0; 4]), "promises 8 bytes of 32-bit floats, but 4 follow; it is cut short"),
        (gzip(&with(header(0x0b, &[2]), &[0; 5])), "goes on after the 4 bytes of 16-bit integers"),
        (header(0x0e, &[u32::MAX, 1 << 31]), "more values than this machine can address"),
        (header(0x07, &[1]), "07, which does not exist"),
        (header(8, &[]), "has no dimensions"),
        (header(8, &[0, 28, 28]), "is empty: its shape is [0, 28, 28]"),
        (header(8, &[u32::MAX; 3]), "more values than this machine can address"),
        (header(8, &[2, 3])[..9].to_vec(), "the sizes of its dimensions"),
        (with(header(8, &[2, 3]), &[1; 5]), "promises 6 values, but 5 follow; it is cut short"),
        (with(header(8, &[2, 3]), &[1; 7]), "promises 6 values, but 7 follow"),
        (header(8, &[1 << 20, 1 << 11]), "promises 2147483648 values, but 0 follow"),
        (gzip(&header(8, &[1 << 20, 1 << 11])), "promises 2147483648 values, but 0 follow"),
        (gzip(&with(header(8, &[2, 3]), &[1; 7])), "goes on after the 6 values"),
        (gzip(&small())[..40].to_vec(), "its gzip data is cut short"),
        (with(gzip(&small()), b"more than a gzip file"), "its gzip data is damaged"),
        (vec![0x1f, 0x8b, 0, 0, 0, 0, 0, 0, 0, 0, 0], "its gzip data is damaged"),
    ];
    for (bytes, expected) in cases {
        let error = decode(&bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{error:?} should mention {expected:?}");
    }
}

#[test]
fn every_truncation_is_an_error() {
    for whole in [small(), gzip(&small())] {
        for length in 0..whole.len() {
            assert!(decode(&whole[..length]).is_err(), "cut to {length} of {} bytes", whole.len());
        }
        decode(&whole).unwrap();
    }
}

#[test]
fn every_flipped_bit_of_a_gzip_is_an_error_or_the_same_content() {
    let original = decode(&small()).unwrap();
    let whole = gzip(&small());
    let mut same = 0;
    for bit in 0..8 * whole.len() {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        if let Ok(read) = decode(&damaged) {
            assert_eq!(read, original, "bit {bit}");
            same += 1;
        }
    }
    // The time, the compression hint and the system in the gzip header do not matter; all else
    // does.
    assert!(same <= 6 * 8 + 8, "{same} flips went unnoticed");
}

#[test]
fn highly_compressible_values_are_read_whole() {
    let values = vec![7; 3 << 20];
    let bytes = gzip(&encode(&[3, 1 << 20], &values).unwrap());
    assert!(bytes.len() * 100 < values.len(), "this must exceed the first guess at the size");
    assert_eq!(decode(&bytes).unwrap().values, values);
}

#[test]
fn files_are_recognized_by_content_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let digest = hex(&Sha256::digest(small()));
    for (name, bytes) in [("plain.gz", small()), ("packed", gzip(&small()))] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(read(&path).unwrap(), decode(&small()).unwrap());
        assert_eq!(read_verified(&path, &digest).unwrap(), read(&path).unwrap());
        let error = read_verified(&path, &"0".repeat(64)).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(&digest), "{error}");
    }
    assert!(matches!(read(&folder.path().join("absent")), Err(Error::Io { .. })));
    assert!(matches!(read(folder.path()), Err(Error::Io { .. })), "a folder is no file");
}

#[test]
fn encode_refuses_what_decode_would() {
    assert!(encode(&[], &[]).is_err());
    assert!(encode(&[0], &[]).is_err());
    assert!(encode(&[2, 2], &[1, 2, 3]).is_err());
    assert!(encode(&[usize::MAX], &[]).is_err());
    assert!(encode(&[1; 256], &[1]).is_err());
    assert!(encode(&[1; 255], &[1]).is_ok());
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(shape in prop::collection::vec(1usize..6, 1..5), seed: u8, packed: bool) {
        let count: usize = shape.iter().product();
        let values: Vec<u8> = (0..count).map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed)).collect();
        let plain = encode(&shape, &values).unwrap();
        let read = decode(&if packed { gzip(&plain) } else { plain }).unwrap();
        prop_assert_eq!(read, IdxArray { shape, element: Element::UnsignedByte, values });
    }

    #[test]
    fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), start in 0usize..4) {
        let starts: [&[u8]; 4] = [&[], &[0, 0, 8], &[0, 0, 8, 2, 0, 0, 0], &[0x1f, 0x8b, 8, 0]];
        let mut whole = starts[start].to_vec();
        whole.extend(bytes);
        if let Ok(array) = decode(&whole) {
            prop_assert_eq!(array.shape.iter().product::<usize>(), array.values.len());
        }
    }
}

#[test]
fn values_of_every_type_are_those_that_were_written() {
    let cases: [(u8, Vec<u8>, [f32; 2]); 6] = [
        (0x08, vec![0, 200], [0.0, 200.0]),
        (0x09, vec![1, 200], [1.0, -56.0]),
        (0x0b, [-2i16, 300].map(i16::to_be_bytes).concat(), [-2.0, 300.0]),
        (0x0c, [-70_000i32, 5].map(i32::to_be_bytes).concat(), [-70_000.0, 5.0]),
        (0x0d, [0.5f32, -1.25].map(f32::to_be_bytes).concat(), [0.5, -1.25]),
        (0x0e, [0.1f64, -3.0].map(f64::to_be_bytes).concat(), [0.1, -3.0]),
    ];
    for (kind, values, expected) in cases {
        let whole = [header(kind, &[2]), values].concat();
        for bytes in [whole.clone(), gzip(&whole)] {
            assert_eq!(decode(&bytes).unwrap().floats(), expected);
        }
    }
}

#[test]
fn labels_are_integers_of_any_size_the_first_of_each_row() {
    let labels =
        |kind, sizes: &[u32], values: &[u8]| decode(&[header(kind, sizes), values.to_vec()].concat()).unwrap().labels();
    assert_eq!(labels(0x08, &[3], &[2, 0, 255]), Ok(vec![2, 0, 255]));
    assert_eq!(labels(0x0c, &[2], &[0, 0, 1, 44, 0, 0, 0, 7]), Ok(vec![300, 7]));
    assert_eq!(labels(0x0c, &[2, 2], &[0, 0, 0, 5, 9, 9, 9, 9, 0, 0, 0, 6, 9, 9, 9, 9]), Ok(vec![5, 6]));
    let wrong = |kind, sizes: &[u32], values: &[u8]| labels(kind, sizes, values).unwrap_err();
    assert_eq!(wrong(0x09, &[2], &[1, 255]), "example 1 has label -1; labels go from 0 to 65535 at most");
    assert!(wrong(0x0c, &[1], &[0x7f, 0, 0, 0]).contains("label 2130706432"));
    assert!(wrong(0x0d, &[1], &[0; 4]).contains("labels need integers; these are 32-bit floats"));
    assert!(wrong(0x08, &[1, 1, 1], &[0]).contains("labels need one dimension, or two with the label first"));
}
