// SPDX-License-Identifier: GPL-2.0
//! Path events, and the windows before, during and after them.
//!
//! *During* begins when the oldest command was started that was under way at the event, and lasts
//! until the last such command has ended. So it is as long as the event hurt: the time until the
//! host noticed belongs to it, and an event that no command felt has a short one. *Before* and
//! *after* are what lies beside it, up to ten seconds each, but not up to another incident.

use std::ops::Range;

use super::paths::PathEvent;
use super::timeline::Timeline;
use crate::units::Nanos;

/// The longest time before and after.
const BESIDE: Nanos = Nanos(10_000_000_000);

/// Events that are no further apart are one incident: a path that is lost goes through several
/// states.
const APART: Nanos = Nanos(1_000_000_000);

/// Events that belong together.
#[derive(Debug)]
pub(crate) struct Incident {
    /// They.
    pub(crate) events: Vec<PathEvent>,
    /// The slices before.
    pub(crate) before: Range<usize>,
    /// Those in which it hurt.
    pub(crate) during: Range<usize>,
    /// Those after.
    pub(crate) after: Range<usize>,
}

/// Puts events together, which are in the order of their times. `under_way` is when the commands
/// had begun that had not ended in the end.
pub(crate) fn incidents(
    events: Vec<PathEvent>,
    timeline: &Timeline,
    under_way: &[Nanos],
) -> Vec<Incident> {
    let slices = |time: Nanos| (time.0 / timeline.width.0) as usize;
    let mut incidents: Vec<Incident> = Vec::new();
    for event in events {
        let during = during(&event, timeline, under_way);
        match incidents.last_mut() {
            Some(last) if during.start <= last.during.end + slices(APART) => {
                last.during.start = last.during.start.min(during.start);
                last.during.end = last.during.end.max(during.end);
                last.events.push(event);
            }
            _ => incidents.push(Incident {
                events: vec![event],
                before: 0..0,
                during,
                after: 0..0,
            }),
        }
    }
    for index in 0..incidents.len() {
        let end_of_last = index.checked_sub(1).map(|last| incidents[last].during.end);
        let start_of_next = incidents.get(index + 1).map(|next| next.during.start);
        let incident = &mut incidents[index];
        let Range { start, end } = incident.during;
        let first = start.saturating_sub(slices(BESIDE));
        incident.before = first.max(end_of_last.unwrap_or(0)).min(start)..start;
        let last = (end + slices(BESIDE)).min(timeline.len());
        incident.after = end..last.min(start_of_next.unwrap_or(last)).max(end);
    }
    incidents
}

/// The slices in which an event hurt.
fn during(event: &PathEvent, timeline: &Timeline, under_way: &[Nanos]) -> Range<usize> {
    let first = timeline.index(event.after);
    let mut begin = event.after;
    let mut last = timeline.index(event.noticed).min(timeline.len());
    let was_under_way = |start: &Nanos| *start <= event.noticed;
    for (index, slice) in timeline.slices(first..timeline.len()).iter().enumerate() {
        if let Some(oldest) = slice.oldest.filter(was_under_way) {
            begin = begin.min(oldest);
            last = last.max(first + index);
        }
    }
    if let Some(oldest) = under_way.iter().copied().filter(was_under_way).min() {
        begin = begin.min(oldest);
        last = last.max(timeline.len());
    }
    timeline.index(begin)..(last + 1).min(timeline.len().max(1))
}

#[cfg(test)]
mod tests {
    use super::super::event::Direction;
    use super::super::paths::Kind;
    use super::super::under_way::Ended;
    use super::*;

    /// A second in slices.
    const SECOND: usize = 10;

    /// A point in time.
    fn at(seconds: f64) -> Nanos {
        Nanos((seconds * 1e9).round() as i64)
    }

    /// An event that was noticed at a time.
    fn event(seconds: f64) -> PathEvent {
        PathEvent {
            after: at(seconds - 0.05),
            noticed: at(seconds),
            controller: "nvme0".to_owned(),
            kind: Kind::Lost,
            from: None,
            to: None,
        }
    }

    /// A minute in which a read of 1 ms ends ten times a second, and some commands from when to
    /// when.
    fn timeline(commands: &[(f64, f64)]) -> Timeline {
        let mut timeline = Timeline::new(at(0.0));
        let mut take = |started, ended| {
            timeline.ended(&Ended {
                direction: Direction::Read,
                started,
                at: ended,
                failed: false,
            });
        };
        for tenth in 0..600 {
            let begun = f64::from(tenth) / 10.0 + 0.01;
            take(at(begun), at(begun + 0.001));
        }
        for &(started, ended) in commands {
            take(at(started), at(ended));
        }
        timeline
    }

    #[test]
    fn it_hurts_from_the_start_of_the_command_until_its_end() {
        let timeline = timeline(&[(15.05, 24.05), (18.05, 32.05)]);
        let incidents = incidents(vec![event(20.0)], &timeline, &[]);
        assert_eq!(incidents.len(), 1);
        let incident = &incidents[0];
        assert_eq!(incident.during, 15 * SECOND..32 * SECOND + 1);
        assert_eq!(incident.before, 5 * SECOND..15 * SECOND);
        assert_eq!(incident.after, 32 * SECOND + 1..42 * SECOND + 1);
        let reads = timeline.sum(incident.during.clone()).reads;
        assert_eq!(reads.max, Some(at(14.0)));
    }

    #[test]
    fn what_nobody_feels_is_short() {
        let timeline = timeline(&[]);
        let incidents = incidents(vec![event(20.02), event(59.99)], &timeline, &[]);
        let [first, last] = incidents.as_slice() else {
            panic!("{incidents:?}");
        };
        assert_eq!(first.during, 199..201);
        assert_eq!(last.after.len(), 0);
        assert_eq!(last.during.end, 600);
    }

    #[test]
    fn what_is_close_is_one_incident() {
        let timeline = timeline(&[(19.05, 25.05)]);
        let events = vec![event(20.0), event(24.0), event(25.9), event(30.0)];
        let incidents = incidents(events, &timeline, &[]);
        let counts: Vec<usize> = incidents.iter().map(|i| i.events.len()).collect();
        assert_eq!(counts, [3, 1]);
        assert_eq!(incidents[0].after.end, incidents[1].during.start);
        assert_eq!(incidents[1].before.start, incidents[0].during.end);
    }

    #[test]
    fn what_does_not_end_hurts_until_the_end() {
        let timeline = timeline(&[]);
        let incidents = incidents(vec![event(20.0)], &timeline, &[at(17.05), at(59.0)]);
        assert_eq!(incidents[0].during, 17 * SECOND..60 * SECOND);
        assert_eq!(incidents[0].after.len(), 0);
    }
}
