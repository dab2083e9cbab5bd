// SPDX-License-Identifier: GPL-2.0
//! How values are written for programs.

use serde::{Serialize, Serializer};

/// A number of which the kernel says 0 if there is none. To programs, none is `null`.
pub(crate) fn none_if_zero<T, S>(number: &T, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Default + PartialEq + Serialize,
    S: Serializer,
{
    match number {
        number if *number == T::default() => serializer.serialize_none(),
        number => number.serialize(serializer),
    }
}
