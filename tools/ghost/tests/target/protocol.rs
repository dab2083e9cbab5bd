// SPDX-License-Identifier: GPL-2.0

//! Hosts that break the protocol.

use std::sync::LazyLock;

use ghost::nvme::bytes::get;
use ghost::nvme::command::Sqe;
use ghost::nvme::pdu::{self, Digests, Kind};
use proptest::prelude::*;

use crate::initiator::{Association, BLOCK_BYTES, Connection, Host, write};
use crate::lab::Lab;

/// Sends bytes behind `ICReq` and returns status and information of the answer.
fn violate(lab: &Lab, digests: Digests, bytes: &[u8]) -> (u16, u32) {
    let host = Host {
        digests,
        ..Host::default()
    };
    let mut connection = Connection::open(lab.ports[0], host);
    connection.send(bytes);
    let pdu = connection.receive().unwrap();
    assert_eq!(pdu.kind, Kind::C2HTermReq);
    assert_eq!(pdu.data[..8], bytes[..8]);
    assert!(connection.is_closed());
    (get(&pdu.header, 8), get(&pdu.header, 10))
}

#[test]
fn a_host_that_breaks_the_protocol_is_told_how() {
    let lab = Lab::new();
    let none = Digests::default();
    let good = pdu::command(Default::default(), &Sqe::new(2, 1, 1), &[]);
    for (offset, value) in [(0, 0x77), (2, 71), (4, 71), (5, 0xff)] {
        let mut bytes = good.clone();
        bytes[offset] = value;
        let place = if offset == 5 { 3 } else { offset as u32 };
        assert_eq!(violate(&lab, none, &bytes), (1, place), "{offset}");
    }
    // A second ICReq.
    assert_eq!(violate(&lab, none, &pdu::ic_req(none, 0)), (2, 0));
    // A header digest that is wrong.
    let digests = Digests::from_bits(1);
    let mut bytes = pdu::command(
        pdu::Link {
            digests,
            alignment: 0,
        },
        &Sqe::new(2, 1, 1),
        &[],
    );
    bytes[72] ^= 1;
    assert_eq!(violate(&lab, digests, &bytes), (3, get(&bytes, 72)));
    // Data for which nobody has asked.
    let piece = pdu::Piece {
        cid: 1,
        tag: 1,
        offset: 0,
    };
    let bytes = pdu::host_data(Default::default(), piece, b"data", true);
    assert_eq!(violate(&lab, none, &bytes), (1, 10));
    assert_eq!(lab.connect(1).write(0, b'x'), 0);
}

#[test]
fn data_must_be_what_was_asked_for() {
    let lab = Lab::new();
    for (offset, length, last, expected) in [
        (0, 8192, true, (4, 16)),
        (4, 4092, true, (4, 12)),
        (0, 2048, true, (1, 1)),
        (0, 4096, false, (1, 1)),
        (0, 16384, true, (5, 4)),
    ] {
        let mut association = lab.connect(1);
        let io = &mut association.io;
        io.submit(write(0, 1, Sqe::SGL_TRANSPORT), &[]);
        let request = io.await_data_request();
        let piece = pdu::Piece {
            cid: get(&request.header, 8),
            tag: get(&request.header, 10),
            offset,
        };
        io.send(&pdu::host_data(io.link, piece, &vec![0; length], last));
        let pdu = io.receive().unwrap();
        assert_eq!(pdu.kind, Kind::C2HTermReq);
        let found: (u16, u32) = (get(&pdu.header, 8), get(&pdu.header, 10));
        assert_eq!(found, expected);
    }
}

#[test]
fn damaged_data_is_not_written() {
    let lab = Lab::new();
    let host = Host {
        digests: Digests::from_bits(2),
        ..Host::default()
    };
    let mut association = Association::open(lab.ports[0], host);
    let sqe = write(0, 1, Sqe::SGL_IN_CAPSULE);
    let mut bytes = pdu::command(association.io.link, &sqe, &[b'x'; BLOCK_BYTES]);
    bytes[100] ^= 1;
    association.io.send(&bytes);
    assert_eq!(association.io.answer().status, 0x22);
    assert_eq!(association.read(0), 0);
}

/// One target for all of it: what a host has left behind must not harm the next one.
static TORTURED: LazyLock<Lab> = LazyLock::new(Lab::new);

proptest! {
    /// Whatever a host sends, the target serves the next one.
    #[test]
    fn nothing_that_a_host_sends_stops_the_target(
        prefix in 0..4_usize,
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8), 0..4),
    ) {
        let lab = &*TORTURED;
        let sqe = Sqe([bytes.first().copied().unwrap_or(0); 64]);
        let mut stream = match prefix {
            0 => Vec::new(),
            1 => pdu::ic_req(Digests::default(), 0),
            _ => [
                pdu::ic_req(Digests::default(), 0),
                pdu::command(Default::default(), &sqe, &bytes),
            ]
            .concat(),
        };
        stream.extend(bytes);
        for (index, bit) in flips {
            if !stream.is_empty() {
                let index = index.index(stream.len());
                stream[index] ^= 1_u8 << bit;
            }
        }
        let mut connection = Connection::raw(lab.ports[0]);
        connection.send(&stream);
        connection.socket.shutdown(std::net::Shutdown::Write).unwrap();
        // It answers what it likes, and closes.
        while connection.receive().is_ok() {}
        prop_assert_eq!(lab.connect(1).write(0, b'x'), 0);
    }

    /// The same for a host whose queue is connected: commands with anything in them.
    #[test]
    fn no_command_stops_the_target(
        sqes in prop::collection::vec((any::<[u8; 64]>(), prop::option::of(0..16_u8), any::<bool>()), 1..8),
    ) {
        let lab = &*TORTURED;
        let mut association = lab.connect(1);
        for (mut sqe, opcode, admin) in sqes {
            if let Some(opcode) = opcode {
                sqe[0] = opcode;
            }
            let queue = if admin { &mut association.admin } else { &mut association.io };
            let bytes = pdu::command(queue.link, &Sqe(sqe), &[]);
            // It may have closed by now.
            let _ = std::io::Write::write_all(&mut queue.socket, &bytes);
        }
        drop(association);
        prop_assert_eq!(lab.connect(1).write(0, b'x'), 0);
    }
}
