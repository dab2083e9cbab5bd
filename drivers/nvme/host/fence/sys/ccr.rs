// SPDX-License-Identifier: GPL-2.0

//! Controllers, as far as Cross-Controller Resets are concerned.

use super::raw;
use kernel::error::to_result;
use kernel::prelude::*;
use nvme_fence_policy::{AssociationId, Identity, LogPage, LogRead};

/// A controller that commands can be sent to.
///
/// # Invariants
///
/// It exists until `->detach` returns. A value of this type is used only before `->detach`, under the
/// lock while a [`Record`](crate::record::Record) still has it, or by the work item that asks, which
/// `->detach` waits for.
#[derive(Clone, Copy)]
pub(crate) struct Ctrl(*mut raw::nvme_ctrl);

// SAFETY: A controller is not bound to a thread.
unsafe impl Send for Ctrl {}

// SAFETY: All that can be done with a shared reference may be done at the same time.
unsafe impl Sync for Ctrl {}

impl Ctrl {
    /// # Safety
    ///
    /// `ctrl` must be what `->attach` is called for.
    pub(super) unsafe fn from_raw(ctrl: *mut raw::nvme_ctrl) -> Self {
        // INVARIANT: By the safety requirements.
        Self(ctrl)
    }

    /// Whether there is a namespace to which this is an optimized path.
    pub(crate) fn is_optimized(&self) -> bool {
        // SAFETY: By the invariants it exists.
        unsafe { raw::nvme_fence_optimized(self.0) }
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
        // SAFETY: By the invariants it exists. `ccr` is valid for the duration of the call.
        to_result(unsafe { raw::nvme_fence_send_ccr(self.0, &ccr, timeout_ms, cookie(source)) })
    }

    /// Reads one of its log pages, which is an [`Input::LogRead`](nvme_fence_policy::Input::LogRead), unless
    /// this fails.
    pub(crate) fn read_log(&self, read: &LogRead, source: AssociationId) -> Result {
        // SAFETY: By the invariants it exists.
        to_result(unsafe {
            raw::nvme_fence_glue_read_log(
                self.0,
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
