// SPDX-License-Identifier: GPL-2.0

//! A scripted NVMe/TCP target: a correct one as long as the script is empty, and whatever else the
//! script says.
//!
//! It exists for what a good target cannot be made to do: to hold a write at any step of its way, to
//! lose an event, to lie in a log page, to answer Cross-Controller Reset with any status.
//!
//! - [`config`]: what it is ordered to be
//! - [`script`]: what goes wrong, and when
//! - `core`: the whole state, and the ways into it
//! - `command`, `held`: the way of a command, from capsule to completion, and its stops
//! - `execute`, `fabrics`, `admin`, `abort`, `identify`, `log_page`, `events`, `io`, `ccr`,
//!   `lost_host`, `reservation`: what commands do
//! - `arbiter`: which port is the optimized one
//! - `connection`, `controller`, `life`: what there is, and how it ends
//! - `timers`, `store`, `journal`: what is to happen, what is kept, what has happened
//! - `control`: what an operator can say
//! - `server`, `session`: lock, clock and threads
//!
//! All namespaces are on all ports. Each Connect to the admin queue makes a controller.

mod abort;
mod admin;
mod arbiter;
mod ccr;
mod command;
pub mod config;
mod connection;
mod control;
mod controller;
mod core;
mod events;
mod execute;
mod fabrics;
mod held;
mod identify;
mod io;
mod journal;
mod life;
mod log_page;
mod lost_host;
mod reservation;
pub mod script;
mod server;
mod session;
mod store;
mod timers;

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;

use anyhow::{Context, Result};

use self::config::Config;
use self::core::{Core, Port};
use self::journal::Journal;
pub use self::journal::LOG_BEGINNING;
use self::script::Rules;
use self::server::Server;
use self::store::Store;
use crate::control as socket;

/// A target that listens.
pub struct Target {
    ports: Vec<TcpListener>,
    operators: UnixListener,
    core: Core,
}

impl Target {
    /// Starts to listen; nothing is accepted before [`serve`](Self::serve).
    pub fn bind(config: Config, control: &Path, rules: Rules) -> Result<Self> {
        let mut listeners = Vec::new();
        let mut ports = Vec::new();
        for &(address, ana) in &config.ports {
            let listener = TcpListener::bind(address)
                .with_context(|| format!("cannot listen on {address}"))?;
            ports.push(Port::new(listener.local_addr()?, ana, config.namespaces));
            listeners.push(listener);
        }
        let operators = socket::bind(control)?;
        let store = Store::new(config.backing.as_deref(), config.total_bytes())?;
        Ok(Target {
            ports: listeners,
            operators,
            core: Core::new(config, ports, store, rules, Journal::new(None)),
        })
    }

    /// The same target, which logs what happens.
    #[must_use]
    pub fn log_to(mut self, log: Box<dyn Write + Send>) -> Self {
        self.core.journal = Journal::new(Some(log));
        self
    }

    /// The addresses on which hosts are accepted, by port.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.core.ports.iter().map(|port| port.address).collect()
    }

    /// Serves hosts and operators until accepting either of them fails.
    pub fn serve(self) -> Result<()> {
        let Target {
            ports,
            operators,
            core,
        } = self;
        let server = Server::start(core);
        let (failed, failure) = mpsc::channel();
        for (listener, number) in ports.into_iter().zip(1..) {
            let (server, failed) = (Arc::clone(&server), failed.clone());
            thread::spawn(move || {
                let error = accept_hosts(&server, number, &listener);
                failed.send(error.context("cannot accept a host"))
            });
        }
        thread::spawn(move || {
            let error = socket::accept_operators(&operators, move |line| server.control(line));
            failed.send(error.context("cannot accept an operator"))
        });
        failure.recv().expect("the threads end by reporting why")
    }
}

fn accept_hosts(server: &Arc<Server>, port: u16, listener: &TcpListener) -> std::io::Result<()> {
    loop {
        let (socket, _) = listener.accept()?;
        let server = Arc::clone(server);
        thread::spawn(move || session::run(&server, port, socket));
    }
}
