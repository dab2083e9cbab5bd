// SPDX-License-Identifier: GPL-2.0

//! A target, and hosts that are sockets of the test. What waits by the clock waits for a time that
//! was ordered; everything else is waited for.

mod initiator;
mod lab;

mod abort;
mod arbiter;
mod assign;
mod ccr;
mod faults;
mod good;
mod held;
mod lost_host;
mod namespaces;
mod protocol;
mod refused;
mod reservations;
