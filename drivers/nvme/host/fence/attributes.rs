// SPDX-License-Identifier: GPL-2.0

//! What the files in sysfs say, and what may be written to them.
//!
//! They are described in `Documentation/ABI/testing/sysfs-nvme-fence`.

use crate::controller::Controller;
use crate::counters::Counters;
use crate::host::Host;
use crate::snapshot::Snapshot;
use crate::subsystem::Subsystem;
use crate::sys;
use core::fmt::{self, Write};
use kernel::prelude::*;
use nvme_fence_policy::{Belief, Beliefs, CqtSource, Evidence, Hold, Nanos, State, Sum};

/// Text in a buffer of fixed size.
struct Text<'a> {
    buffer: &'a mut [u8],
    length: usize,
}

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length.checked_add(text.len()).ok_or(fmt::Error)?;
        self.buffer
            .get_mut(self.length..end)
            .ok_or(fmt::Error)?
            .copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// Lets `f` write a text to `buffer` and returns its length.
fn emit(buffer: &mut [u8], f: impl FnOnce(&mut Text<'_>) -> fmt::Result) -> Result<usize> {
    let mut text = Text { buffer, length: 0 };
    f(&mut text).map_err(|_| ENOSPC)?;
    Ok(text.length)
}

/// A word that was written to a file, without the newline of `echo`.
fn word(text: &[u8]) -> Result<&str> {
    let text = core::str::from_utf8(text).map_err(|_| EINVAL)?;
    Ok(text.strip_suffix('\n').unwrap_or(text))
}

/// A decimal number that was written to a file.
fn number(text: &[u8]) -> Result<u32> {
    let word = word(text)?;
    if !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(EINVAL);
    }
    word.parse().map_err(|_| EINVAL)
}

/// A file of a subsystem that can be read.
pub(crate) enum SubsysAttribute {
    Hold,
    Evidence,
    CqtDefaultMs,
    CqtOverrideMs,
    History,
    Totals,
}

/// One that can be written.
pub(crate) enum SubsysSetting {
    Hold,
    Evidence,
    CqtDefaultMs,
    CqtOverrideMs,
}

/// Lists words, those that are in force in brackets.
fn show_words<T: Copy>(
    all: &[T],
    name: fn(T) -> &'static str,
    in_force: impl Fn(T) -> bool,
    text: &mut Text<'_>,
) -> fmt::Result {
    for (i, &word) in all.iter().enumerate() {
        let space = if i == 0 { "" } else { " " };
        if in_force(word) {
            write!(text, "{space}[{}]", name(word))?;
        } else {
            write!(text, "{space}{}", name(word))?;
        }
    }
    writeln!(text)
}

impl SubsysAttribute {
    /// Reads the file into `buffer` and returns the length of the text.
    pub(crate) fn show(&self, subsystem: &Subsystem, buffer: &mut [u8]) -> Result<usize> {
        let knobs = subsystem.knobs();
        emit(buffer, |text| match self {
            Self::Hold => show_words(&Hold::ALL, Hold::name, |hold| hold == knobs.hold(), text),
            Self::Evidence => show_words(
                &Belief::ALL,
                Belief::name,
                |belief| knobs.believes(belief),
                text,
            ),
            Self::CqtDefaultMs => writeln!(text, "{}", knobs.cqt_default_ms()),
            Self::CqtOverrideMs => writeln!(text, "{}", knobs.cqt_override_ms()),
            Self::History => subsystem.show_fencings(text),
            Self::Totals => show_counters(subsystem.totals(), &subsystem.total(), text),
        })
    }
}

impl SubsysSetting {
    /// Writes `text` to the file. Nothing changes unless all of it is valid.
    pub(crate) fn store(&self, subsystem: &Subsystem, text: &[u8]) -> Result {
        match self {
            Self::Hold => {
                let hold = Hold::from_name(word(text)?).ok_or(EINVAL)?;
                if hold.tracks() {
                    sys::enable_overlap();
                }
                subsystem.set_knobs(|knobs| {
                    knobs.set_hold(hold);
                    true
                })?;
                subsystem.lend_slots()
            }
            Self::Evidence => {
                let evidence = Beliefs::from_words(word(text)?).ok_or(EINVAL)?;
                subsystem.set_knobs(|knobs| {
                    knobs.set_evidence(evidence);
                    true
                })
            }
            Self::CqtDefaultMs => {
                let ms = number(text)?;
                subsystem.set_knobs(|knobs| knobs.set_cqt_default_ms(ms))
            }
            Self::CqtOverrideMs => {
                let ms = number(text)?;
                subsystem.set_knobs(|knobs| knobs.set_cqt_override_ms(ms))
            }
        }
    }
}

/// A file of a controller that can be read.
pub(crate) enum CtrlAttribute {
    State,
    Identity,
    Field(Field),
    Held,
    HeldBytes,
    DeadlineMs,
    DeadlineRule,
    HeldWithoutDeadline,
    HeldForMs,
    Tracked,
    TrackedBlocks,
    Waiting,
    Evidence,
    Counters,
}

/// A field of Identify Controller.
pub(crate) enum Field {
    Ciu,
    Cirn,
    Cqt,
    Ccrl,
}

/// A file about the controllers that were removed, that can be read.
pub(crate) enum RemovedAttribute {
    Held,
    HeldBytes,
    DeadlineMs,
    DeadlineRule,
    HeldWithoutDeadline,
    Tracked,
    TrackedBlocks,
    Waiting,
}

fn show_deadline_ms(sum: &Sum, text: &mut Text<'_>) -> fmt::Result {
    match sum.deadline {
        Some(deadline) => writeln!(text, "{}", deadline.at().millis_from(sys::now())),
        None => writeln!(text, "none"),
    }
}

fn show_held_for_ms(since: Option<Nanos>, text: &mut Text<'_>) -> fmt::Result {
    match since {
        Some(since) => writeln!(text, "{}", sys::now().millis_from(since)),
        None => writeln!(text, "none"),
    }
}

fn show_deadline_rule(sum: &Sum, text: &mut Text<'_>) -> fmt::Result {
    let rule = sum.deadline.map_or("none", |deadline| deadline.rule.name());
    writeln!(text, "{rule}")
}

fn cqt_source_name(source: CqtSource) -> &'static str {
    match source {
        CqtSource::Controller => "controller",
        CqtSource::Default => "default",
        CqtSource::Override => "override",
    }
}

fn state_name(snapshot: &Snapshot) -> &'static str {
    match snapshot.current {
        Some(State::Lost) => "lost",
        _ if snapshot.sum.held != 0 || snapshot.sum.tracked != 0 => "fencing",
        Some(State::Open) => "open",
        Some(State::Fencing(_) | State::Fenced(_) | State::Gone) | None => "closed",
    }
}

impl CtrlAttribute {
    /// Reads the file into `buffer` and returns the length of the text.
    pub(crate) fn show(&self, controller: &Controller, buffer: &mut [u8]) -> Result<usize> {
        let snapshot = Snapshot::new(controller);
        let sum = &snapshot.sum;
        emit(buffer, |text| match self {
            Self::State => writeln!(text, "{}", state_name(&snapshot)),
            Self::Identity => show_identity(&snapshot, text),
            Self::Field(field) => field.show(&snapshot, text),
            Self::Held => writeln!(text, "{}", sum.held),
            Self::HeldBytes => writeln!(text, "{}", sum.held_bytes),
            Self::DeadlineMs => show_deadline_ms(sum, text),
            Self::DeadlineRule => show_deadline_rule(sum, text),
            Self::HeldWithoutDeadline => writeln!(text, "{}", sum.held_without_deadline),
            Self::HeldForMs => show_held_for_ms(snapshot.held_since, text),
            Self::Tracked => writeln!(text, "{}", sum.tracked),
            Self::TrackedBlocks => writeln!(text, "{}", sum.tracked_blocks),
            Self::Waiting => writeln!(text, "{}", sum.waiting),
            Self::Evidence => writeln!(
                text,
                "{}",
                snapshot.latest.evidence.map_or("none", Evidence::name)
            ),
            Self::Counters => show_counters(controller.counters(), sum, text),
        })
    }
}

impl Field {
    /// What it was when the last association was made.
    fn show(&self, snapshot: &Snapshot, text: &mut Text<'_>) -> fmt::Result {
        let Some((identity, terms, offer)) = snapshot.latest.said else {
            // It is attached just now, for its first association.
            return writeln!(text, "none");
        };
        match self {
            Self::Ciu => writeln!(text, "{}", identity.ciu),
            Self::Cirn => writeln!(text, "{:#018x}", identity.cirn),
            Self::Cqt => writeln!(text, "{}", terms.cqt_ms),
            Self::Ccrl => writeln!(text, "{}", offer.ccrl),
        }
    }
}

/// The administrator's word was written to a file `release`: nothing but `1` is one.
fn expect_release(text: &[u8]) -> Result {
    match word(text)? {
        "1" => Ok(()),
        _ => Err(EINVAL),
    }
}

/// Writes `text` to the file `release` of a controller.
pub(crate) fn release(controller: &Controller, text: &[u8]) -> Result {
    expect_release(text)?;
    controller.release();
    Ok(())
}

/// Writes `text` to the file `release` of those that were removed.
pub(crate) fn release_removed(host: &Host, text: &[u8]) -> Result {
    expect_release(text)?;
    host.release_removed();
    Ok(())
}

impl RemovedAttribute {
    /// Reads the file into `buffer` and returns the length of the text.
    pub(crate) fn show(&self, host: &Host, buffer: &mut [u8]) -> Result<usize> {
        let sum = &host.removed();
        emit(buffer, |text| match self {
            Self::Held => writeln!(text, "{}", sum.held),
            Self::HeldBytes => writeln!(text, "{}", sum.held_bytes),
            Self::DeadlineMs => show_deadline_ms(sum, text),
            Self::DeadlineRule => show_deadline_rule(sum, text),
            Self::HeldWithoutDeadline => writeln!(text, "{}", sum.held_without_deadline),
            Self::Tracked => writeln!(text, "{}", sum.tracked),
            Self::TrackedBlocks => writeln!(text, "{}", sum.tracked_blocks),
            Self::Waiting => writeln!(text, "{}", sum.waiting),
        })
    }
}

fn show_identity(snapshot: &Snapshot, text: &mut Text<'_>) -> fmt::Result {
    let Some((identity, terms, _)) = snapshot.latest.said else {
        // It is attached just now, for its first association.
        return writeln!(text, "none");
    };
    let (_, cqt_source) = snapshot.knobs.cqt_ms(terms.cqt_ms);

    write!(
        text,
        "cntlid={} ciu={} kato_ms={} tbkas={} cqt_ms={} cqt_source={} wait_ms=",
        identity.cntlid,
        identity.ciu,
        terms.kato_ms,
        u8::from(terms.tbkas),
        terms.cqt_ms,
        cqt_source_name(cqt_source)
    )?;
    match terms.wait_ms(&snapshot.knobs) {
        Some(wait_ms) => writeln!(text, "{wait_ms}"),
        None => writeln!(text, "none"),
    }
}

fn show_counters(counters: &Counters, sum: &Sum, text: &mut Text<'_>) -> fmt::Result {
    for (name, counter) in [
        ("lost", &counters.lost),
        ("held", &counters.held),
        ("held_bytes", &counters.held_bytes),
        ("waited", &counters.waited),
        ("tracked", &counters.tracked),
        ("repeated", &counters.repeated),
        ("released", &counters.released),
        ("released_bytes", &counters.released_bytes),
        ("ccr", &counters.ccr),
        ("ccr_asked", &counters.ccr_asked),
        ("ccr_unmatched", &counters.ccr_unmatched),
        ("ccr_log_errors", &counters.ccr_log_errors),
        ("time", &counters.time),
        ("noticed", &counters.noticed),
        ("reconnect", &counters.reconnect),
        ("reconnect_by_id", &counters.reconnect_by_id),
        ("disabled", &counters.disabled),
        ("target", &counters.target),
        ("admin", &counters.admin),
        ("admin_commands", &counters.admin_commands),
    ] {
        writeln!(text, "{name} {}", counter.get())?;
    }
    writeln!(text, "admin_pending {}", sum.vouched)
}
