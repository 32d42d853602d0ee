//! From bytes to text: UTF-8 with or without a byte order mark, UTF-16 with one. Nothing else is guessed.

/// Why bytes are not text. Offsets count bytes of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Not valid UTF-8.
    Utf8 {
        /// The first byte that does not fit.
        offset: usize,
        /// Its value.
        byte: u8,
    },
    /// Begins with the mark of UTF-16 and is not valid UTF-16.
    Utf16 {
        /// The first unit that does not fit.
        offset: usize,
    },
    /// Holds a NUL character, which no text does.
    Binary {
        /// Where it is.
        offset: usize,
    },
}

impl DecodeError {
    /// The offset in the file.
    pub fn offset(self) -> usize {
        match self {
            Self::Utf8 { offset, .. } | Self::Utf16 { offset } | Self::Binary { offset } => offset,
        }
    }
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Utf8 { offset, byte } => write!(f, "the file is not UTF-8: byte 0x{byte:02x} at offset {offset}"),
            Self::Utf16 { offset } => write!(f, "the file is not valid UTF-16 at byte offset {offset}"),
            Self::Binary { offset } => write!(f, "the file is binary: a NUL at byte offset {offset}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// The character that begins a text as a mark of its encoding.
pub const BYTE_ORDER_MARK: char = '\u{feff}';

/// Makes text of the bytes of a file.
///
/// The mark of a UTF-8 text is kept as its first character, so that offsets into the text are offsets into the file;
/// that of a UTF-16 text is dropped, and offsets refer to the decoded text.
///
/// # Errors
///
/// The text that could be read, and where the bytes stop being text.
pub fn decode(bytes: Vec<u8>) -> Result<String, (String, DecodeError)> {
    let pair = |read: fn([u8; 2]) -> u16| decode_utf16(bytes.get(2..).unwrap_or_default(), read);
    match bytes.get(..2) {
        Some([0xff, 0xfe]) => return pair(u16::from_le_bytes),
        Some([0xfe, 0xff]) => return pair(u16::from_be_bytes),
        _ => {}
    }
    if let Some(offset) = bytes.iter().position(|byte| *byte == 0) {
        return Err((readable(&bytes, offset), DecodeError::Binary { offset }));
    }
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let byte = error.as_bytes().get(offset).copied().unwrap_or_default();
        (readable(error.as_bytes(), offset), DecodeError::Utf8 { offset, byte })
    })
}

/// The text before `offset`, so that a line can be named; empty where that is no text either.
fn readable(bytes: &[u8], offset: usize) -> String {
    bytes.get(..offset).and_then(|prefix| std::str::from_utf8(prefix).ok()).unwrap_or_default().to_owned()
}

fn decode_utf16(bytes: &[u8], read: fn([u8; 2]) -> u16) -> Result<String, (String, DecodeError)> {
    let (units, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    let mut offset = 2;
    for unit in char::decode_utf16(units.iter().map(|unit| read(*unit))) {
        match unit {
            Ok('\0') => return Err((text, DecodeError::Binary { offset })),
            Ok(character) => {
                text.push(character);
                offset += character.len_utf16() * 2;
            }
            Err(_) => return Err((text, DecodeError::Utf16 { offset })),
        }
    }
    if rest.is_empty() { Ok(text) } else { Err((text, DecodeError::Utf16 { offset })) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_choose_the_encoding() {
        assert_eq!(decode(b"\xff\xfeT\0 \0\xe9\0".to_vec()).unwrap(), "T é");
        assert_eq!(decode(b"\xfe\xff\0T".to_vec()).unwrap(), "T");
        assert_eq!(decode(b"\xef\xbb\xbfT".to_vec()).unwrap(), "\u{feff}T");
    }

    #[test]
    fn what_is_no_text_is_named_with_its_place() {
        assert_eq!(decode(b"ab\0".to_vec()).unwrap_err().1, DecodeError::Binary { offset: 2 });
        assert_eq!(decode(b"ab\x96".to_vec()).unwrap_err(), ("ab".into(), DecodeError::Utf8 { offset: 2, byte: 0x96 }));
        assert_eq!(decode(b"\xff\xfeT\0\0\xd8".to_vec()).unwrap_err().1, DecodeError::Utf16 { offset: 4 });
        assert_eq!(decode(b"\xff\xfeT\0x".to_vec()).unwrap_err().1, DecodeError::Utf16 { offset: 4 });
        assert_eq!(decode(b"\xff\xfe\0\0".to_vec()).unwrap_err().1, DecodeError::Binary { offset: 2 });
    }
}
