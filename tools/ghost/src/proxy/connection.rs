// SPDX-License-Identifier: GPL-2.0

//! One connection: two flows, and what the operator did to them.
//!
//! The pump's threads and the operator's meet here, under one lock and one condition variable:
//! whatever changes wakes everybody who waits.

use std::fmt;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};

use super::flow::{Flow, Step};

/// What is done with the bytes of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// Both directions are copied.
    #[default]
    Pass,
    /// What the host sends is kept, but for so many bytes that still pass.
    Hold {
        /// How many.
        after: u64,
    },
    /// What either side sends is kept.
    Freeze,
    /// What the host sends is not read, and its close is not seen.
    Stall,
}

/// One of the two flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the host to the target.
    ToTarget,
    /// From the target to the host.
    ToHost,
}

/// Bytes that were kept from the target and are now on their way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delivery {
    /// How many bytes were kept.
    pub(super) bytes: u64,
    /// What the target had sent until then: one byte more is an answer.
    target_bytes_before: u64,
}

/// What a target did after a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reaction {
    /// It sent something.
    Answered,
    /// It closed the connection without having sent anything.
    Closed,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Connection {
    number: usize,
    state: Mutex<State>,
    /// Something in `state` changed.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    mode: Mode,
    to_target: Flow,
    to_host: Flow,
    /// The last delivery, if the host's close must not be passed on before the target reacted to
    /// it.
    delivery: Option<Delivery>,
    dropped: bool,
    /// Host and target. The pump owns the sockets, and closes them when it is done.
    sockets: [Weak<TcpStream>; 2],
}

impl Connection {
    pub(super) fn new(number: usize, mode: Mode) -> Self {
        assert!(number > 0, "connections are numbered from 1");
        let mut state = State::default();
        state.set_mode(mode);
        Connection {
            number,
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// Its number, in order of acceptance.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    // The operator's side.

    /// Keeps bytes from now on, or stops keeping those of the target.
    pub(super) fn set_mode(&self, mode: Mode) {
        self.change(|state| state.set_mode(mode));
    }

    /// Passes on what was kept and goes on as an ordinary proxy.
    pub(super) fn deliver(&self) -> Option<Delivery> {
        self.change(State::deliver)
    }

    /// Forgets what was kept and closes both sides.
    pub(super) fn drop_both(&self) {
        self.change(|state| {
            state.dropped = true;
            for flow in [&mut state.to_target, &mut state.to_host] {
                flow.break_off();
                flow.end();
            }
            for socket in state.sockets.iter().filter_map(Weak::upgrade) {
                // It fails if the peer is gone already, which is as good.
                let _ = socket.shutdown(Shutdown::Both);
            }
        });
    }

    /// Closes the host's side. What was kept for the target stays, and the target learns of the
    /// close when that is delivered.
    pub(super) fn close_host(&self) {
        self.change(|state| {
            state.to_host.break_off();
            if let Some(host) = state.sockets[0].upgrade() {
                // It fails if the host is gone already, which is as good.
                let _ = host.shutdown(Shutdown::Both);
            }
        });
    }

    /// Waits until the target reacted to a delivery.
    pub(super) fn await_reaction(&self, delivery: Delivery) -> Reaction {
        self.wait_for(|state| state.reaction(delivery))
    }

    /// Waits until the host has closed its side.
    pub(super) fn await_host_closed(&self) {
        self.wait_for(|state| state.host_closed().then_some(()));
    }

    /// A line that says how things stand.
    pub(super) fn status(&self) -> String {
        format!("{} {}", self.number, self.lock())
    }

    // The pump's side.

    /// The connection is complete. Returns false if it was dropped before that.
    pub(super) fn attach(&self, host: &Arc<TcpStream>, target: &Arc<TcpStream>) -> bool {
        self.change(|state| {
            state.sockets = [Arc::downgrade(host), Arc::downgrade(target)];
            !state.dropped
        })
    }

    /// Waits until a flow may be filled, of whose source there is something to read. The host of a
    /// stalled connection waits for another mode, or for the connection to be dropped.
    pub(super) fn await_room(&self, direction: Direction) {
        self.wait_for(|state| state.may_fill(direction).then_some(()));
    }

    /// Fills a flow.
    pub(super) fn push(&self, direction: Direction, bytes: &[u8]) {
        self.change(|state| state.flow(direction).push(bytes));
    }

    /// The source of a flow has closed.
    pub(super) fn end(&self, direction: Direction) {
        self.change(|state| state.flow(direction).end());
    }

    /// Waits for the next thing to do towards the sink of a flow.
    pub(super) fn next_step(&self, direction: Direction) -> Step {
        let step = self.wait_for(|state| state.take_step(direction));
        // There may be room now.
        self.changed.notify_all();
        step
    }

    /// The sink of a flow did not take the last `count` bytes.
    pub(super) fn sink_failed(&self, direction: Direction, count: usize) {
        self.change(|state| state.flow(direction).sink_failed(count));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    fn wait_for<T>(&self, mut condition: impl FnMut(&mut State) -> Option<T>) -> T {
        let mut state = self.lock();
        loop {
            if let Some(result) = condition(&mut state) {
                return result;
            }
            state = self
                .changed
                .wait(state)
                .expect("no holder of this lock panics");
        }
    }
}

impl State {
    fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
        match mode {
            Mode::Pass => {
                self.to_target.open_gate();
                self.to_host.open_gate();
            }
            Mode::Stall => self.to_host.open_gate(),
            Mode::Hold { after } => {
                self.to_target.shut_gate_after(after);
                self.to_host.open_gate();
            }
            Mode::Freeze => {
                self.to_target.shut_gate_after(0);
                self.to_host.shut_gate_after(0);
            }
        }
    }

    fn deliver(&mut self) -> Option<Delivery> {
        let was_kept = self.mode != Mode::Pass && self.to_target.kept() > 0;
        let delivery = was_kept.then(|| Delivery {
            bytes: self.to_target.kept(),
            target_bytes_before: self.to_host.received(),
        });
        self.delivery = delivery.or(self.delivery);
        self.set_mode(Mode::Pass);
        delivery
    }

    fn flow(&mut self, direction: Direction) -> &mut Flow {
        match direction {
            Direction::ToTarget => &mut self.to_target,
            Direction::ToHost => &mut self.to_host,
        }
    }

    fn may_fill(&mut self, direction: Direction) -> bool {
        // Nobody waits for what a dropped connection does, and its sockets have nothing to stall.
        let stalled = !self.dropped && self.mode == Mode::Stall && direction == Direction::ToTarget;
        !stalled && self.flow(direction).has_room()
    }

    fn take_step(&mut self, direction: Direction) -> Option<Step> {
        let may_finish = match direction {
            Direction::ToTarget => self.target_has_reacted(),
            Direction::ToHost => true,
        };
        self.flow(direction).take_step(may_finish)
    }

    /// A target that sees the close together with late commands may drop them unexecuted.
    fn target_has_reacted(&self) -> bool {
        self.delivery
            .is_none_or(|delivery| self.reaction(delivery).is_some())
    }

    fn reaction(&self, delivery: Delivery) -> Option<Reaction> {
        if self.to_host.received() > delivery.target_bytes_before {
            Some(Reaction::Answered)
        } else if self.target_closed() {
            Some(Reaction::Closed)
        } else {
            None
        }
    }

    fn host_closed(&self) -> bool {
        self.to_target.is_ended() || self.to_host.is_broken()
    }

    fn target_closed(&self) -> bool {
        self.to_host.is_ended() || self.to_target.is_broken()
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.mode {
            _ if self.dropped => "dropped",
            Mode::Pass => "pass",
            Mode::Hold { .. } => "hold",
            Mode::Freeze => "freeze",
            Mode::Stall => "stall",
        };
        let side = |closed| if closed { "closed" } else { "open" };
        write!(
            f,
            "state={state} host={} target={} \
             passed_to_target={} kept_for_target={} discarded_for_target={} \
             passed_to_host={} kept_for_host={} discarded_for_host={}",
            side(self.host_closed()),
            side(self.target_closed()),
            self.to_target.passed(),
            self.to_target.kept(),
            self.to_target.discarded(),
            self.to_host.passed(),
            self.to_host.kept(),
            self.to_host.discarded(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held_with(bytes: &[u8]) -> Connection {
        let connection = Connection::new(1, Mode::Hold { after: 0 });
        connection.push(Direction::ToTarget, bytes);
        connection
    }

    /// The next step, if it can be taken without waiting.
    fn step(connection: &Connection, direction: Direction) -> Option<Step> {
        connection.lock().take_step(direction)
    }

    #[test]
    fn the_hosts_close_follows_the_targets_answer() {
        let connection = held_with(b"late");
        connection.end(Direction::ToTarget);
        let delivery = connection.deliver().unwrap();
        assert_eq!(delivery.bytes, 4);
        assert_eq!(
            connection.next_step(Direction::ToTarget),
            Step::Write(b"late".to_vec())
        );
        assert_eq!(step(&connection, Direction::ToTarget), None);

        connection.push(Direction::ToHost, b"!");
        assert_eq!(connection.await_reaction(delivery), Reaction::Answered);
        assert_eq!(step(&connection, Direction::ToTarget), Some(Step::Finish));
    }

    #[test]
    fn what_the_target_sent_before_the_delivery_is_no_answer() {
        let connection = held_with(b"late");
        connection.push(Direction::ToHost, b"early");
        let delivery = connection.deliver().unwrap();
        assert_eq!(connection.lock().reaction(delivery), None);

        connection.end(Direction::ToHost);
        assert_eq!(connection.await_reaction(delivery), Reaction::Closed);
    }

    #[test]
    fn without_kept_bytes_the_close_is_passed_on_at_once() {
        let connection = Connection::new(1, Mode::Hold { after: 0 });
        connection.end(Direction::ToTarget);
        assert_eq!(connection.deliver(), None);
        assert_eq!(step(&connection, Direction::ToTarget), Some(Step::Finish));
    }

    #[test]
    fn hold_keeps_one_direction_and_freeze_both() {
        let connection = held_with(b"late");
        connection.push(Direction::ToHost, b"answer");
        connection.set_mode(Mode::Freeze);
        assert_eq!(step(&connection, Direction::ToTarget), None);
        assert_eq!(step(&connection, Direction::ToHost), None);

        connection.set_mode(Mode::Hold { after: 0 });
        assert_eq!(step(&connection, Direction::ToTarget), None);
        assert_eq!(
            step(&connection, Direction::ToHost),
            Some(Step::Write(b"answer".to_vec()))
        );
    }

    #[test]
    fn stall_has_the_host_not_read_and_the_target_read() {
        let connection = Connection::new(1, Mode::Stall);
        let may_fill = |direction| connection.lock().may_fill(direction);
        assert!(!may_fill(Direction::ToTarget));
        assert!(may_fill(Direction::ToHost));

        connection.set_mode(Mode::Hold { after: 0 });
        assert!(may_fill(Direction::ToTarget));
    }

    #[test]
    fn a_stalled_connection_that_is_dropped_is_read_to_its_end() {
        let connection = Connection::new(1, Mode::Stall);
        connection.drop_both();
        assert!(connection.lock().may_fill(Direction::ToTarget));
        // So it is if it is stalled when it has been dropped.
        connection.set_mode(Mode::Stall);
        assert!(connection.lock().may_fill(Direction::ToTarget));
    }

    #[test]
    fn the_status_is_one_line_of_keys_and_values() {
        let connection = held_with(b"late");
        connection.push(Direction::ToHost, b"answer");
        connection.end(Direction::ToTarget);
        assert_eq!(
            connection.status(),
            "1 state=hold host=closed target=open \
             passed_to_target=0 kept_for_target=4 discarded_for_target=0 \
             passed_to_host=0 kept_for_host=6 discarded_for_host=0"
        );
    }
}
