// SPDX-License-Identifier: GPL-2.0

//! Properties of Cross-Controller Resets, whatever sources answer and log pages say.

use crate::observer::{check, Check};
use crate::world::World;
use nvme_fence_policy::ccr::{RESULT_MS, TRIES_AT_ONCE};
use nvme_fence_policy::{Answer, Nanos};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

const CONTROLLERS: usize = 3;

/// One thing that happens. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    /// The time of the next deadline comes.
    Fire,
    /// A new association, with this instance number, of which it is not known yet whether it works.
    Identify(usize, u8),
    Resume(usize),
    /// A new association that works.
    Connect(usize, u8),
    /// The same, with a controller that has no CIRN.
    ConnectWithoutCirn(usize, u8),
    /// A write is cancelled, and the association given up.
    Lose(usize),
    /// The same, and it is closed.
    Break(usize),
    Hold(usize),
    /// The controller is disabled, and says so.
    Disable(usize),
    Close(usize),
    /// An outstanding command is answered with this status and dword 0.
    Answer(usize, u16, u32),
    /// The log page of an association is this, or cannot be read.
    Log(usize, Option<Vec<u8>>),
    Completed(usize),
    HostLost(usize),
    BelieveResets(bool),
}

/// Entries of which many are about associations that there are, in both log pages: where one has the
/// CIU, the other has something else.
fn entry() -> impl Strategy<Value = [u8; 8]> {
    let near = (1u8..=4, 0u8..=4, 0u8..=4, 1u8..=4, 0u8..=3, 0u8..=15).prop_map(
        |(icid, ciu, ciu_of_lost, acid, ccrs, ccrf)| {
            [icid, 0, ciu, ciu_of_lost, acid, 0, ccrs, ccrf]
        },
    );
    prop_oneof![4 => near, 1 => any::<[u8; 8]>()]
}

fn page() -> impl Strategy<Value = Vec<u8>> {
    let regular = prop::collection::vec(entry(), 0..6).prop_map(|entries| {
        let mut page = vec![entries.len() as u8, 0, 0, 0, 0, 0, 0, 0];
        page.extend(entries.concat());
        page
    });
    let full = entry().prop_map(|entry| {
        let mut page = vec![0xff, 1, 0, 0, 0, 0, 0, 0];
        page.extend(entry.repeat(511));
        page
    });
    prop_oneof![
        20 => regular,
        1 => full,
        2 => prop::collection::vec(any::<u8>(), 0..64),
    ]
}

fn status() -> impl Strategy<Value = u16> {
    prop_oneof![
        4 => Just(0),
        1 => Just(0x13f),
        1 => Just(0x140),
        1 => Just(0x141),
        1 => Just(0x002),
        1 => Just(0x007),
        1 => Just(0x371),
        1 => 0u16..0x800,
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let controller = || 0..CONTROLLERS;
    let dword = prop_oneof![2 => Just(0), 1 => Just(1), 1 => any::<u32>()];
    prop_oneof![
        2 => (0u64..1 << 32).prop_map(Step::Wait),
        4 => Just(Step::Fire),
        1 => (controller(), 0u8..4).prop_map(|(on, ciu)| Step::Identify(on, ciu)),
        1 => controller().prop_map(Step::Resume),
        3 => (controller(), 0u8..4).prop_map(|(on, ciu)| Step::Connect(on, ciu)),
        1 => (controller(), 1u8..4).prop_map(|(on, ciu)| Step::ConnectWithoutCirn(on, ciu)),
        2 => controller().prop_map(Step::Lose),
        3 => controller().prop_map(Step::Break),
        2 => controller().prop_map(Step::Hold),
        1 => controller().prop_map(Step::Disable),
        2 => controller().prop_map(Step::Close),
        9 => (any::<usize>(), status(), dword).prop_map(|(n, status, dword)| {
            Step::Answer(n, status, dword)
        }),
        9 => (any::<usize>(), prop::option::weighted(0.9, page()))
            .prop_map(|(n, page)| Step::Log(n, page)),
        1 => controller().prop_map(Step::Completed),
        1 => controller().prop_map(Step::HostLost),
        1 => any::<bool>().prop_map(Step::BelieveResets),
    ]
}

fn take(world: &mut World, step: Step) -> Check {
    match step {
        Step::Wait(nanos) => {
            world.now.0 += nanos;
            world.fire()
        }
        Step::Fire => match world.timer() {
            Some(next) => {
                world.now = next.max(world.now);
                world.fire()
            }
            None => Ok(()),
        },
        Step::Identify(controller, ciu) => world.identify(controller, ciu),
        Step::Resume(controller) => world.resume(controller),
        Step::Connect(controller, ciu) => {
            world.identify(controller, ciu)?;
            world.resume(controller)
        }
        Step::ConnectWithoutCirn(controller, ciu) => {
            world.identify_without_cirn(controller, ciu)?;
            world.resume(controller)
        }
        Step::Lose(controller) => {
            world.hold(controller)?;
            world.lose(controller)
        }
        Step::Break(controller) => {
            world.hold(controller)?;
            world.close(controller)
        }
        Step::Hold(controller) => world.hold(controller),
        Step::Disable(controller) => world.disable(controller),
        Step::Close(controller) => world.close(controller),
        Step::Answer(..) if world.commands.is_empty() => Ok(()),
        Step::Answer(number, status, dword) => {
            let command = number % world.commands.len();
            world.answer(command, Answer::decode(status, dword))
        }
        Step::Log(number, page) => {
            let reading = world.reading();
            match reading.get(number % reading.len().max(1)) {
                Some(id) => world.log_page(*id, page.as_deref()),
                None => Ok(()),
            }
        }
        Step::Completed(controller) => world.completed_event(controller),
        Step::HostLost(controller) => world.lost_host_event(controller),
        Step::BelieveResets(believes) => world.believe_resets(believes),
    }
}

/// Everything is closed, nobody answers any more, and time passes.
fn end(world: &mut World) -> Check {
    for controller in 0..CONTROLLERS {
        world.close(controller)?;
    }
    let mut fired = 0;
    while let Some(next) = world.timer() {
        world.now = next.max(world.now);
        world.fire()?;
        fired += 1;
        check!(fired < 1000, "the timer does not come to rest");
    }
    check!(world.observer.has_forgotten_all(), "some are held for ever");
    Ok(())
}

/// Returns how many records were fenced by resets, and how many controllers were listed by others.
fn live(ccrl: u8, history: Vec<Step>) -> Result<(usize, usize), String> {
    let mut world = World::with_lost_host_logs(CONTROLLERS, ccrl)?;
    for step in history {
        take(&mut world, step)?;
    }
    let (fenced, listed) = (world.observer.fenced_by_reset, world.observer.listed);
    end(&mut world)?;
    Ok((fenced, listed))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn only_a_reset_of_the_very_association_is_evidence_and_it_never_waits_longer(
        ccrl in 0u8..4,
        history in prop::collection::vec(step(), 1..80),
    ) {
        live(ccrl, history).map_err(TestCaseError::fail)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn who_does_not_help_is_not_asked_over_and_over(
        ccrl in 1u8..4,
        status in status(),
        page in prop::option::weighted(0.9, page()),
        event in any::<bool>(),
    ) {
        unhelpful(ccrl, status, page.as_deref(), event).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn resets_succeed_and_controllers_are_listed_in_many_histories() {
    let mut runner = TestRunner::deterministic();
    let histories = prop::collection::vec(step(), 1..80);
    let (mut fenced, mut listed) = (0, 0);
    for _ in 0..1000 {
        let history = histories.new_tree(&mut runner).unwrap().current();
        let of_this = live(2, history).unwrap();
        fenced += of_this.0;
        listed += of_this.1;
    }
    assert!(fenced > 100 && listed > 100, "{fenced} and {listed}");
}

#[test]
fn no_third_source_is_asked_while_two_are_awaited() {
    let going_on = [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0];
    let mut world = World::new(4, 1).unwrap();
    world.hold(0).unwrap();
    world.close_without_deadline(0).unwrap();
    let end = world.now.after_millis(RESULT_MS);
    while world.now < end {
        while !world.commands.is_empty() {
            world.answer(0, Answer::Accepted).unwrap();
        }
        for id in world.reading() {
            world.log_page(id, Some(&going_on)).unwrap();
        }
        assert!(world.resets <= TRIES_AT_ONCE, "at {:?}", world.now);
        let next = world.timer().unwrap();
        assert!(next > world.now, "the timer does not come to rest");
        world.now = next;
        world.fire().unwrap();
    }
    assert_eq!(world.resets, TRIES_AT_ONCE + 1);
}

#[test]
fn who_holds_most_is_reset_first() {
    let mut world = World::new(4, 1).unwrap();
    for (controller, writes) in [(1, 1), (2, 1), (3, 3)] {
        for _ in 0..writes {
            world.hold(controller).unwrap();
        }
        world.close_without_deadline(controller).unwrap();
    }
    for controller in [1, 3, 2] {
        // One at a time: the others wait for the answer.
        assert_eq!(world.commands.len(), 1);
        assert_eq!(world.commands[0].identity.cntlid, controller + 1);
        world.answer(0, Answer::Immediate).unwrap();
    }
}

/// One association is lost, and held for a minute: its source says the same thing again and again,
/// as fast as it is asked.
fn unhelpful(ccrl: u8, status: u16, page: Option<&[u8]>, event: bool) -> Check {
    const SECONDS: usize = 60;
    let mut world = World::with_lost_host_logs(2, ccrl)?;
    world.hold(0)?;
    world.close_without_deadline(0)?;
    check!(world.resets == 1, "a source is asked at once");
    let reads_before = world.log_reads;
    let end = world.now.after_millis(SECONDS as u64 * 1000);
    while world.now < end {
        // As fast as a source can be: a tenth of a millisecond.
        world.now.0 += 100_000;
        if !world.commands.is_empty() {
            world.answer(0, Answer::decode(status, 0))?;
        }
        for id in world.reading() {
            world.log_page(id, page)?;
        }
        if event && world.now.0 % 1_000_000_000 == 0 {
            world.completed_event(1)?;
        }
        let next = world.timer().unwrap_or(Nanos(u64::MAX));
        if world.commands.is_empty() && world.reading().is_empty() {
            world.now = world.now.max(next.min(end));
        }
        if next <= world.now {
            world.fire()?;
        }
        let (resets, reads) = (world.resets, world.log_reads - reads_before);
        check!(resets <= 3 * SECONDS, "{resets} resets in {SECONDS} s");
        check!(reads <= 5 * SECONDS, "{reads} log pages in {SECONDS} s");
    }
    Ok(())
}
