// SPDX-License-Identifier: GPL-2.0
//! Each finding about times on a subsystem that has it, and on one that has not.

use super::super::sample::{self, told};
use super::*;
use crate::sysfs::words::Words;

/// Gives all paths another identity.
fn identify(subsystem: &mut SubsystemFacts, text: &str) {
    for path in &mut subsystem.paths {
        path.identity = Some(format!("cntlid=1 ciu=3 {text}").parse().unwrap());
    }
}

#[test]
fn keep_alive_is_off() {
    let told = told(kato_off, |subsystem| {
        subsystem.paths[1].kato_ms = Some(0);
        // An older kernel does not tell.
        subsystem.paths[0].kato_ms = None;
    });
    assert_eq!(
        told[0].command,
        "nvme disconnect --device=nvme1 && nvme connect --transport=tcp \
         --nqn=nqn.2026-01.org.example:array --traddr=10.0.1.1 --trsvcid=4420 --keep-alive-tmo=5"
    );
    assert_eq!(told.len(), 1);
}

#[test]
fn the_quiesce_time_is_assumed() {
    let told = told(cqt_assumed, |subsystem| {
        let text = "kato_ms=5000 tbkas=1 cqt_ms=0 cqt_source=default wait_ms=25000";
        identify(subsystem, text);
    });
    assert_eq!(told[0].objects, ["nvme0", "nvme1"]);
    assert!(told[0].sentence.contains("and 10 s are assumed"));
}

#[test]
fn what_is_reported_is_overridden() {
    let set = |override_ms: u32| {
        move |subsystem: &mut SubsystemFacts| {
            subsystem.knobs.as_mut().unwrap().cqt_override_ms = override_ms;
            let text = "kato_ms=5000 tbkas=1 cqt_ms=700 cqt_source=override wait_ms=15500";
            identify(subsystem, text);
        }
    };
    let sentence = &told(override_below_report, set(500))[0].sentence;
    assert!(
        sentence.contains("of 0.700 s, and 0.500 s are waited"),
        "{sentence}"
    );
    assert!(told(override_below_report, set(700)).is_empty());
}

#[test]
fn the_controller_goes_first() {
    let set = |limit| {
        move |subsystem: &mut SubsystemFacts| {
            for path in &mut subsystem.paths {
                path.ctrl_loss_ms = limit;
                path.fast_io_fail_ms = limit;
            }
        }
    };
    for rule in [wait_over_ctrl_loss, fast_io_fail] {
        let told_of = told(rule, set(Some(19_999)));
        assert_eq!(told_of.len(), 1);
        assert!(told_of[0]
            .sentence
            .contains("3 x KATO 5 s + CQT 5 s = 20 s"));
        assert!(told_of[0]
            .command
            .starts_with("for c in nvme0 nvme1; do echo 20 >"));
        assert!(told(rule, set(Some(20_000))).is_empty());
        assert!(told(rule, set(None)).is_empty());
    }
}

#[test]
fn tasks_hang() {
    let set = |kato_ms: u32, wait_ms: u64| {
        move |subsystem: &mut SubsystemFacts| {
            let times = format!("kato_ms={kato_ms} tbkas=1 wait_ms={wait_ms}");
            identify(
                subsystem,
                &format!("{times} cqt_ms=65000 cqt_source=controller"),
            );
            subsystem.paths[1].io_timeout_ms = Some(30_000);
        }
    };
    let told_of = told(wait_over_hung_task, set(30_000, 155_000));
    let sentence = &told_of[0].sentence;
    assert!(
        sentence.contains("3 x KATO 30 s + CQT 65 s = 155 s"),
        "{sentence}"
    );
    assert!(
        sentence.contains("--keep-alive-tmo=18 or less"),
        "{sentence}"
    );
    assert_eq!(
        told_of[0].command,
        "sysctl kernel.hung_task_timeout_secs=185"
    );
    // The parts were changed while they were read.
    let sentence = &told(wait_over_hung_task, set(30_000, 160_000))[0].sentence;
    assert!(sentence.contains("held for up to 160 s, and"), "{sentence}");
    assert!(told(wait_over_hung_task, set(18_000, 120_000)).is_empty());
    let mut host = sample::host();
    host.hung_task_ms = None;
    let mut subsystem = sample::subsystem();
    set(30_000, 155_000)(&mut subsystem);
    assert!(wait_over_hung_task(&host, &subsystem).is_empty());
}

#[test]
fn nothing_waits_if_nothing_is_held() {
    for rule in [wait_over_ctrl_loss, fast_io_fail] {
        let told = told(rule, |subsystem| {
            subsystem.paths[0].ctrl_loss_ms = Some(0);
            subsystem.paths[0].fast_io_fail_ms = Some(0);
            subsystem.knobs.as_mut().unwrap().hold = Words::parse("all [none]");
        });
        assert!(told.is_empty());
    }
}

#[test]
fn a_single_command_is_missed_late() {
    let set = |has_io_timeout| {
        move |subsystem: &mut SubsystemFacts| {
            for path in &mut subsystem.paths {
                path.io_timeout_ms = Some(30_000);
                path.has_io_timeout = has_io_timeout;
            }
        }
    };
    let of_controllers = told(io_timeout_over_kato, set(true));
    assert_eq!(of_controllers.len(), 1);
    assert_eq!(
        of_controllers[0].command,
        "for c in nvme0 nvme1; do echo 5000 >/sys/class/nvme/$c/io_timeout; done"
    );
    let of_host = told(io_timeout_over_kato, set(false));
    assert_eq!(
        of_host[0].command,
        "echo 5 >/sys/module/nvme_core/parameters/io_timeout"
    );
    let unknown = told(io_timeout_over_kato, |subsystem| {
        subsystem.paths[0].io_timeout_ms = None;
        subsystem.paths[1].kato_ms = Some(0);
    });
    assert!(unknown.is_empty());
}
