// SPDX-License-Identifier: GPL-2.0

//! Arrays that arbitrate paths themselves.

use super::*;

/// A host that has lost A with a write, of an array that is said to arbitrate paths.
fn lost(elsewhere: bool) -> (Host, AssociationId, Vec<Output>) {
    let mut host = Host::with_two_paths();
    host.set_evidence(Beliefs::NONE.with(Belief::Time).with(Belief::Target));
    let id = host.current(A);
    host.handle(Input::Lost(A));
    let outputs = give_up(&mut host, id, elsewhere);
    host.close(A);
    (host, id, outputs)
}

/// A write is given up, with or without a usable path through another port.
fn give_up(host: &mut Host, id: AssociationId, elsewhere: bool) -> Vec<Output> {
    let write = Command { elsewhere, ..WRITE };
    let fate = host.subsystem.hold(&mut host.associations, id, &write);
    assert_eq!(fate, Fate::Hold);
    host.take_outputs()
        .into_iter()
        .filter(|output| matches!(output, Output::PathsShared(_)))
        .collect()
}

#[test]
fn what_has_moved_is_fenced() {
    let (mut host, id, outputs) = lost(false);
    assert_eq!(outputs, []);
    let outputs = host.handle(Input::Moved(id));
    assert_eq!(outputs, [Output::Release(id, Evidence::Target)]);
    // It may be told more than once.
    assert_eq!(host.handle(Input::Moved(id)), []);
}

#[test]
fn by_default_that_it_has_moved_proves_nothing() {
    let (mut host, id, _) = lost(false);
    host.set_evidence(Beliefs::DEFAULT);
    assert_eq!(host.handle(Input::Moved(id)), []);
}

#[test]
fn what_is_still_in_use_or_not_closed_has_not_moved_for_good() {
    let mut host = Host::with_two_paths();
    host.set_evidence(Beliefs::NONE.with(Belief::Time).with(Belief::Target));
    let id = host.current(A);
    give_up(&mut host, id, false);
    assert_eq!(host.handle(Input::Moved(id)), []);
    host.handle(Input::Lost(A));
    assert_eq!(host.handle(Input::Moved(id)), []);
    host.close(A);
    assert!(matches!(host.state(id), State::Fencing(_)));
    let outputs = host.handle(Input::Moved(id));
    assert_eq!(outputs, [Output::Release(id, Evidence::Target)]);
}

#[test]
fn an_array_with_a_usable_path_elsewhere_is_not_of_that_kind() {
    let (mut host, id, outputs) = lost(true);
    assert_eq!(outputs, [Output::PathsShared(id)]);
    assert_eq!(host.handle(Input::Moved(id)), []);

    // Nor does it count for others of the subsystem; that is not said again.
    let other = host.current(B);
    host.handle(Input::Lost(B));
    assert_eq!(give_up(&mut host, other, true), []);
    host.close(B);
    assert_eq!(host.handle(Input::Moved(other)), []);

    // Who writes a setting says that it is so from now on, not that it was.
    host.believe(Belief::Target);
    for id in [id, other] {
        assert_eq!(host.handle(Input::Moved(id)), []);
    }
}

#[test]
fn one_association_with_a_usable_path_elsewhere_is_enough() {
    let (mut host, id, _) = lost(false);
    let other = host.current(B);
    host.handle(Input::Lost(B));
    assert_eq!(
        give_up(&mut host, other, true),
        [Output::PathsShared(other)]
    );
    host.close(B);
    assert_eq!(host.handle(Input::Moved(id)), []);
    host.believe(Belief::Target);
    let outputs = host.handle(Input::Moved(id));
    assert_eq!(outputs, [Output::Release(id, Evidence::Target)]);
}

#[test]
fn a_path_that_was_usable_when_nobody_asked_for_that_counts_as_well() {
    let mut host = Host::with_two_paths();
    let id = host.current(A);
    host.handle(Input::Lost(A));
    assert_eq!(give_up(&mut host, id, true), []);
    host.close(A);
    host.set_evidence(Beliefs::NONE.with(Belief::Target));
    assert_eq!(host.handle(Input::Moved(id)), []);
}

#[test]
fn what_passes_says_nothing_about_the_array() {
    let mut host = Host::with_two_paths();
    host.believe(Belief::Target);
    let id = host.current(A);
    let read = Command {
        kind: Kind::Read,
        elsewhere: true,
        ..WRITE
    };
    host.subsystem.hold(&mut host.associations, id, &read);
    assert_eq!(host.take_outputs(), []);
}
