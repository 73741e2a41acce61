use crate::commands::folder::{FolderKind, walk};
use std::path::{Path, PathBuf};

/// More than a page can show.
const MOST: usize = 10_000;

/// The run folders at or below `root`, in no order. Folders that cannot be read, hidden ones and
/// links are passed over; within a run there is no other run, but for those whose networks are one
/// model.
pub fn run_folders(root: &Path) -> Vec<PathBuf> {
    let is_run = |folder: &Path| (FolderKind::of(folder) == Some(FolderKind::Run)).then_some(());
    walk(root, MOST, is_run).into_iter().map(|(folder, ())| folder).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use furlough_lab::run::RunDir;
    use std::fs;

    #[test]
    fn runs_are_found_where_they_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for run in ["a", "study/trials/b", "x/y/z", "x/y/z/inner", "too/deep/for/this", ".hidden"] {
            fs::create_dir_all(root.join(run)).unwrap();
            fs::write(root.join(run).join(RunDir::RECIPE), "").unwrap();
        }
        fs::create_dir(root.join("empty")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(root, root.join("study/loop")).unwrap();
        let mut found = run_folders(root);
        found.sort_unstable();
        assert_eq!(found, ["a", "study/trials/b", "x/y/z"].map(|run| root.join(run)));
        assert_eq!(run_folders(&root.join("a")), [root.join("a")]);
        assert!(run_folders(&root.join("missing")).is_empty());
    }
}
