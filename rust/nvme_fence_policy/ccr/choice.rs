// SPDX-License-Identifier: GPL-2.0

//! Which reset is asked for next, and through which source.
//!
//! The user of the crate shows all pairs of a lost association and a source; what is to be done first
//! has the greatest [`Priority`].

use super::SourceId;
use crate::association::Association;
use crate::knobs::Knobs;
use crate::time::Nanos;
use core::cmp::Reverse;

/// How urgent it is to have one association reset through one source. The greatest goes first; the
/// order of the fields is the order of their weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Priority {
    /// Fewer tries go before more, so that none starves.
    tries: Reverse<u32>,
    /// Who holds most.
    held: u32,
    /// Who has never refused a reset goes before who has, and of those who have, who did so longest
    /// ago: so all have their turn.
    last_refusal: Reverse<Option<Nanos>>,
    /// The source has another address: what broke the path may not concern it.
    other_port: bool,
    /// The source has an optimized path to a namespace: it is likely to be the healthy one.
    optimized: bool,
    /// How many resets the source can take.
    free_slots: usize,
    /// When the source last had a controller reset.
    last_success: Option<Nanos>,
}

/// What is known of a source but not to its association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which one it is.
    pub id: SourceId,
    /// It has a path in the ANA state Optimized.
    pub optimized: bool,
}

/// What is known of all associations of a subsystem together.
///
/// A command that is not answered may cost the path that it was sent on: the host has it aborted, and
/// if that is not answered either, it takes the controller for dead. So there is one such command in a
/// subsystem at most. The next reset is asked for when the one before was answered; that many are in
/// progress at the same time does no harm. And once a command was not answered, the last path that is
/// in use is not asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// A command is not answered yet.
    awaits_answer: bool,
    /// A command was given up because it was not answered.
    went_unanswered: bool,
    /// So many paths are in use.
    in_use: usize,
}

impl Neighbours {
    /// Takes one more association into account.
    pub fn add(&mut self, association: &Association) {
        let source = association.source();
        self.awaits_answer |= source.owes_answer();
        self.went_unanswered |= source.is_silent() || association.tries().went_unanswered();
        self.in_use += usize::from(source.is_in_use());
    }

    /// Whether any source can be asked.
    const fn allow(&self) -> bool {
        !self.awaits_answer && (!self.went_unanswered || self.in_use > 1)
    }
}

impl Priority {
    /// How urgent it is to have `impacted` reset through `source`, of the same subsystem; [`None`] if
    /// that is not to be done now.
    pub fn find(
        impacted: &Association,
        source: &Association,
        standing: &Standing,
        neighbours: &Neighbours,
        knobs: &Knobs,
    ) -> Option<Self> {
        let free_slots = source.source().free_slots();
        if free_slots == 0
            || !neighbours.allow()
            || source.source().is_silent()
            || !impacted.wants_reset(knobs)
            || !impacted.tries().allows(standing.id)
            // What it reports then could be about the other one.
            || source.source().may_report_on(impacted.identity().name())
            // A controller does not reset itself.
            || impacted.identity().cntlid == source.identity().cntlid
        {
            return None;
        }
        Some(Self {
            tries: Reverse(impacted.tries().made()),
            held: impacted.held(),
            last_refusal: Reverse(source.source().last_refusal()),
            other_port: impacted.source().offer().port != source.source().offer().port,
            optimized: standing.optimized,
            free_slots,
            last_success: source.source().last_success(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::association::{Event, Identity};
    use crate::ccr::answer::Answer;
    use crate::ccr::log::Log;
    use crate::ccr::source::Offer;
    use crate::hold::{Command, Kind, HOST_ABORTED_CMD};
    use crate::knobs::Mode;
    use crate::wait::{Clocks, Terms};

    const NOW: Nanos = Nanos(1_000);
    const KNOBS: Knobs = Knobs::DEFAULT;
    const STANDING: Standing = Standing {
        id: SourceId(9),
        optimized: false,
    };

    fn open(cntlid: u16, port: u64) -> Association {
        let identity = Identity {
            cntlid,
            ciu: 1,
            cirn: u64::from(cntlid),
        };
        let terms = Terms {
            kato_ms: 5000,
            tbkas: true,
            cqt_ms: 0,
        };
        Association::new(NOW, identity, terms, Offer { ccrl: 2, port })
    }

    fn source(cntlid: u16, port: u64) -> Association {
        let mut association = open(cntlid, port);
        association.handle(NOW, Event::Resumed, &KNOBS);
        association.source_mut().begin_log_read(NOW);
        let empty = Log::parse(&[0; 8]).unwrap();
        association
            .source_mut()
            .log_read_ends(&empty, false, false, NOW);
        association
    }

    const WRITE: Command = Command {
        kind: Kind::Write,
        status: HOST_ABORTED_CMD,
        sent: true,
        bytes: 4096,
    };

    fn close(association: &mut Association) {
        let clocks = Clocks {
            keep_alive: NOW,
            sent: NOW,
            peer_closed: None,
            kato_ms: 5000,
        };
        association.handle(NOW, Event::Closed(clocks), &KNOBS);
    }

    /// An association that was lost with so many writes, and closed.
    fn lost(cntlid: u16, held: usize) -> Association {
        let mut association = open(cntlid, 1);
        association.handle(NOW, Event::Lost, &KNOBS);
        for _ in 0..held {
            association.hold(&WRITE, &KNOBS);
        }
        close(&mut association);
        association
    }

    fn find(impacted: &Association, source: &Association, standing: &Standing) -> Option<Priority> {
        Priority::find(impacted, source, standing, &Neighbours::default(), &KNOBS)
    }

    #[test]
    fn only_what_holds_something_is_reset_and_only_by_another_controller() {
        assert!(find(&lost(1, 1), &source(2, 1), &STANDING).is_some());
        assert_eq!(find(&lost(1, 0), &source(2, 1), &STANDING), None);
        assert_eq!(find(&lost(1, 1), &source(1, 1), &STANDING), None);
        assert_eq!(find(&lost(1, 1), &open(2, 1), &STANDING), None);
        assert_eq!(find(&lost(1, 1), &lost(2, 1), &STANDING), None);
        assert_eq!(find(&open(1, 1), &source(2, 1), &STANDING), None);
    }

    #[test]
    fn what_the_host_may_be_resetting_itself_is_not_reset() {
        let mut impacted = open(1, 1);
        impacted.hold(&WRITE, &KNOBS);
        impacted.handle(NOW, Event::Lost, &KNOBS);
        assert_eq!(find(&impacted, &source(2, 1), &STANDING), None);
        close(&mut impacted);
        assert!(find(&impacted, &source(2, 1), &STANDING).is_some());
    }

    #[test]
    fn only_what_can_be_named_is_reset() {
        let identity = Identity {
            ciu: 0,
            ..*lost(1, 1).identity()
        };
        let terms = *lost(1, 1).terms();
        let mut nameless = Association::new(NOW, identity, terms, Offer::default());
        nameless.hold(&WRITE, &KNOBS);
        close(&mut nameless);
        assert_eq!(find(&nameless, &source(2, 1), &STANDING), None);
    }

    #[test]
    fn only_in_mode_auto() {
        for (mode, asked) in [(Mode::Auto, true), (Mode::Time, false), (Mode::Off, false)] {
            let mut knobs = KNOBS;
            knobs.set_mode(mode);
            let found = Priority::find(
                &lost(1, 1),
                &source(2, 1),
                &STANDING,
                &Neighbours::default(),
                &knobs,
            );
            assert_eq!(found.is_some(), asked);
        }
    }

    #[test]
    fn slots_are_not_exceeded() {
        let mut source = source(9, 1);
        for cntlid in 1..=2 {
            assert!(find(&lost(cntlid, 1), &source, &STANDING).is_some());
            source.source_mut().ask(lost(cntlid, 1).identity());
        }
        assert_eq!(find(&lost(3, 1), &source, &STANDING), None);
    }

    fn allowed(associations: &[&Association]) -> bool {
        let mut neighbours = Neighbours::default();
        for association in associations {
            neighbours.add(association);
        }
        neighbours.allow()
    }

    #[test]
    fn one_command_of_a_subsystem_is_unanswered_at_most() {
        let (impacted, other, mut asked) = (lost(1, 1), source(3, 1), source(2, 1));
        assert!(allowed(&[&impacted, &asked]), "the last path is asked");
        asked.source_mut().ask(impacted.identity());
        assert!(!allowed(&[&impacted, &asked, &other]));
        for answer in [Answer::Accepted, Answer::InProgress, Answer::Failed] {
            let mut asked = asked.clone();
            asked
                .source_mut()
                .answered(impacted.identity(), answer, NOW);
            assert!(allowed(&[&impacted, &asked]), "{answer:?}");
        }
    }

    #[test]
    fn once_a_command_was_not_answered_the_last_path_is_not_asked() {
        let (mut impacted, other, mut asked) = (lost(1, 1), source(3, 1), source(2, 1));
        let identity = *impacted.identity();
        asked.source_mut().ask(&identity);
        asked
            .source_mut()
            .answered(&identity, Answer::Unanswered, NOW);
        assert_eq!(find(&impacted, &asked, &STANDING), None);
        assert!(allowed(&[&impacted, &asked, &other]));
        assert!(!allowed(&[&impacted, &asked]));

        // It is remembered when the source is gone.
        assert!(allowed(&[&impacted, &other]));
        impacted.ask(STANDING.id, NOW);
        let unanswered = Event::Answered(STANDING.id, Answer::Unanswered);
        impacted.handle(NOW, unanswered, &KNOBS);
        assert!(!allowed(&[&impacted, &other]));
        assert!(allowed(&[&impacted, &other, &source(4, 1)]));
    }

    #[test]
    fn nobody_is_asked_about_two_of_the_same_name() {
        let mut source = source(9, 1);
        let identity = Identity {
            cirn: 0xbad,
            ..*lost(1, 1).identity()
        };
        source.source_mut().ask(&identity);
        assert_eq!(find(&lost(1, 1), &source, &STANDING), None);
        assert!(find(&lost(2, 1), &source, &STANDING).is_some());
    }

    #[test]
    fn who_was_asked_is_not_asked_again() {
        let mut impacted = lost(1, 1);
        impacted.ask(STANDING.id, NOW);
        let failed = Event::Answered(STANDING.id, Answer::Failed);
        impacted.handle(NOW, failed, &KNOBS);
        assert_eq!(find(&impacted, &source(2, 1), &STANDING), None);
        let other = Standing {
            id: SourceId(10),
            ..STANDING
        };
        assert!(find(&impacted, &source(2, 1), &other).is_some());
    }

    #[test]
    fn who_holds_most_goes_first_and_none_starves() {
        let source = source(9, 1);
        let few = lost(1, 1);
        let mut many = lost(2, 100);
        assert!(find(&many, &source, &STANDING) > find(&few, &source, &STANDING));
        many.ask(SourceId(5), NOW);
        many.handle(NOW, Event::Answered(SourceId(5), Answer::Failed), &KNOBS);
        assert!(find(&many, &source, &STANDING) < find(&few, &source, &STANDING));
    }

    #[test]
    fn who_refused_goes_last() {
        let (impacted, willing) = (lost(1, 1), source(2, 1));
        let refused = |at| {
            let mut source = source(3, 2);
            source
                .source_mut()
                .answered(impacted.identity(), Answer::Refused, at);
            find(&impacted, &source, &STANDING)
        };
        assert!(find(&impacted, &willing, &STANDING) > refused(NOW));
        assert!(refused(NOW) > refused(Nanos(NOW.0 + 1)));
    }

    #[test]
    fn the_best_source_goes_first() {
        let impacted = lost(1, 1);
        let optimized = Standing {
            optimized: true,
            ..STANDING
        };
        let asked = *lost(8, 1).identity();
        let busy = |cntlid, port| {
            let mut source = source(cntlid, port);
            source.source_mut().ask(&asked);
            source
        };
        let mut proven = source(4, 1);
        proven.source_mut().ask(&asked);
        proven.source_mut().answered(&asked, Answer::Immediate, NOW);
        let in_order = [
            find(&impacted, &busy(2, 2), &STANDING),
            find(&impacted, &source(3, 1), &optimized),
            find(&impacted, &proven, &STANDING),
            find(&impacted, &source(4, 1), &STANDING),
            find(&impacted, &busy(4, 1), &STANDING),
        ];
        assert!(in_order.iter().all(Option::is_some));
        assert!(in_order.is_sorted_by(|a, b| a > b));
    }
}
