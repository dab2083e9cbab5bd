// SPDX-License-Identifier: GPL-2.0-only

//! What the administrator has set, and what that means, as the model knows it.

use super::bounds::{Bounds, Cqt};
use super::policy::Policy;
use super::state::State;
use nvme_fence_policy::{Knobs, Mode};
use std::sync::Arc;

/// The settings in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Settings {
    /// What may still execute is held.
    pub(super) holds: bool,
    /// Resets are asked for.
    pub(super) asks: bool,
    /// A connection that is closed was closed by the controller.
    pub(super) trusts: bool,
    /// So long the host waits for a controller to quiesce, in ticks.
    pub(super) cqt: u8,
}

/// One of them that can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// How the end of a lost association is awaited.
    Mode(Mode),
    /// Whether notifications count.
    Trust(bool),
    /// The Command Quiesce Time that is waited for, in ticks.
    Cqt(u8),
}

impl Settings {
    /// Those that a model begins with.
    pub(super) fn new(bounds: &Bounds) -> Self {
        let mut settings = Self {
            holds: true,
            asks: true,
            trusts: bounds.trust_notification,
            cqt: bounds.cqt,
        };
        settings.set(Setting::Mode(bounds.mode));
        settings
    }

    fn set(&mut self, setting: Setting) {
        match setting {
            Setting::Mode(mode) => {
                self.holds = mode != Mode::Off;
                self.asks = mode == Mode::Auto;
            }
            Setting::Trust(trusts) => self.trusts = trusts,
            Setting::Cqt(cqt) => self.cqt = cqt,
        }
    }

    fn is(&self, mode: Mode) -> bool {
        (self.holds, self.asks) == (mode != Mode::Off, mode == Mode::Auto)
    }
}

impl State {
    /// What the administrator may change now. A CQT that is too short would be a lie.
    pub(super) fn changes(&self, bounds: &Bounds) -> Vec<Setting> {
        if self.left.changes == 0 {
            return Vec::new();
        }
        // Without sources, auto and time are the same.
        let modes: &[Mode] = match bounds.ccrl {
            0 => &[Mode::Time, Mode::Off],
            _ => &Mode::ALL,
        };
        let modes = modes.iter().filter(|mode| !self.settings.is(**mode));
        let mut changes: Vec<_> = modes.copied().map(Setting::Mode).collect();
        if bounds.notifications > 0 {
            changes.push(Setting::Trust(!self.settings.trusts));
        }
        for cqt in [bounds.cqt, bounds.cqt + 1] {
            if cqt != self.settings.cqt {
                changes.push(Setting::Cqt(cqt));
            }
        }
        changes
    }

    /// The administrator changes a setting.
    pub(super) fn change(&mut self, bounds: &Bounds, setting: Setting) {
        self.left.changes -= 1;
        self.settings.set(setting);
        let knobs = Arc::make_mut(&mut self.policy).knobs_mut();
        match setting {
            Setting::Mode(mode) => knobs.set_mode(mode),
            Setting::Trust(trusts) => knobs.set_trust_notification(trusts),
            Setting::Cqt(cqt) => override_cqt(bounds, knobs, cqt),
        }
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
    knobs.set_mode(bounds.mode);
    knobs.set_trust_notification(bounds.trust_notification);
    match bounds.cqt_source {
        Cqt::Reported => {}
        Cqt::Default => assert!(knobs.set_cqt_default_ms(cqt), "it is in range"),
        Cqt::Override => override_cqt(bounds, &mut knobs, bounds.cqt),
    }
    Policy::new(knobs)
}
