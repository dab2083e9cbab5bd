// SPDX-License-Identifier: GPL-2.0
//! Waiting for the kernel or udev to announce that something about NVMe has changed.

use nix::errno::Errno;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::uevents::{is_about_nvme, Uevents, KERNEL, UDEV};

/// The events of this host; `None` = this process may not have them, and can only look again.
pub(crate) struct Events(Option<Uevents>);

impl Events {
    /// Hears of what happens from now on.
    pub(crate) fn subscribe() -> Self {
        Self(Uevents::listen(KERNEL | UDEV).ok())
    }

    /// Waits until something has happened to an NVMe device, but not longer than `limit`.
    pub(crate) fn wait(&self, limit: Duration) {
        let end = Instant::now() + limit;
        let left = || end.saturating_duration_since(Instant::now());
        while let Some(uevents) = self.0.as_ref().filter(|_| !left().is_zero()) {
            // poll() takes whole milliseconds: one more, so as not to spin through the last one.
            let timeout = PollTimeout::try_from(left().as_millis() + 1).unwrap_or(PollTimeout::MAX);
            let mut fds = [PollFd::new(uevents.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout) {
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => match uevents.take(is_about_nvme) {
                    Ok(true) => return,
                    Ok(false) => {}
                    Err(_) => break,
                },
                Err(_) => break,
            }
        }
        // The socket is of no use: the wait must be one all the same.
        sleep(left());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_without_events_is_one() {
        for events in [Events(None), Events::subscribe()] {
            let start = Instant::now();
            events.wait(Duration::from_millis(30));
            assert!(start.elapsed() >= Duration::from_millis(30));
        }
    }
}
