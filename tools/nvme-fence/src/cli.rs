// SPDX-License-Identifier: GPL-2.0
//! The command line. What is checked here is checked before anything is touched.

mod monitor;
pub(crate) mod suggested;

use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

use crate::find::Wanted;
use crate::sysfs::device::{ControllerOrSubsystem, DeviceName};
use crate::sysfs::evidence;
use crate::sysfs::knobs::{CQT_DEFAULT_MS, CQT_OVERRIDE_MS};
use crate::sysfs::words::Word;
pub(crate) use monitor::{HistoryArgs, MetricsArgs, MonitorArgs};
use suggested::{Suggested, EVIDENCE, HOLD};

/// Watch, configure and trace the fencing of lost NVMe associations
///
/// An association is one life of the connection to a controller, from Connect to loss. The module
/// nvme_fence holds every write that was cancelled on a lost one until there is evidence that the
/// controller can no longer execute it. This tool shows what is held and why, changes the module's
/// settings, and measures where the time of a failover goes.
#[derive(Parser)]
#[command(name = "nvme-fence", version, after_long_help = after_long_help())]
// Where nothing says how wide the terminal is, it is as wide as this.
#[command(max_term_width = 80)]
// Consoles are logged, and their logs are read.
#[command(color = ColorChoice::Never)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the exit status means.
pub(crate) const EXIT_STATUS: [(&str, &str); 6] = [
    ("0", "success"),
    ("1", "failure, explained on standard error"),
    ("2", "wrong usage"),
    (
        "3",
        "the module is not loaded, or the kernel lacks its series",
    ),
    ("4", "check: not protected; can-disconnect: no"),
    ("5", "check: protected, but there are warnings"),
];

/// The environment variables.
pub(crate) const ENVIRONMENT: [(&str, &str); 3] = [
    (
        "NVME_FENCE_SYSFS",
        "where sysfs is, and tracefs below it [default: /sys]",
    ),
    ("NVME_FENCE_PROC", "where procfs is [default: /proc]"),
    ("NVME_FENCE_DEV", "where device nodes are [default: /dev]"),
];

/// What `--help` says in the end.
fn after_long_help() -> String {
    let table = |rows: &[(&str, &str)]| {
        let row = |(name, text): &(&str, &str)| format!("\n  {name:<16}  {text}");
        rows.iter().map(row).collect::<String>()
    };
    format!(
        "Exit status:{}\n\nEnvironment, for tests only:{}",
        table(&EXIT_STATUS),
        table(&ENVIRONMENT)
    )
}

/// The commands.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Say whether it is protected, and what to do if not
    ///
    /// Works on any kernel since 5.15, with or without the module. Each finding has a code, a
    /// sentence, and the command that mends it; words in capital letters are to be filled in.
    ///
    /// The exit status is 0 if all is protected, or needs no fence, 5 if there are warnings, 4 if
    /// something is not protected, and 1 if a part could not be read that might be decisive. Notes
    /// do not change it.
    Check(CheckArgs),
    /// Show the paths, what is held for them, and what would fence it
    ///
    /// Works on any kernel since 5.15, with or without the module. Of each subsystem: its
    /// namespaces, I/O policy, what is held if that is not all, what counts as evidence, and the
    /// Command Quiesce Time in force. Of each path: its state, its ANA state (mixed: namespaces
    /// differ, and are told apart below), and
    ///
    /// FENCE: idle (in use, nothing held), holding (commands are held, or being sent on, or newer ones
    /// would be held), lost (given up, its connections are being terminated), down (no path, nothing
    /// held), off (hold is none), or why there is no fence;
    ///
    /// HELD and BYTES: commands that are held now;
    ///
    /// FREE-IN: when time will have fenced them (+: not all of them; none: none of them; unknown:
    /// that is known when the connections are terminated);
    ///
    /// LAST FENCE: what fenced the last loss that was fenced.
    Status(StatusArgs),
    /// Show where a volume is, and whether it can be used
    ///
    /// Works on every kernel, with and without the module. All namespaces that have the name are
    /// shown, one a line. A volume is usable if its disk is there and a path is live and optimized
    /// or non-optimized; it has no-path if all its paths are in another state; and what remains
    /// when there are no paths is orphaned.
    ///
    /// The exit status is 0 if there is one, and all are usable; 1 if not; 2 for wrong usage.
    Find(FindArgs),
    /// Tell whether a subsystem or a controller can be disconnected without harm
    ///
    /// It can not if the module holds commands for it, or would have newer ones wait for the blocks
    /// of some that it lost; or if it has the last usable path of a namespace that is in use:
    /// mounted, in any mount namespace of a process that is seen here; used as swap; part of a
    /// btrfs; or held by another block device, as of dm or md. Works on every kernel, with and
    /// without the module.
    ///
    /// Not known is whether a program has a device open, be it a virtual machine, a database, a
    /// target that exports it, or ZFS: sysfs does not tell. Ask them, or fuser(1).
    ///
    /// The exit status is 0 for yes, 4 for no, 1 if it could not be told, 2 for wrong usage.
    CanDisconnect(CanDisconnectArgs),
    /// Show or change the settings of a subsystem
    ///
    /// What is in force is shown in brackets, beside the other words that the module has. The
    /// settings are lost with the last controller of the subsystem.
    ///
    /// hold: until there is evidence that a lost association can execute nothing any more, all
    /// cancelled commands wait that change the medium (all); or they go on at once, and newer ones to
    /// the same blocks wait (overlap), which is safe only if no other host writes there, and no
    /// application to a block for which it has a write outstanding; or none waits, as on a stock
    /// kernel, and ghost writes are possible (none).
    ///
    /// evidence: what counts, any of these. `release` always does.
    ///
    /// ccr: a Cross-Controller Reset of the controller succeeded;
    ///
    /// time: the controller has noticed the loss, or must have, and its Command Quiesce Time is over;
    ///
    /// reconnect: the host is connected again to a controller with the same ID, which says that it
    /// is another instance (CIU, CIRN);
    ///
    /// reconnect-by-id: the same by the ID alone; wrong where an ID is given out again while the old
    /// controller lives;
    ///
    /// disabled: the controller was disabled, and said so;
    ///
    /// notification: a FIN or RST on all connections is the controller's own word that it has
    /// noticed the loss; wrong where something in between may make them;
    ///
    /// target: the array has moved each namespace that something is held for to another port; wrong
    /// unless the array arbitrates paths itself: with one usable port for each namespace, and
    /// fencing that before it uses another.
    ///
    /// To set something releases nothing that is held, and does not move its deadline.
    Config(ConfigArgs),
    /// Set what a file says of the arrays that are connected
    ///
    /// The file has settings by the model of an array, see arrays.conf(5). The first entry counts
    /// whose model fits: one that never does, as below `*`, is named. Settings that it does not name
    /// stay as they are, and so does an array that has no entry. If there is a mistake in the file,
    /// nothing is set.
    ///
    /// udev runs this for each array that is connected, and at boot. After a change of the file, run
    /// it by hand.
    Apply(ApplyArgs),
    /// State that the lost associations of a controller can execute nothing any more
    ///
    /// Held commands are sent on at once, on the surviving paths, and with hold=overlap, newer ones
    /// need not wait any more for the blocks of those that were cancelled. That is safe only if the
    /// controller can execute none of them any more. If it still can, a late execution overwrites
    /// newer data, silently.
    ///
    /// It is true if the controller was powered off, or was reset, or if its maker's tools say that
    /// the connection is gone and nothing is outstanding. It is not made true by a cable that was
    /// pulled, by a switch that was turned off, or by nvme disconnect.
    ///
    /// What is lost, but not terminated yet, stays held; the exit status is 1 then.
    Release(ReleaseArgs),
    /// Follow, record and explain the life of lost associations
    #[command(subcommand)]
    Trace(TraceCommand),
    /// Say and record what happens to paths, until SIGTERM
    ///
    /// Works on every kernel: paths that are lost, come back, are connected or removed, and their
    /// ANA states. Where the module is loaded, also what it holds, and what fences it. Each event is
    /// a line on standard output, with --directory also one of JSON in a record of bounded size,
    /// which `history` shows.
    ///
    /// It looks at everything once a second, and when the kernel announces something about NVMe.
    /// It needs no rights but to read sysfs.
    Monitor(MonitorArgs),
    /// Show what the monitor has recorded, and the module has kept
    ///
    /// One line for each event, in local time. DURATION is how long a path was lost, or commands
    /// were held or tracked; it is missing where that was over within a second. HELD is how many
    /// commands are held or, when it is fenced, were sent on; how many are tracked is the detail.
    ///
    /// Without a monitor, too: the last 16 fencings of each subsystem, as the module has kept them.
    /// HELD-FOR is how long the first of the commands was held; 0 if none was, and some were
    /// tracked. They go with the last controller of the subsystem, or the module.
    History(HistoryArgs),
    /// Print what is so now for Prometheus
    ///
    /// In the text format that the textfile collector of node_exporter reads, with the labels of
    /// its collector nvmesubsystem. The counters are those of the module, for each subsystem, and go
    /// with the last controller of that; with --textfile, the monitor writes the same metrics with
    /// counters that stay.
    Metrics(MetricsArgs),
    /// Measure how long a volume's commands take before, during and after path events
    ///
    /// Needs neither the module nor BPF, and disturbs nobody else's tracing. It measures what the
    /// applications feel: from the moment at which a command was given to the disk, whatever path
    /// it takes then, how often it is sent, and however long it is held.
    ///
    /// Measures for some seconds, or while COMMAND runs, or until SIGINT or SIGTERM. Begins when it
    /// says `measuring` on standard error. While COMMAND runs, signals are passed on to it.
    ///
    /// `during` begins when the oldest command was started that was under way at the event, and
    /// ends with the last of them; `before` and `after` are up to 10 s beside it. CPU/IO is the time
    /// for which all processors of the host were busy, whatever they did, by the number of reads and
    /// writes that ended.
    ///
    /// The exit status is that of COMMAND, or 128 and the number of the signal that ended it.
    Measure(MeasureArgs),
    /// Print what a shell needs to complete command lines
    #[command(hide = true)]
    Completion {
        /// The shell that reads it
        shell: clap_complete::Shell,
    },
    /// Write the man pages
    #[command(hide = true)]
    Man {
        /// The directory to write them to; it must exist
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
}

/// `nvme-fence check`
#[derive(Args)]
pub(crate) struct CheckArgs {
    /// NQN, nvme-subsysX, nvmeX, nvmeXnY, or the path of a device; its subsystem is meant
    /// [default: all subsystems]
    pub(crate) device: Option<DeviceName>,
    /// The format of the output.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `nvme-fence status`
#[derive(Args)]
pub(crate) struct StatusArgs {
    /// NQN, nvme-subsysX, nvmeX, nvmeXnY, nvmeXcZnY, or the path of a device [default: all
    /// subsystems]
    pub(crate) device: Option<DeviceName>,
    /// Show of each path its address, timers, identity, wait and counters, too
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Show it again, every SECONDS (1) and when something happens, until Ctrl-C; JSON is then a
    /// line each time
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        default_missing_value = "1",
        value_parser = seconds
    )]
    pub(crate) watch: Option<u32>,
    /// The format of the output.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// How often something is to be done.
fn seconds(text: &str) -> Result<u32, &'static str> {
    match text.parse() {
        Ok(seconds) if seconds > 0 => Ok(seconds),
        _ => Err("give a number of seconds, from 1 on; a device comes before this option"),
    }
}

/// `nvme-fence find`
#[derive(Args)]
pub(crate) struct FindArgs {
    /// NQN, serial number, UUID, NGUID, EUI-64, WWID (uuid.X, eui.X, nvme.X), nvmeXnY, nvmeXcYnZ,
    /// nvmeX, nvme-subsysX, or the path of a device; always the whole name
    #[arg(value_name = "WHAT")]
    pub(crate) wanted: Wanted,
    /// Print the device node alone; fails unless one volume has the name, and it is usable
    #[arg(long, conflicts_with = "format")]
    pub(crate) device: bool,
    /// Wait until it is usable, but not longer than this
    #[arg(long, value_name = "SECONDS")]
    pub(crate) wait: Option<u32>,
    /// The format of the output.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `nvme-fence can-disconnect`
#[derive(Args)]
pub(crate) struct CanDisconnectArgs {
    /// NQN, nvme-subsysX, or nvmeX
    #[arg(value_name = "WHAT")]
    pub(crate) device: ControllerOrSubsystem,
    /// The format of the output.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `nvme-fence config`
#[derive(Args)]
pub(crate) struct ConfigArgs {
    /// NQN, nvme-subsysX, nvmeX, nvmeXnY, or the path of a device; its subsystem is meant
    pub(crate) device: DeviceName,
    /// Which commands wait until there is evidence: all cancelled ones, overlap (newer ones to the
    /// same blocks), or none
    #[arg(long, value_name = "WORD", value_parser = Suggested::<Word>::of(&HOLD))]
    #[arg(hide_possible_values = true)]
    pub(crate) hold: Option<Word>,
    /// What counts as evidence: words that replace those in force (ccr,time), or words to add to
    /// them and to take from them (+notification,-ccr)
    #[arg(long, value_name = "WORDS", value_parser = Suggested::<evidence::Wanted>::of(&EVIDENCE))]
    #[arg(hide_possible_values = true, allow_hyphen_values = true)]
    pub(crate) evidence: Option<evidence::Wanted>,
    /// Command Quiesce Time for controllers that report none, 1 to 3600000 ms
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(CQT_DEFAULT_MS))]
    pub(crate) cqt_default_ms: Option<u32>,
    /// Command Quiesce Time to use instead of the one a controller reports, up to 3600000 ms; 0 =
    /// none
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(CQT_OVERRIDE_MS))]
    pub(crate) cqt_override_ms: Option<u32>,
    /// The format of the output.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `nvme-fence apply`
#[derive(Args)]
pub(crate) struct ApplyArgs {
    /// NQN, nvme-subsysX, nvmeX, nvmeXnY, or the path of a device; its subsystem is meant
    /// [default: all that the module manages]
    pub(crate) device: Option<DeviceName>,
    /// The file [default: /etc/nvme-fence/arrays.conf, which need not be there]
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Say what would be set, and set nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The format of the output.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `nvme-fence release`
#[derive(Args)]
pub(crate) struct ReleaseArgs {
    /// Whose lost associations are meant: those of nvmeX, or of all controllers of a subsystem
    /// that are still there, by its NQN or as nvme-subsysX
    #[arg(required_unless_present = "removed", conflicts_with = "removed")]
    #[arg(value_name = "WHAT")]
    pub(crate) device: Option<ControllerOrSubsystem>,
    /// The lost associations of all controllers that were removed (disconnected) are meant, and those
    /// that the module had when it was unloaded, also if their controllers are still there
    #[arg(long)]
    pub(crate) removed: bool,
    /// Yes, I know that the lost associations that are meant can execute nothing any more
    #[arg(long, required = true)]
    pub(crate) force: bool,
}

/// `nvme-fence trace`
#[derive(Subcommand)]
pub(crate) enum TraceCommand {
    /// Print the events as they happen, until Ctrl-C
    Live(LiveArgs),
    /// Store the events in a file for `report`, until SIGINT or SIGTERM
    ///
    /// Prints `recording` on standard output as soon as nothing can be missed any more.
    Record(RecordArgs),
    /// Explain a recorded trace: one timeline per lost association
    ///
    /// Takes what `record` wrote, and what `trace-cmd report` or `perf script` prints.
    Report(ReportArgs),
    /// Print a recorded trace as Perfetto reads it
    ///
    /// Open the file in https://ui.perfetto.dev: each controller is a process there, and each lost
    /// association a thread, with its phases and what happened.
    Export(ExportArgs),
}

/// `nvme-fence trace live`
#[derive(Args)]
pub(crate) struct LiveArgs {
    /// Which events.
    #[command(flatten)]
    pub(crate) events: EventArgs,
    /// The format of the output; JSON is a line for each event.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `nvme-fence trace record`
#[derive(Args)]
pub(crate) struct RecordArgs {
    /// Where the text of the trace goes; an existing file is replaced
    pub(crate) file: PathBuf,
    /// Which events.
    #[command(flatten)]
    pub(crate) events: EventArgs,
}

/// The choice of events.
#[derive(Args)]
pub(crate) struct EventArgs {
    /// Trace every write that any controller gets as well: shows the first one after a release
    #[arg(long)]
    pub(crate) all_io: bool,
}

/// `nvme-fence trace report`
#[derive(Args)]
pub(crate) struct ReportArgs {
    /// The recorded trace; `-` is standard input
    #[arg(default_value = "-")]
    pub(crate) file: PathBuf,
    /// The format of the output.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `nvme-fence measure`
#[derive(Args)]
pub(crate) struct MeasureArgs {
    /// The volume: nvmeXnY, the path of a device, or any other name that `find` takes
    #[arg(value_name = "DEVICE")]
    pub(crate) wanted: Wanted,
    /// Measure for so long
    #[arg(
        long = "for",
        value_name = "SECONDS",
        conflicts_with = "command",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub(crate) seconds: Option<u32>,
    /// Output format
    #[arg(
        short = 'o',
        long = "output-format",
        value_name = "FORMAT",
        default_value = "normal"
    )]
    pub(crate) format: MeasureFormat,
    /// Where a picture goes, as SVG; an existing file is replaced
    #[arg(long, value_name = "FILE")]
    pub(crate) picture: Option<PathBuf>,
    /// Measure while this command runs
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// What a measurement is for.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum MeasureFormat {
    /// For people
    Normal,
    /// For programs
    Json,
    /// A picture
    Svg,
}

/// `nvme-fence trace export`
#[derive(Args)]
pub(crate) struct ExportArgs {
    /// The recorded trace; `-` is standard input
    #[arg(default_value = "-")]
    pub(crate) file: PathBuf,
}

/// The option that every command with a result has.
#[derive(Args)]
pub(crate) struct OutputArgs {
    /// Output format
    #[arg(
        short = 'o',
        long = "output-format",
        value_name = "FORMAT",
        default_value = "normal"
    )]
    pub(crate) format: OutputFormat,
}

/// What the output is for.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people
    Normal,
    /// For programs
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn release_wants_force() {
        assert!(Cli::try_parse_from(["nvme-fence", "release", "nvme0"]).is_err());
        assert!(Cli::try_parse_from(["nvme-fence", "release", "nvme0", "--force"]).is_ok());
        assert!(Cli::try_parse_from(["nvme-fence", "release", "--removed"]).is_err());
        assert!(Cli::try_parse_from(["nvme-fence", "release", "--removed", "--force"]).is_ok());
    }
}
