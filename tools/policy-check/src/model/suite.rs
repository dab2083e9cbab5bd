// SPDX-License-Identifier: GPL-2.0-only

//! The models that make up the proof.

use super::bounds::{Assumption, Bounds, Cqt, KeepAlive};
use super::property::Violation;
use nvme_fence_policy::Mode;

/// A model with a name.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Its bounds.
    pub bounds: Bounds,
}

/// Two controllers, two blocks, three writes, one flap, and no more.
pub const SMALL: Bounds = Bounds {
    mode: Mode::Time,
    keep_alive: KeepAlive::Traffic,
    katt: 1,
    katt_at_loss: 1,
    cqt: 1,
    cqt_source: Cqt::Reported,
    controllers: 2,
    associations: 3,
    connections: 1,
    blocks: 2,
    writes: 3,
    losses: 1,
    lose_by: 1,
    teardown: 1,
    keep_alives: 0,
    notifications: 0,
    disables: 0,
    removals: 0,
    deletions: 0,
    late: 0,
    admin: 0,
    resumes: 0,
    send_failures: 0,
    ccrl: 0,
    nuisances: 0,
    prompt: false,
    stale: false,
    namesakes: false,
    trust_notification: true,
    tick_ms: 1,
    broadcast: false,
    dropped: None,
};

/// Resets: two controllers, one block, two writes, one loss at the beginning. The policy's times for
/// resets are seconds, so ticks are seconds, too.
pub const RESETS: Bounds = Bounds {
    mode: Mode::Auto,
    ccrl: 1,
    tick_ms: 1000,
    associations: 2,
    blocks: 1,
    writes: 2,
    lose_by: 0,
    ..SMALL
};

/// The cases. Together they have everything in them that the model knows.
pub fn cases() -> Vec<Case> {
    let case = |name, about, bounds| Case {
        name,
        about,
        bounds,
    };
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
            "notifications are forged, and not trusted",
            Bounds {
                notifications: 2,
                trust_notification: false,
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
            "broadcast",
            "old records hear of everything that happens to their controller",
            Bounds {
                losses: 1,
                associations: 3,
                blocks: 1,
                writes: 2,
                disables: 1,
                notifications: 1,
                admin: 1,
                broadcast: true,
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
            "mode is time: there are sources, and nobody is asked",
            Bounds {
                mode: Mode::Time,
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
    ]
}

/// What happens if something cannot be taken for granted: models in which something goes wrong.
pub fn without(assumption: Assumption) -> (Bounds, Violation) {
    let (bounds, violation) = match assumption {
        Assumption::HonestAdministrator => (Bounds { admin: 1, ..SMALL }, Violation::GhostWrite),
        Assumption::HonestNetwork => (
            Bounds {
                notifications: 1,
                ..SMALL
            },
            Violation::GhostWrite,
        ),
        Assumption::TimelyDelivery => (SMALL, Violation::GhostWrite),
        Assumption::KnownTimeout => (
            Bounds {
                katt_at_loss: 2,
                ..SMALL
            },
            Violation::GhostWrite,
        ),
        Assumption::FailedAssociationsAreLost => (
            Bounds {
                send_failures: 1,
                ..SMALL
            },
            Violation::HeldForever,
        ),
        Assumption::WholeNotification => (
            Bounds {
                connections: 2,
                notifications: 1,
                ..SMALL
            },
            Violation::GhostWrite,
        ),
        Assumption::DeletionCloses => (
            Bounds {
                deletions: 1,
                ..SMALL
            },
            Violation::HeldForever,
        ),
        Assumption::HonestTarget => (RESETS, Violation::GhostWrite),
    };
    let bounds = Bounds {
        dropped: Some(assumption),
        ..bounds
    };
    (bounds, violation)
}
