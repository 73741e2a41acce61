//! The cache: one folder a data set, with its files decompressed, so that loading them is reading
//! and hashing and no more.

use super::source::Source;
use anyhow::{Context, Result, anyhow, bail};
use flate2::bufread::MultiGzDecoder;
use furlough::data::idx_folder::{self, KnownFile};
use furlough::files::open_file;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

const CHUNK: usize = 128 << 10;
/// What the names of files that are not whole yet begin with.
const INCOMING: &str = ".incoming-";
/// How long such a file must have lain untouched to be no one's.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Whether the folder has every file of the source, by name.
pub fn seems_complete(folder: &Path, source: &Source) -> bool {
    source.files.iter().all(|file| !idx_folder::candidates(folder, file.name).is_empty())
}

/// Whether the folder has this very file, decompressed.
pub fn holds(folder: &Path, file: &KnownFile) -> bool {
    let read = || -> std::io::Result<bool> {
        let mut content = open_file(&folder.join(file.name))?;
        if content.metadata()?.len() != file.bytes {
            return Ok(false);
        }
        let mut hash = Sha256::new();
        std::io::copy(&mut content, &mut Hashing { hash: &mut hash, file: std::io::sink() })?;
        Ok(hex(hash) == file.sha256)
    };
    read().unwrap_or(false)
}

/// Makes the folder, makes sure that files can be put there, and clears away what a killed download
/// left.
pub fn prepare(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    staged(folder)?;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let age = entry.metadata().and_then(|about| about.modified()).ok().and_then(|time| time.elapsed().ok());
        // A younger one may be another process's, still at work.
        if entry.file_name().to_string_lossy().starts_with(INCOMING) && age.is_some_and(|age| age > ABANDONED) {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// Puts one file into the folder from a stream of its content, plain or gzip'd. It appears there
/// whole and checked, or not at all.
pub fn put(folder: &Path, file: &KnownFile, content: impl Read) -> Result<()> {
    let mut content = BufReader::with_capacity(CHUNK, content);
    let packed = content.fill_buf().context("reading it failed")?.starts_with(&[0x1f, 0x8b]);
    let mut staged = staged(folder)?;
    let mut hash = Sha256::new();
    let mut into = Hashing { hash: &mut hash, file: Storing { folder, file: staged.as_file_mut() } };
    // One byte more than there should be is enough to know that it is the wrong file.
    let limit = file.bytes + 1;
    let written = if packed {
        std::io::copy(&mut MultiGzDecoder::new(content).take(limit), &mut into)
    } else {
        std::io::copy(&mut content.take(limit), &mut into)
    }
    .context("it broke off")?;
    if written > file.bytes {
        bail!("it is longer than the {} bytes that it should have", file.bytes);
    }
    if written < file.bytes {
        bail!("it has {written} of {} bytes", file.bytes);
    }
    let found = hex(hash);
    if found != file.sha256 {
        bail!("its content has SHA-256 {found}, not {}", file.sha256);
    }
    let path = folder.join(file.name);
    let stored = || format!("cannot store {}", path.display());
    readable_by_all(staged.as_file()).with_context(stored)?;
    staged.as_file().sync_all().with_context(stored)?;
    staged.persist(&path).with_context(stored)?;
    Ok(())
}

/// Puts every file that the folder lacks there from another folder, plain or gzip'd.
pub fn copy(from: &Path, folder: &Path, source: &Source) -> Result<()> {
    prepare(folder)?;
    for file in &source.files {
        let store = |path: PathBuf| -> Result<()> {
            let content = open_file(&path).with_context(|| format!("cannot open {}", path.display()))?;
            put(folder, file, content).with_context(|| path.display().to_string())
        };
        let missing = anyhow!("{} has no {}, plain or .gz", from.display(), file.name);
        let mut candidates = idx_folder::candidates(from, file.name).into_iter();
        let first = candidates.next().map_or(Err(missing), store);
        if first.is_err() && !candidates.any(|path| store(path).is_ok()) {
            return first;
        }
    }
    Ok(())
}

fn staged(folder: &Path) -> Result<tempfile::NamedTempFile> {
    tempfile::Builder::new()
        .prefix(INCOMING)
        .tempfile_in(folder)
        .with_context(|| format!("cannot write in {}", folder.display()))
}

/// Temporary files are made for their owner alone, but a cache may be shared.
fn readable_by_all(file: &File) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

struct Hashing<'a, W> {
    hash: &'a mut Sha256,
    file: W,
}

impl<W: Write> Write for Hashing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// Writes, and tells a full disk from a failed download.
struct Storing<'a> {
    folder: &'a Path,
    file: &'a mut File,
}

impl Write for Storing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes).map_err(|error| {
            let place = self.folder.display();
            let text = format!("cannot store it in {place}: {error} (FURLOUGH_CACHE can name another place)");
            std::io::Error::new(error.kind(), text)
        })
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
