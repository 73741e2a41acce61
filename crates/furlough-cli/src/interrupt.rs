//! Ctrl-C, SIGTERM and SIGHUP. Where there is something to save, the first asks for a stop after
//! the present step. A further Ctrl-C or SIGTERM ends the process at once. Where there is nothing
//! to save, the first does.
//!
//! SIGUSR1 asks for a checkpoint, after which the training goes on.
//!
//! A signal that was ignored when the process began stays ignored: `nohup` means it so, and so do
//! shells of what they start in the background.

use crate::failure::INTERRUPTED;
use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{SigId, flag, low_level};
use std::ffi::{CString, c_int};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

/// How many times a checkpoint was asked for.
static SAVES: AtomicUsize = AtomicUsize::new(0);

static ASKED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Asks for a stop at the first signal from now on. Before there is something to save they are left
/// to end the process.
///
/// No thread waits for the signals, so that a system without room for one is no obstacle.
pub fn catch() -> anyhow::Result<()> {
    for signal in [SIGINT, SIGTERM].into_iter().filter(|&signal| !is_ignored(signal)) {
        flag::register_conditional_shutdown(signal, INTERRUPTED.into(), Arc::clone(&ASKED)).context(CANNOT)?;
        flag::register(signal, Arc::clone(&ASKED)).context(CANNOT)?;
    }
    // A terminal that closes may say so twice, the kernel and the shell each. That must not cut the
    // saving short.
    #[cfg(unix)]
    if !hangup_is_ignored() {
        flag::register(signal_hook::consts::SIGHUP, Arc::clone(&ASKED)).context(CANNOT)?;
    }
    Ok(())
}

const CANNOT: &str = "cannot listen for Ctrl-C";

/// Takes SIGUSR1 from now on for a wish to save, where it would end the process by itself.
pub fn catch_save() -> anyhow::Result<()> {
    #[cfg(unix)]
    if !is_ignored(signal_hook::consts::SIGUSR1) {
        let count = || {
            SAVES.fetch_add(1, Ordering::SeqCst);
        };
        // SAFETY: an addition to an atomic may be done in a signal handler.
        unsafe { low_level::register(signal_hook::consts::SIGUSR1, count) }.context("cannot listen for SIGUSR1")?;
    }
    Ok(())
}

/// Whether a checkpoint was asked for since `seen` requests.
pub fn save_asked(seen: &mut usize) -> bool {
    let saves = SAVES.load(Ordering::SeqCst);
    std::mem::replace(seen, saves) != saves
}

/// Ends the process at the first signal from now on, and says so and how things are: for what may
/// take minutes and has nothing to save.
pub fn end(how: &str) -> anyhow::Result<()> {
    end_removing(how, &[]).map(drop)
}

/// [`end`], which takes files and empty folders away before, in this order. A terminal that closes
/// is such a signal too.
pub fn end_removing(how: &str, paths: &[&Path]) -> anyhow::Result<UntilThen> {
    let gone = paths.iter().map(|path| CString::new(path.as_os_str().as_encoded_bytes()));
    let gone: Vec<CString> = gone.collect::<Result<_, _>>().context("a name with a zero byte")?;
    // The terminal has written ^C.
    let line = if std::io::stderr().is_terminal() { "\n" } else { "" };
    let message = format!("{line}stopped; {how}\n");
    let signals = [SIGINT, SIGTERM].into_iter().chain(hangup().filter(|_| !gone.is_empty()));
    let mut registered = Vec::new();
    for signal in signals.filter(|&signal| !is_ignored(signal)) {
        let (message, gone) = (message.clone(), gone.clone());
        let stop = move || {
            for path in &gone {
                // SAFETY: the name ends with a zero byte. What is not there need not go, and one of
                // the two calls is for a folder.
                unsafe { (libc::unlink(path.as_ptr()), libc::rmdir(path.as_ptr())) };
            }
            // SAFETY: the pointer and the length are of `message`, which the closure owns. Nobody
            // need read it.
            unsafe { libc::write(2, message.as_ptr().cast(), message.len() as _) };
            low_level::exit(INTERRUPTED.into());
        };
        // SAFETY: `unlink`, `rmdir`, `write` and `_exit` may be called in a signal handler, and
        // `stop` calls nothing else.
        registered.push(unsafe { low_level::register(signal, stop) }.context(CANNOT)?);
    }
    Ok(UntilThen(registered))
}

/// What [`end_removing`] does at a signal. It lasts, unless it is said otherwise.
pub struct UntilThen(Vec<SigId>);

impl UntilThen {
    /// Leaves signals to [`catch`], which must have been called.
    pub fn no_longer(self) {
        self.0.into_iter().for_each(|signal| {
            low_level::unregister(signal);
        });
    }
}

/// The signal of a terminal that closes, where there is one.
fn hangup() -> Option<c_int> {
    #[cfg(unix)]
    return Some(signal_hook::consts::SIGHUP);
    #[cfg(not(unix))]
    None
}

/// Whether the user asked for a stop.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Whether the process is to go on when its terminal goes away, as `nohup` asks.
pub fn hangup_is_ignored() -> bool {
    #[cfg(unix)]
    return is_ignored(libc::SIGHUP);
    #[cfg(not(unix))]
    false
}

/// Whether `signal` is ignored, as it was when the process began.
fn is_ignored(signal: c_int) -> bool {
    #[cfg(unix)]
    {
        // SAFETY: all bytes 0 are a `sigaction`.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: without a new action the call only fills in the one that it is given.
        let told = unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) };
        told == 0 && action.sa_sigaction == libc::SIG_IGN
    }
    #[cfg(not(unix))]
    {
        let _ = signal;
        false
    }
}
