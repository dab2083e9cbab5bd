// SPDX-License-Identifier: GPL-2.0

//! What is around the state: the lock, the clock, and the threads that wait for something.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use super::control::ControlError;
use super::core::Core;
use crate::register::clock::now_ns;

/// See the module.
pub(super) struct Server {
    core: Mutex<Core>,
    /// Something may have changed.
    changed: Condvar,
    /// The next timer may be another one.
    timers_changed: Condvar,
}

impl Server {
    /// Starts the thread that waits for timers.
    pub(super) fn start(core: Core) -> Arc<Self> {
        let server = Arc::new(Server {
            core: Mutex::new(core),
            changed: Condvar::new(),
            timers_changed: Condvar::new(),
        });
        let for_timers = Arc::clone(&server);
        thread::spawn(move || for_timers.run_timers());
        server
    }

    /// Does something to the state.
    pub(super) fn with<T>(&self, action: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.lock();
        let deadline = core.timers.deadline_ns();
        let result = action(&mut core);
        self.announce(&mut core, deadline);
        result
    }

    /// Executes an operator's command, when it can be.
    pub(super) fn control(&self, line: &str) -> Result<Vec<String>, ControlError> {
        let mut core = self.lock();
        loop {
            core.now_ns = now_ns();
            let deadline = core.timers.deadline_ns();
            // A command that has to wait has done nothing, and there is nothing to announce: two
            // that wait would wake each other up for ever.
            if let Some(lines) = core.control(line)? {
                self.announce(&mut core, deadline);
                return Ok(lines);
            }
            core = self.changed.wait(core).expect("see lock()");
        }
    }

    fn run_timers(&self) {
        let mut core = self.lock();
        loop {
            core.now_ns = now_ns();
            if core.run_timers() {
                let deadline = core.timers.deadline_ns();
                self.announce(&mut core, deadline);
            }
            core = match core.timers.deadline_ns() {
                None => self.timers_changed.wait(core).expect("see lock()"),
                Some(deadline_ns) => {
                    let left = Duration::from_nanos(deadline_ns.saturating_sub(core.now_ns));
                    let waited = self.timers_changed.wait_timeout(core, left);
                    waited.expect("see lock()").0
                }
            };
        }
    }

    /// Something may have changed since the next timer was due at `deadline_before`.
    fn announce(&self, core: &mut Core, deadline_before: Option<u64>) {
        if let Some(error) = core.journal.take_error() {
            // A test that relies on the journal must not go on without it.
            eprintln!("ghost: cannot write the log: {error}");
            std::process::exit(2);
        }
        if core.timers.deadline_ns() != deadline_before {
            self.timers_changed.notify_one();
        }
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        let mut core = self.core.lock().expect("no holder of this lock panics");
        core.now_ns = now_ns();
        core
    }
}
