// SPDX-License-Identifier: GPL-2.0

//! Associations, as nvme-core has them.

use super::raw;
use core::ptr::NonNull;
use nvme_fence_policy::Sum;

/// An association of nvme-core, which holds what is to be held for it.
///
/// # Invariants
///
/// It exists until `->forget` returns, which takes the lock of the subsystem to remove the
/// [`Record`](crate::record::Record) that has this. A value of this type is used only under that lock.
pub(crate) struct Assoc(NonNull<raw::nvme_assoc>);

// SAFETY: An association is not bound to a thread.
unsafe impl Send for Assoc {}

// SAFETY: All that can be done with a shared reference may be done at the same time.
unsafe impl Sync for Assoc {}

impl Assoc {
    /// # Safety
    ///
    /// `assoc` must be what `->open` is called for.
    pub(super) unsafe fn from_raw(assoc: NonNull<raw::nvme_assoc>) -> Self {
        // INVARIANT: By the safety requirements.
        Self(assoc)
    }

    /// Lets what is held for it leave. Nothing may be able to execute on it any more. Atomic.
    pub(crate) fn fence(&self) {
        // SAFETY: By the invariants it exists.
        unsafe { raw::nvme_assoc_fence(self.0.as_ptr()) }
    }

    /// Sends again what is tracked for it, and has new writes checked. Atomic.
    pub(crate) fn repeat(&self) {
        // SAFETY: By the invariants it exists.
        unsafe { raw::nvme_assoc_repeat(self.0.as_ptr()) }
    }
}

/// What this module has had held without a time limit when it was loaded before, and nobody has
/// released. Any context.
pub(crate) fn orphans() -> Sum {
    let mut bytes = 0;
    // SAFETY: `bytes` is valid for the duration of the call.
    let commands = unsafe { raw::nvme_fence_count_orphans(&mut bytes) };
    Sum {
        held: commands.into(),
        held_bytes: bytes,
        held_without_deadline: commands.into(),
        ..Sum::default()
    }
}

/// Lets that leave. Nothing of it may be able to execute any more. Any context.
pub(crate) fn release_orphans() {
    // SAFETY: May be called in any context.
    unsafe { raw::nvme_fence_release_orphans() }
}
