//! The harness of the integration tests.
//!
//! The harness of the standard library knows before it compiles which tests are ignored. Some tests
//! need a program, an instruction set or a file system that a machine may lack. There they would
//! have to return early, and would be reported as "ok" without having run. Here a test says when
//! the program starts what it is missing. Then it is reported as ignored, by `cargo test` and by
//! `cargo nextest` alike, and named at the end with its reason.
//!
//! ```
//! mod masks {
//!     furlough_harness::tests![a_mask_is_drawn, python_agrees unless python()];
//!
//!     fn a_mask_is_drawn() {}
//!
//!     fn python_agrees() {}
//!
//!     fn python() -> Option<String> {
//!         Some("python3 is missing".into())
//!     }
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     furlough_harness::run(furlough_harness::all![masks])
//! }
//! ```

use libtest_mimic::{Arguments, Completion, Trial};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::Path;
use std::process::{Command, ExitCode};

/// A test by name.
pub struct Test {
    name: String,
    run: Box<dyn FnOnce() + Send>,
    missing: Box<dyn FnOnce() -> Option<String>>,
}

impl Test {
    /// Names a test by its module, as [`module_path!`] gives it, and its function. It fails when
    /// `run` panics.
    pub fn new(module: &str, name: &str, run: impl FnOnce() + Send + 'static) -> Test {
        let module = module.split_once("::").map_or("", |(_, inner)| inner);
        let name = if module.is_empty() { name.into() } else { format!("{module}::{name}") };
        Test { name, run: Box::new(run), missing: Box::new(|| None) }
    }

    /// Has `missing` say what the machine lacks for this test, if something. It is asked only when
    /// the test is asked for.
    pub fn unless(self, missing: impl FnOnce() -> Option<String> + 'static) -> Test {
        Test { missing: Box::new(missing), ..self }
    }
}

/// Defines `pub fn tests()`, which lists the tests of a module: functions without parameters. A
/// test that is left out of the list is dead code, so the compiler names it. `name unless
/// expression` gives [`Test::unless`] a closure of the expression; an attribute before a name, such
/// as `#[cfg(unix)]`, belongs to its place in the list.
#[macro_export]
macro_rules! tests {
    ($($(#[$attribute:meta])* $name:ident $(unless $missing:expr)?),* $(,)?) => {
        /// The tests of this module.
        pub fn tests() -> Vec<$crate::Test> {
            let mut all = Vec::new();
            $(
                $(#[$attribute])*
                all.push($crate::Test::new(module_path!(), stringify!($name), $name)$(.unless(|| $missing))?);
            )*
            all
        }
    };
}

/// The tests of all modules, which have attributes as in [`tests!`], and one that no function is
/// marked for the standard harness.
#[macro_export]
macro_rules! all {
    ($($(#[$attribute:meta])* $($module:ident)::+),* $(,)?) => {{
        let mut all = Vec::new();
        $($(#[$attribute])* all.extend($($module)::+::tests());)*
        all.push($crate::Test::new("", "no_test_has_the_attribute_of_another_harness", || {
            $crate::no_attributes(concat!(env!("CARGO_MANIFEST_DIR"), "/tests").as_ref());
        }));
        all
    }};
}

/// Fails when a file in this folder has a function marked `#[test]`, which this harness would leave
/// out without a word.
#[doc(hidden)]
pub fn no_attributes(folder: &Path) {
    if !folder.is_dir() {
        return; // a program without a folder of tests, as the example above is
    }
    for entry in std::fs::read_dir(folder).expect("the folder of the tests").flatten() {
        let path = entry.path();
        if path.is_dir() {
            no_attributes(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a file of tests");
            let attribute = text.lines().position(|line| line.trim() == "#[test]");
            assert_eq!(attribute, None, "{} has #[test]; list the function in tests! instead", path.display());
        }
    }
}

/// Runs the tests as the arguments of the program say, which are those of the standard harness, and
/// names at the end those that could not run here.
pub fn run(tests: Vec<Test>) -> ExitCode {
    let arguments = Arguments::from_args();
    let report = take_hook();
    set_hook(Box::new(move |panic| {
        if !EXPECTED.get() {
            report(panic);
        }
    }));
    let mut skipped = Vec::new();
    let trials = tests.into_iter().map(|Test { name, run, missing }| {
        if arguments.is_filtered_out(&Trial::test(name.clone(), || Ok(()))) {
            return Trial::test(name, || Ok(()));
        }
        let missing = missing();
        let reason = missing.clone();
        let trial = Trial::ignorable_test(name.clone(), move || match reason {
            // Asked for with --include-ignored.
            Some(reason) => Ok(Completion::ignored_with(reason)),
            None => {
                run();
                Ok(Completion::Completed)
            }
        });
        let trial = trial.with_ignored_flag(missing.is_some());
        skipped.extend(missing.map(|reason| (name, reason)));
        trial
    });
    let trials = trials.collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !skipped.is_empty() && !arguments.list {
        println!("skipped, because something is missing here:");
        for (name, reason) in skipped {
            println!("    {name}: {reason}");
        }
        println!();
    }
    conclusion.exit_code()
}

thread_local! {
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Returns what a function says when it panics, and keeps that out of the output of the tests.
///
/// # Panics
/// When the function does not.
pub fn panic_message<T>(panics: impl FnOnce() -> T) -> String {
    EXPECTED.set(true);
    let result = catch_unwind(AssertUnwindSafe(panics));
    EXPECTED.set(false);
    let Err(payload) = result else { panic!("this does not panic") };
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    payload.downcast_ref::<String>().cloned().or(text).unwrap_or_default()
}

/// Calls a function, and keeps panics that it catches itself out of the output of the tests.
pub fn quietly<T>(run: impl FnOnce() -> T) -> T {
    EXPECTED.set(true);
    let result = run();
    EXPECTED.set(false);
    result
}

/// Set in the process that [`alone`] starts.
const ALONE: &str = "FURLOUGH_TEST_ALONE";

/// Runs a test in a process of its own, where nothing else runs beside it: this program, started
/// again with the name of the test.
///
/// # Panics
/// When the test fails there.
pub fn alone(test: &str, run: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return run();
    }
    let program = std::env::current_exe().expect("the program that runs");
    let output = Command::new(program).args(["--exact", test, "--test-threads", "1"]).env(ALONE, "1").output();
    let output = output.expect("the program that runs can be started again");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
