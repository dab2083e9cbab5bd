// SPDX-License-Identifier: GPL-2.0-only

//! A step in words.

use super::action::Action;
use super::service::{Ending, Reply, Retry};
use super::settings::Setting;
use super::state::{Place, State};
use std::fmt;

/// Says what a step was, and what the policy did in it.
pub fn narrate(before: &State, action: Action, after: &State) -> String {
    let mut text = before.describe(action);
    let writes = before.writes.iter().zip(&after.writes).enumerate();
    for (write, (old, new)) in writes {
        match (old.place, new.place) {
            (Place::InFlight(_), Place::Held(on)) => {
                let tracks = |state: &State| {
                    let record = state.links[usize::from(on)].record.as_ref();
                    record.is_some_and(|record| record.tracked & 1 << write != 0)
                };
                let verb = if tracks(after) { "tracks" } else { "holds" };
                text += &format!("; the policy {verb} write {}", write + 1);
            }
            (Place::Unissued | Place::Queued, Place::Held(on)) => {
                text += &format!("; write {} waits for association {on}", write + 1);
            }
            (Place::InFlight(_), Place::Queued) => {
                text += &format!("; the policy lets write {} pass", write + 1);
            }
            _ => {}
        }
    }
    for (on, (old, new)) in before.links.iter().zip(&after.links).enumerate() {
        use super::shell::Work;
        let work = |link: &super::state::Link| link.record.as_ref().map(|record| record.work);
        if work(old) == Some(Work::Idle) && work(new) == Some(Work::Queued) {
            text += &format!("; the policy releases what association {on} held");
        }
        let repeat = |link: &super::state::Link| link.record.as_ref().map(|record| record.repeat);
        if repeat(old) == Some(Work::Idle) && repeat(new) == Some(Work::Queued) {
            text += &format!("; the policy has sent again what association {on} tracks");
        }
    }
    format!("t={}: {text}", before.now)
}

impl State {
    fn describe(&self, action: Action) -> String {
        let number = |write: u8| write + 1;
        let block = |write: u8| self.writes[usize::from(write)].block;
        match action {
            Action::Tick => "a tick passes".into(),
            Action::Issue { write, block, on } => format!(
                "the application writes {n} to block {block} (write {n}); its path is association {on}",
                n = number(write)
            ),
            Action::Leave { write, on } => format!(
                "write {} leaves the host on association {on}",
                number(write)
            ),
            Action::Empty { on } => {
                format!("the host tells that nothing of association {on} is left in it")
            }
            Action::Repeat { on } => format!("what association {on} tracks goes out again"),
            Action::Repeated { on } => format!("association {on} has sent again what it tracks"),
            Action::Unload => "the module is unloaded".into(),
            Action::Expire { on } => {
                format!("nvme-core finds association {on} fenced by time, and releases it")
            }
            Action::ForeignWrite { write, block } => format!(
                "another host writes {n} to block {block} (write {n}), and that is done",
                n = number(write)
            ),
            Action::Alter { write } => format!(
                "the application changes the memory of write {}",
                number(write)
            ),
            Action::Send { write, on } => {
                format!("write {} goes to association {on}", number(write))
            }
            Action::KeepAlive { on } => format!("a Keep Alive is sent on association {on}"),
            Action::KeepAliveArrives { on } => {
                format!("the Keep Alive on association {on} arrives")
            }
            Action::Arrive { write, on } => format!(
                "write {} arrives at the controller of association {on}",
                number(write)
            ),
            Action::Execute { write, on } => format!(
                "write {n} executes on association {on}: block {} becomes {n}",
                block(write),
                n = number(write)
            ),
            Action::Answer { write, on } => format!(
                "the answer to write {} arrives on association {on}: acknowledged",
                number(write)
            ),
            Action::PeerCloses { on, connection } => {
                format!("the controller closes connection {connection} of association {on}")
            }
            Action::Forge { on, connection } => format!(
                "something in the network closes connection {connection} of association {on}, not the controller"
            ),
            Action::NoticeArrives { on, connection } => {
                format!(
                    "the host learns that connection {connection} of association {on} was closed"
                )
            }
            Action::FailSend { write, on } => format!(
                "write {} fails while it is sent on association {on}",
                number(write)
            ),
            Action::Lose { on } => format!("the host gives association {on} up"),
            Action::Resume { on } => format!("the host goes on to use association {on}"),
            Action::Cancel { on } => {
                format!("the host cancels what is in flight on association {on}")
            }
            Action::Disable { on } => {
                format!("the host disables the controller of association {on}")
            }
            Action::Close { on } => {
                format!("the host has closed the connections of association {on}")
            }
            Action::Remove { on } => format!(
                "controller {} is removed, and association {on} with it",
                self.links[usize::from(on)].controller
            ),
            Action::Delete { on } => format!(
                "the deletion of controller {} begins",
                self.links[usize::from(on)].controller
            ),
            Action::Reconnect { controller } => format!(
                "the host reconnects to controller {controller}: association {}",
                self.links.len()
            ),
            Action::Timeout => "the timer expires".into(),
            Action::SendOn { on } => format!("what association {on} held is sent on"),
            Action::Drained { on } => format!("association {on} is drained"),
            Action::AdminReleases { controller } => {
                format!("the administrator releases what controller {controller} has")
            }
            Action::AdminReleasesRemoved => {
                "the administrator releases what removed controllers have".into()
            }
            Action::Change { setting } => format!("the administrator sets {setting}"),
            Action::Choose => "the policy says what to ask".into(),
            Action::Ask => "it is asked".into(),
            Action::AskFails => "it cannot be asked".into(),
            Action::ResetArrives { source, of, reply } => format!(
                "association {source}: a command to reset association {of} arrives; the answer: {}",
                in_words(reply)
            ),
            Action::LateResetArrives { source, of } => format!(
                "association {source}, which is closed: a command to reset association {of} arrives"
            ),
            Action::ResetAnswered { source, of } => format!(
                "association {source}: the answer to the command about association {of} arrives"
            ),
            Action::ResetEnds { source, of, ending } => format!(
                "association {source}: the reset of association {of} {}",
                end_in_words(ending)
            ),
            Action::EventArrives { source } => {
                format!("association {source}: the event of a completed reset arrives")
            }
            Action::EventForged { source } => {
                format!("association {source}: an event arrives though no reset is over")
            }
            Action::EventLost { source } => {
                format!("association {source}: the event of a completed reset is lost")
            }
            Action::Move { block, to } => {
                format!("the array moves block {block} to controller {to}")
            }
            Action::Notices { on } => {
                format!(
                    "the controller of association {on} has lost touch with the host: it is listed"
                )
            }
            Action::LostHostEventArrives { source } => {
                format!("association {source}: the event of a host that was lost arrives")
            }
            Action::LostHostEventLost { source } => {
                format!("association {source}: the event of a host that was lost is lost")
            }
            Action::LogRead { source, foreign } => format!(
                "association {source}: the log page is read{}",
                if foreign {
                    ", with foreign entries"
                } else {
                    ""
                }
            ),
            Action::LogArrives { source } => {
                format!("association {source}: the log page arrives")
            }
            Action::LogFails { source } => {
                format!("association {source}: the log page is lost")
            }
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hold(hold) => write!(f, "hold to {}", hold.name()),
            Self::Believe(belief, true) => write!(f, "that {} counts", belief.name()),
            Self::Believe(belief, false) => write!(f, "that {} does not count", belief.name()),
            Self::Cqt(cqt) => write!(f, "CQT to {cqt}"),
        }
    }
}

fn in_words(reply: Reply) -> &'static str {
    match reply {
        Reply::Immediate => "it is reset",
        Reply::Accepted => "it will be reset",
        Reply::InProgress => "a reset is in progress",
        Reply::LogFull => "the log page is full",
        Reply::LimitExceeded => "no more resets at a time",
        Reply::Refused => "never",
        Reply::Failed => "an error",
    }
}

fn end_in_words(ending: Ending) -> String {
    let Ending::Failed(failure) = ending else {
        return "is complete".into();
    };
    let begun = if failure.noticed {
        " when it had begun"
    } else {
        ""
    };
    let retry = match failure.retry {
        Retry::Nowhere => "nowhere".into(),
        Retry::On(controller) => format!("on controller {controller}"),
        Retry::Elsewhere => "elsewhere".into(),
        Retry::Anywhere => "anywhere".into(),
    };
    format!("has failed{begun}; it is to be tried again {retry}")
}
