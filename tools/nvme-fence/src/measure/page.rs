// SPDX-License-Identifier: GPL-2.0
//! A page of the kernel's trace as `trace_pipe_raw` hands it out: binary, because text costs the
//! kernel more than a fast disk costs it for the command that the text is about, and has
//! microseconds only.
//!
//! What a page looks like is part of the kernel's interface: `events/header_page` describes its
//! head, and `events/header_event` the head of each entry.

use crate::units::Nanos;

/// The entries whose numbers say that they are none of an event.
const PADDING: u32 = 29;
/// A time that does not fit into the head of the next entry.
const TIME_EXTEND: u32 = 30;
/// A time that counts from the clock's beginning.
const TIME_STAMP: u32 = 31;

/// How many bits of time the head of an entry has.
const DELTA_BITS: u32 = 27;

/// In the number of bytes of a page: events before this page are missing.
const MISSED: u32 = 1 << 31;
/// And how many is written behind the last entry.
const MISSED_STORED: u32 = 1 << 30;

/// Where the parts of a page are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageLayout {
    /// Where the number of bytes of all entries is.
    bytes: usize,
    /// How long it is: as long as a `long` of the kernel.
    long: usize,
    /// Where the entries begin.
    data: usize,
}

/// What is no page.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the kernel's trace is not as it describes itself")]
pub(crate) struct Malformed;

impl PageLayout {
    /// Reads `events/header_page`.
    pub(crate) fn parse(text: &str) -> Result<Self, Malformed> {
        let part = |name: &str| super::format::field(text, name).ok_or(Malformed);
        let (bytes, data) = (part("commit")?, part("data")?);
        Ok(Self {
            bytes: bytes.offset,
            long: bytes.size,
            data: data.offset,
        })
    }

    /// Passes on the events of a page, with their times. Returns how many are missing before them,
    /// and when that is.
    pub(crate) fn events(
        self,
        page: &[u8],
        mut event: impl FnMut(Nanos, &[u8]),
    ) -> Result<(Nanos, u64), Malformed> {
        let begin = u64::from_ne_bytes(array(page, 0)?);
        let mut at = begin;
        let bytes = if self.long == 8 {
            // The upper half of it is never used.
            u64::from_ne_bytes(array(page, self.bytes)?) as u32
        } else {
            word(page, self.bytes)?
        };
        let length = (bytes & !(MISSED | MISSED_STORED)) as usize;
        let end = self.data + length;
        let data = page.get(self.data..end).ok_or(Malformed)?;
        let mut next = 0;
        while next < data.len() {
            let (kind, delta) = split(word(data, next)?);
            let first = |data| word(data, next + 4).map(u64::from);
            let size = match kind {
                // The rest of the page.
                PADDING if delta == 0 => break,
                // What was thrown away again.
                PADDING => first(data)? as usize,
                TIME_EXTEND => {
                    at = at.wrapping_add(delta + (first(data)? << DELTA_BITS));
                    4
                }
                TIME_STAMP => {
                    at = delta + (first(data)? << DELTA_BITS);
                    4
                }
                kind => {
                    at = at.wrapping_add(delta);
                    // What is long has its length in a word of its own.
                    let (begin, size) = match kind {
                        0 => (next + 8, first(data)? as usize),
                        words => (next + 4, words as usize * 4),
                    };
                    let payload = data.get(begin..next + 4 + size).ok_or(Malformed)?;
                    event(Nanos(at as i64), payload);
                    size
                }
            };
            next += 4 + size;
        }
        let missing = match bytes & (MISSED | MISSED_STORED) {
            0 => 0,
            // Nobody knows how many: at least one.
            MISSED => 1,
            _ if self.long == 8 => u64::from_ne_bytes(array(page, end)?),
            _ => word(page, end)?.into(),
        };
        Ok((Nanos(begin as i64), missing))
    }
}

/// Takes the head of an entry apart: what it is, and how much later than the one before.
fn split(head: u32) -> (u32, u64) {
    let (kind, delta) = if cfg!(target_endian = "little") {
        (head & 31, head >> 5)
    } else {
        (head >> DELTA_BITS, head & ((1 << DELTA_BITS) - 1))
    };
    (kind, delta.into())
}

/// The bytes at an offset.
fn array<const N: usize>(bytes: &[u8], offset: usize) -> Result<[u8; N], Malformed> {
    let bytes = bytes.get(offset..).and_then(<[u8]>::first_chunk);
    bytes.copied().ok_or(Malformed)
}

/// The word at an offset.
fn word(bytes: &[u8], offset: usize) -> Result<u32, Malformed> {
    array(bytes, offset).map(u32::from_ne_bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The description that a kernel of 64 bits gives. Made up after
    /// ring_buffer_print_page_header().
    pub(crate) const HEADER_PAGE: &str = "\
\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;
\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;
\tfield: char overwrite;\toffset:8;\tsize:1;\tsigned:1;
\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;
";

    /// The head of an entry.
    fn head(kind: u32, delta: u32) -> [u8; 4] {
        if cfg!(target_endian = "little") {
            kind | delta << 5
        } else {
            kind << DELTA_BITS | delta
        }
        .to_ne_bytes()
    }

    /// A page that begins at a time and has these entries.
    pub(crate) fn page(at: u64, flags: u32, entries: &[&[u8]], behind: &[u8]) -> Vec<u8> {
        let entries = entries.concat();
        let bytes = u64::from(entries.len() as u32 | flags);
        let mut page = [
            &at.to_ne_bytes()[..],
            &bytes.to_ne_bytes(),
            &entries,
            behind,
        ]
        .concat();
        page.resize(4096, 0);
        page
    }

    /// An entry of an event.
    pub(crate) fn entry(delta: u32, payload: &[u8]) -> Vec<u8> {
        assert_eq!(payload.len() % 4, 0);
        [&head(payload.len() as u32 / 4, delta)[..], payload].concat()
    }

    /// An event: when it was, and what is in it.
    type Found = (i64, Vec<u8>);

    /// The events of a page, and how many are missing.
    fn events(page: &[u8]) -> Result<(Vec<Found>, u64), Malformed> {
        let mut events = Vec::new();
        let layout = PageLayout::parse(HEADER_PAGE)?;
        let missing = layout.events(page, |at, payload| events.push((at.0, payload.to_vec())))?;
        assert_eq!(missing.0 .0 as u64, u64::from_ne_bytes(array(page, 0)?));
        Ok((events, missing.1))
    }

    #[test]
    fn times_add_up() {
        let word = |number: u32| number.to_ne_bytes();
        let long = [1; 200];
        let page = page(
            1000,
            0,
            &[
                &entry(5, b"four"),
                // What was thrown away takes no time.
                &head(PADDING, 1),
                &word(8),
                b"away",
                &head(TIME_EXTEND, 1),
                &word(2),
                &entry(0, b"and more"),
                &head(0, 1),
                &word(204),
                &long,
                &head(TIME_STAMP, 7),
                &word(100),
                &entry(0, b"last"),
                &head(PADDING, 0),
                b"not an entry",
            ],
            &[],
        );
        let extended = 1005 + 1 + (2 << 27);
        assert_eq!(
            events(&page),
            Ok((
                vec![
                    (1005, b"four".to_vec()),
                    (extended, b"and more".to_vec()),
                    (extended + 1, long.to_vec()),
                    (7 + (100 << 27), b"last".to_vec()),
                ],
                0
            ))
        );
    }

    #[test]
    fn what_is_missing_is_counted() {
        let one = entry(0, b"four");
        let missing = |flags, behind: &[u8]| events(&page(0, flags, &[&one], behind)).unwrap().1;
        assert_eq!(missing(0, &[]), 0);
        assert_eq!(missing(MISSED, &[]), 1);
        assert_eq!(missing(MISSED | MISSED_STORED, &7_u64.to_ne_bytes()), 7);
    }

    #[test]
    fn what_is_no_page_is_refused() {
        assert_eq!(PageLayout::parse("field: char data;"), Err(Malformed));
        assert_eq!(events(&[0; 12]), Err(Malformed));
        let mut page = page(0, 0, &[&entry(0, b"four")], &[]);
        page.truncate(20);
        assert_eq!(events(&page), Err(Malformed));
    }
}
