// SPDX-License-Identifier: GPL-2.0

//! What the kernel crate of Linux 7.2 lacks: a spinlock that disables interrupts, and restores them as
//! they were.

use super::raw;
use kernel::sync::lock::{Backend, Guard, Lock};

/// A lock that can be taken whether interrupts are enabled or not.
pub(crate) type SpinLockIrq<T> = Lock<T, IrqSave>;

/// That it is taken.
pub(crate) type SpinLockIrqGuard<'a, T> = Guard<'a, T, IrqSave>;

/// The backend of [`SpinLockIrq`].
pub(crate) struct IrqSave;

// SAFETY: The functions wrap those of spinlock_t, which is what mutual exclusion is made of.
unsafe impl Backend for IrqSave {
    type State = kernel::bindings::spinlock_t;
    type GuardState = kernel::ffi::c_ulong;

    unsafe fn init(
        ptr: *mut Self::State,
        name: *const kernel::ffi::c_char,
        key: *mut kernel::bindings::lock_class_key,
    ) {
        // SAFETY: `ptr`, `name` and `key` are valid as the caller guarantees.
        unsafe { raw::nvme_fence_lock_init(ptr, name, key) }
    }

    unsafe fn lock(ptr: *mut Self::State) -> Self::GuardState {
        // SAFETY: `ptr` points to an initialised lock, as the caller guarantees.
        unsafe { raw::nvme_fence_lock(ptr) }
    }

    unsafe fn try_lock(ptr: *mut Self::State) -> Option<Self::GuardState> {
        let mut flags = 0;
        // SAFETY: `ptr` points to an initialised lock, as the caller guarantees.
        unsafe { raw::nvme_fence_trylock(ptr, &mut flags) }.then_some(flags)
    }

    unsafe fn unlock(ptr: *mut Self::State, guard_state: &Self::GuardState) {
        // SAFETY: The caller owns the lock, and `guard_state` is what locking it returned.
        unsafe { raw::nvme_fence_unlock(ptr, *guard_state) }
    }

    unsafe fn assert_is_held(ptr: *mut Self::State) {
        // SAFETY: `ptr` points to an initialised lock, as the caller guarantees.
        unsafe { raw::nvme_fence_assert_locked(ptr) }
    }
}
