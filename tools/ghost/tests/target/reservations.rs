// SPDX-License-Identifier: GPL-2.0

//! Reservations between hosts. What each type allows is tested where it is decided.

use ghost::nvme::bytes::{get, put};
use ghost::nvme::command::Sqe;

use crate::initiator::{Association, Host, identify, write};
use crate::lab::Lab;

const REGISTER: u8 = 0x0d;
const REPORT: u8 = 0x0e;
const ACQUIRE: u8 = 0x11;
const RELEASE: u8 = 0x15;

const CONFLICT: u16 = 0x4083;
const INVALID_FIELD: u16 = 0x4002;

/// Actions of an Acquire.
const PREEMPT: u32 = 1;
const PREEMPT_AND_ABORT: u32 = 2;

/// Types.
const WRITE_EXCLUSIVE: u32 = 1 << 8;
const REGISTRANTS_ONLY: u32 = 3 << 8;

/// An association of this host, which is registered with its number as its key.
fn registered(lab: &Lab, port: usize, id: u8) -> Association {
    let host = Host {
        id,
        name: id,
        ..Host::default()
    };
    let mut association = Association::open(lab.ports[port - 1], host);
    assert_eq!(register(&mut association, 0, 0, id.into()), 0);
    association
}

/// Sends a reservation command with two keys, or one.
fn reserve(association: &mut Association, opcode: u8, dword: u32, keys: &[u64]) -> u16 {
    let mut data = vec![0; keys.len() * 8];
    for (index, &key) in keys.iter().enumerate() {
        put(&mut data, index * 8, key);
    }
    let mut sqe = Sqe::new(opcode, 0, 1);
    sqe.set_dword(10, dword);
    sqe.set_sgl(Sqe::SGL_IN_CAPSULE, data.len() as u32);
    association.io.submit(sqe, &data);
    association.io.answer().status
}

fn register(association: &mut Association, dword: u32, current: u64, new: u64) -> u16 {
    reserve(association, REGISTER, dword, &[current, new])
}

fn acquire(association: &mut Association, dword: u32, current: u64, victim: u64) -> u16 {
    reserve(association, ACQUIRE, dword, &[current, victim])
}

fn release(association: &mut Association, dword: u32, current: u64) -> u16 {
    reserve(association, RELEASE, dword, &[current])
}

/// A Reservation Report of 256 bytes.
fn report(extended: bool) -> Sqe {
    let mut sqe = Sqe::new(REPORT, 0, 1);
    sqe.set_dword(10, 63);
    sqe.set_dword(11, extended.into());
    sqe.set_sgl(Sqe::SGL_TRANSPORT, 256);
    sqe
}

#[test]
fn the_report_says_who_has_the_namespace() {
    let lab = Lab::new();
    let (mut one, _two) = (registered(&lab, 1, 1), registered(&lab, 2, 2));
    assert_eq!(acquire(&mut one, REGISTRANTS_ONLY, 1, 0), 0);
    // Persist Through Power Loss.
    assert_eq!(register(&mut one, 0b11 << 30, 0, 1), 0);
    let answer = one.io.execute(report(true));
    assert_eq!((answer.status, answer.data.len()), (0, 256));
    let page = answer.data;
    assert_eq!(get::<u32>(&page, 0), 3);
    assert_eq!((page[4], get::<u16>(&page, 5), page[9]), (3, 2, 1));
    for (entry, id, holds) in [(64, 1_u8, 1), (128, 2, 0)] {
        assert_eq!(get::<u16>(&page, entry), 0xffff);
        assert_eq!(page[entry + 2], holds);
        assert_eq!(get::<u64>(&page, entry + 8), u64::from(id));
        assert_eq!(page[entry + 16..entry + 32], [id; 16]);
    }
    assert_eq!(page[192..], [0; 64]);
    // Host Identifiers have 128 bits here.
    assert_eq!(one.io.execute(report(false)).status, 0x4018);
}

#[test]
fn another_host_is_kept_out_at_once() {
    let lab = Lab::new();
    let (mut one, mut two) = (registered(&lab, 1, 1), registered(&lab, 2, 2));
    assert_eq!(acquire(&mut one, WRITE_EXCLUSIVE, 1, 0), 0);
    assert_eq!(two.read(0), 0);
    assert_eq!(two.write(0, b'x'), CONFLICT);
    // An R2T would be no answer.
    let answer = two.io.execute(write(0, 1, Sqe::SGL_TRANSPORT));
    assert_eq!(answer.status, CONFLICT);
    for opcode in [0x00, 0x08] {
        assert_eq!(two.io.execute(Sqe::new(opcode, 0, 1)).status, CONFLICT);
    }
    assert_eq!(one.write(0, b'a'), 0);
    assert_eq!(release(&mut one, WRITE_EXCLUSIVE, 1), 0);
    assert_eq!(two.write(0, b'b'), 0);
}

#[test]
fn all_controllers_of_a_host_are_one_registrant() {
    let lab = Lab::new();
    let (mut one, mut two) = (registered(&lab, 1, 1), registered(&lab, 2, 1));
    assert_eq!(acquire(&mut one, WRITE_EXCLUSIVE, 1, 0), 0);
    assert_eq!(two.write(0, b'x'), 0);
    // Also those that come when the others have gone.
    drop((one, two));
    assert_eq!(registered(&lab, 1, 1).write(0, b'y'), 0);
    assert_eq!(registered(&lab, 1, 2).write(0, b'z'), CONFLICT);
}

#[test]
fn a_held_write_of_a_preempted_host_is_not_executed() {
    for stage in ["before-data", "after-data", "before-execution"] {
        let lab = Lab::new();
        let (mut one, mut two) = (registered(&lab, 1, 1), registered(&lab, 2, 2));
        assert_eq!(acquire(&mut one, REGISTRANTS_ONLY, 1, 0), 0);
        lab.ctl(&format!("rule write port=1 : hold={stage}"));
        one.start_write(0, b'o');
        lab.ctl("wait held 1");
        assert_eq!(acquire(&mut two, PREEMPT | REGISTRANTS_ONLY, 2, 1), 0);
        assert_eq!(two.write(0, b'n'), 0);
        lab.ctl("release all");
        assert_eq!(one.io.answer().status, CONFLICT, "{stage}");
        assert_eq!(two.read(0), b'n');
        assert!(!lab.writes().contains(&("executed".to_owned(), 1)));
    }
}

#[test]
fn nor_is_that_of_an_association_that_is_lost() {
    let lab = Lab::new();
    let (mut one, mut two) = (registered(&lab, 1, 1), registered(&lab, 2, 2));
    assert_eq!(acquire(&mut one, REGISTRANTS_ONLY, 1, 0), 0);
    lab.ctl("rule write port=1 : hold=before-execution");
    one.start_write(0, b'o');
    lab.ctl("wait held 1");
    drop(one);
    lab.ctl("wait lost 1");
    assert_eq!(acquire(&mut two, PREEMPT | REGISTRANTS_ONLY, 2, 1), 0);
    lab.ctl("release all");
    lab.ctl("wait gone 1");
    assert_eq!(two.read(0), 0);
    let log = lab.log();
    let unanswered = log.iter().find(|line| line["event"] == "unanswered");
    assert_eq!(unanswered.unwrap()["status"], "0x4083");
}

#[test]
fn preempt_and_abort_ends_what_is_held() {
    let lab = Lab::new();
    let (mut one, mut two) = (registered(&lab, 1, 1), registered(&lab, 2, 2));
    let mut gone = registered(&lab, 1, 1);
    lab.ctl("rule write port=1 : hold=before-execution");
    one.start_write(0, b'o');
    gone.start_write(1, b'o');
    lab.ctl("wait held 2");
    drop(gone);
    lab.ctl("wait lost 3");
    assert_eq!(
        acquire(&mut two, PREEMPT_AND_ABORT | REGISTRANTS_ONLY, 2, 1),
        0
    );
    assert_eq!(one.io.answer().status, 0x01b);
    assert_eq!(lab.ctl("held"), "");
    lab.ctl("wait gone 3");
    assert_eq!((two.read(0), two.read(1)), (0, 0));
}

#[test]
fn wrong_requests_change_nothing() {
    let lab = Lab::new();
    let mut one = registered(&lab, 1, 1);
    const IGNORE_KEY: u32 = 1 << 3;
    assert_eq!(register(&mut one, 7, 0, 1), INVALID_FIELD);
    // CPTPL 1 is reserved.
    assert_eq!(register(&mut one, 1 << 30, 0, 1), INVALID_FIELD);
    for dword in [0, 7 << 8, 7 | WRITE_EXCLUSIVE, IGNORE_KEY | WRITE_EXCLUSIVE] {
        assert_eq!(acquire(&mut one, dword, 1, 0), INVALID_FIELD, "{dword:#x}");
    }
    for dword in [7, IGNORE_KEY] {
        assert_eq!(release(&mut one, dword, 1), INVALID_FIELD, "{dword:#x}");
    }
    // Data that is too short.
    assert_eq!(reserve(&mut one, ACQUIRE, WRITE_EXCLUSIVE, &[1]), 0x400f);
    assert_eq!(reserve(&mut one, RELEASE, 1, &[]), 0x400f);
    let page = one.io.execute(report(true)).data;
    assert_eq!((get::<u32>(&page, 0), page[4]), (1, 0));
}

#[test]
fn the_controller_says_that_there_are_reservations() {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    let controller = identify(&mut one.admin, 0x01, 0);
    assert_eq!(get::<u16>(&controller, 520) & 1 << 5, 1 << 5);
    assert_eq!(identify(&mut one.admin, 0x00, 1)[31], 0xff);
    assert_eq!(identify(&mut one.admin, 0x08, 1)[2], 0xff);
}
