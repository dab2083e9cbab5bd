// SPDX-License-Identifier: GPL-2.0

//! The binary as scripts use it: output, exit status, and the files it leaves.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use ghost::register::content;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Value;
use tempfile::TempDir;

const BLOCKS: u64 = 8;
const BLOCK_BYTES: usize = 4096;

fn ghost() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ghost"))
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// A regular file as the device, and a place for the report.
struct Lab {
    device: PathBuf,
    report: PathBuf,
    directory: TempDir,
}

impl Lab {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let device = directory.path().join("device");
        File::create(&device)
            .unwrap()
            .set_len(BLOCKS * BLOCK_BYTES as u64)
            .unwrap();
        Lab {
            device,
            report: directory.path().join("report.json"),
            directory,
        }
    }

    fn write(&self, subcommand: &str) -> Command {
        self.write_with(subcommand, &self.report)
    }

    fn write_with(&self, subcommand: &str, report: &Path) -> Command {
        let mut command = ghost();
        command.args(["write", subcommand, "--buffered"]);
        command.arg("--device").arg(&self.device);
        command.arg("--report").arg(report);
        if subcommand == "run" {
            command.arg("--force");
        }
        command
    }

    fn report(&self) -> Value {
        serde_json::from_slice(&fs::read(&self.report).unwrap()).unwrap()
    }

    /// Does to the device what a late write does.
    fn overwrite(&self, block: u64, bytes: &[u8]) {
        let device = File::options().write(true).open(&self.device).unwrap();
        device
            .write_all_at(bytes, block * BLOCK_BYTES as u64)
            .unwrap();
    }
}

/// The keys of a JSON object, in order.
fn keys(object: &Value) -> Vec<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn a_run_reports_and_can_be_verified() {
    let lab = Lab::new();
    let output = lab.write("run").arg("--readers").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines: Vec<_> = stdout(&output).lines().collect();
    assert_eq!(lines[0], "formatted");
    assert!(
        lines[1].starts_with("writes: count=32 errors=0 max_ns="),
        "{}",
        lines[1]
    );
    assert!(lines[2].starts_with("reads: count="), "{}", lines[2]);
    assert!(
        lines[3].starts_with("slowest write: block="),
        "{}",
        lines[3]
    );
    assert_eq!(lines[4..], ["consistent"]);

    let report = lab.report();
    assert_eq!(
        keys(&report),
        [
            "block_size",
            "blocks",
            "device",
            "findings",
            "offset",
            "reads",
            "run",
            "unread_blocks",
            "writes"
        ]
    );
    assert_eq!(
        keys(&report["reads"]),
        ["count", "errors", "max_ns", "p50_ns", "p99_ns"]
    );
    assert_eq!(
        keys(&report["writes"]),
        ["count", "errors", "max_ns", "p50_ns", "p99_ns", "slowest"]
    );
    assert_eq!(
        keys(&report["writes"]["slowest"]),
        ["ack_ns", "block", "generation", "submit_ns"]
    );
    assert_eq!(
        keys(&report["blocks"][0]),
        [
            "newest_acked",
            "newest_acked_ns",
            "newest_invoked",
            "newest_observed",
            "newest_observed_ns",
            "unknown"
        ]
    );
    assert_eq!(report["blocks"].as_array().unwrap().len() as u64, BLOCKS);
    assert_eq!(report["blocks"][7]["newest_acked"], 4);

    let output = lab.write("verify").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), "consistent\n");
}

#[test]
fn a_late_write_is_found_by_verify() {
    let lab = Lab::new();
    assert!(lab.write("run").status().unwrap().success());
    let run = lab.report()["run"].as_u64().unwrap();
    let mut old = vec![0; BLOCK_BYTES];
    content::encode(&mut old, run, 3, 1);
    lab.overwrite(3, &old);

    let output = lab.write("verify").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<_> = stderr(&output).lines().collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = lines[0];
    assert!(
        line.starts_with("block 3: read generation 1, but generation 4 was acknowledged at "),
        "{line}"
    );
    assert!(line.contains(": GHOST WRITE (read at "), "{line}");
}

#[test]
fn foreign_content_is_found_by_verify() {
    let lab = Lab::new();
    assert!(lab.write("run").status().unwrap().success());
    lab.overwrite(5, &[0xff; BLOCK_BYTES]);

    let output = lab.write("verify").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let line = stderr(&output);
    assert!(
        line.starts_with("block 5: no stamp at byte 0 of the block: FOREIGN CONTENT "),
        "{line}"
    );
}

#[test]
fn a_regular_file_is_not_overwritten_by_mistake() {
    let lab = Lab::new();
    fs::write(&lab.device, vec![b'x'; BLOCKS as usize * BLOCK_BYTES]).unwrap();
    let mut run = ghost();
    run.args(["write", "run", "--buffered", "--device"]);
    let output = run.arg(&lab.device).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = format!(
        "ghost: {} is a regular file; with --force it is overwritten\n",
        lab.device.display()
    );
    assert_eq!(stderr(&output), message);
    assert!(
        fs::read(&lab.device)
            .unwrap()
            .iter()
            .all(|&byte| byte == b'x')
    );
}

#[test]
fn a_report_replaces_a_report_and_nothing_else() {
    let lab = Lab::new();
    for _ in 0..2 {
        assert!(lab.write("run").status().unwrap().success());
        assert_eq!(lab.report()["blocks"][7]["newest_acked"], 4);
    }

    let fresh = Lab::new();
    let notes = fresh.directory.path().join("notes");
    let link = fresh.directory.path().join("link");
    fs::write(&notes, "notes").unwrap();
    symlink(&notes, &link).unwrap();
    for report in [&notes, &link, &fresh.device, fresh.directory.path()] {
        let output = fresh.write_with("run", report).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let start = format!("ghost: cannot write {}: it is ", report.display());
        assert!(stderr(&output).starts_with(&start), "{}", stderr(&output));
    }
    fs::rename(&notes, fresh.directory.path().join("report.json.tmp")).unwrap();
    let output = fresh.write("run").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let notes = fresh.directory.path().join("report.json.tmp");
    assert_eq!(fs::read_to_string(&notes).unwrap(), "notes");
}

#[test]
fn a_log_replaces_a_log_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("notes"), "notes").unwrap();
    let target = |option: &str, file: &str| {
        let mut target = ghost();
        target.args(["target", "--listen", "127.0.0.1:0", "--control"]);
        target.arg(path("control")).arg(option).arg(path(file));
        target
    };
    for option in ["--log", "--backing"] {
        let output = target(option, "notes").output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("notes: it "), "{output:?}");
        assert_eq!(fs::read_to_string(path("notes")).unwrap(), "notes");
    }
    fs::write(path("log"), "{\"ns\":1,\"event\":\"gone\"}\n").unwrap();
    let mut again = target("--log", "log")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(again.stdout.take().unwrap())
        .read_line(&mut ready)
        .unwrap();
    assert_eq!(ready, "ready\n");
    assert_eq!(fs::read_to_string(path("log")).unwrap(), "");
    // Nor does a second target empty the log of the first one.
    let line = "{\"ns\":1,\"event\":\"gone\"}\n";
    fs::write(path("log"), line).unwrap();
    let second = target("--log", "log").output().unwrap();
    stop(&mut again);
    assert_eq!(second.status.code(), Some(2));
    assert_eq!(fs::read_to_string(path("log")).unwrap(), line);
}

#[test]
fn the_start_can_be_awaited() {
    let lab = Lab::new();
    let fifo = lab.directory.path().join("start");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let mut child = lab
        .write("run")
        .arg("--start-fifo")
        .arg(&fifo)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "formatted");
    assert_eq!(first_generation(&lab.device), 0);

    // Opening waits for the reader, closing is the end of file that it waits for.
    drop(File::options().write(true).open(&fifo).unwrap());
    assert_eq!(lines.last().unwrap().unwrap(), "consistent");
    assert!(child.wait().unwrap().success());
    assert_eq!(first_generation(&lab.device), 4);
}

/// The generation in block 0, whatever the run is.
fn first_generation(device: &Path) -> u64 {
    let bytes = fs::read(device).unwrap();
    let run = u64::from_le_bytes(bytes[8..16].try_into().unwrap());
    content::decode(&bytes[..BLOCK_BYTES], run, 0).unwrap()
}

#[test]
fn errors_are_not_findings() {
    let lab = Lab::new();
    let missing = lab.directory.path().join("missing");
    let mut no_device = ghost();
    no_device.args(["write", "run", "--device"]).arg(&missing);
    let mut too_small = lab.write("run");
    too_small.args(["--offset", "512"]);
    let no_report = lab.write("verify");
    let mut usage = lab.write("run");
    usage.args(["--block-size", "1000"]);
    for mut command in [no_device, too_small, no_report, usage] {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{command:?}");
        assert!(!output.stderr.is_empty(), "{command:?}");
    }
}

#[test]
fn the_control_client_tells_success_from_failure() {
    let directory = tempfile::tempdir().unwrap();
    let control = directory.path().join("control");
    let mut proxy = ghost()
        .args([
            "proxy",
            "--listen",
            "127.0.0.1:0",
            "--target",
            "127.0.0.1:1",
            "--control",
        ])
        .arg(&control)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(proxy.stdout.take().unwrap())
        .read_line(&mut ready)
        .unwrap();
    let ctl = |words: &[&str]| {
        ghost()
            .arg("ctl")
            .arg("--control")
            .arg(&control)
            .args(words)
            .output()
    };
    let good = ctl(&["deliver", "--wait"]).unwrap();
    let bad = ctl(&["hold", "9"]).unwrap();
    stop(&mut proxy);
    let dead = ctl(&["list"]).unwrap();

    assert_eq!(ready, "ready\n");
    assert_eq!((good.status.code(), stdout(&good)), (Some(0), ""));
    assert_eq!(
        (bad.status.code(), stderr(&bad)),
        (Some(1), "ghost: no connection 9\n")
    );
    assert_eq!(dead.status.code(), Some(1));
    let error = format!(
        "ghost: cannot talk through the control socket {}: Connection refused (os error 111)\n",
        control.display()
    );
    assert_eq!(stderr(&dead), error);
}

/// `ghost` with these arguments, and a reader that goes after the first line.
fn read_one_line(arguments: &[&str]) -> (String, ExitStatus) {
    let mut child = ghost()
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::with_capacity(1, child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (line, child.wait().unwrap())
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    // More than a pipe has room for.
    let (line, status) = read_one_line(&["sweep", "plan", "--seed", "1", "--rounds", "10000"]);
    assert!(line.starts_with("path 1: "), "{line}");
    assert_eq!(status.code(), Some(0));
    // Another error stays one.
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = ghost()
        .args(["sweep", "plan", "--seed", "1"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).starts_with("ghost: cannot print: "));
}

#[test]
fn a_target_is_started_and_told_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("script"), "# nothing lasts\nkato : ignore\n").unwrap();
    let mut target = ghost()
        .args(["target", "--listen", "127.0.0.1:0", "--control"])
        .arg(path("control"))
        .arg("--script")
        .arg(path("script"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(target.stdout.take().unwrap())
        .read_line(&mut ready)
        .unwrap();
    let rules = ghost()
        .args(["ctl", "--control"])
        .arg(path("control"))
        .arg("rules")
        .output()
        .unwrap();
    stop(&mut target);
    assert_eq!(ready, "ready\n");
    assert_eq!(stdout(&rules), "1 hits=0 kato : ignore\n");
}

#[test]
fn a_target_that_cannot_be_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("script");
    fs::write(&script, "write : explode\n").unwrap();
    for (arguments, message) in [
        (
            vec!["--listen", "0.0.0.0:0"],
            "0.0.0.0:0 is no loopback address: that wants --any-address",
        ),
        (
            vec![
                "--listen",
                "127.0.0.1:0",
                "--script",
                script.to_str().unwrap(),
            ],
            "script: line 1: what is \"explode\"?",
        ),
        (
            vec![
                "--listen",
                "127.0.0.1:0",
                "--listen",
                "127.0.0.1:0",
                "--move-after-ms",
                "5",
            ],
            "--move-after-ms wants exactly one port that is optimized",
        ),
        (
            vec!["--listen", "127.0.0.1:0", "--mdts-kib", "5"],
            "not 0 or a power of two",
        ),
    ] {
        let output = ghost()
            .arg("target")
            .args(arguments)
            .arg("--control")
            .arg(directory.path().join("control"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
}

/// Ends a process that does not end by itself.
fn stop(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}
