// SPDX-License-Identifier: GPL-2.0
//! `status --watch` shows what changes, to a terminal and to a pipe, and ends when it is told to.

#[allow(dead_code)] // Each test binary uses its own part of it.
mod fixture;

use fixture::Host;
use nix::pty::openpty;
use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

/// The state of a path.
const STATE: &str = "sys/class/nvme/nvme1/state";

/// The command for the array.
fn command(host: &Host, arguments: &[&str]) -> Command {
    let mut command = host.command(&[&["status", "nvme-subsys0"], arguments].concat());
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Ends it as Ctrl-C does. Returns its exit status and what it said on stderr.
fn interrupt(mut child: Child) -> (Option<i32>, String) {
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let mut said = String::new();
    let stderr = child.stderr.as_mut().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), said)
}

/// The next block: its time, and the line of nvme1.
fn block(lines: &mut impl Iterator<Item = String>) -> (String, String) {
    let time = lines.next().unwrap();
    let lines: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    assert_eq!(lines[0], "nvme-subsys0 - NQN=nqn.2026-01.org.example:array");
    let path = lines.iter().find(|line| line.starts_with("  nvme1 "));
    (time, path.unwrap().clone())
}

#[test]
fn a_pipe_gets_blocks_until_ctrl_c() {
    let host = Host::fencing();
    let mut child = command(&host, &["--watch"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut lines = stdout.lines().map(Result::unwrap);
    let (time, path) = block(&mut lines);
    assert!(time.ends_with('Z') && time.contains('T'), "{time}");
    assert!(path.starts_with("  nvme1  live        "), "{path}");
    host.file(STATE, "connecting");
    // What was read before may still be on its way.
    let (_, later) = [block(&mut lines), block(&mut lines)][1].clone();
    assert!(later.starts_with("  nvme1  connecting  "), "{later}");
    assert_eq!(interrupt(child), (Some(0), String::new()));
    assert!(!lines.any(|line| line.contains('\x1b')));
}

#[test]
fn it_ends_with_what_was_seen_last() {
    let host = Host::fencing();
    host.file("sys/class/nvme/nvme1/fence/held", "much");
    let mut child = command(&host, &["--watch", "600"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    let said = "nvme-fence: 1 thing could not be read, see above\n".to_owned();
    assert_eq!(interrupt(child), (Some(1), said));
}

#[test]
fn programs_get_lines() {
    let host = Host::fencing();
    let mut child = command(&host, &["--watch", "1", "-o", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.take(2) {
        let status: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert_eq!(status["schema"], "nvme-fence/status/1");
    }
    assert_eq!(interrupt(child).0, Some(0));
}

#[test]
fn it_ends_when_nobody_reads_it() {
    let host = Host::fencing();
    let mut child = command(&host, &["--watch", "600"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    // When all of it is read, it waits.
    block(&mut stdout.lines().map(Result::unwrap));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}

#[test]
fn a_terminal_is_refreshed_in_place_and_given_back() {
    let host = Host::fencing();
    let pty = openpty(None, None).unwrap();
    let child = command(&host, &["--watch"])
        .stdout(Stdio::from(pty.slave))
        .spawn()
        .unwrap();
    let mut terminal = File::from(pty.master);
    let mut seen = String::new();
    let mut read_until = |terminal: &mut File, what: &str| {
        let mut buffer = [0; 4096];
        while !seen.contains(what) {
            let length = terminal.read(&mut buffer).unwrap();
            seen += &String::from_utf8_lossy(&buffer[..length]);
        }
        std::mem::take(&mut seen)
    };
    let first = read_until(&mut terminal, "\x1b[J");
    assert!(first.starts_with("\x1b[?1049h\x1b[H"), "{first:?}");
    assert!(first.contains("\r\n  nvme1  live        -"), "{first:?}");
    host.file(STATE, "connecting");
    let second = read_until(&mut terminal, "\r\n  nvme1  connecting  -");
    assert!(second.starts_with("\x1b[H"), "{second:?}");
    assert_eq!(interrupt(child), (Some(0), String::new()));
    // What was there before is there again, and what was seen last below it.
    let last = read_until(&mut terminal, "  nvme1  connecting  -    idle     0     -");
    let (_, last) = last.split_once("\x1b[?1049l").unwrap();
    assert!(!last.contains('\x1b'), "{last:?}");
}
