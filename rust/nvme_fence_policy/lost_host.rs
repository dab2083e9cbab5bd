// SPDX-License-Identifier: GPL-2.0

//! Lost Host Communication (Base Specification 2.3, log page 1Fh and step 2d of section 9.6.2.1):
//! which controllers of the subsystem know that they have lost touch with this host.
//!
//! A controller that is listed there has noticed. Of the wait for it, only the Command Quiesce Time is
//! left, from the moment in which the host has read so. Any live controller of the subsystem may list
//! it, and one that does is a good source of Cross-Controller Resets (section 5.4.3).
//!
//! - [`log`]: what the log page says;
//! - [`reads`]: when that of one controller is read.

pub(crate) mod log;
pub(crate) mod reads;
