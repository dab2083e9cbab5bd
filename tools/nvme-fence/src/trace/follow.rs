// SPDX-License-Identifier: GPL-2.0
//! Passing on what the trace says, as it says it, until a signal ends it.
//!
//! Sleeps in poll(2) and nowhere else. Under a virtual clock, time may stand still for a process
//! that spins.

use anyhow::{bail, Result};
use nix::errno::Errno;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use nix::sys::signalfd::SignalFd;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};

use super::instance::Instance;
use super::news::News;
use crate::cli::EventArgs;
use crate::host::Host;
use crate::signals;

/// What is passed on.
pub(crate) enum Piece<'a> {
    /// Text of the trace.
    Text(&'a [u8]),
    /// What happened to the trace itself.
    Notice(&'static str),
}

/// The kernel's trace, being recorded.
pub(crate) struct Follower {
    /// The reading end. Declared before the instance: an open pipe keeps the instance from going
    /// away.
    pipe: File,
    /// What is read.
    instance: Instance,
    /// Readable when it is time to stop.
    signals: SignalFd,
    /// Readable when the module may have come or gone.
    news: News,
}

impl Follower {
    /// Switches the events on. When this returns, nothing that happens is missed.
    pub(crate) fn start(host: &Host, events: &EventArgs) -> Result<Self> {
        // Before there is an instance, so that no signal can leave it behind.
        let signals = signals::ending()?;
        // Before the events are switched on, so that none of its news is missed.
        let news = News::listen()?;
        let instance = Instance::create(host)?;
        let pipe = instance.open_pipe()?;
        instance.start(events)?;
        Ok(Self {
            pipe,
            instance,
            signals,
            news,
        })
    }

    /// Passes on the text of the trace until a signal comes, and then what is left of it.
    pub(crate) fn run(mut self, mut sink: impl FnMut(Piece<'_>) -> Result<()>) -> Result<()> {
        let Self {
            pipe,
            instance,
            signals,
            news,
        } = &mut self;
        let look = || Ok(news.take()?.then(|| instance.look_for_module()).flatten());
        pass_on_until(pipe, signals.as_fd(), news.as_fd(), look, &mut sink)?;
        self.instance.stop()?;
        while pass_on(&mut self.pipe, &mut sink)? {}
        Ok(())
    }
}

/// Passes on what comes from `source` until `stop` is readable, and what `look` finds to say
/// whenever `news` is.
fn pass_on_until<S: Read + AsFd>(
    source: &mut S,
    stop: BorrowedFd<'_>,
    news: BorrowedFd<'_>,
    mut look: impl FnMut() -> Result<Option<&'static str>>,
    sink: &mut impl FnMut(Piece<'_>) -> Result<()>,
) -> Result<()> {
    loop {
        let mut ready = [
            PollFd::new(stop, PollFlags::POLLIN),
            PollFd::new(news, PollFlags::POLLIN),
            PollFd::new(source.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut ready, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [stop_events, news_events, source_events] =
            ready.map(|fd| fd.revents().unwrap_or(PollFlags::empty()));
        if !stop_events.is_empty() {
            return Ok(());
        }
        if !news_events.is_empty() {
            if let Some(notice) = look()? {
                sink(Piece::Notice(notice))?;
            }
        }
        if source_events.contains(PollFlags::POLLIN) {
            pass_on(source, sink)?;
        } else if !source_events.is_empty() {
            bail!("the trace has come to an end by itself");
        }
    }
}

/// Passes on what one read yields. Returns whether there may be more.
fn pass_on(source: &mut impl Read, sink: &mut impl FnMut(Piece<'_>) -> Result<()>) -> Result<bool> {
    let mut buffer = [0; 1 << 16];
    match source.read(&mut buffer) {
        Ok(0) => Ok(false),
        Ok(length) => sink(Piece::Text(&buffer[..length])).map(|()| true),
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
        let (mut uevent, news) = UnixStream::pair().unwrap();
        source.set_nonblocking(true).unwrap();
        kernel.write_all(b"one\n").unwrap();

        let mut said = Vec::new();
        let mut sink = |piece: Piece<'_>| {
            match piece {
                Piece::Text(text) => {
                    said.push(String::from_utf8_lossy(text).into_owned());
                    // Comes after the first piece.
                    uevent.write_all(b"!")?;
                }
                Piece::Notice(notice) => {
                    said.push(notice.to_owned());
                    // Comes after the news, as a signal would, and before the second is read.
                    signal.write_all(b"!")?;
                }
            }
            kernel.write_all(b"two\n")?;
            Ok(())
        };
        let look = || {
            let mut byte = [0];
            (&news).read_exact(&mut byte)?;
            Ok(Some("it was loaded anew"))
        };
        pass_on_until(&mut source, stop.as_fd(), news.as_fd(), look, &mut sink).unwrap();
        let mut rest = String::new();
        let mut keep = |piece: Piece<'_>| {
            if let Piece::Text(text) = piece {
                rest += &String::from_utf8_lossy(text);
            }
            Ok(())
        };
        assert!(pass_on(&mut source, &mut keep).unwrap());
        assert_eq!(said[..2], ["one\n", "it was loaded anew"]);
        assert!(rest.ends_with("two\n"));
    }

    #[test]
    fn nothing_left_is_no_error() {
        let (_kernel, mut source) = UnixStream::pair().unwrap();
        source.set_nonblocking(true).unwrap();
        assert!(!pass_on(&mut source, &mut |_| Ok(())).unwrap());
    }
}
