// SPDX-License-Identifier: GPL-2.0

//! The directories in sysfs: `fence/` of controllers and subsystems, `removed/` of the module.

use super::{raw, Ctrl};
use crate::attributes::{
    self, CtrlAttribute, Field, RemovedAttribute, SubsysAttribute, SubsysSetting,
};
use crate::controller::Controller;
use crate::host::Host;
use crate::subsystem::Subsystem;
use core::ptr::NonNull;
use kernel::error::from_err_ptr;
use kernel::ffi::{c_char, c_void};
use kernel::prelude::*;
use kernel::str::CStr;
use kernel::sync::aref::ARef;
use kernel::sync::Arc;

/// Where a controller and its subsystem are found in sysfs.
pub(crate) struct CtrlInfo<'a>(pub(super) &'a raw::nvme_fence_ctrl_info);

impl CtrlInfo<'_> {
    /// N of `nvmeN`.
    pub(crate) fn instance(&self) -> u32 {
        self.0.instance
    }

    /// NVM Subsystem NVMe Qualified Name (NQN).
    pub(crate) fn nqn(&self) -> &[u8] {
        // SAFETY: It ends with a NUL, and is there as long as the controller is.
        unsafe { CStr::from_char_ptr(self.0.nqn) }.to_bytes()
    }

    /// Its port, as a number that is made of the address: the same for the same address.
    pub(crate) fn port(&self) -> u64 {
        self.0.port
    }

    /// The port of the host that it is reached through, as a number of the same kind.
    pub(crate) fn host_port(&self) -> u64 {
        self.0.host_port
    }

    /// Where to send commands.
    pub(crate) fn ctrl(&self) -> ARef<Ctrl> {
        // SAFETY: It is the controller that `->attach` is called for.
        unsafe { Ctrl::from_raw(self.0.ctrl) }
    }

    /// Makes the directory of the controller.
    pub(crate) fn ctrl_dir(&self, controller: Arc<Controller>) -> Result<Dir<Controller>> {
        Dir::new(
            self.0.ctrl_dir,
            raw::nvme_fence_dir_kind_NVME_FENCE_DIR_CTRL,
            controller,
        )
    }

    /// Makes the directory of its subsystem.
    pub(crate) fn subsys_dir(&self, subsystem: Arc<Subsystem>) -> Result<Dir<Subsystem>> {
        Dir::new(
            self.0.subsys_dir,
            raw::nvme_fence_dir_kind_NVME_FENCE_DIR_SUBSYS,
            subsystem,
        )
    }
}

/// Makes the directory of what removed controllers still hold.
pub(crate) fn removed_dir(host: Arc<Host>) -> Result<Dir<Host>> {
    // SAFETY: May be called at any time.
    let parent = unsafe { raw::nvme_fence_module_dir() };
    if parent.is_null() {
        return Err(ENOMEM);
    }
    Dir::new(
        parent,
        raw::nvme_fence_dir_kind_NVME_FENCE_DIR_REMOVED,
        host,
    )
}

/// A directory that shows a `T`.
///
/// # Invariants
///
/// `dir` exists, and `object` is what it shows, as long as this value exists.
pub(crate) struct Dir<T> {
    dir: NonNull<raw::nvme_fence_dir>,
    object: Arc<T>,
}

// SAFETY: The directory is not bound to a thread, and the reference to the object may be sent.
unsafe impl<T: Send + Sync> Send for Dir<T> {}

// SAFETY: All that a shared reference gives access to is the object.
unsafe impl<T: Send + Sync> Sync for Dir<T> {}

impl<T> Dir<T> {
    fn new(
        parent: *mut kernel::bindings::kobject,
        kind: raw::nvme_fence_dir_kind,
        object: Arc<T>,
    ) -> Result<Self> {
        let shown: *const T = Arc::as_ptr(&object);
        // SAFETY: `parent` is the directory of a device that exists during `->attach`, or of this
        // module. `shown` stays valid until the directory is removed. `kind` says what it points to.
        let dir = from_err_ptr(unsafe {
            raw::nvme_fence_dir_create(parent, kind, shown.cast_mut().cast())
        })?;
        // INVARIANT: It was just made.
        Ok(Self {
            dir: NonNull::new(dir).ok_or(ENOMEM)?,
            object,
        })
    }

    /// What the directory shows.
    pub(crate) fn object(&self) -> &Arc<T> {
        &self.object
    }
}

impl<T> Drop for Dir<T> {
    fn drop(&mut self) {
        // SAFETY: By the invariants it exists. It is gone, and nobody reads it any more, before the
        // reference to the object is dropped.
        unsafe { raw::nvme_fence_dir_remove(self.dir.as_ptr()) }
    }
}

/// A file in one of the directories that can be read, and what it belongs to.
enum Readable<'a> {
    Subsys(&'a Subsystem, SubsysAttribute),
    Ctrl(&'a Controller, CtrlAttribute),
    Removed(&'a Host, RemovedAttribute),
}

impl<'a> Readable<'a> {
    /// # Safety
    ///
    /// `object` must be what a [`Dir`] with the attribute `attr` shows, and the directory must exist
    /// for `'a`.
    unsafe fn from_raw(object: *mut c_void, attr: u32) -> Option<Self> {
        // SAFETY: By the safety requirements, for an attribute of a subsystem.
        let subsys = || unsafe { &*object.cast::<Subsystem>() };
        // SAFETY: By the safety requirements, for an attribute of a controller.
        let ctrl = || unsafe { &*object.cast::<Controller>() };
        // SAFETY: By the safety requirements, for an attribute of removed controllers.
        let host = || unsafe { &*object.cast::<Host>() };
        let field = |field| Self::Ctrl(ctrl(), CtrlAttribute::Field(field));

        Some(match attr {
            raw::nvme_fence_attr_NVME_FENCE_ATTR_HOLD => {
                Self::Subsys(subsys(), SubsysAttribute::Hold)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_BELIEVED => {
                Self::Subsys(subsys(), SubsysAttribute::Evidence)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_CQT_DEFAULT_MS => {
                Self::Subsys(subsys(), SubsysAttribute::CqtDefaultMs)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_CQT_OVERRIDE_MS => {
                Self::Subsys(subsys(), SubsysAttribute::CqtOverrideMs)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_HISTORY => {
                Self::Subsys(subsys(), SubsysAttribute::History)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_TOTALS => {
                Self::Subsys(subsys(), SubsysAttribute::Totals)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_STATE => Self::Ctrl(ctrl(), CtrlAttribute::State),
            raw::nvme_fence_attr_NVME_FENCE_ATTR_IDENTITY => {
                Self::Ctrl(ctrl(), CtrlAttribute::Identity)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_CIU => field(Field::Ciu),
            raw::nvme_fence_attr_NVME_FENCE_ATTR_CIRN => field(Field::Cirn),
            raw::nvme_fence_attr_NVME_FENCE_ATTR_CQT => field(Field::Cqt),
            raw::nvme_fence_attr_NVME_FENCE_ATTR_CCRL => field(Field::Ccrl),
            raw::nvme_fence_attr_NVME_FENCE_ATTR_HELD => Self::Ctrl(ctrl(), CtrlAttribute::Held),
            raw::nvme_fence_attr_NVME_FENCE_ATTR_HELD_BYTES => {
                Self::Ctrl(ctrl(), CtrlAttribute::HeldBytes)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_DEADLINE_MS => {
                Self::Ctrl(ctrl(), CtrlAttribute::DeadlineMs)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_DEADLINE_RULE => {
                Self::Ctrl(ctrl(), CtrlAttribute::DeadlineRule)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_HELD_WITHOUT_DEADLINE => {
                Self::Ctrl(ctrl(), CtrlAttribute::HeldWithoutDeadline)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_HELD_FOR_MS => {
                Self::Ctrl(ctrl(), CtrlAttribute::HeldForMs)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_TRACKED => {
                Self::Ctrl(ctrl(), CtrlAttribute::Tracked)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_TRACKED_BLOCKS => {
                Self::Ctrl(ctrl(), CtrlAttribute::TrackedBlocks)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_WAITING => {
                Self::Ctrl(ctrl(), CtrlAttribute::Waiting)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_EVIDENCE => {
                Self::Ctrl(ctrl(), CtrlAttribute::Evidence)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_COUNTERS => {
                Self::Ctrl(ctrl(), CtrlAttribute::Counters)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_REMOVED_HELD => {
                Self::Removed(host(), RemovedAttribute::Held)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_REMOVED_HELD_BYTES => {
                Self::Removed(host(), RemovedAttribute::HeldBytes)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_REMOVED_DEADLINE_MS => {
                Self::Removed(host(), RemovedAttribute::DeadlineMs)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_REMOVED_DEADLINE_RULE => {
                Self::Removed(host(), RemovedAttribute::DeadlineRule)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_REMOVED_HELD_WITHOUT_DEADLINE => {
                Self::Removed(host(), RemovedAttribute::HeldWithoutDeadline)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_REMOVED_TRACKED => {
                Self::Removed(host(), RemovedAttribute::Tracked)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_REMOVED_TRACKED_BLOCKS => {
                Self::Removed(host(), RemovedAttribute::TrackedBlocks)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_REMOVED_WAITING => {
                Self::Removed(host(), RemovedAttribute::Waiting)
            }
            _ => return None,
        })
    }
}

/// A file in one of the directories that can be written, and what it belongs to.
enum Writable<'a> {
    Subsys(&'a Subsystem, SubsysSetting),
    /// `release` of a controller.
    Ctrl(&'a Controller),
    /// `release` of those that were removed.
    Removed(&'a Host),
}

impl<'a> Writable<'a> {
    /// # Safety
    ///
    /// As for [`Readable::from_raw`].
    unsafe fn from_raw(object: *mut c_void, attr: u32) -> Option<Self> {
        // SAFETY: By the safety requirements, for an attribute of a subsystem.
        let subsys = |setting| Self::Subsys(unsafe { &*object.cast::<Subsystem>() }, setting);

        Some(match attr {
            raw::nvme_fence_attr_NVME_FENCE_ATTR_HOLD => subsys(SubsysSetting::Hold),
            raw::nvme_fence_attr_NVME_FENCE_ATTR_BELIEVED => subsys(SubsysSetting::Evidence),
            raw::nvme_fence_attr_NVME_FENCE_ATTR_CQT_DEFAULT_MS => {
                subsys(SubsysSetting::CqtDefaultMs)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_CQT_OVERRIDE_MS => {
                subsys(SubsysSetting::CqtOverrideMs)
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_RELEASE => {
                // SAFETY: By the safety requirements, for an attribute of a controller.
                Self::Ctrl(unsafe { &*object.cast::<Controller>() })
            }
            raw::nvme_fence_attr_NVME_FENCE_ATTR_REMOVED_RELEASE => {
                // SAFETY: By the safety requirements, for an attribute of removed controllers.
                Self::Removed(unsafe { &*object.cast::<Host>() })
            }
            _ => return None,
        })
    }
}

/// Reads a file: `buf` has room for `size` bytes.
///
/// # Safety
///
/// Called by `sysfs.c` for a file in a directory that [`Dir::new`] made.
#[no_mangle]
unsafe extern "C" fn nvme_fence_rs_show(
    object: *mut c_void,
    attr: u32,
    buf: *mut c_char,
    size: usize,
) -> isize {
    // SAFETY: By the safety requirements, and sysfs waits for readers before it removes a directory.
    let Some(file) = (unsafe { Readable::from_raw(object, attr) }) else {
        return EIO.to_errno() as isize;
    };
    // SAFETY: sysfs hands us a buffer of this size, for us alone.
    let buf = unsafe { core::slice::from_raw_parts_mut(buf.cast::<u8>(), size) };
    let written = match file {
        Readable::Subsys(subsystem, attribute) => attribute.show(subsystem, buf),
        Readable::Ctrl(controller, attribute) => attribute.show(controller, buf),
        Readable::Removed(host, attribute) => attribute.show(host, buf),
    };
    match written {
        Ok(length) => length as isize,
        Err(error) => error.to_errno() as isize,
    }
}

/// Writes `count` bytes at `buf` to a file.
///
/// # Safety
///
/// As for [`nvme_fence_rs_show`].
#[no_mangle]
unsafe extern "C" fn nvme_fence_rs_store(
    object: *mut c_void,
    attr: u32,
    buf: *const c_char,
    count: usize,
) -> isize {
    // SAFETY: As in nvme_fence_rs_show().
    let Some(file) = (unsafe { Writable::from_raw(object, attr) }) else {
        return EIO.to_errno() as isize;
    };
    // SAFETY: sysfs hands us that many bytes.
    let text = unsafe { core::slice::from_raw_parts(buf.cast::<u8>(), count) };
    let stored = match file {
        Writable::Subsys(subsystem, setting) => setting.store(subsystem, text),
        Writable::Ctrl(controller) => attributes::release(controller, text),
        Writable::Removed(host) => attributes::release_removed(host, text),
    };
    match stored {
        Ok(()) => count as isize,
        Err(error) => error.to_errno() as isize,
    }
}

super::hooks::check_exports!(nvme_fence_rs_show, nvme_fence_rs_store);
