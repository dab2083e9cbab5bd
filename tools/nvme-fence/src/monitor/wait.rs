// SPDX-License-Identifier: GPL-2.0
//! When to look again.

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use nix::sys::signalfd::SignalFd;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::heard::Heard;
use crate::uevents::Uevents;

/// The longest time between two looks: that a path is lost, or has another ANA state, is not
/// announced.
const AT_MOST: Duration = Duration::from_secs(1);

/// Not more than one part in so many of a processor is spent on looking if nothing is announced: to
/// look at two thousand controllers takes a tenth of a second and more.
const PARTS: u32 = 20;

/// The shortest time between two looks: a thousand controllers that are connected one after the
/// other are not a thousand reasons to look at all of them.
const AT_LEAST: Duration = Duration::from_millis(100);

/// What is waited for.
pub(super) struct Wait {
    /// Readable when it is time to stop.
    pub(super) signals: SignalFd,
    /// What the kernel announces.
    pub(super) uevents: Uevents,
}

impl Wait {
    /// Waits until it is time to look, and listens meanwhile. The last look took so long. Returns
    /// whether to go on at all.
    pub(super) fn until_next_look(&self, heard: &mut Heard, took: Duration) -> Result<bool> {
        let (signals, uevents) = (self.signals.as_fd(), self.uevents.as_fd());
        let start = Instant::now();
        if !readable([signals], start + AT_LEAST)?.is_empty() {
            return Ok(false);
        }
        loop {
            let ready = readable([signals, uevents], start + pause(took))?;
            if ready.contains(&0) {
                return Ok(false);
            }
            let mut is_about_nvme = false;
            heard.missed |= self
                .uevents
                .take_each(|uevent| is_about_nvme |= heard.hear(uevent))
                .context("cannot read the kernel's uevents")?;
            if is_about_nvme || heard.missed || ready.is_empty() {
                return Ok(true);
            }
        }
    }
}

/// How long to wait if nothing is announced.
fn pause(took: Duration) -> Duration {
    AT_MOST.max(took * PARTS)
}

/// Waits until some can be read, or `end`. Returns the indices of those that can.
fn readable<const N: usize>(fds: [BorrowedFd<'_>; N], end: Instant) -> Result<Vec<usize>> {
    let mut fds = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    loop {
        let left = end.saturating_duration_since(Instant::now());
        // poll() takes whole milliseconds: one more, so as not to spin through the last one.
        let timeout = match left.is_zero() {
            true => PollTimeout::ZERO,
            false => PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX),
        };
        match poll(&mut fds, timeout) {
            Err(Errno::EINTR) => continue,
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        let is_ready = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| !events.is_empty());
        return Ok((0..N).filter(|index| is_ready(&fds[*index])).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_look_that_takes_long_is_a_rare_one() {
        for (took_ms, pause_ms) in [(0, 1_000), (50, 1_000), (140, 2_800)] {
            let took = Duration::from_millis(took_ms);
            assert_eq!(pause(took), Duration::from_millis(pause_ms));
        }
    }

    #[test]
    fn a_wait_ends_by_what_comes_or_by_time() {
        let (mut writer, reader) = UnixStream::pair().unwrap();
        let (_other, silent) = UnixStream::pair().unwrap();
        let start = Instant::now();
        let end = start + Duration::from_millis(30);
        assert!(readable([silent.as_fd()], end).unwrap().is_empty());
        assert!(start.elapsed() >= Duration::from_millis(30));
        writer.write_all(b"!").unwrap();
        let fds = [silent.as_fd(), reader.as_fd()];
        assert_eq!(readable(fds, start + AT_MOST).unwrap(), [1]);
    }
}
