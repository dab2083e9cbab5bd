// SPDX-License-Identifier: GPL-2.0

use super::*;

/// A write that the host cancelled, and that may have been sent: all unit tests lose this one.
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

#[test]
fn what_changes_the_medium_is_held() {
    for kind in [
        Kind::Write,
        Kind::WriteZeroes,
        Kind::Deallocate,
        Kind::ZoneManagementSend,
        Kind::ZoneAppend,
        Kind::Other,
    ] {
        for status in [HOST_PATH_ERROR, HOST_ABORTED_CMD] {
            let command = Command {
                kind,
                status,
                ..WRITE
            };
            assert_eq!(
                command.verdict(&Knobs::DEFAULT),
                Verdict::Hold,
                "{command:?}"
            );
        }
    }
}

#[test]
fn what_changes_nothing_passes() {
    for kind in [Kind::Read, Kind::Flush] {
        let command = Command { kind, ..WRITE };
        assert_eq!(
            command.verdict(&Knobs::DEFAULT),
            Verdict::Pass(PassReason::Harmless)
        );
    }
}

#[test]
fn what_the_controller_answered_passes() {
    // internal path error, ANA states, controller path error, a media error, ...
    for status in [0x300, 0x301, 0x302, 0x303, 0x360, 0x280, 0x006] {
        let command = Command { status, ..WRITE };
        assert_eq!(
            command.verdict(&Knobs::DEFAULT),
            Verdict::Pass(PassReason::Answered)
        );
    }
}

#[test]
fn what_was_never_sent_passes() {
    let command = Command {
        status: HOST_PATH_ERROR,
        sent: false,
        ..WRITE
    };
    assert_eq!(
        command.verdict(&Knobs::DEFAULT),
        Verdict::Pass(PassReason::NotSent)
    );
}

#[test]
fn nothing_is_held_where_fencing_is_off() {
    let mut knobs = Knobs::DEFAULT;
    knobs.set_hold(Hold::None);
    let verdict = WRITE.verdict(&knobs);
    assert_eq!(verdict, Verdict::Pass(PassReason::Off));
}
