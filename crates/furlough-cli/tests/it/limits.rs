//! Limits of the system: work that can do without goes on, and the rest ends with one error that
//! names the limit.

use crate::common::{folder, furlough, ok};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

furlough_harness::tests![a_system_without_room_for_threads,];

/// `furlough ARGS` where the system allows no further process or thread.
fn alone(folder: &Path, args: &str) -> Output {
    let mut command = Command::new("./furlough");
    command.current_dir(folder).env_clear().env("LC_ALL", "C.UTF-8").env("HOME", folder);
    command.args(args.split(' ')).stdin(Stdio::null());
    // SAFETY: `geteuid` cannot fail.
    if unsafe { libc::geteuid() } == 0 {
        command.uid(65_534).gid(65_534); // the limit is not for root
    }
    let limit = || {
        let one = libc::rlimit { rlim_cur: 1, rlim_max: 1 };
        // SAFETY: the pointer is to a limit that outlives the call.
        match unsafe { libc::setrlimit(libc::RLIMIT_NPROC, &raw const one) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    // SAFETY: `limit` allocates nothing and takes no lock.
    unsafe { command.pre_exec(limit) };
    command.output().unwrap()
}

/// Four IDX files of 2 × 2 pixels.
fn own_data(folder: &Path) {
    fs::create_dir(folder).unwrap();
    for (part, count) in [("train", 20_u8), ("t10k", 4)] {
        let images: Vec<u8> =
            [0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 2, 0, 0, 0, 2].into_iter().chain(0..4 * count).collect();
        let labels: Vec<u8> = [0, 0, 8, 1, 0, 0, 0, count].into_iter().chain((0..count).map(|i| i % 2)).collect();
        fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
    }
}

fn a_system_without_room_for_threads() {
    let folder = folder();
    let folder = folder.path();
    fs::set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
    fs::copy(furlough(folder).get_program(), folder.join("furlough")).unwrap();
    let study =
        "title = 's'\n[base]\ndata = 'digits'\nhidden = 8\nepochs = 1\n[axes]\ndropout = [0.5]\n[seeds]\ncount = 1\n";
    fs::write(folder.join("s.toml"), study).unwrap();
    own_data(&folder.join("own"));
    for args in [
        "train --data idx --data-dir own --hidden 8 --epochs 2 --threads 4 --out own-run",
        "train --data digits --hidden 8 --epochs 2 --threads 4 --out a",
        "train --data digits --hidden 8 --epochs 2 --json --out b",
        "evaluate a --threads 4 --samples 3",
        "info a",
        "report a b --threads 3",
        "data info digits",
    ] {
        let output = alone(folder, args);
        assert!(output.status.success() && output.stderr.is_empty(), "furlough {args}: {output:?}");
        assert!(!output.stdout.is_empty(), "furlough {args}");
    }
    for args in [
        "tune --data digits --hidden 8 --epochs 1 --trials 4 --seeds 2 --threads 2 --out t",
        "study run s.toml --out s --jobs 2",
        "watch --port 0",
    ] {
        let output = alone(folder, args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "furlough {args}: {said}");
        assert_eq!(said.matches("error: ").count(), 1, "furlough {args}: {said}");
        assert!(said.contains("cannot start a thread") && said.contains("`ulimit -u`"), "furlough {args}: {said}");
    }
    // What was refused there goes on where there is room.
    fs::remove_dir_all(folder.join("s")).unwrap_or_default();
    ok(folder, "study run s.toml --out s");
}
