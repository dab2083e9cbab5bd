// SPDX-License-Identifier: GPL-2.0

//! A target whose script is empty.

use std::thread;

use ghost::nvme::bytes::get;
use ghost::nvme::command::Sqe;
use ghost::nvme::pdu::Digests;

use crate::initiator::{
    Association, BLOCK_BYTES, Connection, DISCOVERY_NQN, Host, NQN, admin_queue, get_property,
    identify, log_page, read, set_property, write,
};
use crate::lab::Lab;

fn all_digests() -> [Digests; 4] {
    [0, 1, 2, 3].map(Digests::from_bits)
}

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
    let cross_controller_reset = |effects: &[u8]| effects[0x38 * 4];
    let effects = log_page(&mut association.admin, 0x05, 0);
    assert_eq!(cross_controller_reset(&effects), 1);

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
    let effects = log_page(&mut association.admin, 0x05, 0);
    assert_eq!(cross_controller_reset(&effects), 0);
    assert_eq!(association.reset(2, (1, 1)).status, 0x4001);
}

/// Set Features, and then what Get Features says.
fn feature(association: &mut Association, feature: u32, value: u32) -> (u16, u64) {
    let mut sqe = Sqe::new(0x09, 0, 0);
    sqe.set_dword(10, feature);
    sqe.set_dword(11, value);
    let status = association.admin.execute(sqe).status;
    sqe.0[0] = 0x0a;
    (status, association.admin.execute(sqe).result)
}

#[test]
fn features_can_be_set() {
    let lab = Lab::with(|config| config.write_cache = true);
    let mut association = lab.connect(1);
    assert_eq!(feature(&mut association, 0x06, 0), (0, 0));
    // Four queues of each kind, less one.
    assert_eq!(feature(&mut association, 0x07, 0), (0, 0x0003_0003));
    assert_eq!(feature(&mut association, 0x0b, 1 << 20), (0, 1 << 20));
    // An event that there is not changes nothing.
    assert_eq!(feature(&mut association, 0x0b, 1), (0x4002, 1 << 20));
    assert_eq!(feature(&mut association, 0x0f, 3_599_901), (0, 3_600_000));
    let unknown = feature(&mut association, 0x7f, 0);
    assert_eq!(unknown.0, 0x4002);
}

#[test]
fn log_pages_are_read_in_parts() {
    let lab = Lab::new();
    let admin = &mut lab.connect(1).admin;
    let whole = log_page(admin, 0x05, 0);
    assert_eq!((whole[0x02 * 4], whole[1024 + 4]), (1, 3));
    let mut part = Sqe::new(0x02, 0, 0);
    part.set_dword(10, 0x05 | 1 << 16);
    part.set_dword(12, 1024);
    part.set_sgl(Sqe::SGL_TRANSPORT, 8);
    assert_eq!(admin.execute(part).data, whole[1024..1032]);
    part.set_dword(12, 4100);
    assert_eq!(admin.execute(part).status, 0x4002);
    part.set_dword(10, 0x66 | 1 << 16);
    assert_eq!(admin.execute(part).status, 0x4109);
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
