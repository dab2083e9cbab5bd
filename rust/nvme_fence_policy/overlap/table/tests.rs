// SPDX-License-Identifier: GPL-2.0

extern crate std;
use super::*;
use std::vec;
use std::vec::Vec;

/// As many as are lent to an association by default.
const MANY: usize = 1024;

fn blocks(first: u64, length: u64) -> Blocks {
    Blocks::new(1, first, length).unwrap()
}

/// A table of ranges of one block each.
fn filled(firsts: impl IntoIterator<Item = u64>) -> (Table, Vec<Slot>) {
    let mut table = Table::EMPTY;
    let mut slots = vec![Slot::FREE; MANY];
    for first in firsts {
        assert_eq!(table.insert(&mut slots, blocks(first, 1)), Ok(()));
    }
    (table, slots)
}

/// Length of the longest way down.
fn depth(slots: &[Slot], tree: Link) -> usize {
    match slots.get(usize::from(tree.0)) {
        Some(slot) => 1 + depth(slots, slot.before).max(depth(slots, slot.behind)),
        None => 0,
    }
}

/// Numbers below 2^20 that look random, each of them once.
fn shuffled() -> impl Iterator<Item = u64> {
    (0..MANY as u64).map(|n| n * 0x9_e375 % (1 << 20))
}

#[test]
fn nothing_overlaps_an_empty_table() {
    assert!(!Table::EMPTY.overlaps(&[], &Blocks::all(1)));
    assert_eq!((Table::EMPTY.ranges(), Table::EMPTY.blocks()), (0, 0));
}

#[test]
fn what_was_inserted_is_found_and_nothing_else() {
    let (table, slots) = filled(shuffled().map(|n| 2 * n));
    for first in shuffled() {
        assert!(table.overlaps(&slots, &blocks(2 * first, 1)));
        assert!(!table.overlaps(&slots, &blocks(2 * first + 1, 1)));
        let other = Blocks::new(2, 2 * first, 1).unwrap();
        assert!(!table.overlaps(&slots, &other));
    }
    assert!(table.overlaps(&slots, &Blocks::all(1)));
    assert!(!table.overlaps(&slots, &Blocks::all(2)));
    assert_eq!(usize::from(table.ranges()), MANY);
    assert_eq!(table.blocks(), MANY as u64);
}

#[test]
fn what_overlaps_is_refused_and_changes_nothing() {
    let (mut table, mut slots) = filled([10, 20]);
    let before = (table, slots.clone());
    for overlapping in [blocks(10, 1), blocks(5, 6), blocks(10, 11), Blocks::all(1)] {
        let refused = table.insert(&mut slots, overlapping);
        assert_eq!(refused, Err(Refusal::Overlaps), "{overlapping:?}");
        assert_eq!((table, slots.clone()), before);
    }
    assert_eq!(table.insert(&mut slots, blocks(11, 9)), Ok(()));
}

#[test]
fn a_full_table_still_finds_what_overlaps() {
    let (mut table, mut slots) = filled(0..MANY as u64);
    let full = table.insert(&mut slots, blocks(MANY as u64, 1));
    assert_eq!(full, Err(Refusal::Full));
    let overlaps = table.insert(&mut slots, blocks(0, 1));
    assert_eq!(overlaps, Err(Refusal::Overlaps));
}

#[test]
fn without_slots_nothing_can_be_tracked() {
    let mut table = Table::EMPTY;
    assert_eq!(table.insert(&mut [], Blocks::all(1)), Err(Refusal::Full));
    assert_eq!(table, Table::EMPTY);
}

#[test]
fn a_table_has_room_for_so_many_ranges_and_no_more() {
    let mut table = Table::EMPTY;
    let mut slots = vec![Slot::FREE; RANGES_MAX + 1];
    for first in 0..RANGES_MAX as u64 {
        assert_eq!(table.insert(&mut slots, blocks(2 * first, 1)), Ok(()));
    }
    let one_more = table.insert(&mut slots, blocks(u64::MAX, 1));
    assert_eq!(one_more, Err(Refusal::Full));
    assert!(!table.overlaps(&slots, &blocks(u64::MAX, 1)));
}

#[test]
fn whole_namespaces_are_ranges_like_others() {
    let mut table = Table::EMPTY;
    let mut slots = [Slot::FREE; 4];
    for namespace in [2, 1] {
        let whole = Blocks::all(namespace);
        assert_eq!(table.insert(&mut slots, whole), Ok(()));
        let last = Blocks::new(namespace, u64::MAX, 1).unwrap();
        assert!(table.overlaps(&slots, &last));
    }
    assert!(!table.overlaps(&slots, &Blocks::all(3)));
    assert_eq!(table.blocks(), u64::MAX, "more than a number can say");
}

#[test]
fn with_slots_of_another_everything_overlaps() {
    let (table, slots) = filled(shuffled());
    assert!(table.overlaps(&slots[..0], &Blocks::all(2)));
}

#[test]
fn slots_can_be_used_again() {
    let (_, mut slots) = filled(shuffled());
    let mut table = Table::EMPTY;
    assert!(!table.overlaps(&slots, &Blocks::all(1)));
    assert_eq!(table.insert(&mut slots, blocks(5, 1)), Ok(()));
    assert!(table.overlaps(&slots, &blocks(5, 1)));
    assert!(!table.overlaps(&slots, &blocks(6, 99)));
}

#[test]
fn a_slot_is_no_larger_than_is_documented() {
    assert_eq!(core::mem::size_of::<Slot>(), 32);
}

#[test]
fn no_way_down_is_long() {
    let many = MANY as u64;
    let zigzag = (0..many).map(|n| if n % 2 == 0 { n } else { 2 * many - n });
    let orders: [Vec<u64>; 4] = [
        (0..many).collect(),
        (0..many).rev().collect(),
        zigzag.collect(),
        shuffled().collect(),
    ];
    for order in orders {
        let (table, slots) = filled(order.iter().copied());
        // At least 10; 2 ln 1024 = 14 on average.
        let depth = depth(&slots, table.root);
        assert!(depth <= 30, "{depth}: {:?}", &order[..4]);
    }
}
