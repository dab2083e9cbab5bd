// SPDX-License-Identifier: GPL-2.0

//! One run: format, wait for the start, write all generations, read back.
//!
//! One thread a block writes generation after generation, each as soon as the one before was
//! acknowledged or failed. If wanted, another thread a block reads all the while.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::array::RegisterArray;
use super::clock::now_ns;
use super::latency::Latencies;
use super::report::{Report, SlowestWrite, WriteSummary};
use super::storage::{Layout, Storage};

/// What a run does.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The device, as it is to be named in the report.
    pub device: PathBuf,
    /// Where the registers are.
    pub layout: Layout,
    /// Generations to write, a block.
    pub generations: u64,
    /// Pause of a writer between two generations.
    pub write_interval: Duration,
    /// Pause of a reader between two reads; no readers if there is none.
    pub read_interval: Option<Duration>,
}

/// Runs `plan` on `storage`. The writers start when `await_start` returns, with all blocks
/// formatted.
pub fn run<S: Storage>(
    plan: &Plan,
    storage: S,
    await_start: impl FnOnce() -> Result<()>,
) -> Result<Report> {
    let run = now_ns();
    let array = RegisterArray::format(storage, run, plan.layout.blocks)?;
    await_start()?;

    let (writes, mut reads) = write_and_read(plan, &array);
    let (final_reads, unread_blocks) = read_back(&array);
    reads.absorb(final_reads);

    let (blocks, findings) = array.into_parts();
    Ok(Report {
        run,
        device: plan.device.clone(),
        offset: plan.layout.offset_bytes,
        block_size: plan.layout.block_bytes,
        writes: writes.summary(),
        reads: reads.summary(),
        blocks,
        unread_blocks,
        findings,
    })
}

/// Reads and judges every block once. Also returns the blocks that could not be read.
pub(super) fn read_back<S: Storage>(array: &RegisterArray<S>) -> (Latencies, Vec<u64>) {
    let mut reads = Latencies::default();
    let mut unread_blocks = Vec::new();
    let mut buffer = array.buffer();
    for block in array.blocks() {
        match array.read(block, &mut buffer) {
            Ok(latency_ns) => reads.add_success(latency_ns),
            Err(error) => {
                note(format_args!("block {block}: cannot read: {error}"));
                reads.add_error();
                unread_blocks.push(block);
            }
        }
    }
    (reads, unread_blocks)
}

fn write_and_read<S: Storage>(plan: &Plan, array: &RegisterArray<S>) -> (WriteLog, Latencies) {
    let writers_done = Event::default();
    thread::scope(|scope| {
        let writers: Vec<_> = array
            .blocks()
            .map(|block| scope.spawn(move || write_generations(plan, array, block)))
            .collect();
        let readers: Vec<_> = plan
            .read_interval
            .into_iter()
            .flat_map(|interval| array.blocks().map(move |block| (block, interval)))
            .map(|(block, interval)| {
                let writers_done = &writers_done;
                scope.spawn(move || read_until(writers_done, interval, array, block))
            })
            .collect();

        let mut writes = WriteLog::default();
        for writer in writers {
            writes.absorb(writer.join().expect("writers do not panic"));
        }
        writers_done.set();
        let mut reads = Latencies::default();
        for reader in readers {
            reads.absorb(reader.join().expect("readers do not panic"));
        }
        (writes, reads)
    })
}

fn write_generations<S: Storage>(plan: &Plan, array: &RegisterArray<S>, block: u64) -> WriteLog {
    let mut log = WriteLog::default();
    let mut buffer = array.buffer();
    for generation in 1..=plan.generations {
        if generation > 1 {
            thread::sleep(plan.write_interval);
        }
        match array.write(block, generation, &mut buffer) {
            Ok(write) => log.add_success(SlowestWrite {
                block,
                generation,
                submit_ns: write.submit_ns,
                ack_ns: write.ack_ns,
            }),
            Err(error) => {
                note(format_args!(
                    "block {block}: write of generation {generation}: {error}"
                ));
                log.latencies.add_error();
            }
        }
    }
    log
}

fn read_until<S: Storage>(
    writers_done: &Event,
    interval: Duration,
    array: &RegisterArray<S>,
    block: u64,
) -> Latencies {
    let mut reads = Latencies::default();
    let mut buffer = array.buffer();
    loop {
        match array.read(block, &mut buffer) {
            Ok(latency_ns) => reads.add_success(latency_ns),
            Err(_) => reads.add_error(),
        }
        if writers_done.is_set_within(interval) {
            return reads;
        }
    }
}

/// Tells about an I/O error, which is no finding.
fn note(message: std::fmt::Arguments<'_>) {
    // The report counts it: a closed standard error loses nothing.
    let _ = writeln!(io::stderr(), "note: {message}");
}

/// All writes so far.
#[derive(Debug, Default)]
struct WriteLog {
    latencies: Latencies,
    slowest: Option<SlowestWrite>,
}

impl WriteLog {
    fn add_success(&mut self, write: SlowestWrite) {
        self.latencies.add_success(write.latency_ns());
        self.slowest = slower(self.slowest, Some(write));
    }

    fn absorb(&mut self, other: WriteLog) {
        self.latencies.absorb(other.latencies);
        self.slowest = slower(self.slowest, other.slowest);
    }

    fn summary(self) -> WriteSummary {
        WriteSummary {
            summary: self.latencies.summary(),
            slowest: self.slowest,
        }
    }
}

/// The slower of two writes; the first one if they took equally long.
fn slower(one: Option<SlowestWrite>, other: Option<SlowestWrite>) -> Option<SlowestWrite> {
    let latency_ns = |write: &SlowestWrite| write.latency_ns();
    if other.as_ref().map(latency_ns) > one.as_ref().map(latency_ns) {
        other
    } else {
        one
    }
}

/// Something that happens once, and can be waited for.
#[derive(Debug, Default)]
struct Event {
    happened: Mutex<bool>,
    changed: Condvar,
}

impl Event {
    fn set(&self) {
        *self.happened.lock().expect("no holder of this lock panics") = true;
        self.changed.notify_all();
    }

    /// Waits until the event, but not longer than `patience`.
    fn is_set_within(&self, patience: Duration) -> bool {
        let happened = self.happened.lock().expect("no holder of this lock panics");
        let (happened, _) = self
            .changed
            .wait_timeout_while(happened, patience, |happened| !*happened)
            .expect("no holder of this lock panics");
        *happened
    }
}

#[cfg(test)]
mod tests;
