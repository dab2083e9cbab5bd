// SPDX-License-Identifier: GPL-2.0

//! Who is who: what names associations and controllers, on the wire and within the host.

use core::fmt;

/// Names an association within the host: a later one has a greater number, and none has that of
/// another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AssociationId(pub u64);

/// Names a controller of the host, of which there can be one association at a time. One that is
/// removed and connected again is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControllerId(pub u64);

/// What identifies an association within its subsystem, on the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Controller ID.
    pub cntlid: u16,
    /// Controller Instance Uniquifier (TP8028), 0 if not supported.
    pub ciu: u8,
    /// Controller Instance Random Number (TP8028), 0 if not supported. A secret: whoever knows it can
    /// reset the controller.
    pub cirn: u64,
}

impl Identity {
    /// What log pages call it.
    pub const fn name(&self) -> Name {
        Name {
            icid: self.cntlid,
            ciu: self.ciu,
        }
    }

    /// Whether it says which instance of the controller it is. A controller that can be reset through
    /// another one has to support both CIU and CIRN (Base Specification 2.3): without a CIRN, the
    /// command could be about any instance of that name.
    pub const fn is_of_one_instance(&self) -> bool {
        self.ciu != 0 && self.cirn != 0
    }
}

/// All but the secret: what is printed may end in a log that everybody can read.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("cntlid", &self.cntlid)
            .field("ciu", &self.ciu)
            .finish_non_exhaustive()
    }
}

/// What a log page calls an instance of a controller. Others may have had the same name, or have it:
/// it has no CIRN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// Controller ID.
    pub icid: u16,
    /// Controller Instance Uniquifier.
    pub ciu: u8,
}
