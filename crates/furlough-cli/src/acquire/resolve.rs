//! The order in which the places are tried: the folder that the user named, the cache, the system's
//! folder, the network, the distribution's package.

use super::places::Places;
use super::source::Source;
use super::{Acquired, Report, cache, debian, download};
use crate::failure::Hinted;
use anyhow::{Result, anyhow};
use furlough::data::catalog;
use std::path::{Path, PathBuf};

/// From a folder that the user named: what is wrong there is the user's to know, so nothing else is
/// tried.
pub fn from_data_dir(source: &Source, folder: &Path, report: Report) -> Result<Acquired> {
    let loaded = source.load(folder).map_err(|error| Hinted {
        message: error.to_string(),
        hint: format!(
            "--data-dir must name a folder with the four files of {}, plain or gzip'd; for other data in the same \
             format pass --data {}",
            source.title,
            catalog::OWN_FILES
        ),
    })?;
    Ok(Acquired::new(loaded, report))
}

/// From the cache or the system's folder, if it is there. Writes nothing.
pub fn from_local(source: &Source, places: &Places, report: Report) -> Option<Acquired> {
    let mut attempts = Attempts::new(report);
    from_cache(source, places, &mut attempts).or_else(|| {
        let found = from_system(source, places, attempts.report);
        attempts.offer("system package", found)
    })
}

/// From the first place that has it; kept in the cache if it was not there.
pub fn from_anywhere(source: &Source, places: &Places, report: Report) -> Result<Acquired> {
    let mut attempts = Attempts::new(report);
    if let Some(found) = from_cache(source, places, &mut attempts) {
        return Ok(found);
    }
    if places.folder(source).is_some_and(|folder| cache::seems_complete(&folder, source)) {
        (attempts.report)("the damaged file in the cache needs replacing");
    }
    let found = from_system(source, places, attempts.report);
    if let Some(found) = attempts.offer("system package", found) {
        if let Some(folder) = places.folder(source)
            && let Err(error) = cache::copy(&places.system(source), &folder, source)
        {
            (attempts.report)(&format!("not kept in the cache: {error:#}"));
        }
        return Ok(found);
    }
    // Without a cache that can be written, what is fetched serves this once.
    let kept = places.folder(source).ok_or_else(|| anyhow!("{NO_CACHE}"));
    let kept = kept.and_then(|folder| cache::prepare(&folder).map(|()| folder));
    let (_temporary, folder) = match kept {
        Ok(folder) => (None, folder),
        Err(error) => {
            (attempts.report)(&format!("what is fetched will not be kept: {error:#}"));
            let temporary = tempfile::tempdir()?;
            let folder = temporary.path().to_path_buf();
            (Some(temporary), folder)
        }
    };
    let origin = obtain(source, places, &folder, false, &mut attempts)?;
    Ok(Acquired { split: source.load(&folder)?.split, origin })
}

/// Into the cache, from the first place that has it. Answers the folder.
pub fn into_cache(source: &Source, places: &Places, force: bool, report: Report) -> Result<PathBuf> {
    let folder = places.folder(source).ok_or_else(|| anyhow!("{NO_CACHE}"))?;
    if !force && source.files.iter().all(|file| cache::holds(&folder, file)) {
        return Ok(folder);
    }
    cache::prepare(&folder)?;
    let mut attempts = Attempts::new(report);
    let copied = system_folder(source, places).and_then(|system| cache::copy(&system, &folder, source));
    if attempts.offer("system package", copied).is_some() {
        return Ok(folder);
    }
    obtain(source, places, &folder, force, &mut attempts)?;
    Ok(folder)
}

const NO_CACHE: &str = "there is no cache directory: none of FURLOUGH_CACHE, XDG_CACHE_HOME and HOME is set";

/// By download or package into `folder`. Answers where it came from.
fn obtain(source: &Source, places: &Places, folder: &Path, force: bool, attempts: &mut Attempts) -> Result<String> {
    let result = download::download(source, places, folder, force, attempts.report);
    if attempts.offer("download", result).is_some() {
        return Ok(places.url(source));
    }
    if !places.no_packages {
        let result = debian::fetch(source, folder, attempts.report);
        if attempts.offer("Debian package", result).is_some() {
            return Ok(format!("the Debian package {}", source.debian_package));
        }
    }
    Err(attempts.all_failed(source))
}

fn from_cache(source: &Source, places: &Places, attempts: &mut Attempts) -> Option<Acquired> {
    let Some(folder) = places.folder(source) else {
        attempts.failed("cache", NO_CACHE);
        return None;
    };
    if !source.files.iter().any(|file| folder.join(file.name).exists()) {
        attempts.failed("cache", format!("nothing in {}", folder.display()));
        return None;
    }
    let loaded = source.load(&folder).map(|loaded| Acquired::new(loaded, attempts.report));
    attempts.offer("cache", loaded.map_err(Into::into))
}

fn from_system(source: &Source, places: &Places, report: Report) -> Result<Acquired> {
    let folder = system_folder(source, places)?;
    Ok(Acquired::new(source.load(&folder)?, report))
}

fn system_folder(source: &Source, places: &Places) -> Result<PathBuf> {
    let folder = places.system(source);
    if folder.is_dir() { Ok(folder) } else { Err(anyhow!("there is no {}", folder.display())) }
}

/// What was tried in vain, told as it happens and once more at the end.
struct Attempts<'a> {
    report: Report<'a>,
    failures: Vec<String>,
}

impl<'a> Attempts<'a> {
    fn new(report: Report<'a>) -> Self {
        Attempts { report, failures: Vec::new() }
    }

    fn offer<T>(&mut self, way: &str, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.failed(way, format!("{error:#}"))).ok()
    }

    fn failed(&mut self, way: &str, why: impl std::fmt::Display) {
        let failure = format!("{way}: {why}");
        (self.report)(&failure);
        self.failures.push(failure);
    }

    fn all_failed(&self, source: &Source) -> anyhow::Error {
        let message = format!("{} could not be had: {}", source.title, self.failures.join("; "));
        let mut hint = String::from("get these four files (plain or gzip'd) into a folder and pass --data-dir FOLDER:");
        for file in &source.files {
            hint += &format!("\n  {}/{}.gz", source.url, file.name);
        }
        hint += "\nor use data that are built in: --data digits";
        Hinted { message, hint }.into()
    }
}
