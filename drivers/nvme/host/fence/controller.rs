// SPDX-License-Identifier: GPL-2.0

//! A controller: what its associations have in common.

use crate::counters::Counters;
use crate::handle::Handle;
use crate::host::{self, Host};
use crate::record::Record;
use crate::subsystem::{State, Subsystem};
use crate::sys::{self, Assoc, Ctrl, CtrlInfo, Dir};
use kernel::prelude::*;
use kernel::sync::aref::ARef;
use kernel::sync::{Arc, LockedBy};
use nvme_fence_policy::{
    ControllerId, Evidence, Identity, Input, Nanos, Offer, Opened, Scope, Terms,
};

/// Default of `kernel.hung_task_timeout_secs`, in milliseconds.
const HUNG_TASK_MS: u64 = 120_000;

/// What is last known of a controller.
#[derive(Clone, Copy, Default)]
pub(crate) struct Latest {
    /// What the last association said of itself.
    pub(crate) said: Option<(Identity, Terms, Offer)>,
    /// What last proved that one of its associations can execute nothing any more.
    pub(crate) evidence: Option<Evidence>,
}

/// A controller. Its records keep it, also when nvme-core has forgotten it.
pub(crate) struct Controller {
    id: ControllerId,
    subsystem: Arc<Subsystem>,
    /// Where it is, as far as that makes a difference between sources.
    ports: Offer,
    counters: Counters,
    /// Guarded by the lock of the subsystem.
    latest: LockedBy<Latest, State>,
}

impl Controller {
    fn new(subsystem: Arc<Subsystem>, info: &CtrlInfo<'_>) -> Result<Arc<Self>> {
        Ok(Arc::new(
            Self {
                id: subsystem.host().next_controller(info.instance()),
                latest: LockedBy::new(subsystem.state(), Latest::default()),
                subsystem,
                ports: Offer {
                    port: info.port(),
                    host_port: info.host_port(),
                    ..Offer::default()
                },
                counters: Counters::new(),
            },
            GFP_KERNEL,
        )?)
    }

    /// What the policy calls it.
    pub(crate) fn id(&self) -> ControllerId {
        self.id
    }

    pub(crate) fn subsystem(&self) -> &Subsystem {
        &self.subsystem
    }

    /// What it offers as a source, as far as its ports are concerned.
    pub(crate) fn ports(&self) -> Offer {
        self.ports
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Counts something of it by `f`: here, and in the totals of its subsystem, which stay when it goes.
    pub(crate) fn count(&self, f: impl Fn(&Counters)) {
        f(&self.counters);
        f(self.subsystem.totals());
    }

    /// What is last known of it.
    pub(crate) fn latest(&self, state: &State) -> Latest {
        *self.latest.access(state)
    }

    /// There is evidence for one of its associations, for which so many commands are held.
    pub(crate) fn note_evidence(&self, state: &mut State, evidence: Evidence, held: u32) {
        self.latest.access_mut(state).evidence = Some(evidence);
        self.count(|counters| counters.count_fenced(evidence, held));
    }

    /// Tells the policy what happened to it. Atomic.
    pub(crate) fn handle(&self, input: impl FnOnce(ControllerId) -> Input<'static>) {
        self.subsystem.handle(input(self.id));
    }

    /// The administrator says that nothing can execute any more on what it has lost. Atomic.
    pub(crate) fn release(&self) {
        self.handle(|id| Input::Release(Scope::Controller(id)));
    }

    /// Tells the administrator what the loss of a path will mean.
    fn log_wait(&self, wait_ms: Option<u64>, keep_alive: bool) {
        let instance = host::instance(self.id);
        match wait_ms {
            Some(ms) if ms > HUNG_TASK_MS => pr_warn!(
                "nvme{instance}: when its path is lost, writes are held for up to {ms} ms, beyond the {HUNG_TASK_MS} ms after which tasks are reported as hung by default\n"
            ),
            Some(ms) => pr_info!(
                "nvme{instance}: when its path is lost, writes are held for up to {ms} ms\n"
            ),
            None => {
                let why = if keep_alive { "time does not count" } else { "no keep alive" };
                pr_warn!(
                    "nvme{instance}: {why}: when its path is lost, writes are held until there is other evidence than time, or the administrator releases them\n"
                )
            }
        }
    }
}

/// A controller that nvme-core knows.
pub(crate) struct Attached {
    dir: Dir<Controller>,
    /// Where to send commands.
    ctrl: ARef<Ctrl>,
}

impl Attached {
    /// Attaches to a controller. May sleep.
    pub(crate) fn new(host: &Arc<Host>, info: &CtrlInfo<'_>) -> Result<Self> {
        let subsystem = host.attach(info)?;
        let dir = Controller::new(subsystem.clone(), info)
            .and_then(|controller| info.ctrl_dir(controller));

        match dir {
            Ok(dir) => Ok(Self {
                dir,
                ctrl: info.ctrl(),
            }),
            Err(error) => {
                host.detach(&subsystem);
                Err(error)
            }
        }
    }

    pub(crate) fn controller(&self) -> &Arc<Controller> {
        self.dir.object()
    }

    /// A new association is made. May sleep.
    pub(crate) fn open(
        &self,
        assoc: Assoc,
        connected: Option<Nanos>,
        identity: Identity,
        terms: Terms,
        offer: Offer,
    ) -> Result<KBox<Handle>> {
        let controller = self.controller();
        let subsystem = controller.subsystem();
        let id = subsystem.host().next_association();
        let handle = Handle::new(id, controller.clone())?;
        let opened = Opened {
            id,
            controller: controller.id,
            connected,
            at: sys::now(),
            identity,
            terms,
            offer,
        };
        subsystem.open(opened, |association| {
            Record::new(association, assoc, controller.clone(), self.ctrl.clone())
        })?;

        subsystem.lend_slots_if_possible(host::instance(controller.id));

        let mut state = subsystem.lock();
        let wait_ms = terms.wait_ms(state.knobs());
        let latest = controller.latest.access_mut(&mut state);
        let before = latest.said.replace((identity, terms, offer));
        drop(state);
        if before.map(|(_, terms, _)| terms) != Some(terms) {
            controller.log_wait(wait_ms, terms.kato_ms != 0);
        }
        Ok(handle)
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let controller = self.controller();
        let subsystem = controller.subsystem();
        subsystem.lock().forget_ctrl(controller.id);
        // Nothing is sent to it any more when this returns.
        subsystem.clock.flush_ask();
        subsystem.host().detach(subsystem);
    }
}
