// SPDX-License-Identifier: GPL-2.0

//! What nvme-core calls: the functions of `struct nvme_fence_ops`, as far as they are Rust.
//!
//! Each turns its arguments into what the policy understands, and that is all it does.

use super::trace::RecordInfo;
use super::{ccr, raw, Assoc, CtrlInfo};
use crate::controller::Attached;
use crate::handle::Handle;
use crate::host::Host;
use core::ptr::NonNull;
use kernel::ffi::c_void;
use kernel::prelude::*;
use kernel::sync::{Arc, ArcBorrow};
use nvme_fence_policy::log_page::LOG_BYTES;
use nvme_fence_policy::{
    Answer, Blocks, Clocks, Command, Fate, HeldUntil, Identity, Input, Kind, Nanos, Offer, Terms,
};

/// Checks that functions have the type that C calls them by.
macro_rules! check_exports {
    ($($name:ident),* $(,)?) => {
        $(const _: () = {
            if true {
                $crate::sys::raw::$name
            } else {
                $name
            };
        };)*
    };
}
pub(super) use check_exports;

check_exports!(
    nvme_fence_rs_attach,
    nvme_fence_rs_detach,
    nvme_fence_rs_open,
    nvme_fence_rs_forget,
    nvme_fence_rs_event,
    nvme_fence_rs_closed,
    nvme_fence_rs_hold,
    nvme_fence_rs_overlaps,
    nvme_fence_rs_repeated,
    nvme_fence_rs_drained,
    nvme_fence_rs_news,
    nvme_fence_rs_reset_answered,
    nvme_fence_rs_log_read,
);

/// A command that nvme-core offers, as C describes it.
///
/// # Invariants
///
/// It is what `->hold` or `->overlaps` was called with, which has not returned yet.
pub(crate) struct OfferedCommand<'a>(&'a raw::nvme_fence_cmd);

impl OfferedCommand<'_> {
    /// The command in the words of the policy.
    pub(crate) fn command(&self) -> Command {
        Command {
            kind: kind(self.0.op),
            status: self.0.status,
            sent: self.0.sent,
            bytes: self.0.bytes,
            blocks: self.blocks(),
            fails: self.0.fails,
            elsewhere: self.0.elsewhere,
            repeatable: self.0.repeatable,
            holdable: self.0.holdable,
        }
    }

    /// What it changes, in sectors of 512 bytes.
    pub(crate) fn blocks(&self) -> Option<Blocks> {
        Blocks::new(self.0.nsid, self.0.sector, self.0.sectors)
    }

    /// Whether nvme-core can keep it.
    pub(crate) fn is_holdable(&self) -> bool {
        self.0.holdable
    }

    /// Whether it is what somebody has made himself, instead of reading or writing.
    pub(crate) fn is_passthrough(&self) -> bool {
        use kernel::bindings as b;

        let op = u32::from(self.0.op);
        op == b::req_op_REQ_OP_DRV_IN || op == b::req_op_REQ_OP_DRV_OUT
    }

    /// Length of its data in bytes.
    pub(crate) fn bytes(&self) -> u32 {
        self.0.bytes
    }

    /// Records that it is tracked.
    pub(crate) fn trace_track(&self, record: &RecordInfo) {
        // SAFETY: Both arguments are valid for the duration of the call.
        unsafe { raw::nvme_fence_trace_track(&record.to_raw(), self.0) }
    }

    /// Records that it waits.
    pub(crate) fn trace_wait(&self, record: &RecordInfo) {
        // SAFETY: Both arguments are valid for the duration of the call.
        unsafe { raw::nvme_fence_trace_wait(&record.to_raw(), self.0) }
    }

    /// Records that it is held.
    pub(crate) fn trace_hold(&self, record: &RecordInfo) {
        // SAFETY: Both arguments are valid for the duration of the call.
        unsafe { raw::nvme_fence_trace_hold(&record.to_raw(), self.0) }
    }
}

fn kind(op: u8) -> Kind {
    use kernel::bindings as b;

    match u32::from(op) {
        b::req_op_REQ_OP_READ => Kind::Read,
        b::req_op_REQ_OP_FLUSH => Kind::Flush,
        b::req_op_REQ_OP_WRITE => Kind::Write,
        b::req_op_REQ_OP_WRITE_ZEROES => Kind::WriteZeroes,
        b::req_op_REQ_OP_DISCARD => Kind::Deallocate,
        b::req_op_REQ_OP_ZONE_APPEND => Kind::ZoneAppend,
        b::req_op_REQ_OP_ZONE_OPEN
        | b::req_op_REQ_OP_ZONE_CLOSE
        | b::req_op_REQ_OP_ZONE_FINISH
        | b::req_op_REQ_OP_ZONE_RESET
        | b::req_op_REQ_OP_ZONE_RESET_ALL => Kind::ZoneManagementSend,
        _ => Kind::Other,
    }
}

// nvme-core calls us with these from any thread, and from several at once.
const _: () = {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<Attached>();
    is_shared::<Handle>();
    is_shared::<Host>();
};

/// # Safety
///
/// `fence` must come from [`nvme_fence_rs_attach`], and [`nvme_fence_rs_detach`] must not have
/// been called for it.
unsafe fn attached<'a>(fence: *mut c_void) -> &'a Attached {
    // SAFETY: It points to what nvme_fence_rs_attach() leaked.
    unsafe { &*fence.cast::<Attached>() }
}

/// `->attach`: process context, may sleep.
///
/// # Safety
///
/// `policy` must be what was passed to nvme_fence_glue_init(), and `info` must be valid.
#[no_mangle]
unsafe extern "C" fn nvme_fence_rs_attach(
    policy: *mut c_void,
    info: *const raw::nvme_fence_ctrl_info,
) -> *mut c_void {
    // SAFETY: `policy` was made from an `Arc`, see `Glue::new`, and the module has a reference.
    let host = Arc::from(unsafe { ArcBorrow::<Host>::from_raw(policy.cast()) });
    // SAFETY: By the safety requirements.
    let info = CtrlInfo(unsafe { &*info });

    match Attached::new(&host, &info)
        .and_then(|attached| KBox::new(attached, GFP_KERNEL).map_err(Error::from))
    {
        Ok(attached) => KBox::into_raw(attached).cast(),
        Err(error) => error.to_ptr(),
    }
}

/// `->detach`: process context, may sleep.
///
/// # Safety
///
/// As for [`attached`]; `fence` must not be used any more.
#[no_mangle]
unsafe extern "C" fn nvme_fence_rs_detach(fence: *mut c_void) {
    // SAFETY: By the safety requirements nobody uses what nvme_fence_rs_attach() leaked any more.
    let attached = unsafe { KBox::from_raw(fence.cast::<Attached>()) };
    attached.controller().handle(Input::Removed);
}

/// `->open`: process context, may sleep.
///
/// # Safety
///
/// As for [`attached`]; `assoc` and `id` must be valid.
#[no_mangle]
unsafe extern "C" fn nvme_fence_rs_open(
    fence: *mut c_void,
    assoc: *mut raw::nvme_assoc,
    id: *const raw::nvme_fence_identity,
) -> *mut c_void {
    // SAFETY: By the safety requirements.
    let (attached, assoc, id) = unsafe { (attached(fence), NonNull::new_unchecked(assoc), &*id) };
    // SAFETY: It is what `->open` is called for.
    let assoc = unsafe { Assoc::from_raw(assoc) };
    let identity = Identity {
        cntlid: id.cntlid,
        ciu: id.ciu,
        cirn: id.cirn,
    };
    let terms = Terms {
        kato_ms: id.kato_ms,
        tbkas: id.tbkas,
        cqt_ms: id.cqt_ms,
    };
    let offer = Offer {
        ccrl: id.ccrl,
        lost_host_log: id.lost_host_log,
        ..attached.controller().ports()
    };

    let connected = (id.connect_ns != 0).then_some(Nanos(id.connect_ns));

    match attached.open(assoc, connected, identity, terms, offer) {
        Ok(handle) => KBox::into_raw(handle).cast(),
        Err(error) => error.to_ptr(),
    }
}

/// # Safety
///
/// `data` must come from [`nvme_fence_rs_open`], and [`nvme_fence_rs_forget`] must not have been called
/// for it.
unsafe fn handle<'a>(data: *mut c_void) -> &'a Handle {
    // SAFETY: It points to what nvme_fence_rs_open() leaked.
    unsafe { &*data.cast::<Handle>() }
}

/// `->forget`. Atomic.
///
/// # Safety
///
/// As for [`handle`]; `data` must not be used any more.
#[no_mangle]
unsafe extern "C" fn nvme_fence_rs_forget(data: *mut c_void) {
    // SAFETY: By the safety requirements nobody uses what nvme_fence_rs_open() leaked any more.
    let handle = unsafe { KBox::from_raw(data.cast::<Handle>()) };
    handle.forget();
}

/// `->event`. Atomic.
///
/// If a command of the association is held when it is resumed, nvme-core gives it up once more: it
/// becomes lost again soon.
///
/// # Safety
///
/// As for [`handle`].
#[no_mangle]
unsafe extern "C" fn nvme_fence_rs_event(data: *mut c_void, event: raw::nvme_fence_event) {
    // SAFETY: By the safety requirements.
    let handle = unsafe { handle(data) };
    let input = match event {
        raw::nvme_fence_event_NVME_FENCE_MOVED => return handle.moved(),
        raw::nvme_fence_event_NVME_FENCE_LOST => Input::Lost,
        raw::nvme_fence_event_NVME_FENCE_RESUMED => Input::Resumed,
        raw::nvme_fence_event_NVME_FENCE_DISABLED => Input::Disabled,
        _ => return,
    };
    handle.controller().handle(input);
}

/// `->closed`. Atomic.
///
/// # Safety
///
/// As for [`handle`]; `clocks` must be valid.
#[no_mangle]
unsafe extern "C" fn nvme_fence_rs_closed(
    data: *mut c_void,
    clocks: *const raw::nvme_fence_clocks,
) -> u64 {
    // SAFETY: By the safety requirements.
    let (handle, clocks) = unsafe { (handle(data), &*clocks) };
    until_to_raw(handle.closed(Clocks {
        keep_alive: Nanos(clocks.keep_alive_ns),
        sent: Nanos(clocks.sent_ns),
        peer_closed: (clocks.peer_closed_ns != 0).then_some(Nanos(clocks.peer_closed_ns)),
        kato_ms: clocks.kato_ms,
    }))
}

/// `->hold`. Atomic.
///
/// # Safety
///
/// As for [`handle`]; `cmd` must be what nvme-core calls `->hold` with.
#[no_mangle]
unsafe extern "C" fn nvme_fence_rs_hold(
    data: *mut c_void,
    cmd: *const raw::nvme_fence_cmd,
) -> raw::nvme_fence_verdict {
    // SAFETY: By the safety requirements.
    let (handle, cmd) = unsafe { (handle(data), &*cmd) };
    // INVARIANT: By the safety requirements.
    match handle.hold(&OfferedCommand(cmd)) {
        Fate::Hold => raw::nvme_fence_verdict_NVME_FENCE_HOLD,
        Fate::Track => raw::nvme_fence_verdict_NVME_FENCE_TRACK,
        Fate::Pass(_) => raw::nvme_fence_verdict_NVME_FENCE_PASS,
        Fate::Unknown => raw::nvme_fence_verdict_NVME_FENCE_UNKNOWN,
    }
}

/// `->overlaps`. Atomic.
///
/// # Safety
///
/// As for [`handle`]; `cmd` must be what nvme-core calls `->overlaps` with.
#[no_mangle]
unsafe extern "C" fn nvme_fence_rs_overlaps(
    data: *mut c_void,
    cmd: *const raw::nvme_fence_cmd,
) -> bool {
    // SAFETY: By the safety requirements.
    let (handle, cmd) = unsafe { (handle(data), &*cmd) };
    // INVARIANT: By the safety requirements.
    handle.overlaps(&OfferedCommand(cmd))
}

/// `->repeated`. Atomic.
///
/// # Safety
///
/// As for [`handle`].
#[no_mangle]
unsafe extern "C" fn nvme_fence_rs_repeated(data: *mut c_void) {
    // SAFETY: By the safety requirements.
    unsafe { handle(data) }.repeated();
}

/// `->drained`. Atomic.
///
/// # Safety
///
/// As for [`handle`].
#[no_mangle]
unsafe extern "C" fn nvme_fence_rs_drained(data: *mut c_void) {
    // SAFETY: By the safety requirements.
    unsafe { handle(data) }.drained();
}

/// `->aen`. Atomic.
///
/// # Safety
///
/// As for [`attached`].
#[no_mangle]
unsafe extern "C" fn nvme_fence_rs_news(fence: *mut c_void, lost_host: bool) {
    // SAFETY: By the safety requirements.
    let attached = unsafe { attached(fence) };
    attached.controller().handle(if lost_host {
        Input::HostLost
    } else {
        Input::ResetCompleted
    });
}

/// `->ccr_answered`. Atomic.
///
/// # Safety
///
/// As for [`attached`]; `answer` must be valid.
#[no_mangle]
unsafe extern "C" fn nvme_fence_rs_reset_answered(
    fence: *mut c_void,
    cookie: usize,
    answer: *const raw::nvme_fence_ccr_answer,
) {
    // SAFETY: By the safety requirements.
    let (attached, answer) = unsafe { (attached(fence), &*answer) };
    let identity = Identity {
        cntlid: answer.ccr.icid,
        ciu: answer.ccr.ciu,
        cirn: answer.ccr.cirn,
    };
    let answer = Answer::decode(answer.status, answer.result);
    attached
        .controller()
        .handle(|source_controller| Input::Answered {
            source: ccr::source(cookie),
            source_controller,
            identity,
            answer,
        });
}

/// `->log`. Atomic.
///
/// # Safety
///
/// As for [`attached`]; `page` must be valid for the length of a log page, or null.
#[no_mangle]
unsafe extern "C" fn nvme_fence_rs_log_read(
    fence: *mut c_void,
    cookie: usize,
    page: *const c_void,
) {
    // SAFETY: By the safety requirements.
    let attached = unsafe { attached(fence) };
    let page = (!page.is_null()).then(|| {
        // SAFETY: It is valid, and nobody writes to it before the next read begins.
        unsafe { core::slice::from_raw_parts(page.cast::<u8>(), LOG_BYTES) }
    });
    let source = ccr::source(cookie);
    let subsystem = attached.controller().subsystem();
    subsystem.handle(Input::LogRead { source, page });
}

/// In nanoseconds of CLOCK_MONOTONIC: 0 if nothing is held, 1 if it is free a moment from now,
/// `u64::MAX` if there is no such time.
fn until_to_raw(until: HeldUntil) -> u64 {
    match until {
        HeldUntil::NothingHeld => 0,
        HeldUntil::Soon => 1,
        HeldUntil::At(at) => at.0,
        HeldUntil::NoTime => u64::MAX,
    }
}
