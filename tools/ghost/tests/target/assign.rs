// SPDX-License-Identifier: GPL-2.0

//! What new controllers are called: honestly, and as a script wants it.

use crate::initiator::{Association, Host};
use crate::lab::Lab;

/// Controller 1 is lost on port 1 with a write of 'o' to block 0 that it holds. Then there is this
/// rule, and the host comes back.
fn come_back(lab: &Lab, rule: &str) -> (Association, Association) {
    let (mut one, two) = (lab.connect(1), lab.connect(2));
    lab.ctl("rule write port=1 times=1 : hold=before-execution");
    one.start_write(0, b'o');
    lab.ctl("wait held 1");
    drop(one);
    lab.ctl("wait lost 1");
    if !rule.is_empty() {
        lab.ctl(&format!("rule {rule}"));
    }
    (lab.connect(1), two)
}

/// What is read when the other path has written 'n', and then what is held is released.
fn read_after_release(lab: &Lab, other: &mut Association) -> u8 {
    assert_eq!(other.write(0, b'n'), 0);
    lab.ctl("release all");
    other.read(0)
}

#[test]
fn an_id_is_not_used_again_while_its_controller_can_execute_something() {
    let lab = Lab::new();
    let (mut back, mut two) = come_back(&lab, "");
    assert_eq!((back.cntlid, back.identity().0), (3, 1));
    assert_eq!(read_after_release(&lab, &mut two), b'o');
    lab.ctl("wait gone 1");
    let mut next = lab.connect(1);
    assert_eq!((next.cntlid, next.identity().0), (1, 2));
}

#[test]
fn an_honest_target_cleans_up_before_it_uses_an_id_again() {
    let lab = Lab::new();
    let (mut back, mut two) = come_back(&lab, "assign : cntlid=old cleanup");
    assert_eq!((back.cntlid, back.identity().0), (1, 2));
    assert_eq!(read_after_release(&lab, &mut two), b'n');
    let log = lab.log();
    assert!(log.iter().any(|line| line["event"] == "gone"));
}

#[test]
fn a_liar_uses_an_id_again_early() {
    let lab = Lab::new();
    let (mut back, mut two) = come_back(&lab, "assign : cntlid=old");
    assert_eq!(back.cntlid, 1);
    assert_eq!(read_after_release(&lab, &mut two), b'o');
    // It works beside the one that is lost, and is what the operator means.
    assert_eq!((back.write(1, b'x'), back.read(1)), (0, b'x'));
    lab.ctl("disconnect 1");
    assert!(back.admin.is_closed());
}

/// The identity of controller 1, and of the one that has its ID after it.
fn identities(rule: &str) -> [(u8, u64); 2] {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    let old = one.identity();
    drop(one);
    lab.ctl("wait gone 1");
    lab.ctl(&format!("rule {rule}"));
    let mut back = lab.connect(1);
    assert_eq!(back.cntlid, 1);
    [old, back.identity()]
}

#[test]
fn an_identity_is_new_the_same_or_none() {
    let [old, new] = identities("assign : identity=new cleanup");
    assert_eq!((old.0, new.0), (1, 2));
    assert_ne!(old.1, new.1);
    let [old, same] = identities("assign : identity=same");
    assert_eq!(same, old);
    let [_, none] = identities("assign : identity=none");
    assert_eq!(none, (0, 0));
}

#[test]
fn two_nodes_can_give_out_the_same_id() {
    let lab = Lab::new();
    lab.ctl("rule assign port=2 : cntlid=1");
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    assert_eq!((one.cntlid, two.cntlid), (1, 1));
    assert_eq!((one.write(0, b'x'), two.write(1, b'y')), (0, 0));
    assert_ne!(one.identity(), two.identity());
    // There is none beside the one that is named.
    assert_eq!(two.reset(1, one.identity()).status, 0x4002);
}

#[test]
fn old_is_what_this_host_has_lost_on_this_port() {
    let lab = Lab::new();
    let (mut one, _two) = (lab.connect(1), lab.connect(2));
    lab.ctl("rule write : hold=before-execution");
    one.start_write(0, b'o');
    lab.ctl("wait held 1");
    drop(one);
    lab.ctl("wait lost 1");
    lab.ctl("rule assign : cntlid=old");
    assert_eq!(lab.connect(2).cntlid, 3);
    let host = Host {
        id: 2,
        ..Host::default()
    };
    assert_ne!(Association::open(lab.ports[0], host).cntlid, 1);
    assert_eq!(lab.connect(1).cntlid, 1);
}
