// SPDX-License-Identifier: GPL-2.0

//! Runs on devices that misbehave.

use std::sync::mpsc;

use super::*;
use crate::register::content;
use crate::register::finding::Kind;

const BLOCK_BYTES: usize = 512;
const BLOCKS: u64 = 3;
const GENERATIONS: u64 = 4;

/// Decides what a device does with a write, given the block's content and what is to be written.
type Behaviour = Box<dyn Fn(&mut [u8], &[u8]) -> io::Result<()> + Send + Sync>;

/// A device in memory.
struct Memory {
    blocks: Vec<Mutex<Vec<u8>>>,
    behaviour: Behaviour,
}

impl Memory {
    fn new(behaviour: impl Fn(&mut [u8], &[u8]) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let blocks = (0..BLOCKS)
            .map(|_| Mutex::new(vec![0; BLOCK_BYTES]))
            .collect();
        Memory {
            blocks,
            behaviour: Box::new(behaviour),
        }
    }
}

impl Storage for Memory {
    fn block_bytes(&self) -> usize {
        BLOCK_BYTES
    }

    fn read(&self, block: u64, buffer: &mut [u8]) -> io::Result<()> {
        buffer.copy_from_slice(&self.blocks[block as usize].lock().unwrap());
        Ok(())
    }

    fn write(&self, block: u64, buffer: &[u8]) -> io::Result<()> {
        (self.behaviour)(&mut self.blocks[block as usize].lock().unwrap(), buffer)
    }
}

fn plan() -> Plan {
    Plan {
        device: "memory".into(),
        layout: Layout {
            offset_bytes: 0,
            block_bytes: BLOCK_BYTES,
            blocks: BLOCKS,
        },
        generations: GENERATIONS,
        write_interval: Duration::ZERO,
        read_interval: None,
    }
}

fn run_on(storage: Memory) -> Report {
    run(&plan(), storage, || Ok(())).unwrap()
}

/// The block and generation that a write carries, whatever its run is.
fn block_and_generation(bytes: &[u8]) -> (u64, u64) {
    let field = |start: usize| u64::from_le_bytes(bytes[start..start + 8].try_into().unwrap());
    let (run, block) = (field(8), field(16));
    (block, content::decode(bytes, run, block).unwrap())
}

fn obey(content: &mut [u8], written: &[u8]) -> io::Result<()> {
    content.copy_from_slice(written);
    Ok(())
}

#[test]
fn a_device_that_obeys_is_consistent() {
    let report = run_on(Memory::new(obey));
    assert_eq!(report.findings, []);
    assert_eq!(report.unread_blocks, [] as [u64; 0]);
    assert_eq!(report.writes.summary.count, BLOCKS * GENERATIONS);
    assert_eq!(report.writes.summary.errors, 0);
    assert_eq!(report.reads.count, BLOCKS);
    let slowest = report.writes.slowest.unwrap();
    assert_eq!(slowest.latency_ns(), report.writes.summary.max_ns);
}

#[test]
fn a_repeated_old_write_is_a_ghost() {
    let first = Mutex::new(Vec::new());
    let report = run_on(Memory::new(move |content, written| {
        match block_and_generation(written) {
            (1, 1) => first.lock().unwrap().extend_from_slice(written),
            (1, GENERATIONS) => {
                content.copy_from_slice(&first.lock().unwrap());
                return Ok(());
            }
            _ => {}
        }
        obey(content, written)
    }));
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].block, 1);
    assert_eq!(report.findings[0].kind, Kind::Ghost);
}

#[test]
fn a_failed_write_may_be_executed_at_any_time() {
    let parked = Mutex::new(Vec::new());
    let report = run_on(Memory::new(
        move |content, written| match block_and_generation(written) {
            (2, 2) => {
                parked.lock().unwrap().extend_from_slice(written);
                Err(io::ErrorKind::TimedOut.into())
            }
            (2, GENERATIONS) => {
                content.copy_from_slice(&parked.lock().unwrap());
                Ok(())
            }
            _ => obey(content, written),
        },
    ));
    assert_eq!(report.findings, []);
    assert_eq!(report.writes.summary.errors, 1);
}

#[test]
fn a_torn_block_is_found() {
    let report = run_on(Memory::new(|content, written| {
        let written = match block_and_generation(written) {
            (0, GENERATIONS) => &written[..BLOCK_BYTES / 2],
            _ => written,
        };
        content[..written.len()].copy_from_slice(written);
        Ok(())
    }));
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].kind, Kind::Torn);
}

#[test]
fn a_block_may_be_mixed_while_it_is_written() {
    // Generation 2 does not come back before a reader has seen one half of it.
    let (seen, half_seen) = mpsc::channel();
    let plan = Plan {
        read_interval: Some(Duration::from_millis(1)),
        ..plan()
    };

    struct Slow {
        memory: Memory,
        reads: mpsc::Sender<()>,
        half_seen: Mutex<mpsc::Receiver<()>>,
    }
    impl Storage for Slow {
        fn block_bytes(&self) -> usize {
            BLOCK_BYTES
        }

        fn read(&self, block: u64, buffer: &mut [u8]) -> io::Result<()> {
            self.memory.read(block, buffer)?;
            if buffer[..BLOCK_BYTES / 2] != buffer[BLOCK_BYTES / 2..] {
                // The channel outlives the readers: the storage owns both ends.
                let _ = self.reads.send(());
            }
            Ok(())
        }

        fn write(&self, block: u64, buffer: &[u8]) -> io::Result<()> {
            if block_and_generation(buffer) == (0, 2) {
                self.memory.blocks[0].lock().unwrap()[..BLOCK_BYTES / 2]
                    .copy_from_slice(&buffer[..BLOCK_BYTES / 2]);
                self.half_seen.lock().unwrap().recv().unwrap();
            }
            self.memory.write(block, buffer)
        }
    }

    let slow = Slow {
        memory: Memory::new(obey),
        reads: seen,
        half_seen: Mutex::new(half_seen),
    };
    let report = run(&plan, slow, || Ok(())).unwrap();
    assert_eq!(report.findings, []);
}

#[test]
fn a_failed_format_ends_the_run() {
    let storage = Memory::new(|_, _| Err(io::ErrorKind::PermissionDenied.into()));
    let error = run(&plan(), storage, || Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "cannot format block 0");
}

#[test]
fn readers_see_a_ghost_while_the_writer_is_stuck() {
    // Generation 3 does not come back before a reader has seen the ghost of generation 1.
    let (seen, ghost_seen) = mpsc::channel();
    let ghost_seen = Mutex::new(ghost_seen);
    let plan = Plan {
        read_interval: Some(Duration::from_millis(1)),
        ..plan()
    };

    struct Haunted {
        memory: Memory,
        first: Mutex<Vec<u8>>,
        reads: mpsc::Sender<()>,
        ghost_seen: Mutex<mpsc::Receiver<()>>,
    }
    impl Storage for Haunted {
        fn block_bytes(&self) -> usize {
            BLOCK_BYTES
        }

        fn read(&self, block: u64, buffer: &mut [u8]) -> io::Result<()> {
            self.memory.read(block, buffer)?;
            if block == 0 && *buffer == **self.first.lock().unwrap() {
                // The channel outlives the readers: the storage owns both ends.
                let _ = self.reads.send(());
            }
            Ok(())
        }

        fn write(&self, block: u64, buffer: &[u8]) -> io::Result<()> {
            match block_and_generation(buffer) {
                (0, 1) => self.first.lock().unwrap().extend_from_slice(buffer),
                (0, 3) => {
                    let ghost = self.first.lock().unwrap().clone();
                    self.memory.write(block, &ghost)?;
                    let receiver = self.ghost_seen.lock().unwrap();
                    // Forget who saw generation 1 rightly. Of two more reads, the first one may
                    // have been invoked before generation 2 was acknowledged; the second one was
                    // not.
                    while receiver.try_recv().is_ok() {}
                    receiver.recv().unwrap();
                    receiver.recv().unwrap();
                }
                _ => {}
            }
            self.memory.write(block, buffer)
        }
    }

    let haunted = Haunted {
        memory: Memory::new(obey),
        first: Mutex::default(),
        reads: seen,
        ghost_seen,
    };
    let report = run(&plan, haunted, || Ok(())).unwrap();
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].kind, Kind::Ghost);
    assert!(report.reads.count > BLOCKS);
}
