// SPDX-License-Identifier: GPL-2.0
//! `--watch`: the status again and again, until Ctrl-C.
//!
//! Most of what changes is not announced: a state, what is held, and how long still. So it is looked
//! at from time to time, and at once if a uevent says that something has come, gone or changed.

mod screen;

use anyhow::{bail, Result};
use nix::errno::Errno;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::Status;
use crate::cli::OutputFormat;
use crate::output;
use crate::signals;
use crate::uevents::{is_about_nvme, Uevents, KERNEL};
use screen::Screen;

/// Why a wait is over.
#[derive(Debug, PartialEq, Eq)]
enum Woken {
    /// There may be something new.
    LookAgain,
    /// A signal ends it.
    Ended,
}

/// Shows what `look` sees, at least every `seconds`. Returns what was seen last.
pub(super) fn run<T>(
    seconds: u32,
    format: OutputFormat,
    mut look: impl FnMut() -> Result<(Status, T)>,
) -> Result<(Status, T)> {
    let period = Duration::from_secs(seconds.into());
    // Before the first look, so that nothing that happens after it is missed.
    let signals = signals::ending()?;
    let mut uevents = Uevents::listen(KERNEL).ok();
    let stdout = io::stdout();
    let is_text = matches!(format, OutputFormat::Normal);
    let mut screen = (is_text && stdout.is_terminal()).then(Screen::default);
    loop {
        let seen = look()?;
        match (&mut screen, format) {
            (Some(screen), _) => screen.show(&block(&seen.0))?,
            (None, OutputFormat::Normal) => {
                let block = block(&seen.0).join("\n");
                writeln!(stdout.lock(), "{block}\n")?;
            }
            (None, OutputFormat::Json) => output::print_json_line(&seen.0)?,
        }
        let woken = wait(period, signals.as_fd(), stdout.as_fd(), &mut uevents)?;
        if woken == Woken::Ended {
            drop(screen);
            return Ok(seen);
        }
    }
}

/// What is shown at a time, with the time.
fn block(status: &Status) -> Vec<String> {
    let mut lines = vec![status.time.clone()];
    lines.extend(output::lines(status));
    lines
}

/// Waits for a reason to look again, but not longer than `period`. It is an error if nobody reads
/// what is shown any more.
fn wait(
    period: Duration,
    signals: BorrowedFd<'_>,
    reader: BorrowedFd<'_>,
    uevents: &mut Option<Uevents>,
) -> Result<Woken> {
    let end = Instant::now() + period;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Woken::LookAgain);
        }
        // poll() takes whole milliseconds: one more, so as not to spin through the last one.
        let timeout = PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX);
        let mut fds = vec![
            PollFd::new(signals, PollFlags::POLLIN),
            // Only whether it is closed.
            PollFd::new(reader, PollFlags::empty()),
        ];
        fds.extend(
            uevents
                .as_ref()
                .map(|uevents| PollFd::new(uevents.as_fd(), PollFlags::POLLIN)),
        );
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready = |index: usize| {
            let fd = fds.get(index);
            fd.and_then(PollFd::revents)
                .is_some_and(|events| !events.is_empty())
        };
        let (ended, closed, announced) = (ready(0), ready(1), ready(2));
        if ended {
            return Ok(Woken::Ended);
        }
        if closed {
            bail!(io::Error::from(io::ErrorKind::BrokenPipe));
        }
        if announced {
            match uevents.as_ref().map(|uevents| uevents.take(is_about_nvme)) {
                Some(Ok(true)) => return Ok(Woken::LookAgain),
                Some(Ok(false)) | None => {}
                // It is of no use: look from time to time only.
                Some(Err(_)) => *uevents = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_wait_ends_in_time_by_a_signal_or_with_its_reader() {
        let (mut signal, signals) = UnixStream::pair().unwrap();
        let (reader, stdout) = UnixStream::pair().unwrap();
        let wait = |period| wait(period, signals.as_fd(), stdout.as_fd(), &mut None);
        let start = Instant::now();
        let short = Duration::from_millis(30);
        assert_eq!(wait(short).unwrap(), Woken::LookAgain);
        assert!(start.elapsed() >= short);
        let long = Duration::from_secs(600);
        drop(reader);
        assert!(output::is_broken_pipe(&wait(long).unwrap_err()));
        signal.write_all(b"!").unwrap();
        assert_eq!(wait(long).unwrap(), Woken::Ended);
        assert!(start.elapsed() < long);
    }
}
