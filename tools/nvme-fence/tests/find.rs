// SPDX-License-Identifier: GPL-2.0
//! A volume is found by each of its names and by no part of one, and its state is that of its paths.

#[allow(dead_code)] // Each test binary uses its own part of it.
mod fixture;

use fixture::schema::checked;
use fixture::volumes::{Kernel, EUI64, NGUID, NQN, SERIAL, SUBSYSTEM, UUID};
use fixture::Host;
use serde_json::Value;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What is found, and the exit status.
fn find(host: &Host, arguments: &[&str]) -> (Vec<Value>, Option<i32>, String) {
    let arguments = [&["find", "-o", "json"], arguments].concat();
    let output = host.run(&arguments);
    let found = checked("find-1", &output);
    let stderr = String::from_utf8(output.stderr).unwrap();
    let volumes = found["volumes"].as_array().unwrap().clone();
    (volumes, output.status.code(), stderr)
}

/// The names of the namespaces that are found.
fn names(host: &Host, wanted: &str) -> Vec<String> {
    let (volumes, ..) = find(host, &[wanted]);
    let name = |volume: &Value| volume["namespace"].as_str().unwrap_or("-").to_owned();
    volumes.iter().map(name).collect()
}

/// `nvme-fence find --device`: standard output, standard error, exit status.
fn device(host: &Host, arguments: &[&str]) -> (String, String, Option<i32>) {
    let output = host.run(&[&["find", "--device"], arguments].concat());
    (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
        output.status.code(),
    )
}

#[test]
fn every_name_leads_there() {
    for kernel in Kernel::ALL {
        let host = Host::array(kernel);
        let digits = |text: &str| text.replace(['-', ' '], "");
        let by_id = |name: &str| host.path("dev/disk/by-id").join(name).display().to_string();
        let one = ["nvme0n1"].as_slice();
        let two = ["nvme0n2"].as_slice();
        let both = ["nvme0n1", "nvme0n2"].as_slice();
        for (wanted, expected) in [
            (NQN.to_owned(), both),
            (SERIAL.to_owned(), both),
            ("nvme-subsys0".to_owned(), both),
            ("nvme1".to_owned(), both),
            (UUID.to_owned(), one),
            (UUID.to_uppercase(), one),
            (digits(UUID), one),
            (format!("uuid.{UUID}"), one),
            (NGUID.to_owned(), two),
            (digits(NGUID), two),
            (format!("eui.{}", digits(NGUID)), two),
            (digits(EUI64), two),
            (format!("eui.{}", digits(EUI64)), two),
            ("nvme0n1".to_owned(), one),
            ("nvme0n1p1".to_owned(), one),
            ("nvme0c1n2".to_owned(), two),
            (host.path("dev/nvme0n2").display().to_string(), two),
            (host.path("dev/nvme0n1p1").display().to_string(), one),
            (by_id(&format!("nvme-uuid.{UUID}")), one),
            (by_id(&format!("nvme-uuid.{UUID}-part1")), one),
            // Parts of names, names of nothing, and what only looks like a name.
            (NQN[..NQN.len() - 1].to_owned(), &[]),
            (SERIAL[1..].to_owned(), &[]),
            (UUID[1..].to_owned(), &[]),
            (format!("uuid.{NGUID}"), &[]),
            ("nvme0n12".to_owned(), &[]),
            ("nvme0".to_owned() + "c1n3", &[]),
            (by_id("nvme-uuid.1"), &[]),
            ("Example".to_owned(), &[]),
            ("1".to_owned(), &[]),
            ("/dev/null".to_owned(), &[]),
        ] {
            assert_eq!(names(&host, &wanted), expected, "{kernel:?}: {wanted}");
        }
    }
}

#[test]
fn a_volume_is_shown_whole() {
    for kernel in Kernel::ALL {
        let host = Host::array(kernel);
        let (volumes, code, _) = find(&host, &[UUID]);
        assert_eq!(code, Some(0));
        let volume = &volumes[0];
        let dev = host.path("dev");
        assert_eq!(volume["device"], dev.join("nvme0n1").to_str().unwrap());
        let link = dev.join("disk/by-id").join(format!("nvme-uuid.{UUID}"));
        assert_eq!(volume["by_id"], link.to_str().unwrap());
        assert_eq!(volume["serial"], SERIAL);
        assert_eq!(volume["iopolicy"], "numa");
        assert_eq!(volume["nsid"], 1);
        assert_eq!(volume["size_bytes"], 1 << 30);
        assert_eq!(volume["paths_usable"], 2);
        assert_eq!(volume["paths_optimized"], 1);
        assert_eq!(volume["paths"][1]["name"], "nvme0c1n1");
        assert_eq!(volume["paths"][1]["ana_state"], "non-optimized");
    }
}

#[test]
fn the_state_is_that_of_the_paths() {
    for kernel in Kernel::ALL {
        let host = Host::array(kernel);
        let state = |expected: &str, exit: i32| {
            let (volumes, code, stderr) = find(&host, &["nvme0n1"]);
            assert_eq!(volumes[0]["state"], expected);
            assert_eq!(code, Some(exit), "{stderr}");
        };
        state("usable", 0);
        host.state(0, "connecting");
        state("usable", 0);
        host.ana(1, 1, "inaccessible");
        state("no-path", 1);
        host.ana(1, 1, "change");
        state("no-path", 1);
        host.ana(1, 1, "optimized");
        host.state(1, "resetting");
        state("no-path", 1);
        host.state(1, "live");
        state("usable", 0);
        host.disconnect(0);
        state("usable", 0);
        // Somebody has it open, or it is kept for a while.
        host.disconnect(1);
        state("orphaned", 1);
        fs::remove_dir_all(host.path(&format!("{SUBSYSTEM}/nvme0n1"))).unwrap();
        fs::remove_dir_all(host.path(&format!("{SUBSYSTEM}/nvme0n2"))).unwrap();
        let (volumes, code, _) = find(&host, &[NQN]);
        assert_eq!(code, Some(1));
        assert_eq!(volumes[0]["namespace"], Value::Null);
        assert_eq!(volumes[0]["state"], "orphaned");
    }
}

#[test]
fn scripts_get_one_device_or_an_error() {
    let host = Host::array(Kernel::V7_3);
    let node = host.path("dev/nvme0n2").display().to_string();
    assert_eq!(
        device(&host, &[NGUID]),
        (format!("{node}\n"), String::new(), Some(0))
    );
    for (wanted, message) in [
        (NQN, "is the name of several: say which of nvme0n1, nvme0n2"),
        ("nvme9n1", "there is no namespace nvme9n1 on this host"),
    ] {
        let (stdout, stderr, code) = device(&host, &[wanted]);
        assert_eq!((stdout.as_str(), code), ("", Some(1)), "{stderr}");
        assert!(stderr.contains(message), "{stderr}");
    }
    // One of two that cannot be used does not make the name mean the other one.
    host.ana(0, 1, "inaccessible");
    host.ana(1, 1, "inaccessible");
    assert_eq!(device(&host, &[NQN]).2, Some(1));
    let (_, stderr, code) = device(&host, &["nvme0n1"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("nvme0n1 has no usable path"), "{stderr}");
    fs::remove_file(host.path("dev/nvme0n2")).unwrap();
    let (_, stderr, code) = device(&host, &[NGUID]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("nvme0n2 has no device node"), "{stderr}");
}

#[test]
fn without_multipath_each_path_is_a_device() {
    let host = Host::array(Kernel::WithoutMultipath);
    assert_eq!(names(&host, UUID), ["nvme0n1", "nvme1n1"]);
    assert_eq!(names(&host, "nvme1n2"), ["nvme1n2"]);
    let (_, stderr, code) = device(&host, &[UUID]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("say which of nvme0n1, nvme1n1"), "{stderr}");
    host.state(1, "connecting");
    let (volumes, ..) = find(&host, &[UUID]);
    assert_eq!(volumes[0]["state"], "usable");
    assert_eq!(volumes[1]["state"], "no-path");
}

#[test]
fn waiting_ends_when_it_is_usable() {
    let host = Host::array(Kernel::V7_3);
    host.state(0, "connecting");
    host.state(1, "connecting");
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(500));
            host.state(1, "live");
        });
        let (stdout, stderr, code) = device(&host, &["--wait", "60", UUID]);
        assert_eq!(code, Some(0), "{stderr}");
        assert!(stdout.ends_with("/dev/nvme0n1\n"), "{stdout}");
    });
    assert!(start.elapsed() >= Duration::from_millis(500));
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn waiting_ends_in_time() {
    let host = Host::empty();
    let start = Instant::now();
    let (_, stderr, code) = device(&host, &["--wait", "1", "/dev/disk/by-id/nvme-uuid.1"]);
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("there is no namespace /dev/disk/by-id/nvme-uuid.1"),
        "{stderr}"
    );
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
fn what_cannot_be_read_is_said() {
    let host = Host::array(Kernel::V5_15);
    host.file(&format!("{SUBSYSTEM}/nvme0n1/size"), "much");
    let output = host.run(&["find", "-o", "json", "nvme0n1"]);
    let found = checked("find-1", &output);
    assert_eq!(found["volumes"][0]["size_bytes"], Value::Null);
    assert_eq!(found["errors"].as_array().unwrap().len(), 1);
}

/// Another subsystem and its volume are connected and disconnected all the time. Each of their files
/// goes on its own, as in sysfs.
#[test]
fn what_comes_and_goes_is_in_nobodys_way() {
    let host = Host::array(Kernel::V5_15);
    let other = host.path("sys/class/nvme-subsystem/nvme-subsys9");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                fs::create_dir_all(other.join("nvme9n1")).unwrap();
                fs::write(other.join("subsysnqn"), "nqn.2026-01.org.example:other").unwrap();
                fs::write(other.join("nvme9n1/wwid"), "uuid.other").unwrap();
                fs::remove_file(other.join("nvme9n1/wwid")).unwrap();
                fs::remove_dir(other.join("nvme9n1")).unwrap();
                fs::remove_file(other.join("subsysnqn")).unwrap();
                fs::remove_dir(&other).unwrap();
            }
        });
        for round in 0..40 {
            for arguments in [
                &["find", UUID][..],
                &["find", "-o", "json", NQN],
                &["can-disconnect", NQN],
            ] {
                let output = host.run(arguments);
                if !output.status.success() || !output.stderr.is_empty() {
                    stop.store(true, Ordering::Relaxed);
                    panic!("round {round}, {arguments:?}: {output:?}");
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}
