// SPDX-License-Identifier: GPL-2.0

//! Commands that are held, and what becomes of them.

use std::thread;

use ghost::nvme::command::Sqe;

use crate::initiator::{
    Association, BLOCK_BYTES, Connection, Host, get_property, set_property, write,
};
use crate::lab::Lab;

#[test]
fn a_held_write_is_executed_when_it_is_released() {
    let lab = Lab::new();
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    for stage in ["before-data", "after-data", "before-execution"] {
        let rule = lab.ctl(&format!("rule write port=1 : hold={stage}"));
        assert_eq!(two.write(3, b'o'), 0);
        one.start_write(3, b'n');
        lab.ctl("wait held 1");
        assert_eq!(two.read(3), b'o', "{stage}");
        lab.ctl("release all");
        assert_eq!(one.io.answer().status, 0);
        assert_eq!(two.read(3), b'n', "{stage}");
        lab.ctl(&format!("forget {}", rule.trim()));
    }
}

#[test]
fn a_write_held_before_its_completion_is_visible() {
    let lab = Lab::new();
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    lab.ctl("rule write port=1 slba=3 times=1 : hold=before-completion");
    one.start_write(3, b'n');
    lab.ctl("wait held 1");
    assert_eq!(two.read(3), b'n');
    let held = lab.ctl("held");
    assert!(held.starts_with("1 port=1 cntlid=1 queue=1 cid="), "{held}");
    assert!(
        held.ends_with(" opcode=write slba=3 blocks=1 stage=before-completion connection=open\n"),
        "{held}"
    );
    lab.ctl("release 1");
    assert_eq!(one.io.answer().status, 0);
    assert_eq!(lab.refused("release 1"), "no held command 1");
}

#[test]
fn data_is_not_asked_for_before_the_release() {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    lab.ctl("rule write : hold=before-data");
    one.io.submit(write(0, 1, Sqe::SGL_TRANSPORT), &[]);
    lab.ctl("wait held 1");
    let asked = |lab: &Lab| lab.log().iter().any(|line| line["event"] == "data-asked");
    assert!(!asked(&lab));
    lab.ctl("release all");
    one.io.send_data(&[b'x'; BLOCK_BYTES]);
    assert_eq!(one.io.answer().status, 0);
    assert!(asked(&lab));
}

#[test]
fn a_command_can_be_held_for_a_time() {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    lab.ctl("rule write : hold=before-execution/50");
    assert_eq!(one.write(0, b'x'), 0);
    assert!(lab.when("released") - lab.when("held") >= 50_000_000);
}

/// Controller 1 is lost with a write of 'o' to block 0; controller 2 remains.
fn lose_with_a_write(lab: &Lab) -> Association {
    let (mut one, two) = (lab.connect(1), lab.connect(2));
    lab.ctl("rule write port=1 : hold=before-execution");
    one.start_write(0, b'o');
    lab.ctl("wait held 1");
    drop(one);
    lab.ctl("wait lost 1");
    two
}

#[test]
fn a_held_write_becomes_a_ghost() {
    let lab = Lab::new();
    let mut two = lose_with_a_write(&lab);
    assert_eq!(two.write(0, b'n'), 0);
    lab.ctl("release 1");
    assert_eq!(two.read(0), b'o');
    lab.ctl("wait gone 1");
    let events: Vec<_> = lab
        .writes()
        .into_iter()
        .filter(|(event, _)| event == "executed" || event == "unanswered")
        .collect();
    assert_eq!(
        events,
        [
            ("executed".to_owned(), 2),
            ("executed".to_owned(), 1),
            ("unanswered".to_owned(), 1)
        ]
    );
}

#[test]
fn what_is_held_is_dropped_when_it_has_quiesced() {
    let lab = Lab::with(|config| config.quiesce_ms = 50);
    let mut two = lose_with_a_write(&lab);
    lab.ctl("wait gone 1");
    assert_eq!(lab.refused("release 1"), "no held command 1");
    assert_eq!(two.read(0), 0);
}

#[test]
fn a_bad_target_never_quiesces() {
    let lab = Lab::with(|config| config.quiesce_ms = 0);
    lab.ctl("rule quiesce : ignore");
    let mut two = lose_with_a_write(&lab);
    assert_eq!(two.write(0, b'n'), 0);
    lab.ctl("release 1");
    assert_eq!(two.read(0), b'o');
}

/// Disables controller 1, which has a held write of 'o' to block 0, and says what is read after
/// the release.
fn disable_with_a_write(lab: &Lab) -> u8 {
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    lab.ctl("rule write port=1 : hold=before-execution");
    one.start_write(0, b'o');
    lab.ctl("wait held 1");
    set_property(&mut one.admin, 0x14, 0x0046_0000);
    assert_eq!(get_property(&mut one.admin, 0x1c), 0);
    assert_eq!(two.write(0, b'n'), 0);
    lab.ctl("release all");
    two.read(0)
}

#[test]
fn a_controller_that_says_it_is_disabled_is() {
    assert_eq!(disable_with_a_write(&Lab::new()), b'n');
}

#[test]
fn a_liar_says_it_is_disabled_and_executes_what_it_had() {
    let lab = Lab::new();
    lab.ctl("rule disable cntlid=1 : ignore");
    assert_eq!(disable_with_a_write(&lab), b'o');
    let log = lab.log();
    assert!(log.iter().any(|line| line["event"] == "not-stopped"));
    assert!(log.iter().all(|line| line["event"] != "stopped"));
}

/// Shuts controller 1 down, which has a held write of 'o' to block 0. Says what CSTS is then, and what
/// is read after the release.
fn shut_down_with_a_write(lab: &Lab) -> (u64, u8) {
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    lab.ctl("rule write port=1 : hold=before-execution");
    one.start_write(0, b'o');
    lab.ctl("wait held 1");
    set_property(&mut one.admin, 0x14, 0x0046_4001);
    let csts = get_property(&mut one.admin, 0x1c);
    assert_eq!(two.write(0, b'n'), 0);
    lab.ctl("release all");
    (csts, two.read(0))
}

#[test]
fn a_shutdown_is_over_when_it_says_so() {
    assert_eq!(shut_down_with_a_write(&Lab::new()), (0b1001, b'n'));
}

#[test]
fn a_shutdown_can_be_a_lie_or_have_no_end() {
    for (rule, csts) in [("ignore", 0b1001), ("never", 0b0101)] {
        let lab = Lab::new();
        lab.ctl(&format!("rule shutdown cntlid=1 : {rule}"));
        assert_eq!(shut_down_with_a_write(&lab), (csts, b'o'));
    }
}

#[test]
fn data_that_was_not_sent_can_never_come() {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    one.io.submit(write(0, 1, Sqe::SGL_TRANSPORT), &[]);
    one.io.await_data_request();
    drop(one);
    lab.ctl("wait gone 1");
    let (event, _) = lab.writes().pop().unwrap();
    assert_eq!(event, "dropped");
}

#[test]
fn a_held_connect_ends_with_its_connection() {
    let lab = Lab::new();
    lab.ctl("rule connect : hold=before-execution");
    let mut connection = Connection::open(lab.ports[0], Host::default());
    connection.submit(Sqe::fabrics(0x01, 0), &[]);
    lab.ctl("wait held 1");
    drop(connection);
    while !lab.ctl("held").is_empty() {
        thread::yield_now();
    }
    assert_eq!(lab.ctl("controllers"), "");
}
