// SPDX-License-Identifier: GPL-2.0

//! A target, and hosts that are sockets of the test. What waits by the clock waits for a time that
//! was ordered; everything else is waited for.

mod initiator;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::thread;

use ghost::control;
use ghost::nvme::bytes::get;
use ghost::nvme::command::Sqe;
use ghost::nvme::pdu::{self, Digests, Kind};
use ghost::target::Target;
use ghost::target::config::{AnaState, CcrAnswer, Config};
use ghost::target::script::Rules;
use initiator::{
    Association, BLOCK_BYTES, Connection, DISCOVERY_NQN, Host, NQN, admin_queue, ccr, get_property,
    identify, log_page, read, set_property, write,
};
use proptest::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

const INVALID_FIELD: u16 = 0x4002;

/// The Asynchronous Event Configuration with the event for Cross-Controller Reset.
const CCR_EVENT: u32 = 1 << 20;

/// Log page 1Eh, information F4h, a notice.
const CCR_EVENT_RESULT: u64 = 0x001e_f402;

/// A target with two ports.
struct Lab {
    ports: Vec<SocketAddr>,
    control: PathBuf,
    log: PathBuf,
    /// Holds control socket and log.
    _directory: TempDir,
}

impl Lab {
    fn new() -> Self {
        Lab::with(|_| {})
    }

    /// A target that is ordered otherwise.
    fn with(order: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (control, log) = (
            directory.path().join("control"),
            directory.path().join("log"),
        );
        let mut config = config();
        order(&mut config);
        let sink = Box::new(fs::File::create(&log).unwrap());
        let target = Target::bind(config, &control, Rules::default(), Some(sink)).unwrap();
        let ports = target.addresses();
        thread::spawn(move || target.serve());
        Lab {
            ports,
            control,
            log,
            _directory: directory,
        }
    }

    /// An association through port 1 or 2.
    fn connect(&self, port: usize) -> Association {
        Association::open(self.ports[port - 1], Host::default())
    }

    fn ctl(&self, command: &str) -> String {
        control::request(&self.control, command).unwrap()
    }

    fn refused(&self, command: &str) -> String {
        control::request(&self.control, command)
            .unwrap_err()
            .to_string()
    }

    fn log(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.log).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The lines about writes: what has happened, and to which controller.
    fn writes(&self) -> Vec<(String, u64)> {
        self.log()
            .iter()
            .filter(|line| line["opcode"] == "write")
            .map(|line| {
                let event = line["event"].as_str().unwrap().to_owned();
                (event, line["cntlid"].as_u64().unwrap())
            })
            .collect()
    }
}

fn config() -> Config {
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Config {
        ports: vec![
            (any_port, AnaState::Optimized),
            (any_port, AnaState::Optimized),
        ],
        nqn: NQN.to_owned(),
        namespace_bytes: 1 << 20,
        block_bytes: BLOCK_BYTES as u32,
        backing: None,
        write_cache: false,
        seed: 1,
        ciu_first: 1,
        cqt_ms: 0,
        quiesce_ms: 3_600_000,
        ccrl: 2,
        ccr_answer: CcrAnswer::Event,
        reset_ms: 0,
        ccr_log_entries: 511,
        ccr_event: true,
        keep_alive_by_traffic: true,
        keep_alive_granularity_100ms: 1,
        cmic: 11,
        mdts: Some(8),
        in_capsule_bytes: 4096,
        h2c_data_bytes: 8192,
        io_queues: 4,
        queue_entries: 64,
    }
}

fn all_digests() -> [Digests; 4] {
    [0, 1, 2, 3].map(Digests::from_bits)
}

// --- A good target ----------------------------------------------------------------

#[test]
fn blocks_are_read_as_they_were_written() {
    let lab = Lab::new();
    for digests in all_digests() {
        for alignment in [0, 31] {
            let host = Host {
                digests,
                alignment,
                ..Host::default()
            };
            let mut association = Association::open(lab.ports[0], host);
            association.io.link.alignment = 1;
            // In the capsule, and asked for: in one PDU and in several.
            assert_eq!(association.write(0, b'a'), 0);
            for blocks in [1, 2, 5] {
                let data: Vec<u8> = (0..blocks as usize * BLOCK_BYTES)
                    .map(|index| (index * 7) as u8)
                    .collect();
                association
                    .io
                    .submit(write(1, blocks, Sqe::SGL_TRANSPORT), &[]);
                association.io.send_data(&data);
                assert_eq!(association.io.answer().status, 0);
                let answer = association.io.execute(read(1, blocks));
                assert_eq!((answer.status, answer.data), (0, data));
            }
            assert_eq!(association.read(0), b'a');
        }
    }
}

#[test]
fn all_controllers_have_the_same_blocks() {
    let lab = Lab::new();
    let (mut one, mut two, mut three) = (lab.connect(1), lab.connect(2), lab.connect(2));
    assert_eq!((one.cntlid, two.cntlid, three.cntlid), (1, 2, 3));
    assert_eq!(one.write(7, b'x'), 0);
    assert_eq!((two.read(7), three.read(7)), (b'x', b'x'));
}

#[test]
fn write_zeroes_and_deallocate_make_zeros() {
    let lab = Lab::new();
    let mut association = lab.connect(1);
    for block in 0..4 {
        assert_eq!(association.write(block, b'x'), 0);
    }
    let mut zeroes = read(1, 1);
    zeroes.0[0] = 0x08;
    zeroes.set_sgl(Sqe::SGL_TRANSPORT, 0);
    assert_eq!(association.io.execute(zeroes).status, 0);
    let mut range = [0; 16];
    range[4] = 1;
    range[8] = 2;
    let mut deallocate = Sqe::new(0x09, 0, 1);
    deallocate.set_dword(11, 4);
    deallocate.set_sgl(Sqe::SGL_IN_CAPSULE, 16);
    association.io.submit(deallocate, &range);
    assert_eq!(association.io.answer().status, 0);
    let blocks = [0, 1, 2, 3].map(|block| association.read(block));
    assert_eq!(blocks, [b'x', 0, 0, b'x']);
}

#[test]
fn what_cannot_be_is_refused() {
    let lab = Lab::new();
    let mut association = lab.connect(1);
    let io = &mut association.io;
    assert_eq!(io.execute(read(256, 1)).status, 0x4080);
    assert_eq!(io.execute(read(u64::MAX, 2)).status, 0x4080);
    assert_eq!(io.execute(Sqe::new(0x7e, 0, 1)).status, 0x4001);
    let mut other_namespace = read(0, 1);
    other_namespace.0[4] = 2;
    assert_eq!(io.execute(other_namespace).status, 0x400b);
    let mut too_short = read(0, 2);
    too_short.set_sgl(Sqe::SGL_TRANSPORT, 4096);
    assert_eq!(io.execute(too_short).status, 0x400f);
    let mut keyed = read(0, 1);
    keyed.set_sgl(0x40, 4096);
    assert_eq!(io.execute(keyed).status, 0x4011);
    assert_eq!(association.read(0), 0);
}

#[test]
fn the_controller_is_what_was_ordered() {
    let lab = Lab::with(|config| {
        config.cqt_ms = 5000;
        config.ccrl = 7;
        config.keep_alive_granularity_100ms = 3;
        config.mdts = Some(5);
        config.in_capsule_bytes = 8192;
    });
    let mut association = lab.connect(1);
    let page = identify(&mut association.admin, 0x01, 0);
    assert_eq!(page[76..78], [11, 5]);
    assert_eq!(get::<u32>(&page, 92), 1 << 8 | 1 << 11 | 1 << 20);
    assert_eq!(get::<u32>(&page, 96) & 1 << 6, 1 << 6);
    assert_eq!(get::<u16>(&page, 320), 3);
    assert_eq!(get::<u16>(&page, 386), 5000);
    assert_eq!(get::<u32>(&page, 1792), (64 + 8192) / 16);
    assert_eq!(page[1807], 7);

    let lab = Lab::with(|config| {
        config.ccr_event = false;
        config.cmic = 3;
        config.keep_alive_by_traffic = false;
        config.ciu_first = 0;
    });
    let mut association = lab.connect(1);
    let page = identify(&mut association.admin, 0x01, 0);
    assert_eq!(get::<u32>(&page, 92), 1 << 8);
    assert_eq!(get::<u32>(&page, 96) & 1 << 6, 0);
    assert_eq!((page[135], get::<u64>(&page, 136), page[1807]), (0, 0, 0));
    assert_eq!(association.reset(2, (1, 1)).status, 0x4001);
}

#[test]
fn each_instance_has_a_new_identity() {
    let lab = Lab::new();
    let mut first = lab.connect(1);
    let (cntlid, old) = (first.cntlid, first.identity());
    assert_eq!(old.0, 1);
    drop(first);
    lab.ctl("wait gone 1");
    let mut second = lab.connect(1);
    assert_eq!(second.cntlid, cntlid);
    let new = second.identity();
    assert_eq!(new.0, 2);
    assert_ne!(new.1, old.1);
}

#[test]
fn the_namespace_is_described() {
    let lab = Lab::new();
    let admin = &mut lab.connect(1).admin;
    assert_eq!(get::<u32>(&identify(admin, 0x02, 0), 0), 1);
    assert_eq!(get::<u32>(&identify(admin, 0x02, 1), 0), 0);
    let page = identify(admin, 0x00, 1);
    assert_eq!(get::<u64>(&page, 0), 256);
    assert_eq!((page[30], get::<u32>(&page, 92), page[130]), (1, 1, 12));
    let descriptors = identify(admin, 0x03, 1);
    assert_eq!(descriptors[..2], [2, 16]);
    assert_eq!(descriptors[4..20], page[104..120]);
    let ana = log_page(admin, 0x0c, 0);
    assert_eq!((ana[32], get::<u32>(&ana, 48)), (1, 1));
}

#[test]
fn discovery_lists_the_ports() {
    let lab = Lab::new();
    let (mut admin, _) = admin_queue(lab.ports[1], Host::default(), DISCOVERY_NQN);
    let controller = identify(&mut admin, 0x01, 0);
    // It has no namespaces, and so no ANA.
    assert_eq!((controller[111], controller[76]), (2, 0));
    let page = log_page(&mut admin, 0x70, 0);
    assert_eq!(get::<u64>(&page, 8), 2);
    for (index, port) in lab.ports.iter().enumerate() {
        let record = &page[1024 * (index + 1)..][..1024];
        assert_eq!(record[..3], [3, 1, 2]);
        let text = |from, to| String::from_utf8_lossy(&record[from..to]).into_owned();
        assert_eq!(text(32, 64).trim_end(), port.port().to_string());
        assert_eq!(text(256, 512).trim_end_matches('\0'), NQN);
        assert_eq!(text(512, 768).trim_end(), "127.0.0.1");
    }
}

#[test]
fn connect_is_checked() {
    let lab = Lab::new();
    let address = lab.ports[0];
    let host = Host::default();
    let connect = |host: Host, nqn: &str, queue, cntlid| {
        let answer = Connection::open(address, host).connect(host, nqn, queue, cntlid);
        (answer.status, answer.result)
    };
    let association = Association::open(address, host);
    let other = Host { id: 2, ..host };
    // In the result: 1 << 16 is "in the data", then the offset.
    assert_eq!(connect(host, "nqn.other", 0, 0xffff), (0x4182, 0x1_0100));
    assert_eq!(connect(host, NQN, 0, 1), (0x4182, 0x1_0010));
    assert_eq!(connect(host, NQN, 1, 99), (0x4182, 0x1_0010));
    assert_eq!(
        connect(other, NQN, 2, association.cntlid),
        (0x4182, 0x1_0000)
    );
    assert_eq!(connect(host, NQN, 1, association.cntlid), (0x4182, 42));
    assert_eq!(connect(host, NQN, 5, association.cntlid), (0x4182, 42));
    let mut connection = Connection::open(address, host);
    assert_eq!(connection.execute(read(0, 1)).status, 0x400c);
}

#[test]
fn ana_states_are_kept_to() {
    let lab = Lab::new();
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    one.await_events(1 << 11);
    for (state, status) in [
        ("inaccessible", 0x302),
        ("persistent-loss", 0x301),
        ("change", 0x303),
        ("non-optimized", 0),
    ] {
        lab.ctl(&format!("ana 1 {state}"));
        assert_eq!(one.write(0, b'x'), status, "{state}");
        assert_eq!(two.write(0, b'x'), 0);
    }
    assert_eq!(one.admin.answer().result, 0x000c_0302);
    assert_eq!(log_page(&mut one.admin, 0x0c, 0)[32], 2);
    assert_eq!(log_page(&mut two.admin, 0x0c, 0)[32], 1);
}

#[test]
fn a_disabled_controller_executes_nothing() {
    let lab = Lab::new();
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    lab.ctl("rule write port=1 : hold=before-execution");
    one.start_write(0, b'x');
    lab.ctl("wait held 1");
    set_property(&mut one.admin, 0x14, 0);
    assert_eq!(get_property(&mut one.admin, 0x1c), 0);
    assert!(one.io.is_closed());
    assert_eq!(lab.ctl("held"), "");
    assert_eq!(two.read(0), 0);
    // Shut down, the other one says so.
    set_property(&mut two.admin, 0x14, 0x0046_4001);
    assert_eq!(get_property(&mut two.admin, 0x1c), 0b1001);
}

#[test]
fn keep_alive_expires() {
    let lab = Lab::new();
    let host = Host {
        keep_alive_ms: 50,
        ..Host::default()
    };
    let mut association = Association::open(lab.ports[0], host);
    assert!(association.io.is_closed());
    assert!(association.admin.is_closed());
    let log = lab.log();
    let ended = log.iter().find(|line| line["event"] == "ended").unwrap();
    let connected = log
        .iter()
        .find(|line| line["event"] == "connected")
        .unwrap();
    assert_eq!(ended["reason"], "keep alive expired");
    // KAS is 100 ms.
    let passed = ended["ns"].as_u64().unwrap() - connected["ns"].as_u64().unwrap();
    assert!(passed >= 100_000_000, "{passed}");
}

#[test]
fn a_bad_target_forgets_to_expire() {
    let lab = Lab::new();
    lab.ctl("rule kato : ignore");
    let host = Host {
        keep_alive_ms: 100,
        ..Host::default()
    };
    let mut association = Association::open(lab.ports[0], host);
    thread::sleep(std::time::Duration::from_millis(250));
    assert_eq!(association.read(0), 0);
    assert!(lab.ctl("rules").starts_with("1 hits=1 kato"));
}

// --- Commands that are held -------------------------------------------------------

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
        lab.ctl(&format!("forget {rule}"));
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
    let log = lab.log();
    let when = |event: &str| {
        let line = log.iter().find(|line| line["event"] == event).unwrap();
        line["ns"].as_u64().unwrap()
    };
    assert!(when("released") - when("held") >= 50_000_000);
}

#[test]
fn a_held_write_becomes_a_ghost() {
    let lab = Lab::new();
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    lab.ctl("rule write port=1 : hold=before-execution");
    one.start_write(0, b'o');
    lab.ctl("wait held 1");
    drop(one);
    lab.ctl("wait lost 1");
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
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    lab.ctl("rule write port=1 : hold=before-execution");
    one.start_write(0, b'o');
    lab.ctl("wait held 1");
    drop(one);
    lab.ctl("wait gone 1");
    assert_eq!(lab.refused("release 1"), "no held command 1");
    assert_eq!(two.read(0), 0);
}

#[test]
fn a_bad_target_never_quiesces() {
    let lab = Lab::with(|config| config.quiesce_ms = 0);
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    lab.ctl("rule write port=1 : hold=before-execution");
    lab.ctl("rule quiesce : ignore");
    one.start_write(0, b'o');
    lab.ctl("wait held 1");
    drop(one);
    lab.ctl("wait lost 1");
    assert_eq!(two.write(0, b'n'), 0);
    lab.ctl("release 1");
    assert_eq!(two.read(0), b'o');
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

// --- Other faults -----------------------------------------------------------------

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

// --- Cross-Controller Reset -------------------------------------------------------

/// The entry for a controller that was reset.
fn entry(cntlid: u16, ciu: u8, ccrs: u8) -> [u8; 8] {
    let [low, high] = cntlid.to_le_bytes();
    [low, high, ciu, 0, 0xff, 0xff, ccrs, 0]
}

#[test]
fn a_reset_ends_the_other_controller_and_its_commands() {
    let lab = Lab::new();
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    let identity = one.identity();
    two.await_events(CCR_EVENT);
    lab.ctl("rule write port=1 : hold=before-execution");
    one.start_write(0, b'x');
    lab.ctl("wait held 1");

    let answer = two.reset(1, identity);
    assert_eq!((answer.status, answer.result), (0, 0));
    assert_eq!(two.admin.answer().result, CCR_EVENT_RESULT);
    assert_eq!(two.ccr_log(false, false), [entry(1, identity.0, 1)]);
    lab.ctl("wait gone 1");
    assert!(one.io.is_closed());
    assert!(one.admin.is_closed());
    assert_eq!(lab.refused("release 1"), "no held command 1");
    assert_eq!(two.read(0), 0);
    // It is over: there is no such controller any more.
    let answer = two.reset(1, identity);
    assert_eq!((answer.status, answer.result), (0, 1));
}

#[test]
fn an_immediate_reset_is_answered_when_it_is_over() {
    let lab = Lab::with(|config| {
        config.ccr_answer = CcrAnswer::Immediate;
        config.reset_ms = 50;
    });
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    let answer = two.reset(1, one.identity());
    assert_eq!((answer.status, answer.result), (0, 1));
    assert!(two.ccr_log(false, false).is_empty());
    let log = lab.log();
    let when = |event: &str| {
        let line = log.iter().find(|line| line["event"] == event).unwrap();
        line["ns"].as_u64().unwrap()
    };
    assert!(when("reset-over") - when("reset-begun") >= 50_000_000);
}

#[test]
fn a_held_write_can_be_executed_until_the_reset_is_over() {
    let lab = Lab::with(|config| config.reset_ms = 3_600_000);
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    lab.ctl("rule write port=1 : hold=before-execution");
    let identity = one.identity();
    one.start_write(0, b'x');
    lab.ctl("wait held 1");
    assert_eq!(two.reset(1, identity).status, 0);
    assert_eq!(two.ccr_log(false, true).len(), 1);
    lab.ctl("release 1");
    assert_eq!(two.read(0), b'x');
}

#[test]
fn only_the_right_identity_is_reset() {
    let lab = Lab::new();
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    let (ciu, cirn) = one.identity();
    let own = two.identity();
    assert_eq!(two.reset(2, own).status, INVALID_FIELD);
    for (icid, ciu, cirn) in [(9, ciu, cirn), (1, ciu + 1, cirn), (1, ciu, cirn ^ 1)] {
        let answer = two.reset(icid, (ciu, cirn));
        assert_eq!((answer.status, answer.result), (0, 1));
    }
    let stranger = Host {
        id: 2,
        ..Host::default()
    };
    let mut three = Association::open(lab.ports[1], stranger);
    assert_eq!(three.reset(1, (ciu, cirn)).status, INVALID_FIELD);
    assert_eq!(one.write(0, b'x'), 0);
}

#[test]
fn resets_are_limited() {
    let lab = Lab::with(|config| config.reset_ms = 3_600_000);
    let mut others: Vec<_> = (0..3).map(|_| lab.connect(1)).collect();
    let identities: Vec<_> = others.iter_mut().map(Association::identity).collect();
    let (mut four, mut five) = (lab.connect(2), lab.connect(2));
    assert_eq!(four.reset(1, identities[0]).status, 0);
    assert_eq!(four.reset(1, identities[0]).status, 0x13f);
    assert_eq!(four.reset(2, identities[1]).status, 0);
    assert_eq!(four.reset(3, identities[2]).status, 0x141);
    // Another source joins a reset that is in progress.
    assert_eq!(five.reset(1, identities[0]).status, 0);
    assert_eq!(four.ccr_log(true, false), [entry(1, 1, 0), entry(2, 1, 0)]);
    assert_eq!(four.ccr_log(false, false).len(), 2);
}

#[test]
fn a_full_log_is_emptied_by_reading() {
    let lab = Lab::with(|config| config.ccr_log_entries = 1);
    let (mut one, mut two, mut three) = (lab.connect(1), lab.connect(1), lab.connect(2));
    three.await_events(CCR_EVENT);
    assert_eq!(three.reset(1, one.identity()).status, 0);
    three.admin.answer();
    assert_eq!(three.reset(2, two.identity()).status, 0x140);
    assert_eq!(three.ccr_log(true, false).len(), 1);
    assert_eq!(three.ccr_log(false, false).len(), 0);
    assert_eq!(three.reset(2, two.identity()).status, 0);
}

#[test]
fn an_event_is_armed_again_by_reading_the_log() {
    let lab = Lab::new();
    let mut others: Vec<_> = (0..3).map(|_| lab.connect(1)).collect();
    let identities: Vec<_> = others.iter_mut().map(Association::identity).collect();
    let mut source = lab.connect(2);
    source.await_events(CCR_EVENT);
    assert_eq!(source.reset(1, identities[0]).status, 0);
    assert_eq!(source.admin.answer().result, CCR_EVENT_RESULT);
    source.admin.submit(Sqe::new(0x0c, 0, 0), &[]);

    // With RAE the event stays as it is: the next reset is not reported.
    assert_eq!(source.ccr_log(false, true).len(), 1);
    assert_eq!(source.reset(2, identities[1]).status, 0);
    lab.ctl("wait gone 2");
    assert_eq!(source.ccr_log(false, false).len(), 2);
    assert_eq!(source.reset(3, identities[2]).status, 0);
    assert_eq!(source.admin.answer().result, CCR_EVENT_RESULT);
    assert_eq!(source.ccr_log(false, false).len(), 3);
}

#[test]
fn a_reset_can_fail() {
    let lab = Lab::new();
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    two.await_events(CCR_EVENT);
    lab.ctl("rule reset : fail");
    assert_eq!(two.reset(1, one.identity()).status, 0);
    two.admin.answer();
    assert_eq!(two.ccr_log(false, false), [entry(1, 1, 2)]);
    assert_eq!(one.write(0, b'x'), 0);
}

#[test]
fn entries_and_events_can_be_wrong() {
    let lab = Lab::new();
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    two.await_events(CCR_EVENT);
    two.admin.submit(Sqe::new(0x0c, 0, 0), &[]);
    lab.ctl("rule event event=ccr times=1 : double");
    lab.ctl("rule entry icid=1 times=1 : icid=7 ciu=9 acid=3 ccrs=5 ccrf=6 ne=511");
    lab.ctl("rule entry icid=1 : omit");
    assert_eq!(two.reset(1, one.identity()).status, 0);
    for _ in 0..2 {
        assert_eq!(two.admin.answer().result, CCR_EVENT_RESULT);
    }
    let entries = two.ccr_log(false, false);
    assert_eq!(entries.len(), 511);
    assert_eq!(entries[0], [7, 0, 9, 0, 3, 0, 5, 6]);
    assert!(two.ccr_log(false, false).is_empty());
    lab.ctl("forget all");
    lab.ctl("entry 2 icid=5 ciu=2");
    assert_eq!(two.ccr_log(false, false), [entry(1, 1, 1), entry(5, 2, 1)]);
}

#[test]
fn an_event_can_be_lost_or_made_up() {
    let lab = Lab::new();
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    two.await_events(CCR_EVENT);
    lab.ctl("rule event : lose");
    assert_eq!(two.reset(1, one.identity()).status, 0);
    lab.ctl("wait gone 1");
    // The answer is that of the command behind it, not of the request.
    assert_eq!(two.ccr_log(false, true).len(), 1);
    lab.ctl("event 2 ccr");
    assert_eq!(two.admin.answer().result, CCR_EVENT_RESULT);
}

#[test]
fn a_reset_goes_on_without_its_source() {
    let lab = Lab::with(|config| config.reset_ms = 50);
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    lab.ctl("rule ccr : disconnect=before-completion");
    two.admin.submit(ccr(1, one.identity()), &[]);
    assert!(two.admin.is_closed());
    assert!(one.admin.is_closed());
    lab.ctl("wait gone 1");
    let log = lab.log();
    assert!(log.iter().any(|line| line["event"] == "reset-over"));
}

// --- Hosts that break the protocol ------------------------------------------------

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a host sends, the target serves the next one.
    #[test]
    fn nothing_that_a_host_sends_stops_the_target(
        prefix in 0..4_usize,
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8), 0..4),
    ) {
        let lab = Lab::new();
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
        let lab = Lab::new();
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
