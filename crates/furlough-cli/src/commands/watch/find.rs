use crate::commands::folder::{FolderKind, walk};
use furlough_lab::run::RunDir;
use std::fs;
use std::path::{Path, PathBuf};

/// More than a page can show.
const MOST: usize = 10_000;

/// The run folders at or below `root`, in no order. Folders that cannot be read, hidden ones and
/// links are passed over; within a run there is no other run, but for those whose networks are one
/// model, however far below.
pub fn run_folders(root: &Path) -> Vec<PathBuf> {
    let kind =
        |folder: &Path| FolderKind::of(folder).filter(|kind| matches!(kind, FolderKind::Run | FolderKind::Members));
    let runs = |(folder, kind): (PathBuf, FolderKind)| match kind {
        FolderKind::Members => members(&folder),
        _ => vec![folder],
    };
    walk(root, MOST, kind).into_iter().flat_map(runs).take(MOST).collect()
}

/// The runs of several networks that have been begun.
fn members(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join(RunDir::MEMBERS)).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| FolderKind::of(path) == Some(FolderKind::Run)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_where_they_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let members = ["far/off/all", "far/off/all/members/0", "far/off/all/members/11"];
        let single = ["a", "study/trials/b", "x/y/z", "x/y/z/inner", "too/deep/for/this", ".hidden"];
        for run in single.into_iter().chain(members) {
            fs::create_dir_all(root.join(run)).unwrap();
            fs::write(root.join(run).join(RunDir::RECIPE), "").unwrap();
        }
        fs::create_dir(root.join("empty")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(root, root.join("study/loop")).unwrap();
        let mut found = run_folders(root);
        found.sort_unstable();
        let expected = ["a", members[1], members[2], "study/trials/b", "x/y/z"];
        assert_eq!(found, expected.map(|run| root.join(run)));
        assert_eq!(run_folders(&root.join("a")), [root.join("a")]);
        assert!(run_folders(&root.join("missing")).is_empty());
    }
}
