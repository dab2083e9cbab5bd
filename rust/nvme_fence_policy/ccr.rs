// SPDX-License-Identifier: GPL-2.0

//! Cross-Controller Reset (TP8028): having a sibling reset a lost controller.
//!
//! Any association of the subsystem that is live can be a *source*: a Cross-Controller Reset
//! command (CCR) is sent on it that names the *impacted* association by Controller ID (ICID), CIU and
//! CIRN. The answer is that the impacted controller is reset already (IRS=1), or that it will be;
//! then log page 1Eh of the source says what became of it, and an event says when to look.
//!
//! - [`answer`]: what the source said to the command;
//! - [`log`]: what its log page says;
//! - [`pending`]: the resets that a source may still have to report on;
//! - [`tries`]: the resets that were asked for on behalf of one impacted association;
//! - [`source`]: what one association does for others: its slots, when its log page is to be read;
//! - [`resets`]: both together, which is lent to those associations that need it.
//!
//! Which reset is asked for next, and through which source, is a matter of the whole
//! [`subsystem`](crate::subsystem).
//!
//! A reset can only make the wait shorter. The deadline of the time rule stays as it is, or gets
//! earlier, as a reset that failed can show that the controller has noticed.

pub mod answer;
pub mod log;
pub mod pending;
pub mod resets;
pub mod source;
pub mod tries;

/// For so many milliseconds, a source is expected to answer the command. After that it is not hoped
/// for any more: if it says then that it has begun, another one is asked at once. What it brings still
/// counts.
///
/// The number is a choice. To answer, a target has to find the controller, and need not wait for its end.
pub const ANSWER_MS: u64 = 2_000;

/// For so many milliseconds, a reset that was accepted is expected to take. After that another
/// source is tried as well; a result that comes later still counts.
///
/// What a reset waits for is the end of commands that have begun. The specification proposes this
/// time for that, where a controller does not say how long it needs (Base Specification 2.3, section
/// 9.6.2).
pub const RESULT_MS: u64 = 10_000;

/// If the first source has not brought the result after so many milliseconds, a second one is tried
/// beside it: the first may share the failed node. It costs a slot, so it is not done at once. A reset
/// that nothing is in the way of has taken milliseconds (`performance.rst`).
pub const SECOND_MS: u64 = 1_000;

/// A source that failed is tried again for the same association after so many milliseconds.
///
/// The number is a choice. Some sources fail at once, and are asked twelve times a minute then. With
/// Linux's default keep alive timeout (5 s) and no CQT reported, the wait is 20 s or 25 s: long enough
/// for four tries.
pub const RETRY_MS: u64 = 5_000;

/// While results are awaited, the log page is read every so many milliseconds: an event may be lost,
/// and that costs no more than this then. It is one command, on an admin queue.
pub const POLL_MS: u64 = 1_000;

/// A source that had no slot left, or whose log page could not be read, is asked again after so many
/// milliseconds: as often as it is polled.
pub const BUSY_MS: u64 = 1_000;

/// At most so many resets of one association are awaited at the same time.
pub const TRIES_AT_ONCE: usize = 2;

/// While nothing but resets that nobody waits for any more may be in progress, the log page is read
/// every so many milliseconds.
pub const FORGOTTEN_POLL_MS: u64 = RESULT_MS;
