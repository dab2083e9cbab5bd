// SPDX-License-Identifier: GPL-2.0-only

//! What an association really is: a network that delivers late, and a controller that executes late.
//! Nobody in the host sees this.
//!
//! A controller executes nothing of an association any more when CQT has passed since
//!
//! - it found that it does not hear the host: one KATT after the last Keep Alive command arrived, or,
//!   with traffic based keep alive, at the end of a whole period of KATT in which no command arrived,
//!   that is two KATT after the last command at the latest;
//! - or it closed the last connection of the association itself. A controller that has closed one
//!   connection may go on to serve the others;
//! - or it began to reset itself, as another controller had it.
//!
//! From that moment on nothing arrives either; on a connection that is closed, nothing ever does.
//! Commands that arrived before may be executed until the end, in any order. A controller that was disabled executes nothing at all.
//!
//! The moments of timeouts count as before and after: a command may still arrive at the very tick at
//! which the controller gives up, but nothing executes at the tick at which CQT is over. So the
//! bounds are reached exactly, and one tick less would be too little.

use super::bounds::{Assumption, Bounds, CONNECTIONS_MAX, KeepAlive, WRITES_MAX};

/// The connection of what is not a write.
pub(super) const ADMIN: u8 = 0;

/// One write on one association. As long as it is in a socket of the host it is no more than a
/// reference to the memory of the application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Copy {
    /// It was never sent, or cannot do anything any more.
    #[default]
    None,
    /// Sent, and not arrived yet.
    Underway,
    /// The controller has it.
    Arrived,
    /// The controller has executed it; the answer is under way.
    Executed,
}

/// What the memory of a write has in it, and the copies that were made of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Content {
    /// What it had when the write was issued.
    #[default]
    Original,
    /// What the application changed it to, before the write was done.
    Changed,
    /// Something else: the write was done, and the memory is used for another purpose.
    Reused,
}

/// The far side of an association.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Truth {
    /// When the controller last heard what its keep alive timer counts from.
    pub(super) heard: u8,
    /// When the host last sent anything.
    pub(super) sent: u8,
    /// A Keep Alive command is under way.
    pub(super) keep_alive: bool,
    /// When the controller closed each connection.
    pub(super) closed_by_peer: [Option<u8>; CONNECTIONS_MAX],
    /// When the controller gave the host up, and others came to know it.
    pub(super) gave_up: Option<u8>,
    /// It can do nothing any more.
    pub(super) dead: bool,
    /// The writes.
    pub(super) copies: [Copy; WRITES_MAX],
    /// Those of them that have not left the host yet: one bit each.
    pub(super) buffered: u8,
    /// What those have in them that have left the host.
    pub(super) contents: [Content; WRITES_MAX],
}

impl Truth {
    /// An association made `now`.
    pub(super) fn new(now: u8) -> Self {
        Self {
            heard: now,
            sent: now,
            keep_alive: false,
            closed_by_peer: [None; CONNECTIONS_MAX],
            gave_up: None,
            dead: false,
            copies: [Copy::None; WRITES_MAX],
            buffered: 0,
            contents: Default::default(),
        }
    }

    /// When the controller closed the last connection.
    fn ended_by_peer(&self, bounds: &Bounds) -> Option<u8> {
        let mut closed = self.closed_by_peer[..usize::from(bounds.connections)].iter();
        closed.try_fold(0, |last, at| at.map(|at| last.max(at)))
    }

    /// Does the controller still listen?
    pub(super) fn listens(&self, bounds: &Bounds, now: u8) -> bool {
        !self.dead
            && self.gave_up.is_none()
            && self.ended_by_peer(bounds).is_none()
            && (bounds.keep_alive == KeepAlive::Off
                || now <= self.heard + bounds.periods() * bounds.katt_true())
    }

    /// May the controller give the host up now, and others come to know it?
    pub(super) fn may_give_up(&self, bounds: &Bounds, now: u8) -> bool {
        let hears_nothing = bounds.keep_alive != KeepAlive::Off
            && now >= self.heard + bounds.periods() * bounds.katt_true();
        let alive = !self.dead && self.gave_up.is_none();
        alive && (hears_nothing || self.ended_by_peer(bounds).is_some())
    }

    /// Does the controller still listen on this connection?
    pub(super) fn listens_on(&self, bounds: &Bounds, now: u8, connection: u8) -> bool {
        self.closed_by_peer[usize::from(connection)].is_none() && self.listens(bounds, now)
    }

    /// May something that was sent on this connection arrive now?
    pub(super) fn may_arrive(&self, bounds: &Bounds, now: u8, connection: u8) -> bool {
        let timely = bounds.keep_alive != KeepAlive::Traffic
            || !bounds.assumes(Assumption::TimelyDelivery)
            || now <= self.sent + bounds.katt_true();
        timely && self.listens_on(bounds, now, connection)
    }

    /// May something that arrived be executed now?
    pub(super) fn may_execute(&self, bounds: &Bounds, now: u8) -> bool {
        let by_keep_alive = bounds.keep_alive == KeepAlive::Off
            || now < self.heard + bounds.periods() * bounds.katt_true() + bounds.cqt;
        let ended = [self.ended_by_peer(bounds), self.gave_up];
        let quiesces = ended.into_iter().flatten().all(|at| now < at + bounds.cqt);
        !self.dead && by_keep_alive && quiesces
    }

    /// Something arrives.
    pub(super) fn hear(&mut self, bounds: &Bounds, now: u8, keep_alive: bool) {
        if keep_alive || bounds.keep_alive == KeepAlive::Traffic {
            self.heard = now;
        }
    }

    /// Forgets what makes no difference any more, so that equal futures are equal states.
    pub(super) fn tidy(&mut self, bounds: &Bounds, now: u8, host_listens: bool) {
        if !self.may_execute(bounds, now) && !self.dead {
            self.dead = true;
        }
        self.keep_alive &= self.may_arrive(bounds, now, ADMIN);
        for write in 0..WRITES_MAX {
            let lives = match self.copies[write] {
                Copy::None => false,
                Copy::Underway => self.may_arrive(bounds, now, bounds.connection(write as u8)),
                Copy::Arrived => !self.dead,
                Copy::Executed => host_listens,
            };
            if !lives {
                self.copies[write] = Copy::None;
                self.buffered &= !(1 << write);
                self.contents[write] = Content::default();
            }
        }
        if self.dead {
            self.heard = 0;
            self.gave_up = None;
            self.closed_by_peer = [None; CONNECTIONS_MAX];
        }
    }
}
