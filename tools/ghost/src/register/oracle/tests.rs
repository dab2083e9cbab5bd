// SPDX-License-Identifier: GPL-2.0

//! Properties of the oracle over random histories.
//!
//! A model register is driven by a random schedule: one writer, two readers, each operation taking
//! effect at one instant between its invocation and its return (that is what linearizable means),
//! and failed writes taking effect at any later time or never.

use proptest::prelude::*;

use super::*;

const READERS: usize = 2;

/// One step of a schedule. A step that makes no sense in the current state does nothing.
#[derive(Debug, Clone, Copy)]
enum Step {
    InvokeWrite,
    ExecuteWrite,
    AckWrite,
    FailWrite,
    /// The failed write with this index (modulo their number) is executed late.
    ExecuteUnknown(usize),
    InvokeRead(usize),
    ExecuteRead(usize),
    ReturnRead(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::InvokeWrite),
        3 => Just(Step::ExecuteWrite),
        3 => Just(Step::AckWrite),
        1 => Just(Step::FailWrite),
        1 => any::<usize>().prop_map(Step::ExecuteUnknown),
        4 => (0..READERS).prop_map(Step::InvokeRead),
        4 => (0..READERS).prop_map(Step::ExecuteRead),
        4 => (0..READERS).prop_map(Step::ReturnRead),
    ]
}

fn schedule() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 0..100)
}

/// A write as the model knows it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Write {
    None,
    Pending { executed: bool },
}

/// A read as the model knows it.
#[derive(Debug, Clone, Copy)]
struct Read {
    ticket: PendingRead,
    value: Option<u64>,
}

/// The model register, and the oracle that watches it.
struct Model {
    oracle: Register,
    now_ns: u64,
    value: u64,
    generation: u64,
    write: Write,
    acked: Vec<u64>,
    failed: Vec<u64>,
    /// Failed writes that may still be executed. A write is executed once at most.
    in_flight_for_ever: Vec<u64>,
    reads: [Option<Read>; READERS],
}

impl Model {
    fn new() -> Self {
        Model {
            oracle: Register::formatted(0),
            now_ns: 0,
            value: 0,
            generation: 0,
            write: Write::None,
            acked: vec![0],
            failed: Vec::new(),
            in_flight_for_ever: Vec::new(),
            reads: [None; READERS],
        }
    }

    /// Takes one step; the oracle's verdict if that step ended a read.
    fn take(&mut self, step: Step) -> Result<(), Violation> {
        self.now_ns += 1;
        match (step, self.write) {
            (Step::InvokeWrite, Write::None) => {
                self.generation += 1;
                self.oracle.invoke_write(self.generation);
                self.write = Write::Pending { executed: false };
            }
            (Step::ExecuteWrite, Write::Pending { executed: false }) => {
                self.value = self.generation;
                self.write = Write::Pending { executed: true };
            }
            (Step::AckWrite, Write::Pending { executed: true }) => {
                self.oracle.ack_write(self.now_ns);
                self.acked.push(self.generation);
                self.write = Write::None;
            }
            (Step::FailWrite, Write::Pending { executed }) => {
                self.oracle.fail_write();
                self.failed.push(self.generation);
                if !executed {
                    self.in_flight_for_ever.push(self.generation);
                }
                self.write = Write::None;
            }
            (Step::ExecuteUnknown(index), _) if !self.in_flight_for_ever.is_empty() => {
                let index = index % self.in_flight_for_ever.len();
                self.value = self.in_flight_for_ever.swap_remove(index);
            }
            (Step::InvokeRead(reader), _) if self.reads[reader].is_none() => {
                let ticket = self.oracle.invoke_read();
                self.reads[reader] = Some(Read {
                    ticket,
                    value: None,
                });
            }
            (Step::ExecuteRead(reader), _) => {
                if let Some(read) = &mut self.reads[reader] {
                    read.value.get_or_insert(self.value);
                }
            }
            (Step::ReturnRead(reader), _) => {
                if let Some(Read {
                    ticket,
                    value: Some(value),
                }) = self.reads[reader]
                {
                    self.reads[reader] = None;
                    return self.oracle.return_read(ticket, value, self.now_ns);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The model when the schedule is over; no step of it may raise the alarm.
fn after(schedule: Vec<Step>) -> Result<Model, TestCaseError> {
    let mut model = Model::new();
    for step in schedule {
        prop_assert_eq!(model.take(step), Ok(()));
    }
    Ok(model)
}

proptest! {
    #[test]
    fn linearizable_histories_raise_no_alarm(schedule in schedule()) {
        after(schedule)?;
    }

    #[test]
    fn every_stale_read_raises_the_alarm(schedule in schedule()) {
        let model = after(schedule)?;
        let newest_acked = *model.acked.last().unwrap();
        for stale in model.acked.iter().copied().filter(|&old| old < newest_acked) {
            let mut oracle = model.oracle.clone();
            let read = oracle.invoke_read();
            let verdict = oracle.return_read(read, stale, model.now_ns);
            let is_ghost = matches!(verdict, Err(Violation::Ghost { .. }));
            prop_assert!(is_ghost);
        }
    }

    #[test]
    fn what_was_acknowledged_during_a_read_does_not_count_against_it(
        schedule in schedule(),
        later in schedule(),
    ) {
        let mut model = after(schedule)?;
        let read = model.oracle.invoke_read();
        let value_at_invocation = model.value;
        for step in later {
            prop_assert_eq!(model.take(step), Ok(()));
        }
        prop_assert_eq!(
            model.oracle.return_read(read, value_at_invocation, model.now_ns),
            Ok(())
        );
    }

    #[test]
    fn what_is_replaced_during_a_read_may_be_mixed(
        schedule in schedule(),
        later in schedule(),
    ) {
        let mut model = after(schedule)?;
        let read = model.oracle.invoke_read();
        let first = model.value;
        for step in later {
            prop_assert_eq!(model.take(step), Ok(()));
        }
        prop_assert!(model.oracle.allows_mixed_read(read, [first, model.value]));
    }

    #[test]
    fn a_stale_part_raises_the_alarm(schedule in schedule()) {
        let model = after(schedule)?;
        let newest_acked = *model.acked.last().unwrap();
        for stale in model.acked.iter().copied().filter(|&old| old < newest_acked) {
            let read = model.oracle.invoke_read();
            prop_assert!(!model.oracle.allows_mixed_read(read, [stale, model.generation]));
        }
    }

    #[test]
    fn the_future_raises_the_alarm(schedule in schedule(), ahead in 1u64..1000) {
        let mut model = after(schedule)?;
        let read = model.oracle.invoke_read();
        let generation = model.generation + ahead;
        let newest_invoked = model.generation;
        prop_assert_eq!(
            model.oracle.return_read(read, generation, model.now_ns),
            Err(Violation::NeverSubmitted { generation, newest_invoked })
        );
    }

    #[test]
    fn unknown_generations_are_always_allowed(schedule in schedule()) {
        let mut model = after(schedule)?;
        for generation in model.failed {
            let read = model.oracle.invoke_read();
            prop_assert_eq!(model.oracle.return_read(read, generation, model.now_ns), Ok(()));
        }
    }
}

#[test]
fn a_block_that_nobody_writes_is_not_mixed() {
    let mut register = Register::formatted(0);
    for generation in 1..=2 {
        register.invoke_write(generation);
        register.ack_write(generation);
    }
    let read = register.invoke_read();
    assert!(!register.allows_mixed_read(read, [1, 2]));
    register.invoke_write(3);
    assert!(register.allows_mixed_read(read, [2, 3]));
    assert!(!register.allows_mixed_read(read, [1, 3]));
    assert!(!register.allows_mixed_read(read, [2, 4]));
}

#[test]
fn a_stale_part_is_found_between_a_failed_write_and_the_newest() {
    let mut register = Register::formatted(0);
    register.invoke_write(1);
    register.fail_write();
    for generation in 2..=3 {
        register.invoke_write(generation);
        register.ack_write(generation);
    }
    let read = register.invoke_read();
    assert!(register.allows_mixed_read(read, [1, 3]));
    assert!(!register.allows_mixed_read(read, [1, 2, 3]));
}

#[test]
fn a_ghost_is_reported_with_what_contradicts_it() {
    let mut register = Register::formatted(0);
    for generation in 1..=4 {
        register.invoke_write(generation);
        register.ack_write(7_540_000_000);
    }
    let read = register.invoke_read();
    let violation = register.return_read(read, 1, 8_040_000_000).unwrap_err();
    assert_eq!(
        violation.to_string(),
        "read generation 1, but generation 4 was acknowledged at 7.540000000"
    );
}

#[test]
fn a_register_does_not_go_back_behind_what_a_read_returned() {
    let mut register = Register::formatted(0);
    register.invoke_write(1);
    let read = register.invoke_read();
    assert_eq!(register.return_read(read, 1, 10), Ok(()));

    let read = register.invoke_read();
    let floor = Floor {
        generation: 1,
        since_ns: 10,
        known_by: KnownBy::Observation,
    };
    assert_eq!(
        register.return_read(read, 0, 20),
        Err(Violation::Ghost {
            generation: 0,
            floor
        })
    );
}
