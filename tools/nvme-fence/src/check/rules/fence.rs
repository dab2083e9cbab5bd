// SPDX-License-Identifier: GPL-2.0
//! Whether anything is fenced at all.

use super::super::facts::{HostFacts, PathFacts, SubsystemFacts};
use super::super::finding::Told;
use super::super::mend;
use crate::missing::Missing;
use crate::sysfs::unfenced::Unfenced;

/// What happens where nothing is fenced.
const GHOSTS: &str = "a write that is cancelled when its path is lost is sent again at once, and \
                      its first copy may be executed later, over newer data";

/// What loads the module.
const LOAD: &str = "modprobe nvme_fence";

/// The paths that are unfenced for a reason that lies with them.
fn unfenced(subsystem: &SubsystemFacts, reason: Unfenced) -> impl Iterator<Item = &PathFacts> {
    let paths = subsystem.paths.iter();
    paths.filter(move |path| path.unfenced == Some(reason))
}

/// The names of the paths that would be fenced, if the module were there.
fn would_be_fenced(subsystem: &SubsystemFacts) -> Vec<String> {
    let paths = unfenced(subsystem, Unfenced::NotAttached);
    paths.map(|path| path.name.clone()).collect()
}

/// Whether the host lacks just this, and a path suffers from it.
fn host_lacks(host: &HostFacts, subsystem: &SubsystemFacts, missing: Missing) -> bool {
    host.missing == Some(missing) && !would_be_fenced(subsystem).is_empty()
}

/// One finding about the subsystem.
fn told(subsystem: &SubsystemFacts, sentence: &str, command: &str) -> Vec<Told> {
    vec![Told {
        objects: vec![subsystem.name.clone()],
        sentence: sentence.to_owned(),
        command: command.to_owned(),
    }]
}

/// The kernel could not load the module.
pub(crate) fn series_missing(host: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    if !host_lacks(host, subsystem, Missing::Hooks) {
        return Vec::new();
    }
    let sentence = format!(
        "this kernel lacks the nvme-fence series, with which another one has to be built: {GHOSTS}"
    );
    told(subsystem, &sentence, "make patch KSRC=LINUX")
}

/// The module is not there, and nvme-core was told at boot not to hold anything without it.
pub(crate) fn module_missing(host: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    if !host_lacks(host, subsystem, Missing::Module) {
        return Vec::new();
    }
    let sentence =
        format!("the module nvme_fence is not loaded, and nvme_core.fence is off: {GHOSTS}");
    told(subsystem, &sentence, LOAD)
}

/// The module is not there, and nvme-core holds without it.
pub(crate) fn time_alone(host: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    if !host_lacks(host, subsystem, Missing::AllButTime) {
        return Vec::new();
    }
    let sentence =
        "the module nvme_fence is not loaded: what is cancelled is held for the longest \
                    wait, as nvme-core by itself knows no Cross-Controller Reset, no settings, and \
                    no word of the administrator";
    told(subsystem, sentence, LOAD)
}

/// It was switched off.
pub(crate) fn hold_none(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    match &subsystem.knobs {
        Some(knobs) if knobs.holds_nothing() => vec![Told {
            objects: vec![subsystem.name.clone()],
            sentence: format!("hold is none: {GHOSTS}"),
            command: mend::config(subsystem, "--hold all"),
        }],
        _ => Vec::new(),
    }
}

/// Cancelled writes wait for nothing, which the administrator has to answer for.
pub(crate) fn hold_overlap(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    match &subsystem.knobs {
        Some(knobs) if knobs.repeats_at_once() => {
            let sentence = "hold is overlap: cancelled writes go on at once, and only newer ones \
                            to their blocks wait; that must be right for what uses it: no other \
                            host writes to it, it is not handed on by nvmet-passthru, and no \
                            application writes to a block for which it has a write outstanding, \
                            or changes the memory of one; if it is not, ghost writes are possible";
            let command = mend::config(subsystem, "--hold all");
            told(subsystem, sentence, &command)
        }
        _ => Vec::new(),
    }
}

/// The module is there, and could fence the path.
pub(crate) fn path_unfenced(host: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    if host.missing.is_some() {
        return Vec::new();
    }
    let told = |path: &PathFacts| Told {
        objects: vec![path.name.clone()],
        sentence: format!(
            "nvme_fence could not be attached to this path, and the kernel log says why; with \
             another live path at hand, connect it anew: {GHOSTS}"
        ),
        command: mend::reconnect(subsystem, path, ""),
    };
    let paths = unfenced(subsystem, Unfenced::NotAttached);
    paths.map(told).collect()
}

/// The module could not fence the path.
pub(crate) fn transport_unfenced(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    let told = |path: &PathFacts| {
        Told {
        objects: vec![path.name.clone()],
        sentence: format!(
            "nvme_fence does not fence paths by {}; if the array has ports for NVMe/TCP, use these: \
             {GHOSTS}",
            path.transport
        ),
        command: mend::connect_by(subsystem, "tcp"),
    }
    };
    let paths = unfenced(subsystem, Unfenced::Transport);
    paths.map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::sysfs::words::Words;

    #[test]
    fn what_the_host_lacks_is_said_once() {
        let mut subsystem = sample::subsystem();
        let host = |missing| HostFacts {
            missing,
            ..sample::host()
        };
        for missing in [
            None,
            Some(Missing::Module),
            Some(Missing::AllButTime),
            Some(Missing::Hooks),
        ] {
            assert!(module_missing(&host(missing), &subsystem).is_empty());
            assert!(time_alone(&host(missing), &subsystem).is_empty());
            assert!(series_missing(&host(missing), &subsystem).is_empty());
        }
        for path in &mut subsystem.paths {
            path.unfenced = Some(Unfenced::NotAttached);
        }
        for (missing, series, module, time, paths) in [
            (None, 0, 0, 0, 2),
            (Some(Missing::AllButTime), 0, 0, 1, 0),
            (Some(Missing::Module), 0, 1, 0, 0),
            (Some(Missing::Hooks), 1, 0, 0, 0),
        ] {
            let host = host(missing);
            assert_eq!(series_missing(&host, &subsystem).len(), series);
            assert_eq!(module_missing(&host, &subsystem).len(), module);
            assert_eq!(time_alone(&host, &subsystem).len(), time);
            assert_eq!(path_unfenced(&host, &subsystem).len(), paths);
        }
    }

    #[test]
    fn the_module_would_not_help_other_transports() {
        let mut subsystem = sample::subsystem();
        assert!(transport_unfenced(&sample::host(), &subsystem).is_empty());
        for path in &mut subsystem.paths {
            path.transport = "rdma".to_owned();
            path.unfenced = Some(Unfenced::Transport);
        }
        let host = HostFacts {
            missing: Some(Missing::Module),
            ..sample::host()
        };
        assert!(module_missing(&host, &subsystem).is_empty());
        assert!(time_alone(&host, &subsystem).is_empty());
        let told = transport_unfenced(&host, &subsystem);
        assert_eq!(told.len(), 2);
        assert!(told[0].sentence.contains("paths by rdma"));
        assert!(told[0].command.contains("--transport=tcp"));
    }

    #[test]
    fn off_is_off() {
        let mut subsystem = sample::subsystem();
        assert!(hold_none(&sample::host(), &subsystem).is_empty());
        subsystem.knobs.as_mut().unwrap().hold = Words::parse("all [none]");
        let told = hold_none(&sample::host(), &subsystem);
        assert_eq!(told[0].command, "nvme-fence config nvme-subsys0 --hold all");
    }

    #[test]
    fn who_holds_only_what_overlaps_is_told_what_for() {
        for (hold, expected) in [
            ("[all] overlap none", 0),
            ("all [overlap] none", 1),
            ("all overlap [none]", 0),
        ] {
            let mut subsystem = sample::subsystem();
            subsystem.knobs.as_mut().unwrap().hold = Words::parse(hold);
            let told = hold_overlap(&sample::host(), &subsystem);
            assert_eq!(told.len(), expected, "{hold}");
            for told in told {
                assert!(told.sentence.contains("no other host writes"));
                assert_eq!(told.command, "nvme-fence config nvme-subsys0 --hold all");
            }
        }
    }
}
