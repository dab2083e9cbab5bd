// SPDX-License-Identifier: GPL-2.0

//! The ranges that are tracked for one association, none of which overlaps another one.
//!
//! They are in a treap: a binary tree that is ordered by where the ranges lie, and in which no range
//! has more weight than the one above it. The weight of a slot is drawn at random, once and for all,
//! so the tree has the form that it would have if the ranges had been inserted in the order of their
//! weights, which is a random one: a way down has about 2 ln n steps. An order of writes that makes it
//! longer would cost time and nothing else.
//!
//! Ranges are never taken out one by one: what is tracked is forgotten when there is evidence, all at
//! once. So slots are used in their order, and to forget is to begin anew.

use super::blocks::Blocks;
use core::cmp::Ordering;

/// There can be at most so many ranges in a table, however many slots are lent to it.
pub const RANGES_MAX: usize = Link::NONE.0 as usize;

/// The number of a slot, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link(u16);

impl Link {
    const NONE: Self = Self(u16::MAX);

    /// Mixes the bits of the number until they look random. Two numbers never have the same weight,
    /// as each step can be undone.
    const fn weight(self) -> u32 {
        let mut mixed = self.0 as u32 + 1;
        let mut round = 0;
        while round < 3 {
            // 2^32 divided by the golden ratio: it spreads neighbours.
            mixed = mixed.wrapping_mul(0x9e37_79b1);
            mixed ^= mixed >> 15;
            round += 1;
        }
        mixed
    }
}

/// Room for one range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    blocks: Blocks,
    /// The tree of what lies before it.
    before: Link,
    /// The tree of what lies behind it.
    behind: Link,
}

impl Slot {
    /// Room that is not used.
    pub const FREE: Self = Self {
        blocks: Blocks::all(0),
        before: Link::NONE,
        behind: Link::NONE,
    };
}

/// Where a link is kept.
#[derive(Clone, Copy)]
enum Place {
    Root,
    Before(Link),
    Behind(Link),
}

/// Why a range was not inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It overlaps one that is in the table.
    Overlaps,
    /// There is no room for it.
    Full,
}

/// What is found in a table.
enum Found {
    /// This range is.
    Range(Blocks),
    Nothing,
    /// These are not the slots of the table: nobody knows what is tracked.
    Unknown,
}

/// The ranges that are tracked for one association. They are in slots that the caller lends, always
/// the same ones, or more with the same in the first ones, as long as there is anything in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    root: Link,
    used: u16,
    blocks: u64,
}

impl Table {
    /// Nothing is tracked.
    pub const EMPTY: Self = Self {
        root: Link::NONE,
        used: 0,
        blocks: 0,
    };

    /// Number of ranges.
    pub const fn ranges(&self) -> u16 {
        self.used
    }

    /// Number of blocks in all ranges.
    pub const fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Whether any of these blocks is in the table.
    pub fn overlaps(&self, slots: &[Slot], blocks: &Blocks) -> bool {
        !matches!(self.find(slots, blocks), Found::Nothing)
    }

    /// Whether all of these blocks are in one range of the table.
    pub fn covers(&self, slots: &[Slot], blocks: &Blocks) -> bool {
        match self.find(slots, blocks) {
            // Ranges do not overlap each other: in another one there is none of the blocks.
            Found::Range(range) => range.covers(blocks),
            Found::Nothing | Found::Unknown => false,
        }
    }

    /// A range that these blocks overlap.
    fn find(&self, slots: &[Slot], blocks: &Blocks) -> Found {
        let mut at = self.root;
        while at != Link::NONE {
            let Some(slot) = slots.get(usize::from(at.0)) else {
                return Found::Unknown;
            };
            at = match blocks.side_of(&slot.blocks) {
                Some(Ordering::Less) => slot.before,
                Some(Ordering::Greater) => slot.behind,
                Some(Ordering::Equal) | None => return Found::Range(slot.blocks),
            };
        }
        Found::Nothing
    }

    /// Inserts a range, unless it overlaps another one.
    pub fn insert(&mut self, slots: &mut [Slot], blocks: Blocks) -> Result<(), Refusal> {
        if self.overlaps(slots, &blocks) {
            return Err(Refusal::Overlaps);
        }
        let new = Link(self.used);
        if usize::from(new.0) >= slots.len().min(RANGES_MAX) {
            return Err(Refusal::Full);
        }
        self.used += 1;
        self.blocks = self.blocks.saturating_add(blocks.count());
        let mut tree = Tree {
            root: &mut self.root,
            slots,
        };
        tree.insert(new, blocks);
        Ok(())
    }
}

/// A tree that is being changed.
struct Tree<'a> {
    root: &'a mut Link,
    slots: &'a mut [Slot],
}

impl Tree<'_> {
    fn get(&self, link: Link) -> Option<&Slot> {
        self.slots.get(usize::from(link.0))
    }

    fn get_mut(&mut self, link: Link) -> Option<&mut Slot> {
        self.slots.get_mut(usize::from(link.0))
    }

    /// What hangs at this place.
    fn at(&self, place: Place) -> Link {
        let link = match place {
            Place::Root => Some(*self.root),
            Place::Before(above) => self.get(above).map(|slot| slot.before),
            Place::Behind(above) => self.get(above).map(|slot| slot.behind),
        };
        link.unwrap_or(Link::NONE)
    }

    /// Hangs a tree at this place.
    fn hang(&mut self, place: Place, link: Link) {
        let kept = match place {
            Place::Root => Some(&mut *self.root),
            Place::Before(above) => self.get_mut(above).map(|slot| &mut slot.before),
            Place::Behind(above) => self.get_mut(above).map(|slot| &mut slot.behind),
        };
        if let Some(kept) = kept {
            *kept = link;
        }
    }

    /// The side of this slot on which `blocks` belong, which do not overlap it.
    fn side(&self, link: Link, blocks: &Blocks) -> Place {
        let side = self.get(link).and_then(|slot| blocks.side_of(&slot.blocks));
        match side {
            Some(Ordering::Less) => Place::Before(link),
            Some(Ordering::Equal | Ordering::Greater) | None => Place::Behind(link),
        }
    }

    /// Uses a slot for these blocks, which overlap nothing, and puts it where it belongs.
    fn insert(&mut self, new: Link, blocks: Blocks) {
        if let Some(slot) = self.get_mut(new) {
            slot.blocks = blocks;
        }
        let mut place = Place::Root;
        let mut below = self.at(place);
        while below != Link::NONE && below.weight() > new.weight() {
            place = self.side(below, &blocks);
            below = self.at(place);
        }
        self.hang(place, new);
        self.split(below, new, &blocks);
    }

    /// Hangs what lies before `blocks` on one side of `new`, and what lies behind them on the other.
    fn split(&mut self, tree: Link, new: Link, blocks: &Blocks) {
        let (mut before, mut behind) = (Place::Before(new), Place::Behind(new));
        let mut rest = tree;
        while rest != Link::NONE {
            let side = self.side(rest, blocks);
            // The slot goes to one half with all on its far side; the rest is still to be split.
            match side {
                Place::Before(_) => {
                    self.hang(behind, rest);
                    behind = side;
                }
                Place::Behind(_) | Place::Root => {
                    self.hang(before, rest);
                    before = side;
                }
            }
            rest = self.at(side);
        }
        self.hang(before, Link::NONE);
        self.hang(behind, Link::NONE);
    }
}

#[cfg(test)]
mod tests;
