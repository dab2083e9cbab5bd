// SPDX-License-Identifier: GPL-2.0

//! A round as one step after the other.

use super::schedule::{Fault, Kind, Mend, Round};

/// After this, whatever was delivered has been executed: in a machine with virtual time nothing
/// that computes takes any, and in another one it is long.
pub const QUIESCE_MS: u64 = 50;

/// Something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Since the round began.
    pub at_ms: u64,
    /// Index of the fault that it is part of.
    pub fault: usize,
    /// What to do.
    pub action: Action,
}

/// What can be done for a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Refuse new connections.
    Refuse,
    /// Begin.
    Strike,
    /// Take new connections again.
    Accept,
    /// Deliver or forget what was kept.
    Mend(Mend),
    /// Say that the controller is dead, if that is true by now.
    Release,
}

/// All steps of a round, in order.
pub fn steps(round: &Round) -> Vec<Step> {
    let mut steps: Vec<_> = round
        .faults
        .iter()
        .enumerate()
        .flat_map(|(index, fault)| {
            actions(fault)
                .into_iter()
                .map(move |(after_ms, action)| Step {
                    at_ms: fault.at_ms + after_ms,
                    fault: index,
                    action,
                })
        })
        .collect();
    // The sort is stable: what happens at once happens in the order of the faults.
    steps.sort_by_key(|step| step.at_ms);
    steps
}

/// What a fault consists of, and how long after its begin.
fn actions(fault: &Fault) -> Vec<(u64, Action)> {
    let mut actions = Vec::new();
    if fault.refuse_ms.is_some() {
        // First: a connection that is dropped may come back at once.
        actions.push((0, Action::Refuse));
    }
    actions.push((0, Action::Strike));
    if let Some(ms) = fault.refuse_ms {
        actions.push((ms, Action::Accept));
    }
    let over_ms = match fault.kind {
        Kind::Hold(mend) | Kind::Freeze(mend) => {
            actions.push((mend.after_ms, Action::Mend(mend)));
            mend.after_ms
        }
        Kind::Drop => 0,
    };
    if fault.release {
        actions.push((over_ms + QUIESCE_MS, Action::Release));
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::super::schedule::Scope;
    use super::*;

    fn fault(at_ms: u64, kind: Kind) -> Fault {
        Fault {
            at_ms,
            path: 0,
            scope: Scope::Path,
            kind,
            refuse_ms: Some(100),
            release: true,
        }
    }

    #[test]
    fn nothing_is_released_before_it_is_mended() {
        let mend = Mend {
            after_ms: 1000,
            deliver: true,
        };
        assert_eq!(
            actions(&fault(7, Kind::Hold(mend))),
            [
                (0, Action::Refuse),
                (0, Action::Strike),
                (100, Action::Accept),
                (1000, Action::Mend(mend)),
                (1000 + QUIESCE_MS, Action::Release),
            ]
        );
    }

    #[test]
    fn steps_are_in_order_and_every_fault_is_over_in_the_end() {
        for number in 1..200 {
            let round = Round::draw(3, number);
            let steps = steps(&round);
            assert!(steps.is_sorted_by_key(|step| step.at_ms));

            let count =
                |test: fn(&Action) -> bool| steps.iter().filter(|step| test(&step.action)).count();
            assert_eq!(count(|a| *a == Action::Strike), round.faults.len());
            assert_eq!(
                count(|a| *a == Action::Refuse),
                count(|a| *a == Action::Accept)
            );
            let kept = round.faults.iter().filter(|fault| fault.kind != Kind::Drop);
            assert_eq!(count(|a| matches!(a, Action::Mend(_))), kept.count());
        }
    }
}
