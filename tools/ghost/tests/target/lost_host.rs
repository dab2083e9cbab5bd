// SPDX-License-Identifier: GPL-2.0

//! Lost Host Communication: log page 1Fh, its event, and what a script makes of them.

use ghost::nvme::bytes::get;
use ghost::nvme::command::Sqe;

use crate::initiator::{Association, Host, identify, log_page, set_property};
use crate::lab::Lab;

/// The Asynchronous Event Configuration with the event for a lost host.
const LOST_EVENT: u32 = 1 << 21;

/// Log page 1Fh, information F5h, a notice.
const LOST_EVENT_RESULT: u64 = 0x001f_f502;

fn lab() -> Lab {
    Lab::with(|config| config.lost_log = true)
}

/// The entries of log page 1Fh: CNTLID, Loss Count, CIU. Reading them leaves them there.
fn entries(association: &mut Association) -> Vec<(u16, u8, u8)> {
    entries_of(&log_page(&mut association.admin, 0x1f, 1 << 15))
}

/// The same, but reading them removes them.
fn take_entries(association: &mut Association) -> Vec<(u16, u8, u8)> {
    entries_of(&log_page(&mut association.admin, 0x1f, 0))
}

fn entries_of(page: &[u8]) -> Vec<(u16, u8, u8)> {
    let count = usize::from(get::<u16>(page, 0));
    let (entries, rest) = page[8..].split_at(count * 8);
    assert!(rest.iter().all(|&byte| byte == 0));
    entries
        .chunks_exact(8)
        .map(|entry| (get(entry, 0), entry[2], entry[3]))
        .collect()
}

/// Loses the controller, and waits until the target knows it.
fn lose(lab: &Lab, association: Association) {
    let cntlid = association.cntlid;
    drop(association);
    lab.ctl(&format!("wait lost {cntlid}"));
}

#[test]
fn the_others_of_the_host_are_told_of_a_loss() {
    let lab = lab();
    let (one, mut two, mut three) = (lab.connect(1), lab.connect(2), lab.connect(2));
    two.await_events(LOST_EVENT);
    lose(&lab, one);
    assert_eq!(two.admin.answer().result, LOST_EVENT_RESULT);
    assert_eq!(entries(&mut two), [(1, 1, 1)]);
    // Each has a list of its own.
    assert_eq!(take_entries(&mut two), [(1, 1, 1)]);
    assert_eq!(take_entries(&mut two), []);
    assert_eq!(entries(&mut three), [(1, 1, 1)]);
}

#[test]
fn an_expired_keep_alive_is_a_loss() {
    let lab = lab();
    let mut two = lab.connect(2);
    two.await_events(LOST_EVENT);
    let host = Host {
        keep_alive_ms: 100,
        ..Host::default()
    };
    let one = Association::open(lab.ports[0], host);
    assert_eq!(two.admin.answer().result, LOST_EVENT_RESULT);
    assert_eq!(take_entries(&mut two), [(one.cntlid, 1, 1)]);
}

#[test]
fn what_the_host_has_ended_is_no_loss() {
    let lab = lab();
    let mut witness = lab.connect(2);
    // Shut down.
    let mut one = lab.connect(1);
    set_property(&mut one.admin, 0x14, 0x0046_4001);
    lose(&lab, one);
    // Disabled.
    let mut one = lab.connect(1);
    set_property(&mut one.admin, 0x14, 0x0046_0000);
    lose(&lab, one);
    // Reset.
    let mut one = lab.connect(1);
    let (cntlid, identity) = (one.cntlid, one.identity());
    assert_eq!(witness.reset(cntlid, identity).status, 0);
    lab.ctl(&format!("wait gone {cntlid}"));
    // It broke the protocol, and was told that.
    let mut one = lab.connect(1);
    one.admin.send(&[0xff; 8]);
    lose(&lab, one);
    assert_eq!(entries(&mut witness), []);
}

#[test]
fn hosts_are_told_of_their_own_controllers_only() {
    let lab = lab();
    let host = Host::default();
    let one = lab.connect(1);
    let mut others: Vec<_> = [Host { id: 2, ..host }, Host { name: 2, ..host }]
        .into_iter()
        .map(|host| Association::open(lab.ports[1], host))
        .collect();
    lose(&lab, one);
    for other in &mut others {
        assert_eq!(entries(other), []);
    }
}

#[test]
fn a_newer_entry_takes_the_place_of_an_older_one_and_counts_on() {
    let lab = lab();
    let (one, mut witness, two) = (lab.connect(1), lab.connect(2), lab.connect(1));
    lose(&lab, one);
    lose(&lab, two);
    let one = lab.connect(1);
    assert_eq!(one.cntlid, 1);
    assert_eq!(entries(&mut witness), [(1, 1, 1), (3, 1, 1)]);
    lose(&lab, one);
    assert_eq!(entries(&mut witness), [(3, 1, 1), (1, 2, 2)]);
    lab.ctl("rule lost-entry cntlid=1 : lc=255");
    assert_eq!(entries(&mut witness), [(3, 1, 1), (1, 255, 2)]);
}

#[test]
fn the_count_and_the_list_are_limited() {
    let lab = lab();
    let mut witness = lab.connect(2);
    lab.ctl("lost-entry 1 cntlid=2 ciu=1 lc=255");
    let lost = lab.connect(1);
    lose(&lab, lost);
    assert_eq!(take_entries(&mut witness), [(2, 255, 1)]);
    for cntlid in 1..=512 {
        lab.ctl(&format!("lost-entry 1 cntlid={cntlid} ciu=1"));
    }
    let entries = entries(&mut witness);
    assert_eq!(entries.len(), 511);
    assert_eq!((entries[0], entries[510]), ((2, 1, 1), (512, 1, 1)));
}

#[test]
fn a_disabled_controller_forgets_its_list() {
    let lab = lab();
    let (one, mut two) = (lab.connect(1), lab.connect(2));
    lose(&lab, one);
    assert_eq!(entries(&mut two).len(), 1);
    set_property(&mut two.admin, 0x14, 0x0046_0000);
    set_property(&mut two.admin, 0x14, 0x0046_0001);
    assert_eq!(entries(&mut two), []);
}

#[test]
fn entries_can_be_wrong_stale_and_missing() {
    let lab = lab();
    let (one, mut two) = (lab.connect(1), lab.connect(2));
    lose(&lab, one);
    lab.ctl("rule lost-entry cntlid=1 times=1 : ciu=9");
    lab.ctl("rule lost-entry times=1 : cntlid=7 keep");
    lab.ctl("rule lost-entry times=1 : omit");
    assert_eq!(entries(&mut two), [(1, 1, 9)]);
    assert_eq!(take_entries(&mut two), [(7, 1, 1)]);
    assert_eq!(entries(&mut two), []);
    assert_eq!(entries(&mut two), [(1, 1, 1)]);
    lab.ctl("rule lost-entry times=1 : ne=600");
    assert_eq!(get::<u16>(&log_page(&mut two.admin, 0x1f, 1 << 15), 0), 600);
    lab.ctl("lost-entry 2 cntlid=3 ciu=4");
    assert_eq!(entries(&mut two), [(1, 1, 1), (3, 1, 4)]);
}

#[test]
fn the_event_can_be_lost_or_made_up() {
    let lab = lab();
    let (one, mut two) = (lab.connect(1), lab.connect(2));
    two.await_events(LOST_EVENT);
    lab.ctl("rule event event=lost-host : lose");
    lose(&lab, one);
    // The answer is that of the command behind it, not of the request.
    assert_eq!(entries(&mut two).len(), 1);
    lab.ctl("event 2 lost-host");
    assert_eq!(two.admin.answer().result, LOST_EVENT_RESULT);
}

#[test]
fn the_event_is_armed_again_by_taking_the_entries() {
    let lab = lab();
    let (one, two, mut witness) = (lab.connect(1), lab.connect(1), lab.connect(2));
    witness.await_events(LOST_EVENT);
    lose(&lab, one);
    assert_eq!(witness.admin.answer().result, LOST_EVENT_RESULT);
    witness.admin.submit(Sqe::new(0x0c, 0, 0), &[]);
    assert_eq!(entries(&mut witness).len(), 1);
    lose(&lab, two);
    assert_eq!(take_entries(&mut witness).len(), 2);
    lose(&lab, lab.connect(1));
    assert_eq!(witness.admin.answer().result, LOST_EVENT_RESULT);
}

#[test]
fn without_the_option_there_is_none_of_it() {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    let events = |one: &mut Association| get::<u32>(&identify(&mut one.admin, 0x01, 0), 92);
    assert_eq!(events(&mut one) & LOST_EVENT, 0);
    let mut read = Sqe::new(0x02, 0, 0);
    read.set_dword(10, 0x1f | 1023 << 16);
    read.set_sgl(Sqe::SGL_TRANSPORT, 4096);
    assert_eq!(one.admin.execute(read).status, 0x4109);
    let mut one = self::lab().connect(1);
    assert_eq!(events(&mut one) & LOST_EVENT, LOST_EVENT);
}
