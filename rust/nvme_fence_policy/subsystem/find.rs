// SPDX-License-Identifier: GPL-2.0

//! Which association it is.

use super::Storage;
use crate::association::Association;
use crate::ccr::source::Source;
use crate::identity::{AssociationId, ControllerId};

/// The association with this controller that was made last.
fn newest<S: Storage>(
    associations: &mut S,
    controller: ControllerId,
) -> Option<&mut Association<S::Lent>> {
    associations
        .iter_mut()
        .filter(|one| one.controller() == controller)
        .last()
}

/// The association that a controller has. One that is closed it has no more.
pub(super) fn current<S: Storage>(
    associations: &mut S,
    controller: ControllerId,
) -> Option<&mut Association<S::Lent>> {
    newest(associations, controller).filter(|newest| !newest.is_closed())
}

/// What the association of this name does for others, if it is not discarded yet.
pub(super) fn find_source(
    associations: &mut impl Storage,
    id: AssociationId,
) -> Option<&mut Source> {
    associations.get_mut(id)?.source_mut()
}
