// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence monitor` and `history` on a made-up host whose files change.

#[allow(dead_code)] // Each test binary uses its own part of it.
mod fixture;

use fixture::prometheus::{checked, promtool, value};
use fixture::schema;
use fixture::Host;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, ChildStdout, Command, Stdio};

/// The files of the path that is lost.
const STATE: &str = "sys/class/nvme/nvme1/state";
const COUNTERS: &str = "sys/class/nvme/nvme1/fence/counters";
const HELD: &str = "sys/class/nvme/nvme1/fence/held";
const TRACKED: &str = "sys/class/nvme/nvme1/fence/tracked";

/// A monitor. It is ended with this value.
struct Monitor {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Monitor {
    /// One that records in `record` of the host. Returns when nothing is missed any more.
    fn start(host: &Host, options: &[&str]) -> Self {
        let mut monitor = Self::spawn(host, options);
        assert_eq!(monitor.line(), "monitor-started");
        monitor
    }

    /// The same at once.
    fn spawn(host: &Host, options: &[&str]) -> Self {
        std::fs::create_dir_all(host.path("record")).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_nvme-fence"))
            .args(["monitor", "--directory"])
            .arg(host.path("record"))
            .arg("--textfile")
            .arg(host.path("nvme.prom"))
            .args(options)
            .env("NVME_FENCE_SYSFS", host.sysfs())
            .env("NVME_FENCE_PROC", host.proc())
            .env("NOTIFY_SOCKET", host.path("notify"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Self { process, lines }
    }

    /// Its next line.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Has it end in good order, and expects it to say nothing else.
    fn end(mut self) {
        let id = nix::unistd::Pid::from_raw(self.process.id().try_into().unwrap());
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).unwrap();
        assert_eq!(self.line(), "monitor-stopped");
        assert_eq!(self.line(), "");
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What systemd is told.
struct Systemd(UnixDatagram);

impl Systemd {
    /// The one of a host.
    fn of(host: &Host) -> Self {
        Self(UnixDatagram::bind(host.path("notify")).unwrap())
    }

    /// What it is told next.
    fn told(&self) -> String {
        let mut buffer = [0; 100];
        let length = self.0.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length])
            .trim_end()
            .to_owned()
    }
}

/// The events of the record, which are as the schema says.
fn history(host: &Host, options: &[&str]) -> Vec<Value> {
    let record = host.path("record");
    let mut arguments = vec![
        "history",
        "-o",
        "json",
        "--directory",
        record.to_str().unwrap(),
    ];
    arguments.extend_from_slice(options);
    let output = host.run(&arguments);
    assert!(output.status.success(), "{output:?}");
    let value = schema::checked("history-1", &output);
    assert_eq!(value["errors"], serde_json::json!([]), "{value}");
    value["events"].as_array().unwrap().clone()
}

/// The words of some events.
fn words(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect()
}

/// The metrics that the monitor has written.
fn metrics(host: &Host) -> String {
    std::fs::read_to_string(host.path("nvme.prom")).unwrap()
}

#[test]
fn a_loss_is_said_recorded_and_counted() {
    let host = Host::fencing();
    let systemd = Systemd::of(&host);
    let mut monitor = Monitor::start(&host, &[]);
    assert_eq!(systemd.told(), "READY=1");
    // Prometheus sees the first loss as an increase only if it has seen the 0.
    let lost = "nvme_fence_lost_total{cause=connection,subsystem=nvme-subsys0}";
    assert_eq!(value(&metrics(&host), lost), Some(0.0));
    host.file(STATE, "connecting");
    assert_eq!(monitor.line(), "nvme-subsys0 nvme1 lost: connecting");
    host.file(TRACKED, "3");
    assert!(monitor
        .line()
        .starts_with("nvme-subsys0 nvme1 tracked, 3 commands"));
    host.file(HELD, "2");
    assert!(monitor
        .line()
        .starts_with("nvme-subsys0 nvme1 held, 2 commands"));
    host.file(
        COUNTERS,
        "held 2\nwaited 1\ntracked 3\nreleased 2\nreleased_bytes 8192\nccr 1",
    );
    host.file(TRACKED, "0");
    host.file(HELD, "0");
    assert!(monitor
        .line()
        .starts_with("nvme-subsys0 nvme1 fenced: ccr, 2 commands, 8.0 KiB"));
    host.file(STATE, "live");
    assert!(monitor
        .line()
        .starts_with("nvme-subsys0 nvme1 back, after "));
    monitor.end();

    let events = history(&host, &[]);
    let all = [
        "monitor-started",
        "lost",
        "tracked",
        "held",
        "fenced",
        "back",
        "monitor-stopped",
    ];
    assert_eq!(words(&events), all);
    assert_eq!(events[1]["nqn"], "nqn.2026-01.org.example:array");
    assert_eq!(events[4]["evidence"], "ccr");
    assert!(history(&host, &["--since", "2999-01-01"]).is_empty());
    assert_eq!(history(&host, &["--since", "1h"]).len(), events.len());
    let text = metrics(&host);
    checked(&text);
    promtool(&["check", "metrics"], &text);
    for (sample, expected) in [
        (
            "nvme_fence_lost_total{cause=connection,subsystem=nvme-subsys0}",
            1.0,
        ),
        (
            "nvme_fence_lost_total{cause=removed,subsystem=nvme-subsys0}",
            0.0,
        ),
        (
            "nvme_fence_fenced_total{evidence=ccr,subsystem=nvme-subsys0}",
            1.0,
        ),
        ("nvme_fence_holds_total{subsystem=nvme-subsys0}", 2.0),
        ("nvme_fence_tracks_total{subsystem=nvme-subsys0}", 3.0),
        ("nvme_fence_waits_total{subsystem=nvme-subsys0}", 1.0),
        (
            "nvme_fence_released_commands_total{subsystem=nvme-subsys0}",
            2.0,
        ),
    ] {
        assert_eq!(value(&text, sample), Some(expected), "{sample}: {text}");
    }
}

#[test]
fn the_totals_outlive_module_controllers_and_monitor() {
    let host = Host::fencing();
    let lost = "nvme_fence_lost_total{cause=removed,subsystem=nvme-subsys0}";
    let fenced = "nvme_fence_fenced_total{evidence=time,subsystem=nvme-subsys0}";
    let mut monitor = Monitor::start(&host, &[]);
    host.file(COUNTERS, "held 1\nreleased 1\ntime 1");
    assert!(monitor.line().contains("fenced: time"));
    for gone in [
        "class/nvme/nvme0/fence",
        "class/nvme/nvme1/fence",
        "module/nvme_fence",
    ] {
        std::fs::remove_dir_all(host.sysfs().join(gone)).unwrap();
    }
    assert_eq!(monitor.line(), "module-unloaded");
    host.file("sys/module/nvme_fence/parameters/hold", "all");
    assert_eq!(monitor.line(), "module-loaded");
    std::fs::remove_dir_all(host.sysfs().join("devices/virtual/nvme-fabrics/ctl/nvme1")).unwrap();
    assert_eq!(monitor.line(), "nvme-subsys0 nvme1 removed: was live");
    monitor.end();
    assert_eq!(value(&metrics(&host), lost), Some(1.0));
    let monitor = Monitor::start(&host, &[]);
    let text = metrics(&host);
    assert_eq!(
        [value(&text, lost), value(&text, fenced)],
        [Some(1.0); 2],
        "{text}"
    );
    monitor.end();
}

#[test]
fn what_a_controller_has_counted_before_it_went_is_counted() {
    const TOTALS: &str = "sys/class/nvme-subsystem/nvme-subsys0/fence/totals";
    let host = Host::fencing();
    host.file(TOTALS, "held 6\nreleased 2\ntime 1");
    let mut monitor = Monitor::start(&host, &[]);
    host.file(TOTALS, "held 9\nreleased 5\ntime 2");
    std::fs::remove_dir_all(host.sysfs().join("devices/virtual/nvme-fabrics/ctl/nvme1")).unwrap();
    assert_eq!(monitor.line(), "nvme-subsys0 nvme1 removed: was live");
    monitor.end();
    let text = metrics(&host);
    for (sample, expected) in [
        ("holds_total{", 3.0),
        ("released_commands_total{", 3.0),
        ("fenced_total{evidence=time,", 1.0),
    ] {
        let sample = format!("nvme_fence_{sample}subsystem=nvme-subsys0}}");
        assert_eq!(value(&text, &sample), Some(expected), "{sample}: {text}");
    }
}

#[test]
fn on_a_stock_kernel_the_paths_alone_are_followed() {
    let host = Host::stock();
    let mut monitor = Monitor::start(&host, &[]);
    host.file(STATE, "connecting");
    assert_eq!(monitor.line(), "nvme-subsys0 nvme1 lost: connecting");
    host.controller(0, 4, "tcp", "traddr=10.0.2.1,trsvcid=4420", "live");
    assert_eq!(monitor.line(), "nvme-subsys0 nvme4 added: live");
    monitor.end();
}

#[test]
fn the_record_is_bounded() {
    let host = Host::stock();
    for _ in 0..10 {
        Monitor::start(&host, &["--keep", "3", "--size", "600"]).end();
    }
    let events = history(&host, &[]);
    assert!((4..20).contains(&events.len()), "{}", events.len());
    assert_eq!(words(&events).last(), Some(&"monitor-stopped"));
    let another = Monitor::start(&host, &[]);
    let record = host.path("record");
    let output = host.run(&["monitor", "--directory", record.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("another monitor"));
    another.end();
}

#[test]
fn systemd_is_told() {
    let host = Host::stock();
    let systemd = Systemd::of(&host);
    let mut monitor = Monitor::spawn(&host, &[]);
    assert_eq!(systemd.told(), "READY=1");
    assert_eq!(monitor.line(), "monitor-started");
    monitor.end();
    assert_eq!(systemd.told(), "STOPPING=1");
}
