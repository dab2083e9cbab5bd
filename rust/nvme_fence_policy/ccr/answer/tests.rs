// SPDX-License-Identifier: GPL-2.0

use super::*;

#[test]
fn only_success_with_irs_is_evidence() {
    assert_eq!(Answer::decode(0, 0b110), Answer::Accepted);
    for status in 0..0x800 {
        assert!(!Answer::decode(status, 0b110).is_evidence());
    }
    for status in 1..0x800 {
        assert!(!Answer::decode(status, 0b111).is_evidence());
        assert_ne!(Answer::decode(status, 0), Answer::Accepted);
    }
}

#[test]
fn what_was_reset_is_told_from_what_was_not_there() {
    for (result, answer) in [
        (0b111, Answer::Immediate),
        (0b011, Answer::Immediate),
        (0b001, Answer::Gone),
        (0b101, Answer::Gone),
    ] {
        assert_eq!(Answer::decode(0, result), answer, "{result:#b}");
        assert!(answer.is_evidence());
    }
}

#[test]
fn each_status_has_its_answer() {
    for (status, answer) in [
        (0x13f, Answer::InProgress),
        (0x140, Answer::LogFull),
        (0x141, Answer::LimitExceeded),
        (0x002, Answer::Refused),
        (0x007, Answer::Unanswered),
        (0x001, Answer::Failed),
        // The same Status Codes of other types.
        (0x03f, Answer::Failed),
        (0x240, Answer::Failed),
        (0x102, Answer::Failed),
        // Cancelled by the host.
        (0x371, Answer::Failed),
    ] {
        assert_eq!(Answer::decode(status, 1), answer, "{status:#x}");
    }
}
