// SPDX-License-Identifier: GPL-2.0

//! A target to test, in threads of the test.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::thread;

use ghost::control;
use ghost::target::Target;
use ghost::target::config::{AnaState, CcrAnswer, Config};
use ghost::target::script::Rules;
use serde_json::Value;
use tempfile::TempDir;

use crate::initiator::{Association, BLOCK_BYTES, Host, NQN};

/// A target with two ports.
pub struct Lab {
    pub ports: Vec<SocketAddr>,
    control: PathBuf,
    log: PathBuf,
    /// Holds control socket and log.
    _directory: TempDir,
}

impl Lab {
    pub fn new() -> Self {
        Lab::with(|_| {})
    }

    /// A target that is ordered otherwise.
    pub fn with(order: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (control, log) = (
            directory.path().join("control"),
            directory.path().join("log"),
        );
        let mut config = config();
        order(&mut config);
        let sink = Box::new(fs::File::create(&log).unwrap());
        let target = Target::bind(config, &control, Rules::default())
            .unwrap()
            .log_to(sink);
        let ports = target.addresses();
        thread::spawn(move || target.serve());
        Lab {
            ports,
            control,
            log,
            _directory: directory,
        }
    }

    /// An association through port 1 or 2.
    pub fn connect(&self, port: usize) -> Association {
        Association::open(self.ports[port - 1], Host::default())
    }

    pub fn ctl(&self, command: &str) -> String {
        control::request(&self.control, command).unwrap()
    }

    pub fn refused(&self, command: &str) -> String {
        control::request(&self.control, command)
            .unwrap_err()
            .to_string()
    }

    pub fn log(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.log).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// When the first line about this was written.
    pub fn when(&self, event: &str) -> u64 {
        let log = self.log();
        let line = log.iter().find(|line| line["event"] == event);
        line.unwrap()["ns"].as_u64().unwrap()
    }

    /// The lines about writes: what has happened, and to which controller.
    pub fn writes(&self) -> Vec<(String, u64)> {
        self.log()
            .iter()
            .filter(|line| line["opcode"] == "write")
            .map(|line| {
                let event = line["event"].as_str().unwrap().to_owned();
                (event, line["cntlid"].as_u64().unwrap())
            })
            .collect()
    }
}

fn config() -> Config {
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Config {
        ports: vec![
            (any_port, AnaState::Optimized),
            (any_port, AnaState::Optimized),
        ],
        nqn: NQN.to_owned(),
        namespaces: 1,
        namespace_bytes: 1 << 20,
        block_bytes: BLOCK_BYTES as u32,
        backing: None,
        write_cache: false,
        seed: 1,
        ciu_first: 1,
        cqt_ms: 0,
        quiesce_ms: 3_600_000,
        ccrl: 2,
        ccr_answer: CcrAnswer::Event,
        reset_ms: 0,
        ccr_log_entries: 511,
        ccr_event: true,
        lost_log: false,
        move_after_ms: None,
        keep_alive_by_traffic: true,
        keep_alive_granularity_100ms: 1,
        cmic: 11,
        mdts: Some(8),
        in_capsule_bytes: 4096,
        h2c_data_bytes: 8192,
        io_queues: 4,
        queue_entries: 64,
    }
}
