// SPDX-License-Identifier: GPL-2.0

extern crate std;
use super::*;

fn blocks(first: u64, length: u64) -> Blocks {
    Blocks::new(1, first, length).unwrap()
}

#[test]
fn no_blocks_are_no_range() {
    for first in [0, 7, u64::MAX] {
        assert_eq!(Blocks::new(1, first, 0), None);
    }
}

#[test]
fn a_range_ends_where_numbers_end() {
    let end = blocks(u64::MAX, 1);
    assert_eq!(blocks(u64::MAX, u64::MAX), end);
    assert_eq!(blocks(u64::MAX - 1, 2), blocks(u64::MAX - 1, 3));
    assert!(blocks(u64::MAX - 1, 2).overlaps(&end));
    assert!(!blocks(u64::MAX - 1, 1).overlaps(&end));
    // The first block of the namespace is not what comes behind the last one.
    assert!(!blocks(u64::MAX, 2).overlaps(&blocks(0, 1)));
}

#[test]
fn neighbours_do_not_overlap() {
    let middle = blocks(8, 8);
    for (first, length, overlaps) in [
        (0, 8, false),
        (0, 9, true),
        (8, 8, true),
        (9, 1, true),
        (15, 1, true),
        (16, 1, false),
        (0, u64::MAX, true),
    ] {
        let other = blocks(first, length);
        assert_eq!(middle.overlaps(&other), overlaps, "{other:?}");
        assert_eq!(other.overlaps(&middle), overlaps, "{other:?}");
    }
}

#[test]
fn namespaces_do_not_overlap() {
    assert!(!Blocks::all(1).overlaps(&Blocks::all(2)));
    assert!(Blocks::all(2).overlaps(&Blocks::new(2, u64::MAX, 1).unwrap()));
}

#[test]
fn blocks_are_counted() {
    assert_eq!(blocks(7, 1).count(), 1);
    assert_eq!(blocks(0, 1024).count(), 1024);
    assert_eq!(blocks(1, u64::MAX).count(), u64::MAX);
    assert_eq!(Blocks::all(1).count(), u64::MAX);
}
