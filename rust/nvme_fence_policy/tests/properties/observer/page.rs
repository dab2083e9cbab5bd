// SPDX-License-Identifier: GPL-2.0

//! Log pages, read once more and in another way than by the policy.

use nvme_fence_policy::Identity;

/// What a log page says of an instance of a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    Reset,
    Underway,
    NotReset,
}

/// Has a log page all the entries that it says it has, and not more than it can have?
pub(super) fn is_whole(page: &[u8]) -> bool {
    page.len() >= 2 && entries(page) <= 511 && page.len() >= 8 * (entries(page) + 1)
}

fn entries(page: &[u8]) -> usize {
    usize::from(page[0]) + 256 * usize::from(page[1])
}

/// Where in a log page the entries are that are about an instance of a controller.
fn about<'a>(page: &'a [u8], identity: &'a Identity) -> impl Iterator<Item = usize> + 'a {
    (1..=entries(page))
        .map(|entry| 8 * entry)
        .filter(move |&at| {
            let icid = u16::from(page[at]) + 256 * u16::from(page[at + 1]);
            icid == identity.cntlid && page[at + 2] == identity.ciu
        })
}

/// Does a log page 1Fh list an instance of a controller?
pub(super) fn lists(page: &[u8], identity: &Identity) -> bool {
    identity.ciu != 0
        && (1..=entries(page)).map(|entry| 8 * entry).any(|at| {
            let cntlid = u16::from(page[at]) + 256 * u16::from(page[at + 1]);
            cntlid == identity.cntlid && page[at + 3] == identity.ciu
        })
}

/// Reads the bytes once more, in another way.
pub(super) fn what_a_page_says(page: &[u8], identity: &Identity) -> Says {
    let mut says = Says::NotReset;
    for at in about(page, identity) {
        match page[at + 6] {
            0 => return Says::Underway,
            1 => says = Says::Reset,
            _ => {}
        }
    }
    says
}

/// Does a log page say that a reset has failed when the controller had begun with it (CLRI)?
pub(super) fn says_noticed(page: &[u8], identity: &Identity) -> bool {
    let failed = about(page, identity).find(|at| page[at + 6] == 2);
    what_a_page_says(page, identity) == Says::NotReset
        && failed.is_some_and(|at| page[at + 7] & 2 == 2)
}
