// SPDX-License-Identifier: GPL-2.0
//! What has happened, from what was seen one after the other and what was heard in between. Pure:
//! time is a parameter.

use jiff::Timestamp;
use std::collections::BTreeMap;
use std::mem;
use std::time::{Duration, Instant};

use super::heard::{Due, Heard};
use super::module::module_changes;
use super::seen::{Amount, Kept, Seen, SeenFence, SeenPath, SeenTotals};
use super::totals::{Cause, SubsystemTotals, Totals};
use crate::record::event::{Event, Kind};
use crate::sysfs::fence::{counter_of, Counters, EVIDENCE};

/// When a look was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// By the clock on the wall.
    pub(crate) wall: Timestamp,
    /// By one that is never set.
    pub(crate) steady: Instant,
}

/// What is known of a path beyond what was seen of it last.
#[derive(Debug, Default)]
struct Past {
    /// When it was lost; `None` = it is live, or was lost before it was first seen.
    lost: Option<Instant>,
    /// Since when something is kept.
    kept: Option<Instant>,
    /// The connections that are still to be announced.
    due: Due,
}

/// The state of the host, and what has become of it.
#[derive(Debug)]
pub(crate) struct Tracker {
    /// What was seen last.
    seen: Seen,
    /// The past of the paths, by name.
    pasts: BTreeMap<String, Past>,
    /// What the module has counted for each subsystem, by its NQN, as it was seen last. What is there
    /// again with what it had before is not counted again.
    counted: BTreeMap<String, Counters>,
    /// What removed controllers held, and hold no more: it was fenced, or tracked and sent again.
    removed_sent: Amount,
    /// The loadings of the module that are still to be announced.
    module_due: Due,
    /// What was counted.
    totals: Totals,
}

impl Tracker {
    /// Begins with what is seen. What happened before is not known, and not counted.
    pub(crate) fn new(seen: Seen, mut totals: Totals) -> Self {
        for path in seen.paths.values() {
            totals.of(&path.nqn, &path.subsystem);
        }
        let counted = |its: &SeenTotals| (its.nqn.clone(), its.counters.clone());
        Self {
            counted: seen.totals.values().map(counted).collect(),
            seen,
            pasts: BTreeMap::new(),
            removed_sent: Amount::default(),
            module_due: Due::default(),
            totals,
        }
    }

    /// What was seen last.
    pub(crate) fn seen(&self) -> &Seen {
        &self.seen
    }

    /// What was counted.
    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Takes what is seen now, and what was heard since the last time. Returns what has happened.
    pub(crate) fn compare(&mut self, now: Now, seen: Seen, heard: &Heard) -> Vec<Event> {
        let mut before = mem::take(&mut self.seen);
        let mut events = Vec::new();
        if heard.missed {
            events.push(Event::new(now.wall, Kind::Missed));
        }
        let (was, is) = (before.module, seen.module);
        let due = &mut self.module_due;
        let unseen = due.unseen(!was && is, heard.module_loaded, heard) > 0;
        let module = module_changes(was, is, unseen);
        if module.contains(&Kind::ModuleUnloaded) {
            // It counts from 0 again.
            before.paths.values_mut().for_each(|path| path.fence = None);
            before.removed = Kept::default();
            self.removed_sent = Amount::default();
            self.counted.clear();
        }
        for (name, its) in &seen.totals {
            self.subsystem(name, its);
        }
        events.extend(module.iter().map(|kind| Event::new(now.wall, *kind)));
        for (name, path) in &before.paths {
            let is_another = heard.removed.contains(name);
            let after = seen.paths.get(name).filter(|_| !is_another);
            match after {
                Some(after) => events.extend(self.path(now, name, path, after, heard)),
                None => {
                    self.pasts.remove(name);
                    self.count(path).count_lost(Cause::Removed);
                    events.push(Event {
                        from: Some(path.state.clone()),
                        ..about(now, Kind::Removed, name, path)
                    });
                }
            }
        }
        for (name, path) in &seen.paths {
            if before.paths.contains_key(name) && !heard.removed.contains(name) {
                continue;
            }
            events.push(Event {
                to: Some(path.state.clone()),
                ..about(now, Kind::Added, name, path)
            });
            // It was connected for the first time: from nothing.
            let nothing = SeenPath {
                state: String::new(),
                ana: BTreeMap::new(),
                fence: None,
                ..path.clone()
            };
            let changes = self.path(now, name, &nothing, path, heard);
            events.extend(changes.into_iter().filter(|e| e.event != Kind::Back));
        }
        if seen.module {
            let fenced = self.removed(&before.removed, &seen.removed);
            events.extend(fenced.map(|sent| of_amount(Event::new(now.wall, Kind::Fenced), sent)));
        }
        self.seen = seen;
        events
    }

    /// The totals of the subsystem of a path.
    fn count(&mut self, path: &SeenPath) -> &mut SubsystemTotals {
        self.totals.of(&path.nqn, &path.subsystem)
    }

    /// What the module has counted for a subsystem since the last look.
    fn subsystem(&mut self, name: &str, its: &SeenTotals) {
        let known = self.counted.insert(its.nqn.clone(), its.counters.clone());
        let known = known
            .filter(|known| !its.counters.began_anew(known))
            .unwrap_or_default();
        self.totals
            .of(&its.nqn, name)
            .count(|counter| increase(&known, &its.counters, counter));
    }

    /// What was sent on of removed controllers, if it is known that some of these were fenced. Their own
    /// counters went with them.
    fn removed(&mut self, before: &Kept, after: &Kept) -> Option<Amount> {
        let is_over = |was: Amount, is: Amount| was.commands > 0 && is.commands == 0;
        let is_sent = is_over(before.held, after.held);
        if is_sent {
            self.removed_sent.commands += before.held.commands;
            self.removed_sent.bytes += before.held.bytes;
        }
        // What is tracked is held, too, until it is sent again, which takes no evidence. That there is
        // more than that shows that something else was held.
        let is_fenced = is_over(before.tracked, after.tracked)
            || (is_sent && before.held.commands > before.tracked.commands);
        is_fenced.then(|| mem::take(&mut self.removed_sent))
    }

    /// What has happened to a path that stays.
    fn path(
        &mut self,
        now: Now,
        name: &str,
        before: &SeenPath,
        after: &SeenPath,
        heard: &Heard,
    ) -> Vec<Event> {
        let mut past = self.pasts.remove(name).unwrap_or_default();
        let mut events = self.connections(now, name, before, after, heard, &mut past);
        let fence = self.fence(now, name, before, after, &mut past);
        // What is held is held because of a loss, and mostly fenced before the path is back.
        let lost = events.iter().position(|event| event.event == Kind::Lost);
        let behind = lost.map_or(0, |index| index + 1);
        events.splice(behind..behind, fence);
        for (disk, state) in &after.ana {
            if let Some(from) = before.ana.get(disk).filter(|from| *from != state) {
                events.push(Event {
                    from: Some(from.clone()),
                    to: Some(state.clone()),
                    ..about(now, Kind::Ana, disk, after)
                });
            }
        }
        self.pasts.insert(name.to_owned(), past);
        events
    }

    /// How its connection was lost, and came back.
    fn connections(
        &mut self,
        now: Now,
        name: &str,
        before: &SeenPath,
        after: &SeenPath,
        heard: &Heard,
        past: &mut Past,
    ) -> Vec<Event> {
        let lost = |to: Option<&str>| Event {
            from: to.map(|_| "live".to_owned()),
            to: to.map(str::to_owned),
            ..about(now, Kind::Lost, name, after)
        };
        let back = |since: Option<Instant>| Event {
            duration_ms: since.map(|since| milliseconds(now.steady - since)),
            ..about(now, Kind::Back, name, after)
        };
        let mut events = Vec::new();
        let announced = heard.connected.get(name).copied().unwrap_or_default();
        let is_seen = !before.is_live() && after.is_live();
        for _ in 0..past.due.unseen(is_seen, announced, heard) {
            let pair = match before.is_live() {
                true => [lost(None), back(None)],
                false => [back(past.lost.take()), lost(None)],
            };
            events.extend(pair);
            self.count(after).count_lost(Cause::Connection);
        }
        match (before.is_live(), after.is_live()) {
            // Its removal is another event.
            (true, false) if !after.is_going() => {
                past.lost = Some(now.steady);
                self.count(after).count_lost(Cause::Connection);
                events.push(lost(Some(&after.state)));
            }
            (false, true) => events.push(back(past.lost.take())),
            _ => {}
        }
        events
    }

    /// What the module did for it.
    fn fence(
        &mut self,
        now: Now,
        name: &str,
        before: &SeenPath,
        after: &SeenPath,
        past: &mut Past,
    ) -> Vec<Event> {
        let Some(fence) = &after.fence else {
            past.kept = None;
            return Vec::new();
        };
        let nothing = SeenFence::default();
        let known = before.fence.as_ref().unwrap_or(&nothing);
        let since = |counter: &str| increase(&known.counters, &fence.counters, counter);
        let mut events = Vec::new();
        let (was, is) = (&known.kept, &fence.kept);
        if !was.is_any() && is.is_any() {
            past.kept = Some(now.steady);
        }
        // What is tracked first: newer ones are held because of it.
        for (kind, was, is) in [
            (Kind::Tracked, was.tracked, is.tracked),
            (Kind::Held, was.held, is.held),
        ] {
            if was.commands == 0 && is.commands > 0 {
                events.push(of_amount(about(now, kind, name, after), is));
            }
        }
        let fenced: Vec<_> = EVIDENCE
            .iter()
            .map(|evidence| (*evidence, since(&counter_of(evidence))))
            .filter(|(_, count)| *count > 0)
            .collect();
        let released = Amount {
            commands: since("released"),
            bytes: since("released_bytes"),
        };
        for (evidence, _) in &fenced {
            let mut event = about(now, Kind::Fenced, name, after);
            event.evidence = Some((*evidence).to_owned());
            event.duration_ms = past.kept.map(|kept| milliseconds(now.steady - kept));
            // Which commands belong to which evidence is not told.
            events.push(match fenced.len() {
                1 => of_amount(event, released),
                _ => event,
            });
        }
        if !is.is_any() {
            past.kept = None;
        }
        // What is counted for the subsystem has what is counted for the path.
        if !self.counted.contains_key(&after.nqn) {
            self.count(after).count(since);
        }
        events
    }
}

/// An event about a path.
fn about(now: Now, kind: Kind, name: &str, path: &SeenPath) -> Event {
    Event {
        subsystem: Some(path.subsystem.clone()),
        nqn: Some(path.nqn.clone()),
        path: Some(name.to_owned()),
        address: path.address.clone(),
        ..Event::new(now.wall, kind)
    }
}

/// The same event, which is about so many commands.
fn of_amount(event: Event, amount: Amount) -> Event {
    Event {
        commands: Some(amount.commands),
        bytes: Some(amount.bytes),
        ..event
    }
}

/// By how much a counter has increased. One that is smaller than before began anew.
fn increase(before: &Counters, after: &Counters, name: &str) -> u64 {
    let value = |counters: &Counters| counters.get(name).unwrap_or_default();
    let (before, after) = (value(before), value(after));
    after.checked_sub(before).unwrap_or(after)
}

/// A duration, in what the record has them in.
fn milliseconds(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
