// SPDX-License-Identifier: GPL-2.0
//! What is looked for, and what it matches: always a whole name, never a part of one.

use std::fmt;
use std::str::FromStr;

use crate::sysfs::device::last_component;
use crate::sysfs::namespace::{DiskName, Identifiers, Namespace};
use crate::sysfs::topology::{number, Subsystem};

/// A name as the user wrote it. What it means is only known when it is looked up: a link may appear
/// while it is waited for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted(String);

/// Why a text is no name.
#[derive(Debug, thiserror::Error)]
#[error("give the name of a volume")]
pub(crate) struct NoName;

impl FromStr for Wanted {
    type Err = NoName;

    fn from_str(text: &str) -> Result<Self, NoName> {
        match text.trim() {
            "" => Err(NoName),
            name => Ok(Self(name.to_owned())),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a name means now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// All namespaces of the subsystem nvme-subsysX.
    Subsystem(String),
    /// All namespaces that have a path through the controller nvmeX.
    Controller(String),
    /// The namespace nvmeXnY.
    Disk(String),
    /// All namespaces of a subsystem with this NQN or serial number, or what has this identifier.
    Name(String),
    /// A path to something else, or to nothing.
    Other,
}

impl Wanted {
    /// What it means now.
    pub(crate) fn target(&self) -> Target {
        let is_path = self.0.contains('/') && !self.0.starts_with("nqn.");
        let name = if is_path {
            last_component(&self.0).0
        } else {
            self.0.clone()
        };
        if number(&name, "nvme-subsys").is_some() {
            return Target::Subsystem(name);
        }
        if number(&name, "nvme").is_some() {
            return Target::Controller(name);
        }
        match (disk(&name), is_path) {
            (Some(disk), _) => Target::Disk(disk.namespace()),
            (None, false) => Target::Name(name),
            (None, true) => Target::Other,
        }
    }
}

impl Target {
    /// Whether all of a subsystem is meant.
    pub(crate) fn is_subsystem(
        &self,
        subsystem: &Subsystem,
        nqn: Option<&str>,
        serial: Option<&str>,
    ) -> bool {
        match self {
            Self::Subsystem(name) => *name == subsystem.name,
            Self::Name(name) => [nqn, serial].contains(&Some(name)),
            Self::Controller(_) | Self::Disk(_) | Self::Other => false,
        }
    }

    /// Whether a namespace is meant.
    pub(crate) fn is_namespace(&self, namespace: &Namespace) -> bool {
        match self {
            Self::Controller(name) => namespace.paths.iter().any(|p| p.controller == *name),
            Self::Disk(name) => *name == namespace.name,
            Self::Name(name) => identifies(&namespace.identifiers, name),
            Self::Subsystem(_) | Self::Other => false,
        }
    }
}

/// The disk of a name; that of a partition is the one it lies on.
fn disk(name: &str) -> Option<DiskName> {
    let disk = match name.rsplit_once('p') {
        Some((disk, partition)) if number(partition, "").is_some() => disk,
        _ => name,
    };
    disk.parse().ok()
}

/// Whether a text is an identifier of a namespace, however it is written.
fn identifies(identifiers: &Identifiers, text: &str) -> bool {
    let is = |identifier: &Option<String>, digits: &str| {
        let its = identifier.as_deref().and_then(hexadecimal);
        its.is_some() && its == hexadecimal(digits)
    };
    if let Some(digits) = text.strip_prefix("uuid.") {
        return is(&identifiers.uuid, digits);
    }
    // A namespace has these names, too, where nvme-core prefers another one as WWID.
    if let Some(digits) = text.strip_prefix("eui.") {
        return is(&identifiers.nguid, digits) || is(&identifiers.eui64, digits);
    }
    if text.starts_with("nvme.") {
        return identifiers.wwid.as_deref() == Some(text);
    }
    let Some(digits) = hexadecimal(text) else {
        return false;
    };
    let Identifiers {
        uuid, nguid, eui64, ..
    } = identifiers;
    [uuid, nguid, eui64].into_iter().any(|its| is(its, &digits))
}

/// The digits of a hexadecimal number that may have dashes in it; `None` = it is something else.
fn hexadecimal(text: &str) -> Option<String> {
    let digits = text.replace('-', "").to_ascii_lowercase();
    let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (all && !digits.is_empty()).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean() {
        let some = |make: fn(String) -> Target, name: &str| make(name.to_owned());
        for (text, target) in [
            ("nvme-subsys3", some(Target::Subsystem, "nvme-subsys3")),
            ("nvme3", some(Target::Controller, "nvme3")),
            ("nvme3n1", some(Target::Disk, "nvme3n1")),
            ("nvme3n1p2", some(Target::Disk, "nvme3n1")),
            ("nvme3c1n2", some(Target::Disk, "nvme3n2")),
            ("/dev/nvme3n1p2", some(Target::Disk, "nvme3n1")),
            (
                "nqn.2026-01.org.example:a/b",
                some(Target::Name, "nqn.2026-01.org.example:a/b"),
            ),
            ("S5GXNX0T12345p1", some(Target::Name, "S5GXNX0T12345p1")),
            ("/nowhere/nvme-uuid.1", Target::Other),
            ("/dev/null", Target::Other),
        ] {
            assert_eq!(text.parse::<Wanted>().unwrap().target(), target, "{text}");
        }
        assert!(" ".parse::<Wanted>().is_err());
    }

    #[test]
    fn identifiers_match_whole_and_in_all_notations() {
        let identifiers = Identifiers {
            nsid: Some(1),
            uuid: Some("6e1ad4a3-0f83-4b3e-9f7a-6b1f0c1c9a01".to_owned()),
            nguid: Some("00112233-4455-6677-8899-aabbccddeeff".to_owned()),
            eui64: Some("002538b123456789".to_owned()),
            wwid: Some("uuid.6e1ad4a3-0f83-4b3e-9f7a-6b1f0c1c9a01".to_owned()),
        };
        for (text, matches) in [
            ("6e1ad4a3-0f83-4b3e-9f7a-6b1f0c1c9a01", true),
            ("6E1AD4A3-0F83-4B3E-9F7A-6B1F0C1C9A01", true),
            ("uuid.6e1ad4a3-0f83-4b3e-9f7a-6b1f0c1c9a01", true),
            ("00112233445566778899aabbccddeeff", true),
            ("eui.00112233445566778899aabbccddeeff", true),
            ("002538b123456789", true),
            ("eui.002538b123456789", true),
            ("uuid.00112233445566778899aabbccddeeff", false),
            ("6e1ad4a3-0f83-4b3e-9f7a-6b1f0c1c9a0", false),
            ("002538b1", false),
            ("eui.", false),
            ("-", false),
            ("1", false),
            ("uuid.x", false),
        ] {
            assert_eq!(identifies(&identifiers, text), matches, "{text}");
        }
        // Nothing is the name of what has none.
        for text in ["eui.", "uuid.", "-", "x", "nvme."] {
            assert!(!identifies(&Identifiers::default(), text), "{text}");
        }
        let older = Identifiers {
            wwid: Some("nvme.1d0f-736572-6d6f64-00000001".to_owned()),
            ..Identifiers::default()
        };
        assert!(identifies(&older, "nvme.1d0f-736572-6d6f64-00000001"));
        assert!(!identifies(&older, "nvme.1d0f-736572-6d6f64-0000000"));
    }
}
