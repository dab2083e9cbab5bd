// SPDX-License-Identifier: GPL-2.0

//! Keeps open what another process has open: a connection lasts until the last file of its socket
//! is closed, whoever has it.
//!
//! That is how to get at sockets of the kernel: those that it lends to user space, as nvme-tcp does
//! for the handshake of TLS.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, RawFd};
use std::process;

use anyhow::{Context, Result};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

/// Files of all sockets that other processes have connected to `peer`. It takes the right to trace
/// these processes.
pub fn sockets_to(peer: SocketAddr) -> Result<Vec<TcpStream>> {
    let own = process::id().to_string();
    let mut found = Vec::new();
    for name in names("/proc").context("cannot list the processes")? {
        if name != own {
            found.extend(sockets_of(&name, peer));
        }
    }
    Ok(found)
}

/// Processes and files come and go meanwhile: what is gone is none.
fn sockets_of(process: &str, peer: SocketAddr) -> Vec<TcpStream> {
    let Some(pid) = process.parse().ok().and_then(Pid::from_raw) else {
        return Vec::new();
    };
    let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else {
        return Vec::new();
    };
    names(&format!("/proc/{process}/fd"))
        .unwrap_or_default()
        .iter()
        .filter(|fd| is_socket(process, fd))
        .filter_map(|fd| copy(&pidfd, fd.parse().ok()?))
        .filter(|socket| socket.peer_addr().is_ok_and(|address| address == peer))
        .collect()
}

fn is_socket(process: &str, fd: &str) -> bool {
    fs::read_link(format!("/proc/{process}/fd/{fd}"))
        .is_ok_and(|file| file.to_string_lossy().starts_with("socket:"))
}

/// Not every socket is one of TCP: the others have no peer with an address.
fn copy(pidfd: impl AsFd, fd: RawFd) -> Option<TcpStream> {
    Some(
        pidfd_getfd(pidfd, fd, PidfdGetfdFlags::empty())
            .ok()?
            .into(),
    )
}

fn names(directory: &str) -> Result<Vec<String>> {
    let names = fs::read_dir(directory)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read};
    use std::net::TcpListener;
    use std::os::fd::OwnedFd;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_connection_outlives_the_process_that_had_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let socket = OwnedFd::from(TcpStream::connect(address).unwrap());
        let (mut other_end, _) = listener.accept().unwrap();
        let mut process = Command::new("sleep")
            .arg("600")
            .stdin(socket)
            .spawn()
            .unwrap();

        let kept = sockets_to(address).unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
        assert_eq!(kept.len(), 1);
        other_end.set_nonblocking(true).unwrap();
        let error = other_end.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);

        drop(kept);
        other_end.set_nonblocking(false).unwrap();
        assert_eq!(other_end.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn what_nobody_has_is_not_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let kept = sockets_to(listener.local_addr().unwrap()).unwrap();
        assert!(kept.is_empty());
    }
}
