// SPDX-License-Identifier: GPL-2.0

//! Asks of controllers what the policy wants asked, and says what it wants said.
//!
//! One work item of each subsystem does that, one thing after the other, until there is nothing left;
//! it never waits for an answer.

use crate::subsystem::Subsystem;
use nvme_fence_policy::{Answer, Input, Question, Request};

impl Subsystem {
    /// Asks all that is to be asked, and says what is to be said. Called from the workqueue.
    pub(crate) fn ask(&self) {
        // Who is held waits for the former, and consoles are slow.
        self.ask_all();
        self.say();
    }

    /// Says what is to be said. Not to be called with a spinlock held.
    pub(crate) fn say(&self) {
        let warnings = core::mem::take(self.lock().warnings());
        warnings.say();
        self.tell_fencings();
    }

    fn ask_all(&self) {
        loop {
            let mut state = self.lock();
            let Some(Request { source, question }) = state.next_request() else {
                return;
            };
            let asked = state
                .record(source)
                .map(|record| (record.association().controller(), record.ctrl().cloned()));
            self.carry_out(state);
            let Some((source_controller, ctrl)) = asked else {
                return;
            };

            let sent = match (&ctrl, question) {
                (None, _) => false,
                (Some(ctrl), Question::Reset(identity, answer_ms)) => {
                    ctrl.send_reset(&identity, answer_ms, source).is_ok()
                }
                (Some(ctrl), Question::ReadLog(read)) => ctrl.read_log(&read, source).is_ok(),
            };
            if !sent {
                self.handle(match question {
                    Question::Reset(identity, _) => Input::Answered {
                        source,
                        source_controller,
                        identity,
                        answer: Answer::NotSent,
                    },
                    Question::ReadLog(_) => Input::LogNotSent { source },
                });
            }
        }
    }
}
