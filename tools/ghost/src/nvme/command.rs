// SPDX-License-Identifier: GPL-2.0

//! Submission queue entries, and what they ask for.

use super::bytes::{get, put};

/// Size of a submission queue entry.
pub const SQE_BYTES: usize = 64;

/// Size of a completion queue entry.
pub const CQE_BYTES: usize = 16;

/// The opcode of all fabrics commands.
const FABRICS: u8 = 0x7f;

/// A submission queue entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sqe(pub [u8; SQE_BYTES]);

/// Which command it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the specification's names
pub enum Opcode {
    // Fabrics
    Connect,
    PropertyGet,
    PropertySet,
    // Admin
    GetLogPage,
    Identify,
    Abort,
    SetFeatures,
    GetFeatures,
    AsyncEventRequest,
    KeepAlive,
    CrossControllerReset,
    // I/O
    Flush,
    Write,
    Read,
    WriteZeroes,
    DatasetManagement,
    ReservationRegister,
    ReservationReport,
    ReservationAcquire,
    ReservationRelease,
    /// None that is known here.
    Other,
}

impl Opcode {
    /// All of them, with their names in scripts and in the journal.
    pub const NAMES: [(Opcode, &'static str); 21] = [
        (Opcode::Connect, "connect"),
        (Opcode::PropertyGet, "property-get"),
        (Opcode::PropertySet, "property-set"),
        (Opcode::GetLogPage, "get-log"),
        (Opcode::Identify, "identify"),
        (Opcode::Abort, "abort"),
        (Opcode::SetFeatures, "set-features"),
        (Opcode::GetFeatures, "get-features"),
        (Opcode::AsyncEventRequest, "aer"),
        (Opcode::KeepAlive, "keep-alive"),
        (Opcode::CrossControllerReset, "ccr"),
        (Opcode::Flush, "flush"),
        (Opcode::Write, "write"),
        (Opcode::Read, "read"),
        (Opcode::WriteZeroes, "write-zeroes"),
        (Opcode::DatasetManagement, "dsm"),
        (Opcode::ReservationRegister, "resv-register"),
        (Opcode::ReservationReport, "resv-report"),
        (Opcode::ReservationAcquire, "resv-acquire"),
        (Opcode::ReservationRelease, "resv-release"),
        (Opcode::Other, "other"),
    ];

    /// The name in scripts and in the journal.
    pub fn name(self) -> &'static str {
        let (_, name) = Self::NAMES
            .into_iter()
            .find(|&(opcode, _)| opcode == self)
            .expect("the table has all of them");
        name
    }

    /// The opcode with this name.
    pub fn named(name: &str) -> Option<Opcode> {
        Self::NAMES
            .into_iter()
            .find(|&(_, other)| other == name)
            .map(|(opcode, _)| opcode)
    }
}

/// Where a command has its data, or wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataPointer {
    /// Nowhere: there is none.
    None,
    /// In the capsule, so many bytes.
    InCapsule(u32),
    /// In data PDUs, so many bytes.
    Transport(u32),
    /// Something that NVMe/TCP does not have.
    Invalid,
}

/// Which way data goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// There is none.
    None,
    /// From the host to the controller.
    FromHost,
    /// From the controller to the host.
    ToHost,
}

impl Sqe {
    /// SGL descriptor type and subtype: Data Block, Offset.
    pub const SGL_IN_CAPSULE: u8 = 0x01;
    /// SGL descriptor type and subtype: Transport Data Block.
    pub const SGL_TRANSPORT: u8 = 0x5a;

    /// A command with nothing in it but this.
    pub fn new(opcode: u8, cid: u16, nsid: u32) -> Self {
        let mut sqe = Sqe([0; SQE_BYTES]);
        sqe.0[0] = opcode;
        put(&mut sqe.0, 2, cid);
        put(&mut sqe.0, 4, nsid);
        sqe
    }

    /// A fabrics command with nothing in it but this.
    pub fn fabrics(fctype: u8, cid: u16) -> Self {
        Sqe::new(FABRICS, cid, u32::from(fctype))
    }

    /// Sets command dword `number`, 10 to 15.
    pub fn set_dword(&mut self, number: usize, value: u32) {
        put(&mut self.0, number * 4, value);
    }

    /// Sets the SGL descriptor.
    pub fn set_sgl(&mut self, kind: u8, bytes: u32) {
        put(&mut self.0, 32, bytes);
        self.0[39] = kind;
    }

    /// Which command it is, on the admin queue or on an I/O queue.
    pub fn opcode(&self, admin: bool) -> Opcode {
        match (self.0[0], admin) {
            (FABRICS, _) => match self.fctype() {
                0x00 => Opcode::PropertySet,
                0x01 => Opcode::Connect,
                0x04 => Opcode::PropertyGet,
                _ => Opcode::Other,
            },
            (0x02, true) => Opcode::GetLogPage,
            (0x06, true) => Opcode::Identify,
            (0x08, true) => Opcode::Abort,
            (0x09, true) => Opcode::SetFeatures,
            (0x0a, true) => Opcode::GetFeatures,
            (0x0c, true) => Opcode::AsyncEventRequest,
            (0x18, true) => Opcode::KeepAlive,
            (0x38, true) => Opcode::CrossControllerReset,
            (0x00, false) => Opcode::Flush,
            (0x01, false) => Opcode::Write,
            (0x02, false) => Opcode::Read,
            (0x08, false) => Opcode::WriteZeroes,
            (0x09, false) => Opcode::DatasetManagement,
            (0x0d, false) => Opcode::ReservationRegister,
            (0x0e, false) => Opcode::ReservationReport,
            (0x11, false) => Opcode::ReservationAcquire,
            (0x15, false) => Opcode::ReservationRelease,
            _ => Opcode::Other,
        }
    }

    fn fctype(&self) -> u8 {
        self.0[4]
    }

    /// The command identifier.
    pub fn cid(&self) -> u16 {
        get(&self.0, 2)
    }

    /// The namespace identifier.
    pub fn nsid(&self) -> u32 {
        get(&self.0, 4)
    }

    /// Command dword `number`, 10 to 15.
    pub fn dword(&self, number: usize) -> u32 {
        get(&self.0, number * 4)
    }

    /// Command dwords `number` and the next, as one.
    pub fn qword(&self, number: usize) -> u64 {
        get(&self.0, number * 4)
    }

    /// Which way its data goes.
    pub fn direction(&self) -> Direction {
        let bits = if self.0[0] == FABRICS {
            self.fctype()
        } else {
            self.0[0]
        };
        match bits & 0b11 {
            0b01 => Direction::FromHost,
            0b10 => Direction::ToHost,
            _ => Direction::None,
        }
    }

    /// Where its data is.
    pub fn data_pointer(&self) -> DataPointer {
        let (offset, bytes): (u64, u32) = (get(&self.0, 24), get(&self.0, 32));
        match self.0[39] {
            _ if bytes == 0 => DataPointer::None,
            Self::SGL_IN_CAPSULE if offset == 0 => DataPointer::InCapsule(bytes),
            Self::SGL_TRANSPORT => DataPointer::Transport(bytes),
            _ => DataPointer::Invalid,
        }
    }

    /// First block and number of blocks of a Read, Write or Write Zeroes.
    pub fn blocks(&self) -> (u64, u64) {
        (self.qword(10), u64::from(self.dword(12) & 0xffff) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again() {
        for (opcode, name) in Opcode::NAMES {
            assert_eq!(Opcode::named(name), Some(opcode));
            assert_eq!(opcode.name(), name);
        }
    }

    #[test]
    fn the_queue_decides_what_an_opcode_means() {
        let sqe = Sqe::new(0x02, 7, 1);
        assert_eq!(sqe.opcode(true), Opcode::GetLogPage);
        assert_eq!(sqe.opcode(false), Opcode::Read);
        assert_eq!(Sqe::fabrics(0x04, 7).opcode(true), Opcode::PropertyGet);
    }

    #[test]
    fn data_goes_where_the_opcode_says() {
        assert_eq!(Sqe::new(0x01, 0, 1).direction(), Direction::FromHost);
        assert_eq!(Sqe::new(0x02, 0, 1).direction(), Direction::ToHost);
        assert_eq!(Sqe::new(0x38, 0, 0).direction(), Direction::None);
        assert_eq!(Sqe::fabrics(0x01, 0).direction(), Direction::FromHost);
    }
}
