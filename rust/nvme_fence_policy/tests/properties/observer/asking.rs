// SPDX-License-Identifier: GPL-2.0

//! Who may be asked to reset whom.

use super::tries::Try;
use super::{check, Check, Observer, Record};
use nvme_fence_policy::ccr::TRIES_AT_ONCE;
use nvme_fence_policy::{AssociationId, Identity, Nanos};

impl Observer {
    /// `source` is asked to reset what has this identity.
    pub(crate) fn asked(
        &mut self,
        identity: &Identity,
        source: AssociationId,
        now: Nanos,
    ) -> Check {
        let mut named = self.records.iter().filter(|one| one.identity == *identity);
        let impacted = named.next().ok_or("asked for what is forgotten")?;
        let by = self.records.iter().find(|one| one.id == source);
        let by = by.ok_or("asked what is forgotten")?;
        self.may_ask(impacted, by, now)?;
        let id = impacted.id;
        let impacted = self.find(id).ok_or("it was there")?;
        impacted.tries.push(Try::new(source, now));
        Ok(())
    }

    /// What must be true when `source` is asked to reset `impacted`.
    fn may_ask(&self, impacted: &Record, source: &Record, now: Nanos) -> Check {
        check!(self.believes_resets, "asked for what does not count");
        check!(source.live, "asked what is not in use");
        check!(!source.silent, "asked what did not answer");
        let in_use = self.records.iter().filter(|one| one.live).count();
        let unanswered = |one: &Record| one.silent || (one.went_unanswered && !one.released);
        check!(
            in_use > 1 || !self.records.iter().any(unanswered),
            "asked on the last path, and it may not be answered"
        );
        check!(impacted.held > 0, "asked for nothing");
        check!(impacted.closed, "asked for what is not closed");
        check!(!impacted.released, "asked when there was evidence");
        check!(
            !impacted.refused.contains(&source.id),
            "asked again who has refused"
        );
        let identity = &impacted.identity;
        check!(identity.ciu != 0, "asked for what has no name");
        check!(identity.cirn != 0, "asked for what may be any instance");
        check!(
            identity.cntlid != source.identity.cntlid,
            "asked it to reset itself"
        );
        let hopeful = impacted.tries.iter().filter(|one| one.is_hopeful(now));
        check!(
            hopeful.count() < TRIES_AT_ONCE,
            "asked beside {TRIES_AT_ONCE} that are awaited"
        );
        let in_use = self
            .records
            .iter()
            .filter(|record| !record.released)
            .flat_map(|record| &record.tries)
            .filter(|one| one.source == source.id && one.uses_slot())
            .count();
        check!(
            in_use < usize::from(self.ccrl),
            "asked for {} at once, of {} (CCRL)",
            in_use + 1,
            self.ccrl
        );
        Ok(())
    }
}
