//! What the targets do with bytes.

use furlough_tables::{FileFormat, InferOptions, ReadAs, Reader, Result, Schema, sniff};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Libraries may panic on damaged files where the readers catch it. The hook of libFuzzer would end
/// the program before that; a panic that nothing catches ends it all the same.
pub fn let_panics_be_caught() {
    std::panic::set_hook(Box::new(|panic| {
        if std::env::var_os("FUZZ_SHOW_PANICS").is_some() {
            eprintln!("{panic}");
        }
    }));
}

/// A file in memory that has these bytes until the next call of its thread.
fn file(bytes: &[u8]) -> PathBuf {
    thread_local! {
        static FOLDER: RefCell<Option<TempDir>> = const { RefCell::new(None) };
    }
    FOLDER.with_borrow_mut(|folder| {
        let memory = Path::new("/dev/shm");
        let made = || if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        let folder = folder.get_or_insert_with(|| made().expect("a folder for the file"));
        let path = folder.path().join("input");
        std::fs::write(&path, bytes).expect("a file for the bytes");
        path
    })
}

/// The rows of a file may be without end: a few bytes of Parquet can mean billions. So many blocks
/// are read.
const BLOCKS: usize = 50;

/// Reads a file in a format: as text and as numbers, in small blocks, on one thread and on two.
pub fn read(bytes: &[u8], format: &FileFormat) {
    let path = file(bytes);
    let blocks = |wanted: &dyn Fn(&str) -> ReadAs, threads| -> Result<Vec<_>> {
        Reader::open_in_chunks(&path, format, wanted, threads)?.take(BLOCKS).collect()
    };
    let whole = blocks(&|_| ReadAs::Text, (1, 1 << 16));
    let shared = blocks(&|_| ReadAs::Text, (2, 1 << 16));
    match (&whole, &shared) {
        (Ok(one), Ok(two)) => assert_eq!(format!("{one:?}"), format!("{two:?}")),
        (Err(one), Err(two)) => assert_eq!(one.to_string(), two.to_string()),
        _ => panic!("one thread: {:?}; two: {:?}", whole.map(|_| ()), shared.map(|_| ())),
    }
    let _ = blocks(&|_| ReadAs::numbers(), (1, 64));
}

/// Finds out what a file is, and reads it so.
pub fn find_out(bytes: &[u8]) {
    let path = file(bytes);
    if let Ok(format) = sniff(&path) {
        read(bytes, &format);
    }
}

/// Infers the schema of a file.
pub fn infer(bytes: &[u8]) {
    let path = file(bytes);
    if let Ok(schema) = Schema::infer(&path, &InferOptions { rows: 1000, ..InferOptions::default() }) {
        let text = schema.to_toml();
        assert_eq!(Schema::parse_toml(&text, None).expect("what was written is read"), schema);
    }
}

/// Calls `read` with the path of a file that has these bytes, with a seal that is right if they
/// have one: no byte would ever be looked at behind a seal that is wrong.
pub fn sealed(bytes: &[u8], read: impl FnOnce(&Path)) {
    const MARK: &[u8] = br#"\"sha256\":\""#;
    const DIGITS: usize = 64;
    let mut bytes = bytes.to_vec();
    if let Some(mark) = bytes.windows(MARK.len()).position(|window| window == MARK) {
        let seal = mark + MARK.len()..mark + MARK.len() + DIGITS;
        if seal.end <= bytes.len() {
            bytes[seal.clone()].fill(b'0');
            let digest = furlough::files::sha256_hex(&bytes);
            bytes[seal].copy_from_slice(digest.as_bytes());
        }
    }
    read(&file(&bytes));
}
