// SPDX-License-Identifier: GPL-2.0
//! The command that runs while it is measured.
//!
//! It is not started by `std::process`: that lets it inherit the signals that are blocked here, and
//! a program that gets no SIGTERM and no SIGCHLD is another one.

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::spawn::{posix_spawnp, PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags};
use nix::sys::signal::{kill, SigSet, Signal};
use nix::sys::wait::{waitpid, WaitPidFlag, WaitStatus};
use nix::unistd::Pid;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt;

/// What a shell adds to the number of the signal that ended a command.
const SIGNALLED: i32 = 128;

/// A command that runs.
pub(crate) struct Running(Pid);

impl Running {
    /// Starts it; `None` = there are no words.
    pub(crate) fn start(words: &[OsString]) -> Result<Option<Self>> {
        let words: Vec<CString> = words.iter().cloned().map(c_string).collect::<Result<_>>()?;
        let Some(program) = words.first() else {
            return Ok(None);
        };
        let assignment = |(mut name, value): (OsString, OsString)| {
            name.push("=");
            name.push(value);
            c_string(name)
        };
        let environment: Vec<CString> =
            std::env::vars_os().map(assignment).collect::<Result<_>>()?;
        let mut attributes = PosixSpawnAttr::init()?;
        attributes.set_flags(
            PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF,
        )?;
        attributes.set_sigmask(&SigSet::empty())?;
        // Programs in Rust ignore it.
        attributes.set_sigdefault(&SigSet::from(Signal::SIGPIPE))?;
        let files = PosixSpawnFileActions::init()?;
        let started = posix_spawnp(program, &files, &attributes, &words, &environment);
        let context = || format!("cannot run {}", program.to_string_lossy());
        started.map(Self).map(Some).with_context(context)
    }

    /// Whether it has ended, and with which exit status, as a shell would say it.
    pub(crate) fn ended(&self) -> Result<Option<i32>> {
        self.wait(Some(WaitPidFlag::WNOHANG))
    }

    /// Passes a signal on.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        match kill(self.0, signal) {
            // It has ended, and nobody else can have its number before we have taken note of that.
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks for its end.
    fn wait(&self, flags: Option<WaitPidFlag>) -> Result<Option<i32>> {
        Ok(match waitpid(self.0, flags)? {
            WaitStatus::Exited(_, status) => Some(status),
            WaitStatus::Signaled(_, signal, _) => Some(SIGNALLED + signal as i32),
            _ => None,
        })
    }
}

/// A word of a command line or of the environment, as the kernel takes it.
fn c_string(word: OsString) -> Result<CString> {
    CString::new(word.into_vec()).context("a word of a command has no zero byte in it")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts a command.
    fn start(words: &[&str]) -> Result<Option<Running>> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        Running::start(&words)
    }

    #[test]
    fn its_exit_status_is_that_of_a_shell() {
        // Cargo sets it.
        let from_the_environment = "exit ${CARGO_MANIFEST_DIR:+7}";
        for (script, expected) in [("exit 0", 0), (from_the_environment, 7), ("kill $$", 143)] {
            let running = start(&["sh", "-c", script]).unwrap().unwrap();
            assert_eq!(running.wait(None).unwrap(), Some(expected));
        }
        assert!(start(&[]).unwrap().is_none());
        let error = start(&["/nowhere/fio"]).err().unwrap();
        assert!(error.to_string().contains("cannot run /nowhere/fio"));
    }

    #[test]
    fn a_signal_is_passed_on_also_one_that_is_blocked_here() {
        let blocked = SigSet::from(Signal::SIGTERM);
        blocked.thread_block().unwrap();
        let running = start(&["sleep", "600"]).unwrap().unwrap();
        assert_eq!(running.ended().unwrap(), None);
        running.signal(Signal::SIGTERM).unwrap();
        assert_eq!(running.wait(None).unwrap(), Some(143));
        blocked.thread_unblock().unwrap();
    }
}
