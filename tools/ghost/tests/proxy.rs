// SPDX-License-Identifier: GPL-2.0

//! A proxy between a host and a target that are sockets of the test. Nothing here waits by the
//! clock.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use ghost::control;
use ghost::proxy::{Endpoints, Proxy};
use tempfile::TempDir;

const ANY_PORT: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// A proxy, and the target behind it.
struct Lab {
    target: TcpListener,
    proxy: SocketAddr,
    control: PathBuf,
    /// Holds the control socket.
    _directory: TempDir,
}

/// Both ends of a proxied connection.
struct Pair {
    host: TcpStream,
    target: TcpStream,
}

impl Lab {
    fn new() -> Self {
        let target = TcpListener::bind(ANY_PORT).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let endpoints = Endpoints {
            listen: ANY_PORT.into(),
            target: target.local_addr().unwrap(),
            control: directory.path().join("control"),
        };
        let proxy = Proxy::bind(&endpoints).unwrap();
        let address = proxy.listen_address().unwrap();
        thread::spawn(move || proxy.serve());
        Lab {
            target,
            proxy: address,
            control: endpoints.control,
            _directory: directory,
        }
    }

    /// A new connection. The proxy has numbered it when the target sees it.
    fn connect(&self) -> Pair {
        let host = TcpStream::connect(self.proxy).unwrap();
        let (target, _) = self.target.accept().unwrap();
        Pair { host, target }
    }

    fn try_say(&self, command: &str) -> Result<String, String> {
        control::request(&self.control, command).map_err(|error| error.to_string())
    }

    fn say(&self, command: &str) -> String {
        self.try_say(command).unwrap()
    }

    /// Says something that waits.
    fn say_meanwhile(&self, command: &'static str) -> JoinHandle<String> {
        let control = self.control.clone();
        thread::spawn(move || control::request(&control, command).unwrap())
    }
}

impl Pair {
    /// Sends bytes from host to target and back.
    fn assert_ordinary(&mut self) {
        self.host.write_all(b"question").unwrap();
        assert_read(&mut self.target, b"question");
        self.target.write_all(b"answer").unwrap();
        assert_read(&mut self.host, b"answer");
    }
}

fn assert_read(stream: &mut TcpStream, expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(bytes, expected);
}

fn assert_closed(stream: &mut TcpStream) {
    match stream.read(&mut [0]) {
        Ok(count) => assert_eq!(count, 0),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

/// Nothing arrived, not even a close.
fn assert_silent(stream: &TcpStream) {
    stream.set_nonblocking(true).unwrap();
    let peeked = stream.peek(&mut [0]);
    stream.set_nonblocking(false).unwrap();
    assert_eq!(
        peeked.map_err(|error| error.kind()),
        Err(ErrorKind::WouldBlock)
    );
}

#[test]
fn ordinarily_it_copies_both_ways_and_passes_half_closes_on() {
    let lab = Lab::new();
    let mut pair = lab.connect();
    pair.assert_ordinary();

    pair.host.shutdown(Shutdown::Write).unwrap();
    assert_closed(&mut pair.target);
    pair.target.write_all(b"more").unwrap();
    assert_read(&mut pair.host, b"more");
    drop(pair.target);
    assert_closed(&mut pair.host);
}

#[test]
fn what_is_sent_while_stalled_stays_in_the_socket() {
    let lab = Lab::new();
    let mut pair = lab.connect();
    pair.assert_ordinary();

    lab.say("stall 1");
    pair.host.write_all(b"late").unwrap();
    pair.target.write_all(b"answer").unwrap();
    assert_read(&mut pair.host, b"answer");
    assert_silent(&pair.target);
    assert!(lab.say("list").contains("state=stall"));
    assert!(lab.say("list").contains("kept_for_target=0"));

    lab.say("deliver 1");
    assert_read(&mut pair.target, b"late");
    pair.assert_ordinary();
}

#[test]
fn what_a_stalled_host_does_is_not_seen_until_it_is_read() {
    let lab = Lab::new();
    let mut pair = lab.connect();
    lab.say("stall 1");
    pair.host.write_all(b"late").unwrap();
    pair.host.shutdown(Shutdown::Write).unwrap();
    assert!(lab.say("list").contains("host=open"));
    lab.say("hold 1");
    lab.say("wait host-closed 1");
    let kept = lab.say("list");
    assert!(kept.contains("kept_for_target=4"), "{kept}");
    assert_silent(&pair.target);

    // What was left in the socket was not kept.
    let mut other = lab.connect();
    lab.say("stall 2");
    other.host.write_all(b"late").unwrap();
    assert_eq!(lab.say("deliver --wait 2"), "");
    assert_read(&mut other.target, b"late");
}

#[test]
fn held_bytes_outlive_the_host() {
    let lab = Lab::new();
    let mut pair = lab.connect();
    lab.say("hold 1");
    pair.host.write_all(b"late").unwrap();
    drop(pair.host);
    lab.say("wait host-closed 1");
    assert_silent(&pair.target);
    assert_eq!(
        lab.say("list"),
        "1 state=hold host=closed target=open \
         passed_to_target=0 kept_for_target=4 discarded_for_target=0 \
         passed_to_host=0 kept_for_host=0 discarded_for_host=0\n"
    );

    let delivery = lab.say_meanwhile("deliver --wait");
    assert_read(&mut pair.target, b"late");
    assert_silent(&pair.target);
    pair.target.write_all(b"done").unwrap();
    assert_eq!(delivery.join().unwrap(), "1 delivered=4 target=answered\n");
    assert_closed(&mut pair.target);
}

#[test]
fn a_target_that_closes_without_an_answer_is_reported() {
    let lab = Lab::new();
    let mut pair = lab.connect();
    lab.say("hold");
    pair.host.write_all(b"late").unwrap();
    pair.host.shutdown(Shutdown::Write).unwrap();
    lab.say("wait host-closed all");

    let delivery = lab.say_meanwhile("deliver --wait 1");
    assert_read(&mut pair.target, b"late");
    drop(pair.target);
    assert_eq!(delivery.join().unwrap(), "1 delivered=4 target=closed\n");
    assert_closed(&mut pair.host);
}

#[test]
fn a_target_that_closed_long_ago_is_reported() {
    let lab = Lab::new();
    let mut pair = lab.connect();
    lab.say("hold");
    pair.host.write_all(b"late").unwrap();
    pair.host.shutdown(Shutdown::Write).unwrap();
    drop(pair.target);
    // The target's close passes while the host's does not.
    assert_closed(&mut pair.host);
    lab.say("wait host-closed 1");
    assert_eq!(lab.say("deliver --wait"), "1 delivered=4 target=closed\n");
}

#[test]
fn a_close_without_bytes_is_held_as_well() {
    let lab = Lab::new();
    let mut pair = lab.connect();
    lab.say("hold");
    drop(pair.host);
    lab.say("wait host-closed 1");
    assert_silent(&pair.target);
    assert_eq!(lab.say("deliver --wait"), "");
    assert_closed(&mut pair.target);
}

#[test]
fn a_reset_by_the_host_is_held_like_a_close() {
    let lab = Lab::new();
    let mut pair = lab.connect();
    lab.say("hold");
    pair.host.write_all(b"late").unwrap();
    // A socket that is closed with unread bytes resets the connection.
    pair.target.write_all(b"unread").unwrap();
    pair.host.peek(&mut [0]).unwrap();
    drop(pair.host);
    lab.say("wait host-closed 1");
    assert_silent(&pair.target);
    assert!(lab.say("list").contains("host=closed target=open"));
    lab.say("drop");
}

#[test]
fn hold_can_begin_in_the_middle() {
    let lab = Lab::new();
    lab.say("hold --after 5");
    let mut pair = lab.connect();
    pair.host.write_all(b"in time, late").unwrap();
    assert_read(&mut pair.target, b"in ti");
    drop(pair.host);
    lab.say("wait host-closed 1");
    assert_silent(&pair.target);
    assert!(
        lab.say("list")
            .contains(" passed_to_target=5 kept_for_target=8 ")
    );
    lab.say("deliver 1");
    assert_read(&mut pair.target, b"me, late");
}

#[test]
fn hold_lets_the_targets_bytes_through() {
    let lab = Lab::new();
    let mut pair = lab.connect();
    lab.say("hold");
    pair.target.write_all(b"answer").unwrap();
    assert_read(&mut pair.host, b"answer");
}

#[test]
fn freeze_keeps_both_directions() {
    let lab = Lab::new();
    let mut pair = lab.connect();
    lab.say("freeze");
    pair.host.write_all(b"question").unwrap();
    pair.host.shutdown(Shutdown::Write).unwrap();
    pair.target.write_all(b"answer").unwrap();
    pair.target.shutdown(Shutdown::Write).unwrap();
    lab.say("wait host-closed 1");
    assert_silent(&pair.host);
    assert_silent(&pair.target);

    lab.say("deliver");
    assert_read(&mut pair.host, b"answer");
    assert_closed(&mut pair.host);
    assert_read(&mut pair.target, b"question");
    assert_closed(&mut pair.target);
}

#[test]
fn many_bytes_stay_in_order_over_hold_and_deliver() {
    const PASSED_BYTES: usize = 300_000;
    const HELD_BYTES: usize = 1_000_000;
    let bytes: Vec<u8> = (0..PASSED_BYTES + HELD_BYTES)
        .map(|index| (index % 251) as u8)
        .collect();
    let (passed, held) = bytes.split_at(PASSED_BYTES);

    let lab = Lab::new();
    let Pair {
        mut host,
        mut target,
    } = lab.connect();
    host.write_all(passed).unwrap();
    assert_read(&mut target, passed);
    lab.say("hold");
    host.write_all(held).unwrap();
    host.shutdown(Shutdown::Write).unwrap();
    lab.say("wait host-closed 1");

    let delivery = lab.say_meanwhile("deliver --wait");
    assert_read(&mut target, held);
    target.write_all(b"done").unwrap();
    assert_eq!(
        delivery.join().unwrap(),
        "1 delivered=1000000 target=answered\n"
    );
    assert_read(&mut host, b"done");
    assert_closed(&mut target);
}

#[test]
fn after_deliver_it_is_ordinary_again() {
    let lab = Lab::new();
    let mut pair = lab.connect();
    for _ in 0..2 {
        lab.say("freeze");
        assert_silent(&pair.target);
        lab.say("deliver");
        pair.assert_ordinary();
    }
}

#[test]
fn a_number_selects_one_connection() {
    let lab = Lab::new();
    let mut first = lab.connect();
    let mut second = lab.connect();
    lab.say("hold 1");
    first.host.write_all(b"late").unwrap();
    second.assert_ordinary();
    lab.connect().assert_ordinary();
    assert_silent(&first.target);
    lab.say("deliver 1");
    assert_read(&mut first.target, b"late");
}

#[test]
fn without_a_number_new_connections_are_held_until_deliver() {
    let lab = Lab::new();
    lab.say("hold");
    let mut pairs = [lab.connect(), lab.connect()];
    for pair in &mut pairs {
        pair.host.write_all(b"late").unwrap();
        pair.host.shutdown(Shutdown::Write).unwrap();
    }
    lab.say("wait host-closed all");
    for pair in &pairs {
        assert_silent(&pair.target);
    }
    // One connection that is delivered does not end the hold of those to come.
    let delivery = lab.say_meanwhile("deliver --wait 1");
    assert_read(&mut pairs[0].target, b"late");
    pairs[0].target.write_all(b"done").unwrap();
    assert_eq!(delivery.join().unwrap(), "1 delivered=4 target=answered\n");
    assert_eq!(lab.say("deliver"), "2 delivered=4\n");
    lab.connect().assert_ordinary();
}

#[test]
fn drop_closes_both_sides_and_forgets() {
    let lab = Lab::new();
    let mut pair = lab.connect();
    lab.say("hold");
    pair.host.write_all(b"late").unwrap();
    lab.say("drop 1");
    assert_closed(&mut pair.host);
    assert_closed(&mut pair.target);
    let list = lab.say("list");
    assert!(
        list.starts_with("1 state=dropped host=closed target=closed "),
        "{list}"
    );
    assert!(list.contains(" kept_for_target=0 "), "{list}");
    assert_eq!(lab.say("deliver --wait"), "");
}

#[test]
fn refused_connections_close_and_get_no_number() {
    let lab = Lab::new();
    lab.say("refuse");
    assert_closed(&mut TcpStream::connect(lab.proxy).unwrap());
    assert_eq!(lab.say("list"), "");
    lab.say("accept");
    lab.connect().assert_ordinary();
    assert!(lab.say("list").starts_with("1 state=pass "));
}

#[test]
fn an_unreachable_target_closes_the_host() {
    let Lab {
        target,
        proxy,
        control,
        _directory,
    } = Lab::new();
    drop(target);
    assert_closed(&mut TcpStream::connect(proxy).unwrap());
    let list = control::request(&control, "list").unwrap();
    assert!(
        list.starts_with("1 state=dropped host=closed target=closed "),
        "{list}"
    );
}

#[test]
fn errors_name_what_is_wrong() {
    let lab = Lab::new();
    assert_eq!(
        lab.try_say("explode now"),
        Err("unknown command: \"explode now\"".into())
    );
    assert_eq!(
        lab.try_say("hold all"),
        Err("not a connection number: \"all\"".into())
    );
    for command in [
        "hold 1",
        "freeze 1",
        "deliver 1",
        "drop 1",
        "wait host-closed 1",
    ] {
        assert_eq!(lab.try_say(command), Err("no connection 1".into()));
    }
    assert_eq!(lab.try_say("deliver 0"), Err("no connection 0".into()));
}
