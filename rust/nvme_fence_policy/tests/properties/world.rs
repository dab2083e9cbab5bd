// SPDX-License-Identifier: GPL-2.0

//! The module around several associations of one subsystem, as far as resets go, and an observer who
//! remembers what was asked and answered, and knows the rules from the specification alone.

use nvme_fence_policy::ccr::{ANSWER_MS, RESULT_MS, TRIES_AT_ONCE};
use nvme_fence_policy::hold::HOST_ABORTED_CMD;
use nvme_fence_policy::{
    Action, Answer, Association, Clocks, Command, Event, Evidence, Identity, Kind, Knobs, Log,
    Mode, Nanos, Neighbours, Offer, Priority, SourceId, Standing, State, Terms, Verdict,
};

/// Keep alive timeout of all controllers, in milliseconds.
const KATO_MS: u32 = 2_000;

/// Command Quiesce Time of all controllers, in milliseconds.
const CQT_MS: u16 = 1_500;

/// More than this is not to be asked for in one instant.
const ASKED_AT_ONCE_MAX: usize = 200;

/// What went wrong.
pub(crate) type Check = Result<(), String>;

macro_rules! check {
    ($condition:expr, $($what:tt)*) => {
        if !$condition {
            return Err(format!($($what)*));
        }
    };
}
pub(crate) use check;

/// How a reset stands, as far as the observer can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Asked,
    Accepted {
        /// So late that another source may have been asked instead.
        late: bool,
    },
    Over,
}

/// A reset that was asked for.
#[derive(Clone, Copy, Debug)]
struct Try {
    source: SourceId,
    stands: Stands,
    since: Nanos,
    /// Where its answer stands among all that happened: more than one thing may in one instant.
    order: u64,
    /// A log page has shown that the source has nothing in progress for it any more.
    over: bool,
}

impl Try {
    fn answered(&mut self, answer: Answer, now: Nanos, order: u64) {
        self.order = order;
        let late = match self.stands {
            Stands::Asked => now >= self.since.after_millis(ANSWER_MS),
            Stands::Accepted { late } => late || now >= self.since.after_millis(RESULT_MS),
            Stands::Over => return,
        };
        self.since = now;
        self.stands = match answer {
            Answer::Accepted | Answer::InProgress => Stands::Accepted { late },
            _ => Stands::Over,
        };
    }
}

/// A record of the module, and what the observer has noted of it.
pub(crate) struct Record {
    pub(crate) id: SourceId,
    pub(crate) association: Association,
    /// By when the specification has it fenced by time.
    due: Option<u128>,
    held: u32,
    released: bool,
    live: bool,
    tries: Vec<Try>,
    /// Where the begin of the latest read of its log page stands among all that happened.
    read_order: u64,
}

/// A command that was not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) source: SourceId,
    pub(crate) identity: Identity,
}

/// What happens just now that may show that a controller was reset.
#[derive(Clone, Copy, Debug)]
enum Proof {
    /// IRS=1 to a command that named this.
    Immediate(Identity),
    /// The log page of this source was read.
    Log(SourceId),
}

pub(crate) struct World {
    pub(crate) now: Nanos,
    pub(crate) knobs: Knobs,
    /// How many resets each source can take.
    ccrl: u8,
    pub(crate) records: Vec<Record>,
    /// The record of the association that is in use, for each controller.
    current: Vec<Option<SourceId>>,
    next_id: u64,
    /// Number of what happens.
    order: u64,
    pub(crate) commands: Vec<Asked>,
    proof: Option<Proof>,
    /// The CIRNs of the instances that were really reset, if the target is one that can tell.
    pub(crate) reset: Option<Vec<u64>>,
    /// Resets that were asked for, in all.
    pub(crate) resets: usize,
    /// Log pages that were read, in all.
    pub(crate) log_reads: usize,
    /// Records that a reset has fenced.
    pub(crate) fenced_by_reset: usize,
}

impl World {
    /// All controllers are connected, and their log pages are empty.
    pub(crate) fn new(controllers: usize, ccrl: u8) -> Result<Self, String> {
        let mut knobs = Knobs::DEFAULT;
        knobs.set_mode(Mode::Auto);
        let mut world = Self {
            now: Nanos(1_000_000_000),
            knobs,
            ccrl,
            records: Vec::new(),
            current: vec![None; controllers],
            next_id: 1,
            order: 0,
            commands: Vec::new(),
            proof: None,
            reset: None,
            resets: 0,
            log_reads: 0,
            fenced_by_reset: 0,
        };
        for controller in 0..controllers {
            world.identify(controller, 1)?;
            world.event(controller, Event::Resumed)?;
        }
        for index in 0..controllers {
            world.log_page(index, Some(&[0; 8]))?;
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
        self.event(controller, Event::Detached)?;
        let id = SourceId(self.next_id);
        self.next_id += 1;
        let identity = Identity { cntlid, ciu, cirn };
        let terms = Terms {
            kato_ms: KATO_MS,
            tbkas: true,
            cqt_ms: CQT_MS,
        };
        let offer = Offer {
            ccrl: self.ccrl,
            port: controller as u64 % 2,
        };
        self.records.push(Record {
            id,
            association: Association::new(self.now, identity, terms, offer),
            due: None,
            held: 0,
            released: false,
            live: false,
            tries: Vec::new(),
            read_order: 0,
        });
        self.current[controller] = Some(id);
        Ok(())
    }

    fn find(&self, id: SourceId) -> Option<usize> {
        self.records.iter().position(|record| record.id == id)
    }

    /// Something happens to the association that is in use.
    pub(crate) fn event(&mut self, controller: usize, event: Event) -> Check {
        let current = match event {
            Event::Closed(_) | Event::Detached => self.current[controller].take(),
            _ => self.current[controller],
        };
        let Some(id) = current else {
            return Ok(());
        };
        let index = self.find(id).ok_or("it is kept until it is closed")?;
        let sent = match event {
            Event::Closed(clocks) if clocks.kato_ms != 0 => Some(clocks.sent),
            Event::Detached => Some(self.now),
            _ => None,
        };
        if let Some(sent) = sent {
            let wait_ms = 3 * u128::from(KATO_MS) + u128::from(CQT_MS);
            self.records[index].due = Some(u128::from(sent.0) + wait_ms * 1_000_000);
        }
        let record = &mut self.records[index];
        record.live = match event {
            Event::Resumed => record.live || record.held == 0,
            _ => false,
        };
        self.handle(index, event)?;
        let is_lost = self
            .find(id)
            .is_none_or(|index| self.records[index].association.state() != State::Open);
        if is_lost {
            for index in (0..self.records.len()).rev() {
                for one in &mut self.records[index].tries {
                    if one.source == id {
                        one.stands = Stands::Over;
                    }
                }
                self.handle(index, Event::SourceLost(id))?;
            }
        }
        self.ask()
    }

    /// A write of the association in use is cancelled.
    pub(crate) fn hold(&mut self, controller: usize) -> Check {
        let Some(index) = self.current[controller].and_then(|id| self.find(id)) else {
            return Ok(());
        };
        let write = Command {
            kind: Kind::Write,
            status: HOST_ABORTED_CMD,
            sent: true,
            bytes: 4096,
        };
        let record = &mut self.records[index];
        if record.association.hold(&write, &self.knobs) == Verdict::Hold {
            check!(!record.released, "held after there was evidence");
            record.held += 1;
        }
        self.ask()
    }

    /// The connections of the association in use are terminated.
    pub(crate) fn close(&mut self, controller: usize) -> Check {
        self.close_with(controller, KATO_MS)
    }

    /// The same without keep alive: time will not fence it.
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
        self.event(controller, Event::Closed(clocks))
    }

    /// An outstanding command is answered.
    pub(crate) fn answer(&mut self, command: usize, answer: Answer) -> Check {
        self.order += 1;
        let Asked { source, identity } = self.commands.remove(command);
        // What it says counts, also if the source is gone.
        if let Some(index) = self.find(source) {
            self.records[index]
                .association
                .source_mut()
                .answered(&identity, answer, self.now);
        }
        self.proof = answer.is_evidence().then_some(Proof::Immediate(identity));
        for index in (0..self.records.len()).rev() {
            if *self.records[index].association.identity() != identity {
                continue;
            }
            for one in &mut self.records[index].tries {
                if one.source == source {
                    one.answered(answer, self.now, self.order);
                }
            }
            self.handle(index, Event::Answered(source, answer))?;
        }
        self.proof = None;
        self.ask()
    }

    /// The read of a log page that is under way ends with `page`, or fails.
    pub(crate) fn log_page(&mut self, index: usize, page: Option<&[u8]>) -> Check {
        let Some(read) = self.records[index].association.source().reading() else {
            return Ok(());
        };
        let id = self.records[index].id;
        let read_order = self.records[index].read_order;
        let Some(log) = page.and_then(Log::parse) else {
            self.records[index]
                .association
                .source_mut()
                .log_read_fails(self.now);
            return self.ask();
        };
        let mut success = false;
        self.proof = Some(Proof::Log(id));
        for index in (0..self.records.len()).rev() {
            let record = &mut self.records[index];
            if !record.association.tries().awaits(id) {
                continue;
            }
            let identity = *record.association.identity();
            let status = log.status(&identity);
            let says = what_a_page_says(page.unwrap_or_default(), &identity);
            success |= says == Says::Reset;
            if says == Says::NotReset {
                for one in record.tries.iter_mut().filter(|one| one.source == id) {
                    let accepted = matches!(one.stands, Stands::Accepted { .. });
                    one.over |= accepted && one.order < read_order;
                    if accepted && one.since < read.since {
                        one.stands = Stands::Over;
                    }
                }
            }
            let before = self.fenced_by_reset;
            self.handle(
                index,
                Event::Reported {
                    source: id,
                    status,
                    reading: read.since,
                },
            )?;
            check!(
                self.fenced_by_reset == before || says == Says::Reset,
                "fenced by a log page that says {says:?} of {identity:?}"
            );
        }
        self.proof = None;
        let awaited = self.is_awaited(id);
        if let Some(index) = self.find(id) {
            self.records[index]
                .association
                .source_mut()
                .log_read_ends(&log, awaited, success, self.now);
        }
        self.ask()
    }

    /// The log page of a controller has news.
    pub(crate) fn completed_event(&mut self, controller: usize) -> Check {
        if let Some(index) = self.current[controller].and_then(|id| self.find(id)) {
            self.records[index]
                .association
                .source_mut()
                .completed_event();
        }
        self.ask()
    }

    /// How many log pages are being read.
    pub(crate) fn log_reads_under_way(&self) -> usize {
        self.records
            .iter()
            .filter(|record| record.association.source().reading().is_some())
            .count()
    }

    /// When the timer fires next.
    pub(crate) fn timer(&self) -> Option<Nanos> {
        self.records
            .iter()
            .filter_map(|record| record.association.next_deadline())
            .min()
    }

    /// The timer fires.
    pub(crate) fn fire(&mut self) -> Check {
        for index in (0..self.records.len()).rev() {
            let due = self.records[index].due;
            let was_held = self.records[index].held != 0;
            let id = self.records[index].id;
            self.handle(index, Event::Timeout)?;
            if was_held && due.is_some_and(|due| due <= u128::from(self.now.0)) {
                check!(
                    self.find(id)
                        .is_none_or(|index| self.records[index].released),
                    "held for longer than by the time rule alone"
                );
            }
        }
        check!(
            self.timer().is_none_or(|next| next > self.now),
            "the timer would fire for ever: {:?} at {:?}",
            self.timer(),
            self.now
        );
        self.ask()
    }

    /// Whether somebody waits for what a source was asked for.
    fn is_awaited(&self, id: SourceId) -> bool {
        self.records
            .iter()
            .any(|record| record.association.tries().awaits(id))
    }

    /// Asks for all that is to be asked for.
    pub(crate) fn ask(&mut self) -> Check {
        for _ in 0..ASKED_AT_ONCE_MAX {
            if !self.read_a_log() && !self.ask_for_a_reset()? {
                return Ok(());
            }
        }
        Err("there is always something left to ask".into())
    }

    fn read_a_log(&mut self) -> bool {
        let now = self.now;
        self.order += 1;
        let order = self.order;
        let wants = |record: &&mut Record| record.association.source().wants_log_read();
        let Some(record) = self.records.iter_mut().find(wants) else {
            return false;
        };
        record.read_order = order;
        record.association.source_mut().begin_log_read(now);
        self.log_reads += 1;
        true
    }

    fn ask_for_a_reset(&mut self) -> Result<bool, String> {
        let mut best: Option<(Priority, usize, usize)> = None;
        let mut neighbours = Neighbours::default();
        for record in &self.records {
            neighbours.add(&record.association);
        }
        for (by, source) in self.records.iter().enumerate() {
            let standing = Standing {
                id: source.id,
                optimized: by == 0,
            };
            for (of, impacted) in self.records.iter().enumerate() {
                let priority = Priority::find(
                    &impacted.association,
                    &source.association,
                    &standing,
                    &neighbours,
                    &self.knobs,
                );
                if let Some(priority) = priority {
                    if best.as_ref().is_none_or(|(best, ..)| *best < priority) {
                        best = Some((priority, of, by));
                    }
                }
            }
        }
        let Some((_, of, by)) = best else {
            return Ok(false);
        };
        let source = self.records[by].id;
        self.may_ask(of, by)?;
        let now = self.now;
        let record = &mut self.records[of];
        record.association.ask(source, now);
        record.tries.push(Try {
            source,
            stands: Stands::Asked,
            since: now,
            order: 0,
            over: false,
        });
        let identity = *record.association.identity();
        self.commands.push(Asked { source, identity });
        self.records[by].association.source_mut().ask(&identity);
        self.resets += 1;
        Ok(true)
    }

    /// What must be true when `by` is asked to reset `of`.
    fn may_ask(&self, of: usize, by: usize) -> Check {
        let (impacted, source) = (&self.records[of], &self.records[by]);
        check!(self.knobs.mode() == Mode::Auto, "asked in another mode");
        check!(source.live, "asked what is not in use");
        check!(impacted.held > 0, "asked for nothing");
        check!(
            matches!(impacted.association.state(), State::Fencing(_)),
            "asked for what is not closed"
        );
        check!(!impacted.released, "asked when there was evidence");
        // What was sent on an association that is gone was failed with it.
        let unanswered = self
            .commands
            .iter()
            .filter(|asked| self.find(asked.source).is_some());
        check!(
            unanswered.count() == 0,
            "asked beside one that is not answered"
        );
        let identity = impacted.association.identity();
        check!(identity.ciu != 0, "asked for what has no name");
        check!(identity.cirn != 0, "asked for what may be any instance");
        check!(
            identity.cntlid != source.association.identity().cntlid,
            "asked it to reset itself"
        );
        let hopeful = impacted.tries.iter().filter(|one| match one.stands {
            Stands::Asked => self.now < one.since.after_millis(ANSWER_MS),
            Stands::Accepted { late } => !late && self.now < one.since.after_millis(RESULT_MS),
            Stands::Over => false,
        });
        check!(
            hopeful.count() < TRIES_AT_ONCE,
            "asked beside {TRIES_AT_ONCE} that are awaited"
        );
        let in_use = self
            .records
            .iter()
            .filter(|record| !record.released)
            .flat_map(|record| &record.tries)
            .filter(|one| one.source == source.id && one.stands != Stands::Over && !one.over)
            .count();
        check!(
            in_use < usize::from(self.ccrl),
            "asked for {} at once, of {} (CCRL)",
            in_use + 1,
            self.ccrl
        );
        Ok(())
    }

    /// The policy handles an event, and the module does what follows.
    fn handle(&mut self, index: usize, event: Event) -> Check {
        let actions = self.records[index]
            .association
            .handle(self.now, event, &self.knobs);
        for action in actions {
            match action {
                Action::Release(evidence) => self.release(index, evidence)?,
                Action::Discard => self.discard(index)?,
                Action::ReportLost | Action::ReportDeadline(_) => {}
            }
        }
        Ok(())
    }

    fn release(&mut self, index: usize, evidence: Evidence) -> Check {
        let now = u128::from(self.now.0);
        let record = &mut self.records[index];
        check!(!record.released, "released twice");
        check!(record.held > 0, "released nothing");
        record.released = true;
        let identity = *record.association.identity();
        let proven = match evidence {
            Evidence::Time => record.due.is_some_and(|due| due <= now),
            Evidence::Ccr => {
                check!(!record.live, "fenced while it is in use");
                self.fenced_by_reset += 1;
                check!(
                    self.reset
                        .as_ref()
                        .is_none_or(|reset| reset.contains(&identity.cirn)),
                    "{identity:?} was not reset"
                );
                match self.proof {
                    None => false,
                    Some(Proof::Immediate(named)) => named == identity,
                    // What it says is looked at where it is read.
                    Some(Proof::Log(source)) => record.tries.iter().any(|one| one.source == source),
                }
            }
            Evidence::Disabled | Evidence::Admin => false,
        };
        check!(proven, "{evidence:?} is no evidence: {:?}", self.proof);
        let drained = Event::Drained {
            commands: record.held,
            bytes: u64::from(record.held) * 4096,
        };
        record.held = 0;
        self.handle(index, drained)
    }

    fn discard(&mut self, index: usize) -> Check {
        let record = self.records.remove(index);
        check!(record.held == 0, "forgot held commands");
        Ok(())
    }
}

/// What a log page says of an instance of a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Reset,
    Underway,
    NotReset,
}

/// Reads the bytes once more, in another way.
fn what_a_page_says(page: &[u8], identity: &Identity) -> Says {
    let count = usize::from(page[0]) + 256 * usize::from(page[1]);
    let mut says = Says::NotReset;
    for entry in 0..count {
        let at = 8 * (entry + 1);
        let icid = u16::from(page[at]) + 256 * u16::from(page[at + 1]);
        if icid == identity.cntlid && page[at + 2] == identity.ciu {
            match page[at + 6] {
                0 => return Says::Underway,
                1 => says = Says::Reset,
                _ => {}
            }
        }
    }
    says
}
