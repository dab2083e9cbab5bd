// SPDX-License-Identifier: GPL-2.0
//! The rules. Each is a function of the facts, and says nothing if nothing is wrong.

pub(crate) mod evidence;
pub(crate) mod fence;
pub(crate) mod paths;
pub(crate) mod stack;
pub(crate) mod times;

#[cfg(test)]
mod sample;
