// SPDX-License-Identifier: GPL-2.0-only

//! Cases with an array that arbitrates paths itself, or is said to do so.

use super::{Case, SMALL, case};
use crate::model::bounds::Bounds;
use nvme_fence_policy::Belief;

/// Both blocks can be used through the same controller at first, and move one by one.
pub(super) const ARRAY: Bounds = Bounds {
    evidence: SMALL.evidence.with(Belief::Target),
    arbitrates: true,
    moves: 2,
    associations: 2,
    writes: 2,
    ..SMALL
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "target",
            "the array moves namespaces one by one, and what is held has moved with the last one",
            ARRAY,
        ),
        case(
            "target-back",
            "a namespace moves back, or the controller is connected again before it moves",
            Bounds {
                blocks: 1,
                losses: 2,
                moves: 3,
                associations: 3,
                ..ARRAY
            },
        ),
        case(
            "target-unbelieved",
            "it is not said that the array arbitrates paths, though it does",
            Bounds {
                evidence: SMALL.evidence,
                ..ARRAY
            },
        ),
        case(
            "target-shared",
            "it is said of an array that does not: a path is lost while there is another one",
            Bounds {
                arbitrates: false,
                moves: 0,
                associations: 3,
                ..ARRAY
            },
        ),
        case(
            "target-knobs",
            "the same, and the administrator changes settings meanwhile",
            Bounds {
                arbitrates: false,
                blocks: 1,
                moves: 0,
                changes: 2,
                ..ARRAY
            },
        ),
        case(
            "target-resume",
            "a namespace moves while the host goes on to use the association after all",
            Bounds {
                blocks: 1,
                losses: 2,
                resumes: 1,
                ..ARRAY
            },
        ),
    ]
}
