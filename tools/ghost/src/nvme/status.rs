// SPDX-License-Identifier: GPL-2.0

//! Status codes as the kernel writes them: the status code type in bits 10:8, the status code in
//! bits 7:0, Do Not Retry in bit 14.

use std::fmt;

/// The status of a completion.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Status(u16);

impl Status {
    /// The command did what it should.
    pub const SUCCESS: Status = Status(0x000);
    /// There is no such command.
    pub const INVALID_OPCODE: Status = Status(0x001);
    /// A field of the command has a value that it must not have.
    pub const INVALID_FIELD: Status = Status(0x002);
    /// Another command with this identifier is outstanding.
    pub const ID_CONFLICT: Status = Status(0x003);
    /// The controller has failed, its medium for instance.
    pub const INTERNAL: Status = Status(0x006);
    /// The command was aborted by an Abort command.
    pub const ABORT_REQUESTED: Status = Status(0x007);
    /// There is no such namespace.
    pub const INVALID_NAMESPACE: Status = Status(0x00b);
    /// The command must not come now.
    pub const SEQUENCE_ERROR: Status = Status(0x00c);
    /// The length in the SGL is not that of the data.
    pub const SGL_INVALID_DATA: Status = Status(0x00f);
    /// The SGL descriptor is of another type than it should be.
    pub const SGL_INVALID_TYPE: Status = Status(0x011);
    /// The report has no room for Host Identifiers of this size.
    pub const HOST_ID_FORMAT: Status = Status(0x018);
    /// The command was aborted because its host was preempted.
    pub const PREEMPTED_AND_ABORTED: Status = Status(0x01b);
    /// The data was damaged on the way.
    pub const TRANSIENT_TRANSPORT: Status = Status(0x022);
    /// Blocks behind the end of the namespace.
    pub const LBA_RANGE: Status = Status(0x080);
    /// Another host has reserved the namespace, or the key is wrong.
    pub const RESERVATION_CONFLICT: Status = Status(0x083);
    /// More Asynchronous Event Request commands than allowed.
    pub const EVENT_LIMIT: Status = Status(0x105);
    /// There is no such log page.
    pub const INVALID_LOG_PAGE: Status = Status(0x109);
    /// The feature cannot be changed.
    pub const FEATURE_NOT_CHANGEABLE: Status = Status(0x10e);
    /// This controller already has a Cross-Controller Reset of that controller in progress.
    pub const CCR_IN_PROGRESS: Status = Status(0x13f);
    /// The Cross-Controller Reset log page is full.
    pub const CCR_LOG_FULL: Status = Status(0x140);
    /// As many Cross-Controller Resets are in progress as this controller can have.
    pub const CCR_LIMIT: Status = Status(0x141);
    /// Connect has a record format that is not known.
    pub const CONNECT_FORMAT: Status = Status(0x180);
    /// A parameter of Connect is wrong.
    pub const CONNECT_INVALID: Status = Status(0x182);
    /// The ANA group is lost for good on this path.
    pub const ANA_PERSISTENT_LOSS: Status = Status(0x301);
    /// The ANA group is inaccessible on this path.
    pub const ANA_INACCESSIBLE: Status = Status(0x302);
    /// The ANA group is changing its state.
    pub const ANA_TRANSITION: Status = Status(0x303);

    /// Do Not Retry.
    const DNR: u16 = 0x4000;
    /// What a completion has room for.
    const MASK: u16 = 0x7fff;

    /// The same with Do Not Retry.
    #[must_use]
    pub const fn dnr(self) -> Status {
        Status(self.0 | Self::DNR)
    }

    /// The status with this number, if there can be one.
    pub fn new(number: u64) -> Option<Status> {
        let number = u16::try_from(number).ok()?;
        (number & !Self::MASK == 0).then_some(Status(number))
    }

    /// Its number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Status({:#x})", self.0)
    }
}
