// SPDX-License-Identifier: GPL-2.0

use super::*;

#[test]
fn milliseconds_are_added_and_counted() {
    let t = Nanos(5);
    assert_eq!(t.after_millis(3), Nanos(3_000_005));
    assert_eq!(t.after_millis(3).millis_from(t), 3);
    assert_eq!(t.millis_from(t.after_millis(3)), 0);
}

#[test]
fn a_started_millisecond_counts() {
    assert_eq!(Nanos(1_000_001).millis_from(Nanos(0)), 2);
}

#[test]
fn the_end_of_time_does_not_wrap() {
    assert_eq!(Nanos(u64::MAX - 1).after_millis(1), Nanos(u64::MAX));
    assert_eq!(Nanos(0).after_millis(u64::MAX), Nanos(u64::MAX));
}
