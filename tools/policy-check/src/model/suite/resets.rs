// SPDX-License-Identifier: GPL-2.0-only

//! Cases with resets.

use super::{Case, RESETS, case};
use crate::model::bounds::{Bounds, KeepAlive};
use nvme_fence_policy::Belief;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "reset",
            "a controller is reset through another, at once or later",
            Bounds {
                lose_by: 1,
                ..RESETS
            },
        ),
        case(
            "reset-nuisances",
            "an answer is no help, a reset fails, or something is lost or foreign",
            Bounds {
                nuisances: 1,
                ..RESETS
            },
        ),
        case(
            "reset-stale",
            "log pages begin with entries about earlier instances of the same names",
            Bounds {
                stale: true,
                ..RESETS
            },
        ),
        case(
            "reset-longer",
            "there is time for a source to be late, and to be asked again",
            Bounds {
                katt: 2,
                katt_at_loss: 2,
                cqt: 2,
                nuisances: 2,
                prompt: true,
                writes: 1,
                ..RESETS
            },
        ),
        case(
            "reset-slots",
            "two of three controllers are lost, and the last one has one slot",
            Bounds {
                keep_alive: KeepAlive::Command,
                controllers: 3,
                associations: 3,
                losses: 2,
                teardown: 0,
                prompt: true,
                blocks: 2,
                ..RESETS
            },
        ),
        case(
            "reset-reconnect",
            "both controllers are lost, and one comes back as a source",
            Bounds {
                losses: 2,
                associations: 3,
                prompt: true,
                ..RESETS
            },
        ),
        case(
            "reset-sources",
            "two sources, of which one is no help, or is lost",
            Bounds {
                keep_alive: KeepAlive::Command,
                controllers: 3,
                associations: 3,
                losses: 2,
                teardown: 0,
                nuisances: 1,
                prompt: true,
                writes: 1,
                ..RESETS
            },
        ),
        case(
            "reset-time",
            "resets do not count: there are sources, and nobody is asked",
            Bounds {
                evidence: RESETS.evidence.without(Belief::Ccr),
                prompt: true,
                writes: 1,
                ..RESETS
            },
        ),
        case(
            "reset-namesakes",
            "two instances of a controller have the same ID and CIU, and both are reset",
            Bounds {
                namesakes: true,
                keep_alive: KeepAlive::Command,
                teardown: 0,
                losses: 2,
                associations: 3,
                ccrl: 2,
                blocks: 2,
                prompt: true,
                ..RESETS
            },
        ),
        case(
            "reset-late-namesakes",
            "a reset that nobody waits for any more succeeds when the next instance is lost",
            Bounds {
                namesakes: true,
                keep_alive: KeepAlive::Command,
                teardown: 0,
                admin: 1,
                losses: 2,
                associations: 3,
                ccrl: 2,
                writes: 1,
                prompt: true,
                ..RESETS
            },
        ),
        case(
            "reset-host",
            "a controller is used on, disabled or removed while it is reset",
            Bounds {
                resumes: 1,
                disables: 1,
                removals: 1,
                losses: 2,
                prompt: true,
                writes: 1,
                ..RESETS
            },
        ),
        case(
            "reset-two-slots",
            "two of three controllers are lost, and the last one resets both at once",
            Bounds {
                keep_alive: KeepAlive::Command,
                controllers: 3,
                associations: 3,
                losses: 2,
                teardown: 0,
                ccrl: 2,
                prompt: true,
                blocks: 2,
                ..RESETS
            },
        ),
        case(
            "reset-knobs",
            "the administrator changes settings while a controller is reset",
            Bounds {
                changes: 2,
                prompt: true,
                ..RESETS
            },
        ),
        case(
            "reset-late-asks",
            "the work item that asks is late, and may find that it cannot send",
            Bounds {
                late_asks: true,
                nuisances: 1,
                losses: 2,
                associations: 2,
                prompt: true,
                writes: 1,
                ..RESETS
            },
        ),
        case(
            "reset-lost-sources",
            "what a source was sent arrives after that is lost, and what it has begun goes on",
            Bounds {
                keep_alive: KeepAlive::Command,
                lost_sources_receive: true,
                controllers: 3,
                associations: 4,
                losses: 2,
                teardown: 0,
                prompt: true,
                writes: 1,
                ..RESETS
            },
        ),
    ]
}
