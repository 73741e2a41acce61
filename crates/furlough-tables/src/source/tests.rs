use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::Write;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn content(bytes: &[u8]) -> Result<Vec<u8>> {
    let (_folder, path) = file(bytes);
    let mut source = ByteSource::open(&path)?;
    let mut content = Vec::new();
    while !source.fill(&mut content, usize::min(1 << 30, bytes.len() * 2000 + 1))? {}
    Ok(content)
}

#[test]
fn compression_is_told_by_content_with_all_members_and_frames() {
    let long = b"0123456789,".repeat(50_000);
    let skippable = [&[0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"xyz"].concat();
    for (stored, expected) in [
        (b"".to_vec(), b"".to_vec()),
        (b"a,b\n".to_vec(), b"a,b\n".to_vec()),
        (gzip(b"a,b\n"), b"a,b\n".to_vec()),
        ([gzip(&long), gzip(b""), gzip(b"end")].concat(), [&long[..], b"end"].concat()),
        (zstd(&long), long.clone()),
        ([skippable.clone(), zstd(&long), skippable, zstd(b"end")].concat(), [&long[..], b"end"].concat()),
    ] {
        assert!(content(&stored).unwrap() == expected);
    }
}

#[test]
fn a_byte_order_mark_is_left_out_also_of_what_is_compressed() {
    for text in ["", "a", "ab,c"] {
        let marked = format!("\u{feff}{text}");
        assert_eq!(content(marked.as_bytes()).unwrap(), text.as_bytes());
        assert_eq!(content(&gzip(marked.as_bytes())).unwrap(), text.as_bytes());
    }
    assert_eq!(content(b"\xef\xbb").unwrap(), b"\xef\xbb");
}

#[test]
fn utf_16_is_told() {
    let error = content(b"\xff\xfea\0,\0b\0").unwrap_err().to_string();
    assert!(error.contains("is UTF-16") && error.contains("iconv"), "{error}");
}

#[test]
fn damaged_or_cut_off_compression_is_an_error() {
    let long: Vec<u8> = (0..100_000u32).flat_map(|i| (i.wrapping_mul(2_654_435_761) >> 7).to_le_bytes()).collect();
    for (stored, name) in [(gzip(&long), "gzip"), (zstd(&long), "zstd")] {
        for cut in [5, stored.len() / 2, stored.len() - 1] {
            let error = content(&stored[..cut]).unwrap_err().to_string();
            assert!(error.contains(&format!("its {name} data: ")), "{error}");
        }
        let mut flipped = stored.clone();
        let at = flipped.len() - 2;
        flipped[at] ^= 1;
        assert!(content(&flipped).is_err());
        assert!(content(&[stored, b"garbage".to_vec()].concat()).is_err());
    }
}

#[test]
fn a_file_that_is_made_to_fill_a_memory_is_refused() {
    // 80 members of 16 MiB each.
    let member = gzip(&vec![b'0'; 1 << 24]);
    let (_folder, path) = file(&member.repeat(80));
    let mut source = ByteSource::open(&path).unwrap();
    let mut bytes = Vec::new();
    let error = loop {
        bytes.clear();
        match source.fill(&mut bytes, 1 << 24) {
            Ok(ended) => assert!(!ended),
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("more than 100 times its size: 10"), "{error}");
}

#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    let (_folder, path) = file(b"a,b\n1,2\n");
    let mut source = ByteSource::open(&path).unwrap();
    let mut bytes = Vec::new();
    assert!(!source.fill(&mut bytes, 4).unwrap());
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"3,4\n").unwrap();
    let error = source.fill(&mut bytes, 100).unwrap_err();
    assert!(matches!(error, Error::Changed { .. }), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = ByteSource::open(Path::new("/nowhere/a.csv")).err().unwrap().to_string();
    assert!(error.starts_with("cannot read /nowhere/a.csv: "), "{error}");
}

#[test]
fn standard_input_can_be_read_twice_from_its_copy() {
    let copy = Rereadable::copied(&mut &b"a,b\n"[..]).unwrap();
    for _ in 0..2 {
        let mut bytes = Vec::new();
        ByteSource::open(copy.path()).unwrap().fill(&mut bytes, 10).unwrap();
        assert_eq!(bytes, b"a,b\n");
    }
    let path = copy.path().to_path_buf();
    drop(copy);
    assert!(!path.exists());
}
