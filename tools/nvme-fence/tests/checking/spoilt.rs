// SPDX-License-Identifier: GPL-2.0
//! Hosts of which one thing is found each.

use crate::fixture::Host;
use crate::host::{identified, identify, remove, set, unload, HEAD, KNOBS};
use std::fs;

/// Spoils a host.
pub type Spoil = fn(&Host);

/// How to get each finding, and the exit status then.
pub const SPOILT: &[(&str, i32, Spoil)] = &[
    ("series-missing", 4, |host| {
        unload(host);
        host.file("proc/kallsyms", "0 T nvme_setup_cmd\t[nvme_core]");
    }),
    ("module-missing", 4, |host| {
        unload(host);
        host.file("sys/module/nvme_core/parameters/fence", "N");
    }),
    ("hold-none", 4, |host| {
        host.file(&format!("{KNOBS}/hold"), "all [none]");
    }),
    ("path-unfenced", 4, |host| {
        remove(host, "sys/class/nvme/nvme1/fence");
    }),
    ("transport-unfenced", 4, |host| {
        remove(host, "sys/class/nvme/nvme1/fence");
        host.file("sys/class/nvme/nvme1/transport", "rdma");
    }),
    ("override-below-report", 4, |host| {
        host.file(&format!("{KNOBS}/cqt_override_ms"), "500");
        identify(
            host,
            "kato_ms=5000 cqt_ms=5000 cqt_source=override wait_ms=15500",
        );
    }),
    ("orphaned", 4, |host| {
        remove(host, "sys/class/nvme-subsystem/nvme-subsys0/nvme0");
        remove(host, "sys/class/nvme-subsystem/nvme-subsys0/nvme1");
        remove(host, HEAD);
    }),
    ("no-path", 4, |host| set(host, "state", "connecting")),
    ("dm-on-top", 5, |host| {
        host.file("sys/block/dm-0/dm/uuid", "mpath-a");
        fs::create_dir(host.path("sys/block/dm-0/mq")).unwrap();
        host.link(&format!("{HEAD}/holders/dm-0"), "sys/block/dm-0");
    }),
    ("time-alone", 5, |host| {
        unload(host);
        host.file("sys/module/nvme_core/parameters/fence", "Y");
    }),
    ("kato-off", 5, |host| {
        let identity = "cntlid=1 ciu=3 tbkas=1 kato_ms=0 cqt_ms=5000 cqt_source=controller \
                        wait_ms=none";
        host.file("sys/class/nvme/nvme1/fence/identity", identity);
    }),
    ("time-not-believed", 5, |host| {
        let evidence = "[ccr] time [reconnect] reconnect-by-id [disabled] notification";
        host.file(&format!("{KNOBS}/evidence"), evidence);
        identify(
            host,
            "kato_ms=5000 cqt_ms=5000 cqt_source=controller wait_ms=none",
        );
    }),
    ("notification-believed", 5, |host| {
        let evidence = "[ccr] [time] [reconnect] reconnect-by-id [disabled] [notification]";
        host.file(&format!("{KNOBS}/evidence"), evidence);
    }),
    ("reconnect-by-id-believed", 5, |host| {
        let evidence = "[ccr] [time] [reconnect] [reconnect-by-id] [disabled] notification";
        host.file(&format!("{KNOBS}/evidence"), evidence);
    }),
    ("target-believed", 5, |host| {
        let evidence = "[ccr] [time] [reconnect] reconnect-by-id [disabled] [target]";
        host.file(&format!("{KNOBS}/evidence"), evidence);
    }),
    ("hold-overlap", 5, |host| {
        host.file(&format!("{KNOBS}/hold"), "all [overlap] none");
    }),
    ("cqt-assumed", 5, |host| {
        identify(
            host,
            "kato_ms=5000 cqt_ms=0 cqt_source=default wait_ms=25000",
        );
    }),
    ("multipath-off", 5, |host| {
        host.file("sys/module/nvme_core/parameters/multipath", "N");
    }),
    ("no-optimized-path", 5, |host| {
        for number in 0..2 {
            let path = format!("sys/class/nvme/nvme{number}/nvme0c{number}n1");
            host.file(&format!("{path}/ana_state"), "non-optimized");
        }
    }),
    ("one-path", 5, |host| {
        host.file("sys/class/nvme/nvme0/state", "connecting");
    }),
    ("one-port", 5, |host| {
        for number in 0..2 {
            let address = format!("traddr=10.0.0.1,trsvcid=4420,host_iface=eth{number}");
            host.file(&format!("sys/class/nvme/nvme{number}/address"), &address);
        }
    }),
    ("superseded", 5, |host| {
        host.controller(0, 2, "tcp", "traddr=10.0.0.1,trsvcid=4420", "connecting");
        identified(host, 2);
        host.file("sys/class/nvme/nvme2/io_timeout", "5000");
    }),
    ("wait-over-ctrl-loss", 5, |host| {
        set(host, "ctrl_loss_tmo", "15")
    }),
    ("fast-io-fail", 5, |host| set(host, "fast_io_fail_tmo", "0")),
    ("wait-over-hung-task", 5, |host| {
        host.file("proc/sys/kernel/hung_task_timeout_secs", "19");
    }),
    ("ccr-not-believed", 0, |host| {
        let evidence = "ccr [time] [reconnect] reconnect-by-id [disabled] notification";
        host.file(&format!("{KNOBS}/evidence"), evidence);
    }),
    ("io-timeout-over-kato", 0, |host| {
        set(host, "io_timeout", "30000")
    }),
];
