// SPDX-License-Identifier: GPL-2.0
//! Passing on what the trace says, as it says it, until a signal ends it.
//!
//! Sleeps in poll(2) and nowhere else. Under a virtual clock, time may stand still for a process
//! that spins.

use anyhow::{bail, Result};
use nix::errno::Errno;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};

use super::instance::Instance;
use crate::cli::EventArgs;
use crate::host::Host;

/// The kernel's trace, being recorded.
pub(crate) struct Follower {
    /// The reading end. Declared before the instance: an open pipe keeps the instance from going
    /// away.
    pipe: File,
    /// What is read.
    instance: Instance,
    /// Readable when it is time to stop.
    signals: SignalFd,
}

impl Follower {
    /// Switches the events on. When this returns, nothing that happens is missed.
    pub(crate) fn start(host: &Host, events: &EventArgs) -> Result<Self> {
        // Before there is an instance, so that no signal can leave it behind. A blocked signal
        // arrives here even if it is ignored, as SIGINT is in a background job of a script.
        let mask = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
        mask.thread_block()?;
        let signals = SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC)?;
        let instance = Instance::create(host)?;
        let pipe = instance.open_pipe()?;
        instance.start(events)?;
        Ok(Self {
            pipe,
            instance,
            signals,
        })
    }

    /// Passes on the text of the trace until a signal comes, and then what is left of it.
    pub(crate) fn run(mut self, mut sink: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        pass_on_until(&mut self.pipe, self.signals.as_fd(), &mut sink)?;
        self.instance.stop()?;
        while pass_on(&mut self.pipe, &mut sink)? {}
        Ok(())
    }
}

/// Passes on what comes from `source` until `stop` is readable.
fn pass_on_until<S: Read + AsFd>(
    source: &mut S,
    stop: BorrowedFd<'_>,
    sink: &mut impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    loop {
        let mut ready = [
            PollFd::new(stop, PollFlags::POLLIN),
            PollFd::new(source.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut ready, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [stop_events, source_events] =
            ready.map(|fd| fd.revents().unwrap_or(PollFlags::empty()));
        if !stop_events.is_empty() {
            return Ok(());
        }
        if source_events.contains(PollFlags::POLLIN) {
            pass_on(source, sink)?;
        } else if !source_events.is_empty() {
            bail!("the trace has come to an end by itself");
        }
    }
}

/// Passes on what one read yields. Returns whether there may be more.
fn pass_on(source: &mut impl Read, sink: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<bool> {
    let mut buffer = [0; 1 << 16];
    match source.read(&mut buffer) {
        Ok(0) => Ok(false),
        Ok(length) => sink(&buffer[..length]).map(|()| true),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    #[test]
    fn passes_on_until_stopped() {
        let (mut kernel, mut source) = UnixStream::pair().unwrap();
        let (mut signal, stop) = UnixStream::pair().unwrap();
        source.set_nonblocking(true).unwrap();
        kernel.write_all(b"one\n").unwrap();

        let mut text = Vec::new();
        let mut sink = |piece: &[u8]| {
            text.extend_from_slice(piece);
            // Comes after the first piece, as a signal would, and before the second is read.
            kernel.write_all(b"two\n")?;
            signal.write_all(b"!")?;
            Ok(())
        };
        pass_on_until(&mut source, stop.as_fd(), &mut sink).unwrap();
        assert!(pass_on(&mut source, &mut sink).unwrap());
        assert_eq!(text, b"one\ntwo\n");
    }

    #[test]
    fn nothing_left_is_no_error() {
        let (_kernel, mut source) = UnixStream::pair().unwrap();
        source.set_nonblocking(true).unwrap();
        assert!(!pass_on(&mut source, &mut |_| Ok(())).unwrap());
    }
}
