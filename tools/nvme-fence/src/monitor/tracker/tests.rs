// SPDX-License-Identifier: GPL-2.0
use super::*;

/// A host that changes, and is looked at.
struct Host {
    tracker: Tracker,
    seen: Seen,
    now: Now,
}

impl Host {
    /// One with the module and two paths, nvme0 and nvme1.
    fn new() -> Self {
        let mut seen = Seen {
            module: true,
            ..Seen::default()
        };
        for name in ["nvme0", "nvme1"] {
            seen.paths.insert(name.to_owned(), path(0));
        }
        Self {
            tracker: Tracker::new(seen.clone(), Totals::default()),
            seen,
            now: Now {
                wall: Timestamp::UNIX_EPOCH,
                steady: Instant::now(),
            },
        }
    }

    /// The first path.
    fn nvme0(&mut self) -> &mut SeenPath {
        self.seen.paths.get_mut("nvme0").unwrap()
    }

    /// What its fence has counted, and what it holds.
    fn counts(&mut self, held: u64, counters: &str) {
        self.nvme0().fence = Some(fence(held, counters));
    }

    /// What it tracks.
    fn tracks(&mut self, commands: u64) {
        self.nvme0().fence.as_mut().unwrap().kept.tracked = amount(commands);
    }

    /// Looks after a second, in which this was announced. Returns the events as lines.
    fn look(&mut self, heard: Heard) -> Vec<String> {
        self.now.steady += Duration::from_secs(1);
        let events = self.tracker.compare(self.now, self.seen.clone(), &heard);
        let line = |event: &Event| event.to_string().replace("nvme-subsys0 ", "");
        events.iter().map(line).collect()
    }

    /// The same without announcements.
    fn look_on(&mut self) -> Vec<String> {
        self.look(Heard::default())
    }

    /// The losses that were counted: of connections, and of controllers.
    fn lost(&mut self) -> [u64; 2] {
        let totals = self.tracker.totals.of("nqn.array", "nvme-subsys0");
        [Cause::Connection, Cause::Removed].map(|cause| totals.lost(cause))
    }
}

/// A live path of a subsystem.
fn path(held: u64) -> SeenPath {
    SeenPath {
        subsystem: "nvme-subsys0".to_owned(),
        nqn: "nqn.array".to_owned(),
        address: None,
        state: "live".to_owned(),
        ana: [("nvme0c0n1".to_owned(), "optimized".to_owned())].into(),
        fence: Some(fence(held, "")),
    }
}

/// So many commands.
fn amount(commands: u64) -> Amount {
    Amount {
        commands,
        bytes: commands * 4096,
    }
}

/// A fence with some counters.
fn fence(held: u64, counters: &str) -> SeenFence {
    SeenFence {
        kept: Kept {
            held: amount(held),
            tracked: Amount::default(),
        },
        counters: Counters::parse(&counters.replace(", ", "\n")).unwrap(),
    }
}

/// nvme0 was announced to be connected so often.
fn connected(times: u32) -> Heard {
    Heard {
        connected: [("nvme0".to_owned(), times)].into(),
        ..Heard::default()
    }
}

#[test]
fn nothing_happens() {
    let mut host = Host::new();
    assert!(host.look_on().is_empty());
    assert_eq!(host.lost(), [0, 0]);
}

#[test]
fn a_path_is_lost_with_a_held_write_and_comes_back() {
    let mut host = Host::new();
    host.nvme0().state = "connecting".to_owned();
    host.counts(2, "lost 1, held 2, held_bytes 8192");
    assert_eq!(
        host.look_on(),
        ["nvme0 lost: connecting", "nvme0 held, 2 commands, 8.0 KiB"]
    );
    assert!(host.look_on().is_empty());
    host.counts(
        0,
        "lost 1, held 2, held_bytes 8192, released 2, released_bytes 8192, time 1",
    );
    assert_eq!(
        host.look_on(),
        ["nvme0 fenced: time, 2 commands, 8.0 KiB, after 2.000 s"]
    );
    host.counts(
        0,
        "lost 2, held 3, released 3, released_bytes 12288, time 1, ccr 1",
    );
    host.nvme0().state = "live".to_owned();
    assert_eq!(
        host.look(connected(1)),
        [
            "nvme0 fenced: ccr, 1 command, 4.0 KiB",
            "nvme0 back, after 3.000 s"
        ]
    );
    assert_eq!(host.lost(), [1, 0]);
    let totals = host.tracker.totals.of("nqn.array", "nvme-subsys0");
    let numbers = (totals.held, totals.released, totals.fenced("time"));
    assert_eq!(numbers, (3, 3, 1));
}

#[test]
fn every_evidence_is_told_and_counted() {
    let mut host = Host::new();
    host.counts(1, "held 1, held_bytes 4096, noticed 1");
    host.look_on();
    for evidence in EVIDENCE {
        let counter = counter_of(evidence);
        host.counts(
            0,
            &format!("held 1, held_bytes 4096, noticed 1, {counter} 1"),
        );
        let said = host.look_on();
        let fenced = format!("nvme0 fenced: {evidence}, 0 commands");
        assert!(said[0].starts_with(&fenced), "{said:?}");
    }
    let totals = host.tracker.totals.of("nqn.array", "nvme-subsys0");
    let fenced = EVIDENCE.map(|evidence| totals.fenced(evidence));
    assert_eq!((fenced, totals.noticed), ([1; EVIDENCE.len()], 1));
}

#[test]
fn all_of_it_may_be_over_before_the_next_look() {
    let mut host = Host::new();
    host.counts(
        0,
        "held 1, held_bytes 4096, released 1, released_bytes 4096, ccr 1",
    );
    assert_eq!(
        host.look(connected(1)),
        [
            "nvme0 lost",
            "nvme0 fenced: ccr, 1 command, 4.0 KiB",
            "nvme0 back"
        ]
    );
    assert_eq!(host.lost(), [1, 0]);
}

#[test]
fn an_announcement_that_comes_late_is_no_loss() {
    let mut host = Host::new();
    host.nvme0().state = "resetting".to_owned();
    host.look_on();
    host.nvme0().state = "live".to_owned();
    assert_eq!(host.look_on(), ["nvme0 back, after 1.000 s"]);
    assert!(host.look(connected(1)).is_empty());
    assert_eq!(host.lost(), [1, 0]);
    // The next one is.
    assert_eq!(host.look(connected(1)), ["nvme0 lost", "nvme0 back"]);
    assert_eq!(host.lost(), [2, 0]);
}

#[test]
fn a_path_may_come_back_between_two_looks_and_be_lost_again() {
    let mut host = Host::new();
    host.nvme0().state = "connecting".to_owned();
    host.look_on();
    assert_eq!(
        host.look(connected(1)),
        ["nvme0 back, after 1.000 s", "nvme0 lost"]
    );
    host.nvme0().state = "live".to_owned();
    host.look(connected(1));
    assert_eq!(host.lost(), [2, 0]);
}

#[test]
fn paths_come_and_go() {
    let mut host = Host::new();
    host.seen.paths.insert("nvme2".to_owned(), path(0));
    assert_eq!(host.look_on(), ["nvme2 added: live"]);
    // Its announcement.
    let heard = Heard {
        connected: [("nvme2".to_owned(), 1)].into(),
        ..Heard::default()
    };
    assert!(host.look(heard).is_empty());
    host.nvme0().state = "deleting".to_owned();
    assert!(host.look_on().is_empty());
    host.seen.paths.remove("nvme0");
    assert_eq!(host.look_on(), ["nvme0 removed: was deleting"]);
    assert_eq!(host.lost(), [0, 1]);
}

#[test]
fn a_path_may_be_replaced_by_one_of_the_same_name() {
    let mut host = Host::new();
    host.counts(0, "held 5");
    host.look_on();
    // It has held one more than nothing, not four less than before.
    host.counts(0, "held 6");
    let heard = Heard {
        removed: ["nvme0".to_owned()].into(),
        ..connected(1)
    };
    assert_eq!(
        host.look(heard),
        ["nvme0 removed: was live", "nvme0 added: live"]
    );
    assert_eq!(host.lost(), [0, 1]);
    assert_eq!(host.tracker.totals.of("nqn.array", "nvme-subsys0").held, 11);
}

#[test]
fn the_module_comes_and_goes_and_the_totals_stay() {
    let mut host = Host::new();
    host.counts(0, "held 3, released 3, admin 1");
    assert_eq!(host.look_on(), ["nvme0 fenced: admin, 3 commands, 0 B"]);
    host.seen.module = false;
    host.nvme0().fence = None;
    assert_eq!(host.look_on(), ["module-unloaded"]);
    host.seen.module = true;
    host.counts(0, "held 4, released 4, admin 1");
    assert_eq!(
        host.look_on(),
        ["module-loaded", "nvme0 fenced: admin, 4 commands, 0 B"]
    );
    let loaded = || Heard {
        module_loaded: 1,
        ..Heard::default()
    };
    // What was seen already is announced.
    assert!(host.look(loaded()).is_empty());
    // Both between two looks: it was seen at 4, and held 5 more.
    host.counts(0, "held 5, released 5, admin 1");
    assert_eq!(
        host.look(loaded()),
        [
            "module-unloaded",
            "module-loaded",
            "nvme0 fenced: admin, 5 commands, 0 B"
        ]
    );
    let totals = host.tracker.totals.of("nqn.array", "nvme-subsys0");
    assert_eq!((totals.held, totals.fenced("admin")), (12, 3));
}

#[test]
fn what_was_before_the_monitor_is_not_counted() {
    let mut seen = Host::new().seen;
    let its = seen.paths.get_mut("nvme0").unwrap();
    its.fence = Some(fence(1, "held 7, released 6, time 2"));
    its.state = "connecting".to_owned();
    let mut host = Host::new();
    host.tracker = Tracker::new(seen.clone(), Totals::default());
    host.seen = seen;
    assert!(host.look_on().is_empty());
    host.counts(0, "held 7, released 7, released_bytes 4096, time 3");
    // Since when it was held or lost is not known.
    assert_eq!(host.look_on(), ["nvme0 fenced: time, 1 command, 4.0 KiB"]);
    host.nvme0().state = "live".to_owned();
    assert_eq!(host.look(connected(1)), ["nvme0 back"]);
    let totals = host.tracker.totals.of("nqn.array", "nvme-subsys0");
    assert_eq!((totals.held, totals.fenced("time")), (0, 1));
}

#[test]
fn what_is_counted_for_the_subsystem_is_counted_once() {
    let mut host = Host::new();
    let totals = |counters: &str| SeenTotals {
        nqn: "nqn.array".to_owned(),
        counters: fence(0, counters).counters,
    };
    let mut look = |counters: Option<&str>| {
        let its = counters.map(|counters| ("nvme-subsys0".to_owned(), totals(counters)));
        host.seen.totals = its.into_iter().collect();
        let said = host.look_on();
        let totals = host.tracker.totals.of("nqn.array", "nvme-subsys0");
        (totals.held, totals.fenced("time"), said.len())
    };
    // It is first seen.
    assert_eq!(look(Some("held 2, time 1")), (2, 1, 0));
    assert_eq!(look(Some("held 5, time 1")), (5, 1, 0));
    // It goes with its last controller, and is there again, as that still held something.
    assert_eq!(look(None), (5, 1, 0));
    assert_eq!(look(Some("held 6, time 2")), (6, 2, 0));
    // Another one has the same name and NQN.
    assert_eq!(look(Some("held 7, time 0")), (13, 2, 0));
    // So has that of a module that was loaded anew.
    host.seen.module = false;
    host.seen.totals.clear();
    host.look_on();
    host.seen.module = true;
    host.seen.totals = [("nvme-subsys0".to_owned(), totals("held 9, time 1"))].into();
    host.counts(0, "held 9, time 1");
    assert_eq!(host.look_on().len(), 2, "the module, and what was fenced");
    let counted = host.tracker.totals.of("nqn.array", "nvme-subsys0");
    assert_eq!((counted.held, counted.fenced("time")), (22, 3));
}

#[test]
fn what_the_module_had_counted_before_the_monitor_is_not_counted() {
    let mut host = Host::new();
    let counters = fence(0, "held 7").counters;
    let nqn = "nqn.array".to_owned();
    host.seen.totals = [("nvme-subsys0".to_owned(), SeenTotals { nqn, counters })].into();
    host.tracker = Tracker::new(host.seen.clone(), Totals::default());
    host.look_on();
    let totals = host.tracker.totals.of("nqn.array", "nvme-subsys0");
    assert_eq!(totals.held, 0);
}

#[test]
fn ana_states_change() {
    let mut host = Host::new();
    host.nvme0()
        .ana
        .insert("nvme0c0n1".to_owned(), "inaccessible".to_owned());
    host.nvme0()
        .ana
        .insert("nvme0c0n2".to_owned(), "optimized".to_owned());
    assert_eq!(host.look_on(), ["nvme0c0n1 ana: optimized -> inaccessible"]);
}

#[test]
fn what_removed_controllers_hold_is_fenced() {
    let mut host = Host::new();
    host.seen.paths.remove("nvme0");
    host.seen.removed.held = amount(1);
    assert_eq!(host.look_on(), ["nvme0 removed: was live"]);
    host.seen.removed.tracked = amount(2);
    assert!(host.look_on().is_empty());
    host.seen.removed.held = amount(0);
    assert!(host.look_on().is_empty(), "it may have been sent again");
    host.seen.removed.tracked = amount(0);
    assert_eq!(host.look_on(), ["fenced, 1 command, 4.0 KiB"]);
    host.seen.removed.held = amount(1);
    assert!(host.look_on().is_empty());
    host.seen.removed.held = amount(0);
    assert_eq!(host.look_on(), ["fenced, 1 command, 4.0 KiB"]);
}

#[test]
fn of_removed_controllers_what_is_held_and_what_is_tracked_end_apart() {
    let mut host = Host::new();
    let mut look = |held, tracked| {
        host.seen.removed.held = amount(held);
        host.seen.removed.tracked = amount(tracked);
        host.look_on()
    };
    assert!(look(3, 2).is_empty());
    // What is tracked were two of them at most.
    assert_eq!(look(0, 2), ["fenced, 3 commands, 12.0 KiB"]);
    assert_eq!(look(0, 0), ["fenced, 0 commands, 0 B"]);
    assert!(look(3, 2).is_empty());
    assert_eq!(look(3, 0), ["fenced, 0 commands, 0 B"]);
    assert_eq!(look(0, 0), ["fenced, 3 commands, 12.0 KiB"]);
    // Nothing of it is said twice, and nothing that a module that is gone has held.
    assert!(look(2, 2).is_empty());
    assert!(look(0, 2).is_empty());
    host.seen.module = false;
    host.seen.removed = Kept::default();
    assert_eq!(host.look_on(), ["module-unloaded"]);
    host.seen.module = true;
    host.seen.removed.held = amount(1);
    assert_eq!(host.look_on(), ["module-loaded"]);
    host.seen.removed = Kept::default();
    assert_eq!(host.look_on(), ["fenced, 1 command, 4.0 KiB"]);
}

#[test]
fn what_is_tracked_is_told_and_counted() {
    let mut host = Host::new();
    host.nvme0().state = "connecting".to_owned();
    host.counts(0, "tracked 3");
    host.tracks(3);
    assert_eq!(
        host.look_on(),
        [
            "nvme0 lost: connecting",
            "nvme0 tracked, 3 commands, 12.0 KiB"
        ]
    );
    assert!(host.look_on().is_empty());
    // A newer one waits.
    host.counts(1, "tracked 3, held 1, waited 1");
    host.tracks(3);
    assert_eq!(host.look_on(), ["nvme0 held, 1 command, 4.0 KiB"]);
    host.counts(
        0,
        "tracked 3, held 1, waited 1, released 1, released_bytes 4096, time 1",
    );
    assert_eq!(
        host.look_on(),
        ["nvme0 fenced: time, 1 command, 4.0 KiB, after 3.000 s"]
    );
    let totals = host.tracker.totals.of("nqn.array", "nvme-subsys0");
    assert_eq!((totals.tracked, totals.waited, totals.held), (3, 1, 1));
}

#[test]
fn missed_announcements_are_said_and_prove_nothing() {
    let mut host = Host::new();
    let heard = Heard {
        missed: true,
        ..Heard::default()
    };
    assert_eq!(host.look(heard), ["missed"]);
    assert_eq!(host.lost(), [0, 0]);
}
