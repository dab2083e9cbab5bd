// SPDX-License-Identifier: GPL-2.0

//! A proxy, and which of its connections a fault is about.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::schedule::{Kind, Scope};
use crate::control;

/// One path: the proxy in front of it and the host's controller behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepPath {
    /// The control socket of the proxy.
    pub control: PathBuf,
    /// The name of the controller, `nvmeN`.
    pub controller: String,
}

/// What a fault has been done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Struck {
    /// The whole path.
    Path,
    /// These connections; none, if there was none that could have been meant.
    Connections(Vec<usize>),
}

/// A connection, as the proxy lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Connection {
    number: usize,
    /// Neither side has closed.
    alive: bool,
    kept_for_target: u64,
}

impl SweepPath {
    /// Begins a fault.
    pub fn strike(&self, kind: Kind, scope: Scope) -> Result<Struck> {
        let struck = match scope {
            Scope::Path => Struck::Path,
            Scope::Association | Scope::Admin | Scope::Io => {
                Struck::Connections(pick(&self.list()?, scope))
            }
        };
        let command = match kind {
            Kind::Hold(_) => "hold",
            Kind::Freeze(_) => "freeze",
            Kind::Drop => "drop",
        };
        self.tell_struck(command, &struck)?;
        Ok(struck)
    }

    /// Delivers or forgets what was kept. Returns how many bytes there were for the target.
    pub fn mend(&self, struck: &Struck, deliver: bool) -> Result<u64> {
        let kept = self.kept(struck)?;
        if !deliver {
            self.tell_struck("drop", struck)?;
            if *struck == Struck::Path {
                // New connections are ordinary ones again.
                self.tell("deliver")?;
            }
        } else {
            self.tell_struck("deliver", struck)?;
        }
        Ok(kept)
    }

    /// Sends the proxy a command and returns its reply.
    pub fn tell(&self, command: &str) -> Result<String> {
        control::request(&self.control, command)
            .with_context(|| format!("{command:?} to the proxy of {}", self.controller))
    }

    /// Whether bytes that the host has sent are still on their way to the controller.
    pub fn keeps_bytes(&self) -> Result<bool> {
        Ok(self.kept(&Struck::Path)? > 0)
    }

    fn tell_struck(&self, command: &str, struck: &Struck) -> Result<()> {
        match struck {
            Struck::Path => {
                self.tell(command)?;
            }
            Struck::Connections(numbers) => {
                for number in numbers {
                    self.tell(&format!("{command} {number}"))?;
                }
            }
        }
        Ok(())
    }

    fn kept(&self, struck: &Struck) -> Result<u64> {
        let kept = self.list()?.into_iter().filter(|connection| match struck {
            Struck::Path => true,
            Struck::Connections(numbers) => numbers.contains(&connection.number),
        });
        Ok(kept.map(|connection| connection.kept_for_target).sum())
    }

    fn list(&self) -> Result<Vec<Connection>> {
        let reply = self.tell("list")?;
        reply
            .lines()
            .map(|line| parse(line).with_context(|| format!("what does {line:?} say?")))
            .collect()
    }
}

/// The live connections in the scope. The host makes the admin queue's connection before the I/O
/// queue's, and the latest association is the one that is in use.
fn pick(connections: &[Connection], scope: Scope) -> Vec<usize> {
    let alive: Vec<_> = connections
        .iter()
        .filter(|connection| connection.alive)
        .collect();
    let latest = &alive[alive.len().saturating_sub(2)..];
    let picked = match scope {
        Scope::Path => &alive[..],
        Scope::Association => latest,
        Scope::Admin => &latest[..latest.len().min(1)],
        Scope::Io => &latest[latest.len().saturating_sub(1)..],
    };
    picked.iter().map(|connection| connection.number).collect()
}

fn parse(line: &str) -> Option<Connection> {
    let (number, rest) = line.split_once(' ')?;
    let field = |name: &str| {
        rest.split(' ')
            .filter_map(|word| word.split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    };
    Some(Connection {
        number: number.parse().ok()?,
        alive: field("state")? != "dropped"
            && field("host")? == "open"
            && field("target")? == "open",
        kept_for_target: field("kept_for_target")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(number: usize, alive: bool) -> Connection {
        Connection {
            number,
            alive,
            kept_for_target: 0,
        }
    }

    #[test]
    fn the_line_of_a_connection_is_understood() {
        let line = "3 state=hold host=closed target=open passed_to_target=128 \
                    kept_for_target=4168 discarded_for_target=0 passed_to_host=128 \
                    kept_for_host=0 discarded_for_host=24";
        assert_eq!(
            parse(line),
            Some(Connection {
                number: 3,
                alive: false,
                kept_for_target: 4168,
            })
        );
        assert_eq!(
            parse(&line.replace("closed", "open")).map(|c| c.alive),
            Some(true)
        );
        assert_eq!(parse("3 state=hold"), None);
    }

    #[test]
    fn a_fault_is_about_the_latest_association() {
        let connections = [
            connection(1, false),
            connection(2, true),
            connection(3, true),
            connection(4, true),
        ];
        assert_eq!(pick(&connections, Scope::Path), [2, 3, 4]);
        assert_eq!(pick(&connections, Scope::Association), [3, 4]);
        assert_eq!(pick(&connections, Scope::Admin), [3]);
        assert_eq!(pick(&connections, Scope::Io), [4]);
    }

    #[test]
    fn a_path_that_is_down_has_nothing_to_strike() {
        for scope in [Scope::Association, Scope::Admin, Scope::Io] {
            assert!(pick(&[connection(1, false)], scope).is_empty());
        }
    }
}
