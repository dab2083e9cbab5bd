// SPDX-License-Identifier: GPL-2.0

//! What the operator can say to a proxy.
//!
//! | command | meaning |
//! |---|---|
//! | `hold [N]` | keep what the host sends from now on, its close included; the target's answers pass |
//! | `hold --after BYTES [N]` | the same, when so many more bytes have passed |
//! | `freeze [N]` | keep what either side sends, a close included: the path goes silent |
//! | `stall [N]` | leave what the host sends in the socket, its close included, until `hold`, `freeze` or `deliver` |
//! | `deliver [--wait] [N]` | pass on what was kept, then be an ordinary proxy again |
//! | `drop [N]` | forget what was kept and close both sides |
//! | `forge [N]` | close the host's side only; what was kept for the target stays |
//! | `refuse` | close new connections at once; they get no number |
//! | `accept` | take new connections again |
//! | `list` | reply with a line a connection |
//! | `wait host-closed N\|all` | reply when the host has closed its side |
//!
//! Connections are numbered from 1 in order of acceptance. Without a number a command is about all
//! connections there are; `hold`, `freeze` and `stall` then apply to new ones too, until a `deliver`
//! without a number. `BYTES` are those of each connection; new ones start to count at their first byte.
//!
//! `deliver` replies with a line for each connection that had bytes for the target:
//! `1 delivered=4168`. With `--wait` it replies when each of these targets has sent something or
//! closed, and says which: `1 delivered=4168 target=answered` or `… target=closed`. If the host had
//! closed, the target is told after that reaction.
//!
//! What a stalled connection has left in the socket is not counted: of that alone there is no line, and
//! `--wait` does not wait for a reaction to it. Nor is its host's close seen, by `wait host-closed` and
//! `list`, before it is read; but if the host takes no more of what the target sends, that is its close.
//!
//! `list` replies with lines such as
//!
//! ```text
//! 1 state=hold host=closed target=open passed_to_target=128 kept_for_target=4168 discarded_for_target=0 passed_to_host=128 kept_for_host=0 discarded_for_host=24
//! ```
//!
//! `state` is `pass`, `hold`, `freeze`, `stall` or `dropped`; a connection for which the target could not be
//! reached is dropped as well. Discarded bytes are those whose receiver was gone.

use std::str::FromStr;

use thiserror::Error;

/// Which connections a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Selection {
    /// All of them.
    All,
    /// The one with this number.
    One(usize),
}

/// See the table in the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// Keep what the host sends.
    Hold {
        /// Where.
        selection: Selection,
        /// So many bytes still pass.
        after: u64,
    },
    /// Keep what either side sends.
    Freeze(Selection),
    /// Do not read what the host sends, until another mode.
    Stall(Selection),
    /// Pass on what was kept.
    Deliver {
        /// Where.
        selection: Selection,
        /// Reply when the target reacted, not before.
        wait: bool,
    },
    /// Forget what was kept and close.
    Drop(Selection),
    /// Close the host's side, of which the target learns nothing.
    Forge(Selection),
    /// Close new connections at once.
    Refuse,
    /// Take new connections again.
    Accept,
    /// Show all connections.
    List,
    /// Reply when the host has closed, not before.
    WaitHostClosed(Selection),
}

/// A command that cannot be executed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum CommandError {
    /// There is no such command, or not with these arguments.
    #[error("unknown command: {0:?}")]
    UnknownCommand(String),
    /// An argument should be the number of a connection.
    #[error("not a connection number: {0:?}")]
    NotANumber(String),
    /// An argument should be a number of bytes.
    #[error("not a number of bytes: {0:?}")]
    NotBytes(String),
    /// No connection has this number.
    #[error("no connection {0}")]
    UnknownConnection(usize),
}

impl FromStr for Command {
    type Err = CommandError;

    fn from_str(line: &str) -> Result<Self, CommandError> {
        let words: Vec<_> = line.split_whitespace().collect();
        match *words.as_slice() {
            ["hold"] => Ok(hold(Selection::All, 0)),
            ["hold", number] => Ok(hold(one(number)?, 0)),
            ["hold", "--after", after] => Ok(hold(Selection::All, bytes(after)?)),
            ["hold", "--after", after, number] => Ok(hold(one(number)?, bytes(after)?)),
            ["freeze"] => Ok(Command::Freeze(Selection::All)),
            ["freeze", number] => Ok(Command::Freeze(one(number)?)),
            ["stall"] => Ok(Command::Stall(Selection::All)),
            ["stall", number] => Ok(Command::Stall(one(number)?)),
            ["deliver", "--wait"] => Ok(Command::Deliver {
                selection: Selection::All,
                wait: true,
            }),
            ["deliver", "--wait", number] | ["deliver", number, "--wait"] => Ok(Command::Deliver {
                selection: one(number)?,
                wait: true,
            }),
            ["deliver"] => Ok(Command::Deliver {
                selection: Selection::All,
                wait: false,
            }),
            ["deliver", number] => Ok(Command::Deliver {
                selection: one(number)?,
                wait: false,
            }),
            ["drop"] => Ok(Command::Drop(Selection::All)),
            ["drop", number] => Ok(Command::Drop(one(number)?)),
            ["forge"] => Ok(Command::Forge(Selection::All)),
            ["forge", number] => Ok(Command::Forge(one(number)?)),
            ["refuse"] => Ok(Command::Refuse),
            ["accept"] => Ok(Command::Accept),
            ["list"] => Ok(Command::List),
            ["wait", "host-closed", "all"] => Ok(Command::WaitHostClosed(Selection::All)),
            ["wait", "host-closed", number] => Ok(Command::WaitHostClosed(one(number)?)),
            _ => Err(CommandError::UnknownCommand(line.trim().to_owned())),
        }
    }
}

fn hold(selection: Selection, after: u64) -> Command {
    Command::Hold { selection, after }
}

fn bytes(word: &str) -> Result<u64, CommandError> {
    word.parse()
        .map_err(|_| CommandError::NotBytes(word.to_owned()))
}

fn one(word: &str) -> Result<Selection, CommandError> {
    let number = word
        .parse()
        .map_err(|_| CommandError::NotANumber(word.to_owned()))?;
    Ok(Selection::One(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_understood() {
        use Selection::{All, One};

        for (line, command) in [
            ("hold", hold(All, 0)),
            ("hold 2", hold(One(2), 0)),
            ("hold --after 72", hold(All, 72)),
            ("hold --after 72 2", hold(One(2), 72)),
            ("freeze", Command::Freeze(All)),
            ("freeze 2", Command::Freeze(One(2))),
            ("stall", Command::Stall(All)),
            ("stall 2", Command::Stall(One(2))),
            (
                "deliver",
                Command::Deliver {
                    selection: All,
                    wait: false,
                },
            ),
            (
                "deliver 2",
                Command::Deliver {
                    selection: One(2),
                    wait: false,
                },
            ),
            (
                "deliver --wait",
                Command::Deliver {
                    selection: All,
                    wait: true,
                },
            ),
            (
                "deliver --wait 2",
                Command::Deliver {
                    selection: One(2),
                    wait: true,
                },
            ),
            (
                "deliver 2 --wait",
                Command::Deliver {
                    selection: One(2),
                    wait: true,
                },
            ),
            ("drop", Command::Drop(All)),
            ("drop 2", Command::Drop(One(2))),
            ("forge", Command::Forge(All)),
            ("forge 1", Command::Forge(One(1))),
            ("refuse", Command::Refuse),
            ("accept", Command::Accept),
            ("list", Command::List),
            ("wait host-closed all", Command::WaitHostClosed(All)),
            ("wait host-closed 2", Command::WaitHostClosed(One(2))),
            ("  list \r\n", Command::List),
        ] {
            assert_eq!(line.parse(), Ok(command), "{line}");
        }
    }

    #[test]
    fn everything_else_is_an_error() {
        for line in [
            "",
            "hold 1 2",
            "hold 1 --after 72",
            "refuse 1",
            "wait",
            "wait host-closed",
            "HOLD",
        ] {
            assert_eq!(
                line.parse::<Command>(),
                Err(CommandError::UnknownCommand(line.to_owned())),
                "{line}"
            );
        }
        for line in [
            "hold x",
            "drop -1",
            "deliver --soon",
            "wait host-closed any",
        ] {
            let error = line.parse::<Command>().unwrap_err();
            assert!(
                matches!(error, CommandError::NotANumber(_)),
                "{line}: {error}"
            );
        }
        assert_eq!(
            "hold --after -1".parse::<Command>(),
            Err(CommandError::NotBytes("-1".to_owned()))
        );
    }
}
