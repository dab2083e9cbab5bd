// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence trace`: the module's trace events, live, recorded, and explained.
//!
//! All of it works on the text of the trace. [`mod@line`] takes a line apart, [`event`] gives it a
//! type; [`instance`], [`news`] and [`follow`] get the text out of the kernel; [`collect`] puts the
//! events of a record together; [`surroundings`] knows what the names in it mean.

mod by_device;
mod collect;
mod deadline;
mod describe;
mod event;
pub(crate) mod export;
mod follow;
mod history;
pub(crate) mod instance;
mod line;
pub(crate) mod live;
mod news;
pub(crate) mod record;
pub(crate) mod report;
mod surroundings;
mod timeline;
