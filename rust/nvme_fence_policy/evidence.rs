// SPDX-License-Identifier: GPL-2.0

//! What a release is founded on.

/// What proved that no command of an association can execute any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A Cross-Controller Reset of it succeeded.
    Ccr,
    /// The wait of TP4129 is over.
    Time,
    /// CC.EN=0 was written and CSTS.RDY=0 was read back.
    Disabled,
    /// The administrator says so.
    Admin,
}
