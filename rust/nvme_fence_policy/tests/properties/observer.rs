// SPDX-License-Identifier: GPL-2.0

//! An observer who remembers what happened to the associations of a subsystem, what was asked and
//! answered, and knows the rules from the specification alone.

mod asking;
mod evidence;
mod page;
mod tries;

use self::evidence::Proof;
use self::page::{is_whole, lists, says_noticed, what_a_page_says, Says};
pub(crate) use self::tries::Read;
use self::tries::Try;
use nvme_fence_policy::{Answer, AssociationId, HeldUntil, Identity, LogPage, LogRead, Nanos};

/// Keep alive timeout of all controllers, in milliseconds.
pub(crate) const KATO_MS: u32 = 2_000;

/// Command Quiesce Time of all controllers, in milliseconds.
pub(crate) const CQT_MS: u16 = 1_500;

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

/// What the observer has noted of an association.
struct Record {
    id: AssociationId,
    controller: usize,
    identity: Identity,
    closed: bool,
    /// Its controller was disabled before it was closed: it can execute nothing any more.
    disabled: bool,
    /// By when the specification has it fenced by time.
    due: Option<Nanos>,
    /// Its controller is known to have noticed.
    noticed: bool,
    held: u32,
    released: bool,
    /// It can be asked for resets.
    live: bool,
    /// It let a command go unanswered, and has not answered since.
    silent: bool,
    /// A source did so that was asked to have this reset.
    went_unanswered: bool,
    tries: Vec<Try>,
    /// Who has refused to have this reset, and was not lost since. There are fewer than the policy
    /// remembers.
    refused: Vec<AssociationId>,
    read: Option<Read>,
}

pub(crate) struct Observer {
    /// Of all associations that are not forgotten yet, the oldest first.
    records: Vec<Record>,
    /// Resets count.
    pub(crate) believes_resets: bool,
    /// How many resets each source can take.
    ccrl: u8,
    /// Number of what happens.
    order: u64,
    proof: Option<Proof>,
    /// The CIRNs of the instances that were really reset, if the target is one that can tell.
    pub(crate) reset: Option<Vec<u64>>,
    /// Records that a reset has fenced.
    pub(crate) fenced_by_reset: usize,
    /// Records whose controllers were listed by others.
    pub(crate) listed: usize,
}

impl Record {
    /// Something waits for its controller to notice, or for the end of the wait for that.
    fn awaits_notice(&self) -> bool {
        self.closed && self.held > 0 && !self.released && !self.noticed && self.identity.ciu != 0
    }

    /// Its controller has noticed: nothing more is to be waited for but CQT.
    fn notices(&mut self, now: Nanos) {
        let quiet = Nanos(now.0 + u64::from(CQT_MS) * 1_000_000);
        self.noticed |= self.due.is_none_or(|due| quiet < due);
        self.due = Some(self.due.map_or(quiet, |due| due.min(quiet)));
    }
}

impl Observer {
    pub(crate) fn new(ccrl: u8) -> Self {
        Self {
            records: Vec::new(),
            believes_resets: true,
            ccrl,
            order: 0,
            proof: None,
            reset: None,
            fenced_by_reset: 0,
            listed: 0,
        }
    }

    fn find(&mut self, id: AssociationId) -> Option<&mut Record> {
        self.records.iter_mut().find(|record| record.id == id)
    }

    /// The association that a controller has.
    fn current(&mut self, controller: usize) -> Option<&mut Record> {
        self.records
            .iter_mut()
            .find(|record| record.controller == controller && !record.closed)
    }

    pub(crate) fn opened(&mut self, id: AssociationId, controller: usize, identity: Identity) {
        self.records.push(Record {
            id,
            controller,
            identity,
            closed: false,
            disabled: false,
            due: None,
            noticed: false,
            held: 0,
            released: false,
            live: false,
            silent: false,
            went_unanswered: false,
            tries: Vec::new(),
            refused: Vec::new(),
            read: None,
        });
    }

    pub(crate) fn lost(&mut self, controller: usize) {
        let Some(record) = self.current(controller) else {
            return;
        };
        record.live = false;
        let id = record.id;
        self.source_lost(id);
    }

    pub(crate) fn resumed(&mut self, controller: usize) {
        if let Some(record) = self.current(controller) {
            record.live |= record.held == 0 && !record.disabled;
        }
    }

    /// The controller of an association was disabled. That counts until it is closed.
    pub(crate) fn disabled(&mut self, controller: usize) {
        let Some(record) = self.current(controller) else {
            return;
        };
        record.disabled = true;
        record.live = false;
        let id = record.id;
        self.source_lost(id);
    }

    /// The association of a controller is closed. The last command was sent at `sent`, if there is
    /// keep alive.
    pub(crate) fn closed(&mut self, controller: usize, sent: Option<Nanos>) {
        let Some(record) = self.current(controller) else {
            return;
        };
        let wait_ms = 3 * u64::from(KATO_MS) + u64::from(CQT_MS);
        record.due = sent.map(|sent| Nanos(sent.0 + wait_ms * 1_000_000));
        record.closed = true;
        record.live = false;
        let id = record.id;
        self.source_lost(id);
    }

    fn source_lost(&mut self, id: AssociationId) {
        for record in &mut self.records {
            for one in record.tries.iter_mut().filter(|one| one.source == id) {
                one.end();
            }
            record.refused.retain(|refused| *refused != id);
        }
    }

    pub(crate) fn held(&mut self, id: AssociationId) -> Check {
        let record = self.find(id).ok_or("held for what is forgotten")?;
        check!(
            !record.released && !record.disabled,
            "held after there was evidence"
        );
        record.held += 1;
        Ok(())
    }

    pub(crate) fn answered(
        &mut self,
        source: AssociationId,
        identity: &Identity,
        answer: Answer,
        now: Nanos,
    ) {
        self.order += 1;
        let order = self.order;
        let is_reset = matches!(answer, Answer::Immediate | Answer::Gone);
        self.proof = is_reset.then_some(Proof::Immediate(*identity));
        let unanswered = answer == Answer::Unanswered;
        if let Some(source) = self.find(source).filter(|_| answer != Answer::NotSent) {
            source.silent = unanswered;
        }
        for record in &mut self.records {
            if record.identity == *identity {
                record.went_unanswered |= unanswered && record.closed;
                for one in record.tries.iter_mut().filter(|one| one.source == source) {
                    if answer == Answer::Refused && one.uses_slot() {
                        record.refused.push(source);
                    }
                    one.answered(answer, now, order);
                }
            }
        }
    }

    /// The read of the log page of a source that is under way, if there is one.
    pub(crate) fn reading(&self, id: AssociationId) -> Option<Read> {
        let record = self.records.iter().find(|record| record.id == id)?;
        record.read
    }

    pub(crate) fn log_read_begins(
        &mut self,
        source: AssociationId,
        read: LogRead,
        now: Nanos,
    ) -> Check {
        check!(
            read.page != LogPage::LostHost
                || read.retain_event
                || !self.records.iter().any(Record::awaits_notice),
            "cleared a list that somebody waits for"
        );
        self.order += 1;
        let order = self.order;
        let record = self.find(source).ok_or("asked what is forgotten")?;
        check!(record.live, "read the log page of what is not in use");
        check!(record.read.is_none(), "two reads of one log page");
        record.read = Some(Read {
            page: read.page,
            removes_completed: read.remove_completed,
            since: now,
            order,
        });
        Ok(())
    }

    /// The read of a log page ends. Returns whether there was one.
    pub(crate) fn log_read(
        &mut self,
        source: AssociationId,
        page: Option<&[u8]>,
        now: Nanos,
    ) -> bool {
        let Some(read) = self.find(source).and_then(|record| record.read.take()) else {
            return false;
        };
        let Some(page) = page.filter(|page| is_whole(page)) else {
            return true;
        };
        if read.page == LogPage::LostHost {
            self.lost_host_log_read(source, page, now);
            return true;
        }
        self.proof = Some(Proof::Log(source, page.to_vec()));
        for record in &mut self.records {
            if what_a_page_says(page, &record.identity) != Says::NotReset {
                continue;
            }
            let mut tries = record.tries.iter();
            let asked = tries.any(|one| one.source == source && one.may_be_in(&read));
            if asked && record.closed && says_noticed(page, &record.identity) {
                record.notices(now);
            }
            for one in record.tries.iter_mut().filter(|one| one.source == source) {
                one.not_listed(&read);
            }
        }
        true
    }

    /// A log page 1Fh was read. Nobody is a witness of itself.
    fn lost_host_log_read(&mut self, source: AssociationId, page: &[u8], now: Nanos) {
        for record in &mut self.records {
            if record.closed && record.id != source && lists(page, &record.identity) {
                self.listed += usize::from(record.awaits_notice());
                record.notices(now);
            }
        }
    }

    /// What happened is over.
    pub(crate) fn forget_proof(&mut self) {
        self.proof = None;
    }

    /// It is told what the log page of a source says of an association.
    pub(crate) fn check_reported(
        &mut self,
        impacted: AssociationId,
        source: AssociationId,
    ) -> Check {
        let record = self.find(impacted).ok_or("told of what is forgotten")?;
        check!(
            record.tries.iter().any(|one| one.source == source),
            "told what was not asked"
        );
        Ok(())
    }

    pub(crate) fn discarded(&mut self, id: AssociationId) -> Check {
        let record = self.find(id).ok_or("forgotten twice")?;
        check!(record.held == 0, "forgot held commands");
        check!(record.closed, "forgot what is in use");
        self.records.retain(|record| record.id != id);
        Ok(())
    }

    /// Is everything released that has waited for long enough?
    pub(crate) fn check_due(&self, now: Nanos) -> Check {
        let late = self
            .records
            .iter()
            .find(|record| record.held > 0 && record.due.is_some_and(|due| due <= now));
        check!(
            late.is_none(),
            "held for longer than by the time rule alone"
        );
        Ok(())
    }

    /// Is everything that is held for an association free by then?
    pub(crate) fn check_held_until(&self, id: AssociationId, until: HeldUntil) -> Check {
        let record = self.records.iter().find(|record| record.id == id);
        let expected = match record.ok_or("a record that nobody opened")? {
            Record { held: 0, .. } => HeldUntil::NothingHeld,
            Record { closed: false, .. } => HeldUntil::Soon,
            Record { due: Some(due), .. } => HeldUntil::At(*due),
            Record { due: None, .. } => HeldUntil::NoTime,
        };
        check!(until == expected, "held until {until:?}, not {expected:?}");
        Ok(())
    }

    /// Is nothing left of any association?
    pub(crate) fn has_forgotten_all(&self) -> bool {
        self.records.is_empty()
    }
}
