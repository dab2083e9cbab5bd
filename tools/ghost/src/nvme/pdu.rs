// SPDX-License-Identifier: GPL-2.0

//! What each type of PDU consists of, and how to make one.
//!
//! A PDU is a header (eight bytes that all have, then those of its type), a header digest,
//! padding, data, and a data digest; all but the header may be missing.

use super::bytes::put;
use super::command::{CQE_BYTES, SQE_BYTES, Sqe};
use super::status::Status;

/// Size of a digest.
pub const DIGEST_BYTES: usize = 4;

/// Size of the part of a header that all types have.
pub const COMMON_HEADER_BYTES: usize = 8;

/// Size of the longest header.
pub const HEADER_BYTES_MAX: usize = 128;

/// Bits of the FLAGS field.
pub mod flags {
    /// There is a header digest.
    pub const HEADER_DIGEST: u8 = 1 << 0;
    /// There is a data digest.
    pub const DATA_DIGEST: u8 = 1 << 1;
    /// The last data PDU of a transfer.
    pub const LAST: u8 = 1 << 2;
}

/// The type of a PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the specification's names
pub enum Kind {
    ICReq = 0,
    ICResp = 1,
    H2CTermReq = 2,
    C2HTermReq = 3,
    CapsuleCmd = 4,
    CapsuleResp = 5,
    H2CData = 6,
    C2HData = 7,
    R2T = 9,
}

/// Who sends a PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The host.
    Host,
    /// The controller.
    Controller,
}

/// Which digests a connection has.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Digests {
    /// Headers are protected.
    pub header: bool,
    /// Data is protected.
    pub data: bool,
}

impl Digests {
    /// As in the DGST field of `ICReq` and `ICResp`.
    pub fn from_bits(bits: u8) -> Self {
        Digests {
            header: bits & 1 != 0,
            data: bits & 2 != 0,
        }
    }

    /// The DGST field of `ICReq` and `ICResp`.
    pub fn bits(self) -> u8 {
        u8::from(self.header) | u8::from(self.data) << 1
    }
}

impl Kind {
    /// The type with this number, if `side` sends it.
    pub fn sent_by(side: Side, number: u8) -> Option<Kind> {
        let kinds: &[Kind] = match side {
            Side::Host => &[
                Kind::ICReq,
                Kind::H2CTermReq,
                Kind::CapsuleCmd,
                Kind::H2CData,
            ],
            Side::Controller => &[
                Kind::ICResp,
                Kind::C2HTermReq,
                Kind::CapsuleResp,
                Kind::C2HData,
                Kind::R2T,
            ],
        };
        kinds.iter().copied().find(|&kind| kind as u8 == number)
    }

    /// Size of its header.
    pub fn header_bytes(self) -> usize {
        match self {
            Kind::ICReq | Kind::ICResp => HEADER_BYTES_MAX,
            Kind::CapsuleCmd => COMMON_HEADER_BYTES + SQE_BYTES,
            Kind::CapsuleResp => COMMON_HEADER_BYTES + CQE_BYTES,
            Kind::H2CTermReq | Kind::C2HTermReq | Kind::H2CData | Kind::C2HData | Kind::R2T => 24,
        }
    }

    /// Whether data can follow its header.
    pub fn carries_data(self) -> bool {
        match self {
            Kind::CapsuleCmd
            | Kind::H2CData
            | Kind::C2HData
            | Kind::H2CTermReq
            | Kind::C2HTermReq => true,
            Kind::ICReq | Kind::ICResp | Kind::CapsuleResp | Kind::R2T => false,
        }
    }

    /// The digests it has on a connection with `digests`.
    pub fn digests(self, digests: Digests) -> Digests {
        match self {
            Kind::ICReq | Kind::ICResp | Kind::H2CTermReq | Kind::C2HTermReq => Digests::default(),
            _ => digests,
        }
    }
}

/// What a sender has to know about a connection.
#[derive(Debug, Default, Clone, Copy)]
pub struct Link {
    /// The digests that were agreed on.
    pub digests: Digests,
    /// The receiver wants data to begin at a multiple of so many dwords, less one (HPDA, CPDA).
    pub alignment: u8,
}

/// A PDU of this kind. `fields` are written behind the part of the header that all types have.
fn encode(link: Link, kind: Kind, mut flags: u8, fields: &[u8], data: &[u8]) -> Vec<u8> {
    let header_bytes = kind.header_bytes();
    assert!(COMMON_HEADER_BYTES + fields.len() <= header_bytes);
    assert!(data.is_empty() || kind.carries_data());
    let digests = kind.digests(link.digests);

    let mut length = header_bytes;
    if digests.header {
        flags |= flags::HEADER_DIGEST;
        length += DIGEST_BYTES;
    }
    let mut data_offset = 0;
    if !data.is_empty() {
        data_offset = length.next_multiple_of((usize::from(link.alignment) + 1) * 4);
        length = data_offset + data.len();
        if digests.data {
            flags |= flags::DATA_DIGEST;
            length += DIGEST_BYTES;
        }
    }

    let mut pdu = Vec::with_capacity(length);
    pdu.extend([kind as u8, flags, header_bytes as u8, data_offset as u8]);
    pdu.extend(
        u32::try_from(length)
            .expect("data is limited")
            .to_le_bytes(),
    );
    pdu.extend(fields);
    pdu.resize(header_bytes, 0);
    if digests.header {
        pdu.extend(crc32c::crc32c(&pdu).to_le_bytes());
    }
    if !data.is_empty() {
        pdu.resize(data_offset, 0);
        pdu.extend(data);
        if digests.data {
            pdu.extend(crc32c::crc32c(data).to_le_bytes());
        }
    }
    pdu
}

/// `ICReq`: the host wants these digests, and data aligned like this.
pub fn ic_req(digests: Digests, alignment: u8) -> Vec<u8> {
    let fields = [0, 0, alignment, digests.bits()];
    encode(Link::default(), Kind::ICReq, 0, &fields, &[])
}

/// `ICResp`: the controller agrees to these digests and wants so much data in one PDU at the most.
pub fn ic_resp(digests: Digests, data_bytes_max: u32) -> Vec<u8> {
    let mut fields = [0; 8];
    fields[3] = digests.bits();
    put(&mut fields, 4, data_bytes_max);
    encode(Link::default(), Kind::ICResp, 0, &fields, &[])
}

/// `CapsuleCmd`, with data if it is in the capsule.
pub fn command(link: Link, sqe: &Sqe, data: &[u8]) -> Vec<u8> {
    encode(link, Kind::CapsuleCmd, 0, &sqe.0, data)
}

/// A completion queue entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cqe {
    /// Dwords 0 and 1.
    pub result: u64,
    /// How far the controller has emptied the submission queue.
    pub sq_head: u16,
    /// Which command it completes.
    pub cid: u16,
    /// How it went.
    pub status: Status,
}

/// `CapsuleResp`.
pub fn response(link: Link, cqe: Cqe) -> Vec<u8> {
    let mut fields = [0; CQE_BYTES];
    put(&mut fields, 0, cqe.result);
    put(&mut fields, 8, cqe.sq_head);
    put(&mut fields, 12, cqe.cid);
    put(&mut fields, 14, cqe.status.number() << 1);
    encode(link, Kind::CapsuleResp, 0, &fields, &[])
}

/// The piece of a transfer that an `R2T` asks for, or that a data PDU has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The command it belongs to.
    pub cid: u16,
    /// The transfer tag: what the controller calls it.
    pub tag: u16,
    /// Where in the command's data it begins.
    pub offset: u32,
}

fn piece_fields(piece: Piece, bytes: usize) -> [u8; 12] {
    let mut fields = [0; 12];
    put(&mut fields, 0, piece.cid);
    put(&mut fields, 2, piece.tag);
    put(&mut fields, 4, piece.offset);
    put(
        &mut fields,
        8,
        u32::try_from(bytes).expect("data is limited"),
    );
    fields
}

/// `R2T`: the controller asks for so many bytes.
pub fn ready_to_transfer(link: Link, piece: Piece, bytes: usize) -> Vec<u8> {
    encode(link, Kind::R2T, 0, &piece_fields(piece, bytes), &[])
}

/// `H2CData`.
pub fn host_data(link: Link, piece: Piece, data: &[u8], last: bool) -> Vec<u8> {
    let flags = if last { flags::LAST } else { 0 };
    let fields = piece_fields(piece, data.len());
    encode(link, Kind::H2CData, flags, &fields, data)
}

/// `C2HData` with all of the command's data.
pub fn controller_data(link: Link, cid: u16, data: &[u8]) -> Vec<u8> {
    let piece = Piece {
        cid,
        tag: 0,
        offset: 0,
    };
    let fields = piece_fields(piece, data.len());
    encode(link, Kind::C2HData, flags::LAST, &fields, data)
}

/// `C2HTermReq`: the controller has found this at that place of that header, and gives up.
pub fn terminate(status: u16, information: u32, header: &[u8]) -> Vec<u8> {
    let mut fields = [0; 6];
    put(&mut fields, 0, status);
    put(&mut fields, 2, information);
    encode(Link::default(), Kind::C2HTermReq, 0, &fields, header)
}
