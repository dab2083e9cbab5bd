// SPDX-License-Identifier: GPL-2.0

//! What more than one of these tests needs.

use nvme_fence_policy::hold::HOST_ABORTED_CMD;
use nvme_fence_policy::{Command, Kind, Opened, Resets};

/// An association to which resets are lent in boxes.
pub(crate) type Association = nvme_fence_policy::Association<Box<Resets>>;

/// What a new association needs.
pub(crate) fn lent(opened: &Opened) -> Option<Box<Resets>> {
    opened.resets().map(Box::new)
}

/// A write that the host cancelled, and that may have been sent: that of the unit tests, which are not in
/// the crate that these tests see.
pub(crate) const WRITE: Command = Command {
    kind: Kind::Write,
    status: HOST_ABORTED_CMD,
    sent: true,
    bytes: 4096,
    blocks: None,
    fails: false,
    elsewhere: false,
    repeatable: true,
    holdable: true,
};
