// SPDX-License-Identifier: GPL-2.0-only

//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use nvme_fence_policy::{Belief, Beliefs, Hold};
use policy_check::model::bounds::Cqt;
use policy_check::model::{Bounds, KeepAlive};
use std::path::PathBuf;

/// Check the fence policy that the kernel module is built from
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Try everything that can happen to host, network, controllers and target within bounds
    ///
    /// Without --case, all cases are run. Exits with 0 if every property holds in every case (with
    /// --expect-ghost-write: if a ghost write is found in every case), else with 1.
    Model(Box<ModelArgs>),
    /// Show what goes wrong if what the model takes for granted is not so
    Assumptions,
    /// Change the policy's source in small ways, and see who notices
    ///
    /// Needs cargo and the source tree. Exits with 0 if every mutant is caught, and by the model where
    /// it should notice, else with 1.
    Mutants(MutantsArgs),
    /// Change the Rust of the module around the policy in small ways, and see which scenario notices
    ///
    /// Needs the source tree and the laboratory. Exits with 0 if every mutant is noticed by the
    /// scenario that should, else with 1.
    ShellMutants(ShellMutantsArgs),
    /// Feed a recorded trace to the policy, and compare what it does
    ///
    /// Exits with 0 if the policy would have done the same, else with 1.
    Replay(ReplayArgs),
}

/// Which commands wait: a value of the setting `hold`.
fn hold(word: &str) -> Result<Hold, String> {
    let mut all = [Hold::All, Hold::Overlap, Hold::None].into_iter();
    all.find(|hold| hold.name() == word)
        .ok_or_else(|| "it is all, overlap or none".to_owned())
}

/// What is believed: values of the setting `evidence`, separated by commas.
fn evidence(words: &str) -> Result<Beliefs, String> {
    let known = Belief::ALL.map(Belief::name).join(", ");
    Beliefs::from_words(words).ok_or_else(|| format!("it is a list of {known}"))
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Normal,
    /// For programs: one object per line and case.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    /// Run this case only; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub(crate) case: Vec<String>,
    /// List the cases and their bounds, and run nothing
    #[arg(long)]
    pub(crate) list: bool,
    /// Exit with 0 only if a ghost write is found in every case
    #[arg(long)]
    pub(crate) expect_ghost_write: bool,
    /// Stop at the first case in which not everything holds
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Threads of the search
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: usize,
    /// How results are printed
    #[arg(short, long, value_enum, default_value = "normal")]
    pub(crate) output_format: Format,
    #[command(flatten)]
    pub(crate) bounds: BoundsArgs,
}

/// Other bounds than those of the case. All times are in ticks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Bounds, instead of those of the case")]
pub(crate) struct BoundsArgs {
    /// Which commands wait: all, overlap or none
    #[arg(long, value_parser = hold)]
    hold: Option<Hold>,
    /// What is believed, such as ccr,time
    #[arg(long, value_parser = evidence, value_name = "WORDS")]
    evidence: Option<Beliefs>,
    /// How controllers find out that the host is gone
    #[arg(long, value_enum)]
    keep_alive: Option<KeepAlive>,
    /// Keep alive timeout when associations are made
    #[arg(long)]
    katt: Option<u8>,
    /// Keep alive timeout when they are lost
    #[arg(long)]
    katt_at_loss: Option<u8>,
    /// Command Quiesce Time
    #[arg(long)]
    cqt: Option<u8>,
    /// Who tells the host the CQT
    #[arg(long, value_enum)]
    cqt_source: Option<Cqt>,
    /// Controllers
    #[arg(long)]
    controllers: Option<u8>,
    /// Associations in all
    #[arg(long)]
    associations: Option<u8>,
    /// Connections of each association
    #[arg(long)]
    connections: Option<u8>,
    /// Blocks
    #[arg(long)]
    blocks: Option<u8>,
    /// Writes in all
    #[arg(long)]
    writes: Option<u8>,
    /// Associations that may be lost
    #[arg(long)]
    losses: Option<u8>,
    /// The last tick at which the host may come to see that one is broken
    #[arg(long)]
    lose_by: Option<u8>,
    /// The host closes it so many ticks later at most
    #[arg(long)]
    teardown: Option<u8>,
    /// Keep Alive commands in all
    #[arg(long)]
    keep_alives: Option<u8>,
    /// Connections that controllers may close
    #[arg(long)]
    notifications: Option<u8>,
    /// Controllers that the host may disable
    #[arg(long)]
    disables: Option<u8>,
    /// Controllers that may be removed
    #[arg(long)]
    removals: Option<u8>,
    /// Controllers whose deletion may begin at any time
    #[arg(long)]
    deletions: Option<u8>,
    /// Commands that may be cancelled after their association was closed
    #[arg(long)]
    late: Option<u8>,
    /// Releases by the administrator
    #[arg(long)]
    admin: Option<u8>,
    /// How often the host may use an association on
    #[arg(long)]
    resumes: Option<u8>,
    /// Commands that may fail before their association is lost
    #[arg(long)]
    send_failures: Option<u8>,
    /// Resets that each controller can have in progress for others (CCRL)
    #[arg(long)]
    ccrl: Option<u8>,
    /// How much may go wrong with resets
    #[arg(long)]
    nuisances: Option<u8>,
    /// A reset that fails may say that the controller has noticed, and where it is to be tried again
    #[arg(long)]
    failures_tell: Option<bool>,
    /// Controllers list others that have lost touch with the host
    #[arg(long)]
    lost_host_logs: Option<bool>,
    /// Sources answer at once
    #[arg(long)]
    prompt: Option<bool>,
    /// Log pages begin with entries about earlier instances
    #[arg(long)]
    stale: Option<bool>,
    /// All instances of a controller have the same CIU
    #[arg(long)]
    namesakes: Option<bool>,
    /// Controllers have no CIU and no CIRN
    #[arg(long)]
    nameless: Option<bool>,
    /// A controller that is connected again has cleaned up before
    #[arg(long)]
    cleans_up: Option<bool>,
    /// Milliseconds in a tick
    #[arg(long)]
    tick_ms: Option<u16>,
    /// How often the administrator may change a setting
    #[arg(long)]
    changes: Option<u8>,
    /// The work item that asks is late
    #[arg(long)]
    late_asks: Option<bool>,
    /// What a source was sent still arrives when its association is closed
    #[arg(long)]
    lost_sources_receive: Option<bool>,
    /// Ranges that can be tracked for each association
    #[arg(long)]
    slots: Option<u8>,
    /// What is sent stays in the host for a while
    #[arg(long)]
    buffers: Option<bool>,
    /// Writes of another host
    #[arg(long)]
    foreign: Option<u8>,
    /// How often the module may be unloaded
    #[arg(long)]
    unloads: Option<u8>,
}

impl BoundsArgs {
    /// These bounds where they are given, else those of the case.
    pub(crate) fn apply(&self, bounds: &mut Bounds) {
        macro_rules! apply {
            ($($field:ident),*) => {
                $(bounds.$field = self.$field.unwrap_or(bounds.$field);)*
            };
        }
        apply!(
            hold,
            evidence,
            keep_alive,
            katt,
            katt_at_loss,
            cqt,
            cqt_source,
            controllers,
            associations,
            connections,
            blocks,
            writes,
            losses,
            lose_by,
            teardown,
            keep_alives,
            notifications,
            disables,
            removals,
            deletions,
            late,
            admin,
            resumes,
            send_failures,
            ccrl,
            nuisances,
            failures_tell,
            lost_host_logs,
            prompt,
            stale,
            namesakes,
            nameless,
            cleans_up,
            tick_ms,
            changes,
            late_asks,
            lost_sources_receive,
            slots,
            buffers,
            foreign,
            unloads
        );
    }
}

#[derive(Debug, Args)]
pub(crate) struct MutantsArgs {
    /// Only mutants with one of these in their names
    #[arg(value_name = "NAME")]
    pub(crate) filters: Vec<String>,
    /// Run all cases of the model on all mutants, not only the one in which it should notice
    #[arg(long)]
    pub(crate) always_model: bool,
    /// Ask the next one only if nobody has noticed yet: unit tests, properties, the model
    #[arg(long, conflicts_with = "always_model")]
    pub(crate) until_noticed: bool,
    /// The source tree
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../.."), hide_default_value = true)]
    pub(crate) tree: PathBuf,
    /// Build there
    #[arg(long, default_value = "target/policy-mutants")]
    pub(crate) work_dir: PathBuf,
    /// Jobs of cargo, and threads of the search
    #[arg(long, default_value_t = 2)]
    pub(crate) jobs: usize,
}

#[derive(Debug, Args)]
pub(crate) struct ShellMutantsArgs {
    /// Only mutants with one of these in their names
    #[arg(value_name = "NAME")]
    pub(crate) filters: Vec<String>,
    /// The source tree
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../.."), hide_default_value = true)]
    pub(crate) tree: PathBuf,
    /// Build there, below the source tree
    #[arg(long, default_value = "target/shell-mutants")]
    pub(crate) work_dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Text of the trace
    pub(crate) trace: PathBuf,
    /// What is done so much later than it could be is late
    #[arg(long, value_name = "MICROSECONDS", default_value_t = 10_000)]
    pub(crate) tolerance_us: u64,
}
