// SPDX-License-Identifier: GPL-2.0

//! Little-endian numbers in a buffer. Offsets are fixed by the specification, so that one outside
//! the buffer is a mistake of the program: these functions panic.

/// A number that has a little-endian form.
pub trait Number: Sized {
    /// The number at `offset` of `buffer`.
    fn get(buffer: &[u8], offset: usize) -> Self;
    /// Puts the number at `offset` of `buffer`.
    fn put(self, buffer: &mut [u8], offset: usize);
}

macro_rules! number {
    ($($type:ty)*) => {$(
        impl Number for $type {
            fn get(buffer: &[u8], offset: usize) -> Self {
                let end = offset + size_of::<$type>();
                let bytes = buffer[offset..end].try_into().expect("the slice has this size");
                <$type>::from_le_bytes(bytes)
            }

            fn put(self, buffer: &mut [u8], offset: usize) {
                let bytes = self.to_le_bytes();
                buffer[offset..offset + bytes.len()].copy_from_slice(&bytes);
            }
        }
    )*};
}

number!(u8 u16 u32 u64);

/// The number at `offset`.
pub fn get<N: Number>(buffer: &[u8], offset: usize) -> N {
    N::get(buffer, offset)
}

/// Puts `number` at `offset`.
pub fn put<N: Number>(buffer: &mut [u8], offset: usize, number: N) {
    number.put(buffer, offset);
}

/// Puts text into a field of fixed size that is filled up with `fill`; what is too long is cut off.
pub fn put_text(field: &mut [u8], text: &str, fill: u8) {
    field.fill(fill);
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text.as_bytes()[..length]);
}

/// The text in a field that is filled up with zeros.
pub fn text(field: &[u8]) -> String {
    let length = field
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(field.len());
    String::from_utf8_lossy(&field[..length]).into_owned()
}

/// Numbers as people write them: decimal, or hexadecimal with `0x`.
pub fn parse_number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_little_endian() {
        let mut buffer = [0; 8];
        put(&mut buffer, 1, 0x1234_u16);
        assert_eq!(buffer, [0, 0x34, 0x12, 0, 0, 0, 0, 0]);
        assert_eq!(get::<u32>(&buffer, 0), 0x0012_3400);
        put(&mut buffer, 0, u64::MAX - 1);
        assert_eq!(get::<u64>(&buffer, 0), u64::MAX - 1);
    }

    #[test]
    fn text_is_filled_up_or_cut_off() {
        let mut field = [0xff; 4];
        put_text(&mut field, "ab", b' ');
        assert_eq!(&field, b"ab  ");
        put_text(&mut field, "abcdef", 0);
        assert_eq!(text(&field), "abcd");
        put_text(&mut field, "a", 0);
        assert_eq!(text(&field), "a");
    }

    #[test]
    fn numbers_are_decimal_or_hexadecimal() {
        assert_eq!(parse_number("12"), Some(12));
        assert_eq!(parse_number("0x1e"), Some(30));
        for bad in ["", "0x", "1e", "-1", "0x1g"] {
            assert_eq!(parse_number(bad), None, "{bad}");
        }
    }
}
