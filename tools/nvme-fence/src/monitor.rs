// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence monitor`: says and records what happens to paths, on every kernel, and what the
//! module does about it where it is loaded.
//!
//! nvme-core announces little: so everything is looked at again every second, unless that takes
//! long, and at once if something about NVMe is announced. Nothing in here asks for anything to
//! reach a disk (fsync): it may be the one whose paths are lost.

mod heard;
mod module;
mod outlets;
mod seen;
pub(crate) mod totals;
mod tracker;
mod wait;

use anyhow::{Context, Result};
use jiff::Timestamp;
use sd_notify::NotifyState;
use std::time::{Duration, Instant};

use crate::cli::MonitorArgs;
use crate::host::Host;
use crate::record::event::{Event, Kind};
use crate::signals;
use crate::uevents::{Uevents, KERNEL};
use heard::Heard;
use outlets::Outlets;
use seen::{look, Seen};
use totals::Totals;
use tracker::{Now, Tracker};
use wait::Wait;

/// Runs the command.
pub(crate) fn run(host: &Host, args: &MonitorArgs) -> Result<()> {
    let wait = Wait {
        signals: signals::ending()?,
        // Before the first look: what happens after it is not missed.
        uevents: Uevents::listen(KERNEL).context("cannot listen to the kernel's uevents")?,
    };
    let mut outlets = Outlets::open(args)?;
    let totals = match &args.directory {
        Some(directory) => Totals::load(directory)?,
        None => Totals::default(),
    };
    let mut tracker = Tracker::new(look(host, &Seen::default()), totals);
    outlets.tell(host, tracker.totals(), &[event(Kind::MonitorStarted)])?;
    notify(NotifyState::Ready);
    let mut heard = Heard::default();
    let mut took = Duration::ZERO;
    while wait.until_next_look(&mut heard, took)? {
        let start = Instant::now();
        let seen = look(host, tracker.seen());
        took = start.elapsed();
        let events = tracker.compare(now(), seen, &heard);
        heard = Heard::default();
        outlets.tell(host, tracker.totals(), &events)?;
    }
    notify(NotifyState::Stopping);
    outlets.tell(host, tracker.totals(), &[event(Kind::MonitorStopped)])
}

/// An event of the monitor itself.
fn event(kind: Kind) -> Event {
    Event::new(now().wall, kind)
}

/// The time. The record has it in milliseconds.
fn now() -> Now {
    let wall = Timestamp::now();
    Now {
        wall: Timestamp::from_millisecond(wall.as_millisecond()).unwrap_or(wall),
        steady: Instant::now(),
    }
}

/// Tells systemd, if it is who started this.
fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        eprintln!("nvme-fence: cannot tell systemd: {error}");
    }
}
