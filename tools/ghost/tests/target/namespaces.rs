// SPDX-License-Identifier: GPL-2.0

//! Several namespaces, each an ANA group of its own.

use ghost::nvme::bytes::{get, put};
use ghost::nvme::command::Sqe;

use crate::initiator::{Association, BLOCK_BYTES, Host, identify, log_page, read, write};
use crate::lab::Lab;

fn lab() -> Lab {
    Lab::with(|config| config.namespaces = 2)
}

/// The command, for another namespace.
fn for_namespace(nsid: u32, mut sqe: Sqe) -> Sqe {
    put(&mut sqe.0, 4, nsid);
    sqe
}

fn start_write(association: &mut Association, nsid: u32, letter: u8) {
    let sqe = for_namespace(nsid, write(0, 1, Sqe::SGL_IN_CAPSULE));
    association.io.submit(sqe, &[letter; BLOCK_BYTES]);
}

fn write_to(association: &mut Association, nsid: u32, letter: u8) -> u16 {
    start_write(association, nsid, letter);
    association.io.answer().status
}

/// The first byte of the first block.
fn read_from(association: &mut Association, nsid: u32) -> u8 {
    let answer = association.io.execute(for_namespace(nsid, read(0, 1)));
    assert_eq!(answer.status, 0);
    answer.data[0]
}

#[test]
fn each_has_its_own_blocks_and_name() {
    let lab = lab();
    let mut one = lab.connect(1);
    assert_eq!(write_to(&mut one, 1, b'a'), 0);
    assert_eq!(write_to(&mut one, 2, b'b'), 0);
    assert_eq!(
        (read_from(&mut one, 1), read_from(&mut one, 2)),
        (b'a', b'b')
    );
    let last = for_namespace(2, read(255, 1));
    assert_eq!(one.io.execute(last).status, 0);
    let behind = for_namespace(2, read(256, 1));
    assert_eq!(one.io.execute(behind).status, 0x4080);
    assert_eq!(one.io.execute(for_namespace(3, read(0, 1))).status, 0x400b);

    let active = identify(&mut one.admin, 0x02, 0);
    assert_eq!(
        [0, 4, 8].map(|offset| get::<u32>(&active, offset)),
        [1, 2, 0]
    );
    assert_eq!(get::<u32>(&identify(&mut one.admin, 0x02, 1), 0), 2);
    let pages = [1, 2].map(|nsid| identify(&mut one.admin, 0x00, nsid));
    assert_ne!(pages[0][104..120], pages[1][104..120]);
    assert_eq!(pages.map(|page| get::<u32>(&page, 92)), [1, 2]);
}

#[test]
fn each_has_its_own_state() {
    let lab = lab();
    let mut one = lab.connect(1);
    lab.ctl("ana 1 inaccessible 2");
    assert_eq!(write_to(&mut one, 1, b'a'), 0);
    assert_eq!(write_to(&mut one, 2, b'b'), 0x302);
    // A flush of all namespaces is one of both.
    let mut flush = |nsid| one.io.execute(Sqe::new(0x00, 0, nsid)).status;
    assert_eq!([flush(1), flush(2), flush(u32::MAX)], [0, 0x302, 0x302]);
    let page = log_page(&mut one.admin, 0x0c, 0);
    assert_eq!((get::<u64>(&page, 0), get::<u16>(&page, 8)), (1, 2));
    // A descriptor of 32 bytes and one namespace each.
    for (start, group, changes, state) in [(16, 1, 0, 1), (52, 2, 1, 3)] {
        assert_eq!(get::<u32>(&page, start), group);
        assert_eq!(get::<u32>(&page, start + 4), 1);
        assert_eq!(get::<u64>(&page, start + 8), changes);
        assert_eq!(page[start + 16], state);
        assert_eq!(get::<u32>(&page, start + 32), group);
    }
    assert_eq!(lab.refused("ana 1 optimized 3"), "no ANA group 3");
}

#[test]
fn an_array_can_move_one_of_them() {
    let lab = lab();
    lab.ctl("ana 2 inaccessible");
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    lab.ctl("rule write port=1 nsid=1 times=1 : hold=before-execution");
    lab.ctl("rule write port=1 nsid=2 times=1 : hold=before-execution");
    start_write(&mut one, 1, b'a');
    start_write(&mut one, 2, b'b');
    lab.ctl("wait held 2");
    drop(one);
    lab.ctl("wait lost 1");
    lab.ctl("move 2 1");
    let held = lab.ctl("held");
    assert_eq!(held.lines().count(), 1);
    assert!(held.contains(" slba=0 blocks=1 nsid=2 "), "{held}");
    assert_eq!(write_to(&mut two, 1, b'n'), 0);
    assert_eq!(write_to(&mut two, 2, b'n'), 0x302);
    lab.ctl("move 2");
    assert_eq!(write_to(&mut two, 2, b'n'), 0);
    assert_eq!(lab.ctl("held"), "");
    let log = lab.log();
    let moved = log.iter().filter(|line| line["event"] == "moved");
    assert_eq!(
        moved.map(|line| line["nsid"].as_u64()).collect::<Vec<_>>(),
        [Some(1), Some(1), Some(2)]
    );
}

#[test]
fn each_has_its_own_reservation() {
    let lab = lab();
    let stranger = Host {
        id: 2,
        ..Host::default()
    };
    let (mut one, mut two) = (lab.connect(1), Association::open(lab.ports[1], stranger));
    let mut key = [0; 16];
    key[8] = 7;
    let mut register = Sqe::new(0x0d, 0, 1);
    register.set_sgl(Sqe::SGL_IN_CAPSULE, 16);
    one.io.submit(register, &key);
    assert_eq!(one.io.answer().status, 0);
    let mut acquire = Sqe::new(0x11, 0, 1);
    acquire.set_dword(10, 1 << 8);
    acquire.set_sgl(Sqe::SGL_IN_CAPSULE, 16);
    key.rotate_right(8);
    one.io.submit(acquire, &key);
    assert_eq!(one.io.answer().status, 0);
    assert_eq!(write_to(&mut two, 1, b'x'), 0x4083);
    assert_eq!(write_to(&mut two, 2, b'x'), 0);
}
