// SPDX-License-Identifier: GPL-2.0

use super::*;

#[test]
fn each_belief_has_a_word_and_a_place_of_its_own() {
    let mut all = Beliefs::NONE;
    for belief in Belief::ALL {
        assert_eq!(Belief::from_name(belief.name()), Some(belief));
        assert!(!all.contains(belief));
        all = all.with(belief);
        assert!(all.contains(belief));
    }
    for belief in Belief::ALL {
        assert!(!all.without(belief).contains(belief));
        assert_eq!(all.without(belief).with(belief), all);
    }
}

#[test]
fn what_can_be_forged_or_does_not_hold_everywhere_does_not_count_by_default() {
    let expected = Beliefs::from_words("ccr time reconnect disabled").unwrap();
    assert_eq!(Beliefs::DEFAULT, expected);
}

#[test]
fn words_are_separated_by_blanks_or_commas() {
    let both = Beliefs::NONE.with(Belief::Ccr).with(Belief::Time);
    for words in ["ccr time", "time,ccr", " ccr,\ttime\n", "ccr ccr time"] {
        assert_eq!(Beliefs::from_words(words), Some(both));
    }
    for bad in [
        "",
        " ",
        ",",
        "none",
        "Time",
        "ccr;time",
        "ccr admin",
        "[ccr] time",
    ] {
        assert_eq!(Beliefs::from_words(bad), None, "{bad}");
    }
}
