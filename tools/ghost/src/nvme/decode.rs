// SPDX-License-Identifier: GPL-2.0

//! From bytes to a PDU, or to what is wrong with them.
//!
//! Nothing that the other side says is believed before it was checked, its lengths above all: they
//! decide how much memory it can make us use.

use super::bytes::get;
use super::pdu::{COMMON_HEADER_BYTES, DIGEST_BYTES, Digests, HEADER_BYTES_MAX, Kind, Side, flags};

/// What the receiver has agreed to.
#[derive(Debug, Clone, Copy)]
pub struct Agreement {
    /// Who sends.
    pub sender: Side,
    /// Digests in use.
    pub digests: Digests,
    /// The most data that a capsule may have.
    pub capsule_bytes_max: u32,
    /// The most data that a data PDU may have.
    pub data_bytes_max: u32,
}

/// A PDU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdu {
    /// Its type.
    pub kind: Kind,
    /// All of its header.
    pub header: Vec<u8>,
    /// Its data.
    pub data: Vec<u8>,
    /// Whether the data digest is right, if there is one.
    pub data_intact: bool,
}

impl Pdu {
    /// Whether it is the last one of its transfer.
    pub fn is_last(&self) -> bool {
        self.header[1] & flags::LAST != 0
    }
}

/// What the bytes are so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// The beginning of something of which so many bytes must be there.
    Incomplete(usize),
    /// A PDU, and how many bytes it takes.
    Complete(Pdu, usize),
}

/// Fatal Error Status of a Terminate Connection Request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fatal {
    /// A field of the header is wrong.
    InvalidHeaderField = 1,
    /// The PDU must not come now.
    Sequence = 2,
    /// The header digest is wrong.
    HeaderDigest = 3,
    /// Data for which nobody has asked.
    DataOutOfRange = 4,
    /// More data in one PDU than agreed to.
    DataLimit = 5,
    /// A parameter that is not supported.
    UnsupportedParameter = 6,
}

/// Why a connection cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Of which kind it is.
    pub fatal: Fatal,
    /// Where it is: the offset in the header, or the digest that was received.
    pub information: u32,
    /// The header it is about, as far as it was received.
    pub header: Vec<u8>,
}

impl Violation {
    /// A violation at `offset` of `header`.
    pub fn new(fatal: Fatal, offset: usize, header: &[u8]) -> Self {
        Violation {
            fatal,
            information: u32::try_from(offset).expect("headers are short"),
            header: header[..header.len().min(HEADER_BYTES_MAX)].to_vec(),
        }
    }
}

const AT_KIND: usize = 0;
const AT_FLAGS: usize = 1;
const AT_HEADER_LENGTH: usize = 2;
const AT_DATA_OFFSET: usize = 3;
const AT_LENGTH: usize = 4;

/// What is at the beginning of `bytes`.
pub fn decode(bytes: &[u8], agreement: &Agreement) -> Result<Decoded, Violation> {
    if bytes.len() < COMMON_HEADER_BYTES {
        return Ok(Decoded::Incomplete(COMMON_HEADER_BYTES));
    }
    let kind = Kind::sent_by(agreement.sender, bytes[AT_KIND])
        .ok_or_else(|| Violation::new(Fatal::InvalidHeaderField, AT_KIND, bytes))?;
    let header_bytes = kind.header_bytes();
    if usize::from(bytes[AT_HEADER_LENGTH]) != header_bytes {
        return Err(Violation::new(
            Fatal::InvalidHeaderField,
            AT_HEADER_LENGTH,
            bytes,
        ));
    }

    let digests = kind.digests(agreement.digests);
    let data_start_min = header_bytes + if digests.header { DIGEST_BYTES } else { 0 };
    if bytes.len() < data_start_min {
        return Ok(Decoded::Incomplete(data_start_min));
    }
    let header = &bytes[..header_bytes];
    if digests.header {
        check_header_digest(header, get(bytes, header_bytes))?;
    }
    let extent = Extent::of(kind, header, digests, data_start_min, agreement)?;
    if bytes.len() < extent.length {
        return Ok(Decoded::Incomplete(extent.length));
    }
    let data = &bytes[extent.data_start..extent.data_end];
    let data_intact =
        !extent.data_digest || crc32c::crc32c(data) == get::<u32>(bytes, extent.data_end);
    let pdu = Pdu {
        kind,
        header: header.to_vec(),
        data: data.to_vec(),
        data_intact,
    };
    Ok(Decoded::Complete(pdu, extent.length))
}

fn check_header_digest(header: &[u8], received: u32) -> Result<(), Violation> {
    // That the flag says so is protected by the digest itself.
    if header[AT_FLAGS] & flags::HEADER_DIGEST != 0 && crc32c::crc32c(header) == received {
        return Ok(());
    }
    Err(Violation {
        information: received,
        ..Violation::new(Fatal::HeaderDigest, 0, header)
    })
}

/// Where a PDU has its data, and where it ends.
struct Extent {
    data_start: usize,
    data_end: usize,
    data_digest: bool,
    length: usize,
}

impl Extent {
    fn of(
        kind: Kind,
        header: &[u8],
        digests: Digests,
        data_start_min: usize,
        agreement: &Agreement,
    ) -> Result<Self, Violation> {
        let wrong = |fatal, offset| Err(Violation::new(fatal, offset, header));
        let length = get::<u32>(header, AT_LENGTH) as usize;
        if length == data_start_min {
            return Ok(Extent {
                data_start: length,
                data_end: length,
                data_digest: false,
                length,
            });
        }
        if length < data_start_min || !kind.carries_data() {
            return wrong(Fatal::InvalidHeaderField, AT_LENGTH);
        }

        let data_start = usize::from(header[AT_DATA_OFFSET]);
        if data_start < data_start_min || data_start % 4 != 0 {
            return wrong(Fatal::InvalidHeaderField, AT_DATA_OFFSET);
        }
        if digests.data && header[AT_FLAGS] & flags::DATA_DIGEST == 0 {
            return wrong(Fatal::InvalidHeaderField, AT_FLAGS);
        }
        let digest_bytes = if digests.data { DIGEST_BYTES } else { 0 };
        if length <= data_start + digest_bytes {
            return wrong(Fatal::InvalidHeaderField, AT_LENGTH);
        }
        let data_end = length - digest_bytes;
        let (limit, fatal) = match kind {
            Kind::CapsuleCmd => (agreement.capsule_bytes_max, Fatal::InvalidHeaderField),
            Kind::H2CData | Kind::C2HData => (agreement.data_bytes_max, Fatal::DataLimit),
            // The header that the sender did not like.
            _ => (HEADER_BYTES_MAX as u32, Fatal::InvalidHeaderField),
        };
        if data_end - data_start > limit as usize {
            return wrong(fatal, AT_LENGTH);
        }
        Ok(Extent {
            data_start,
            data_end,
            data_digest: digests.data,
            length,
        })
    }
}

#[cfg(test)]
mod tests;
