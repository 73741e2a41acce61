use crate::{Error, Result};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const TEMP_PREFIX: &str = ".furlough-";
const TEMP_SUFFIX: &str = ".tmp";

/// Writes a file so that at every moment, a crash or a power cut included, `path` is either what it
/// was or all of `bytes`.
///
/// # Errors
/// [`Error::Io`] when the disk is full or the folder cannot be written; `path` is then what it was,
/// and nothing else is left behind.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, |file| file.write_all(bytes))
}

/// [`write_atomic`] with the writing left to `fill`, so that a test can break it half-way.
pub(super) fn replace(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    let folder = folder_of(path);
    let attempt = || {
        // Whatever fails from here on, the temporary file goes with its handle.
        let mut temp = Temporary::new(folder)?;
        fill(&mut temp.file)?;
        temp.file.sync_all()?;
        temp.persist(path)?;
        sync_folder(folder)
    };
    attempt().map_err(Error::io("write", path))
}

/// A file under a name of its own, which is taken away again unless it gets its lasting one.
struct Temporary {
    file: File,
    path: PathBuf,
    lasting: bool,
}

impl Temporary {
    fn new(folder: &Path) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{TEMP_PREFIX}{}-{number}{TEMP_SUFFIX}", std::process::id()));
            match File::create_new(&path) {
                Ok(file) => return Ok(Temporary { file, path, lasting: false }),
                // Another process of that number left it, or has it: process numbers are one
                // host's.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn persist(&mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.lasting = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.lasting {
            let _ = fs::remove_file(&self.path); // an error is on its way already
        }
    }
}

/// Makes names that were given or taken away in a folder last through a power cut.
///
/// # Errors
/// Those of opening and syncing the folder.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened as a file, and the file system orders renames itself.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Removes the temporary files of writers that were killed. Only for a folder that nobody else
/// writes to.
///
/// # Errors
/// [`Error::Io`] when the folder cannot be read or a file cannot be removed.
pub fn remove_leftovers(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let entry = entry.map_err(Error::io("read", folder))?;
        if is_leftover(&entry.file_name()) {
            let path = entry.path();
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}

/// Whether a file of this name is a temporary file of [`write_atomic`].
pub fn is_leftover(name: &std::ffi::OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(TEMP_PREFIX) && name.ends_with(TEMP_SUFFIX))
}

/// Returns the folder that a file is in: its parent, or `.` for a bare name.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}
