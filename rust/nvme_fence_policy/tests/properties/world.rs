// SPDX-License-Identifier: GPL-2.0

//! The kernel around a subsystem, as far as resets go. What the policy says is done at once, and
//! held up to an [`Observer`](crate::observer::Observer).

use crate::common::{lent, Association, WRITE};
use crate::observer::{check, Check, Observer, CQT_MS, KATO_MS};
use nvme_fence_policy::{
    Answer, AssociationId, Belief, Beliefs, Clocks, ControllerId, Fate, Identity, Input, Knobs,
    Nanos, Offer, Opened, Output, Question, ResetStep, Resets, Storage, Subsystem, Terms,
};

/// More than this is not to be asked for in one instant.
const ASKED_AT_ONCE_MAX: usize = 200;

/// The answer to a command may take so long, in milliseconds: until the controller that it names has
/// noticed that it lost touch and has come to rest, and a second for the way.
const ANSWER_TIMEOUT_MS: u32 = KATO_MS + CQT_MS as u32 + 1_000;

/// A command that was not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) source: AssociationId,
    pub(crate) identity: Identity,
}

/// The associations, as the policy wants them lent.
struct Associations(Vec<Association>);

impl Storage for Associations {
    type Lent = Box<Resets>;

    fn iter(&self) -> impl Iterator<Item = &Association> {
        self.0.iter()
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Association> {
        self.0.iter_mut()
    }
}

pub(crate) struct World {
    pub(crate) now: Nanos,
    subsystem: Subsystem,
    associations: Associations,
    pub(crate) observer: Observer,
    /// How many resets each source can take.
    ccrl: u8,
    /// They list others that have lost touch with the host.
    lost_host_logs: bool,
    next_id: u64,
    pub(crate) commands: Vec<Asked>,
    /// Resets that were asked for, in all.
    pub(crate) resets: usize,
    /// Log pages that were read, in all.
    pub(crate) log_reads: usize,
}

impl World {
    /// All controllers are connected, and their log pages are empty.
    pub(crate) fn new(controllers: usize, ccrl: u8) -> Result<Self, String> {
        Self::with(controllers, ccrl, false)
    }

    /// The same, and controllers list others that have lost touch with the host.
    pub(crate) fn with_lost_host_logs(controllers: usize, ccrl: u8) -> Result<Self, String> {
        Self::with(controllers, ccrl, true)
    }

    fn with(controllers: usize, ccrl: u8, lost_host_logs: bool) -> Result<Self, String> {
        let mut world = Self {
            now: Nanos(1_000_000_000),
            subsystem: Subsystem::new(knobs(true)),
            associations: Associations(Vec::new()),
            observer: Observer::new(ccrl),
            ccrl,
            lost_host_logs,
            next_id: 1,
            commands: Vec::new(),
            resets: 0,
            log_reads: 0,
        };
        for controller in 0..controllers {
            world.identify(controller, 1)?;
            world.resume(controller)?;
        }
        for id in world.reading() {
            world.log_page(id, Some(&[0; 8]))?;
        }
        Ok(world)
    }

    /// A new association is made with a controller.
    pub(crate) fn identify(&mut self, controller: usize, ciu: u8) -> Check {
        self.identify_as(controller, controller as u16 + 1, ciu)
    }

    /// The same, with a controller that has no CIRN.
    pub(crate) fn identify_without_cirn(&mut self, controller: usize, ciu: u8) -> Check {
        self.identify_with(controller, controller as u16 + 1, ciu, 0)
    }

    /// The same, with a controller ID that may be another one's.
    pub(crate) fn identify_as(&mut self, controller: usize, cntlid: u16, ciu: u8) -> Check {
        self.identify_with(controller, cntlid, ciu, self.next_id)
    }

    fn identify_with(&mut self, controller: usize, cntlid: u16, ciu: u8, cirn: u64) -> Check {
        let id = AssociationId(self.next_id);
        self.next_id += 1;
        let identity = Identity { cntlid, ciu, cirn };
        self.observer.closed(controller, Some(self.now));
        let opened = Opened {
            id,
            controller: controller_id(controller),
            connected: Some(self.now),
            at: self.now,
            identity,
            terms: Terms {
                kato_ms: KATO_MS,
                tbkas: true,
                cqt_ms: CQT_MS,
            },
            offer: Offer {
                ccrl: self.ccrl,
                port: controller as u64 % 2,
                lost_host_log: self.lost_host_logs,
                ..Offer::default()
            },
        };
        let resets = lent(&opened);
        let association = self.subsystem.open(&mut self.associations, opened, resets);
        self.carry_out()?;
        self.associations.0.push(association);
        self.observer.opened(id, controller, identity);
        self.ask()
    }

    /// The host gives up the association with a controller.
    pub(crate) fn lose(&mut self, controller: usize) -> Check {
        self.observer.lost(controller);
        self.handle(Input::Lost(controller_id(controller)))
    }

    /// The host goes on to use the association with a controller.
    pub(crate) fn resume(&mut self, controller: usize) -> Check {
        self.observer.resumed(controller);
        self.handle(Input::Resumed(controller_id(controller)))
    }

    /// The host disables a controller, and reads back that it is.
    pub(crate) fn disable(&mut self, controller: usize) -> Check {
        self.observer.disabled(controller);
        self.handle(Input::Disabled(controller_id(controller)))
    }

    /// A write is cancelled that a controller was sent.
    pub(crate) fn hold(&mut self, controller: usize) -> Check {
        // The last one that was made with it.
        let controller = controller_id(controller);
        let of_it = |one: &&Association| one.controller() == controller;
        let Some(last) = self.associations.iter().filter(of_it).last() else {
            return self.ask();
        };
        let id = last.id();
        let fate = self.subsystem.hold(&mut self.associations, id, &WRITE);
        if fate == Fate::Hold {
            self.observer.held(id)?;
        }
        self.ask()
    }

    /// The connections to a controller are terminated.
    pub(crate) fn close(&mut self, controller: usize) -> Check {
        self.close_with(controller, KATO_MS)
    }

    /// The same without keep alive: time will not fence what is held.
    pub(crate) fn close_without_deadline(&mut self, controller: usize) -> Check {
        self.close_with(controller, 0)
    }

    fn close_with(&mut self, controller: usize, kato_ms: u32) -> Check {
        let clocks = Clocks {
            keep_alive: self.now,
            sent: self.now,
            peer_closed: None,
            kato_ms,
        };
        let sent = (kato_ms != 0).then_some(self.now);
        self.observer.closed(controller, sent);
        self.handle(Input::Closed(controller_id(controller), clocks))
    }

    /// An outstanding command is answered.
    pub(crate) fn answer(&mut self, command: usize, answer: Answer) -> Check {
        let Asked { source, identity } = self.commands.remove(command);
        self.observer.answered(source, &identity, answer, self.now);
        self.handle(Input::Answered {
            source,
            source_controller: ControllerId(0),
            identity,
            answer,
        })
    }

    /// The read of a log page that is under way ends with `page`, or fails.
    pub(crate) fn log_page(&mut self, source: AssociationId, page: Option<&[u8]>) -> Check {
        if self.observer.log_read(source, page, self.now) {
            self.handle(Input::LogRead { source, page })
        } else {
            Ok(())
        }
    }

    /// The log page of a controller has news.
    pub(crate) fn completed_event(&mut self, controller: usize) -> Check {
        self.handle(Input::ResetCompleted(controller_id(controller)))
    }

    /// The list of others that a controller has has news.
    pub(crate) fn lost_host_event(&mut self, controller: usize) -> Check {
        self.handle(Input::HostLost(controller_id(controller)))
    }

    /// The administrator sets whether resets count.
    pub(crate) fn believe_resets(&mut self, believes: bool) -> Check {
        self.observer.believes_resets = believes;
        let knobs = knobs(believes);
        self.subsystem.set_knobs(&mut self.associations, knobs);
        self.ask()
    }

    /// All associations that are not forgotten yet.
    pub(crate) fn ids(&self) -> Vec<AssociationId> {
        self.associations.iter().map(Association::id).collect()
    }

    /// Those whose log pages are being read.
    pub(crate) fn reading(&self) -> Vec<AssociationId> {
        let mut ids = self.ids();
        ids.retain(|id| self.observer.reading(*id).is_some());
        ids
    }

    /// When the timer fires next.
    pub(crate) fn timer(&self) -> Option<Nanos> {
        self.subsystem.next_deadline(&self.associations)
    }

    /// The timer fires.
    pub(crate) fn fire(&mut self) -> Check {
        for one in self.associations.iter() {
            self.observer.check_held_until(one.id(), one.held_until())?;
        }
        self.handle(Input::Timeout)?;
        self.observer.check_due(self.now)?;
        check!(
            self.timer().is_none_or(|next| next > self.now),
            "the timer would fire for ever: {:?} at {:?}",
            self.timer(),
            self.now
        );
        Ok(())
    }

    fn handle(&mut self, input: Input<'_>) -> Check {
        self.subsystem
            .handle(self.now, &mut self.associations, input);
        self.carry_out()?;
        self.observer.forget_proof();
        self.ask()
    }

    /// Does what the policy says. What is released is sent on at once.
    fn carry_out(&mut self) -> Check {
        loop {
            let mut drained = Vec::new();
            while let Some(output) = self.subsystem.poll_output(&mut self.associations) {
                match output {
                    Output::Release(id, evidence) => {
                        drained.push((id, self.observer.released(id, evidence, self.now)?));
                    }
                    Output::Discard(id) => {
                        self.observer.discarded(id)?;
                        self.associations.0.retain(|one| one.id() != id);
                    }
                    Output::ResetStep {
                        impacted,
                        source,
                        step: ResetStep::Reported(_),
                        ..
                    } => self.observer.check_reported(impacted, source)?,
                    Output::Repeat(_) => return Err("nothing is tracked".into()),
                    Output::Lost(_)
                    | Output::ResetStep { .. }
                    | Output::Deadline(..)
                    | Output::LogUnmatched(..)
                    | Output::LogUnreadable(_)
                    | Output::RepeatedId(..)
                    | Output::PathsShared(_) => {}
                }
            }
            if drained.is_empty() {
                return Ok(());
            }
            for (association, commands) in drained {
                let drained = Input::Drained {
                    association,
                    commands,
                    bytes: u64::from(commands) * 4096,
                };
                self.subsystem
                    .handle(self.now, &mut self.associations, drained);
            }
        }
    }

    /// Asks for all that is to be asked for.
    fn ask(&mut self) -> Check {
        for _ in 0..ASKED_AT_ONCE_MAX {
            let may_ask = self.subsystem.may_ask(&self.associations);
            let is_optimized =
                |_: &Associations, one: &Association| one.controller() == controller_id(0);
            let request =
                self.subsystem
                    .next_request(self.now, &mut self.associations, is_optimized);
            let Some(request) = request else {
                return Ok(());
            };
            check!(may_ask, "there was nothing to ask, and it is {request:?}");
            let source = request.source;
            match request.question {
                Question::Reset(identity, answer_ms) => {
                    check!(
                        answer_ms == ANSWER_TIMEOUT_MS,
                        "it waits {answer_ms} ms for an answer"
                    );
                    // What was sent on an association that is gone was failed with it.
                    let ids = self.ids();
                    let outstanding = self.commands.iter();
                    let unanswered = outstanding.filter(|asked| ids.contains(&asked.source));
                    check!(
                        unanswered.count() == 0,
                        "asked beside one that is not answered"
                    );
                    self.observer.asked(&identity, source, self.now)?;
                    self.commands.push(Asked { source, identity });
                    self.resets += 1;
                }
                Question::ReadLog(read) => {
                    self.observer.log_read_begins(source, read, self.now)?;
                    self.log_reads += 1;
                }
            }
            self.carry_out()?;
        }
        Err("there is always something left to ask".into())
    }
}

/// The settings: whether resets count. That a controller is connected again does not, so that records
/// stay, whatever target this is.
fn knobs(believes_resets: bool) -> Knobs {
    let evidence = Beliefs::DEFAULT.without(Belief::Reconnect);
    let mut knobs = Knobs::DEFAULT;
    knobs.set_evidence(match believes_resets {
        true => evidence,
        false => evidence.without(Belief::Ccr),
    });
    knobs
}

fn controller_id(controller: usize) -> ControllerId {
    ControllerId(controller as u64)
}
