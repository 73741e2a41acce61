//! A disk that is really full: a small one in memory, mounted where only this test sees it. Where
//! the system lets nobody do that, the tests are skipped; what is done about such an error is
//! tested without a disk too, in `commands/study/run.rs`.

use crate::common::{folder, furlough, ok};
use std::fs;
use std::path::Path;
use std::process::Command;

furlough_harness::tests![
    a_full_disk_stops_a_study_which_goes_on_later unless without_disks(),
    a_full_disk_stops_a_tune_which_goes_on_later unless without_disks(),
];

/// Runs a script as root of a space of its own.
fn unshared(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
    command
}

fn without_disks() -> Option<String> {
    let folder = folder();
    let mounted = unshared("mount -t tmpfs none .").current_dir(folder.path()).output();
    let mounted = mounted.is_ok_and(|output| output.status.success());
    (!mounted).then(|| "the right to mount a disk in memory, by unshare".into())
}

/// Runs a script in `disk/`, which has so many KiB; `$furlough` is the program, and `grow` makes
/// room.
fn on_a_disk(folder: &Path, kib: u32, script: &str) {
    let program = furlough(folder).get_program().to_owned();
    fs::create_dir(folder.join("disk")).unwrap();
    let text = format!(
        "mount -t tmpfs -o size={kib}k none disk || exit 1\ncd disk\ngrow() {{ mount -o remount,size=64m \"$PWD\"; \
         }}\n{script}"
    );
    let mut command = unshared(&text);
    let output = command.current_dir(folder).env("furlough", program).env("LC_ALL", "C.UTF-8").output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// What a command said on standard error, kept in `FOLDER/NAME.err`, after it ended with 1.
fn failed(folder: &Path, name: &str) -> String {
    let read = |ending: &str| fs::read_to_string(folder.join(format!("{name}.{ending}"))).unwrap();
    let said = read("err");
    assert_eq!(read("code").trim(), "1", "{said}");
    said
}

fn a_full_disk_stops_a_study_which_goes_on_later() {
    let folder = folder();
    let folder = folder.path();
    let study = "title = 'Many'\n[base]\ndata = 'digits'\nhidden = 16\nepochs = 2\n[axes]\ndropout = [0, \
     0.5]\n[seeds]\ncount = 15\n";
    fs::write(folder.join("a.toml"), study).unwrap();
    fs::write(folder.join("b.toml"), format!("measure = ['gap']\n{study}")).unwrap();
    let script = "
        $furlough study run ../a.toml --out s --jobs 1 > ../one.out 2> ../one.err; echo $? > ../one.code
        ls s/trials > ../begun; ls s/trials/*/manifest.json > ../kept; ls -A s > ../left
        grow
        $furlough study run ../a.toml --out s > ../two.out 2> ../two.err || exit 1
        cp s/results.csv ../results.csv
        head -c 100m /dev/zero > fill
        $furlough study collect ../b.toml s --out ../joined > ../three.out 2> ../three.err; echo $? > ../three.code";
    on_a_disk(folder, 600, script);
    let said = failed(folder, "one");
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        lines.len() == 2
            && lines[0].starts_with("error: the study was stopped, and what is finished of it is kept: cannot ")
            && lines[0].contains("s/trials/")
            && lines[0].contains("No space left on device")
            && lines[1].starts_with("hint: free some space"),
        "{said}"
    );
    let count = |name: &str| fs::read_to_string(folder.join(name)).unwrap().lines().count();
    let (begun, kept) = (count("begun"), count("kept"));
    assert!(kept > 0 && kept < 30 && begun <= kept + 1, "{kept} of {begun} trials are kept");
    assert_eq!(fs::read_to_string(folder.join("left")).unwrap(), "study.toml\ntrials\n", "nothing half-written");
    // What cannot be measured for want of space is not said to be missing.
    let said = failed(folder, "three");
    assert!(said.contains("measured.json: No space left on device"), "{said}");
    ok(folder, "study run a.toml --out whole");
    assert_eq!(
        fs::read_to_string(folder.join("results.csv")).unwrap(),
        fs::read_to_string(folder.join("whole/results.csv")).unwrap()
    );
}

fn a_full_disk_stops_a_tune_which_goes_on_later() {
    let folder = folder();
    let folder = folder.path();
    let tune = "tune --data digits --hidden 16 --epochs 4 --trials 12 --seeds 2 --quiet";
    let script = format!(
        "
        $furlough {tune} --out t --jobs 1 > ../one.out 2> ../one.err; echo $? > ../one.code
        grow
        $furlough tune --quiet --resume t > ../two.out 2> ../two.err || exit 1
        cp t/recommended.toml .."
    );
    on_a_disk(folder, 300, &script);
    let said = failed(folder, "one");
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        lines.len() == 2
            && lines[0].starts_with("error: cannot ")
            && lines[0].contains("t/trials/")
            && lines[0].contains("No space left on device")
            && lines[1].starts_with("hint: free some space"),
        "{said}"
    );
    ok(folder, &format!("{tune} --out whole"));
    assert_eq!(
        fs::read_to_string(folder.join("recommended.toml")).unwrap(),
        fs::read_to_string(folder.join("whole/recommended.toml")).unwrap()
    );
}
