use crate::{Error, Result};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

const TEMP_PREFIX: &str = ".furlough-";
const TEMP_SUFFIX: &str = ".tmp";

/// Writes a file so that at every moment, a crash or a power cut included, `path` is either what it was or all of `bytes`.
///
/// # Errors
/// [`Error::Io`] when the disk is full or the folder cannot be written; `path` is then what it was, and nothing
/// else is left behind.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, |file| file.write_all(bytes))
}

/// [`write_atomic`] with the writing left to `fill`, so that a test can break it half-way.
pub(super) fn replace(path: &Path, fill: impl FnOnce(&mut File) -> std::io::Result<()>) -> Result<()> {
    let folder = folder_of(path);
    let attempt = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix(TEMP_PREFIX).suffix(TEMP_SUFFIX);
        // Temporary files are private by default, and a result is not: leave it to the umask.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        // Whatever fails from here on, the temporary file goes with its handle.
        let mut temp = builder.tempfile_in(folder)?;
        fill(temp.as_file_mut())?;
        temp.as_file().sync_all()?;
        temp.persist(path).map_err(|failed| failed.error)?;
        sync_folder(folder)
    };
    attempt().map_err(Error::io("write", path))
}

/// Makes names that were given or taken away in a folder last through a power cut.
///
/// # Errors
/// Those of opening and syncing the folder.
pub fn sync_folder(folder: &Path) -> std::io::Result<()> {
    // Elsewhere a folder cannot be opened as a file, and the file system orders renames itself.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Removes the temporary files of writers that were killed. Only for a folder that nobody else writes to.
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
