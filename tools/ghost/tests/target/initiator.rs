// SPDX-License-Identifier: GPL-2.0

//! A small NVMe/TCP host for tests: one command at a time and socket.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ghost::nvme::bytes::{get, put, put_text};
use ghost::nvme::command::Sqe;
use ghost::nvme::decode::{Agreement, Decoded, Pdu, decode};
use ghost::nvme::pdu::{self, Digests, Kind, Link, Piece, Side};

pub const NQN: &str = "nqn.2026-11.test:ghost";
pub const DISCOVERY_NQN: &str = "nqn.2014-08.org.nvmexpress.discovery";

pub const BLOCK_BYTES: usize = 4096;

/// Longer than anything takes, also on a busy machine: a test that waits in vain shall say so.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Who connects.
#[derive(Debug, Clone, Copy)]
pub struct Host {
    pub id: u8,
    /// In its NQN.
    pub name: u8,
    pub digests: Digests,
    /// Data is to begin at a multiple of so many dwords, less one.
    pub alignment: u8,
    pub keep_alive_ms: u32,
}

impl Default for Host {
    fn default() -> Self {
        Host {
            id: 1,
            name: 1,
            digests: Digests::default(),
            alignment: 0,
            keep_alive_ms: 0,
        }
    }
}

/// What a completion says, and the data that came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub cid: u16,
    pub status: u16,
    pub result: u64,
    pub data: Vec<u8>,
}

/// A connection, from `ICReq` on.
pub struct Connection {
    pub socket: TcpStream,
    pub link: Link,
    agreement: Agreement,
    buffer: Vec<u8>,
    next_cid: u16,
    data_bytes_max: usize,
}

impl Connection {
    pub fn open(address: SocketAddr, host: Host) -> Self {
        let mut connection = Connection::raw(address);
        connection.send(&pdu::ic_req(host.digests, host.alignment));
        let response = connection.receive().unwrap();
        assert_eq!(response.kind, Kind::ICResp);
        assert_eq!(response.header[11], host.digests.bits());
        connection.data_bytes_max = get::<u32>(&response.header, 12) as usize;
        connection.link.digests = host.digests;
        connection.agreement.digests = host.digests;
        connection
    }

    /// A connection on which nothing was said.
    pub fn raw(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(SILENCE_MAX)).unwrap();
        // A small PDU does not wait for the acknowledgement of the one before.
        socket.set_nodelay(true).unwrap();
        Connection {
            socket,
            link: Link::default(),
            agreement: Agreement {
                sender: Side::Controller,
                digests: Digests::default(),
                capsule_bytes_max: 0,
                data_bytes_max: 1 << 24,
            },
            buffer: Vec::new(),
            next_cid: 1,
            data_bytes_max: 0,
        }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }

    /// The next PDU, or the error by which the target has ended the connection.
    pub fn receive(&mut self) -> io::Result<Pdu> {
        loop {
            match decode(&self.buffer, &self.agreement).unwrap() {
                Decoded::Complete(pdu, bytes) => {
                    assert!(pdu.data_intact);
                    self.buffer.drain(..bytes);
                    return Ok(pdu);
                }
                Decoded::Incomplete(_) => {
                    let mut bytes = [0; 65536];
                    let count = match self.socket.read(&mut bytes) {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                            panic!("the target is silent")
                        }
                        result => result?,
                    };
                    if count == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    self.buffer.extend(&bytes[..count]);
                }
            }
        }
    }

    /// Whether the target closes, and sends nothing before.
    pub fn is_closed(&mut self) -> bool {
        self.receive().is_err()
    }

    /// Sends a command and does not wait.
    pub fn submit(&mut self, mut sqe: Sqe, in_capsule: &[u8]) -> u16 {
        let cid = self.next_cid;
        self.next_cid += 1;
        put(&mut sqe.0, 2, cid);
        self.send(&pdu::command(self.link, &sqe, in_capsule));
        cid
    }

    /// The next completion, and the data before it.
    pub fn answer(&mut self) -> Answer {
        let mut data = Vec::new();
        loop {
            let pdu = self.receive().unwrap();
            match pdu.kind {
                Kind::C2HData => {
                    assert_eq!(get::<u32>(&pdu.header, 12) as usize, data.len());
                    data.extend(pdu.data);
                }
                Kind::CapsuleResp => {
                    return Answer {
                        cid: get(&pdu.header, 20),
                        status: get::<u16>(&pdu.header, 22) >> 1,
                        result: get(&pdu.header, 8),
                        data,
                    };
                }
                kind => panic!("{kind:?}"),
            }
        }
    }

    /// Sends a command and waits for its completion.
    pub fn execute(&mut self, sqe: Sqe) -> Answer {
        let cid = self.submit(sqe, &[]);
        let answer = self.answer();
        assert_eq!(answer.cid, cid);
        answer
    }

    /// Waits for the `R2T` of a command and sends what it asks for, in as many PDUs as needed.
    pub fn send_data(&mut self, data: &[u8]) {
        let request = self.await_data_request();
        self.answer_data_request(&request, data);
    }

    pub fn answer_data_request(&mut self, request: &Pdu, data: &[u8]) {
        let total: u32 = get(&request.header, 16);
        assert_eq!(total as usize, data.len());
        let pieces: Vec<_> = data.chunks(self.data_bytes_max).collect();
        let mut offset = 0;
        for (index, piece) in pieces.iter().enumerate() {
            let last = index + 1 == pieces.len();
            let place = Piece {
                cid: get(&request.header, 8),
                tag: get(&request.header, 10),
                offset,
            };
            let bytes = pdu::host_data(self.link, place, piece, last);
            self.send(&bytes);
            offset += piece.len() as u32;
        }
    }

    pub fn await_data_request(&mut self) -> Pdu {
        let request = self.receive().unwrap();
        assert_eq!(request.kind, Kind::R2T);
        request
    }

    /// Connect, for queue `queue` of controller `cntlid`.
    pub fn connect(&mut self, host: Host, nqn: &str, queue: u16, cntlid: u16) -> Answer {
        let mut data = vec![0; 1024];
        data[..16].fill(host.id);
        put(&mut data, 16, cntlid);
        put_text(&mut data[256..512], nqn, 0);
        put_text(
            &mut data[512..768],
            &format!("nqn.2026-11.test:host{}", host.name),
            0,
        );
        let mut sqe = Sqe::fabrics(0x01, 0);
        put(&mut sqe.0, 42, queue);
        put(&mut sqe.0, 44, 31_u16);
        put(&mut sqe.0, 48, host.keep_alive_ms);
        sqe.set_sgl(Sqe::SGL_IN_CAPSULE, 1024);
        self.submit(sqe, &data);
        self.answer()
    }
}

/// An association with an admin queue and one I/O queue.
pub struct Association {
    pub admin: Connection,
    pub io: Connection,
    pub cntlid: u16,
}

impl Association {
    pub fn open(address: SocketAddr, host: Host) -> Self {
        let (admin, cntlid) = admin_queue(address, host, NQN);
        let mut io = Connection::open(address, host);
        assert_eq!(io.connect(host, NQN, 1, cntlid).status, 0);
        Association { admin, io, cntlid }
    }

    /// CIU and CIRN.
    pub fn identity(&mut self) -> (u8, u64) {
        let page = identify(&mut self.admin, 0x01, 0);
        assert_eq!(get::<u16>(&page, 78), self.cntlid);
        (page[135], get(&page, 136))
    }

    /// Asks for a reset of another controller.
    pub fn reset(&mut self, cntlid: u16, (ciu, cirn): (u8, u64)) -> Answer {
        self.admin.execute(ccr(cntlid, (ciu, cirn)))
    }

    /// Enables events, and asks to be told of one.
    pub fn await_events(&mut self, enabled: u32) {
        let mut sqe = Sqe::new(0x09, 0, 0);
        sqe.set_dword(10, 0x0b);
        sqe.set_dword(11, enabled);
        assert_eq!(self.admin.execute(sqe).status, 0);
        self.admin.submit(Sqe::new(0x0c, 0, 0), &[]);
    }

    /// Reads a part of log page 1Eh, and removes what is completed and in it.
    pub fn remove_completed(&mut self, offset: u64, dwords: u32) {
        const REMOVE_COMPLETED: u32 = 1 << 8;
        let mut sqe = Sqe::new(0x02, 0, 0);
        sqe.set_dword(10, 0x1e | REMOVE_COMPLETED | (dwords - 1) << 16);
        put(&mut sqe.0, 48, offset);
        sqe.set_sgl(Sqe::SGL_TRANSPORT, dwords * 4);
        assert_eq!(self.admin.execute(sqe).status, 0);
    }

    /// The entries of log page 1Eh.
    pub fn ccr_log(&mut self, remove_completed: bool, retain_event: bool) -> Vec<[u8; 8]> {
        let lsp = u32::from(remove_completed);
        let page = log_page(
            &mut self.admin,
            0x1e,
            lsp << 8 | u32::from(retain_event) << 15,
        );
        page[8..]
            .chunks_exact(8)
            .take(get::<u16>(&page, 0).into())
            .map(|entry| entry.try_into().unwrap())
            .collect()
    }

    pub fn write(&mut self, block: u64, letter: u8) -> u16 {
        self.start_write(block, letter);
        self.io.answer().status
    }

    /// A write of one block, in the capsule. Returns its identifier.
    pub fn start_write(&mut self, block: u64, letter: u8) -> u16 {
        let sqe = write(block, 1, Sqe::SGL_IN_CAPSULE);
        self.io.submit(sqe, &[letter; BLOCK_BYTES])
    }

    /// The first byte of a block, all of which must be the same.
    pub fn read(&mut self, block: u64) -> u8 {
        let answer = self.io.execute(read(block, 1));
        assert_eq!((answer.status, answer.data.len()), (0, BLOCK_BYTES));
        assert!(answer.data.iter().all(|&byte| byte == answer.data[0]));
        answer.data[0]
    }
}

/// An admin queue of a controller that is ready, and its CNTLID.
pub fn admin_queue(address: SocketAddr, host: Host, nqn: &str) -> (Connection, u16) {
    let mut admin = Connection::open(address, host);
    let answer = admin.connect(host, nqn, 0, 0xffff);
    assert_eq!(answer.status, 0);
    set_property(&mut admin, 0x14, 0x0046_0001);
    assert_eq!(get_property(&mut admin, 0x1c), 1);
    (admin, answer.result as u16)
}

pub fn set_property(admin: &mut Connection, offset: u32, value: u64) {
    let mut sqe = Sqe::fabrics(0x00, 0);
    put(&mut sqe.0, 44, offset);
    put(&mut sqe.0, 48, value);
    assert_eq!(admin.execute(sqe).status, 0);
}

pub fn get_property(admin: &mut Connection, offset: u32) -> u64 {
    let mut sqe = Sqe::fabrics(0x04, 0);
    put(&mut sqe.0, 44, offset);
    admin.execute(sqe).result
}

pub fn identify(admin: &mut Connection, cns: u32, nsid: u32) -> Vec<u8> {
    let mut sqe = Sqe::new(0x06, 0, nsid);
    sqe.set_dword(10, cns);
    sqe.set_sgl(Sqe::SGL_TRANSPORT, 4096);
    let answer = admin.execute(sqe);
    assert_eq!((answer.status, answer.data.len()), (0, 4096));
    answer.data
}

/// A log page of 4096 bytes; `flags` are bits of command dword 10.
pub fn log_page(admin: &mut Connection, lid: u32, flags: u32) -> Vec<u8> {
    let mut sqe = Sqe::new(0x02, 0, 0);
    sqe.set_dword(10, lid | flags | 1023 << 16);
    sqe.set_sgl(Sqe::SGL_TRANSPORT, 4096);
    let answer = admin.execute(sqe);
    assert_eq!((answer.status, answer.data.len()), (0, 4096));
    answer.data
}

/// Cross-Controller Reset.
pub fn ccr(cntlid: u16, (ciu, cirn): (u8, u64)) -> Sqe {
    let mut sqe = Sqe::new(0x38, 0, 0);
    sqe.set_dword(10, u32::from(cntlid) | u32::from(ciu) << 16);
    put(&mut sqe.0, 48, cirn);
    sqe
}

/// Abort of a command on this queue.
pub fn abort(queue: u16, cid: u16) -> Sqe {
    let mut sqe = Sqe::new(0x08, 0, 0);
    sqe.set_dword(10, u32::from(queue) | u32::from(cid) << 16);
    sqe
}

pub fn read(block: u64, blocks: u32) -> Sqe {
    let mut sqe = Sqe::new(0x02, 0, 1);
    put(&mut sqe.0, 40, block);
    sqe.set_dword(12, blocks - 1);
    sqe.set_sgl(Sqe::SGL_TRANSPORT, blocks * BLOCK_BYTES as u32);
    sqe
}

pub fn write(block: u64, blocks: u32, sgl: u8) -> Sqe {
    let mut sqe = read(block, blocks);
    sqe.0[0] = 0x01;
    sqe.set_sgl(sgl, blocks * BLOCK_BYTES as u32);
    sqe
}
