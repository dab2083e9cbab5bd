// SPDX-License-Identifier: GPL-2.0

//! The border to C: the only part of the module that sees raw bindings or is unsafe.

mod assoc;
mod ccr;
mod clock;
mod dir;
mod glue;
mod hooks;
#[cfg(nvme_fence_own_lock)]
mod lock;
mod trace;

pub(crate) use self::assoc::{orphans, release_orphans, Assoc};
pub(crate) use self::ccr::Ctrl;
pub(crate) use self::clock::Clock;
pub(crate) use self::dir::{removed_dir, CtrlInfo, Dir};
pub(crate) use self::glue::{enable_overlap, now, params, wall_clock_ns, Glue, Registration};
pub(crate) use self::hooks::OfferedCommand;
#[cfg(nvme_fence_own_lock)]
pub(crate) use self::lock::{SpinLockIrq, SpinLockIrqGuard};
pub(crate) use self::trace::{trace, RecordInfo, TraceEvent};
#[cfg(not(nvme_fence_own_lock))]
pub(crate) use kernel::sync::{SpinLockIrq, SpinLockIrqGuard};

/// What bindgen makes of `glue.h`. Types that are not ours resolve to those of the kernel crate.
#[allow(
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    dead_code,
    improper_ctypes,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    unsafe_op_in_unsafe_fn,
    unused_imports
)]
mod raw {
    use kernel::bindings::*;
    include!(concat!(env!("NVME_FENCE_OBJ"), "/bindings_generated.rs"));
}
