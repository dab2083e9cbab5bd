// SPDX-License-Identifier: GPL-2.0

//! The held bios of a record.

use super::raw;
use core::ptr;
use kernel::bindings;
use kernel::prelude::*;
use nvme_fence_policy::Nanos;

/// A chain of bios, linked through `bi_next`. Holding and releasing a bio allocates nothing.
///
/// # Invariants
///
/// - `head` and `tail` are both null, or they are the ends of a chain that ends with a null
///   `bi_next`.
/// - The list owns all bios of the chain: nobody else completes, submits or links them.
/// - The bios were put there by nvme_fence_take(), for nvme_fence_send_on(), which knows what is to
///   become of each.
pub(crate) struct BioList(bindings::bio_list);

// SAFETY: A bio is not bound to the thread or CPU that submitted it.
unsafe impl Send for BioList {}

// SAFETY: There is nothing that a shared reference can do to the bios.
unsafe impl Sync for BioList {}

impl BioList {
    /// A list without bios.
    pub(crate) const fn new() -> Self {
        // INVARIANT: There are no bios.
        Self(bindings::bio_list {
            head: ptr::null_mut(),
            tail: ptr::null_mut(),
        })
    }

    /// A list of what `f` puts into an empty one. It must keep to the invariants of the type.
    pub(super) fn fill(f: impl FnOnce(&mut bindings::bio_list)) -> Self {
        let mut list = Self::new();
        f(&mut list.0);
        list
    }

    /// Whether there are no bios in the list.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.head.is_null()
    }

    /// Puts the bios of `other` behind those of this list.
    pub(crate) fn append(&mut self, mut other: Self) {
        let taken = core::mem::replace(&mut other.0, Self::new().0);
        if taken.head.is_null() {
            return;
        }
        if self.is_empty() {
            self.0.head = taken.head;
        } else {
            // SAFETY: By the invariants `tail` is a bio that we own, and the last of its chain.
            unsafe { (*self.0.tail).bi_next = taken.head };
        }
        // INVARIANT: The end of the joined chain is that of `taken`, whose bios we own now.
        self.0.tail = taken.tail;
    }

    /// Takes the bios out of the list.
    pub(crate) fn take(&mut self) -> Self {
        core::mem::replace(self, Self::new())
    }

    /// Sends the bios on, in their order: to their device, or up with an error.
    ///
    /// They have been held `since` then, or later.
    ///
    /// May sleep. To be called from a workqueue that can make progress under memory reclaim.
    pub(crate) fn send_on(mut self, since: Nanos) {
        // SAFETY: By the invariants we own the bios, and they are what is expected. The list is
        // empty afterwards.
        unsafe { raw::nvme_fence_send_on(&mut self.0, since.0) }
    }
}

impl Drop for BioList {
    fn drop(&mut self) {
        if !self.is_empty() {
            // To complete or submit them here could be the very corruption that they are held to
            // prevent.
            pr_err!("held bios were forgotten; whoever waits for them waits forever\n");
        }
    }
}
