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
        if core.timers.deadline_ns() != deadline {
            self.timers_changed.notify_one();
        }
        self.finish(&mut core);
        result
    }

    /// Executes an operator's command, when it can be.
    pub(super) fn control(&self, line: &str) -> Result<Vec<String>, ControlError> {
        let mut core = self.lock();
        loop {
            core.now_ns = now_ns();
            let reply = core.control(line);
            self.timers_changed.notify_one();
            self.finish(&mut core);
            if let Some(lines) = reply? {
                return Ok(lines);
            }
            core = self.changed.wait(core).expect("see lock()");
        }
    }

    fn run_timers(&self) {
        let mut core = self.lock();
        loop {
            core.now_ns = now_ns();
            core.run_timers();
            self.finish(&mut core);
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

    fn finish(&self, core: &mut Core) {
        if let Some(error) = core.journal.take_error() {
            // A test that relies on the journal must not go on without it.
            eprintln!("ghost: cannot write the log: {error}");
            std::process::exit(2);
        }
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        let mut core = self.core.lock().expect("no holder of this lock panics");
        core.now_ns = now_ns();
        core
    }
}
