// SPDX-License-Identifier: GPL-2.0

//! Commands that are refused: at once, not when their data has come.

use ghost::nvme::bytes::put;
use ghost::nvme::command::Sqe;

use crate::initiator::{BLOCK_BYTES, Connection, Host, write};
use crate::lab::Lab;

/// Blocks of the namespace.
const BLOCKS: u64 = (1 << 20) / BLOCK_BYTES as u64;

/// A write whose data has to be asked for.
fn far_write(block: u64) -> Sqe {
    write(block, 1, Sqe::SGL_TRANSPORT)
}

#[test]
fn no_data_is_asked_for_that_is_not_wanted() {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    lab.ctl("rule write slba=7 : answer=0x120");
    let mut other_namespace = far_write(0);
    put(&mut other_namespace.0, 4, 2_u32);
    let mut too_short = far_write(0);
    too_short.set_dword(12, 1);
    let mut compare = far_write(0);
    compare.0[0] = 0x05;
    let mut two_ranges = far_write(0);
    two_ranges.0[0] = 0x09;
    two_ranges.set_dword(10, 1);
    two_ranges.set_sgl(Sqe::SGL_TRANSPORT, 31);
    for (what, sqe, status) in [
        ("behind the end", far_write(BLOCKS), 0x4080),
        ("another namespace", other_namespace, 0x400b),
        ("not the length of its blocks", too_short, 0x400f),
        ("an unknown command", compare, 0x4001),
        ("less than its ranges", two_ranges, 0x400f),
        ("refused by the script", far_write(7), 0x0120),
    ] {
        // An R2T would be no answer.
        assert_eq!(one.io.execute(sqe).status, status, "{what}");
    }
    lab.ctl("ana 1 inaccessible");
    assert_eq!(one.io.execute(far_write(0)).status, 0x302);
    let mut namespace_management = Sqe::new(0x0d, 0, 0);
    namespace_management.set_sgl(Sqe::SGL_TRANSPORT, 4096);
    assert_eq!(one.admin.execute(namespace_management).status, 0x4001);
    assert!(lab.log().iter().all(|line| line["event"] != "data-asked"));
}

#[test]
fn nor_before_connect() {
    let lab = Lab::new();
    let mut connection = Connection::open(lab.ports[0], Host::default());
    assert_eq!(connection.execute(far_write(0)).status, 0x400c);
}

#[test]
fn what_stops_with_its_data_gets_it() {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    lab.ctl("rule write : hold=after-data answer=0x120");
    one.io.submit(far_write(0), &[]);
    one.io.send_data(&[b'x'; BLOCK_BYTES]);
    lab.ctl("wait held 1");
    lab.ctl("release all");
    assert_eq!(one.io.answer().status, 0x120);
    assert_eq!(one.read(0), 0);
}
