// SPDX-License-Identifier: GPL-2.0
//! The events in words.

use std::fmt;

use super::event::{Event, Hold, Release, Reset, Step, TracedEvent, Wait};
use crate::units::{Bytes, Count, Nanos};

impl fmt::Display for TracedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>12.6}  ", self.at.seconds())?;
        match &self.event {
            Event::Fence(event) => {
                write!(f, "{} record {}: ", event.controller, event.record)?;
                match &event.step {
                    // What the reader knows here is the event's own time.
                    Step::Deadline(deadline) => deadline.since(self.at).fmt(f),
                    step => step.fmt(f),
                }
            }
            Event::Write(write) => {
                write!(
                    f,
                    "{} {} to {}",
                    write.controller, write.command, write.disk
                )
            }
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(lost) => write!(f, "path lost (cntlid {}, CIU {})", lost.cntlid, lost.ciu),
            Self::Hold(hold) => cancelled(hold, "held", f),
            Self::Track(hold) => cancelled(hold, "tracked", f),
            Self::Wait(wait) => wait.fmt(f),
            Self::Deadline(deadline) => deadline.fmt(f),
            Self::Evidence(evidence) => write!(
                f,
                "fenced: {} ({} held, {})",
                evidence.evidence,
                Count(evidence.held, "command"),
                Bytes(evidence.held_bytes)
            ),
            Self::Release(release) => release.fmt(f),
            Self::Reset(reset) => reset.fmt(f),
        }
    }
}

/// Writes what became of a cancelled command.
fn cancelled(hold: &Hold, became: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        f,
        "{became} {} {} at sector {} of {}, status {} (now {}, {})",
        hold.op,
        Bytes(hold.bytes),
        hold.sector,
        hold.dev,
        hold.status,
        Count(hold.held, "command"),
        Bytes(hold.held_bytes)
    )?;
    match hold.age {
        Some(age) => write!(f, ", started {age} before"),
        None => Ok(()),
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "newer {} {} at sector {} of {} waits: it touches what is tracked",
            self.op,
            Bytes(self.bytes),
            self.sector,
            self.dev
        )
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&released(self.commands, self.bytes, self.held))
    }
}

/// What a release is in words.
pub(super) fn released(commands: u64, bytes: u64, held: Nanos) -> String {
    if commands == 0 {
        return "newer commands need not wait any more, none did".to_owned();
    }
    let (commands, bytes) = (Count(commands, "command"), Bytes(bytes));
    format!("released {commands}, {bytes}, after {held}")
}

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = &self.source;
        match self.step.as_str() {
            "asked" => write!(f, "asked {source} to reset it"),
            "immediate" => write!(f, "{source}: it is reset"),
            "gone" => write!(f, "{source}: there is no such controller any more"),
            "accepted" => write!(f, "{source}: it will be reset"),
            "in-progress" => write!(f, "{source}: a reset of it is in progress already"),
            "log-full" => write!(f, "{source}: not now, the log page is full"),
            "limit-exceeded" => write!(f, "{source}: not now, no more resets at a time"),
            "refused" => write!(f, "{source}: refused to reset it"),
            "failed" => write!(f, "{source}: did not answer, or with an error"),
            "unanswered" => write!(f, "{source} did not answer, and the command was given up"),
            "not-sent" => write!(f, "{source}: the request could not be sent"),
            "reported-in-progress" => write!(f, "log page of {source}: it is being reset"),
            "reported-success" => write!(f, "log page of {source}: it is reset"),
            "reported-failed" => write!(f, "log page of {source}: the reset failed"),
            "reported-invalid" => write!(f, "log page of {source}: makes no sense"),
            "not-reported" => write!(f, "log page of {source}: does not list it"),
            step => write!(f, "{source}: {step}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{parse, Parsed};

    #[test]
    fn shows_every_event() {
        for (event, shown) in [
            (
                "nvme_fence_lost: nvme0 record=3 cntlid=1 ciu=0",
                "nvme0 record 3: path lost (cntlid 1, CIU 0)",
            ),
            (
                "nvme_fence_hold: nvme0 record=3 dev=259,0 op=W sector=2048 bytes=4096 status=0x371 held=1 held_bytes=4096",
                "nvme0 record 3: held W 4.0 KiB at sector 2048 of 259:0, status 0x371 (now 1 command, 4.0 KiB)",
            ),
            (
                "nvme_fence_hold: nvme0 record=3 dev=259,0 op=W sector=2048 bytes=4096 status=0x371 held=1 held_bytes=4096 age_ns=3880000000",
                "nvme0 record 3: held W 4.0 KiB at sector 2048 of 259:0, status 0x371 (now 1 command, 4.0 KiB), started 3.880 s before",
            ),
            (
                "nvme_fence_track: nvme0 record=3 dev=259,0 op=W sector=2048 bytes=4096 status=0x371 held=1 held_bytes=4096 age_ns=0",
                "nvme0 record 3: tracked W 4.0 KiB at sector 2048 of 259:0, status 0x371 (now 1 command, 4.0 KiB)",
            ),
            (
                "nvme_fence_wait: nvme0 record=3 dev=259,1 op=D sector=2048 bytes=4096 held=1 held_bytes=4096",
                "nvme0 record 3: newer D 4.0 KiB at sector 2048 of 259:1 waits: it touches what is tracked",
            ),
            (
                "nvme_fence_deadline: nvme0 record=3 rule=traffic t_last_ns=7040000000 n=3 katt_ms=5000 cqt_ms=10000 cqt_source=default deadline_ns=32040000000",
                "nvme0 record 3: deadline at +24.500 s = last command -500.000 ms + 3 x 5.000 s (keep alive, traffic based) + 10.000 s (CQT, default)",
            ),
            (
                "nvme_fence_evidence: nvme0 record=3 evidence=time held=1 held_bytes=4096",
                "nvme0 record 3: fenced: time (1 command held, 4.0 KiB)",
            ),
            (
                "nvme_fence_release: nvme0 record=3 evidence=time commands=1 bytes=4096 held_ns=25000000000",
                "nvme0 record 3: released 1 command, 4.0 KiB, after 25.000 s",
            ),
            (
                "nvme_fence_release: nvme0 record=3 evidence=time commands=0 bytes=0 held_ns=0",
                "nvme0 record 3: newer commands need not wait any more, none did",
            ),
            (
                "nvme_fence_reset: nvme0 record=3 source=nvme1 source_record=4 icid=1 ciu=3 step=asked",
                "nvme0 record 3: asked nvme1 to reset it",
            ),
            (
                "nvme_fence_reset: nvme0 record=3 source=nvme1 source_record=4 icid=1 ciu=3 step=gone",
                "nvme0 record 3: nvme1: there is no such controller any more",
            ),
            (
                "nvme_fence_reset: nvme0 record=3 source=nvme1 source_record=4 icid=1 ciu=3 step=reported-success",
                "nvme0 record 3: log page of nvme1: it is reset",
            ),
            (
                "nvme_fence_reset: nvme0 record=3 source=nvme1 source_record=4 icid=1 ciu=3 step=something-new",
                "nvme0 record 3: nvme1: something-new",
            ),
            (
                "nvme_setup_cmd: nvme1: disk=nvme0c1n1, qid=1, cmdid=4113, nsid=1, flags=0x0, meta=0x0, cmd=(nvme_cmd_write slba=0, len=7, ctrl=0x0, dsmgmt=0, reftag=0)",
                "nvme1 nvme_cmd_write to nvme0c1n1",
            ),
        ] {
            let Parsed::Event(event) = parse(&format!("a-1 [000] d..1. 7.540000: {event}")) else {
                panic!("not understood: {event}");
            };
            assert_eq!(event.to_string(), format!("    7.540000  {shown}"));
        }
    }
}
