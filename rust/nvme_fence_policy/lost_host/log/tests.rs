// SPDX-License-Identifier: GPL-2.0

use super::*;

/// Two entries: controller 0102h, instance 3, lost 9 times; and controller 7, instance 4.
const PAGE: [u8; 24] = [
    2, 0, 0, 0, 0, 0, 0, 0, // header
    0x02, 0x01, 9, 3, 0, 0, 0, 0, //
    7, 0, 1, 4, 0, 0, 0, 0,
];

#[test]
fn an_entry_is_found_by_controller_and_instance() {
    let log = LostHostLog::parse(&PAGE).unwrap();
    for (icid, ciu, listed) in [
        (0x102, 3, true),
        (7, 4, true),
        // Another instance, another controller, and a count that is no instance.
        (0x102, 4, false),
        (2, 3, false),
        (0x102, 9, false),
        (7, 1, false),
    ] {
        assert_eq!(log.lists(Name { icid, ciu }), listed, "{icid:#x} {ciu}");
    }
}

#[test]
fn what_has_no_instance_is_not_found() {
    let mut page = PAGE;
    page[11] = 0;
    let log = LostHostLog::parse(&page).unwrap();
    assert!(!log.lists(Name {
        icid: 0x102,
        ciu: 0
    }));
}

#[test]
fn a_page_that_is_too_short_is_no_page() {
    assert!(LostHostLog::parse(&PAGE[..23]).is_none());
    assert!(LostHostLog::parse(&[]).is_none());
}
