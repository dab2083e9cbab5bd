// SPDX-License-Identifier: GPL-2.0

use super::*;

#[test]
fn what_waits_has_names() {
    for hold in Hold::ALL {
        assert_eq!(Hold::from_name(hold.name()), Some(hold));
    }
    for bad in ["", "ALL", "all ", "off", "auto"] {
        assert_eq!(Hold::from_name(bad), None);
    }
}

#[test]
fn values_out_of_range_change_nothing() {
    let mut knobs = Knobs::DEFAULT;
    assert!(!knobs.set_cqt_default_ms(0));
    assert!(!knobs.set_cqt_default_ms(CQT_MS_MAX + 1));
    assert!(!knobs.set_cqt_override_ms(CQT_MS_MAX + 1));
    assert_eq!(knobs, Knobs::DEFAULT);
    assert!(knobs.set_cqt_default_ms(1));
    assert!(knobs.set_cqt_default_ms(CQT_MS_MAX));
    assert!(knobs.set_cqt_override_ms(CQT_MS_MAX));
    assert!(knobs.set_cqt_override_ms(0));
}

#[test]
fn the_quiesce_time_is_overridden_reported_or_the_default() {
    let mut knobs = Knobs::DEFAULT;
    assert_eq!(knobs.cqt_ms(0), (CQT_DEFAULT_MS, CqtSource::Default));
    assert_eq!(knobs.cqt_ms(5000), (5000, CqtSource::Controller));
    assert!(knobs.set_cqt_default_ms(20_000));
    assert_eq!(knobs.cqt_ms(0), (20_000, CqtSource::Default));
    assert!(knobs.set_cqt_override_ms(3));
    assert_eq!(knobs.cqt_ms(0), (3, CqtSource::Override));
    assert_eq!(knobs.cqt_ms(5000), (3, CqtSource::Override));
}
