// SPDX-License-Identifier: GPL-2.0
//! What a controller has for Cross-Controller Resets: its `ciu` and `ccrl` attributes.

use anyhow::Result;
use serde::{Serialize, Serializer};
use std::fmt;
use std::path::Path;

use super::attribute;
use crate::json::none_if_zero;

/// The fields of Identify Controller that count. The third one, the CIRN, is a secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ccr {
    /// Controller instance uniquifier; 0 = the controller cannot be named, and so not be reset.
    pub(crate) ciu: u8,
    /// How many others it can reset at the same time; 0 = none.
    pub(crate) ccrl: u8,
}

impl Ccr {
    /// Reads them from a `fence/` directory.
    pub(crate) fn read(fence: &Path) -> Result<Option<Self>> {
        let ciu = attribute::read_optional_number(&fence.join("ciu"))?;
        let ccrl = attribute::read_optional_number(&fence.join("ccrl"))?;
        Ok(ciu.zip(ccrl).map(|(ciu, ccrl)| Self { ciu, ccrl }))
    }
}

/// The limit alone: the CIU is in the identity.
impl Serialize for Ccr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        none_if_zero(&self.ccrl, serializer)
    }
}

impl fmt::Display for Ccr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ciu {
            0 => write!(f, "cannot be reset by others (no CIU), ")?,
            ciu => write!(f, "can be reset by others (CIU {ciu}), ")?,
        }
        match self.ccrl {
            0 => write!(f, "resets none (CCRL 0)"),
            ccrl => write!(f, "resets up to {ccrl} at a time (CCRL)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_well() {
        for (ciu, ccrl, shown) in [
            (
                0,
                0,
                "cannot be reset by others (no CIU), resets none (CCRL 0)",
            ),
            (
                3,
                4,
                "can be reset by others (CIU 3), resets up to 4 at a time (CCRL)",
            ),
        ] {
            assert_eq!(Ccr { ciu, ccrl }.to_string(), shown);
        }
    }
}
