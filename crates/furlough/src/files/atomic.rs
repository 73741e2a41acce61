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
    // Whatever fails from here on, the temporary file goes with its handle.
    let mut whole = AtomicFile::create(path)?;
    fill(&mut whole.file).map_err(Error::io("write", path))?;
    whole.persist()
}

/// A file that is written bit by bit under a name of its own, which is taken away again unless
/// [`Self::persist`] gives it its lasting one. For what fits in memory there is [`write_atomic`].
#[derive(Debug)]
pub struct AtomicFile {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    lasting: bool,
}

impl AtomicFile {
    /// Begins a file that is to be at `path`, under another name in the same folder.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("{TEMP_PREFIX}{}-{number}{TEMP_SUFFIX}", std::process::id());
            let temporary = folder_of(path).join(name);
            match File::create_new(&temporary) {
                Ok(file) => return Ok(AtomicFile { file, temporary, path: path.into(), lasting: false }),
                // Another process of that number left it, or has it: process numbers are one
                // host's.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::io("write", path)(error)),
            }
        }
    }

    /// Returns where it is until it lasts, for whoever must remove it in another way.
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Puts the file in its place, whole and through a power cut.
    ///
    /// # Errors
    /// [`Error::Io`] when the disk is full or the folder cannot be written; the place is then what
    /// it was, and nothing else is left behind.
    pub fn persist(mut self) -> Result<()> {
        let mut attempt = || {
            self.file.sync_all()?;
            fs::rename(&self.temporary, &self.path)?;
            self.lasting = true;
            sync_folder(folder_of(&self.path))
        };
        attempt().map_err(Error::io("write", &self.path))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if !self.lasting {
            let _ = fs::remove_file(&self.temporary); // an error is on its way already
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
