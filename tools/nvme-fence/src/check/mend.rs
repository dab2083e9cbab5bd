// SPDX-License-Identifier: GPL-2.0
//! Commands that mend what was found. They are made to be copied into a shell, so nothing that an
//! array chose (an NQN, an address) may mean anything there.

use super::facts::{PathFacts, SubsystemFacts};

/// `nvme-fence config` of a subsystem.
pub(crate) fn config(subsystem: &SubsystemFacts, option: &str) -> String {
    format!("nvme-fence config {} {option}", subsystem.name)
}

/// `nvme connect` by a path that is not there yet, of the same transport as those that are.
pub(crate) fn connect_another(subsystem: &SubsystemFacts) -> String {
    let first = subsystem.paths.first();
    let transport = first.map_or("TRANSPORT".to_owned(), |path| quoted(&path.transport));
    connect_by(subsystem, &transport)
}

/// `nvme connect` by a path of this transport.
pub(crate) fn connect_by(subsystem: &SubsystemFacts, transport: &str) -> String {
    let nqn = nqn(subsystem);
    format!("nvme connect --transport={transport} --nqn={nqn} --traddr=ADDRESS")
}

/// `nvme disconnect` of a path.
pub(crate) fn disconnect(path: &PathFacts) -> String {
    format!("nvme disconnect --device={}", path.name)
}

/// `nvme disconnect`, and `nvme connect` of the same path, with more options.
pub(crate) fn reconnect(subsystem: &SubsystemFacts, path: &PathFacts, options: &str) -> String {
    let mut command = format!(
        "{} && nvme connect --transport={} --nqn={}",
        disconnect(path),
        quoted(&path.transport),
        nqn(subsystem)
    );
    let address = &path.address;
    for (option, value) in [
        ("traddr", &address.traddr),
        ("trsvcid", &address.trsvcid),
        ("host-traddr", &address.host_traddr),
        ("host-iface", &address.host_iface),
    ] {
        if let Some(value) = value {
            command += &format!(" --{option}={}", quoted(value));
        }
    }
    command + options
}

/// Sets an attribute of one controller or of several.
pub(crate) fn set(controllers: &[String], attribute: &str, value: u64) -> String {
    match controllers {
        [one] => format!("echo {value} >/sys/class/nvme/{one}/{attribute}"),
        several => format!(
            "for c in {}; do echo {value} >/sys/class/nvme/$c/{attribute}; done",
            several.join(" ")
        ),
    }
}

/// The qualified name of a subsystem, or what stands for it.
fn nqn(subsystem: &SubsystemFacts) -> String {
    subsystem.nqn.as_deref().map_or("NQN".to_owned(), quoted)
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=[]".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::address::Address;
    use super::*;

    #[test]
    fn a_shell_takes_names_for_what_they_are() {
        for (text, word) in [
            ("nqn.2026-01.org.example:a", "nqn.2026-01.org.example:a"),
            ("nqn.x;reboot", "'nqn.x;reboot'"),
            ("$(reboot)", "'$(reboot)'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(text), word);
        }
    }

    #[test]
    fn the_same_path_is_connected_again() {
        let subsystem = SubsystemFacts {
            nqn: Some("nqn.x y".to_owned()),
            ..SubsystemFacts::default()
        };
        let path = PathFacts {
            name: "nvme1".to_owned(),
            transport: "tcp".to_owned(),
            address: Address::parse("traddr=fe80::1,trsvcid=4420,host_iface=eth0"),
            ..PathFacts::default()
        };
        assert_eq!(
            reconnect(&subsystem, &path, " --keep-alive-tmo=5"),
            "nvme disconnect --device=nvme1 && nvme connect --transport=tcp --nqn='nqn.x y' \
             --traddr=fe80::1 --trsvcid=4420 --host-iface=eth0 --keep-alive-tmo=5"
        );
    }

    #[test]
    fn several_are_set_at_once() {
        let names = ["nvme0".to_owned(), "nvme1".to_owned()];
        assert_eq!(
            set(&names[..1], "io_timeout", 5),
            "echo 5 >/sys/class/nvme/nvme0/io_timeout"
        );
        assert_eq!(
            set(&names, "io_timeout", 5),
            "for c in nvme0 nvme1; do echo 5 >/sys/class/nvme/$c/io_timeout; done"
        );
    }
}
