// SPDX-License-Identifier: GPL-2.0
//! The times of a controller that decide when the host gives something up. In ms, whatever unit
//! sysfs has them in.

use anyhow::Result;
use serde::Serialize;
use std::path::Path;

use super::attribute;
use super::namespace::Namespaces;
use crate::host::Host;

/// A time after which something happens, or `Off`: it never does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Timer {
    /// It never happens.
    Off,
    /// So many milliseconds.
    #[serde(untagged)]
    Ms(u64),
}

/// Those of a controller. `None` = its transport or its kernel has no such timer.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Timers {
    /// After how long without a command the controller gives the host up (KATO).
    pub(crate) kato_ms: Option<Timer>,
    /// How long it is reconnected before it is removed.
    pub(crate) ctrl_loss_ms: Option<Timer>,
    /// How long is waited between two attempts to reconnect it.
    pub(crate) reconnect_delay_ms: Option<Timer>,
    /// After how long without a connection commands fail that find no other path.
    pub(crate) fast_io_fail_ms: Option<Timer>,
    /// After how long a command is given up.
    pub(crate) io_timeout_ms: Option<Timer>,
}

impl Timer {
    /// So many milliseconds; `None` = never.
    pub(crate) fn ms(self) -> Option<u64> {
        match self {
            Self::Off => None,
            Self::Ms(ms) => Some(ms),
        }
    }

    /// So many milliseconds, of which none mean that it is off.
    pub(crate) fn unless_zero(ms: u64) -> Self {
        match ms {
            0 => Self::Off,
            ms => Self::Ms(ms),
        }
    }
}

impl Timers {
    /// Reads those of the controller `name` in `directory`.
    pub(crate) fn read(
        host: &Host,
        directory: &Path,
        name: &str,
        namespaces: &Namespaces,
    ) -> Result<Self> {
        let timer = |name: &str| seconds(&directory.join(name));
        let kato = attribute::read_number_if_there(&directory.join("kato"))?;
        Ok(Self {
            kato_ms: kato.map(|kato: u64| Timer::unless_zero(kato.saturating_mul(1000))),
            ctrl_loss_ms: timer("ctrl_loss_tmo")?,
            reconnect_delay_ms: timer("reconnect_delay")?,
            fast_io_fail_ms: timer("fast_io_fail_tmo")?,
            io_timeout_ms: io_timeout_ms(host, directory, name, namespaces)?.map(Timer::Ms),
        })
    }
}

/// Whether `io_timeout` can be set for the controller in `directory` alone.
pub(crate) fn has_io_timeout(directory: &Path) -> bool {
    directory.join("io_timeout").exists()
}

/// The I/O timeout of a controller. Where there is no attribute for it, it is that of a queue of
/// its, or the one that its next queue will have.
fn io_timeout_ms(
    host: &Host,
    directory: &Path,
    name: &str,
    namespaces: &Namespaces,
) -> Result<Option<u64>> {
    if let Some(ms) = attribute::read_number_if_there(&directory.join("io_timeout"))? {
        return Ok(Some(ms));
    }
    let of_path = namespaces
        .found
        .iter()
        .flat_map(|namespace| &namespace.paths)
        .find(|path| path.controller == name);
    if let Some(path) = of_path {
        let queue = directory.join(&path.name).join("queue/io_timeout");
        if let Some(ms) = attribute::read_number_if_there(&queue)? {
            return Ok(Some(ms));
        }
    }
    let parameter = host.sysfs("module/nvme_core/parameters/io_timeout");
    let seconds: Option<u64> = attribute::read_number_if_there(&parameter)?;
    Ok(seconds.map(|seconds| seconds.saturating_mul(1000)))
}

/// Reads a timer that is in seconds, or `off`.
fn seconds(path: &Path) -> Result<Option<Timer>> {
    match attribute::read_if_there(path)?.as_deref() {
        None => Ok(None),
        Some("off") => Ok(Some(Timer::Off)),
        Some(_) => {
            let seconds: Option<u64> = attribute::read_number_if_there(path)?;
            Ok(seconds.map(|seconds| Timer::Ms(seconds.saturating_mul(1000))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_is_a_word_and_no_number() {
        let json = |timer| serde_json::to_string(&timer).unwrap();
        assert_eq!(json(Timer::Off), r#""off""#);
        assert_eq!(json(Timer::Ms(5000)), "5000");
        assert_eq!(Timer::unless_zero(0), Timer::Off);
    }

    #[test]
    fn what_a_transport_has_not_is_not_off() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::below(root.path());
        let read = || {
            let namespaces = Namespaces::default();
            Timers::read(&host, root.path(), "nvme0", &namespaces).unwrap()
        };
        assert_eq!(read(), Timers::default());
        for (name, text) in [
            ("kato", "0"),
            ("ctrl_loss_tmo", "off"),
            ("reconnect_delay", "10"),
        ] {
            std::fs::write(root.path().join(name), text).unwrap();
        }
        let timers = Timers {
            kato_ms: Some(Timer::Off),
            ctrl_loss_ms: Some(Timer::Off),
            reconnect_delay_ms: Some(Timer::Ms(10_000)),
            ..Timers::default()
        };
        assert_eq!(read(), timers);
    }
}
