// SPDX-License-Identifier: GPL-2.0

//! All connections of a proxy, and what happens to new ones.

use std::sync::{Arc, Mutex, MutexGuard};

use super::command::{Command, CommandError, Selection};
use super::connection::{Connection, Mode, Reaction};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Registry {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Number N is at index N - 1. Closed connections stay, so that numbers stay.
    connections: Vec<Arc<Connection>>,
    mode_of_new: Mode,
    refusing: bool,
}

impl Registry {
    /// Numbers a new connection, unless new ones are refused.
    pub(super) fn admit(&self) -> Option<Arc<Connection>> {
        let mut state = self.lock();
        if state.refusing {
            return None;
        }
        let number = state.connections.len() + 1;
        let connection = Arc::new(Connection::new(number, state.mode_of_new));
        state.connections.push(Arc::clone(&connection));
        Some(connection)
    }

    /// Executes a command and returns the lines of its reply. Waits as long as the command says.
    pub(super) fn execute(&self, command: Command) -> Result<Vec<String>, CommandError> {
        match command {
            Command::Hold { selection, after } => self.set_mode(selection, Mode::Hold { after }),
            Command::Freeze(selection) => self.set_mode(selection, Mode::Freeze),
            Command::Stall(selection) => self.set_mode(selection, Mode::Stall),
            Command::Deliver { selection, wait } => self.deliver(selection, wait),
            Command::Drop(selection) => self.drop_both(selection),
            Command::Forge(selection) => self.close_host(selection),
            Command::Refuse => self.set_refusing(true),
            Command::Accept => self.set_refusing(false),
            Command::List => self.list(),
            Command::WaitHostClosed(selection) => self.await_host_closed(selection),
        }
    }

    fn set_mode(&self, selection: Selection, mode: Mode) -> Result<Vec<String>, CommandError> {
        let mut state = self.lock();
        for connection in state.select(selection)? {
            connection.set_mode(mode);
        }
        state.set_mode_of_new(selection, mode);
        Ok(Vec::new())
    }

    fn deliver(&self, selection: Selection, wait: bool) -> Result<Vec<String>, CommandError> {
        let deliveries: Vec<_> = {
            let mut state = self.lock();
            let connections = state.select(selection)?;
            state.set_mode_of_new(selection, Mode::Pass);
            connections
                .into_iter()
                .filter_map(|connection| {
                    connection.deliver().map(|delivery| (connection, delivery))
                })
                .collect()
        };
        let lines = deliveries.into_iter().map(|(connection, delivery)| {
            let delivered = format!("{} delivered={}", connection.number(), delivery.bytes);
            if !wait {
                return delivered;
            }
            match connection.await_reaction(delivery) {
                Reaction::Answered => format!("{delivered} target=answered"),
                Reaction::Closed => format!("{delivered} target=closed"),
            }
        });
        Ok(lines.collect())
    }

    fn drop_both(&self, selection: Selection) -> Result<Vec<String>, CommandError> {
        for connection in self.lock().select(selection)? {
            connection.drop_both();
        }
        Ok(Vec::new())
    }

    fn close_host(&self, selection: Selection) -> Result<Vec<String>, CommandError> {
        for connection in self.lock().select(selection)? {
            connection.close_host();
        }
        Ok(Vec::new())
    }

    fn set_refusing(&self, refusing: bool) -> Result<Vec<String>, CommandError> {
        self.lock().refusing = refusing;
        Ok(Vec::new())
    }

    fn list(&self) -> Result<Vec<String>, CommandError> {
        let connections = self.lock().select(Selection::All)?;
        Ok(connections
            .iter()
            .map(|connection| connection.status())
            .collect())
    }

    fn await_host_closed(&self, selection: Selection) -> Result<Vec<String>, CommandError> {
        let connections = self.lock().select(selection)?;
        for connection in connections {
            connection.await_host_closed();
        }
        Ok(Vec::new())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

impl State {
    fn select(&self, selection: Selection) -> Result<Vec<Arc<Connection>>, CommandError> {
        match selection {
            Selection::All => Ok(self.connections.clone()),
            Selection::One(number) => number
                .checked_sub(1)
                .and_then(|index| self.connections.get(index))
                .map(|connection| vec![Arc::clone(connection)])
                .ok_or(CommandError::UnknownConnection(number)),
        }
    }

    /// What is said about all connections is said about those to come as well.
    fn set_mode_of_new(&mut self, selection: Selection, mode: Mode) {
        if selection == Selection::All {
            self.mode_of_new = mode;
        }
    }
}
