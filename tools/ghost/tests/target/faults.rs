// SPDX-License-Identifier: GPL-2.0

//! What else a script and an operator can do.

use crate::initiator::Connection;
use crate::lab::Lab;

#[test]
fn a_command_gets_the_answer_that_the_script_wants() {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    lab.ctl("rule write slba=1 : answer=0x4002/7");
    lab.ctl("rule write slba=2 : complete=0x6");
    one.start_write(1, b'x');
    let answer = one.io.answer();
    assert_eq!((answer.status, answer.result), (0x4002, 7));
    assert_eq!(one.write(2, b'x'), 6);
    assert_eq!((one.read(1), one.read(2)), (0, b'x'));
}

#[test]
fn an_ignored_command_is_never_answered() {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    lab.ctl("rule write slba=1 : ignore");
    one.start_write(1, b'x');
    // The answer is that of the read behind it.
    assert_eq!(one.read(1), 0);
}

#[test]
fn the_script_cuts_connections() {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    lab.ctl("rule write : disconnect=before-completion");
    one.start_write(1, b'x');
    assert!(one.io.is_closed());
    assert!(one.admin.is_closed());
    lab.ctl("forget all");
    assert_eq!(lab.connect(1).read(1), b'x');
}

#[test]
fn the_operator_cuts_connections() {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    lab.ctl("disconnect 1 1");
    assert!(one.io.is_closed());
    lab.ctl("refuse 1");
    assert!(Connection::raw(lab.ports[0]).is_closed());
    lab.ctl("disconnect 1");
    assert!(one.admin.is_closed());
    assert_eq!(lab.refused("disconnect 1"), "no controller 1");
    lab.ctl("accept");
    assert_eq!(lab.connect(1).cntlid, 1);
}

#[test]
fn commands_that_make_no_sense_are_refused() {
    let lab = Lab::new();
    for (command, message) in [
        ("explode", "unknown command: \"explode\""),
        ("release x", "not a number: \"x\""),
        ("ana 3 optimized", "no port 3"),
        ("ana 1 lost", "unknown command: \"ana 1 lost\""),
        ("forget 9", "no rule 9"),
        ("rule write : explode", "what is \"explode\"?"),
        ("event 1 ccr", "no controller 1"),
    ] {
        assert_eq!(lab.refused(command), message);
    }
}
