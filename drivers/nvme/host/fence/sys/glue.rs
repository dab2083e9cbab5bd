// SPDX-License-Identifier: GPL-2.0

//! Time, the workqueue, parameters and registration.

use super::raw;
use crate::host::Host;
use kernel::error::to_result;
use kernel::prelude::*;
use kernel::str::CStr;
use kernel::sync::Arc;
use nvme_fence_policy::Nanos;

/// Now, by CLOCK_MONOTONIC.
pub(crate) fn now() -> Nanos {
    // SAFETY: May be called from any context that we run in.
    let now = unsafe { kernel::bindings::ktime_get() };
    Nanos(now.unsigned_abs())
}

/// Now, in nanoseconds since 1970 (UTC), as the clock of this host has it.
pub(crate) fn wall_clock_ns() -> u64 {
    // SAFETY: May be called from any context that we run in.
    let now = unsafe { kernel::bindings::ktime_get_real() };
    // No clock is set to a time before that.
    now.unsigned_abs()
}

/// The module parameters.
pub(crate) struct Params {
    /// See [`nvme_fence_policy::Knobs::hold`].
    pub(crate) hold: &'static [u8],
    /// See [`nvme_fence_policy::Knobs::evidence`]; [`None`] if it was not set.
    pub(crate) evidence: Option<&'static [u8]>,
    /// See [`nvme_fence_policy::Knobs::cqt_default_ms`].
    pub(crate) cqt_default_ms: u32,
    /// See [`nvme_fence_policy::Knobs::cqt_override_ms`].
    pub(crate) cqt_override_ms: u32,
    /// So many ranges can be tracked for each association.
    pub(crate) tracked_max: u32,
}

/// Reads the module parameters, which are set before the module is initialised, and never after.
pub(crate) fn params() -> Params {
    // SAFETY: Nobody writes to the parameters any more.
    let (hold, evidence, cqt_default_ms, cqt_override_ms, tracked_max) = unsafe {
        (
            raw::nvme_fence_param_hold,
            raw::nvme_fence_param_evidence,
            raw::nvme_fence_param_cqt_default_ms,
            raw::nvme_fence_param_cqt_override_ms,
            raw::nvme_fence_param_tracked_max,
        )
    };
    Params {
        // SAFETY: The string ends with a NUL and lives as long as the module.
        hold: unsafe { CStr::from_char_ptr(hold) }.to_bytes(),
        // SAFETY: The same, unless it is null.
        evidence: (!evidence.is_null())
            .then(|| unsafe { CStr::from_char_ptr(evidence) }.to_bytes()),
        cqt_default_ms,
        cqt_override_ms,
        tracked_max,
    }
}

/// Commands are going to be tracked. May sleep.
pub(crate) fn enable_overlap() {
    // SAFETY: Called from the initialisation of the module, or by who writes to a file in sysfs.
    unsafe { raw::nvme_fence_enable_overlap() }
}

/// The workqueue.
///
/// # Invariants
///
/// It exists as long as this value does. There is one at a time.
pub(crate) struct Glue {
    /// What C has a pointer to.
    host: Arc<Host>,
}

impl Glue {
    /// Makes it.
    pub(crate) fn new(host: Arc<Host>) -> Result<Self> {
        let policy = Arc::as_ptr(&host).cast_mut().cast();
        // SAFETY: Called once, from the initialisation of the module; `policy` stays valid until
        // nvme_fence_glue_exit(), because we keep a reference.
        to_result(unsafe { raw::nvme_fence_glue_init(policy) })?;
        // INVARIANT: Just made.
        Ok(Self { host })
    }
}

impl Drop for Glue {
    fn drop(&mut self) {
        // Their clocks use the workqueue. The policy is unregistered, so there are no records.
        self.host.clear();
        // SAFETY: By the invariants it exists, and now nobody uses it any more.
        unsafe { raw::nvme_fence_glue_exit() }
    }
}

/// That nvme-core knows the policy.
pub(crate) struct Registration {
    /// What the callbacks need. It goes after the policy is unregistered.
    _glue: Glue,
}

impl Registration {
    /// Registers the policy. Controllers that are connected are attached before this returns.
    pub(crate) fn new(glue: Glue) -> Result<Self> {
        // SAFETY: `glue` shows that what the callbacks need exists.
        to_result(unsafe { raw::nvme_fence_glue_register() })?;
        Ok(Self { _glue: glue })
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // SAFETY: It is registered, as long as this value exists.
        unsafe { raw::nvme_fence_glue_unregister() }
    }
}
