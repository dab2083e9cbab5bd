// SPDX-License-Identifier: GPL-2.0-only

//! Cases without resets.

use super::{Case, SMALL, case};
use crate::model::bounds::{Bounds, Cqt, KeepAlive};
use nvme_fence_policy::Belief;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "traffic",
            "traffic based keep alive: two losses, a reconnect",
            Bounds { losses: 2, ..SMALL },
        ),
        case(
            "command",
            "command based keep alive, with a Keep Alive command",
            Bounds {
                keep_alive: KeepAlive::Command,
                keep_alives: 1,
                ..SMALL
            },
        ),
        case(
            "notification",
            "a controller closes a connection itself",
            Bounds {
                notifications: 1,
                ..SMALL
            },
        ),
        case(
            "connections",
            "a controller closes its connections one by one, and serves those that are left",
            Bounds {
                connections: 2,
                notifications: 2,
                writes: 2,
                ..SMALL
            },
        ),
        case(
            "distrust",
            "notifications are forged, and do not count",
            Bounds {
                notifications: 2,
                evidence: SMALL.evidence.without(Belief::Notification),
                writes: 2,
                ..SMALL
            },
        ),
        case(
            "host",
            "controllers are disabled or removed, commands fail while they are sent",
            Bounds {
                disables: 1,
                removals: 1,
                send_failures: 1,
                writes: 2,
                ..SMALL
            },
        ),
        case(
            "resume",
            "the host goes on to use what it had given up, and loses it again",
            Bounds {
                resumes: 1,
                losses: 2,
                writes: 2,
                ..SMALL
            },
        ),
        case(
            "deletion",
            "a controller is deleted while it is torn down, to be used on, or to be reset",
            Bounds {
                deletions: 1,
                resumes: 1,
                losses: 2,
                writes: 2,
                ..SMALL
            },
        ),
        case(
            "late",
            "a command is cancelled after its association was closed",
            Bounds {
                late: 1,
                losses: 2,
                send_failures: 1,
                writes: 2,
                ..SMALL
            },
        ),
        case(
            "admin",
            "the administrator releases, and there is no keep alive",
            Bounds {
                keep_alive: KeepAlive::Off,
                admin: 1,
                ..SMALL
            },
        ),
        case(
            "flaps",
            "two losses far from each other, two records at once, one block",
            Bounds {
                keep_alive: KeepAlive::Command,
                keep_alives: 1,
                losses: 2,
                associations: 4,
                blocks: 1,
                writes: 2,
                lose_by: 4,
                ..SMALL
            },
        ),
        case(
            "evidence",
            "disabled, noticed or vouched for: whichever comes first",
            Bounds {
                losses: 1,
                associations: 3,
                blocks: 1,
                writes: 2,
                disables: 1,
                notifications: 1,
                admin: 1,
                ..SMALL
            },
        ),
        case(
            "reconnect",
            "a controller that is connected again has cleaned up: its older instances are fenced",
            Bounds {
                evidence: SMALL.evidence.with(Belief::Reconnect),
                cleans_up: true,
                losses: 2,
                writes: 2,
                ..SMALL
            },
        ),
        case(
            "reconnect-by-id",
            "the same without CIU and CIRN: the administrator says that the ID is enough",
            Bounds {
                evidence: SMALL.evidence.with(Belief::ReconnectById),
                nameless: true,
                cleans_up: true,
                losses: 2,
                writes: 2,
                ..SMALL
            },
        ),
        case(
            "reconnect-nameless",
            "IDs are given out again too early, and there are no CIU and CIRN: it is no evidence",
            Bounds {
                evidence: SMALL.evidence.with(Belief::Reconnect),
                nameless: true,
                losses: 2,
                writes: 2,
                ..SMALL
            },
        ),
        case(
            "words",
            "the administrator releases one controller, or what is removed, of two that are lost",
            Bounds {
                admin: 1,
                losses: 2,
                removals: 1,
                associations: 2,
                writes: 2,
                ..SMALL
            },
        ),
        case(
            "knobs",
            "the administrator changes settings while a record fences, or before",
            Bounds {
                changes: 2,
                notifications: 1,
                blocks: 1,
                writes: 2,
                ..SMALL
            },
        ),
        case(
            "longer",
            "timeouts of two ticks",
            Bounds {
                katt: 2,
                katt_at_loss: 2,
                cqt: 2,
                writes: 2,
                ..SMALL
            },
        ),
        case(
            "default-cqt",
            "the controllers do not tell their CQT",
            Bounds {
                cqt_source: Cqt::Default,
                cqt: 2,
                writes: 2,
                ..SMALL
            },
        ),
        case(
            "override-cqt",
            "the controllers tell a CQT that is too short",
            Bounds {
                cqt_source: Cqt::Override,
                cqt: 2,
                writes: 2,
                ..SMALL
            },
        ),
        case(
            "shorter-katt",
            "Set Features shortened the keep alive timeout",
            Bounds {
                katt: 2,
                writes: 2,
                ..SMALL
            },
        ),
        case(
            "longer-katt",
            "Set Features lengthened the keep alive timeout",
            Bounds {
                katt_at_loss: 2,
                writes: 2,
                ..SMALL
            },
        ),
    ]
}
