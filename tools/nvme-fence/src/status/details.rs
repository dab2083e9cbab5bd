// SPDX-License-Identifier: GPL-2.0
//! What `--verbose` adds to the line of a path.

use super::text::UNKNOWN;
use super::ControllerStatus;
use crate::sysfs::fence::Fence;
use crate::sysfs::knobs::Knobs;
use crate::sysfs::timers::{Timer, Timers};
use crate::text::Wrapped;
use crate::units::Seconds;
use crate::wait::Wait;

/// The lines for a controller.
pub(super) fn of(controller: &ControllerStatus, settings: Option<&Knobs>) -> String {
    let transport = controller.transport.as_deref().unwrap_or(UNKNOWN);
    let address = controller.address.as_deref().unwrap_or(UNKNOWN);
    let mut lines = row("address", &format!("{transport} {address}"));
    if let Some(timers) = controller.timers.as_ref().and_then(timers_in_words) {
        lines += &row("timers", &timers);
    }
    if let Some(diag) = &controller.diag {
        lines += &row("diag", &diag.to_string());
    }
    if let Some(fence) = &controller.fence {
        lines += &of_fence(fence, settings);
    }
    lines
}

/// The lines for its fence.
fn of_fence(fence: &Fence, settings: Option<&Knobs>) -> String {
    let mut lines = row("last", &last(fence));
    let unidentified = || "not identified yet".to_owned();
    let identity = fence.identity.as_ref();
    lines += &row(
        "identity",
        &identity.map_or_else(unidentified, ToString::to_string),
    );
    if let Some((identity, settings)) = identity.zip(settings) {
        let none = || format!("not ended by time: {}", identity.why_no_wait());
        let wait = Wait::of(identity, settings);
        lines += &row("wait", &wait.map_or_else(none, |wait| wait.to_string()));
    }
    if let Some(ccr) = &fence.ccr {
        lines += &row("ccr", &ccr.to_string());
    }
    lines + &row("counters", &fence.counters.to_string())
}

/// A line.
fn row(name: &str, text: &str) -> String {
    let first = &format!("    {name:<10}");
    let others = &" ".repeat(first.len());
    let wrapped = Wrapped {
        first,
        others,
        text,
    };
    wrapped.to_string()
}

/// What fenced the last record that was fenced. What is held or tracked now belongs to others.
fn last(fence: &Fence) -> String {
    match &fence.last_evidence {
        None => "nothing was fenced yet".to_owned(),
        Some(evidence) if fence.held.is_any() => {
            format!("an earlier loss was fenced by {evidence}")
        }
        Some(evidence) => format!("last fenced by {evidence}"),
    }
}

/// The settings that are not in the line of the subsystem, under the names that sysfs has for them.
pub(super) fn of_settings(settings: &Knobs) -> String {
    format!(
        "cqt_default_ms={} cqt_override_ms={}",
        settings.cqt_default_ms, settings.cqt_override_ms
    )
}

/// The timers that there are, under the names that sysfs and nvme-cli have for them.
fn timers_in_words(timers: &Timers) -> Option<String> {
    let all = [
        ("KATO", timers.kato_ms),
        ("io_timeout", timers.io_timeout_ms),
        ("reconnect_delay", timers.reconnect_delay_ms),
        ("ctrl_loss_tmo", timers.ctrl_loss_ms),
        ("fast_io_fail_tmo", timers.fast_io_fail_ms),
    ];
    let words = all.iter().filter_map(|(name, timer)| {
        Some(match (*timer)? {
            Timer::Off => format!("{name}=off"),
            Timer::Ms(ms) => format!("{name}={}", Seconds(ms)),
        })
    });
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| words.join(", "))
}
