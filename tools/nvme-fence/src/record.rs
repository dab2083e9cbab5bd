// SPDX-License-Identifier: GPL-2.0
//! The record of what has happened: the monitor writes it, `history` reads it.

pub(crate) mod event;
pub(crate) mod files;

/// Where the monitor keeps it if it runs as a service.
pub(crate) const DIRECTORY: &str = "/var/lib/nvme-fence";
