// SPDX-License-Identifier: GPL-2.0-only

//! Runs a model, and reports what it found.

use crate::model::{Action, State, Violation, World, narrate};
use serde::{Deserialize, Serialize};
use stateright::{Checker, HasDiscoveries, Model, Path};
use std::time::{Duration, Instant};

/// What became of a model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// States that were reached, those included that were reached before.
    pub states: usize,
    /// Different states.
    pub unique: usize,
    /// Length of the longest run, in steps.
    pub depth: usize,
    /// How long the search took.
    pub seconds: f64,
    /// What was found, unless everything holds.
    pub found: Option<Counterexample>,
}

/// How it can go wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Counterexample {
    /// What goes wrong.
    pub violation: Violation,
    /// The steps that lead there, in words.
    pub steps: Vec<String>,
}

/// How to search.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// Threads. With more than one, a counterexample need not be the shortest.
    pub threads: usize,
    /// Make sure that a counterexample is the shortest.
    pub shortest: bool,
}

/// Runs a model until something goes wrong, or there is nothing left to try.
pub fn check(world: &World, search: Search) -> Outcome {
    let start = Instant::now();
    let (states, unique, depth, mut found) = explore(world, search.threads, None);
    if search.shortest {
        // The search is breadth first, but stateright keeps the last discovery of a block of states.
        while let Some(path) = &found {
            let limit = path.clone().into_actions().len();
            match explore(world, 1, Some(limit)).3 {
                Some(shorter) => found = Some(shorter),
                None => break,
            }
        }
    }
    Outcome {
        states,
        unique,
        depth: depth.saturating_sub(1),
        seconds: rounded(start.elapsed()),
        found: found.map(|path| tell(world, path)),
    }
}

fn rounded(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100.0).round() / 100.0
}

/// One search, down to runs of less than `limit` steps.
fn explore(
    world: &World,
    threads: usize,
    limit: Option<usize>,
) -> (usize, usize, usize, Option<Path<State, Action>>) {
    let mut builder = world
        .clone()
        .checker()
        .threads(threads)
        .finish_when(HasDiscoveries::AnyFailures);
    if let Some(limit) = limit {
        // Stateright counts states, and does not look at the deepest.
        builder = builder.target_max_depth(limit + 1);
    }
    let checker = builder.spawn_bfs().join();
    let shortest = checker
        .discoveries()
        .into_values()
        .min_by_key(|path| path.clone().into_actions().len());
    (
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth(),
        shortest,
    )
}

fn tell(world: &World, path: Path<State, Action>) -> Counterexample {
    let violation = path.last_state().violation(&world.bounds);
    let states: Vec<_> = path.clone().into_states();
    let steps = path
        .into_actions()
        .into_iter()
        .zip(states.windows(2))
        .map(|(action, pair)| narrate(&pair[0], action, &pair[1]))
        .collect();
    Counterexample {
        violation: violation.expect("a counterexample ends with what is wrong"),
        steps,
    }
}
