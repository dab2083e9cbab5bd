// SPDX-License-Identifier: GPL-2.0-only

//! Cases in which the host comes to know that a controller has noticed.

use super::{Case, RESETS, case};
use crate::model::bounds::{Bounds, KeepAlive};
use nvme_fence_policy::Belief;

/// Two controllers that list each other when they have lost touch with the host, and reset nobody.
pub(super) const NOTICES: Bounds = Bounds {
    evidence: RESETS.evidence.without(Belief::Notification),
    ccrl: 0,
    lost_host_logs: true,
    ..RESETS
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "notice",
            "a controller lists another that has noticed: only CQT is left to wait",
            Bounds {
                lose_by: 1,
                ..NOTICES
            },
        ),
        case(
            "notice-nuisances",
            "an event or a log page is lost, or lists others",
            Bounds {
                nuisances: 1,
                writes: 1,
                ..NOTICES
            },
        ),
        case(
            "notice-closed",
            "a controller closes the connections itself, which counts only when another lists it",
            Bounds {
                notifications: 1,
                keep_alive: KeepAlive::Command,
                ..NOTICES
            },
        ),
        case(
            "notice-two",
            "two of three controllers are lost, and the last one lists both",
            Bounds {
                controllers: 3,
                associations: 3,
                losses: 2,
                teardown: 0,
                prompt: true,
                ..NOTICES
            },
        ),
        case(
            "notice-reconnect",
            "both controllers are lost, and one that is connected again lists what is left",
            Bounds {
                losses: 2,
                associations: 3,
                prompt: true,
                writes: 1,
                ..NOTICES
            },
        ),
        case(
            "notice-no-keep-alive",
            "there is no keep alive: what is listed has a deadline, what is not waits for a word",
            Bounds {
                keep_alive: KeepAlive::Off,
                notifications: 1,
                admin: 1,
                prompt: true,
                ..NOTICES
            },
        ),
        case(
            "notice-knobs",
            "the administrator changes settings while a log page is on its way",
            Bounds {
                changes: 1,
                writes: 1,
                ..NOTICES
            },
        ),
        case(
            "notice-resets",
            "a controller is listed, reset, or both",
            Bounds {
                ccrl: 1,
                prompt: true,
                ..NOTICES
            },
        ),
        case(
            "failure",
            "a reset that fails tells what the controller has noticed",
            Bounds {
                nuisances: 1,
                failures_tell: true,
                prompt: true,
                ..RESETS
            },
        ),
        case(
            "failure-sources",
            "a reset that fails tells which of two sources is to be asked, if any",
            Bounds {
                nuisances: 1,
                failures_tell: true,
                keep_alive: KeepAlive::Command,
                controllers: 3,
                associations: 3,
                teardown: 0,
                prompt: true,
                writes: 1,
                ..RESETS
            },
        ),
    ]
}
