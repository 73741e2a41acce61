use crate::{Error, Result};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// Opens a file of a run to read it. Whatever else lies there by its name, a pipe, a device or a
/// folder, is refused at once: a run consists of files, and opening a named pipe would wait, for
/// ever if need be, until somebody writes into it.
///
/// # Errors
/// Those of [`File::open`], and one that says what is there instead of a file.
pub fn open_file(path: &Path) -> io::Result<File> {
    open_file_with(File::options().read(true), path)
}

/// [`open_file`] in another way than to read.
///
/// # Errors
/// Those of [`open_file`].
pub fn open_file_with(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    // Looked at before it is opened, since opening can do something: it wakes who waits at the
    // other end of a pipe. What is not there is for the options to make or to miss.
    if let Ok(there) = fs::metadata(path) {
        check(&there)?;
    }
    // It may have become a pipe since. Of a file this flag changes nothing.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NONBLOCK);
    let file = options.open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// All bytes of a file that [`open_file`] opens.
///
/// # Errors
/// [`Error::Io`] when it cannot be read or is no file.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    let read = || {
        let mut bytes = Vec::new();
        open_file(path)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(Error::io("read", path))
}

/// The text of a file that [`open_file`] opens.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, is no file or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    let text = |bytes| String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error));
    text(read_file(path)?).map_err(Error::io("read", path))
}

fn check(there: &Metadata) -> io::Result<()> {
    let kind = there.file_type();
    if kind.is_file() {
        return Ok(());
    }
    let what = if kind.is_dir() { "a folder" } else { special(kind) };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}, not a file")))
}

#[cfg(unix)]
fn special(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn special(_: fs::FileType) -> &'static str {
    "something else"
}
