// SPDX-License-Identifier: GPL-2.0

//! A TCP proxy in front of one path of an NVMe/TCP target that makes the controller execute late.
//!
//! Ordinarily it copies both ways. On *hold* it keeps what the host sends, and does not tell the
//! target when the host closes; on *deliver* it passes all of it on to the target connection, which
//! is still open. To the host the path died; to the target the host was slow. That is all a ghost
//! write needs.
//!
//! - `flow`: one direction of a connection: bytes in order behind a gate (pure, no I/O)
//! - `connection`: two flows and what the operator did to them, shared between threads
//! - `pump`: the four threads that move a connection's bytes
//! - `registry`: all connections, and what happens to new ones
//! - `command`: what the operator can say through the control socket

mod command;
mod connection;
mod flow;
mod pump;
mod registry;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;

use anyhow::{Context, Result};

use registry::Registry;

use crate::control;

/// Where a proxy stands.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// Where it accepts the host's connections.
    pub listen: SocketAddr,
    /// Where it passes them on to.
    pub target: SocketAddr,
    /// Its control socket.
    pub control: PathBuf,
}

/// A proxy that listens.
#[derive(Debug)]
pub struct Proxy {
    hosts: TcpListener,
    operators: UnixListener,
    target: SocketAddr,
}

impl Proxy {
    /// Starts to listen; nothing is accepted before [`serve`](Self::serve).
    pub fn bind(endpoints: &Endpoints) -> Result<Self> {
        let Endpoints {
            listen,
            target,
            control,
        } = endpoints;
        let hosts =
            TcpListener::bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
        let operators = control::bind(control)?;
        Ok(Proxy {
            hosts,
            operators,
            target: *target,
        })
    }

    /// The address on which hosts are accepted.
    pub fn listen_address(&self) -> Result<SocketAddr> {
        Ok(self.hosts.local_addr()?)
    }

    /// Serves hosts and operators until accepting either of them fails.
    pub fn serve(self) -> Result<()> {
        let Proxy {
            hosts,
            operators,
            target,
        } = self;
        let registry = Arc::new(Registry::default());
        let (failed, failure) = mpsc::channel();

        let (host_registry, host_failed) = (Arc::clone(&registry), failed.clone());
        thread::spawn(move || {
            let error = accept_hosts(&hosts, target, &host_registry);
            host_failed.send(error.context("cannot accept a host"))
        });
        thread::spawn(move || {
            let execute = move |line: &str| registry.execute(line.parse()?);
            let error = control::accept_operators(&operators, execute);
            failed.send(error.context("cannot accept an operator"))
        });
        failure.recv().expect("the threads end by reporting why")
    }
}

fn accept_hosts(hosts: &TcpListener, target: SocketAddr, registry: &Registry) -> io::Result<()> {
    loop {
        let (host, _) = hosts.accept()?;
        // Dropping the stream closes it: that is what refusing means.
        if let Some(connection) = registry.admit() {
            thread::spawn(move || pump::run(&connection, host, || TcpStream::connect(target)));
        }
    }
}
