// SPDX-License-Identifier: GPL-2.0

//! What may be sent on, and what for.

use super::page::{what_a_page_says, Says};
use super::{check, Observer};
use nvme_fence_policy::{AssociationId, Evidence, Identity, Nanos};

/// What happens just now that may show that a controller was reset.
#[derive(Clone, Debug)]
pub(super) enum Proof {
    /// IRS=1 to a command that named this.
    Immediate(Identity),
    /// The log page of this source was read.
    Log(AssociationId, Vec<u8>),
}

impl Observer {
    /// There is evidence for an association. Returns how many commands are sent on.
    pub(crate) fn released(
        &mut self,
        id: AssociationId,
        evidence: Evidence,
        now: Nanos,
    ) -> Result<u32, String> {
        let proof = self.proof.clone();
        let reset = self.reset.clone();
        let believes_resets = self.believes_resets;
        let record = self.find(id).ok_or("released what is forgotten")?;
        check!(!record.released, "released twice");
        check!(record.held > 0, "released nothing");
        check!(
            record.closed || evidence == Evidence::Disabled,
            "released while it is in use"
        );
        record.released = true;
        let identity = record.identity;
        let proven = match evidence {
            Evidence::Time => record.due.is_some_and(|due| due <= now),
            Evidence::Ccr => {
                check!(believes_resets, "a reset does not count");
                check!(
                    reset.is_none_or(|reset| reset.contains(&identity.cirn)),
                    "{identity:?} was not reset"
                );
                match &proof {
                    None => false,
                    Some(Proof::Immediate(named)) => *named == identity,
                    Some(Proof::Log(source, page)) => {
                        let mut tries = record.tries.iter();
                        tries.any(|one| one.source == *source)
                            && what_a_page_says(page, &identity) == Says::Reset
                    }
                }
            }
            Evidence::Disabled => record.disabled,
            Evidence::Reconnect | Evidence::ReconnectById | Evidence::Target | Evidence::Admin => {
                false
            }
        };
        check!(proven, "{evidence:?} is no evidence: {proof:?}");
        let commands = std::mem::take(&mut record.held);
        self.fenced_by_reset += usize::from(evidence == Evidence::Ccr);
        Ok(commands)
    }
}
