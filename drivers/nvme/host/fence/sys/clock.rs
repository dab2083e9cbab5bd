// SPDX-License-Identifier: GPL-2.0

//! The clock of a subsystem: its timer, and the work items that look after it.

use super::raw;
use crate::subsystem::Subsystem;
use kernel::prelude::*;
use kernel::types::Opaque;
use nvme_fence_policy::Nanos;

/// Calls [`Subsystem::expired`] when the time has come, and [`Subsystem::ask`] when there is something
/// to ask, each in a work item of its own.
///
/// # Invariants
///
/// It is the field `clock` of a [`Subsystem`], and initialised.
#[pin_data(PinnedDrop)]
pub(crate) struct Clock {
    #[pin]
    raw: Opaque<raw::nvme_fence_clock>,
}

// SAFETY: It is not bound to a thread.
unsafe impl Send for Clock {}

// SAFETY: Timers and work items may be started and stopped from several threads at once.
unsafe impl Sync for Clock {}

impl Clock {
    /// One that was not started.
    ///
    /// # Safety
    ///
    /// It must become the field `clock` of a [`Subsystem`].
    pub(crate) unsafe fn new() -> impl PinInit<Self> {
        // INVARIANT: By the safety requirements.
        pin_init!(Self {
            // SAFETY: There is room for it, which does not move.
            raw <- Opaque::ffi_init(|clock| unsafe { raw::nvme_fence_clock_init(clock) }),
        })
    }

    /// Has [`Subsystem::expired`] called at `at`, instead of when it was to be called before, unless it
    /// is stopped.
    ///
    /// To be called with the lock of the subsystem held: so the last who sets it knows best.
    pub(crate) fn arm(&self, at: Nanos) {
        // SAFETY: By the invariants it is initialised.
        unsafe { raw::nvme_fence_clock_arm(self.raw.get(), at.0) }
    }

    /// Has [`Subsystem::ask`] called, unless it is stopped.
    pub(crate) fn ask(&self) {
        // SAFETY: By the invariants it is initialised.
        unsafe { raw::nvme_fence_clock_ask(self.raw.get()) }
    }

    /// Waits until [`Subsystem::ask`] is not running any more. May sleep.
    pub(crate) fn flush_ask(&self) {
        // SAFETY: By the invariants it is initialised.
        unsafe { raw::nvme_fence_clock_flush_ask(self.raw.get()) }
    }

    /// Stops it for good. May sleep.
    pub(crate) fn stop(&self) {
        // SAFETY: By the invariants it is initialised.
        unsafe { raw::nvme_fence_clock_stop(self.raw.get()) }
    }
}

#[pinned_drop]
impl PinnedDrop for Clock {
    /// Does not sleep if it is stopped already.
    fn drop(self: Pin<&mut Self>) {
        self.stop();
    }
}

/// # Safety
///
/// `clock` must be what a [`Clock`] has, of which a timer or a work item has come due that
/// [`Clock::stop`] waits for.
unsafe fn subsystem<'a>(clock: *mut raw::nvme_fence_clock) -> &'a Subsystem {
    let clock = Opaque::cast_from(clock).cast_mut();
    // SAFETY: By the safety requirements, and the invariants of the type, it is in a subsystem, which is
    // not dropped before the clock is stopped.
    unsafe { &*kernel::container_of!(clock, Subsystem, clock.raw) }
}

/// The time has come: process context, on our workqueue.
///
/// # Safety
///
/// As for [`subsystem`].
#[no_mangle]
unsafe extern "C" fn nvme_fence_rs_expired(clock: *mut raw::nvme_fence_clock) {
    // SAFETY: By the safety requirements.
    unsafe { subsystem(clock) }.expired();
}

/// There may be something to ask: process context, on our workqueue.
///
/// # Safety
///
/// As for [`subsystem`].
#[no_mangle]
unsafe extern "C" fn nvme_fence_rs_ask(clock: *mut raw::nvme_fence_clock) {
    // SAFETY: By the safety requirements.
    unsafe { subsystem(clock) }.ask();
}

super::hooks::check_exports!(nvme_fence_rs_expired, nvme_fence_rs_ask);
