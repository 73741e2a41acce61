//! Where a page goes.

use anyhow::{Context, bail};
use furlough::files::{open_file, write_atomic};
use furlough_lab::report::is_report;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A file that may be written: it is not there yet, or is an earlier report.
pub struct PageFile {
    path: PathBuf,
}

impl PageFile {
    /// Checks the place, and writes nothing.
    ///
    /// # Errors
    /// When it is a folder, has no folder to be in, or is a file that is no report.
    pub fn new(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        if path.is_dir() {
            bail!("{shown}: is a folder; name a file with --out, such as {}", path.join("report.html").display());
        }
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            bail!("{shown}: there is no folder {}; make it first, or choose another --out", folder.display());
        }
        if path.exists() {
            let mut head = Vec::new();
            let file = open_file(path).with_context(|| format!("cannot read {shown}"))?;
            file.take(1024).read_to_end(&mut head).with_context(|| format!("cannot read {shown}"))?;
            if !is_report(&head) {
                bail!("{shown}: exists and is no report, so it is left as it is; choose another --out");
            }
        }
        Ok(PageFile { path: path.into() })
    }

    /// Writes the page, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, html: &str) -> anyhow::Result<()> {
        Ok(write_atomic(&self.path, html.as_bytes())?)
    }
}
