//! The distribution's own package, without installing it and so without root: apt knows mirrors and
//! proxies that a plain download does not, and checks the package's signature.

use super::Report;
use super::cache;
use super::source::Source;
use anyhow::{Context, Result, bail};
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

/// Downloads the package, unpacks it in a temporary folder, and puts its files into `folder`.
pub fn fetch(source: &Source, folder: &Path, report: Report) -> Result<()> {
    let package = source.debian_package;
    let work = tempfile::tempdir().context("cannot make a temporary folder")?;
    report(&format!("asking apt for the package {package}"));
    let mut apt = Command::new("apt-get");
    apt.args(["-qq", "-o", "Acquire::Retries=0"]);
    apt.args(["-o", "Acquire::http::Timeout=10", "-o", "Acquire::https::Timeout=10"]);
    // As root apt would warn that it cannot become its own user in a folder that is ours.
    apt.args(["-o", "APT::Sandbox::User=root", "download", package]);
    run(apt.current_dir(work.path())).map_err(|error| match error.to_string() {
        said if said.contains("Unable to locate package") => anyhow::anyhow!(
            "apt does not know the package {package}: its lists are missing or old (`sudo apt-get update` renews them)"
        ),
        _ => error,
    })?;

    let mut packages = std::fs::read_dir(work.path())?.flatten().map(|entry| entry.path());
    let Some(deb) = packages.find(|path| path.extension().is_some_and(|extension| extension == "deb")) else {
        bail!("apt-get reported success but left no package");
    };
    let root = work.path().join("root");
    run(Command::new("dpkg-deb").arg("-x").arg(&deb).arg(&root))?;
    let inside = root.join(source.system_folder.trim_start_matches('/'));
    cache::copy(&inside, folder, source).with_context(|| format!("in the package {package}"))
}

/// Runs a command with nothing on the terminal; what it complained of is the error.
fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = match command.env("LC_ALL", "C").stdin(Stdio::null()).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => bail!("there is no {name} here"),
        done => done.with_context(|| format!("cannot run {name}"))?,
    };
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        let lines: Vec<_> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        bail!("{name} failed ({}): {}", done.status, lines.join("; "));
    }
    Ok(())
}
