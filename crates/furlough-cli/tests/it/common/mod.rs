//! Running the real program in a folder of its own.

pub mod http;
#[cfg(unix)]
pub mod pty;
pub mod watching;

use std::path::Path;
use std::process::{Child, Command, Output};
use tempfile::TempDir;

/// A new folder that goes away with the test.
pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The program, ready to be given arguments, with nothing of the tester's surroundings in it.
pub fn furlough(folder: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("furlough"));
    command.current_dir(folder).env_clear().env("LC_ALL", "C.UTF-8").env("HOME", folder);
    #[cfg(unix)]
    default_signals(&mut command);
    command
}

/// Gives the command the signals' usual actions: a shell that runs the tests in the background has
/// them ignored.
#[cfg(unix)]
pub fn default_signals(command: &mut Command) {
    let reset = || {
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            // SAFETY: `signal` may be called between `fork` and `exec`.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        Ok(())
    };
    // SAFETY: `reset` allocates nothing and takes no lock.
    unsafe { std::os::unix::process::CommandExt::pre_exec(command, reset) };
}

/// Sends a signal.
#[cfg(unix)]
pub fn signal(process: u32, name: &str) {
    let kill = format!("kill -{name} {process}");
    assert!(Command::new("/bin/sh").args(["-c", &kill]).status().unwrap().success());
}

/// What `furlough ARGS` did; `args` is split at blanks.
pub fn run(folder: &Path, args: &str) -> Output {
    furlough(folder).args(args.split_whitespace()).output().unwrap()
}

/// The output of `furlough ARGS`, which must succeed.
pub fn ok(folder: &Path, args: &str) -> String {
    let output = run(folder, args);
    assert!(output.status.success(), "furlough {args}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The message of `furlough ARGS`, which must fail with this exit code.
pub fn fails(folder: &Path, args: &str, code: i32) -> String {
    let output = run(folder, args);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "furlough {args}: {text}");
    assert!(text.starts_with("error: "), "furlough {args}: {text}");
    assert!(!text.contains("panicked"), "{text}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "", "furlough {args}");
    text
}

/// Starts `furlough ARGS`, sends `signal` when the line comes that contains `at`, and returns how
/// it ended and what it printed after that line. What it has still to do at that line must take
/// seconds, or print more than a pipe holds (65,536 bytes), as until the signal is sent nobody
/// reads.
#[cfg(unix)]
pub fn interrupted(folder: &Path, args: &str, at: &str, signal: &str) -> (Option<i32>, String) {
    use std::io::{BufRead, BufReader, Read};
    let mut command = furlough(folder);
    let mut child = command.args(args.split_whitespace()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(at) {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "it ended before {at}");
    }
    self::signal(child.id(), signal);
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    (child.wait().unwrap().code(), rest)
}

/// A training of the digits that goes on while a test does something else.
pub struct Training(Child);

impl Training {
    /// `furlough train --data digits ARGS`, on one thread, so that others come to something too.
    pub fn start(folder: &Path, args: &str) -> Self {
        let words =
            ["train", "--data", "digits", "--quiet", "--threads", "1"].into_iter().chain(args.split_whitespace());
        Training(furlough(folder).args(words).spawn().unwrap())
    }

    /// Asks it to save and stop, as Ctrl-C does; kills it where there is no such signal.
    pub fn stop(&mut self) {
        #[cfg(unix)]
        {
            signal(self.0.id(), "INT");
            assert_eq!(self.0.wait().unwrap().code(), Some(130));
        }
        #[cfg(not(unix))]
        self.0.kill().unwrap();
    }
}

impl Drop for Training {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The model of the run in `folder`, byte for byte.
pub fn model(folder: &Path, run: &str) -> Vec<u8> {
    std::fs::read(folder.join(run).join("model.safetensors")).unwrap()
}

/// The lines of `text`, each of which must be a JSON object.
pub fn json_lines(text: &str) -> Vec<serde_json::Value> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
    let lines: Vec<serde_json::Value> = text.lines().map(parse).collect();
    assert!(lines.iter().all(serde_json::Value::is_object));
    lines
}

/// Snapshots with what differs between runs and machines taken out: times, figures in their last
/// digits, the kernels.
pub fn stable() -> insta::internals::SettingsBindDropGuard {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\S*/furlough(\.exe)? (evaluate|train)", "furlough $2");
    settings.add_filter(r"AVX-512|AVX2|SSE2|NEON|portable", "[instruction set]");
    settings.add_filter(r" +\d+\.\d+ s\b", " [time]");
    settings.add_filter(r"\d\.\d{4}\b", "#.####");
    settings.add_filter(r"\b\d{2}\.\d{2} %|100\.00 %", "##.## %");
    settings.bind_to_scope()
}
