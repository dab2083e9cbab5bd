// SPDX-License-Identifier: GPL-2.0
//! Why there is nothing to show: what this host lacks, and what to do about it.

use crate::host::Host;

/// What stands between the user and a working fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Missing {
    /// nvme-core knows no subsystem, and something was to be done with one.
    #[error(
        "there is no NVMe subsystem on this host: connect one first (nvme connect, nvme discover)"
    )]
    Subsystem,
    /// nvme-core lacks the hooks that the module registers with.
    #[error(
        "this kernel lacks the nvme-fence series (nvme-core has no nvme_fence_register): \
         boot a kernel that was built with drivers/nvme/patches"
    )]
    Hooks,
    /// The kernel could, but the module is not there, and nvme-core does not hold without it.
    #[error("the module nvme_fence is not loaded: modprobe nvme_fence")]
    Module,
    /// The module is not there. nvme-core holds without it, and waits for time alone.
    #[error("the module nvme_fence is not loaded: modprobe nvme_fence")]
    AllButTime,
}

impl Missing {
    /// The exit status that tells it from other failures.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Subsystem => 1,
            Self::Hooks | Self::Module | Self::AllButTime => 3,
        }
    }
}

/// What is missing for the module to be at work, if anything is.
pub(crate) fn module(host: &Host) -> Option<Missing> {
    if host.sysfs("module/nvme_fence").is_dir() {
        return None;
    }
    let fence = std::fs::read_to_string(host.sysfs("module/nvme_core/parameters/fence"));
    if fence.is_ok_and(|fence| fence.trim() == "Y") {
        return Some(Missing::AllButTime);
    }
    if lacks_hooks(host) {
        return Some(Missing::Hooks);
    }
    Some(Missing::Module)
}

/// Whether nvme-core is there and is known to have no hooks.
///
/// Without kallsyms nothing is known, and loading the module is the better advice: it will tell.
fn lacks_hooks(host: &Host) -> bool {
    if !host.sysfs("module/nvme_core").is_dir() {
        return false;
    }
    let Ok(symbols) = std::fs::read_to_string(host.proc("kallsyms")) else {
        return false;
    };
    // "ffffffffc0123450 T nvme_fence_register\t[nvme_core]"
    !symbols
        .lines()
        .any(|line| line.split_ascii_whitespace().nth(2) == Some("nvme_fence_register"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// The lines of /proc/kallsyms, if it is readable; the modules; and what is to be said.
    type Case = (
        Option<&'static str>,
        &'static [&'static str],
        Option<Missing>,
    );

    #[test]
    fn says_what_is_missing() {
        let stock = "0000000000000000 T nvme_fence_registered_not\t[nvme_core]\n";
        let hooked = "0000000000000000 t a\n0000000000000000 T nvme_fence_register\t[nvme_core]\n";
        let cases: [Case; 5] = [
            (Some(hooked), &["nvme_core", "nvme_fence"], None),
            (Some(hooked), &["nvme_core"], Some(Missing::Module)),
            (Some(stock), &["nvme_core"], Some(Missing::Hooks)),
            (Some(stock), &[], Some(Missing::Module)),
            (None, &["nvme_core"], Some(Missing::Module)),
        ];
        for (kallsyms, modules, missing) in cases {
            let root = tempfile::tempdir().unwrap();
            fs::create_dir_all(root.path().join("proc")).unwrap();
            if let Some(kallsyms) = kallsyms {
                fs::write(root.path().join("proc/kallsyms"), kallsyms).unwrap();
            }
            for name in modules {
                fs::create_dir_all(root.path().join("sys/module").join(name)).unwrap();
            }
            assert_eq!(module(&Host::below(root.path())), missing, "{modules:?}");
        }
    }
    #[test]
    fn says_whether_nvme_core_holds_alone() {
        for (fence, missing) in [("Y\n", Missing::AllButTime), ("N\n", Missing::Module)] {
            let root = tempfile::tempdir().unwrap();
            let parameters = root.path().join("sys/module/nvme_core/parameters");
            fs::create_dir_all(&parameters).unwrap();
            fs::write(parameters.join("fence"), fence).unwrap();
            assert_eq!(module(&Host::below(root.path())), Some(missing), "{fence}");
        }
    }
}
