// SPDX-License-Identifier: GPL-2.0-only

//! The log page Lost Host Communication (1Fh) of a controller: which others have noticed that they lost
//! touch with the host. A controller takes note when it has found that it does not hear the host, or
//! has closed all connections itself, or was being reset; from then on it executes for CQT at most.

use super::asking::Notice;
use super::bounds::{Assumption, Bounds};
use super::property::Violation;
use super::service::page;
use super::shell::controller_id;
use super::state::{Phase, State};
use nvme_fence_policy::Input;

/// Not in the time of any model.
pub(super) const NEVER_AGAIN: u8 = u8::MAX;

/// The log page as the target keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct LostHostLog {
    /// The associations whose controllers have noticed, and were not removed from the list: one bit
    /// each.
    entries: u8,
    /// The event is on its way.
    pub(super) event: bool,
    /// It is not sent again before the log page was read.
    masked: bool,
    /// When the host last read it, if somebody waits for that. If it could not, it does not try again:
    /// [`NEVER_AGAIN`].
    pub(super) quiet_since: u8,
}

impl LostHostLog {
    /// That of a new association.
    pub(super) fn new(entries: u8) -> Self {
        Self {
            entries,
            ..Self::default()
        }
    }

    /// The controller of this association has noticed.
    fn list(&mut self, of: u8) {
        self.entries |= 1 << of;
        self.event |= !self.masked;
        self.masked = true;
    }

    /// It is read.
    pub(super) fn read(&mut self, retain_event: bool, foreign: bool) -> LostHostPage {
        let page = LostHostPage {
            entries: self.entries,
            foreign,
        };
        if !retain_event {
            self.entries = 0;
            self.masked = false;
        }
        page
    }

    /// It is dead: nothing reads it any more.
    pub(super) fn forget(&mut self) {
        self.entries = 0;
        self.masked = false;
    }

    /// Nobody waits any more for those that are not in `waiting`.
    pub(super) fn keep(&mut self, waiting: u8) {
        self.entries &= waiting;
    }
}

/// What it says when it is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LostHostPage {
    entries: u8,
    /// It lists what there is not.
    foreign: bool,
}

impl LostHostPage {
    /// Its bytes. Of each association, what log pages call it is its Controller ID and CIU.
    pub(super) fn bytes(&self, bounds: &Bounds, names: &[(u8, u8)]) -> Vec<u8> {
        let entry = |icid: u8, ciu: u8| [icid, 0, 1, ciu, 0, 0, 0, 0];
        let mut entries = Vec::new();
        for (of, &(icid, ciu)) in names.iter().enumerate() {
            if self.lists(of as u8) {
                entries.push(entry(icid, ciu));
            }
            if self.foreign {
                entries.push(entry(icid, ciu + bounds.associations));
                entries.push(entry(icid + bounds.controllers, ciu));
            }
        }
        page(&entries)
    }

    /// Does it truly list this association?
    fn lists(&self, of: u8) -> bool {
        self.entries & 1 << of != 0
    }
}

impl State {
    /// The controller of an association notices that it has lost touch with the host, or others only
    /// say so. They list it.
    pub(super) fn notices(&mut self, bounds: &Bounds, on: u8) {
        let now = self.now;
        let link = self.link(on);
        link.listed = bounds.lost_host_logs;
        if bounds.assumes(Assumption::HonestLostHostLog) {
            link.truth.gave_up.get_or_insert(now);
        }
        if !bounds.lost_host_logs {
            return;
        }
        for source in 0..self.links.len() as u8 {
            let link = self.link(source);
            if source == on || link.phase == Phase::Closed || link.truth.dead {
                continue;
            }
            link.service.lost_host.list(on);
            if bounds.prompt && link.service.lost_host.event {
                self.lost_host_event_arrives(bounds, source);
            }
        }
    }

    /// The associations whose controllers were listed.
    pub(super) fn listed(&self) -> u8 {
        let listed = self
            .links
            .iter()
            .enumerate()
            .filter(|(_, link)| link.listed);
        listed.fold(0, |all, (on, _)| all | 1 << on)
    }

    /// The event arrives at the host, which knows the controller that it is from.
    pub(super) fn lost_host_event_arrives(&mut self, bounds: &Bounds, source: u8) {
        self.link(source).service.lost_host.event = false;
        let controller = controller_id(self.link(source).controller);
        self.tell(bounds, Input::HostLost(controller));
    }

    /// The log page arrives at the host, or does not.
    pub(super) fn note_lost_host_page(&mut self, source: u8, page: Option<&LostHostPage>) {
        let Some(page) = page else {
            self.link(source).service.lost_host.quiet_since = NEVER_AGAIN;
            return;
        };
        self.link(source).service.lost_host.quiet_since = self.now;
        for of in 0..self.links.len() as u8 {
            if page.lists(of) {
                self.note_notice(of, Notice::Sure);
            }
        }
    }

    /// It could not be asked for: it is tried again as if it had been read.
    pub(super) fn note_lost_host_not_read(&mut self, source: u8) {
        self.link(source).service.lost_host.quiet_since = self.now;
    }

    /// A source is asked for the log page: is it sure that nobody misses what is removed?
    pub(super) fn check_lost_host_read(&mut self, bounds: &Bounds, retain_event: bool) {
        let missed = (0..self.links.len() as u8).any(|of| self.awaits_notice(bounds, of));
        if missed && !retain_event {
            self.blame(Violation::Removed);
        }
        if !bounds.lost_host_logs {
            self.blame(Violation::AskedInVain);
        }
    }

    /// When the timer has fired: is somebody listed, and nobody reads that, as the event was lost?
    pub(super) fn check_unread_notices(&mut self, bounds: &Bounds) {
        // One list is read after the other.
        if self.links.iter().any(|one| one.service.read.is_some()) {
            return;
        }
        let awaited = self.awaited_notices(bounds);
        let unread = self.links.iter().any(|source| {
            source.phase == Phase::Open
                && !source.is_waiting()
                && source.service.lost_host.entries & awaited != 0
                && self.now > source.service.lost_host.quiet_since
        });
        if unread {
            self.blame(Violation::Unread);
        }
    }

    /// The associations that wait for their controllers to notice: one bit each.
    pub(super) fn awaited_notices(&self, bounds: &Bounds) -> u8 {
        (0..self.links.len() as u8)
            .filter(|of| self.awaits_notice(bounds, *of))
            .fold(0, |all, of| all | 1 << of)
    }
}
