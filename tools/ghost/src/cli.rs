// SPDX-License-Identifier: GPL-2.0

//! The command line.

mod target;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use ghost::proxy::Endpoints;
use ghost::register::run::Plan;
use ghost::register::storage::{Caching, Layout, Purpose};
use ghost::sweep::path::SweepPath;

pub use target::TargetArgs;

/// The smallest logical block; direct I/O needs multiples of it.
const SECTOR_BYTES: u64 = 512;

const BLOCK_BYTES_MAX: u64 = 1 << 20;

/// Provokes ghost writes on NVMe/TCP paths and proves that they happened, or did not.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Stand in front of one path of a target, and hold its bytes back when told to
    ///
    /// Prints "ready" when host and operator can connect. Runs until it is killed.
    Proxy(ProxyArgs),
    /// Be a target that does what a script says, and a good one where it says nothing
    ///
    /// Prints "ready" when hosts and operator can connect. Runs until it is killed.
    #[command(after_help = target::HELP)]
    Target(TargetArgs),
    /// Send one command to a proxy or a target
    ///
    /// Prints the reply. The exit status is 0, or 1 if the command was not executed.
    #[command(after_help = CONTROL_COMMANDS)]
    Ctl(CtlArgs),
    /// Keep open what other processes have connected to an address
    ///
    /// Prints "ready" when it has their sockets, or fails if there is none. Runs until it is killed.
    Keep(KeepArgs),
    /// Use blocks as registers, and find reads that no register could have answered
    ///
    /// The exit status is 0 if all reads were consistent, 1 if one was not, 2 after an error.
    #[command(subcommand)]
    Write(WriteCommand),
    /// Play random faults and load from a seed, round after round
    ///
    /// The exit status is 0 if all reads were consistent, 1 if one was not, 2 after an error or if
    /// a write was lost.
    #[command(subcommand)]
    Sweep(SweepCommand),
}

const CONTROL_COMMANDS: &str = "\
Those for a target are explained by ghost target --help.

Commands for a proxy (without N: all connections, and for hold, freeze and stall new ones too, until deliver):
  hold [N]                keep what the host sends, its close included
  hold --after BYTES [N]  the same, when so many more bytes have passed
  freeze [N]              keep what either side sends: the path goes silent
  stall [N]               leave what the host sends in the socket until hold, freeze or deliver
  deliver [--wait] [N]    pass on what was kept; --wait: until the target answered or closed
                          (not to what was left in the socket: nothing is printed of that)
  drop [N]                forget what was kept and close both sides
  forge [N]               close the host's side only; what was kept for the target stays
  refuse                  close new connections at once
  accept                  take new connections again
  list                    show all connections
  wait host-closed N|all  return when the host has closed its side (not seen while stalled)";

#[derive(Debug, Args)]
pub struct ProxyArgs {
    /// Where to accept the host's connections
    #[arg(long, value_name = "ADDR:PORT")]
    listen: SocketAddr,
    /// Where to pass them on to
    #[arg(long, value_name = "ADDR:PORT")]
    target: SocketAddr,
    /// The control socket to create
    #[arg(long, value_name = "PATH")]
    control: PathBuf,
}

#[derive(Debug, Args)]
pub struct CtlArgs {
    /// The control socket of the proxy or the target
    #[arg(long, value_name = "PATH")]
    pub control: PathBuf,
    /// The command and its arguments, see below
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

#[derive(Debug, Args)]
pub struct KeepArgs {
    /// What they are connected to
    #[arg(long, value_name = "ADDR:PORT")]
    pub peer: SocketAddr,
}

#[derive(Debug, Subcommand)]
pub enum WriteCommand {
    /// Write all generations of all blocks and check every read
    ///
    /// Generation 0 is written first ("formatted" is then printed), generation 1 and up after that.
    Run(RunArgs),
    /// Read the blocks of an earlier run again and check them against its report
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// The block device to overwrite, which must not be mounted or in use
    #[arg(long, value_name = "PATH")]
    pub device: PathBuf,
    /// Overwrite a regular file, too, or a device that is mounted or that somebody else uses: a
    /// second writer, for instance
    #[arg(long)]
    force: bool,
    /// Number of blocks
    #[arg(long, value_name = "N", default_value_t = 8)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=256))]
    blocks: u64,
    /// Generations to write, a block
    #[arg(long, value_name = "W", default_value_t = 4)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    writes: u64,
    /// Size of a block
    #[arg(long, value_name = "BYTES", default_value = "4096", value_parser = block_size)]
    block_size: usize,
    /// Where block 0 starts
    #[arg(long, value_name = "BYTES", default_value = "0", value_parser = offset)]
    offset: u64,
    /// Pause between two generations of a block
    #[arg(long, value_name = "MS", default_value_t = 0)]
    interval_ms: u64,
    /// Read all blocks while they are written
    #[arg(long)]
    readers: bool,
    /// Pause between two reads of a block
    #[arg(long, value_name = "MS", default_value_t = 100, requires = "readers")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    read_interval_ms: u64,
    /// A FIFO: start to write when a byte or the end of file comes out of it
    #[arg(long, value_name = "PATH")]
    pub start_fifo: Option<PathBuf>,
    /// Where to write the report, as JSON; of files that are there only an earlier report is
    /// replaced
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub caching: CachingArgs,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The block device to read
    #[arg(long, value_name = "PATH")]
    pub device: PathBuf,
    /// The report of the run
    #[arg(long, value_name = "FILE")]
    pub report: PathBuf,
    #[command(flatten)]
    pub caching: CachingArgs,
}

#[derive(Debug, Subcommand)]
pub enum SweepCommand {
    /// Print what a seed says: how to connect the paths, and what happens in each round
    Plan(SweepPlanArgs),
    /// Do what a seed says
    Run(SweepRunArgs),
}

#[derive(Debug, Args)]
pub struct SweepPlanArgs {
    /// The seed
    #[arg(long, value_name = "N")]
    pub seed: u64,
    /// Number of rounds
    #[arg(long, value_name = "N", default_value_t = 25)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub rounds: u64,
}

#[derive(Debug, Args)]
pub struct SweepRunArgs {
    #[command(flatten)]
    pub plan: SweepPlanArgs,
    /// The multipath device to overwrite, which must not be mounted or in use
    #[arg(long, value_name = "PATH")]
    pub device: PathBuf,
    /// A path: control socket of its proxy, name of its controller (twice: path 1, path 2)
    #[arg(long = "path", value_name = "CONTROL,nvmeN", value_parser = sweep_path, required = true)]
    pub paths: Vec<SweepPath>,
    /// Where to write the report of each round
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
    /// Where sysfs is mounted
    #[arg(long, value_name = "DIR", default_value = "/sys", hide = true)]
    pub sysfs: PathBuf,
}

#[derive(Debug, Args)]
pub struct CachingArgs {
    /// Use the page cache, on a regular file whose file system refuses direct I/O
    #[arg(long)]
    buffered: bool,
}

impl ProxyArgs {
    pub fn endpoints(self) -> Endpoints {
        Endpoints {
            listen: self.listen,
            target: self.target,
            control: self.control,
        }
    }
}

impl RunArgs {
    pub fn purpose(&self) -> Purpose {
        if self.force {
            Purpose::OverwriteByForce
        } else {
            Purpose::Overwrite
        }
    }

    pub fn plan(&self) -> Plan {
        Plan {
            device: self.device.clone(),
            layout: Layout {
                offset_bytes: self.offset,
                block_bytes: self.block_size,
                blocks: self.blocks,
            },
            generations: self.writes,
            write_interval: Duration::from_millis(self.interval_ms),
            read_interval: self
                .readers
                .then(|| Duration::from_millis(self.read_interval_ms)),
        }
    }
}

impl CachingArgs {
    pub fn caching(&self) -> Caching {
        if self.buffered {
            Caching::Buffered
        } else {
            Caching::Direct
        }
    }
}

fn sweep_path(text: &str) -> Result<SweepPath, String> {
    let (control, controller) = text.rsplit_once(',').ok_or("no controller is named")?;
    Ok(SweepPath {
        control: control.into(),
        controller: controller.to_owned(),
    })
}

fn block_size(text: &str) -> Result<usize, String> {
    match sectors(text)? {
        bytes @ 1..=BLOCK_BYTES_MAX => Ok(usize::try_from(bytes).expect("the maximum fits")),
        _ => Err(format!("not between {SECTOR_BYTES} and {BLOCK_BYTES_MAX}")),
    }
}

fn offset(text: &str) -> Result<u64, String> {
    sectors(text)
}

fn sectors(text: &str) -> Result<u64, String> {
    let bytes: u64 = text.parse().map_err(|_| "not a number of bytes")?;
    if bytes % SECTOR_BYTES == 0 {
        Ok(bytes)
    } else {
        Err(format!("not a multiple of {SECTOR_BYTES}"))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_path_is_a_socket_and_a_controller() {
        let path = sweep_path("/run/path1,nvme0").unwrap();
        assert_eq!(path.control, PathBuf::from("/run/path1"));
        assert_eq!(path.controller, "nvme0");
        assert!(sweep_path("/run/path1").is_err());
    }

    #[test]
    fn sizes_are_multiples_of_a_sector() {
        assert_eq!(block_size("4096"), Ok(4096));
        assert_eq!(offset("0"), Ok(0));
        for bad in ["0", "1000", "2097152", "x"] {
            assert!(block_size(bad).is_err(), "{bad}");
        }
    }
}
