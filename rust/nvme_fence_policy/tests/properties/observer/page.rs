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

/// Reads the bytes once more, in another way.
pub(super) fn what_a_page_says(page: &[u8], identity: &Identity) -> Says {
    let mut says = Says::NotReset;
    for entry in 0..entries(page) {
        let at = 8 * (entry + 1);
        let icid = u16::from(page[at]) + 256 * u16::from(page[at + 1]);
        if icid == identity.cntlid && page[at + 2] == identity.ciu {
            match page[at + 6] {
                0 => return Says::Underway,
                1 => says = Says::Reset,
                _ => {}
            }
        }
    }
    says
}
