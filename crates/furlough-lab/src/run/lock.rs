use crate::{Error, Result};
use furlough::files::{is_leftover, open_file_with};
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::Path;

/// The file that is locked while a process works in a folder.
pub(crate) const LOCK: &str = "lock";

/// Takes a folder's lock, which lasts as long as the file and goes with the process.
///
/// # Errors
/// [`Error::Locked`] when another process has it, [`furlough::Error::Io`].
pub(crate) fn take_lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    let file = open_file_with(&mut options, &path).map_err(Error::io("write", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked { path: folder.to_path_buf() }),
        Err(TryLockError::Error(source)) => Err(Error::io("lock", &path)(source)),
    }
}

/// Returns something that lies in a folder, beside its lock, what a killed process left and files
/// of these names.
pub(crate) fn something_in(folder: &Path, names: &[&str]) -> Result<Option<OsString>> {
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let name = entry.map_err(Error::io("read", folder))?.file_name();
        if name != LOCK && !is_leftover(&name) && !names.iter().any(|other| name == *other) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}
