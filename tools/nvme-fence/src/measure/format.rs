// SPDX-License-Identifier: GPL-2.0
//! Where the fields of an event are. The kernel says so in `events/GROUP/NAME/format`, and it is
//! not the same in all kernels.

/// Where a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// Its first byte.
    pub(crate) offset: usize,
    /// How many it has.
    pub(crate) size: usize,
}

/// Finds a field in a description, of which `field:dev_t dev; offset:8; size:4; signed:0;` is a line.
pub(crate) fn field(format: &str, name: &str) -> Option<Field> {
    let of = |line: &str| {
        let mut parts = line
            .trim()
            .strip_prefix("field:")?
            .split(';')
            .map(str::trim);
        // An array has its length behind its name.
        let declared = parts.next()?.rsplit(' ').next()?.split('[').next()?;
        let mut number = |key: &str| parts.next()?.strip_prefix(key)?.parse().ok();
        let field = Field {
            offset: number("offset:")?,
            size: number("size:")?,
        };
        (declared == name).then_some(field)
    };
    format.lines().find_map(of)
}

/// The number by which entries say that they are of this event.
pub(crate) fn id(format: &str) -> Option<u16> {
    let id = format.lines().find_map(|line| line.strip_prefix("ID:"))?;
    id.trim().parse().ok()
}

impl Field {
    /// The field's value in an entry; `None` = the entry ends before it.
    pub(crate) fn number(self, entry: &[u8]) -> Option<u64> {
        let bytes = self.bytes(entry)?;
        Some(match self.size {
            2 => u16::from_ne_bytes(bytes.try_into().ok()?).into(),
            4 => u32::from_ne_bytes(bytes.try_into().ok()?).into(),
            8 => u64::from_ne_bytes(bytes.try_into().ok()?),
            _ => return None,
        })
    }

    /// The field's bytes in an entry.
    pub(crate) fn bytes(self, entry: &[u8]) -> Option<&[u8]> {
        entry.get(self.offset..self.offset.checked_add(self.size)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Linux 7.3 writes it, shortened.
    const FORMAT: &str = "\
name: block_bio_queue
ID: 412
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;

\tfield:dev_t dev;\toffset:8;\tsize:4;\tsigned:0;
\tfield:char rwbs[10];\toffset:28;\tsize:10;\tsigned:0;

print fmt: \"%d,%d %s\", ((unsigned int) ((REC->dev) >> 20))
";

    #[test]
    fn fields_are_found_by_their_whole_names() {
        let at = |offset, size| Some(Field { offset, size });
        assert_eq!(id(FORMAT), Some(412));
        assert_eq!(field(FORMAT, "dev"), at(8, 4));
        assert_eq!(field(FORMAT, "rwbs"), at(28, 10));
        assert_eq!(field(FORMAT, "type"), None);
        assert_eq!(id("name: x"), None);
    }

    #[test]
    fn numbers_have_their_sizes() {
        let entry = [1_u64.to_ne_bytes(), [0xff; 8]].concat();
        let number = |offset, size| Field { offset, size }.number(&entry);
        assert_eq!(number(0, 8), Some(1));
        assert_eq!(number(8, 4), Some(u32::MAX.into()));
        assert_eq!(number(8, 2), Some(u16::MAX.into()));
        assert_eq!(number(8, 3), None);
        assert_eq!(number(12, 8), None);
    }
}
