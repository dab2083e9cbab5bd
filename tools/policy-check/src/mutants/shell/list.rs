// SPDX-License-Identifier: GPL-2.0-only

//! The mutants of the shell.

use super::super::list::Mutant;
use std::fmt;

/// A variant of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scene {
    /// Its file, without `.sh`.
    pub scenario: &'static str,
    /// One of its variants that are for the kernel `fence`.
    pub variant: &'static str,
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.scenario, self.variant)
    }
}

/// A small change of the module's own Rust.
#[derive(Clone, Copy, Debug)]
pub struct ShellMutant {
    /// The change, in `drivers/nvme/host/fence`.
    pub change: Mutant,
    /// What has to notice it.
    pub scene: Scene,
}

/// All mutants of the shell.
pub fn all() -> &'static [ShellMutant] {
    ALL
}

const fn scene(scenario: &'static str, variant: &'static str) -> Scene {
    Scene { scenario, variant }
}

const ALL: &[ShellMutant] = &[
    // What nvme-core calls.
    ShellMutant {
        change: Mutant {
            name: "loss-is-disabled",
            what: "that an association is lost is told as that its controller was disabled",
            file: "sys/hooks.rs",
            from: "raw::nvme_fence_event_NVME_FENCE_LOST => Input::Lost,",
            to: "raw::nvme_fence_event_NVME_FENCE_LOST => Input::Disabled,",
        },
        scene: scene("01-ghost-write-io-timeout", "fence"),
    },
    ShellMutant {
        change: Mutant {
            name: "disabled-dropped",
            what: "that a controller was disabled is not told",
            file: "sys/hooks.rs",
            from: "raw::nvme_fence_event_NVME_FENCE_DISABLED => Input::Disabled,",
            to: "raw::nvme_fence_event_NVME_FENCE_DISABLED => return,",
        },
        scene: scene("12-controller-disabled", "fence"),
    },
    ShellMutant {
        change: Mutant {
            name: "resumed-dropped",
            what: "that a controller has become LIVE is not told",
            file: "sys/hooks.rs",
            from: "raw::nvme_fence_event_NVME_FENCE_RESUMED => Input::Resumed,",
            to: "raw::nvme_fence_event_NVME_FENCE_RESUMED => return,",
        },
        scene: scene("60-ccr", "fence"),
    },
    ShellMutant {
        change: Mutant {
            name: "removal-dropped",
            what: "that a controller is removed is not told",
            file: "sys/hooks.rs",
            from: "attached.controller().handle(Input::Removed);",
            to: "drop(attached);",
        },
        scene: scene("07-admin-release", "removed"),
    },
    ShellMutant {
        change: Mutant {
            name: "all-sent",
            what: "a command that was never sent is told as one that was",
            file: "sys/hooks.rs",
            from: "sent: self.0.sent,",
            to: "sent: true,",
        },
        scene: scene("05-never-sent", "fence"),
    },
    ShellMutant {
        change: Mutant {
            name: "discard-is-a-read",
            what: "a discard is told as a read",
            file: "sys/hooks.rs",
            from: "b::req_op_REQ_OP_DISCARD => Kind::Deallocate,",
            to: "b::req_op_REQ_OP_DISCARD => Kind::Read,",
        },
        scene: scene("36-other-commands", "discard"),
    },
    ShellMutant {
        change: Mutant {
            name: "clocks-mixed-up",
            what: "the last command of any kind is told as the last Keep Alive",
            file: "sys/hooks.rs",
            from: "keep_alive: Nanos(clocks.keep_alive_ns),",
            to: "keep_alive: Nanos(clocks.sent_ns),",
        },
        scene: scene("24-keep-alive-set", "sent"),
    },
    ShellMutant {
        change: Mutant {
            name: "drained-dropped",
            what: "that what was held has been sent on is not told",
            file: "sys/hooks.rs",
            from: "unsafe { handle(data) }.drained();",
            to: "let _ = unsafe { handle(data) };",
        },
        scene: scene("07-admin-release", "fence"),
    },
    ShellMutant {
        change: Mutant {
            name: "event-dropped",
            what: "the event that a reset is over is told as that of lost hosts",
            file: "sys/hooks.rs",
            from: "        Input::ResetCompleted\n",
            to: "        Input::HostLost\n",
        },
        scene: scene("70-ccr-answers", "accepted"),
    },
    ShellMutant {
        change: Mutant {
            name: "answer-of-another",
            what: "the answer to a reset is told as that of the association made next",
            file: "sys/ccr.rs",
            from: "AssociationId(cookie as u64)",
            to: "AssociationId(cookie as u64 + 1)",
        },
        scene: scene("70-ccr-answers", "immediate"),
    },
    // The clock.
    ShellMutant {
        change: Mutant {
            name: "timer-late",
            what: "the timer is set a second too late",
            file: "sys/clock.rs",
            from: "nvme_fence_clock_arm(self.raw.get(), at.0)",
            to: "nvme_fence_clock_arm(self.raw.get(), at.0 + 1_000_000_000)",
        },
        scene: scene("03-time-rule", "kato_5"),
    },
    ShellMutant {
        change: Mutant {
            name: "timer-not-set",
            what: "the timer is not set",
            file: "subsystem.rs",
            from: "self.clock.arm(deadline);",
            to: "let _ = deadline;",
        },
        scene: scene("01-ghost-write-io-timeout", "fence"),
    },
    ShellMutant {
        change: Mutant {
            name: "nobody-asks",
            what: "the work item that asks is not queued",
            file: "subsystem.rs",
            from: "        if state.policy.may_ask(&state.records) {\n            self.clock.ask();\n        }\n",
            to: "",
        },
        scene: scene("60-ccr", "fence"),
    },
    ShellMutant {
        change: Mutant {
            name: "moved-of-the-next",
            what: "that all has moved is told of the association made next",
            file: "handle.rs",
            from: "subsystem.handle(Input::Moved(self.association));",
            to: "subsystem.handle(Input::Moved(AssociationId(self.association.0 + 1)));",
        },
        scene: scene("28-target", "fence"),
    },
    ShellMutant {
        change: Mutant {
            name: "elsewhere-dropped",
            what: "that there is a path elsewhere is not told",
            file: "sys/hooks.rs",
            from: "elsewhere: self.0.elsewhere,",
            to: "elsewhere: false,",
        },
        scene: scene("28-target", "shared"),
    },
    ShellMutant {
        change: Mutant {
            name: "lost-host-dropped",
            what: "the event of lost hosts is told as that a reset is over",
            file: "sys/hooks.rs",
            from: "attached.controller().handle(if lost_host {",
            to: "attached.controller().handle(if false && lost_host {",
        },
        scene: scene("27-noticed", "event"),
    },
    // What is tracked.
    ShellMutant {
        change: Mutant {
            name: "nothing-copied",
            what: "controllers are not sent copies",
            file: "overlap.rs",
            from: "ctrl.copy_data(self.knobs().hold().tracks());",
            to: "ctrl.copy_data(false);",
        },
        scene: scene("28-overlap", "fence"),
    },
    ShellMutant {
        change: Mutant {
            name: "spliced-again",
            what: "what was not copied is told as what may be sent again",
            file: "sys/hooks.rs",
            from: "repeatable: self.0.repeatable,",
            to: "repeatable: true,",
        },
        scene: scene("28-overlap", "uncopied"),
    },
    ShellMutant {
        change: Mutant {
            name: "unheld-kept",
            what: "what can not be held is told as what can",
            file: "sys/hooks.rs",
            from: "holdable: self.0.holdable,",
            to: "holdable: true,",
        },
        scene: scene("28-passthrough", "fence"),
    },
    ShellMutant {
        change: Mutant {
            name: "not-repeated",
            what: "what is tracked is not sent again",
            file: "output.rs",
            from: "|record| record.assoc().repeat()",
            to: "|_| ()",
        },
        scene: scene("28-overlap", "fence"),
    },
    ShellMutant {
        change: Mutant {
            name: "repeated-dropped",
            what: "that what was tracked has been sent again is not told",
            file: "sys/hooks.rs",
            from: "unsafe { handle(data) }.repeated();",
            to: "let _ = unsafe { handle(data) };",
        },
        scene: scene("28-overlap", "fence"),
    },
    ShellMutant {
        change: Mutant {
            name: "nothing-overlaps",
            what: "new writes do not wait",
            file: "handle.rs",
            from: "if !state.check(self.association, &blocks, offered.bytes()) {",
            to: "if true {",
        },
        scene: scene("28-overlap", "chain"),
    },
    ShellMutant {
        change: Mutant {
            name: "begins-with-the-namespace",
            what: "a command is told as one that begins with the first block",
            file: "sys/hooks.rs",
            from: "Blocks::new(self.0.nsid, self.0.sector, self.0.sectors)",
            to: "Blocks::new(self.0.nsid, 0, self.0.sectors)",
        },
        scene: scene("28-overlap", "fence"),
    },
    // Records.
    ShellMutant {
        change: Mutant {
            name: "evidence-for-the-next",
            what: "evidence about an association lets go what is held for the one made next",
            file: "output.rs",
            from: "Output::Release(id, evidence) => release(state, id, evidence),",
            to: "Output::Release(id, evidence) => \
                 release(state, AssociationId(id.0 + 1), evidence),",
        },
        scene: scene("30-two-flaps", "fence"),
    },
    ShellMutant {
        change: Mutant {
            name: "held-for-the-next",
            what: "the policy is asked about a command as one of the association made next",
            file: "handle.rs",
            from: "state.hold(self.association, &command);",
            to: "state.hold(AssociationId(self.association.0 + 1), &command);",
        },
        scene: scene("01-ghost-write-io-timeout", "fence"),
    },
    ShellMutant {
        change: Mutant {
            name: "released-twice",
            what: "what was sent on is counted twice",
            file: "handle.rs",
            from: "counters.released.add(commands.into());",
            to: "counters.released.add(2 * u64::from(commands));",
        },
        scene: scene("01-ghost-write-io-timeout", "fence"),
    },
    // What is kept and counted.
    ShellMutant {
        change: Mutant {
            name: "fencing-not-kept",
            what: "what was fenced is not kept",
            file: "output.rs",
            from: "state.past().add(fencing);",
            to: "let _ = fencing;",
        },
        scene: scene("45-history", "fence"),
    },
    ShellMutant {
        change: Mutant {
            name: "fencing-not-told",
            what: "what was fenced is kept, and not said in the log",
            file: "requests.rs",
            from: "self.tell_fencings();",
            to: "if false {\n            self.tell_fencings();\n        }",
        },
        scene: scene("45-history", "fence"),
    },
    ShellMutant {
        change: Mutant {
            name: "closed-not-noted",
            what: "when an association was closed is not noted",
            file: "output.rs",
            from: "if record.association().is_closed() {",
            to: "if false {",
        },
        scene: scene("45-history", "fence"),
    },
    ShellMutant {
        change: Mutant {
            name: "totals-not-counted",
            what: "what controllers count is not counted for their subsystem",
            file: "controller.rs",
            from: "f(self.subsystem.totals());",
            to: "",
        },
        scene: scene("45-history", "fence"),
    },
];
