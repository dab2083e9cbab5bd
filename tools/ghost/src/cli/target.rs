// SPDX-License-Identifier: GPL-2.0

//! The options of `ghost target`.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum, value_parser};

use ghost::output;
use ghost::target::config::{AnaState, CcrAnswer, Config};
use ghost::target::script::Rules;
use ghost::target::{LOG_BEGINNING, Target};

/// How long lost commands live on if CQT says nothing: what the specification proposes to hosts.
const QUIESCE_DEFAULT_MS: u64 = 10_000;

const HOUR_MS: u64 = 3_600_000;

pub const HELP: &str = "\
A script has a rule a line, SUBJECT [KEY=VALUE...] : ACTION..., and comments behind #. The first
rule that matches and is not used up applies. All take port=N, cntlid=N, skip=N (matches to let
pass first) and times=N (matches to apply to).

  read write flush write-zeroes dsm connect ccr keep-alive identify get-log aer abort
  get-features set-features property-get property-set
  resv-register resv-report resv-acquire resv-release other any
                      keys: queue=N, queue=io, nsid=N, slba=N (touches that block), icid=N (ccr only),
                      lid=N (get-log only)
    hold=STAGE[/MS]   park it there until release, or for a time; STAGE is before-data,
                      after-data, before-execution or before-completion
    disconnect=STAGE  close all connections of its association there
    answer=STATUS[/RESULT]    do not execute it, and complete it like this
    complete=STATUS[/RESULT]  execute it, and complete it like this
    ignore            neither execute nor complete it, and do not let it be aborted
    ignore=until-abort    the same, but an Abort command completes it
  event               keys: event=ccr, event=ana, event=namespace, event=lost-host
    lose | delay=MS | double
  entry               of log page 1Eh, when it is read; keys: icid=N
    icid=N ciu=N acid=N ccrs=N ccrf=N ne=N omit
  lost-entry          of log page 1Fh, when it is read; cntlid=N is that of the entry
    cntlid=N lc=N ciu=N ne=N omit
    keep              reading does not remove it
  reset               keys are about the controller that is reset
    fail [v] [clri] [retry=N] [acid=N] | never | after=MS
                      with clri the association ends, and what it holds lives on for --quiesce-ms
  assign              a new controller; cntlid=N is the one that it would have
    cntlid=N          it has this one, whoever else has it
    cntlid=old        it has that of the newest one that this host has lost on this port
    cleanup           what lost ones of its CNTLID still hold is dropped before
    identity=WHAT     its CIU and CIRN are new, the same as of the one before, or none (0)
  kato                ignore: that keep-alive timer never expires
  quiesce             ignore: lost commands that are held are not dropped
  disable             ignore: after CC.EN=0 CSTS.RDY is 0, but queues and commands live on
  shutdown            ignore: CSTS.SHST is 10b, but queues and commands live on
                      never: CSTS.SHST stays 01b, and they do, too
  move                keys are about the port to which an ANA group moves; nsid=N is the group
                      ignore: held commands that came through other ports are not dropped

Commands for ghost ctl:
  rule RULE           add a rule; prints its number
  rules               show all rules and how often they have applied
  forget N|all        remove rules; what is held stays held
  held                show the commands that are held
  release N|all       let them go on
  wait held N         return when at least N commands are held
  controllers         show all controllers
  wait lost CNTLID    return when its association has ended
  wait gone CNTLID    return when there is no such controller, and nothing left of it
  disconnect CNTLID [QUEUE]
                      close all its connections, or one
  refuse [PORT]       close new connections at once
  accept [PORT]       take new connections again
  ana PORT STATE [GROUP]
                      set the state of an ANA group on a port, or of all
  move PORT [GROUP]   move an ANA group there, or all, as an array does: drop what is held for it
                      and came through other ports, make them inaccessible, and this one optimized
  event CNTLID EVENT  report an event (ccr, ana, namespace, lost-host)
  entry CNTLID FIELD=N...
                      put a made-up entry into its log page 1Eh
  lost-entry CNTLID FIELD=N...
                      put a made-up entry into its log page 1Fh";

/// Options of `ghost target`.
#[derive(Debug, Args)]
pub struct TargetArgs {
    /// A port, numbered from 1, and the state of all ANA groups there: optimized, non-optimized, inaccessible,
    /// persistent-loss or change
    #[arg(long, value_name = "ADDR:PORT[,STATE]", value_parser = port, required = true)]
    listen: Vec<(SocketAddr, AnaState)>,
    /// Allow other addresses than those of the loopback device
    #[arg(long)]
    any_address: bool,
    /// The control socket to create
    #[arg(long, value_name = "PATH")]
    control: PathBuf,
    /// What goes wrong, see below
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Write what is received, executed and completed, as JSON lines; of files that are there only
    /// an earlier log is overwritten
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// Name of the subsystem
    #[arg(long, value_name = "NQN", default_value = "nqn.2026-11.test:fence")]
    nqn: String,
    /// How many namespaces there are, from NSID 1; each is the ANA group of its number
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..=16))]
    namespaces: u32,
    /// Size of a namespace
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = value_parser!(u64).range(1..=65536))]
    size_mib: u64,
    /// Size of a logical block, 512 or 4096
    #[arg(long, value_name = "BYTES", default_value_t = 4096, value_parser = block_bytes)]
    block_bytes: u32,
    /// Keep the blocks in a file, not in memory: a new one, or one of exactly the size of all
    /// namespaces
    #[arg(long, value_name = "FILE")]
    backing: Option<PathBuf>,
    /// Report a volatile write cache, so that hosts send Flush
    #[arg(long)]
    write_cache: bool,

    /// What CIRNs are drawn from
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// CIU of the first instance of each controller, one more for each next one; 0: no identity
    #[arg(long, value_name = "N", default_value_t = 1)]
    ciu: u8,
    /// CQT
    #[arg(long, value_name = "MS", default_value_t = 0)]
    cqt_ms: u16,
    /// How long commands of a lost connection can still be executed [default: CQT, or 10000]
    #[arg(long, value_name = "MS", value_parser = value_parser!(u64).range(0..=HOUR_MS))]
    quiesce_ms: Option<u64>,
    /// CCRL, Cross-Controller Resets in progress through one controller; 0: no such command
    #[arg(long, value_name = "N", default_value_t = 4)]
    ccrl: u8,
    /// How Cross-Controller Reset is answered
    #[arg(long, value_name = "HOW", default_value = "event")]
    ccr: CcrHow,
    /// How long a reset takes
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = value_parser!(u64).range(0..=HOUR_MS))]
    reset_ms: u64,
    /// Room in log page 1Eh
    #[arg(long, value_name = "N", default_value_t = 511, value_parser = value_parser!(u16).range(1..=511))]
    ccr_log_entries: u16,
    /// Do not have the event for Cross-Controller Reset (OAES bit 20)
    #[arg(long)]
    no_ccr_event: bool,
    /// Have log page 1Fh, Lost Host Communication, and its event (OAES bit 21)
    #[arg(long)]
    lost_log: bool,
    /// Move the ANA groups of the only optimized port by itself, so long after it has lost its last
    /// controller
    #[arg(long, value_name = "MS", value_parser = value_parser!(u64).range(0..=HOUR_MS))]
    move_after_ms: Option<u64>,
    /// What keeps an association alive
    #[arg(long, value_name = "WHAT", default_value = "traffic")]
    keep_alive: KeepAlive,
    /// KAS, a multiple of 100; 0: none is reported
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = granularity)]
    kas_ms: u32,
    /// CMIC: 1 several ports, 2 several controllers, 8 ANA, or a sum of them
    #[arg(long, value_name = "BITS", default_value_t = 11, value_parser = value_parser!(u8).range(0..=15))]
    cmic: u8,

    /// The longest transfer (MDTS), a power of two from 4; 0: none is reported
    #[arg(long, value_name = "KIB", default_value_t = 1024, value_parser = mdts_kib)]
    mdts_kib: u64,
    /// The most data that an I/O command brings along, a multiple of 16; more is asked for by R2T
    #[arg(long, value_name = "BYTES", default_value_t = 4096, value_parser = in_capsule_bytes)]
    in_capsule_bytes: u32,
    /// The most data of a data PDU (MAXH2CDATA), a multiple of 4 from 4096
    #[arg(long, value_name = "BYTES", default_value_t = 131_072, value_parser = h2c_data_bytes)]
    h2c_data_bytes: u32,
    /// I/O queues of a controller
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = value_parser!(u16).range(1..=64))]
    io_queues: u16,
    /// Entries of an I/O queue
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = value_parser!(u16).range(2..=1024))]
    queue_entries: u16,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CcrHow {
    /// When the reset is over, with Immediate Reset Successful
    Immediate,
    /// At once; log page and event follow when the reset is over
    Event,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KeepAlive {
    /// Every command (CTRATT bit TBKAS)
    Traffic,
    /// Keep Alive commands only
    Command,
}

impl TargetArgs {
    /// The target that is described.
    pub fn bind(self) -> Result<Target> {
        if let Some((address, _)) = self
            .listen
            .iter()
            .find(|(addr, _)| !addr.ip().is_loopback())
        {
            if !self.any_address {
                bail!("{address} is no loopback address: that wants --any-address");
            }
        }
        let optimized = |&&(_, ana): &&(SocketAddr, AnaState)| ana == AnaState::Optimized;
        if self.move_after_ms.is_some() && self.listen.iter().filter(optimized).count() != 1 {
            bail!("--move-after-ms wants exactly one port that is optimized");
        }
        let rules = match &self.script {
            None => Rules::default(),
            Some(path) => {
                let script = fs::read_to_string(path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                Rules::read(&script)
                    .map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?
            }
        };
        let (control, log) = (self.control.clone(), self.log.clone());
        let target = Target::bind(self.config(), &control, rules)?;
        // The log comes last: if another target has these arguments, addresses or socket are in
        // use, and its log must not be emptied.
        match log {
            None => Ok(target),
            Some(path) => {
                let file = output::log(&path, LOG_BEGINNING)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                Ok(target.log_to(Box::new(file)))
            }
        }
    }

    fn config(self) -> Config {
        let quiesce_default_ms = match self.cqt_ms {
            0 => QUIESCE_DEFAULT_MS,
            cqt_ms => cqt_ms.into(),
        };
        Config {
            ports: self.listen,
            nqn: self.nqn,
            namespaces: self.namespaces,
            namespace_bytes: self.size_mib << 20,
            block_bytes: self.block_bytes,
            backing: self.backing,
            write_cache: self.write_cache,
            seed: self.seed,
            ciu_first: self.ciu,
            cqt_ms: self.cqt_ms,
            quiesce_ms: self.quiesce_ms.unwrap_or(quiesce_default_ms),
            ccrl: self.ccrl,
            ccr_answer: match self.ccr {
                CcrHow::Immediate => CcrAnswer::Immediate,
                CcrHow::Event => CcrAnswer::Event,
            },
            reset_ms: self.reset_ms,
            ccr_log_entries: self.ccr_log_entries.into(),
            ccr_event: !self.no_ccr_event,
            lost_log: self.lost_log,
            move_after_ms: self.move_after_ms,
            keep_alive_by_traffic: self.keep_alive == KeepAlive::Traffic,
            keep_alive_granularity_100ms: (self.kas_ms / 100) as u16,
            cmic: self.cmic,
            mdts: (self.mdts_kib != 0).then(|| (self.mdts_kib / 4).ilog2() as u8),
            in_capsule_bytes: self.in_capsule_bytes,
            h2c_data_bytes: self.h2c_data_bytes,
            io_queues: self.io_queues,
            queue_entries: self.queue_entries,
        }
    }
}

fn port(text: &str) -> Result<(SocketAddr, AnaState), String> {
    let (address, state) = text.split_once(',').unwrap_or((text, "optimized"));
    let address = address.parse().map_err(|_| "not an address and a port")?;
    let state = AnaState::named(state).ok_or_else(|| format!("no ANA state: {state}"))?;
    Ok((address, state))
}

/// A number that is `good`.
fn number<T: TryFrom<u64>>(
    text: &str,
    what: &str,
    good: impl FnOnce(u64) -> bool,
) -> Result<T, String> {
    text.parse()
        .ok()
        .filter(|&number| good(number))
        .and_then(|number| number.try_into().ok())
        .ok_or_else(|| format!("not {what}"))
}

fn block_bytes(text: &str) -> Result<u32, String> {
    number(text, "512 or 4096", |bytes| bytes == 512 || bytes == 4096)
}

fn granularity(text: &str) -> Result<u32, String> {
    number(text, "a multiple of 100 up to 6553500", |ms| {
        ms % 100 == 0 && ms / 100 <= u16::MAX.into()
    })
}

fn mdts_kib(text: &str) -> Result<u64, String> {
    number(text, "0 or a power of two from 4 to 65536", |kib| {
        kib == 0 || (kib.is_power_of_two() && (4..=65536).contains(&kib))
    })
}

fn in_capsule_bytes(text: &str) -> Result<u32, String> {
    number(text, "a multiple of 16 up to 65536", |bytes| {
        bytes % 16 == 0 && bytes <= 65536
    })
}

fn h2c_data_bytes(text: &str) -> Result<u32, String> {
    number(text, "a multiple of 4 from 4096 to 16777216", |bytes| {
        bytes % 4 == 0 && (4096..=16 << 20).contains(&bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_an_address_and_a_state() {
        let address = "127.0.0.1:4420".parse().unwrap();
        assert_eq!(port("127.0.0.1:4420"), Ok((address, AnaState::Optimized)));
        assert_eq!(
            port("127.0.0.1:4420,inaccessible"),
            Ok((address, AnaState::Inaccessible))
        );
        for bad in ["127.0.0.1", "127.0.0.1:4420,lost", "4420"] {
            assert!(port(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_have_ranges() {
        for bad in ["1024", "-1", "x"] {
            assert!(block_bytes(bad).is_err(), "{bad}");
        }
        assert_eq!(granularity("300"), Ok(300));
        assert!(granularity("250").is_err());
        assert_eq!(mdts_kib("0"), Ok(0));
        assert!(mdts_kib("6").is_err());
        assert!(in_capsule_bytes("100").is_err());
        assert!(h2c_data_bytes("4098").is_err());
    }
}
