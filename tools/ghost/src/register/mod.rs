// SPDX-License-Identifier: GPL-2.0

//! Blocks as atomic registers, and the oracle that sees ghost writes.
//!
//! A ghost write shows only if a block was rewritten with *different* content after the stuck write
//! and is read again later. So every block counts up a generation, each write carries the next one,
//! and every read is judged:
//!
//! - [`content`]: how a generation is laid out in a block, and what else a block may turn out to
//!   hold
//! - [`oracle`]: which generations a read may return (pure, no I/O, no clock)
//! - [`storage`]: a device as numbered blocks, without the page cache
//! - [`array`](mod@array): the registers of one run: every read and write passes the oracle
//! - [`run`](mod@run), [`verify`](mod@verify): the two things the command line offers
//! - [`report`], [`finding`], [`latency`]: what comes out
//! - [`clock`]: the clock of all time stamps

pub mod array;
pub mod clock;
pub mod content;
pub mod finding;
pub mod latency;
pub mod oracle;
pub mod report;
pub mod run;
pub mod storage;
pub mod verify;
