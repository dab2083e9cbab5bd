// SPDX-License-Identifier: GPL-2.0

//! What a release is founded on.

/// What proved that no command of an association can execute any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A Cross-Controller Reset of it succeeded.
    Ccr,
    /// The wait of TP4129 is over.
    Time,
    /// The host has a new association with another instance of the controller.
    Reconnect,
    /// The host has a new association with the same Controller ID.
    ReconnectById,
    /// CC.EN=0 was written and CSTS.RDY=0 was read back.
    Disabled,
    /// The array has moved all namespaces that something is held for to another port.
    Target,
    /// The administrator says so.
    Admin,
}

impl Evidence {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 7] = [
        Self::Ccr,
        Self::Time,
        Self::Reconnect,
        Self::ReconnectById,
        Self::Disabled,
        Self::Target,
        Self::Admin,
    ];

    /// The word that stands for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ccr => "ccr",
            Self::Time => "time",
            Self::Reconnect => "reconnect",
            Self::ReconnectById => "reconnect-by-id",
            Self::Disabled => "disabled",
            Self::Target => "target",
            Self::Admin => "admin",
        }
    }

    /// What `name` stands for.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|evidence| evidence.name() == name)
    }
}
