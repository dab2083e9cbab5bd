// SPDX-License-Identifier: GPL-2.0

//! The four threads that move a connection's bytes: one fills and one drains each flow.
//!
//! Reading goes on whatever the gates say. So the operator hears of a close the moment it happens,
//! and the peer of a held connection does not notice it by a full socket buffer. Only the host of a
//! stalled connection is not read, not even by a thread that waits for the next byte already: it
//! peeks. So nobody hears of its close until another mode has it read.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;

use super::connection::{Connection, Direction};
use super::flow::Step;

const READ_BYTES_MAX: usize = 64 << 10;

/// Connects to the target and moves bytes until both directions have ended.
pub(super) fn run(
    connection: &Connection,
    host: TcpStream,
    connect: impl FnOnce() -> io::Result<TcpStream>,
) {
    let Ok(target) = connect() else {
        // To the host it looks like a target that closes at once.
        connection.drop_both();
        return;
    };
    for socket in [&host, &target] {
        // Latency only; and it fails on a connection that was reset, which the read will report.
        let _ = socket.set_nodelay(true);
    }
    let (host, target) = (Arc::new(host), Arc::new(target));
    if !connection.attach(&host, &target) {
        return;
    }
    thread::scope(|scope| {
        scope.spawn(|| fill(connection, Direction::ToTarget, &host));
        scope.spawn(|| drain(connection, Direction::ToTarget, &target));
        scope.spawn(|| fill(connection, Direction::ToHost, &target));
        drain(connection, Direction::ToHost, &host);
    });
}

fn fill(connection: &Connection, direction: Direction, mut source: &TcpStream) {
    let mut buffer = vec![0; READ_BYTES_MAX];
    loop {
        // Waits without taking anything: a stall that begins meanwhile leaves it in the socket.
        // What it finds, an error too, the read finds again.
        let _ = source.peek(&mut [0]);
        connection.await_room(direction);
        match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => connection.push(direction, &buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // A reset ends the stream like a close does; the other side is told by a close.
            Err(_) => break,
        }
    }
    connection.end(direction);
}

fn drain(connection: &Connection, direction: Direction, mut sink: &TcpStream) {
    loop {
        match connection.next_step(direction) {
            Step::Write(bytes) => {
                if sink.write_all(&bytes).is_err() {
                    connection.sink_failed(direction, bytes.len());
                }
            }
            Step::Finish => {
                // It fails if the peer is gone already, which is as good.
                let _ = sink.shutdown(Shutdown::Write);
                return;
            }
        }
    }
}
