// SPDX-License-Identifier: GPL-2.0

//! An array that arbitrates paths itself.

use ghost::nvme::command::Sqe;
use ghost::target::config::AnaState;

use crate::initiator::{Association, log_page};
use crate::lab::Lab;

const ANA_EVENT: u32 = 1 << 11;
const ANA_EVENT_RESULT: u64 = 0x000c_0302;
const ANA_INACCESSIBLE: u16 = 0x302;
const ANA_TRANSITION: u16 = 0x303;

/// An array that has its group on port 1.
fn array(move_after_ms: Option<u64>) -> Lab {
    Lab::with(|config| {
        config.ports[1].1 = AnaState::Inaccessible;
        config.move_after_ms = move_after_ms;
    })
}

/// The state of the group, as the log page has it.
fn state(association: &mut Association) -> u8 {
    log_page(&mut association.admin, 0x0c, 0)[32]
}

/// Controller 1, which is on port 1, is lost with a write of 'o' to block 0; controller 2 is told when
/// the group has moved.
fn lose_with_a_write(lab: &Lab) -> Association {
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    assert_eq!((state(&mut one), state(&mut two)), (1, 3));
    assert_eq!(two.write(0, b'n'), ANA_INACCESSIBLE);
    two.await_events(ANA_EVENT);
    lab.ctl("rule write port=1 : hold=before-execution");
    one.start_write(0, b'o');
    lab.ctl("wait held 1");
    drop(one);
    lab.ctl("wait lost 1");
    two
}

#[test]
fn the_group_moves_when_nothing_can_be_executed_elsewhere() {
    let lab = array(None);
    let mut two = lose_with_a_write(&lab);
    lab.ctl("move 2");
    assert_eq!(two.admin.answer().result, ANA_EVENT_RESULT);
    assert_eq!(state(&mut two), 1);
    assert_eq!(two.write(0, b'n'), 0);
    lab.ctl("wait gone 1");
    assert_eq!(lab.refused("release 1"), "no held command 1");
    assert_eq!(two.read(0), b'n');
    assert_eq!(state(&mut lab.connect(1)), 3);
}

#[test]
fn a_liar_moves_it_and_executes_what_it_had() {
    let lab = array(None);
    let mut two = lose_with_a_write(&lab);
    lab.ctl("rule move port=2 : ignore");
    lab.ctl("move 2");
    assert_eq!(two.admin.answer().result, ANA_EVENT_RESULT);
    assert_eq!((state(&mut two), two.write(0, b'n')), (1, 0));
    lab.ctl("release 1");
    assert_eq!(two.read(0), b'o');
}

#[test]
fn the_array_moves_it_by_itself() {
    let lab = array(Some(50));
    let mut two = lose_with_a_write(&lab);
    assert_eq!(two.admin.answer().result, ANA_EVENT_RESULT);
    assert_eq!((state(&mut two), two.write(0, b'n')), (1, 0));
    assert_eq!(lab.refused("release 1"), "no held command 1");
    assert!(lab.when("moved") - lab.when("ended") >= 50_000_000);
}

#[test]
fn it_stays_where_the_host_is_back() {
    let lab = array(Some(50));
    let _two = lose_with_a_write(&lab);
    let mut back = lab.connect(1);
    // A time of the same length ends behind that of the array.
    lab.ctl("rule flush : hold=before-execution/50");
    assert_eq!(back.io.execute(Sqe::new(0x00, 0, 1)).status, 0);
    assert_eq!(state(&mut back), 1);
    assert!(lab.log().iter().all(|line| line["event"] != "moved"));
}

#[test]
fn commands_of_a_living_controller_are_answered_before_the_move() {
    let lab = array(None);
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    lab.ctl("rule write port=1 : hold=before-execution");
    one.start_write(0, b'o');
    lab.ctl("wait held 1");
    lab.ctl("move 2");
    assert_eq!(one.io.answer().status, ANA_TRANSITION);
    lab.ctl("forget all");
    assert_eq!(one.write(0, b'o'), ANA_INACCESSIBLE);
    assert_eq!((two.write(0, b'n'), two.read(0)), (0, b'n'));
}
