// SPDX-License-Identifier: GPL-2.0-only

//! Cases in which commands are tracked, and newer writes to their blocks wait.

use super::{Case, RESETS, SMALL, TRACKING, case};
use crate::model::bounds::Bounds;
use nvme_fence_policy::Hold;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "overlap",
            "what is tracked is sent again when it has left the host",
            Bounds {
                buffers: true,
                blocks: 1,
                ..TRACKING
            },
        ),
        case(
            "overlap-chain",
            "what was sent again is lost again: newer writes wait for both associations",
            Bounds {
                losses: 2,
                blocks: 1,
                ..TRACKING
            },
        ),
        case(
            "overlap-blocks",
            "two blocks: some writes overlap, some do not",
            TRACKING,
        ),
        case(
            "overlap-three",
            "three writes to one block: the second one is tracked, too",
            Bounds {
                blocks: 1,
                writes: 3,
                ..TRACKING
            },
        ),
        case(
            "overlap-full",
            "there is no room for the second command",
            Bounds {
                slots: 1,
                writes: 3,
                associations: 2,
                ..TRACKING
            },
        ),
        case(
            "overlap-host",
            "controllers are disabled or removed, commands fail while they are sent",
            Bounds {
                disables: 1,
                removals: 1,
                send_failures: 1,
                blocks: 1,
                ..TRACKING
            },
        ),
        case(
            "overlap-resume",
            "the host goes on to use what it had given up, and loses it again",
            Bounds {
                resumes: 1,
                losses: 2,
                blocks: 1,
                ..TRACKING
            },
        ),
        case(
            "overlap-late",
            "a command is cancelled after its association was closed",
            Bounds {
                late: 1,
                send_failures: 1,
                associations: 2,
                buffers: true,
                ..TRACKING
            },
        ),
        case(
            "overlap-words",
            "the administrator releases what is tracked",
            Bounds {
                admin: 1,
                blocks: 1,
                ..TRACKING
            },
        ),
        case(
            "overlap-knobs",
            "the administrator has commands tracked, held or let pass",
            Bounds {
                changes: 2,
                blocks: 1,
                ..TRACKING
            },
        ),
        case(
            "overlap-unload",
            "the module is unloaded: all writes wait for what was tracked",
            Bounds {
                unloads: 1,
                blocks: 1,
                ..TRACKING
            },
        ),
        case(
            "overlap-reset",
            "what is tracked is reset",
            Bounds {
                hold: Hold::Overlap,
                slots: 4,
                prompt: true,
                ..RESETS
            },
        ),
        case(
            "second-host",
            "another host writes, and nothing is tracked",
            Bounds {
                foreign: 1,
                buffers: true,
                writes: 2,
                ..SMALL
            },
        ),
    ]
}
