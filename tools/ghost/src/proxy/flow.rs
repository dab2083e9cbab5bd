// SPDX-License-Identifier: GPL-2.0

//! One direction of a connection: bytes, and then perhaps the end of the stream, in order behind a
//! gate.
//!
//! One thread fills a flow from its source, one drains it into its sink. With the gate open a flow
//! is a queue. With the gate shut everything stays in it, the end of the stream as well, and the
//! sink learns nothing. A flow is *broken* once its sink takes no more bytes; from then on they are
//! discarded, so that the source is read on and its end is seen.

use std::collections::VecDeque;

/// Most bytes that a flow keeps. A full flow is not filled: the source feels back-pressure, as from
/// a slow receiver. It is several times what an NVMe/TCP queue has under way.
pub(super) const KEPT_BYTES_MAX: u64 = 16 << 20;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// What the source sent and the sink has not got.
    chunks: VecDeque<Vec<u8>>,
    /// Bytes in `chunks`.
    kept: u64,
    /// Bytes that the source has ever sent.
    received: u64,
    /// Bytes that the sink got.
    passed: u64,
    /// Bytes that the sink will never get.
    discarded: u64,
    /// The source sends no more.
    ended: bool,
    /// The sink takes no more.
    broken: bool,
    /// So many bytes may leave the flow; no limit if there is none. The gate is shut when it is
    /// used up.
    allowance: Option<u64>,
}

/// What the draining thread does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Write these bytes to the sink.
    Write(Vec<u8>),
    /// Tell the sink that this was all.
    Finish,
}

impl Flow {
    /// Takes bytes from the source.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        assert!(
            !self.ended || self.broken,
            "nothing follows the end of a stream"
        );
        let count = bytes.len() as u64;
        self.received += count;
        if self.broken {
            self.discarded += count;
        } else {
            self.kept += count;
            self.chunks.push_back(bytes.to_vec());
        }
    }

    /// The source sends no more.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// The next step towards the sink, if there is one now. The end is passed on only if
    /// `may_finish`.
    pub(super) fn take_step(&mut self, may_finish: bool) -> Option<Step> {
        if self.allowance == Some(0) && !self.broken {
            return None;
        }
        if let Some(chunk) = self.take_chunk() {
            let count = chunk.len() as u64;
            self.kept -= count;
            self.passed += count;
            return Some(Step::Write(chunk));
        }
        assert_eq!(self.kept, 0);
        (self.ended && may_finish).then_some(Step::Finish)
    }

    /// The first chunk, or as much of it as may leave.
    fn take_chunk(&mut self) -> Option<Vec<u8>> {
        let mut chunk = self.chunks.pop_front()?;
        if let Some(allowance) = &mut self.allowance {
            let count =
                usize::try_from(*allowance).map_or(chunk.len(), |most| chunk.len().min(most));
            let rest = chunk.split_off(count);
            if !rest.is_empty() {
                self.chunks.push_front(rest);
            }
            *allowance -= count as u64;
        }
        Some(chunk)
    }

    /// The sink did not take the chunk of `count` bytes that it was given last, and will take no
    /// more.
    pub(super) fn sink_failed(&mut self, count: usize) {
        let count = count as u64;
        assert!(self.passed >= count);
        self.passed -= count;
        self.discarded += count;
        self.break_off();
    }

    /// Forgets what is kept and takes no more.
    pub(super) fn break_off(&mut self) {
        self.chunks.clear();
        self.discarded += std::mem::take(&mut self.kept);
        self.broken = true;
    }

    /// Lets out so many bytes, and then nothing any more.
    pub(super) fn shut_gate_after(&mut self, bytes: u64) {
        self.allowance = Some(bytes);
    }

    /// Lets out what was kept and what comes.
    pub(super) fn open_gate(&mut self) {
        self.allowance = None;
    }

    /// Whether the source may be read.
    pub(super) fn has_room(&self) -> bool {
        self.kept < KEPT_BYTES_MAX
    }

    /// Bytes in the flow.
    pub(super) fn kept(&self) -> u64 {
        self.kept
    }

    /// Bytes that the source has ever sent.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Bytes that the sink got.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    /// Bytes that the sink will never get.
    pub(super) fn discarded(&self) -> u64 {
        self.discarded
    }

    /// Whether the source sends no more.
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Whether the sink takes no more.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(bytes: &[u8]) -> Option<Step> {
        Some(Step::Write(bytes.to_vec()))
    }

    #[test]
    fn an_open_flow_is_a_queue() {
        let mut flow = Flow::default();
        assert_eq!(flow.take_step(true), None);
        flow.push(b"one");
        flow.push(b"two");
        flow.end();
        assert_eq!(flow.take_step(true), write(b"one"));
        assert_eq!(flow.take_step(true), write(b"two"));
        assert_eq!(flow.take_step(true), Some(Step::Finish));
        assert_eq!(
            (
                flow.received(),
                flow.passed(),
                flow.kept(),
                flow.discarded()
            ),
            (6, 6, 0, 0)
        );
    }

    #[test]
    fn a_shut_gate_keeps_bytes_and_the_end() {
        let mut flow = Flow::default();
        flow.push(b"one");
        flow.shut_gate_after(0);
        flow.push(b"two");
        flow.end();
        assert_eq!(flow.take_step(true), None);
        assert_eq!((flow.passed(), flow.kept()), (0, 6));

        flow.open_gate();
        assert_eq!(flow.take_step(true), write(b"one"));
        assert_eq!(flow.take_step(true), write(b"two"));
        assert_eq!(flow.take_step(false), None);
        assert_eq!(flow.take_step(true), Some(Step::Finish));
    }

    #[test]
    fn a_gate_that_shuts_later_lets_out_so_many_bytes() {
        let mut flow = Flow::default();
        flow.shut_gate_after(5);
        flow.push(b"one");
        assert_eq!(flow.take_step(true), write(b"one"));
        flow.push(b"three");
        flow.end();
        assert_eq!(flow.take_step(true), write(b"th"));
        assert_eq!(flow.take_step(true), None);
        assert_eq!((flow.passed(), flow.kept()), (5, 3));

        flow.open_gate();
        assert_eq!(flow.take_step(true), write(b"ree"));
        assert_eq!(flow.take_step(true), Some(Step::Finish));
    }

    #[test]
    fn an_empty_stream_has_an_end_too() {
        let mut flow = Flow::default();
        flow.shut_gate_after(0);
        flow.end();
        assert_eq!(flow.take_step(true), None);
        flow.open_gate();
        assert_eq!(flow.take_step(true), Some(Step::Finish));
    }

    #[test]
    fn a_broken_flow_discards_and_counts() {
        let mut flow = Flow::default();
        flow.push(b"one");
        flow.push(b"three");
        assert_eq!(flow.take_step(true), write(b"one"));
        flow.sink_failed(3);
        flow.push(b"four");
        flow.end();
        assert_eq!(
            (
                flow.received(),
                flow.passed(),
                flow.kept(),
                flow.discarded()
            ),
            (12, 0, 0, 12)
        );
        assert_eq!(flow.take_step(true), Some(Step::Finish));
    }

    #[test]
    fn a_full_flow_is_not_filled() {
        let mut flow = Flow::default();
        flow.push(&vec![0; KEPT_BYTES_MAX as usize - 1]);
        assert!(flow.has_room());
        flow.push(&[0]);
        assert!(!flow.has_room());
        flow.break_off();
        assert!(flow.has_room());
    }
}
