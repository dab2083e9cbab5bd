// SPDX-License-Identifier: GPL-2.0

use proptest::prelude::*;

use super::*;
use crate::nvme::command::Sqe;
use crate::nvme::pdu::{self, Link, Piece};

const NO_DIGESTS: Digests = Digests {
    header: false,
    data: false,
};
const BOTH_DIGESTS: Digests = Digests {
    header: true,
    data: true,
};

const CAPSULE_BYTES_MAX: u32 = 256;
const DATA_BYTES_MAX: u32 = 512;

const PIECE: Piece = Piece {
    cid: 7,
    tag: 3,
    offset: 4096,
};

fn agreement(digests: Digests) -> Agreement {
    Agreement {
        sender: Side::Host,
        digests,
        capsule_bytes_max: CAPSULE_BYTES_MAX,
        data_bytes_max: DATA_BYTES_MAX,
    }
}

fn link(digests: Digests) -> Link {
    Link {
        digests,
        alignment: 0,
    }
}

fn violation(bytes: &[u8], digests: Digests) -> (Fatal, u32) {
    let violation = decode(bytes, &agreement(digests)).unwrap_err();
    (violation.fatal, violation.information)
}

fn complete(bytes: &[u8], digests: Digests) -> Pdu {
    match decode(bytes, &agreement(digests)) {
        Ok(Decoded::Complete(pdu, length)) => {
            assert_eq!(length, bytes.len());
            pdu
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_capsule_is_decoded_as_it_was_encoded() {
    let sqe = Sqe::new(1, 7, 1);
    for digests in [NO_DIGESTS, BOTH_DIGESTS] {
        for data in [&[][..], &[1, 2, 3, 4]] {
            let decoded = complete(&pdu::command(link(digests), &sqe, data), digests);
            assert_eq!(decoded.kind, Kind::CapsuleCmd);
            assert_eq!(decoded.header[COMMON_HEADER_BYTES..], sqe.0);
            assert_eq!(decoded.data, data);
            assert!(decoded.data_intact);
        }
    }
}

#[test]
fn data_may_be_padded() {
    for alignment in [0, 1, 15, 31] {
        let link = Link {
            digests: BOTH_DIGESTS,
            alignment,
        };
        let decoded = complete(&pdu::host_data(link, PIECE, b"data", true), BOTH_DIGESTS);
        assert_eq!(decoded.data, b"data");
        assert!(decoded.is_last());
        assert_eq!(
            usize::from(decoded.header[3]) % ((usize::from(alignment) + 1) * 4),
            0
        );
    }
}

#[test]
fn what_is_missing_is_asked_for() {
    let bytes = pdu::host_data(link(BOTH_DIGESTS), PIECE, b"data", true);
    let agreement = agreement(BOTH_DIGESTS);
    assert_eq!(decode(&[], &agreement), Ok(Decoded::Incomplete(8)));
    assert_eq!(decode(&bytes[..8], &agreement), Ok(Decoded::Incomplete(28)));
    assert_eq!(
        decode(&bytes[..28], &agreement),
        Ok(Decoded::Incomplete(bytes.len()))
    );
}

#[test]
fn each_wrong_field_is_named() {
    let good = pdu::host_data(link(NO_DIGESTS), PIECE, b"data", true);
    for (offset, value, expected) in [
        // Unknown, and what the controller sends.
        (0, 0xff, (Fatal::InvalidHeaderField, 0)),
        (0, Kind::C2HData as u8, (Fatal::InvalidHeaderField, 0)),
        (2, 23, (Fatal::InvalidHeaderField, 2)),
        (3, 20, (Fatal::InvalidHeaderField, 3)),
        (3, 25, (Fatal::InvalidHeaderField, 3)),
        (3, 28, (Fatal::InvalidHeaderField, 4)),
        (4, 8, (Fatal::InvalidHeaderField, 4)),
        (6, 1, (Fatal::DataLimit, 4)),
    ] {
        let mut bytes = good.clone();
        bytes[offset] = value;
        assert_eq!(violation(&bytes, NO_DIGESTS), expected, "{offset}: {value}");
    }
}

#[test]
fn a_capsule_has_a_limit_of_its_own() {
    let bytes = vec![0; CAPSULE_BYTES_MAX as usize + 4];
    let bytes = pdu::command(link(NO_DIGESTS), &Sqe::new(1, 7, 1), &bytes);
    assert_eq!(
        violation(&bytes[..72], NO_DIGESTS),
        (Fatal::InvalidHeaderField, 4)
    );
}

#[test]
fn a_wrong_header_digest_is_fatal() {
    let mut bytes = pdu::command(link(BOTH_DIGESTS), &Sqe::new(1, 7, 1), &[]);
    bytes[20] ^= 1;
    let received = get(&bytes, 72);
    assert_eq!(
        violation(&bytes, BOTH_DIGESTS),
        (Fatal::HeaderDigest, received)
    );
}

#[test]
fn a_wrong_data_digest_is_noted() {
    let mut bytes = pdu::host_data(link(BOTH_DIGESTS), PIECE, b"data", true);
    bytes[28] ^= 1;
    assert!(!complete(&bytes, BOTH_DIGESTS).data_intact);
}

#[test]
fn data_without_the_digest_that_was_agreed_on_is_refused() {
    let digests = Digests {
        header: false,
        data: true,
    };
    let bytes = pdu::host_data(link(NO_DIGESTS), PIECE, b"data", true);
    assert_eq!(violation(&bytes, digests), (Fatal::InvalidHeaderField, 1));
}

fn digests() -> impl Strategy<Value = Digests> {
    (any::<bool>(), any::<bool>()).prop_map(|(header, data)| Digests { header, data })
}

/// A PDU that a host could send, for a connection with these digests.
fn valid_pdu() -> impl Strategy<Value = (Digests, Vec<u8>)> {
    let data = prop::collection::vec(any::<u8>(), 1..=CAPSULE_BYTES_MAX as usize);
    (digests(), 0..5_u8, data, 0..=31_u8).prop_map(|(digests, kind, data, alignment)| {
        let link = Link { digests, alignment };
        let bytes = match kind {
            0 => pdu::ic_req(digests, alignment),
            1 => pdu::command(link, &Sqe::new(2, 9, 1), &[]),
            2 => pdu::command(link, &Sqe::new(1, 9, 1), &data),
            3 => pdu::host_data(link, PIECE, &data, false),
            _ => pdu::host_data(link, PIECE, &data, true),
        };
        (digests, bytes)
    })
}

/// What holds whatever the bytes are.
fn check_answer(bytes: &[u8], digests: Digests) {
    match decode(bytes, &agreement(digests)) {
        Ok(Decoded::Incomplete(wanted)) => {
            assert!(wanted > bytes.len());
            // Header, padding, data, digest.
            assert!(wanted <= 256 + DATA_BYTES_MAX as usize + DIGEST_BYTES);
        }
        Ok(Decoded::Complete(pdu, length)) => {
            assert!(length <= bytes.len());
            assert_eq!(pdu.header.len(), pdu.kind.header_bytes());
            assert!(pdu.header.len() + pdu.data.len() <= length);
        }
        Err(violation) => assert!(violation.header.len() <= HEADER_BYTES_MAX),
    }
}

proptest! {
    #[test]
    fn any_bytes_get_an_answer(
        bytes in prop::collection::vec(any::<u8>(), 0..1024),
        digests in digests(),
    ) {
        check_answer(&bytes, digests);
    }

    #[test]
    fn any_bytes_behind_a_known_type_get_an_answer(
        kind in prop::sample::select(vec![0_u8, 2, 4, 6]),
        mut bytes in prop::collection::vec(any::<u8>(), 8..1024),
        digests in digests(),
    ) {
        bytes[0] = kind;
        bytes[2] = Kind::sent_by(Side::Host, kind).unwrap().header_bytes() as u8;
        bytes[5..8].fill(0);
        check_answer(&bytes, digests);
    }

    #[test]
    fn a_part_of_a_pdu_is_incomplete((digests, bytes) in valid_pdu(), cut in any::<prop::sample::Index>()) {
        let part = &bytes[..cut.index(bytes.len())];
        let decoded = decode(part, &agreement(digests));
        prop_assert!(matches!(decoded, Ok(Decoded::Incomplete(wanted)) if wanted <= bytes.len()));
    }

    #[test]
    fn a_valid_pdu_is_complete((digests, bytes) in valid_pdu()) {
        let pdu = complete(&bytes, digests);
        prop_assert!(pdu.data_intact);
    }

    #[test]
    fn flipped_bits_get_an_answer(
        (digests, bytes) in valid_pdu(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8), 1..4),
    ) {
        let mut bytes = bytes;
        for (index, bit) in flips {
            let index = index.index(bytes.len());
            bytes[index] ^= 1_u8 << bit;
        }
        check_answer(&bytes, digests);
    }

    #[test]
    fn one_flipped_bit_does_not_pass_both_digests(
        data in prop::collection::vec(any::<u8>(), 1..64),
        index in any::<prop::sample::Index>(),
        bit in 0..8,
    ) {
        let mut bytes = pdu::command(link(BOTH_DIGESTS), &Sqe::new(1, 9, 1), &data);
        let index = index.index(bytes.len());
        bytes[index] ^= 1_u8 << bit;
        let unnoticed = matches!(
            decode(&bytes, &agreement(BOTH_DIGESTS)),
            Ok(Decoded::Complete(pdu, _)) if pdu.data_intact
        );
        prop_assert!(!unnoticed);
    }
}
