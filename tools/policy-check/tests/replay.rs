// SPDX-License-Identifier: GPL-2.0-only

//! Traces, as they were recorded or written, and with something changed.

use policy_check::replay::{Summary, replay};

const IO_TIMEOUT: &str = include_str!("data/io-timeout.trace");
const RECONNECT: &str = include_str!("data/reconnect.trace");
const CCR: &str = include_str!("data/ccr.trace");
const NOTICES: &str = include_str!("data/notices.trace");

/// A jiffy.
const TOLERANCE: u64 = 10_000_000;

/// What is wrong with the trace if `from` is replaced with `to`.
fn findings(trace: &str, from: &str, to: &str) -> String {
    assert!(trace.contains(from), "{from}");
    let summary = replay(&trace.replacen(from, to, 1), TOLERANCE);
    let what: Vec<_> = summary.findings.into_iter().map(|f| f.what).collect();
    what.join("; ")
}

#[test]
fn recorded_traces_are_what_the_policy_does() {
    for trace in [IO_TIMEOUT, RECONNECT, CCR, NOTICES] {
        let Summary {
            events,
            records,
            unfinished,
            findings,
            ..
        } = replay(trace, TOLERANCE);
        assert_eq!(findings, []);
        assert!(events > 5 && records > 0);
        assert_eq!(unfinished, 0);
    }
}

#[test]
fn changed_traces_are_not() {
    for (from, to, finding) in [
        (
            " 70.030001: nvme_fence_evidence",
            " 70.029001: nvme_fence_evidence",
            "before its deadline",
        ),
        (
            " 70.030001: nvme_fence_evidence",
            " 70.050001: nvme_fence_evidence",
            "after its deadline",
        ),
        (
            "deadline_ns=70030001152",
            "deadline_ns=60030001152",
            "its parts come to",
        ),
        ("n=3", "n=2", "the policy comes to"),
        ("rule=traffic", "rule=command", "the policy comes to"),
        ("status=0x371", "status=0x303", "lets pass"),
        ("op=W", "op=F", "lets pass"),
        (
            "evidence=time",
            "evidence=disabled",
            "does not release it for this",
        ),
        (
            "nvme_fence_evidence",
            "nvme_fence_news",
            "released without evidence",
        ),
        (
            "nvme_fence_deadline",
            "nvme_fence_news",
            "lost, but not closed",
        ),
        ("held=2", "held=3", "are held, but"),
        ("bytes=4096", "bytes=512", "are held, but"),
        ("held_ns=6570", "held_ns=7570", "held for"),
        ("cntlid=1", "cntlid=x", "malformed"),
        (
            "[000] d..3.     4.340000",
            "[000] d..3.     4.140000",
            "time goes back",
        ),
    ] {
        let found = findings(IO_TIMEOUT, from, to);
        assert!(found.contains(finding), "{from} -> {to}: {found:?}");
    }
}

#[test]
fn resets_are_what_the_policy_asks_for_and_believes() {
    for (from, to, finding) in [
        // Nothing but an immediate reset, that it is gone, or a success in the log page, is evidence.
        ("step=immediate", "step=accepted", "knows of no reset"),
        ("step=immediate", "step=in-progress", "knows of no reset"),
        ("step=immediate", "step=not-sent", "knows of no reset"),
        (
            "step=reported-success",
            "step=reported-invalid",
            "knows of no reset",
        ),
        (
            "step=reported-success",
            "step=not-reported",
            "knows of no reset",
        ),
        ("step=failed", "step=immediate", "releases it before this"),
        ("step=failed", "step=gone", "releases it before this"),
        (
            "step=in-progress",
            "step=immediate",
            "releases it before this",
        ),
        ("evidence=ccr", "evidence=time", "releases it before this"),
        // Only the source that was asked can bring it.
        (
            "nvme2 source_record=3 icid=1 ciu=4 step=reported-success",
            "nvme1 source_record=2 icid=1 ciu=4 step=reported-success",
            "knows of no reset",
        ),
        // Who is asked.
        (
            "step=failed",
            "step=reported-in-progress",
            "does not ask record 3",
        ),
        (" 16.300000:", " 16.299998:", "does not ask record 3"),
        (
            "lost: nvme0 record=5 cntlid=1 ciu=4",
            "lost: nvme0 record=5 cntlid=1 ciu=0",
            "does not ask",
        ),
        ("icid=1 ciu=3", "icid=2 ciu=3", "names controller 2"),
        ("icid=1 ciu=3", "icid=1 ciu=2", "instance 2"),
        ("step=asked", "step=begged", "malformed"),
    ] {
        let found = findings(CCR, from, to);
        assert!(found.contains(finding), "{from} -> {to}: {found:?}");
    }
}

#[test]
fn a_controller_that_is_gone_needs_no_reset() {
    assert_eq!(findings(CCR, "step=immediate", "step=gone"), "");
}

#[test]
fn a_release_for_nothing_or_twice_is_wrong() {
    let release = IO_TIMEOUT
        .lines()
        .find(|line| line.contains("nvme_fence_release"))
        .unwrap();
    let twice = format!("{IO_TIMEOUT}{release}\n");
    let summary = replay(&twice, TOLERANCE);
    assert!(summary.findings[0].what.contains("released twice"));
}

#[test]
fn a_trace_with_gaps_proves_nothing() {
    let summary = replay(&format!("CPU:0 [LOST 3 EVENTS]\n{IO_TIMEOUT}"), TOLERANCE);
    assert!(summary.findings[0].what.contains("missing"));
    assert_eq!(replay("", TOLERANCE).findings.len(), 1);
}

#[test]
fn a_deadline_moves_only_forward_and_only_for_a_notice() {
    for (from, to, finding) in [
        // What moves it.
        (
            "rule=lost-host-log t_last_ns=4339999488 n=0",
            "rule=traffic t_last_ns=4339999488 n=0",
            "closed twice",
        ),
        (
            "rule=lost-host-log t_last_ns=4339999488 n=0",
            "rule=notification t_last_ns=4339999488 n=0",
            "closed twice",
        ),
        (
            "rule=lost-host-log t_last_ns=4339999488 n=0",
            "rule=ccr-failed t_last_ns=4339999488 n=0",
            "knows of no reset that has failed",
        ),
        (
            "step=reported-failed",
            "step=reported-in-progress",
            "knows of no reset that has failed",
        ),
        // It was asked for too late to be about this.
        (
            "20.000020: nvme_fence_reset",
            "20.000020: nvme_fence_news",
            "does not move the deadline",
        ),
        // How far.
        (
            "n=0 katt_ms=20000 cqt_ms=10000",
            "n=1 katt_ms=20000 cqt_ms=10000",
            "its parts come to",
        ),
        (
            "n=0 katt_ms=20000 cqt_ms=10000 cqt_source=default deadline_ns=14339999488",
            "n=0 katt_ms=20000 cqt_ms=70000 cqt_source=default deadline_ns=74339999488",
            "does not move the deadline",
        ),
        (
            "t_last_ns=4339999488 n=0 katt_ms=20000 cqt_ms=10000 cqt_source=default deadline_ns=14339999488",
            "t_last_ns=4300000000 n=0 katt_ms=20000 cqt_ms=10000 cqt_source=default deadline_ns=14300000000",
            "long ago",
        ),
        (
            "deadline_ns=14339999488",
            "deadline_ns=14339999487",
            "its parts come to",
        ),
        // When it is fenced then.
        (
            "14.340001: nvme_fence_evidence",
            "14.330001: nvme_fence_evidence",
            "before its deadline",
        ),
        (
            "rule=lost-host-log t_last_ns=31000000512",
            "rule=none t_last_ns=31000000512",
            "closed twice",
        ),
    ] {
        let found = findings(NOTICES, from, to);
        assert!(found.contains(finding), "{from} -> {to}: {found:?}");
    }
}
