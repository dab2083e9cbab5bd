// SPDX-License-Identifier: GPL-2.0-only

//! What the administrator has set, and what that means, as the model knows it.

use super::bounds::{Bounds, Cqt};
use super::policy::Policy;
use super::state::{Link, Phase, State};
use nvme_fence_policy::{Belief, Beliefs, Hold, Knobs};
use std::sync::Arc;

/// The settings in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Settings {
    /// What may still execute is held.
    pub(super) holds: bool,
    /// What is cancelled is tracked if that is possible.
    pub(super) tracks: bool,
    /// What counts as evidence.
    evidence: Beliefs,
    /// So long the host waits for a controller to quiesce, in ticks.
    pub(super) cqt: u8,
}

/// One of them that can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Which commands wait.
    Hold(Hold),
    /// Whether evidence of this kind counts.
    Believe(Belief, bool),
    /// The Command Quiesce Time that is waited for, in ticks.
    Cqt(u8),
}

impl Settings {
    /// Those that a model begins with.
    pub(super) fn new(bounds: &Bounds) -> Self {
        Self {
            holds: bounds.hold != Hold::None,
            tracks: bounds.hold == Hold::Overlap,
            evidence: bounds.evidence,
            cqt: bounds.cqt,
        }
    }

    /// Which commands wait.
    fn hold(&self) -> Hold {
        match (self.holds, self.tracks) {
            (false, _) => Hold::None,
            (true, true) => Hold::Overlap,
            (true, false) => Hold::All,
        }
    }

    /// Whether evidence of this kind counts.
    pub(super) fn believes(&self, belief: Belief) -> bool {
        self.evidence.contains(belief)
    }

    fn set(&mut self, setting: Setting) {
        match setting {
            Setting::Hold(hold) => {
                self.holds = hold != Hold::None;
                self.tracks = hold == Hold::Overlap;
            }
            Setting::Believe(belief, true) => self.evidence = self.evidence.with(belief),
            Setting::Believe(belief, false) => self.evidence = self.evidence.without(belief),
            Setting::Cqt(cqt) => self.cqt = cqt,
        }
    }
}

impl State {
    /// What the administrator may change now. A CQT that is too short would be a lie.
    pub(super) fn changes(&self, bounds: &Bounds) -> Vec<Setting> {
        if self.left.changes == 0 {
            return Vec::new();
        }
        // Where there are no slots, nothing can be tracked.
        let holds: &[Hold] = match bounds.slots {
            0 => &[Hold::All, Hold::None],
            _ => &[Hold::All, Hold::Overlap, Hold::None],
        };
        let now = self.settings.hold();
        let others = holds.iter().copied().filter(|hold| *hold != now);
        let mut changes: Vec<_> = others.map(Setting::Hold).collect();
        // What can not be had makes no difference.
        for (belief, had) in [
            (Belief::Ccr, bounds.ccrl > 0),
            (Belief::Notification, bounds.notifications > 0),
            (Belief::Target, bounds.evidence.contains(Belief::Target)),
        ] {
            if had {
                changes.push(Setting::Believe(belief, !self.settings.believes(belief)));
            }
        }
        if bounds.lost_host_logs && self.time_may_be_disbelieved() {
            let believes = self.settings.believes(Belief::Time);
            changes.push(Setting::Believe(Belief::Time, !believes));
        }
        for cqt in [bounds.cqt, bounds.cqt + 1] {
            if cqt != self.settings.cqt {
                changes.push(Setting::Cqt(cqt));
            }
        }
        changes
    }

    /// Has everything that waits, or will, a deadline that it keeps? What has none would wait for ever.
    fn time_may_be_disbelieved(&self) -> bool {
        let is_over = |link: &Link| match link.phase {
            Phase::Open => self.left.losses == 0,
            Phase::Broken(_) | Phase::Lost(_) | Phase::Deleting(_) => false,
            Phase::Closed => true,
        };
        self.links.iter().all(is_over)
    }

    /// The administrator changes a setting.
    pub(super) fn change(&mut self, bounds: &Bounds, setting: Setting) {
        self.left.changes -= 1;
        self.settings.set(setting);
        self.paths_shared = false;
        let evidence = self.settings.evidence;
        Arc::make_mut(&mut self.policy).set_knobs(|knobs| match setting {
            Setting::Hold(hold) => knobs.set_hold(hold),
            Setting::Believe(..) => knobs.set_evidence(evidence),
            Setting::Cqt(cqt) => override_cqt(bounds, knobs, cqt),
        });
    }
}

fn override_cqt(bounds: &Bounds, knobs: &mut Knobs, cqt: u8) {
    let ms = u32::from(cqt) * u32::from(bounds.tick_ms);
    assert!(knobs.set_cqt_override_ms(ms), "it is in range");
}

/// The policy at the beginning.
pub(super) fn policy(bounds: &Bounds) -> Policy {
    let mut knobs = Knobs::DEFAULT;
    let cqt = u32::from(bounds.cqt) * u32::from(bounds.tick_ms);
    knobs.set_hold(bounds.hold);
    knobs.set_evidence(bounds.evidence);
    match bounds.cqt_source {
        Cqt::Reported => {}
        Cqt::Default => assert!(knobs.set_cqt_default_ms(cqt), "it is in range"),
        Cqt::Override => override_cqt(bounds, &mut knobs, bounds.cqt),
    }
    Policy::new(knobs)
}
