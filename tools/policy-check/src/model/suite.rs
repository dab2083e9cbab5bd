// SPDX-License-Identifier: GPL-2.0-only

//! The models that make up the proof.

mod notices;
mod overlap;
mod resets;
mod target;
mod waits;

use super::bounds::{Assumption, Bounds, Cqt, KeepAlive};
use super::property::Violation;
use nvme_fence_policy::{Belief, Beliefs, Hold};

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

/// Two controllers, two blocks, three writes, one flap, and no more. The target gives out IDs again as
/// it likes, and that a controller is connected again does not count.
pub const SMALL: Bounds = Bounds {
    hold: Hold::All,
    evidence: Beliefs::DEFAULT
        .without(Belief::Ccr)
        .without(Belief::Reconnect)
        .with(Belief::Notification),
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
    failures_tell: false,
    lost_host_logs: false,
    prompt: false,
    stale: false,
    namesakes: false,
    nameless: false,
    cleans_up: false,
    tick_ms: 1,
    changes: 0,
    late_asks: false,
    lost_sources_receive: false,
    slots: 0,
    buffers: false,
    foreign: 0,
    unloads: 0,
    arbitrates: false,
    moves: 0,
    dropped: None,
};

/// Resets: two controllers, one block, two writes, one loss at the beginning. The policy's times for
/// resets are seconds, so ticks are seconds, too.
pub const RESETS: Bounds = Bounds {
    evidence: Beliefs::DEFAULT
        .without(Belief::Reconnect)
        .with(Belief::Notification),
    ccrl: 1,
    tick_ms: 1000,
    associations: 2,
    blocks: 1,
    writes: 2,
    lose_by: 0,
    ..SMALL
};

/// Commands are tracked: as [`SMALL`], with room for all of them.
pub const TRACKING: Bounds = Bounds {
    hold: Hold::Overlap,
    slots: 4,
    writes: 2,
    ..SMALL
};

/// The cases. Together they have everything in them that the model knows.
pub fn cases() -> Vec<Case> {
    [
        waits::cases(),
        overlap::cases(),
        resets::cases(),
        notices::cases(),
        target::cases(),
    ]
    .concat()
}

fn case(name: &'static str, about: &'static str, bounds: Bounds) -> Case {
    Case {
        name,
        about,
        bounds,
    }
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
        Assumption::HonestLostHostLog => (notices::NOTICES, Violation::GhostWrite),
        Assumption::HonestFailure => (
            Bounds {
                nuisances: 1,
                failures_tell: true,
                prompt: true,
                ..RESETS
            },
            Violation::GhostWrite,
        ),
        Assumption::CleanUpBeforeConnect => (
            Bounds {
                evidence: SMALL.evidence.with(Belief::Reconnect),
                cleans_up: true,
                ..SMALL
            },
            Violation::GhostWrite,
        ),
        Assumption::HonestArray => (target::ARRAY, Violation::GhostWrite),
        Assumption::OneHost => (
            Bounds {
                foreign: 1,
                ..TRACKING
            },
            Violation::GhostWrite,
        ),
        Assumption::OneWriteAtATime => (TRACKING, Violation::GhostWrite),
        Assumption::SameContent => (TRACKING, Violation::SpoiledWrite),
        Assumption::RememberedWhenUnloaded => (
            Bounds {
                unloads: 1,
                ..TRACKING
            },
            Violation::GhostWrite,
        ),
        Assumption::EmptySockets => (
            Bounds {
                buffers: true,
                ..TRACKING
            },
            Violation::SpoiledWrite,
        ),
    };
    let bounds = Bounds {
        dropped: Some(assumption),
        ..bounds
    };
    (bounds, violation)
}
