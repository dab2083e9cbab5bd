// SPDX-License-Identifier: GPL-2.0
//! Whether what counts as evidence is enough, and not too much.

use super::super::facts::{HostFacts, PathFacts, SubsystemFacts};
use super::super::finding::Told;
use super::super::mend;
use crate::sysfs::ccr::Ccr;
use crate::sysfs::knobs::Knobs;

/// The knobs of a subsystem whose commands are held: of one that holds nothing, nothing is believed.
fn holding(subsystem: &SubsystemFacts) -> Option<&Knobs> {
    let knobs = subsystem.knobs.as_ref();
    knobs.filter(|knobs| !knobs.holds_nothing())
}

/// One finding, if a kind of evidence counts, or does not.
fn counts(
    subsystem: &SubsystemFacts,
    (evidence, is_wrong): (&str, bool),
    sentence: &str,
) -> Vec<Told> {
    match holding(subsystem) {
        Some(knobs) if knobs.believes(evidence) == is_wrong => {
            let sign = if is_wrong { "-" } else { "+" };
            vec![Told {
                objects: vec![subsystem.name.clone()],
                sentence: sentence.to_owned(),
                command: mend::config(subsystem, &format!("--evidence {sign}{evidence}")),
            }]
        }
        _ => Vec::new(),
    }
}

/// What a box in the middle can forge is believed.
pub(crate) fn notification_believed(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    let sentence = "a FIN or RST is taken for the controller's own word; if a firewall, a load \
                    balancer or a service address is on the way, or an address that moves, ghost \
                    writes are possible";
    counts(subsystem, ("notification", true), sentence)
}

/// A controller is taken for dead because another one has its ID.
pub(crate) fn reconnect_by_id_believed(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    let sentence =
        "when the host is connected to a controller with the ID (CNTLID) of a lost one, \
                    the lost one is taken for dead; that must be true of the array: no ID is given \
                    out again while its old controller lives, not on any node, nor behind an \
                    address that moves to another node; if it is not, ghost writes are possible";
    counts(subsystem, ("reconnect-by-id", true), sentence)
}

/// The array is taken for one that fences before it moves a namespace.
pub(crate) fn target_believed(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    let sentence =
        "when namespaces become optimized through another port, what came through the lost \
                    one is taken for dead; that must be true of the array: it has one usable port \
                    for each namespace, and fences that before it uses another; if it does not, \
                    ghost writes are possible";
    counts(subsystem, ("target", true), sentence)
}

/// The answer of last resort is missing.
pub(crate) fn time_not_believed(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    let sentence = "time does not count as evidence: what is held waits without limit for other \
                    evidence, and if none comes, for the administrator's word (nvme-fence release)";
    counts(subsystem, ("time", false), sentence)
}

/// The array can reset what is lost, and is not asked to.
pub(crate) fn ccr_not_believed(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    let can = |path: &PathFacts, can: fn(&Ccr) -> bool| path.ccr.as_ref().is_some_and(can);
    let is_source_of = |impacted: &PathFacts| {
        let mut others = subsystem.live().filter(|path| path.name != impacted.name);
        others.any(|path| can(path, |ccr| ccr.ccrl != 0))
    };
    // Also one that is lost just now.
    let mut paths = subsystem.paths.iter();
    let is_offered = paths.any(|path| can(path, |ccr| ccr.ciu != 0) && is_source_of(path));
    let sentence =
        "the array offers Cross-Controller Reset, which ends the wait for a lost path in \
                    the time of a reset, but it does not count as evidence, and is not asked for";
    match is_offered {
        true => counts(subsystem, ("ccr", false), sentence),
        false => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::told;
    use super::*;
    use crate::sysfs::words::Words;

    type Rule = fn(&HostFacts, &SubsystemFacts) -> Vec<Told>;

    /// Sets what counts.
    fn set(evidence: &str) -> impl Fn(&mut SubsystemFacts) + '_ {
        move |subsystem| subsystem.knobs.as_mut().unwrap().evidence = Words::parse(evidence)
    }

    #[test]
    fn what_is_wrong_can_be_undone() {
        let cases: [(&str, Rule, &str); 5] = [
            (
                "[ccr] [time] [notification]",
                notification_believed,
                "-notification",
            ),
            (
                "[ccr] [time] [reconnect-by-id]",
                reconnect_by_id_believed,
                "-reconnect-by-id",
            ),
            ("[ccr] [time] [target]", target_believed, "-target"),
            ("[ccr] time", time_not_believed, "+time"),
            ("ccr [time]", ccr_not_believed, "+ccr"),
        ];
        for (evidence, rule, change) in cases {
            let told_of = told(rule, set(evidence));
            let command = format!("nvme-fence config nvme-subsys0 --evidence {change}");
            assert_eq!(told_of[0].command, command);
            assert_eq!(told_of.len(), 1);
            // It has no consequences.
            let told_of = told(rule, |subsystem| {
                set(evidence)(subsystem);
                subsystem.knobs.as_mut().unwrap().hold = Words::parse("all [none]");
            });
            assert_eq!(told_of, [], "{evidence}");
        }
    }

    #[test]
    fn the_strict_reconnect_is_not_the_other() {
        let told = told(reconnect_by_id_believed, set("[reconnect] reconnect-by-id"));
        assert_eq!(told, []);
    }

    #[test]
    fn a_reset_needs_two_controllers() {
        let without = |spoil: fn(&mut SubsystemFacts)| {
            told(ccr_not_believed, |subsystem| {
                set("ccr [time]")(subsystem);
                spoil(subsystem);
            })
        };
        assert_eq!(without(|_| ()).len(), 1);
        // One resets the other, but not the other way round.
        let one_way = without(|subsystem| {
            subsystem.paths[0].ccr = Some(Ccr { ciu: 0, ccrl: 1 });
            subsystem.paths[1].ccr = Some(Ccr { ciu: 1, ccrl: 0 });
        });
        assert_eq!(one_way.len(), 1);
        // One that is lost can be reset.
        let lost = without(|subsystem| subsystem.paths[0].state = "connecting".to_owned());
        assert_eq!(lost.len(), 1);
        let all = |subsystem: &mut SubsystemFacts, ciu, ccrl| {
            for path in &mut subsystem.paths {
                path.ccr = Some(Ccr { ciu, ccrl });
            }
        };
        for spoil in [
            |subsystem: &mut SubsystemFacts| drop(subsystem.paths.pop()),
            |subsystem: &mut SubsystemFacts| {
                for path in &mut subsystem.paths {
                    path.state = "connecting".to_owned();
                }
            },
            |subsystem: &mut SubsystemFacts| subsystem.paths[0].ccr = None,
        ] {
            assert_eq!(without(spoil), []);
        }
        for (ciu, ccrl) in [(0, 4), (3, 0)] {
            let told = told(ccr_not_believed, |subsystem| {
                set("ccr [time]")(subsystem);
                all(subsystem, ciu, ccrl);
            });
            assert_eq!(told, []);
        }
    }
}
