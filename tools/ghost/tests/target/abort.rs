// SPDX-License-Identifier: GPL-2.0

//! What an Abort command ends, and what it does not.

use ghost::nvme::command::Sqe;
use ghost::target::config::CcrAnswer;

use crate::initiator::{Association, BLOCK_BYTES, abort, ccr, write};
use crate::lab::Lab;

const ABORT_REQUESTED: u16 = 0x007;

/// Starts a write that is ignored, and returns its identifier when it is.
fn ignored_write(association: &mut Association, block: u64) -> u16 {
    let cid = association.start_write(block, b'i');
    // What is behind it on the queue is executed after.
    association.read(block);
    cid
}

/// Whether an Abort of this command says that it was aborted.
fn is_aborted(association: &mut Association, queue: u16, cid: u16) -> bool {
    let answer = association.admin.execute(abort(queue, cid));
    assert_eq!(answer.status, 0);
    answer.result == 0
}

/// Aborts a command on the admin queue, which must be answered before the Abort is.
fn abort_admin(association: &mut Association, cid: u16) {
    let by = association.admin.submit(abort(0, cid), &[]);
    let aborted = association.admin.answer();
    assert_eq!((aborted.cid, aborted.status), (cid, ABORT_REQUESTED));
    let answer = association.admin.answer();
    assert_eq!((answer.cid, answer.status, answer.result), (by, 0, 0));
}

#[test]
fn a_held_write_is_aborted_and_not_executed() {
    for stage in ["before-data", "after-data", "before-execution"] {
        let lab = Lab::new();
        let mut one = lab.connect(1);
        lab.ctl(&format!("rule write : hold={stage}"));
        let cid = one.start_write(0, b'x');
        lab.ctl("wait held 1");
        assert!(is_aborted(&mut one, 1, cid), "{stage}");
        let answer = one.io.answer();
        assert_eq!((answer.cid, answer.status), (cid, ABORT_REQUESTED));
        assert_eq!(one.read(0), 0);
        // Now there is nothing to abort.
        assert!(!is_aborted(&mut one, 1, cid), "{stage}");
    }
}

#[test]
fn what_was_executed_is_not_aborted() {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    lab.ctl("rule write : hold=before-completion");
    let cid = one.start_write(0, b'x');
    lab.ctl("wait held 1");
    assert!(!is_aborted(&mut one, 1, cid));
    lab.ctl("release all");
    assert_eq!(one.io.answer().status, 0);
}

#[test]
fn what_the_script_says_of_an_execution_is_not_said_of_an_abort() {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    lab.ctl("rule write : hold=before-execution disconnect=before-completion complete=0");
    let cid = one.start_write(0, b'x');
    lab.ctl("wait held 1");
    assert!(is_aborted(&mut one, 1, cid));
    assert_eq!(one.io.answer().status, ABORT_REQUESTED);
}

#[test]
fn an_ignored_command_is_aborted_if_the_script_lets_it() {
    let lab = Lab::with(|config| config.ccr_answer = CcrAnswer::Immediate);
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    lab.ctl("rule ccr times=1 : ignore=until-abort");
    lab.ctl("rule ccr times=1 : ignore");
    let request = ccr(1, one.identity());
    let abortable = two.admin.submit(request, &[]);
    let deaf = two.admin.submit(request, &[]);
    assert!(!is_aborted(&mut two, 0, deaf));
    abort_admin(&mut two, abortable);
    assert!(!is_aborted(&mut two, 0, abortable));
    // Nothing was reset, and its identifier is free again.
    assert_eq!(one.write(0, b'x'), 0);
    lab.ctl("rule write : ignore=until-abort");
    let cid = ignored_write(&mut one, 0);
    assert!(is_aborted(&mut one, 1, cid));
    assert_eq!(one.io.answer().status, ABORT_REQUESTED);
    assert_eq!(one.read(0), b'x');
}

#[test]
fn a_target_may_not_answer_an_abort_either() {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    lab.ctl("rule write : ignore=until-abort");
    lab.ctl("rule abort : ignore");
    let cid = ignored_write(&mut one, 0);
    one.admin.submit(abort(1, cid), &[]);
    // The answer is that of the command behind it.
    assert_eq!(one.admin.execute(Sqe::new(0x18, 0, 0)).status, 0);
    assert_eq!(one.read(0), 0);
}

#[test]
fn an_event_request_is_aborted() {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    let cid = one.admin.submit(Sqe::new(0x0c, 0, 0), &[]);
    abort_admin(&mut one, cid);
}

#[test]
fn a_reset_that_waits_for_its_end_is_aborted_and_goes_on() {
    let lab = Lab::with(|config| {
        config.ccr_answer = CcrAnswer::Immediate;
        config.reset_ms = 200;
    });
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    let cid = two.admin.submit(ccr(1, one.identity()), &[]);
    abort_admin(&mut two, cid);
    lab.ctl("wait gone 1");
    assert!(one.io.is_closed());
    // No second answer comes: the next one is that of the next command.
    assert_eq!(two.admin.execute(Sqe::new(0x18, 0, 0)).status, 0);
}

#[test]
fn a_command_whose_data_is_on_its_way_is_not_aborted() {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    let cid = one.io.submit(write(0, 1, Sqe::SGL_TRANSPORT), &[]);
    let request = one.io.await_data_request();
    assert!(!is_aborted(&mut one, 1, cid));
    one.io.answer_data_request(&request, &[b'x'; BLOCK_BYTES]);
    assert_eq!(one.io.answer().status, 0);
    assert_eq!(one.read(0), b'x');
}

#[test]
fn commands_of_others_are_not_aborted() {
    let lab = Lab::new();
    let (mut one, mut two) = (lab.connect(1), lab.connect(1));
    lab.ctl("rule write : ignore=until-abort");
    let cid = ignored_write(&mut one, 0);
    assert!(!is_aborted(&mut two, 1, cid));
    assert!(!is_aborted(&mut one, 2, cid));
    assert!(is_aborted(&mut one, 1, cid));
}
