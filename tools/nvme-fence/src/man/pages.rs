// SPDX-License-Identifier: GPL-2.0
//! What the man pages have that the command line does not know.

/// What a page has that the command line does not know.
pub(super) struct Page {
    /// The name of the page.
    pub(super) name: &'static str,
    /// Files that the command reads or writes.
    pub(super) files: &'static [(&'static str, &'static str)],
    /// Command lines, and what they are for.
    pub(super) examples: &'static [(&'static str, &'static str)],
}

/// The settings of the module.
const SETTINGS: (&str, &str) = (
    "/sys/class/nvme-subsystem/nvme-subsysX/fence/",
    "the settings of a subsystem",
);

/// What the module says of a controller.
const CONTROLLER: (&str, &str) = (
    "/sys/class/nvme/nvmeX/fence/",
    "what is known of the associations of a controller",
);

/// What the module says of those that are gone.
const REMOVED: (&str, &str) = (
    "/sys/module/nvme_fence/removed/",
    "what is held for controllers that were removed",
);

/// The files of the module, for pages that have no others.
const SYSFS: &[(&str, &str)] = &[SETTINGS, CONTROLLER, REMOVED];

/// The files that `status` shows.
const STATUS: &[(&str, &str)] = &[
    SETTINGS,
    CONTROLLER,
    REMOVED,
    (
        "/sys/class/nvme/nvmeZ/nvmeXcZnY/ana_state",
        "the ANA state of a path to a namespace",
    ),
];

/// What `apply` reads and writes.
const APPLIED: &[(&str, &str)] = &[
    (
        "/etc/nvme-fence/arrays.conf",
        "settings by the model of an array, see arrays.conf(5)",
    ),
    (
        "/sys/class/nvme-subsystem/nvme-subsysX/model",
        "the model of an array",
    ),
    SETTINGS,
];

/// The files of nvme-core.
const NVME_CORE: &[(&str, &str)] = &[
    (
        "/sys/class/nvme-subsystem/nvme-subsysX/nvmeXnY/",
        "a namespace and its identifiers",
    ),
    (
        "/sys/class/nvme/nvmeZ/nvmeXcZnY/",
        "a path to it, and its ANA state",
    ),
    (
        "/dev/disk/by-id/",
        "the links that udev makes of the identifiers",
    ),
];

/// The files that tell who uses a disk.
const USES: &[(&str, &str)] = &[
    (
        "/sys/class/nvme/nvmeX/fence/held",
        "the commands that the module holds",
    ),
    (
        "/sys/class/block/nvmeXnY/holders/",
        "the block devices on top of it",
    ),
    (
        "/proc/PID/mountinfo",
        "the mounts that a process sees, for one process of each mount namespace",
    ),
    ("/proc/swaps", "what is swapped to"),
    (
        "/sys/fs/btrfs/UUID/devices/",
        "the devices of a btrfs that is mounted",
    ),
];

/// The record: what the monitor writes, and `history` shows.
const RECORD: (&str, &str) = (
    "/var/lib/nvme-fence/events-N.jsonl",
    "the record, where the monitor is run as a service: an event a line",
);

/// What `history` reads.
const HISTORY: &[(&str, &str)] = &[
    RECORD,
    (
        "/sys/class/nvme-subsystem/nvme-subsysX/fence/history",
        "the last fencings of a subsystem, as the module has kept them",
    ),
];

/// What the monitor looks at, and what it writes.
const MONITOR: &[(&str, &str)] = &[
    (
        "/sys/class/nvme/nvmeX/",
        "the state of a path, its ANA states, and what the module holds and counts for it",
    ),
    (
        "/sys/class/nvme-subsystem/nvme-subsysX/fence/totals",
        "what the module counts for a subsystem",
    ),
    RECORD,
    (
        "/var/lib/nvme-fence/totals.json",
        "what was counted for each subsystem since it was first seen",
    ),
    (
        "/run/nvme-fence/nvme-fence.prom",
        "the metrics, where the monitor is run as a service",
    ),
];

/// Where traces come from.
const TRACEFS: &[(&str, &str)] = &[(
    "/sys/kernel/tracing/instances/nvme-fence-PID/",
    "the buffer of a running trace; those of dead processes are removed",
)];

/// What is measured.
const MEASURED: &[(&str, &str)] = &[
    (
        "/sys/kernel/tracing/instances/nvme-fence-PID/",
        "the buffers of a measurement; those of dead processes are removed",
    ),
    (
        "/sys/class/nvme/nvmeX/",
        "the states of the controllers and of their paths",
    ),
    ("/proc/stat", "how long the processors were busy"),
];

/// All pages.
pub(super) const PAGES: [Page; 17] = [
    Page {
        name: "nvme-fence",
        files: SYSFS,
        examples: &[
            (
                "nvme-fence status",
                "the paths, what is held, and until when",
            ),
            ("nvme-fence status -o json", "the same for programs"),
        ],
    },
    Page {
        name: "nvme-fence-check",
        files: SYSFS,
        examples: &[
            ("nvme-fence check", "is this host protected?"),
            (
                "nvme-fence check /dev/nvme0n1 -o json",
                "is the subsystem of a device, for programs",
            ),
            (
                "nvme-fence check >/dev/null; [ $? = 0 ] || [ $? = 5 ]",
                "may this node take load, warnings or not?",
            ),
        ],
    },
    Page {
        name: "nvme-fence-status",
        files: STATUS,
        examples: &[
            ("nvme-fence status", "all subsystems"),
            ("nvme-fence status -v nvme0", "all about one path"),
            (
                "nvme-fence status /dev/nvme0n1 --watch 5",
                "the paths of a device, every five seconds and when something happens",
            ),
        ],
    },
    Page {
        name: "nvme-fence-find",
        files: NVME_CORE,
        examples: &[
            (
                "nvme-fence find nqn.2026-01.org.example:array",
                "all namespaces of a subsystem",
            ),
            (
                "nvme-fence find --device --wait 30 6e1ad4a3-0f83-4b3e-9f7a-6b1f0c1c9a01",
                "the device node of a volume, when it can be used",
            ),
        ],
    },
    Page {
        name: "nvme-fence-can-disconnect",
        files: USES,
        examples: &[
            (
                "nvme-fence can-disconnect nvme0 && nvme disconnect -d nvme0",
                "take a path out of service",
            ),
            (
                "nvme-fence can-disconnect nqn.2026-01.org.example:array -o json",
                "what speaks against it, for programs",
            ),
        ],
    },
    Page {
        name: "nvme-fence-config",
        files: SYSFS,
        examples: &[
            ("nvme-fence config nvme0", "the settings of its subsystem"),
            (
                "nvme-fence config nvme0 --cqt-default-ms 5000",
                "its controllers report no Command Quiesce Time; it is 5 s",
            ),
            (
                "nvme-fence config nvme0 --evidence +notification",
                "nothing on the way to it makes a FIN or a RST",
            ),
        ],
    },
    Page {
        name: "nvme-fence-apply",
        files: APPLIED,
        examples: &[
            (
                "nvme-fence apply --dry-run",
                "what would the file set that I have changed?",
            ),
            ("nvme-fence apply", "have all arrays get it"),
        ],
    },
    Page {
        name: "nvme-fence-release",
        files: SYSFS,
        examples: &[
            (
                "nvme-fence release nvme0 --force",
                "nvme0 was powered off: its writes may go out",
            ),
            (
                "nvme-fence release nqn.2026-01.org.example:array --force",
                "the whole array was",
            ),
            (
                "nvme-fence release --removed --force",
                "so were all controllers that were removed",
            ),
        ],
    },
    Page {
        name: "nvme-fence-monitor",
        files: MONITOR,
        examples: &[
            (
                "systemctl enable --now nvme-fence-monitor",
                "from now on, and after each boot",
            ),
            ("nvme-fence monitor", "what happens, until Ctrl-C"),
            (
                "nvme-fence monitor --directory /var/tmp/nvme --keep 20 --size 16M",
                "recorded in at most 20 files of 16 MiB",
            ),
        ],
    },
    Page {
        name: "nvme-fence-history",
        files: HISTORY,
        examples: &[
            (
                "nvme-fence history --since 12h",
                "what happened last night?",
            ),
            (
                "nvme-fence history --since '2026-11-29 03:00' -o json",
                "the same for programs",
            ),
        ],
    },
    Page {
        name: "nvme-fence-metrics",
        files: SYSFS,
        examples: &[
            ("nvme-fence metrics", "all there is"),
            (
                "nvme-fence metrics --textfile \
                 /var/lib/prometheus/node-exporter/nvme-fence.prom",
                "for node_exporter, where no monitor is run",
            ),
        ],
    },
    Page {
        name: "nvme-fence-measure",
        files: MEASURED,
        examples: &[
            (
                "nvme-fence measure /dev/nvme0n1 --for 60",
                "a minute of what goes on anyway",
            ),
            (
                "nvme-fence measure /dev/nvme0n1 --picture failover.svg -- fio load.fio",
                "while fio runs; with a picture",
            ),
        ],
    },
    Page {
        name: "nvme-fence-trace",
        files: TRACEFS,
        examples: &[
            ("nvme-fence trace record --all-io /tmp/failover.trace", ""),
            ("nvme-fence trace report /tmp/failover.trace", ""),
        ],
    },
    Page {
        name: "nvme-fence-trace-live",
        files: TRACEFS,
        examples: &[("nvme-fence trace live", "the events, until Ctrl-C")],
    },
    Page {
        name: "nvme-fence-trace-record",
        files: TRACEFS,
        examples: &[(
            "nvme-fence trace record --all-io /tmp/failover.trace",
            "until Ctrl-C",
        )],
    },
    Page {
        name: "nvme-fence-trace-report",
        files: &[],
        examples: &[
            (
                "nvme-fence trace report /tmp/failover.trace",
                "where the time of each failover went",
            ),
            (
                "trace-cmd report | nvme-fence trace report",
                "the same of a recording of trace-cmd",
            ),
        ],
    },
    Page {
        name: "nvme-fence-trace-export",
        files: &[],
        examples: &[(
            "nvme-fence trace export /tmp/failover.trace >failover.json",
            "for ui.perfetto.dev",
        )],
    },
];
