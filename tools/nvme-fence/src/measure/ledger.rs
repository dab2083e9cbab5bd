// SPDX-License-Identifier: GPL-2.0
//! What becomes of the events: the ends of commands go to the timeline.

use super::event::{Event, Step};
use super::timeline::Timeline;
use super::under_way::UnderWay;
use crate::units::Nanos;

/// The state of a measurement.
pub(crate) struct Ledger {
    /// What is under way.
    under_way: UnderWay,
    /// What has ended.
    pub(crate) timeline: Timeline,
    /// How many events were missing.
    pub(crate) lost_events: u64,
    /// How many commands were under way then: nobody knows whether they ended.
    pub(crate) forgotten: usize,
}

impl Ledger {
    /// Begins now.
    pub(crate) fn new(now: Nanos) -> Self {
        Self {
            under_way: UnderWay::default(),
            timeline: Timeline::new(now),
            lost_events: 0,
            forgotten: 0,
        }
    }

    /// Takes an event up. They come in the order of their times.
    pub(crate) fn take(&mut self, event: &Event) {
        let (at, timeline) = (event.at, &mut self.timeline);
        let ended = |ended| timeline.ended(&ended);
        match event.step {
            Step::Started(extent) => self.under_way.start(at, extent),
            Step::Ended { extent, failed, .. } => self.under_way.end(at, extent, failed, ended),
            Step::Refused(extent) => self.under_way.end(at, extent, true, ended),
            Step::Missing(count) => {
                self.lost_events = self.lost_events.saturating_add(count);
                self.forgotten += self.under_way.forget();
            }
            Step::Path(_) => {}
        }
    }

    /// When the commands had begun that are still under way.
    pub(crate) fn starts(&self) -> Vec<Nanos> {
        self.under_way.starts().collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::event::tests::{decoder, entry};
    use super::super::event::Decoder;
    use super::super::page::tests::{entry as page_entry, page, HEADER_PAGE};
    use super::super::page::PageLayout;
    use super::super::tap::PathNumbers;
    use super::*;
    use std::fs;
    use std::path::Path;

    /// What tests/data/measure holds, which a kernel recorded; see the README.md there.
    pub(crate) fn recorded() -> Ledger {
        let data = Path::new("tests/data/measure");
        let format = |name: &str| Ok(fs::read_to_string(data.join(format!("{name}.format")))?);
        let decoder = Decoder::read_from(format).unwrap();
        let page = fs::read(data.join("page")).unwrap();
        let mut paths = PathNumbers::default();
        let mut ledger = Ledger::new(Nanos(0));
        let mut take = |at, entry: &[u8]| {
            let event = decoder.decode(entry).map(|step| Event { at, step });
            if let Some(event) = event.filter(|event| paths.is_of_the_disk(event)) {
                ledger.take(&event);
            }
        };
        let layout = PageLayout::parse(HEADER_PAGE).unwrap();
        assert_eq!(layout.events(&page, &mut take).unwrap().1, 0);
        ledger
    }

    /// Takes up a made-up page with these entries, each with how much later it is.
    fn take(ledger: &mut Ledger, at: u64, entries: &[(u32, Vec<u8>)]) {
        let entries: Vec<Vec<u8>> = entries
            .iter()
            .map(|(later, payload)| page_entry(*later, payload))
            .collect();
        let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        let layout = PageLayout::parse(HEADER_PAGE).unwrap();
        let decoder = decoder();
        let mut events = Vec::new();
        layout
            .events(&page(at, 0, &entries, &[]), |at, payload| {
                events.extend(decoder.decode(payload).map(|step| Event { at, step }));
            })
            .unwrap();
        events.iter().for_each(|event| ledger.take(event));
    }

    #[test]
    fn a_command_is_measured_from_its_first_start_to_its_last_end() {
        let mut ledger = Ledger::new(Nanos(0));
        let (queue, complete, refused) = (100, 102, 103);
        take(
            &mut ledger,
            1000,
            &[
                (0, entry(queue, 1, 8, 8, 0, "WS")),
                // Cancelled on its first path: it ends with no sectors, and goes on.
                (500, entry(complete, 7, 8, 0, 0, "WS")),
                (200, entry(complete, 6, 8, 8, 0, "WS")),
                (0, entry(queue, 1, 80, 8, 0, "R")),
                (100, entry(refused, 1, 80, 8, -5, "R")),
                (0, entry(queue, 1, 160, 8, 0, "R")),
            ],
        );
        let sum = ledger.timeline.sum(0..1);
        let (reads, writes) = (sum.reads, sum.writes);
        assert_eq!((writes.count(), writes.max), (1, Some(Nanos(700))));
        assert_eq!((reads.count(), reads.failed), (1, 1));
        assert_eq!(ledger.starts(), [Nanos(1800)]);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn what_a_kernel_recorded_is_understood() {
        let ledger = recorded();
        let timeline = &ledger.timeline;
        let sum = timeline.sum(0..timeline.len());
        let (reads, writes) = (sum.reads, sum.writes);
        assert_eq!((reads.count(), writes.count()), (3, 4));
        assert_eq!((reads.failed, writes.failed), (0, 0));
        // The older of the two that were held, which ended in one request with the other one.
        assert_eq!(writes.max, Some(Nanos(27_579_481_088)));
        assert_eq!(
            writes.percentile(50.0).map(|half| half.0 < 10_000),
            Some(true)
        );
        assert!(reads.max < Some(Nanos(10_000)));
        assert_eq!(ledger.starts(), []);
    }

    #[test]
    fn what_is_missing_may_have_ended_anything() {
        let mut ledger = Ledger::new(Nanos(0));
        take(&mut ledger, 10, &[(0, entry(100, 1, 8, 8, 0, "WS"))]);
        ledger.take(&Event {
            at: Nanos(20),
            step: Step::Missing(7),
        });
        take(&mut ledger, 30, &[(0, entry(102, 7, 8, 8, 0, "WS"))]);
        assert_eq!((ledger.lost_events, ledger.forgotten), (7, 1));
        assert_eq!(ledger.timeline.sum(0..1).writes.count(), 0);
    }
}
