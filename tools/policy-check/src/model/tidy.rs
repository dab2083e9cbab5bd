// SPDX-License-Identifier: GPL-2.0-only

//! Forgets what makes no difference any more, so that equal futures are equal states.

use super::bounds::Bounds;
use super::lost_host::NEVER_AGAIN;
use super::state::{Link, Phase, State};

impl State {
    /// Forgets what makes no difference any more.
    pub(super) fn tidy(&mut self, bounds: &Bounds) {
        let now = self.now;
        let awaited = self.awaited_notices(bounds);
        let waiting = self.unfinished();
        for link in &mut self.links {
            link.service.lost_host.keep(waiting);
            let list = &mut link.service.lost_host;
            if awaited == 0 && list.quiet_since != NEVER_AGAIN {
                list.quiet_since = 0;
            }
            let host_listens = link.phase != Phase::Closed;
            link.truth.tidy(bounds, now, host_listens);
            if link.truth.dead && host_listens {
                link.service.forget();
            }
            if !host_listens {
                link.rests_until = 0;
                link.quiet_since = 0;
                link.notices = 0;
                link.told_closed = 0;
            }
            if link.record.is_none() && !host_listens {
                link.forget();
            }
        }
        if bounds.lost_sources_receive {
            self.tidy_lost_sources();
        }
    }

    /// The associations that the host is not done with: one bit each.
    fn unfinished(&self) -> u8 {
        let links = self.links.iter().enumerate();
        let unfinished = links.filter(|(_, link)| link.record.is_some());
        unfinished.fold(0, |all, (on, _)| all | 1 << on)
    }

    /// What is dead receives nothing, and cannot be reset once more.
    fn tidy_lost_sources(&mut self) {
        let dead: Vec<bool> = self.links.iter().map(|link| link.truth.dead).collect();
        for link in &mut self.links {
            if link.phase != Phase::Closed {
                continue;
            }
            if link.truth.dead {
                link.service.commands.clear();
            }
            link.service.forget_about(|of| dead[usize::from(of)]);
        }
    }
}

impl Link {
    /// Nobody asks for its times any more.
    fn forget(&mut self) {
        self.opened = 0;
        self.noticed = None;
        self.due = None;
        self.may_be_due = None;
        self.told_noticed = false;
        self.listed = false;
        // What it was sent as a source may still arrive.
        if self.service.commands.is_empty() {
            self.truth.sent = 0;
        }
        self.disabled = false;
        self.vouched = false;
        self.emptied = false;
        self.told_reset = false;
        self.asked = 0;
        self.awaited = 0;
        self.accepted = [0; 2];
        self.declined = 0;
        self.retry = None;
        self.unfresh = 0;
    }
}
