//! Terminals that a test plays.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The two ends of a terminal of so many rows and columns: the user's, and the program's.
pub fn open(rows: u16, columns: u16) -> (File, File) {
    let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let (mut master, mut slave) = (-1, -1);
    let (name, settings) = (std::ptr::null_mut(), std::ptr::null());
    // SAFETY: the pointers are to two integers and a size that outlive the call, or null where that
    // is allowed.
    let opened = unsafe { libc::openpty(&raw mut master, &raw mut slave, name, settings, &raw const size) };
    assert_eq!(opened, 0, "a system without terminals: {}", std::io::Error::last_os_error());
    // A program that inherits the user's end would keep the terminal open.
    // SAFETY: `master` was opened just now.
    assert_eq!(unsafe { libc::fcntl(master, libc::F_SETFD, libc::FD_CLOEXEC) }, 0);
    // SAFETY: both were opened just now, and nobody else has them.
    unsafe { (OwnedFd::from_raw_fd(master).into(), OwnedFd::from_raw_fd(slave).into()) }
}

/// A program on a terminal of its own.
pub struct OnTerminal {
    pub child: Child,
    user: Option<File>,
    pieces: Receiver<Vec<u8>>,
    /// All that it has written.
    pub text: String,
}

impl OnTerminal {
    /// Starts the command with all its streams on the terminal, which it is the session's leader
    /// of.
    pub fn start(command: Command, rows: u16, columns: u16) -> Self {
        let (user, pieces) = (Self::spawn(command, rows, columns), channel());
        let (child, user) = user;
        let mut reader = user.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut piece) {
                if pieces.0.send(piece[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        OnTerminal { child, user: Some(user), pieces: pieces.1, text: String::new() }
    }

    /// The same, but nobody reads what it writes. Gives the user's end.
    pub fn spawn(mut command: Command, rows: u16, columns: u16) -> (Child, File) {
        let (user, program) = open(rows, columns);
        let stream = || Stdio::from(program.try_clone().unwrap());
        command.stdin(stream()).stdout(stream()).stderr(stream());
        let lead = || {
            // SAFETY: both calls may be made between `fork` and `exec`, and point at nothing.
            match unsafe { (libc::setsid(), libc::ioctl(0, libc::TIOCSCTTY as _, 0)) } {
                (-1, _) | (_, -1) => Err(std::io::Error::last_os_error()),
                _ => Ok(()),
            }
        };
        // SAFETY: `lead` allocates nothing and takes no lock.
        unsafe { command.pre_exec(lead) };
        (command.spawn().unwrap(), user)
    }

    /// Waits until it has written `text`.
    pub fn until(&mut self, text: &str) {
        let began = Instant::now();
        while !self.text.contains(text) {
            assert!(began.elapsed() < Duration::from_secs(60), "no {text:?} in {:?}", self.text);
            match self.pieces.recv_timeout(Duration::from_secs(1)) {
                Ok(piece) => self.text.push_str(&String::from_utf8_lossy(&piece)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => panic!("it ended before {text:?}: {:?}", self.text),
            }
        }
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &[u8]) {
        self.user.as_mut().unwrap().write_all(keys).unwrap();
    }

    /// Gives the terminal another size, as a window does that is resized.
    pub fn resize(&self, rows: u16, columns: u16) {
        let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let user = self.user.as_ref().unwrap().as_raw_fd();
        // SAFETY: the terminal is open, and the pointer is to a size that outlives the call.
        assert_eq!(unsafe { libc::ioctl(user, libc::TIOCSWINSZ, &raw const size) }, 0);
    }

    /// How it ended, which must be soon, and all that it wrote.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let status = ended(&mut self.child);
        while let Ok(piece) = self.pieces.recv_timeout(Duration::from_secs(1)) {
            self.text.push_str(&String::from_utf8_lossy(&piece));
        }
        (status.code(), std::mem::take(&mut self.text))
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How `child` ended, which must be within ten seconds.
pub fn ended(child: &mut Child) -> ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if began.elapsed() > Duration::from_secs(10) {
            child.kill().unwrap();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
