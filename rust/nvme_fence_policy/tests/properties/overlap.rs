// SPDX-License-Identifier: GPL-2.0

//! A table of tracked ranges finds what a set of blocks would.

use nvme_fence_policy::overlap::{Blocks, Refusal, Slot, Table};
use proptest::prelude::*;

/// A range, as somebody writes it who does not know the table.
type Range = (u32, u64, u64);

/// Ranges of few blocks that meet often, at both ends of a namespace and in the middle, and now and
/// then a long one.
fn ranges() -> impl Strategy<Value = Range> {
    let first = prop_oneof![
        0u64..64,
        (1u64 << 40) - 32..(1 << 40) + 32,
        u64::MAX - 64..=u64::MAX,
    ];
    let length = prop_oneof![8 => 0u64..6, 1 => Just(1 << 40), 1 => Just(u64::MAX)];
    (1u32..3, first, length)
}

/// First and last block, if there is any; in numbers that never overflow.
fn ends((_, first, length): Range) -> Option<(u128, u128)> {
    let first = u128::from(first);
    let behind = (first + u128::from(length)).min(1 << 64);
    (length > 0).then(|| (first, behind - 1))
}

/// Whether there is a block in both.
fn meet(a: Range, b: Range) -> bool {
    let (Some(of_a), Some(of_b)) = (ends(a), ends(b)) else {
        return false;
    };
    a.0 == b.0 && of_a.0.max(of_b.0) <= of_a.1.min(of_b.1)
}

fn blocks((namespace, first, length): Range) -> Option<Blocks> {
    Blocks::new(namespace, first, length)
}

proptest! {
    #[test]
    fn a_table_finds_what_a_naive_set_finds(
        tracked in prop::collection::vec(ranges(), 0..80),
        slots in 0usize..40,
        writes in prop::collection::vec(ranges(), 1..40),
    ) {
        let mut slots = vec![Slot::FREE; slots];
        let mut table = Table::EMPTY;
        let mut naive: Vec<Range> = Vec::new();
        for range in tracked {
            let Some(blocks) = blocks(range) else {
                prop_assert_eq!(ends(range), None);
                continue;
            };
            let expected = if naive.iter().any(|one| meet(*one, range)) {
                Err(Refusal::Overlaps)
            } else if naive.len() == slots.len() {
                Err(Refusal::Full)
            } else {
                naive.push(range);
                Ok(())
            };
            prop_assert_eq!(table.insert(&mut slots, blocks), expected);
            prop_assert_eq!(usize::from(table.ranges()), naive.len());
        }
        let sum: u128 = naive.iter().filter_map(|one| ends(*one)).map(|(a, b)| b - a + 1).sum();
        prop_assert_eq!(u128::from(table.blocks()), sum.min(u128::from(u64::MAX)));
        for write in writes.into_iter().chain(naive.clone()) {
            if let Some(blocks) = blocks(write) {
                let expected = naive.iter().any(|one| meet(*one, write));
                prop_assert_eq!(table.overlaps(&slots, &blocks), expected, "{:?}", write);
            }
        }
    }
}
