// SPDX-License-Identifier: GPL-2.0
//! The signals that end a command which goes on until it is ended.

use anyhow::Result;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Is readable from the moment on at which one of them has come.
///
/// None of them ends this process any more. A blocked signal arrives here even if it is ignored, as
/// SIGINT is in a background job of a script.
pub(crate) fn ending() -> Result<SignalFd> {
    let mask = SigSet::from_iter([
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ]);
    mask.thread_block()?;
    Ok(SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC)?)
}
