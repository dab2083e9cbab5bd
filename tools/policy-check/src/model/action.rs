// SPDX-License-Identifier: GPL-2.0-only

//! What can happen in the model.

use super::service::{Ending, Reply};
use super::settings::Setting;

/// One step. `write` counts from 0, `on` is the number of an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A tick passes.
    Tick,
    /// The application writes, and the host sends it.
    Issue {
        /// Which write.
        write: u8,
        /// Where to.
        block: u8,
        /// The association that the host chooses.
        on: u8,
    },
    /// The host sends a write that has no path.
    Send {
        /// Which write.
        write: u8,
        /// The association that the host chooses.
        on: u8,
    },
    /// The host sends a Keep Alive command.
    KeepAlive {
        /// The association.
        on: u8,
    },
    /// A Keep Alive command arrives and is answered.
    KeepAliveArrives {
        /// The association.
        on: u8,
    },
    /// A write arrives at the controller.
    Arrive {
        /// Which write.
        write: u8,
        /// The association.
        on: u8,
    },
    /// The controller executes a write.
    Execute {
        /// Which write.
        write: u8,
        /// The association.
        on: u8,
    },
    /// The controller's answer arrives, and the application learns of it.
    Answer {
        /// Which write.
        write: u8,
        /// The association.
        on: u8,
    },
    /// The controller closes a connection.
    PeerCloses {
        /// The association.
        on: u8,
        /// Which connection of it.
        connection: u8,
    },
    /// Something in the network closes a connection, and says it was the controller.
    Forge {
        /// The association.
        on: u8,
        /// Which connection of it.
        connection: u8,
    },
    /// The host learns that a connection was closed.
    NoticeArrives {
        /// The association.
        on: u8,
        /// Which connection of it.
        connection: u8,
    },
    /// A write fails while it is being sent, so the association is broken.
    FailSend {
        /// Which write.
        write: u8,
        /// The association.
        on: u8,
    },
    /// The host gives an association up.
    Lose {
        /// The association.
        on: u8,
    },
    /// The host goes on to use it after all.
    Resume {
        /// The association.
        on: u8,
    },
    /// The host cancels what is in flight.
    Cancel {
        /// The association.
        on: u8,
    },
    /// The host disables the controller, and reads that it is.
    Disable {
        /// The association.
        on: u8,
    },
    /// The host has closed all connections.
    Close {
        /// The association.
        on: u8,
    },
    /// The controller is removed from the host, before anybody said that its association is closed.
    Remove {
        /// The association.
        on: u8,
    },
    /// Somebody has the controller deleted: the host does with it nothing else any more.
    Delete {
        /// The association.
        on: u8,
    },
    /// The host makes a new association with a controller.
    Reconnect {
        /// Which controller.
        controller: u8,
    },
    /// The timer of the module expires.
    Timeout,
    /// The work item of a record sends on what was held.
    SendOn {
        /// The association.
        on: u8,
    },
    /// A write leaves the host.
    Leave {
        /// Which write.
        write: u8,
        /// The association.
        on: u8,
    },
    /// The host tells that nothing of an association is left in it.
    Empty {
        /// The association.
        on: u8,
    },
    /// The work item of a record sends again what is tracked.
    Repeat {
        /// The association.
        on: u8,
    },
    /// The work item of a record has sent again what is tracked.
    Repeated {
        /// The association.
        on: u8,
    },
    /// The module is unloaded.
    Unload,
    /// After that, nvme-core finds that an association is fenced by time.
    Expire {
        /// The association.
        on: u8,
    },
    /// Another host writes, and that is done.
    ForeignWrite {
        /// Which write.
        write: u8,
        /// Where to.
        block: u8,
    },
    /// The application changes the memory of a write before that is done.
    Alter {
        /// Which write.
        write: u8,
    },
    /// The work item of a record ends.
    Drained {
        /// The association.
        on: u8,
    },
    /// The administrator sees to it that nothing can execute any more on the associations of a
    /// controller that the host has given up, and says so. One that lies only says so.
    AdminReleases {
        /// Which controller.
        controller: u8,
    },
    /// The same, of all controllers that are removed.
    AdminReleasesRemoved,
    /// The administrator changes a setting.
    Change {
        /// Which, and to what.
        setting: Setting,
    },
    /// The work item that asks is told what to ask.
    Choose,
    /// It sends that.
    Ask,
    /// It cannot be sent.
    AskFails,
    /// A Cross-Controller Reset command arrives, and is answered.
    ResetArrives {
        /// On which association.
        source: u8,
        /// Which association it names.
        of: u8,
        /// How.
        reply: Reply,
    },
    /// The command arrives when the host has closed the association that it was sent on.
    LateResetArrives {
        /// On which association.
        source: u8,
        /// Which association it names.
        of: u8,
    },
    /// The answer arrives.
    ResetAnswered {
        /// On which association.
        source: u8,
        /// Which association was named.
        of: u8,
    },
    /// A reset that was accepted is over.
    ResetEnds {
        /// Who was asked for it.
        source: u8,
        /// What was to be reset.
        of: u8,
        /// How it ends.
        ending: Ending,
    },
    /// The event that a reset is over arrives.
    EventArrives {
        /// On which association.
        source: u8,
    },
    /// An event arrives though no reset is over.
    EventForged {
        /// On which association.
        source: u8,
    },
    /// It is lost.
    EventLost {
        /// On which association.
        source: u8,
    },
    /// The array moves a block, which can be used through another controller from now on.
    Move {
        /// Which block.
        block: u8,
        /// The controller.
        to: u8,
    },
    /// A controller has noticed that it lost touch with the host, and others come to know it.
    Notices {
        /// The association.
        on: u8,
    },
    /// The event that others have lost touch with the host arrives.
    LostHostEventArrives {
        /// On which association.
        source: u8,
    },
    /// It is lost.
    LostHostEventLost {
        /// On which association.
        source: u8,
    },
    /// A log page is read.
    LogRead {
        /// On which association.
        source: u8,
        /// It also lists what was never asked for.
        foreign: bool,
    },
    /// The log page arrives.
    LogArrives {
        /// On which association.
        source: u8,
    },
    /// It is lost, or makes no sense.
    LogFails {
        /// On which association.
        source: u8,
    },
}
