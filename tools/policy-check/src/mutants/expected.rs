// SPDX-License-Identifier: GPL-2.0-only

//! What the model makes of each mutant.

/// What the model makes of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// In this case it notices.
    Noticed(&'static str),
    /// It does not, for this reason.
    Unnoticed(&'static str),
}

use Expected::{Noticed, Unnoticed};

/// What the model makes of the mutant of this name.
pub(super) fn expected(name: &str) -> Option<Expected> {
    let (_, expected) = ALL.iter().find(|(mutant, _)| *mutant == name)?;
    Some(*expected)
}

/// Of all mutants.
pub(super) const ALL: &[(&str, Expected)] = &[
    // The time rule.
    ("early-tick", Noticed("longer")),
    ("late-tick", Noticed("longer")),
    ("no-cqt", Noticed("longer")),
    ("n-less-one", Noticed("longer")),
    ("n-swapped", Noticed("longer")),
    ("other-clock", Noticed("command")),
    ("wrong-clock", Noticed("longer")),
    ("connect-forgotten", Noticed("flaps")),
    ("shorter-katt", Noticed("longer-katt")),
    ("bare-notification", Noticed("connections")),
    ("default-ignored", Noticed("default-cqt")),
    ("override-ignored", Noticed("override-cqt")),
    // What is held.
    ("writes-pass", Noticed("default-cqt")),
    ("sent-inverted", Noticed("default-cqt")),
    ("half-cancelled", Noticed("host")),
    ("answered-held", Noticed("default-cqt")),
    ("lost-passes", Noticed("default-cqt")),
    ("late-passes", Noticed("late")),
    ("uncounted", Noticed("default-cqt")),
    // The life of a record.
    ("timeout-any-time", Noticed("default-cqt")),
    ("timeout-never", Noticed("default-cqt")),
    ("no-timer", Noticed("default-cqt")),
    ("closed-is-fenced", Noticed("default-cqt")),
    (
        "others-disabled",
        Unnoticed(
            "what happens to a controller is told to the association that it has, and to no other",
        ),
    ),
    (
        "admin-too-soon",
        Unnoticed("the host of the model sends nothing on what it has given up"),
    ),
    ("admin-forgotten", Noticed("admin")),
    (
        "notification-before-data",
        Unnoticed("the host of the model sends nothing more when it has learned of a notification"),
    ),
    (
        "notified-by-default",
        Unnoticed("the cases say whether a notification counts"),
    ),
    (
        "word-kept",
        Unnoticed("no case has a word and an association that is used on after it"),
    ),
    ("forgotten-record", Noticed("default-cqt")),
    ("released-twice", Noticed("flaps")),
    ("drained-too-early", Noticed("host")),
    ("wrong-evidence", Noticed("default-cqt")),
    ("detached-long-ago", Noticed("host")),
    (
        "holds-and-serves",
        Unnoticed("what nvme-core is about to give up can still be asked: no harm but a try"),
    ),
    // What is tracked.
    ("tracks-nothing", Noticed("overlap")),
    (
        "loses-one-half",
        Unnoticed("tables of the model have two ranges at most"),
    ),
    ("weightless", Unnoticed("the same is found, in more steps")),
    (
        "last-is-behind",
        Unnoticed("ranges of the model are the same or have no block in common"),
    ),
    (
        "any-namespace",
        Unnoticed("there is one namespace in the model"),
    ),
    (
        "end-wraps",
        Unnoticed("no range of the model goes beyond the last block"),
    ),
    (
        "clash-tracked",
        Unnoticed(
            "the application of the cases writes to a block when it knows that the write before is done",
        ),
    ),
    (
        "clash-sent-again",
        Unnoticed(
            "the application of the cases writes to a block when it knows that the write before is done",
        ),
    ),
    (
        "held-clash-ignored",
        Unnoticed(
            "the application of the cases writes to a block when it knows that the write before is done",
        ),
    ),
    ("full-tracked", Noticed("overlap-full")),
    ("emptied-tracked", Noticed("overlap-late")),
    ("repeated-at-close", Noticed("overlap")),
    (
        "repeated-before-close",
        Unnoticed("the host of the model says that nothing is left only of what is closed"),
    ),
    ("repeat-not-told", Noticed("overlap")),
    ("repeated-is-over", Noticed("overlap")),
    ("tracked-for-ever", Noticed("overlap")),
    ("release-abandoned", Noticed("overlap")),
    ("waiting-uncounted", Noticed("overlap")),
    (
        "tracked-not-released",
        Unnoticed("a reset is asked for before what is tracked is sent again"),
    ),
    ("checked-against-one", Noticed("overlap-three")),
    ("always-tracks", Noticed("overlap-knobs")),
    (
        "appended-again",
        Unnoticed("all commands of the model are writes"),
    ),
    (
        "failure-repeated",
        Unnoticed("no command of the model is to fail"),
    ),
    (
        "spliced-repeated",
        Unnoticed("all commands of the model may be sent again"),
    ),
    (
        "unheld-forgotten",
        Unnoticed("all commands of the model can be held"),
    ),
    (
        "unheld-full",
        Unnoticed("all commands of the model can be held"),
    ),
    (
        "unheld-in-part",
        Unnoticed("all commands of the model can be held"),
    ),
    (
        "unheld-repeated",
        Unnoticed("all commands of the model can be held"),
    ),
    (
        "tracked-gone-at-close",
        Unnoticed("all commands of the model can be held, and are until they are sent again"),
    ),
    (
        "serves-while-tracked",
        Unnoticed("all commands of the model can be held, and are until they are sent again"),
    ),
    // What a reset is evidence of.
    ("reset-accepted", Noticed("reset")),
    ("reset-joined", Noticed("reset-nuisances")),
    ("reset-failed", Noticed("reset-nuisances")),
    ("reset-goes-on", Noticed("reset")),
    (
        "reset-unasked",
        Unnoticed("the subsystem shows a log page only to those who wait for that source"),
    ),
    ("old-report", Noticed("reset-nuisances")),
    (
        "success-of-old",
        Unnoticed(
            "a source is asked about a name when older entries of it are removed, so no page has one",
        ),
    ),
    (
        "reset-in-use",
        Unnoticed("nobody is asked about what is in use, so there is no answer to believe"),
    ),
    ("foreign-instance", Noticed("reset-longer")),
    ("foreign-controller", Noticed("reset-longer")),
    (
        "meaningless-entry",
        Unnoticed("targets of the model write no value without meaning"),
    ),
    (
        "older-entry",
        Unnoticed(
            "no log page has two entries of a name: a source is asked about it when older ones \
             are removed",
        ),
    ),
    (
        "endless-log",
        Unnoticed("log pages of the model are as long as they say"),
    ),
    ("clri-for-irs", Noticed("reset")),
    ("log-not-cleared", Noticed("reset-stale")),
    // Names that repeat.
    ("asks-about-namesakes", Noticed("reset-late-namesakes")),
    ("books-lost", Noticed("reset-host")),
    (
        "unbelieved-for-ever",
        Unnoticed("no case lasts until a source that was not believed is asked again"),
    ),
    ("name-free-unanswered", Noticed("reset-host")),
    (
        "name-free-too-soon",
        Unnoticed(
            "where a page can be read beside an unanswered command, no further association is lost \
             that could be mistaken for it",
        ),
    ),
    (
        "name-free-unremoved",
        Unnoticed("a source is asked nothing before completed entries are removed"),
    ),
    (
        "others-in-progress",
        Unnoticed("a source of the model has nothing in progress when the host begins to use it"),
    ),
    // Who is asked, and when.
    ("error-accepted", Noticed("reset-sources")),
    ("source-kept", Noticed("reset-sources")),
    ("second-for-ever", Noticed("reset")),
    (
        "second-not-renewed",
        Unnoticed("a third source is asked less than a second too early: no harm but a slot"),
    ),
    (
        "three-at-once",
        Unnoticed("no controller of the model has three sources"),
    ),
    ("many-unanswered", Noticed("reset-sources")),
    (
        "last-path-asked",
        Unnoticed("the host of the model gives no command up because it is not answered"),
    ),
    (
        "silent-asked",
        Unnoticed("the host of the model gives no command up because it is not answered"),
    ),
    (
        "fenced-in-service",
        Unnoticed("no source of the cases is disabled before the host gives it up"),
    ),
    (
        "fenced-keeps-tries",
        Unnoticed("log pages are read in vain until what was held is sent on: no harm else"),
    ),
    (
        "event-not-cleared",
        Unnoticed("the result is fetched a second later, as if the event was lost"),
    ),
    (
        "no-pause",
        Unnoticed("no controller of the model has so many sources that refuse"),
    ),
    ("no-poll", Noticed("reset-nuisances")),
    ("poll-for-ever", Noticed("reset")),
    ("rest-for-ever", Noticed("reset-nuisances")),
    (
        "no-rest",
        Unnoticed("it is asked for the same in vain more often; nothing else comes of it"),
    ),
    ("slots-plus-one", Noticed("reset-slots")),
    ("dead-source", Noticed("reset-sources")),
    ("asks-itself", Noticed("reset-namesakes")),
    ("asks-the-failed", Noticed("reset-sources")),
    ("asks-in-vain", Noticed("reset-time")),
    (
        "asks-without-name",
        Unnoticed("all controllers of the model have a CIU"),
    ),
    (
        "asks-without-number",
        Unnoticed("all controllers of the model have a CIRN"),
    ),
    ("asks-for-the-living", Noticed("reset-host")),
    ("asks-before-closed", Noticed("reset-sources")),
    ("reset-extends", Noticed("reset")),
    ("latest-timer", Noticed("reset")),
    // Settings that change, and what cannot be sent.
    (
        "disabled-anyhow",
        Unnoticed("the administrator of the model always believes it"),
    ),
    (
        "time-anyhow",
        Unnoticed("the administrator of the model always believes it"),
    ),
    ("reset-anyhow", Noticed("reset-knobs")),
    ("moved-anyhow", Noticed("target-unbelieved")),
    ("moved-unheard", Noticed("target")),
    ("moved-before", Noticed("target-knobs")),
    ("moved-too-soon", Noticed("target")),
    ("moved-another", Noticed("target-back")),
    (
        "shared-anyhow",
        Unnoticed(
            "no case loses all paths of an array that does not arbitrate them: the array is taken at \
             its word then",
        ),
    ),
    (
        "tracked-has-moved",
        Unnoticed("no case tracks commands and has an array that moves namespaces"),
    ),
    ("reconnect-another", Noticed("reconnect")),
    (
        "reconnect-older",
        Unnoticed("associations of the model become known in the order in which they are made"),
    ),
    (
        "list-read-beside",
        Unnoticed("a read that failed is tried again too early: no harm else"),
    ),
    (
        "old-event-kept",
        Unnoticed("the policy of the model is there from the beginning"),
    ),
    ("reconnect-nameless", Noticed("reconnect-nameless")),
    ("reconnect-anyhow", Noticed("traffic")),
    ("reconnect-id-anyhow", Noticed("reconnect-nameless")),
    ("reconnect-unheard", Noticed("reconnect")),
    (
        "reconnect-too-soon",
        Unnoticed("a controller of the model is connected again when it is closed"),
    ),
    (
        "repeated-id",
        Unnoticed("controllers of the model have IDs of their own"),
    ),
    // What shows that a controller has noticed, and where a reset is to be tried again.
    ("listed-any-instance", Noticed("notice-nuisances")),
    ("listed-any-controller", Noticed("notice-nuisances")),
    (
        "listed-nameless",
        Unnoticed("nobody waits for an entry that would be about what has no CIU"),
    ),
    (
        "listed-by-itself",
        Unnoticed("no target of the model lists the controller that is asked"),
    ),
    ("listed-unheard", Noticed("notice")),
    ("list-cleared", Noticed("notice")),
    ("list-not-read", Noticed("notice")),
    ("list-not-polled", Noticed("notice-nuisances")),
    ("list-polled-for-ever", Noticed("notice")),
    (
        "list-event-unheard",
        Unnoticed("the list is read a second later, as if the event was lost"),
    ),
    ("notice-postpones", Noticed("notice")),
    ("noticed-anyhow", Noticed("notice-knobs")),
    ("clri-unheard", Noticed("failure")),
    ("clri-is-reset", Noticed("failure")),
    ("validated-for-clri", Noticed("failure")),
    (
        "clri-unasked",
        Unnoticed("the subsystem shows a log page only to those who wait for that source"),
    ),
    (
        "clri-of-old",
        Unnoticed(
            "a source is asked about a name when older entries of it are removed, so no page has one",
        ),
    ),
    ("nowhere-ignored", Noticed("failure-sources")),
    ("acid-ignored", Noticed("failure-sources")),
    (
        "elsewhere-ignored",
        Unnoticed("no case lasts until a source that has failed is asked again"),
    ),
    (
        "list-cleared-unseen",
        Unnoticed("an entry that is cleared too early is only missed, and time goes on"),
    ),
    (
        "list-cleared-too-soon",
        Unnoticed("an entry that is cleared too early is only missed, and time goes on"),
    ),
    (
        "list-looked-at-before",
        Unnoticed("an entry that is cleared too early is only missed, and time goes on"),
    ),
    (
        "list-not-sent-for",
        Unnoticed("a list that is not read is only missed, and time goes on"),
    ),
    (
        "list-of-namesakes",
        Unnoticed("no two controllers of the model have one ID"),
    ),
    (
        "lists-all-at-once",
        Unnoticed("no read of the model costs a path"),
    ),
    (
        "named-for-ever",
        Unnoticed("no case lasts until others may be asked"),
    ),
    (
        "settings-unheard",
        Unnoticed("when settings change in the model, something else happens soon"),
    ),
    ("none-holds", Noticed("knobs")),
    ("notified-anyhow", Noticed("knobs")),
    ("not-sent-counts", Noticed("reset-late-asks")),
    ("not-sent-failed", Noticed("reset-late-asks")),
    ("one-slot", Noticed("reset-two-slots")),
    (
        "named-lent-nothing",
        Unnoticed("all controllers of the model that can be reset can reset others, too"),
    ),
    // What is decided between associations.
    ("loss-not-told", Noticed("reset-sources")),
    ("first-of-controller", Noticed("flaps")),
    ("late-unknown", Noticed("late")),
    ("late-for-another", Noticed("late")),
    ("opened-beside", Noticed("default-cqt")),
    ("timeout-of-first", Noticed("flaps")),
    ("timer-of-first", Noticed("traffic")),
    ("release-not-told", Noticed("default-cqt")),
    ("removal-forgotten", Noticed("words")),
    ("release-of-all", Noticed("words")),
    ("release-of-the-present", Noticed("words")),
    ("answer-of-namesake", Noticed("reset-namesakes")),
    ("answer-kept-from-source", Noticed("reset-sources")),
    (
        "report-to-strangers",
        Unnoticed("an association believes no source that was not asked for it"),
    ),
    ("results-not-awaited", Noticed("reset-nuisances")),
    ("never-asks", Noticed("reset")),
    (
        "least-urgent",
        Unnoticed("who is reset first is a matter of how long one waits, not of what is safe"),
    ),
];
