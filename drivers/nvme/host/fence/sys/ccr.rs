// SPDX-License-Identifier: GPL-2.0

//! Controllers, as far as Cross-Controller Resets are concerned.

use super::raw;
use core::ptr::NonNull;
use kernel::error::to_result;
use kernel::prelude::*;
use kernel::sync::aref::{ARef, AlwaysRefCounted};
use kernel::types::Opaque;
use nvme_fence_policy::{AssociationId, Identity, LogPage, LogRead};

/// A controller that commands can be sent to.
///
/// Nobody asks it for anything any more when `->detach` has returned. So nobody but nvme-core drops its
/// last reference, and to drop one of ours is allowed in any context.
///
/// # Invariants
///
/// It is one of nvme-core's, with its device, and so counts its references.
#[repr(transparent)]
pub(crate) struct Ctrl(Opaque<raw::nvme_ctrl>);

// SAFETY: A controller is not bound to a thread.
unsafe impl Send for Ctrl {}

// SAFETY: All that can be done with a shared reference may be done at the same time.
unsafe impl Sync for Ctrl {}

// SAFETY: The memory of a controller, and of what is used below, stays until its device has no reference
// any more.
unsafe impl AlwaysRefCounted for Ctrl {
    fn inc_ref(&self) {
        // SAFETY: As long as there is a reference to it, it exists.
        unsafe { raw::nvme_fence_ctrl_get(self.0.get()) }
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller has a reference.
        unsafe { raw::nvme_fence_ctrl_put(obj.cast().as_ptr()) }
    }
}

impl Ctrl {
    /// # Safety
    ///
    /// `ctrl` must be what `->attach` is called for, and not have returned yet.
    pub(super) unsafe fn from_raw(ctrl: *mut raw::nvme_ctrl) -> ARef<Self> {
        // SAFETY: By the safety requirements it exists. The layout is the same.
        let ctrl = unsafe { &*ctrl.cast::<Self>() };
        ctrl.into()
    }

    /// Whether there is a namespace to which this is an optimized path.
    pub(crate) fn is_optimized(&self) -> bool {
        // SAFETY: It exists.
        unsafe { raw::nvme_fence_optimized(self.0.get()) }
    }

    /// Whether it is to be sent copies from now on, so that nothing refers to what they were made of.
    pub(crate) fn copy_data(&self, copy: bool) {
        // SAFETY: By the invariants it exists.
        unsafe { raw::nvme_fence_copy_data(self.0.get(), copy) }
    }

    /// Asks it to reset what has this identity. The answer is an
    /// [`Input::Answered`](nvme_fence_policy::Input::Answered), unless this fails. If it does not come
    /// in time, the command is aborted, and the answer says so.
    pub(crate) fn send_reset(
        &self,
        identity: &Identity,
        timeout_ms: u32,
        source: AssociationId,
    ) -> Result {
        let ccr = raw::nvme_fence_ccr {
            cirn: identity.cirn,
            icid: identity.cntlid,
            ciu: identity.ciu,
        };
        // SAFETY: It exists. `ccr` is valid for the duration of the call.
        to_result(unsafe {
            raw::nvme_fence_send_ccr(self.0.get(), &ccr, timeout_ms, cookie(source))
        })
    }

    /// Reads one of its log pages, which is an [`Input::LogRead`](nvme_fence_policy::Input::LogRead), unless
    /// this fails.
    pub(crate) fn read_log(&self, read: &LogRead, source: AssociationId) -> Result {
        // SAFETY: It exists.
        to_result(unsafe {
            raw::nvme_fence_glue_read_log(
                self.0.get(),
                read.page == LogPage::LostHost,
                read.retain_event,
                read.remove_completed,
                cookie(source),
            )
        })
    }
}

/// What comes back with an answer. There are not so many associations that it would not fit.
fn cookie(source: AssociationId) -> usize {
    source.0 as usize
}

/// The other way round.
pub(super) fn source(cookie: usize) -> AssociationId {
    AssociationId(cookie as u64)
}
