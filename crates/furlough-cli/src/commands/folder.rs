//! What a folder holds: a run, a tune, a study, or more folders with such things in them.

use anyhow::bail;
use furlough_lab::run::RunDir;
use furlough_lab::study::StudyFolder;
use furlough_lab::tune::TuneDir;
use std::fs;
use std::path::{Path, PathBuf};

/// What a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderKind {
    /// A run.
    Run,
    /// Runs whose networks are one model.
    Members,
    /// A tune.
    Tune,
    /// A study.
    Study,
}

impl FolderKind {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            FolderKind::Run => "run",
            FolderKind::Members => "members",
            FolderKind::Tune => "tune",
            FolderKind::Study => "study",
        }
    }

    /// What `folder` is by itself; none where it is nothing of the kind.
    pub fn of(folder: &Path) -> Option<Self> {
        let has = |name: &str| folder.join(name).exists();
        if has(RunDir::RECIPE) {
            Some(if has(RunDir::MEMBERS) { FolderKind::Members } else { FolderKind::Run })
        } else if has(TuneDir::OPTIONS) {
            Some(FolderKind::Tune)
        } else if has(StudyFolder::STUDY) || has(StudyFolder::TABLE) {
            Some(FolderKind::Study)
        } else {
            None
        }
    }
}

/// Returns the folder to go on with: of one of several networks the run that it is part of, as the
/// others go on with it.
pub fn to_resume(run: &Path) -> PathBuf {
    RunDir::outer_run(run).unwrap_or_else(|| run.to_path_buf())
}

/// How far below a folder others are looked for: `studies/rate/trials/RUN` is three below
/// `studies`.
const DEPTH: usize = 3;

/// Returns the folders at or below `root` that are `what` is asked for, `most` at most, in no
/// order; none of them lies within another one. Folders that cannot be read, hidden ones and links
/// are passed over.
pub fn walk<T>(root: &Path, most: usize, what: impl Fn(&Path) -> Option<T>) -> Vec<(PathBuf, T)> {
    let mut found = Vec::new();
    let mut open = vec![(root.to_path_buf(), 0)];
    while let Some((folder, depth)) = open.pop().filter(|_| found.len() < most) {
        if let Some(what) = what(&folder) {
            found.push((folder, what));
            continue;
        }
        if depth == DEPTH {
            continue;
        }
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if !hidden && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push((entry.path(), depth + 1));
            }
        }
    }
    found
}

/// Returns the runs, tunes and studies at or below `root`, by name. A tune and a study count as
/// one, without their trials. Hidden folders and links are passed over.
pub fn found_in(root: &Path) -> Vec<(PathBuf, FolderKind)> {
    let mut found = walk(root, usize::MAX, FolderKind::of);
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Returns what each of the folders that somebody named holds: itself, or what is below it.
///
/// # Errors
/// When one of them does not exist or holds nothing of the kind.
pub fn expand(folders: &[PathBuf]) -> anyhow::Result<Vec<(PathBuf, FolderKind)>> {
    let mut all = Vec::new();
    for folder in folders {
        if !folder.is_dir() {
            // The library says what is wrong with it.
            RunDir::open(folder)?;
        }
        let found = found_in(folder);
        if found.is_empty() {
            if folder.join(RunDir::LOCK).exists() {
                RunDir::open(folder)?;
            }
            bail!(
                "{}: is neither a run (it has no {}) nor a tune (no {}) nor a study (no {} and no {}), and has none in \
                 it",
                folder.display(),
                RunDir::RECIPE,
                TuneDir::OPTIONS,
                StudyFolder::STUDY,
                StudyFolder::TABLE
            );
        }
        all.extend(found);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tune_a_study_and_members_are_one_each() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for (path, file) in [
            ("a", "recipe.toml"),
            ("both", "recipe.toml"),
            ("both/members/0", "recipe.toml"),
            ("tune", "tune.toml"),
            ("tune/trials/x", "recipe.toml"),
            ("studies/rate", "study.toml"),
            ("studies/rate/trials/y", "recipe.toml"),
            (".hidden", "recipe.toml"),
        ] {
            fs::create_dir_all(root.join(path)).unwrap();
            fs::write(root.join(path).join(file), "").unwrap();
        }
        let found: Vec<_> = found_in(root).into_iter().map(|(path, kind)| (path, kind.name())).collect();
        let expected = [("a", "run"), ("both", "members"), ("studies/rate", "study"), ("tune", "tune")];
        assert_eq!(found, expected.map(|(path, kind)| (root.join(path), kind)));
        assert!(expand(&[root.join("tune/trials/x/nothing")]).is_err());
        assert!(expand(&[root.join("studies/rate/trials/y")]).is_ok());
    }
}
