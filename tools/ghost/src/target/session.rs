// SPDX-License-Identifier: GPL-2.0

//! The two threads of a connection: one reads from the host, the other writes to it. Whoever has
//! something for the host leaves it with the writer, so that a host that does not read holds nobody
//! up.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use super::connection::{ConnectionId, Outgoing};
use super::server::Server;
use crate::nvme::decode::{Decoded, decode};

/// How much of what a host still sends is read after its connection was given up, and for how
/// long: with unread bytes the socket would be reset, and the host could not read why.
const DRAIN_BYTES_MAX: usize = 1 << 20;
const DRAIN_TIME_MAX: Duration = Duration::from_secs(1);

/// How long a host may take nothing of what it is sent: it will not come back, and has to lose a
/// connection that was given up.
const STALL_TIME_MAX: Duration = Duration::from_secs(60);

/// Serves a connection until it ends.
pub(super) fn run(server: &Server, port: u16, socket: TcpStream) {
    let (outgoing, messages) = mpsc::channel();
    let Some(id) = server.with(|core| core.connected(port, outgoing)) else {
        return;
    };
    // These fail on a connection that was reset, which the read will report.
    let _ = socket.set_nodelay(true);
    let _ = socket.set_write_timeout(Some(STALL_TIME_MAX));
    let socket = Arc::new(socket);
    let writer = Arc::clone(&socket);
    let writer = thread::spawn(move || write(&writer, &messages));
    let ended = read(server, id, &socket);
    server.with(|core| {
        let reason = match &ended {
            Ok(()) => "the host has closed",
            Err(_) => "the connection was reset",
        };
        core.lose(id, reason);
    });
    // The writer ends by the message that lose() has sent.
    if writer.join().is_ok() {
        drain(&socket);
    }
}

/// Reads PDUs until the host closes, breaks the protocol, or the connection is given up.
fn read(server: &Server, id: ConnectionId, mut socket: &TcpStream) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let Some(agreement) = server.with(|core| core.agreement(id)) else {
            return Ok(());
        };
        match decode(&buffer, &agreement) {
            Ok(Decoded::Incomplete(wanted)) => {
                let have = buffer.len();
                buffer.resize(wanted, 0);
                let count = socket.read(&mut buffer[have..])?;
                buffer.truncate(have + count);
                if count == 0 {
                    return Ok(());
                }
            }
            Ok(Decoded::Complete(pdu, bytes)) => {
                buffer.drain(..bytes);
                server.with(|core| {
                    if let Err(violation) = core.received(id, pdu) {
                        core.violated(id, &violation);
                    }
                });
            }
            Err(violation) => {
                server.with(|core| core.violated(id, &violation));
                return Ok(());
            }
        }
    }
}

fn write(mut socket: &TcpStream, messages: &Receiver<Outgoing>) {
    for message in messages {
        match message {
            Outgoing::Pdu(bytes) => {
                if socket.write_all(&bytes).is_err() {
                    break;
                }
            }
            Outgoing::Close => break,
        }
    }
    // The reader may still wait for the host.
    let _ = socket.shutdown(Shutdown::Both);
}

fn drain(mut socket: &TcpStream) {
    let mut buffer = [0; 4096];
    let mut left = DRAIN_BYTES_MAX;
    if socket.set_read_timeout(Some(DRAIN_TIME_MAX)).is_err() {
        return;
    }
    while let Ok(count) = socket.read(&mut buffer) {
        left = left.saturating_sub(count);
        if count == 0 || left == 0 {
            return;
        }
    }
}
