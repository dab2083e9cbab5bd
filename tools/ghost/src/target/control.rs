// SPDX-License-Identifier: GPL-2.0

//! What the operator can say through the control socket.
//!
//! | command | meaning |
//! |---|---|
//! | `rule RULE` | add a rule; reply with its number |
//! | `rules` | reply with a line a rule: number, how often it has applied, text |
//! | `forget N\|all` | remove rules; what is held stays held |
//! | `held` | reply with a line for each command that is held |
//! | `release N\|all` | let it go on, in the order of the numbers |
//! | `wait held N` | reply when at least N commands are held |
//! | `controllers` | reply with a line a controller |
//! | `wait lost CNTLID` | reply when its association has ended |
//! | `wait gone CNTLID` | reply when there is no such controller: its commands are over |
//! | `disconnect CNTLID [QUEUE]` | close all its connections, or one |
//! | `refuse [PORT]` | close new connections at once |
//! | `accept [PORT]` | take new connections again |
//! | `ana PORT STATE [GROUP]` | set the state of an ANA group there, or of all |
//! | `move PORT [GROUP]` | move an ANA group to this port, or all, as an array does |
//! | `event CNTLID EVENT` | report an event, enabled or not |
//! | `entry CNTLID FIELD=N...` | put a made-up entry into its log page 1Eh |
//! | `lost-entry CNTLID FIELD=N...` | put a made-up entry into its log page 1Fh |

use std::ops::RangeInclusive;

use thiserror::Error;

use super::config::AnaState;
use super::controller::{AssociationId, Controller};
use super::core::Core;
use super::script::{ScriptError, made_up_entry, made_up_lost_entry};
use crate::nvme::bytes::parse_number;
use crate::nvme::event::Event;

/// A command that cannot be executed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum ControlError {
    /// There is no such command, or not with these arguments.
    #[error("unknown command: {0:?}")]
    UnknownCommand(String),
    /// An argument should be a number.
    #[error("not a number: {0:?}")]
    NotANumber(String),
    /// Nothing has this number.
    #[error("no {0} {1}")]
    Unknown(&'static str, u64),
    /// A rule, or an entry, that has no meaning.
    #[error(transparent)]
    Script(#[from] ScriptError),
}

/// The lines of a reply; none if the command must be executed again when something has changed.
type Reply = Result<Option<Vec<String>>, ControlError>;

fn number<N: TryFrom<u64>>(word: &str) -> Result<N, ControlError> {
    parse_number(word)
        .and_then(|number| number.try_into().ok())
        .ok_or_else(|| ControlError::NotANumber(word.to_owned()))
}

impl Core {
    /// Executes a command, or says that it has to wait.
    pub(super) fn control(&mut self, line: &str) -> Reply {
        let line = line.trim();
        if let Some(rule) = line.strip_prefix("rule ") {
            return Ok(Some(vec![self.rules.add(rule.parse()?).to_string()]));
        }
        let words: Vec<_> = line.split_whitespace().collect();
        match *words.as_slice() {
            ["rules"] => Ok(Some(self.list_rules())),
            ["forget", "all"] => {
                self.rules.clear();
                done()
            }
            ["forget", word] => {
                let rule = number(word)?;
                known(self.rules.remove(rule), "rule", rule)
            }
            ["held"] => Ok(Some(self.list_held())),
            ["release", "all"] => {
                // What is held again by another rule is not released again.
                let numbers: Vec<u64> = self.held.keys().copied().collect();
                for number in numbers {
                    self.release(number);
                }
                done()
            }
            ["release", word] => {
                let held = number(word)?;
                known(self.release(held), "held command", held)
            }
            ["wait", "held", word] => {
                let wanted: usize = number(word)?;
                Ok((self.held.len() >= wanted).then(Vec::new))
            }
            ["wait", "lost", word] => {
                let cntlid = number(word)?;
                let is_lost = match self.controller(cntlid) {
                    Ok(id) => self.controllers[&id].lost,
                    Err(_) => true,
                };
                Ok(is_lost.then(Vec::new))
            }
            ["wait", "gone", word] => {
                let cntlid = number(word)?;
                Ok(self.controller(cntlid).is_err().then(Vec::new))
            }
            ["controllers"] => Ok(Some(self.list_controllers())),
            ["disconnect", word] => {
                let id = self.controller(number(word)?)?;
                self.lose_association(id, "operator");
                done()
            }
            ["disconnect", word, queue] => {
                let (id, queue) = (self.controller(number(word)?)?, number::<u16>(queue)?);
                self.close_queues(id, |other| other == queue, "operator");
                done()
            }
            ["refuse"] => self.set_refusing(None, true),
            ["refuse", port] => self.set_refusing(Some(port), true),
            ["accept"] => self.set_refusing(None, false),
            ["accept", port] => self.set_refusing(Some(port), false),
            ["ana", port, state, ref group @ ..] => {
                let port = self.port_number(port)?;
                let state = AnaState::named(state).ok_or_else(|| unknown(line))?;
                let groups = self.groups(group, line)?;
                self.set_ana(port, groups, state);
                done()
            }
            ["move", port, ref group @ ..] => {
                let port = self.port_number(port)?;
                for group in self.groups(group, line)? {
                    self.move_group(group, port);
                }
                done()
            }
            ["event", word, event] => {
                let id = self.controller(number(word)?)?;
                let event = Event::named(event).ok_or_else(|| unknown(line))?;
                self.post_event(id, event);
                done()
            }
            ["entry", word, ref fields @ ..] => {
                let id = self.controller(number(word)?)?;
                self.make_up_entry(id, &made_up_entry(fields)?);
                done()
            }
            ["lost-entry", word, ref fields @ ..] => {
                let id = self.controller(number(word)?)?;
                self.make_up_lost_entry(id, &made_up_lost_entry(fields)?);
                done()
            }
            _ => Err(unknown(line)),
        }
    }

    /// The controller with this CNTLID. If a rule has made several, the newest one that is not
    /// lost, or else the newest one.
    fn controller(&self, cntlid: u16) -> Result<AssociationId, ControlError> {
        self.controllers
            .iter()
            .filter(|(_, controller)| controller.cntlid == cntlid)
            .max_by_key(|&(&id, controller)| (!controller.lost, id))
            .map(|(&id, _)| id)
            .ok_or(ControlError::Unknown("controller", cntlid.into()))
    }

    fn port_number(&self, word: &str) -> Result<u16, ControlError> {
        let port: u16 = number(word)?;
        if port >= 1 && usize::from(port) <= self.ports.len() {
            Ok(port)
        } else {
            Err(ControlError::Unknown("port", port.into()))
        }
    }

    /// The ANA group that is named, or all of them.
    fn groups(&self, words: &[&str], line: &str) -> Result<RangeInclusive<u32>, ControlError> {
        let group = match words {
            [] => return Ok(self.config.nsids()),
            [word] => number(word)?,
            _ => return Err(unknown(line)),
        };
        if self.config.nsids().contains(&group) {
            Ok(group..=group)
        } else {
            Err(ControlError::Unknown("ANA group", group.into()))
        }
    }

    fn set_refusing(&mut self, port: Option<&str>, refuses: bool) -> Reply {
        match port {
            None => self
                .ports
                .iter_mut()
                .for_each(|port| port.refuses = refuses),
            Some(word) => {
                let port = self.port_number(word)?;
                self.ports[usize::from(port) - 1].refuses = refuses;
            }
        }
        done()
    }

    fn list_rules(&self) -> Vec<String> {
        self.rules
            .iter()
            .map(|(number, rule)| format!("{number} hits={} {}", rule.hits(), rule.text()))
            .collect()
    }

    fn list_held(&self) -> Vec<String> {
        self.held
            .iter()
            .map(|(number, held)| {
                let command = &held.command;
                let mut blocks = command.facts.blocks.map_or_else(String::new, |(slba, blocks)| {
                    format!(" slba={slba} blocks={blocks}")
                });
                if let Some(nsid) = self.nsid_to_tell(command) {
                    blocks += &format!(" nsid={nsid}");
                }
                let connected = self.connections.contains_key(&command.connection);
                format!(
                    "{number} port={} cntlid={} queue={} cid={} opcode={}{blocks} stage={} connection={}",
                    command.facts.port,
                    command.facts.cntlid,
                    command.facts.queue.unwrap_or(0),
                    command.sqe.cid(),
                    command.opcode.name(),
                    held.stage.name(),
                    if connected { "open" } else { "lost" },
                )
            })
            .collect()
    }

    fn list_controllers(&self) -> Vec<String> {
        self.controllers
            .iter()
            .map(|(&id, controller)| self.controller_line(id, controller))
            .collect()
    }

    fn controller_line(&self, id: AssociationId, controller: &Controller) -> String {
        let (ciu, cirn) = controller
            .identity
            .map_or((0, 0), |identity| (identity.ciu, identity.cirn));
        let queues = self
            .connections
            .values()
            .filter_map(|connection| connection.queue.as_ref())
            .filter(|queue| queue.association == id)
            .count();
        let held = self
            .held
            .values()
            .filter(|held| held.command.association == Some(id))
            .count();
        format!(
            "{} port={} ciu={ciu} cirn={cirn:#018x} state={} queues={queues} held={held} kato_ms={} hostnqn={}",
            controller.cntlid,
            controller.port,
            if controller.lost { "lost" } else { "live" },
            controller.keep_alive_ms,
            controller.host.nqn,
        )
    }
}

fn unknown(line: &str) -> ControlError {
    ControlError::UnknownCommand(line.to_owned())
}

fn done() -> Reply {
    Ok(Some(Vec::new()))
}

fn known(known: bool, what: &'static str, number: u64) -> Reply {
    if known {
        done()
    } else {
        Err(ControlError::Unknown(what, number))
    }
}
