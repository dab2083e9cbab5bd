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
/// for any more; an answer that comes later still counts.
pub const ANSWER_MS: u64 = 2_000;

/// For so many milliseconds, a reset that was accepted is expected to take. After that another
/// source is tried as well; a result that comes later still counts.
pub const RESULT_MS: u64 = 10_000;

/// If the first source has not brought the result after so many milliseconds, a second one is tried
/// beside it: the first may share the failed node. It costs a slot, so it is not done at once.
pub const SECOND_MS: u64 = 1_000;

/// A source that failed is tried again for the same association after so many milliseconds.
pub const RETRY_MS: u64 = 5_000;

/// While results are awaited, the log page is read every so many milliseconds: an event may be lost.
pub const POLL_MS: u64 = 1_000;

/// A source that had no slot left, or whose log page could not be read, is asked again after so many
/// milliseconds.
pub const BUSY_MS: u64 = 1_000;

/// At most so many resets of one association are awaited at the same time.
pub const TRIES_AT_ONCE: usize = 2;

/// While nothing but resets that nobody waits for any more may be in progress, the log page is read
/// every so many milliseconds.
pub const FORGOTTEN_POLL_MS: u64 = RESULT_MS;
