// SPDX-License-Identifier: GPL-2.0

//! What a seed says: how the paths are connected, and what happens in each round.
//!
//! Everything is drawn before anything happens, so that a schedule can be printed and read. It
//! keeps to what is true of real fabrics: nobody says that a connection is gone, or that its
//! controller is, while bytes of its association are still on their way (see
//! [`Round::notification`] and [`Fault::release`]). A host that believes a lie loses data, and no
//! rule can help it.

use std::fmt;

use super::random::Random;

/// Every sweep has two paths.
pub const PATHS: usize = 2;

/// How a path is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connect {
    /// Keep alive timeout, in seconds.
    pub kato_s: u64,
}

/// Some load, some faults, and how the host is set up meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Command Quiesce Time.
    pub cqt_ms: u64,
    /// Whether the host may take a close for a notification of the controller. Only if the one who
    /// closes keeps nothing of the same association.
    pub notification: bool,
    /// When the host gives a command up.
    pub io_timeout_ms: u64,
    /// How the host chooses among paths.
    pub iopolicy: &'static str,
    /// What is written meanwhile.
    pub load: Load,
    /// What goes wrong, in order.
    pub faults: Vec<Fault>,
}

/// What is written, and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Registers, each written by a thread of its own.
    pub blocks: u64,
    /// Size of each.
    pub block_bytes: usize,
    /// Generations, each register.
    pub generations: u64,
    /// Pause between two generations.
    pub interval_ms: u64,
    /// Pause between two reads, if there are readers.
    pub read_interval_ms: Option<u64>,
}

/// What goes wrong on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Since the round began.
    pub at_ms: u64,
    /// Index of the path.
    pub path: usize,
    /// Which of its connections.
    pub scope: Scope,
    /// What happens to them.
    pub kind: Kind,
    /// For how long new connections are refused.
    pub refuse_ms: Option<u64>,
    /// Whether the administrator says that the controller is dead once it has nothing left to
    /// execute.
    pub release: bool,
}

/// Which connections of a path a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All there are, and those that come while it lasts.
    Path,
    /// All that are alive; new ones are not touched.
    Association,
    /// The admin queue's.
    Admin,
    /// The I/O queue's.
    Io,
}

/// What happens to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What the host sends is kept.
    Hold(Mend),
    /// What either side sends is kept.
    Freeze(Mend),
    /// They are closed, and what was in them is forgotten.
    Drop,
}

/// How bytes stop being kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mend {
    /// Since the fault.
    pub after_ms: u64,
    /// They reach the controller; or else they are forgotten.
    pub deliver: bool,
}

/// How the paths of `seed` are connected.
pub fn connects(seed: u64) -> [Connect; PATHS] {
    let mut random = Random::part(seed, 0);
    std::array::from_fn(|_| Connect {
        kato_s: random.choose(&[1, 2, 2, 3, 3, 5]),
    })
}

impl Round {
    /// Round `number` of `seed`, from 1.
    pub fn draw(seed: u64, number: u64) -> Self {
        assert!(
            number > 0,
            "part 0 of a seed is how its paths are connected"
        );
        let mut random = Random::part(seed, number);
        let random = &mut random;

        let cqt_ms = random.choose(&[1, 10, 100, 500, 1000, 3000]);
        let io_timeout_ms = random.choose(&[200, 200, 300, 500, 1000, 3000]);
        let count = random.choose(&[1, 1, 2, 2, 3, 4]);
        let mut faults = Vec::new();
        let mut at_ms = random.between(20, 300);
        for _ in 0..count {
            let path = usize::from(random.chance(50));
            let kato_ms = connects(seed)[path].kato_s * 1000;
            faults.push(Fault::draw(random, at_ms, path, kato_ms, cqt_ms));
            // Often while the one before is still being waited for.
            at_ms += random.between(0, 2 * kato_ms + 1000);
        }
        let last_ms = faults.last().map_or(0, |fault: &Fault| fault.at_ms);
        // A close is about all that a path carries if it is the only thing that happens to it.
        let may_believe =
            (0..PATHS).all(|path| faults.iter().filter(|f| f.path == path).count() < 2);
        Round {
            cqt_ms,
            notification: may_believe && random.chance(70),
            io_timeout_ms,
            iopolicy: random.choose(&["numa", "round-robin", "round-robin", "queue-depth"]),
            load: Load::draw(random, last_ms),
            faults,
        }
    }
}

impl Load {
    /// Load that is still there when the last fault begins, at `last_ms`.
    fn draw(random: &mut Random, last_ms: u64) -> Self {
        let block_bytes = random.choose(&[512, 4096, 4096, 16 << 10, 64 << 10, 128 << 10]);
        let many = if block_bytes > 16 << 10 { 4 } else { 12 };
        let generations = random.between(4, 12);
        Load {
            blocks: random.between(many / 2, many),
            block_bytes,
            generations,
            interval_ms: (last_ms + random.between(50, 500)).div_ceil(generations),
            read_interval_ms: random.chance(50).then(|| random.between(200, 1000)),
        }
    }
}

impl Fault {
    fn draw(random: &mut Random, at_ms: u64, path: usize, kato_ms: u64, cqt_ms: u64) -> Self {
        let scope = random.choose(&[
            Scope::Path,
            Scope::Path,
            Scope::Association,
            Scope::Association,
            Scope::Io,
            Scope::Io,
            Scope::Io,
            Scope::Admin,
        ]);
        // A controller that is waited for with 3 x KATT has given up itself after two.
        let fenced_ms = 3 * kato_ms + cqt_ms;
        let mend = Mend {
            after_ms: match random.between(1, 10) {
                // The host has given up, the controller has not.
                1..=6 => random.between(1000, 1000 + kato_ms),
                7..=8 => random.between(kato_ms, fenced_ms),
                _ => random.between(fenced_ms, fenced_ms + 2000),
            },
            deliver: random.chance(80),
        };
        Fault {
            at_ms,
            path,
            scope,
            kind: match random.between(1, 10) {
                1..=5 => Kind::Hold(mend),
                6..=8 => Kind::Freeze(mend),
                _ => Kind::Drop,
            },
            refuse_ms: random.chance(50).then(|| random.between(100, 4000)),
            release: random.chance(25),
        }
    }
}

impl fmt::Display for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keep_alive_tmo={},reconnect_delay=1", self.kato_s)
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Round {
            cqt_ms,
            notification,
            io_timeout_ms,
            iopolicy,
            load,
            faults,
        } = self;
        write!(
            f,
            "cqt_ms={cqt_ms} notification={} io_timeout_ms={io_timeout_ms} iopolicy={iopolicy} {load}",
            u8::from(*notification)
        )?;
        faults.iter().try_for_each(|fault| write!(f, "; {fault}"))
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Load {
            blocks,
            block_bytes,
            generations,
            interval_ms,
            read_interval_ms,
        } = self;
        write!(
            f,
            "load={blocks}x{block_bytes}x{generations}/{interval_ms}ms"
        )?;
        match read_interval_ms {
            Some(ms) => write!(f, " reads/{ms}ms"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = match self.scope {
            Scope::Path => "path",
            Scope::Association => "association",
            Scope::Admin => "admin",
            Scope::Io => "io",
        };
        let (kind, mend) = match self.kind {
            Kind::Hold(mend) => ("hold", Some(mend)),
            Kind::Freeze(mend) => ("freeze", Some(mend)),
            Kind::Drop => ("drop", None),
        };
        write!(
            f,
            "at {} ms {kind} {scope} of path {}",
            self.at_ms,
            self.path + 1
        )?;
        if let Some(Mend { after_ms, deliver }) = mend {
            let how = if deliver { "deliver" } else { "drop" };
            write!(f, ", {how} after {after_ms} ms")?;
        }
        if let Some(ms) = self.refuse_ms {
            write!(f, ", refuse for {ms} ms")?;
        }
        if self.release {
            write!(f, ", then release")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds() -> impl Iterator<Item = Round> {
        (1..20).flat_map(|seed| (1..20).map(move |number| Round::draw(seed, number)))
    }

    #[test]
    fn a_seed_says_the_same_every_time() {
        assert_eq!(Round::draw(7, 3), Round::draw(7, 3));
        assert_ne!(Round::draw(7, 3), Round::draw(7, 4));
        assert_ne!(Round::draw(7, 3), Round::draw(8, 3));
    }

    /// If this fails, every seed that anybody has written down means something else now.
    #[test]
    fn a_schedule_is_a_line_to_read() {
        assert_eq!(
            Round::draw(1, 1).to_string(),
            "cqt_ms=500 notification=0 io_timeout_ms=500 iopolicy=round-robin \
             load=8x16384x12/830ms reads/920ms; \
             at 109 ms hold admin of path 2, deliver after 10931 ms, refuse for 2303 ms; \
             at 5752 ms hold io of path 1, deliver after 3163 ms, then release; \
             at 9678 ms hold io of path 1, deliver after 4000 ms"
        );
        assert_eq!(
            connects(1).map(|connect| connect.to_string()),
            [
                "keep_alive_tmo=3,reconnect_delay=1",
                "keep_alive_tmo=3,reconnect_delay=1"
            ]
        );
    }

    #[test]
    fn everything_is_drawn_sooner_or_later() {
        let faults: Vec<_> = rounds().flat_map(|round| round.faults).collect();
        for scope in [Scope::Path, Scope::Association, Scope::Admin, Scope::Io] {
            assert!(faults.iter().any(|fault| fault.scope == scope));
        }
        let any = |test: fn(&Fault) -> bool| faults.iter().any(test);
        assert!(any(|fault| matches!(fault.kind, Kind::Drop)));
        assert!(any(
            |fault| matches!(fault.kind, Kind::Hold(mend) if mend.deliver)
        ));
        assert!(any(
            |fault| matches!(fault.kind, Kind::Freeze(mend) if !mend.deliver)
        ));
        assert!(any(|fault| fault.release) && any(|fault| fault.refuse_ms.is_some()));
        assert!(any(|fault| fault.path == 0) && any(|fault| fault.path == 1));
    }

    #[test]
    fn faults_are_in_order() {
        for round in rounds() {
            assert!((1..=4).contains(&round.faults.len()));
            assert!(round.faults.is_sorted_by_key(|fault| fault.at_ms));
        }
    }

    #[test]
    fn a_close_is_believed_only_if_nothing_else_is_kept() {
        assert!(rounds().any(|round| round.notification));
        for round in rounds().filter(|round| round.notification) {
            for path in 0..PATHS {
                assert!(
                    round
                        .faults
                        .iter()
                        .filter(|fault| fault.path == path)
                        .count()
                        < 2
                );
            }
        }
    }

    #[test]
    fn load_fits_the_limits_of_ghost_write() {
        for Round { load, .. } in rounds() {
            assert!((1..=256).contains(&load.blocks));
            assert!(load.block_bytes.is_multiple_of(512));
            assert!(load.blocks * load.block_bytes as u64 <= 1 << 20);
            assert!(load.generations >= 4);
        }
    }
}
