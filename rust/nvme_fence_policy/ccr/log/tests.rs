// SPDX-License-Identifier: GPL-2.0

extern crate std;
use super::*;
use crate::log_page::LOG_BYTES;
use std::vec::Vec;

fn page(entries: &[[u8; 8]]) -> Vec<u8> {
    let mut bytes = Vec::from([0; 8]);
    bytes[..2].copy_from_slice(&(entries.len() as u16).to_le_bytes());
    for entry in entries {
        bytes.extend_from_slice(entry);
    }
    bytes
}

const fn entry(icid: u16, ciu: u8, ccrs: u8) -> [u8; 8] {
    let [low, high] = icid.to_le_bytes();
    [low, high, ciu, 0xff, 9, 0, ccrs, 0b1101]
}

const fn identity(cntlid: u16, ciu: u8) -> Identity {
    Identity {
        cntlid,
        ciu,
        cirn: 0x1234,
    }
}

#[test]
fn an_entry_is_found_by_controller_and_instance() {
    let bytes = page(&[entry(0x102, 3, 1), entry(7, 3, 2), entry(0x102, 4, 0)]);
    let log = Log::parse(&bytes).unwrap();
    assert_eq!(log.status(&identity(0x102, 3)), Some(Status::Success));
    assert_eq!(
        log.status(&identity(7, 3)),
        Some(Status::Failed(Failure::PLAIN))
    );
    assert_eq!(log.status(&identity(0x102, 4)), Some(Status::InProgress));
    assert_eq!(log.status(&identity(2, 3)), None);
    assert_eq!(log.status(&identity(7, 4)), None);
}

#[test]
fn a_value_without_meaning_is_no_success() {
    for ccrs in 3..=255 {
        let bytes = page(&[entry(1, 1, ccrs)]);
        let log = Log::parse(&bytes).unwrap();
        assert_eq!(log.status(&identity(1, 1)), Some(Status::Invalid));
    }
}

#[test]
fn what_goes_on_hides_what_is_older() {
    for entries in [
        [entry(1, 1, 1), entry(1, 1, 0)],
        [entry(1, 1, 0), entry(1, 1, 2)],
    ] {
        let bytes = page(&entries);
        let log = Log::parse(&bytes).unwrap();
        assert_eq!(log.status(&identity(1, 1)), Some(Status::InProgress));
    }
    let bytes = page(&[entry(1, 1, 2), entry(1, 1, 1)]);
    let log = Log::parse(&bytes).unwrap();
    assert_eq!(log.status(&identity(1, 1)), Some(Status::Success));
}

#[test]
fn a_page_that_is_too_short_for_what_it_says_is_no_page() {
    assert!(Log::parse(&[]).is_none());
    assert!(Log::parse(&[0]).is_none());
    let mut bytes = page(&[entry(1, 1, 1), entry(1, 1, 1)]);
    assert!(Log::parse(&bytes).is_some());
    bytes.pop();
    assert!(Log::parse(&bytes).is_none());
    let mut bytes = Vec::from([0; 2 * LOG_BYTES]);
    for (count, valid) in [(511_u16, true), (512, false), (u16::MAX, false)] {
        bytes[..2].copy_from_slice(&count.to_le_bytes());
        assert_eq!(Log::parse(&bytes).is_some(), valid);
    }
}

#[test]
fn only_completed_entries_can_be_removed() {
    assert!(!Log::parse(&page(&[])).unwrap().has_completed());
    assert!(!Log::parse(&page(&[entry(1, 1, 0)]))
        .unwrap()
        .has_completed());
    assert!(Log::parse(&page(&[entry(1, 1, 0), entry(2, 1, 2)]))
        .unwrap()
        .has_completed());
}

#[test]
fn a_failure_says_whether_the_controller_has_noticed_and_where_to_try_again() {
    for (ccrf, noticed, retry) in [
        (0b0000, false, Retry::Nowhere),
        (0b0001, false, Retry::Nowhere),
        (0b0010, true, Retry::Nowhere),
        (0b0111, true, Retry::On(0x304)),
        (0b1000, false, Retry::Elsewhere),
        (0b1111, true, Retry::Anywhere),
        (0b1111_0000, false, Retry::Nowhere),
    ] {
        let bytes = page(&[[1, 0, 1, 0, 4, 3, 2, ccrf]]);
        let log = Log::parse(&bytes).unwrap();
        let failure = Failure { noticed, retry };
        assert_eq!(log.status(&identity(1, 1)), Some(Status::Failed(failure)));
    }
    // It is to be tried on a controller that is not named.
    let bytes = page(&[[1, 0, 1, 0, 0xff, 0xff, 2, 0b0100]]);
    let log = Log::parse(&bytes).unwrap();
    let expected = Some(Status::Failed(Failure::PLAIN));
    assert_eq!(log.status(&identity(1, 1)), expected);
}
