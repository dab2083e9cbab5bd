// SPDX-License-Identifier: GPL-2.0-only

//! `policy-cost STRETCH CONTROLLERS SUBSYSTEMS`: does once what the module does at a stretch under the
//! lock of a subsystem, in the function `measured`, for `selftests/bench-policy` to count instructions.
//!
//! The subsystem has so many controllers, half of which are lost, each with held writes. There are so
//! many subsystems, all of them in that state.

use anyhow::{Context, Result, bail};
use nvme_fence_policy::hold::HOST_ABORTED_CMD;
use nvme_fence_policy::{
    AssociationId, Clocks, Command, ControllerId, Identity, Input, Kind, Knobs, Nanos, Offer,
    Opened, Output, Question, Resets, Storage, Subsystem, Terms,
};
use std::hint::black_box;

type Association = nvme_fence_policy::Association<Box<Resets>>;

const TERMS: Terms = Terms {
    kato_ms: 5_000,
    tbkas: true,
    cqt_ms: 10_000,
};

/// The write that the tests of the policy lose. Those are no part of the crate that is used here, so it
/// is written down again. The settings are the defaults: nobody asks whether it may be repeated.
const WRITE: Command = Command {
    kind: Kind::Write,
    status: HOST_ABORTED_CMD,
    sent: true,
    bytes: 4096,
    blocks: None,
    fails: false,
    elsewhere: false,
    repeatable: true,
    holdable: true,
};

const HELD: u32 = 32;

#[derive(Default)]
struct Records(Vec<Association>);

impl Storage for Records {
    type Lent = Box<Resets>;

    fn iter(&self) -> impl Iterator<Item = &Association> {
        self.0.iter()
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Association> {
        self.0.iter_mut()
    }
}

/// What the lock of a subsystem protects.
struct State {
    now: Nanos,
    policy: Subsystem,
    records: Records,
}

/// A controller's number is that of its association, too.
fn controller(number: u64) -> ControllerId {
    ControllerId(number)
}

impl State {
    /// All controllers are in use, and each can reset the others.
    fn new(controllers: u64) -> Self {
        let mut state = Self {
            now: Nanos(1_000_000_000),
            policy: Subsystem::new(Knobs::DEFAULT),
            records: Records::default(),
        };
        for number in 1..=controllers {
            let opened = Opened {
                id: AssociationId(number),
                controller: controller(number),
                connected: Some(state.now),
                at: state.now,
                identity: Identity {
                    cntlid: number as u16,
                    ciu: 1,
                    cirn: number,
                },
                terms: TERMS,
                offer: Offer {
                    ccrl: 4,
                    port: number,
                    ..Offer::default()
                },
            };
            let resets = opened.resets().map(Box::new);
            let association = state.policy.open(&mut state.records, opened, resets);
            state.records.0.push(association);
            state.carry_out(Input::Resumed(controller(number)));
        }
        // What is listed from before is taken first.
        while let Some(request) = state.ask() {
            let Question::ReadLog(_) = request.question else {
                unreachable!("nothing is lost: {request:?}");
            };
            state.carry_out(Input::LogRead {
                source: request.source,
                page: Some(&[0; 8]),
            });
        }
        state
    }

    /// Tells the policy what happened, and does what follows.
    fn carry_out(&mut self, input: Input<'_>) {
        self.policy.handle(self.now, &mut self.records, input);
        self.take_outputs();
        black_box(self.policy.may_ask(&self.records));
        black_box(self.policy.next_deadline(&self.records));
    }

    fn take_outputs(&mut self) {
        while let Some(output) = self.policy.poll_output(&mut self.records) {
            if let Output::Discard(id) = output {
                self.records.0.retain(|record| record.id() != id);
            }
        }
    }

    fn ask(&mut self) -> Option<nvme_fence_policy::Request> {
        let request = self
            .policy
            .next_request(self.now, &mut self.records, |_, _| true);
        self.take_outputs();
        black_box(self.policy.next_deadline(&self.records));
        request
    }

    fn hold(&mut self, number: u64) {
        let association = AssociationId(number);
        black_box(self.policy.hold(&mut self.records, association, &WRITE));
    }

    fn close(&mut self, number: u64) {
        let clocks = Clocks {
            keep_alive: self.now,
            sent: self.now,
            peer_closed: None,
            kato_ms: TERMS.kato_ms,
        };
        self.carry_out(Input::Closed(controller(number), clocks));
    }

    /// So many controllers are lost, all but the last of them closed.
    fn lose(&mut self, lost: u64) {
        for number in 1..=lost {
            self.carry_out(Input::Lost(controller(number)));
            for _ in 0..HELD {
                self.hold(number);
            }
            if number != lost {
                self.close(number);
            }
        }
    }
}

/// What is counted.
#[inline(never)]
fn measured(what: impl FnOnce()) {
    what();
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [stretch, controllers, subsystems] = arguments.as_slice() else {
        bail!("usage: policy-cost STRETCH CONTROLLERS SUBSYSTEMS");
    };
    let controllers: u64 = controllers.parse().context("CONTROLLERS is no number")?;
    let subsystems: usize = subsystems.parse().context("SUBSYSTEMS is no number")?;
    if controllers < 2 || subsystems == 0 {
        bail!("there must be two controllers, and a subsystem");
    }

    let mut host: Vec<State> = (0..subsystems).map(|_| State::new(controllers)).collect();
    if stretch == "lost" {
        let state = &mut host[0];
        measured(|| state.carry_out(Input::Lost(controller(controllers))));
        return Ok(());
    }
    let last = controllers / 2;
    for state in &mut host {
        state.lose(last);
    }
    let state = &mut host[0];
    match stretch.as_str() {
        "hold" => measured(|| state.hold(last)),
        "closed" => measured(|| state.close(last)),
        "ask" => {
            state.close(last);
            measured(|| {
                state.ask().expect("one is to be reset");
            });
        }
        "time" => {
            state.close(last);
            state.now = state.now.after_millis(60_000);
            measured(|| state.carry_out(Input::Timeout));
        }
        "drained" => {
            state.close(last);
            state.now = state.now.after_millis(60_000);
            state.carry_out(Input::Timeout);
            measured(|| {
                state.carry_out(Input::Drained {
                    association: AssociationId(last),
                    commands: HELD,
                    bytes: u64::from(HELD * WRITE.bytes),
                });
            });
        }
        other => bail!("there is no stretch '{other}': lost hold closed ask time drained"),
    }
    Ok(())
}
