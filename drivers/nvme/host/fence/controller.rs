// SPDX-License-Identifier: GPL-2.0

//! A controller: what its associations have in common, and what sysfs shows of them.

use crate::fence::{Fate, Fence, State};
use crate::record::Record;
use crate::subsystem::Subsystem;
use crate::sys::{self, Ctrl, CtrlInfo, Dir, OfferedCommand};
use kernel::prelude::*;
use kernel::sync::{Arc, LockedBy};
use nvme_fence_policy::{self as policy, Event, Evidence, Identity, Offer, Terms};

/// Default of `kernel.hung_task_timeout_secs`, in milliseconds.
const HUNG_TASK_MS: u64 = 120_000;

/// What has happened to the associations of a controller so far.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counters {
    /// Associations that were lost.
    pub(crate) lost: u64,
    /// Commands that were held.
    pub(crate) held: u64,
    /// Bytes that were held.
    pub(crate) held_bytes: u64,
    /// Commands that had to be held and could not be, for want of a record.
    pub(crate) passed_unknown: u64,
    /// Commands that were sent on.
    pub(crate) released: u64,
    /// Bytes that were sent on.
    pub(crate) released_bytes: u64,
    /// Records that were fenced by a Cross-Controller Reset.
    pub(crate) ccr: u64,
    /// Cross-Controller Resets that were asked for, on behalf of the controller.
    pub(crate) ccr_asked: u64,
    /// Completed entries in its log page that were not about what it was asked for.
    pub(crate) ccr_unmatched: u64,
    /// Log pages that could not be read, or made no sense.
    pub(crate) ccr_log_errors: u64,
    /// Records that were fenced by time.
    pub(crate) time: u64,
    /// Records that were fenced because the controller was disabled.
    pub(crate) disabled: u64,
    /// Records that were fenced by the administrator's word.
    pub(crate) admin: u64,
    /// Commands that were held for these.
    pub(crate) admin_commands: u64,
}

#[derive(Default)]
struct Inner {
    /// The record of the association that is in use; it is there until it is closed.
    current: Option<Arc<Record>>,
    /// What the last association said of itself.
    latest: Option<(Identity, Terms, Offer)>,
    /// Where to send commands, until nvme-core takes it away.
    ctrl: Option<Ctrl>,
    evidence: Option<Evidence>,
    counters: Counters,
}

/// A controller. Its records keep it, also when nvme-core has forgotten it.
pub(crate) struct Controller {
    fence: Arc<Fence>,
    subsystem: Arc<Subsystem>,
    /// N of `nvmeN`.
    instance: i32,
    /// Stands for the address of its port.
    port: u64,
    /// Guarded by the lock of the fence.
    inner: LockedBy<Inner, State>,
}

impl Controller {
    fn new(fence: Arc<Fence>, subsystem: Arc<Subsystem>, info: &CtrlInfo<'_>) -> Result<Arc<Self>> {
        let inner = Inner {
            ctrl: Some(info.ctrl()),
            ..Inner::default()
        };
        Ok(Arc::new(
            Self {
                inner: LockedBy::new(fence.state(), inner),
                fence,
                subsystem,
                instance: info.instance(),
                port: info.port(),
            },
            GFP_KERNEL,
        )?)
    }

    pub(crate) fn fence(&self) -> &Arc<Fence> {
        &self.fence
    }

    pub(crate) fn subsystem(&self) -> &Subsystem {
        &self.subsystem
    }

    /// N of `nvmeN`.
    pub(crate) fn instance(&self) -> i32 {
        self.instance
    }

    /// Stands for the address of its port: equal for equal addresses.
    pub(crate) fn port(&self) -> u64 {
        self.port
    }

    /// A new association is made. May sleep.
    pub(crate) fn open(self: &Arc<Self>, identity: Identity, terms: Terms, offer: Offer) -> Result {
        // The one before is over, even if nobody said so.
        self.event(Event::Detached);

        let id = self.fence.lock().next_id();
        let record = Record::new(id, self.clone(), identity, terms, offer)?;
        let mut state = self.fence.lock();
        let knobs = self.subsystem.knobs(&state);
        let inner = self.inner.access_mut(&mut state);
        inner.current = Some(record.clone_arc());
        let before = inner.latest.replace((identity, terms, offer));
        state.add(record);
        drop(state);

        if before.map(|(_, terms, _)| terms) != Some(terms) {
            self.log_wait(terms.wait_ms(&knobs));
        }
        Ok(())
    }

    /// Tells the administrator what the loss of a path will mean.
    fn log_wait(&self, wait_ms: Option<u64>) {
        let instance = self.instance;
        match wait_ms {
            Some(ms) if ms > HUNG_TASK_MS => pr_warn!(
                "nvme{instance}: when its path is lost, writes are held for up to {ms} ms, beyond the {HUNG_TASK_MS} ms after which tasks are reported as hung by default\n"
            ),
            Some(ms) => pr_info!(
                "nvme{instance}: when its path is lost, writes are held for up to {ms} ms\n"
            ),
            None => pr_warn!(
                "nvme{instance}: no keep alive: when its path is lost, writes are held until the controller is reset through another one, or the administrator releases them\n"
            ),
        }
    }

    /// Something happens to the association that is in use. Atomic.
    pub(crate) fn event(&self, event: Event) {
        let mut state = self.fence.lock();
        let inner = self.inner.access_mut(&mut state);
        let current = match event {
            Event::Closed(_) | Event::Detached => inner.current.take(),
            Event::Lost
            | Event::Resumed
            | Event::Disabled
            | Event::Release
            | Event::Answered(..)
            | Event::Reported { .. }
            | Event::SourceLost(_)
            | Event::Timeout
            | Event::Drained { .. } => inner.current.clone(),
        };
        let Some(current) = current else {
            return;
        };
        state.one(&current, |record, state| record.handle(state, event));
        if current.association(&state).state() != policy::State::Open {
            state.each(|record, state| {
                if record.shares_subsystem_with(&current) {
                    record.handle(state, Event::SourceLost(current.source_id()))
                } else {
                    Fate::Keep
                }
            });
        }
        let fencing = current.fencing(&state);
        drop(state);
        sys::queue_ask();
        if let Some(fencing) = fencing {
            fencing.log();
        }
    }

    /// Whether nvme-core has removed it. What it holds is kept until there is evidence.
    pub(crate) fn is_removed(&self, state: &State) -> bool {
        self.ctrl(state).is_none()
    }

    /// A command did not succeed. Returns true if it was taken. Atomic.
    pub(crate) fn hold(&self, offered: OfferedCommand<'_>) -> bool {
        let mut state = self.fence.lock();
        let knobs = self.subsystem.knobs(&state);
        let current = self.inner.access(&state).current.clone();
        // What comes late, after its association was closed, is of the last one.
        if let Some(record) = current.or_else(|| self.last_record(&state)) {
            return record.hold(&mut state, &knobs, offered);
        }
        if !offered.command().is_to_be_held(&knobs) {
            return false;
        }
        let counters = &mut self.inner.access_mut(&mut state).counters;
        counters.passed_unknown += 1;
        let first = counters.passed_unknown == 1;
        drop(state);
        if first {
            pr_warn!(
                "nvme{}: a command that may still execute could not be held: its association is not known\n",
                self.instance
            );
        }
        false
    }

    /// The record of the association that was made last, if it is not discarded yet.
    fn last_record(&self, state: &State) -> Option<Arc<Record>> {
        state
            .records()
            .filter(|record| core::ptr::eq(&**record.controller(), self))
            .last()
            .map(Arc::from)
    }

    /// The log page of the controller has news. Atomic.
    pub(crate) fn reset_completed(&self) {
        let mut state = self.fence.lock();
        if let Some(current) = self.inner.access(&state).current.clone() {
            current.source_mut(&mut state).completed_event();
        }
        drop(state);
        sys::queue_ask();
    }

    /// Where to send commands, unless nvme-core has taken it away.
    pub(crate) fn ctrl(&self, state: &State) -> Option<Ctrl> {
        self.inner.access(state).ctrl
    }

    /// What the last association said of itself.
    pub(crate) fn latest(&self, state: &State) -> Option<(Identity, Terms, Offer)> {
        self.inner.access(state).latest
    }

    /// The record of the association that is in use.
    pub(crate) fn current<'a>(&'a self, state: &'a State) -> Option<&'a Arc<Record>> {
        self.inner.access(state).current.as_ref()
    }

    /// What last proved that one of its associations can execute nothing any more.
    pub(crate) fn evidence(&self, state: &State) -> Option<Evidence> {
        self.inner.access(state).evidence
    }

    pub(crate) fn counters(&self, state: &State) -> Counters {
        self.inner.access(state).counters
    }

    pub(crate) fn count_lost(&self, state: &mut State) {
        self.inner.access_mut(state).counters.lost += 1;
    }

    pub(crate) fn count_held(&self, state: &mut State, bytes: u32) {
        let counters = &mut self.inner.access_mut(state).counters;
        counters.held += 1;
        counters.held_bytes += u64::from(bytes);
    }

    pub(crate) fn count_released(&self, state: &mut State, commands: u32, bytes: u64) {
        let counters = &mut self.inner.access_mut(state).counters;
        counters.released += u64::from(commands);
        counters.released_bytes += bytes;
    }

    pub(crate) fn count_asked(&self, state: &mut State) {
        self.inner.access_mut(state).counters.ccr_asked += 1;
    }

    pub(crate) fn count_unmatched(&self, state: &mut State, entries: u64) {
        self.inner.access_mut(state).counters.ccr_unmatched += entries;
    }

    pub(crate) fn count_log_error(&self, state: &mut State) {
        self.inner.access_mut(state).counters.ccr_log_errors += 1;
    }

    /// There is evidence for a record that holds so many commands.
    pub(crate) fn count_evidence(&self, state: &mut State, evidence: Evidence, held: u32) {
        let inner = self.inner.access_mut(state);
        inner.evidence = Some(evidence);
        match evidence {
            Evidence::Ccr => inner.counters.ccr += 1,
            Evidence::Time => inner.counters.time += 1,
            Evidence::Disabled => inner.counters.disabled += 1,
            Evidence::Admin => {
                inner.counters.admin += 1;
                inner.counters.admin_commands += u64::from(held);
            }
        }
    }
}

/// A controller that nvme-core knows.
pub(crate) struct Attached {
    dir: Dir<Controller>,
}

impl Attached {
    /// Attaches to a controller. May sleep.
    pub(crate) fn new(fence: Arc<Fence>, info: &CtrlInfo<'_>) -> Result<Self> {
        let subsystem = fence.subsystem(info)?;
        let attached = Controller::new(fence.clone(), subsystem.clone(), info)
            .and_then(|controller| info.ctrl_dir(controller));

        match attached {
            Ok(dir) => Ok(Self { dir }),
            Err(error) => {
                fence.put_subsystem(&subsystem);
                Err(error)
            }
        }
    }

    pub(crate) fn controller(&self) -> &Arc<Controller> {
        self.dir.object()
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let controller = self.controller();
        let fence = controller.fence();
        controller.inner.access_mut(&mut fence.lock()).ctrl = None;
        // Nothing is sent to it any more when this returns.
        sys::flush_ask();
        fence.put_subsystem(controller.subsystem());
    }
}
