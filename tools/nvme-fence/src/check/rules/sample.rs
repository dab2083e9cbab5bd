// SPDX-License-Identifier: GPL-2.0
//! A host and a subsystem of which nothing is to be said, for tests to spoil.

use super::super::address::Address;
use super::super::facts::{HostFacts, NamespaceFacts, PathFacts, SubsystemFacts};
use super::super::finding::Told;
use crate::sysfs::ccr::Ccr;
use crate::sysfs::knobs::Knobs;
use crate::sysfs::words::Words;

/// The host.
pub(crate) fn host() -> HostFacts {
    HostFacts {
        missing: None,
        multipath: Some(true),
        hung_task_ms: Some(120_000),
    }
}

/// The subsystem: two paths to two ports, and one namespace.
pub(crate) fn subsystem() -> SubsystemFacts {
    SubsystemFacts {
        name: "nvme-subsys0".to_owned(),
        nqn: Some("nqn.2026-01.org.example:array".to_owned()),
        knobs: Some(Knobs {
            hold: Words::parse("[all] none"),
            evidence: Words::parse("[ccr] [time] [reconnect] reconnect-by-id notification"),
            cqt_default_ms: 10_000,
            cqt_override_ms: 0,
        }),
        paths: vec![path(0), path(1)],
        harmless: Vec::new(),
        namespaces: vec![NamespaceFacts {
            name: "nvme0n1".to_owned(),
            usable: 2,
            optimized: 1,
            request_maps: Vec::new(),
        }],
        errors: Vec::new(),
    }
}

/// A path: KATO 5 s, traffic based, CQT 5 s, so that the wait is 20 s.
fn path(number: u8) -> PathFacts {
    let identity = "cntlid=1 ciu=3 kato_ms=5000 tbkas=1 cqt_ms=5000 cqt_source=controller \
                    wait_ms=20000";
    PathFacts {
        name: format!("nvme{number}"),
        transport: "tcp".to_owned(),
        address: Address::parse(&format!("traddr=10.0.{number}.1,trsvcid=4420")),
        state: "live".to_owned(),
        unfenced: None,
        identity: Some(identity.parse().unwrap()),
        ccr: Some(Ccr { ciu: 3, ccrl: 4 }),
        kato_ms: Some(5000),
        io_timeout_ms: Some(5000),
        has_io_timeout: true,
        ctrl_loss_ms: Some(600_000),
        fast_io_fail_ms: None,
    }
}

/// What a rule says of the subsystem when it was spoilt. Before that, it has to say nothing.
pub(crate) fn told(
    rule: fn(&HostFacts, &SubsystemFacts) -> Vec<Told>,
    spoil: impl Fn(&mut SubsystemFacts),
) -> Vec<Told> {
    let mut subsystem = subsystem();
    let told = rule(&host(), &subsystem);
    assert!(told.is_empty(), "{told:?}");
    spoil(&mut subsystem);
    rule(&host(), &subsystem)
}
