// SPDX-License-Identifier: GPL-2.0

//! NVMe over TCP as it looks on the wire: what a target and the initiators that test it share.
//!
//! Names and numbers are the specification's. Nothing here does I/O or keeps a state.
//!
//! - [`bytes`]: little-endian numbers in a buffer
//! - [`pdu`]: what each type of PDU consists of, and how to make one
//! - [`decode`]: from bytes to a PDU, or to what is wrong with them
//! - [`command`]: submission queue entries
//! - [`status`]: status codes of completions
//! - [`event`]: asynchronous events

pub mod bytes;
pub mod command;
pub mod decode;
pub mod event;
pub mod pdu;
pub mod status;
