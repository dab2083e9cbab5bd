// SPDX-License-Identifier: GPL-2.0

extern crate std;
use super::*;
use std::vec::Vec;

const A: Name = Name { icid: 1, ciu: 1 };
const IN_PROGRESS: u8 = 0;
const SUCCESS: u8 = 1;

fn page(entries: &[(Name, u8)]) -> Vec<u8> {
    let mut bytes = Vec::from([0; 8]);
    bytes[..2].copy_from_slice(&(entries.len() as u16).to_le_bytes());
    for (name, ccrs) in entries {
        let [low, high] = name.icid.to_le_bytes();
        bytes.extend([low, high, name.ciu, 0, 0, 0, *ccrs, 0]);
    }
    bytes
}

/// The log page is read, and this is in it.
fn read(pending: &mut PendingResets, entries: &[(Name, u8)], removed: bool) {
    pending.read_begins();
    pending.read_ends(&Log::parse(&page(entries)).unwrap(), removed);
}

fn answered() -> PendingResets {
    let mut pending = PendingResets::new();
    pending.asked(A);
    pending.answered(A, true);
    pending
}

#[test]
fn it_is_over_when_a_log_page_does_not_list_it() {
    let mut pending = answered();
    read(&mut pending, &[(A, IN_PROGRESS)], true);
    assert!(pending.contains(A));
    read(&mut pending, &[], false);
    assert!(!pending.any());
}

#[test]
fn a_completed_entry_has_to_be_removed() {
    let mut pending = answered();
    read(&mut pending, &[(A, SUCCESS)], false);
    assert!(pending.contains(A));
    read(&mut pending, &[(A, SUCCESS)], true);
    assert!(!pending.any());
}

#[test]
fn a_log_page_is_no_use_if_its_read_began_before_the_answer() {
    let mut pending = PendingResets::new();
    pending.asked(A);
    read(&mut pending, &[], true);
    assert!(pending.contains(A), "the command may not have arrived");
    pending.read_begins();
    pending.answered(A, true);
    pending.read_ends(&Log::parse(&page(&[])).unwrap(), true);
    assert!(pending.contains(A), "the page may be older");
    read(&mut pending, &[], true);
    assert!(!pending.any());
}

#[test]
fn what_was_not_begun_is_not_waited_for() {
    let mut pending = PendingResets::new();
    pending.asked(A);
    pending.answered(A, false);
    assert!(!pending.any());
}

#[test]
fn what_somebody_else_has_asked_for_is_waited_for() {
    let mut pending = PendingResets::new();
    read(&mut pending, &[(A, IN_PROGRESS), (A, IN_PROGRESS)], true);
    assert!(pending.contains(A));
    assert_eq!(pending.count(), 1);
    read(&mut pending, &[(A, SUCCESS)], true);
    assert!(!pending.any());
}

#[test]
fn more_than_there_is_room_for_is_too_much() {
    let many: Vec<_> = (0..=PENDING_MAX as u16)
        .map(|icid| (Name { icid, ciu: 1 }, IN_PROGRESS))
        .collect();
    let mut pending = PendingResets::new();
    read(&mut pending, &many[1..], true);
    assert!(!pending.has_room() && !pending.overflow);
    read(&mut pending, &many, true);
    read(&mut pending, &[], true);
    assert!(pending.has_room() && !pending.any(), "all of it is over");

    read(&mut pending, &many, true);
    read(&mut pending, &many[PENDING_MAX..], true);
    assert!(pending.has_room(), "the rest is known by name");
    assert_eq!(pending.count(), 1);
}
