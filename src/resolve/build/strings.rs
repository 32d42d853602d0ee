//! Functions of text with constant arguments.
//!
//! Documentation: `https://learn.microsoft.com/kusto/query/<name>-function`. What depends on regular expressions, on case
//! beyond ASCII or on texts that no documentation states is not folded.

use super::{MAX_ITEMS, MAX_TEXT, convert};
use crate::plan::Value;

/// The value of a function of constants, if it is certain.
pub(super) fn call(name: &str, args: &[&Value]) -> Option<Value> {
    match (name, args) {
        ("strcat", args) => joined("", args),
        ("strcat_delim", [delimiter, args @ ..]) => joined(text(delimiter)?, args),
        ("strcat_array", [Value::Array(items), delimiter]) => {
            joined(text(delimiter)?, &items.iter().collect::<Vec<_>>())
        }
        ("tolower", [value]) => ascii(value).map(|text| Value::String(text.to_ascii_lowercase())),
        ("toupper", [value]) => ascii(value).map(|text| Value::String(text.to_ascii_uppercase())),
        ("reverse", [value]) => ascii(value).map(|text| Value::String(text.chars().rev().collect())),
        // Code points are counted.
        ("strlen", [value]) => i64::try_from(text(value)?.chars().count()).ok().map(Value::Long),
        ("string_size", [value]) => i64::try_from(text(value)?.len()).ok().map(Value::Long),
        ("substring", [value, start]) => substring(ascii(value)?, start, None),
        ("substring", [value, start, length]) => substring(ascii(value)?, start, Some(length)),
        ("indexof", [value, needle]) => {
            let (value, needle) = (ascii(value)?, ascii(needle)?);
            if needle.is_empty() {
                return None;
            }
            value.find(needle).map_or(Some(-1), |at| i64::try_from(at).ok()).map(Value::Long)
        }
        ("replace_string", [value, from, to]) => replaced(text(value)?, text(from)?, text(to)?),
        ("trim", [pattern, value]) => trimmed(text(pattern)?, text(value)?, true, true),
        ("trim_start", [pattern, value]) => trimmed(text(pattern)?, text(value)?, true, false),
        ("trim_end", [pattern, value]) => trimmed(text(pattern)?, text(value)?, false, true),
        ("split", [value, delimiter]) => parts(text(value)?, text(delimiter)?).map(Value::Array),
        ("split", [value, delimiter, Value::Long(index)]) => {
            let part = parts(text(value)?, text(delimiter)?)?.into_iter().nth(usize::try_from(*index).ok()?)?;
            Some(Value::Array(vec![part]))
        }
        ("base64_encode_tostring", [value]) => limited(base64_encode(text(value)?.as_bytes())),
        ("base64_decode_tostring", [value]) => String::from_utf8(base64_decode(text(value)?)?).ok().map(Value::String),
        ("url_decode", [value]) => url_decoded(text(value)?).map(Value::String),
        _ => None,
    }
}

/// The text, if the value is one.
fn text(value: &Value) -> Option<&str> {
    if let Value::String(text) = value { Some(text) } else { None }
}

/// The text, if the value is one of ASCII only.
fn ascii(value: &Value) -> Option<&str> {
    text(value).filter(|text| text.is_ascii())
}

fn limited(text: String) -> Option<Value> {
    (text.len() <= MAX_TEXT).then_some(Value::String(text))
}

fn joined(delimiter: &str, args: &[&Value]) -> Option<Value> {
    let mut all = String::new();
    for (index, value) in args.iter().enumerate() {
        if index > 0 {
            all.push_str(delimiter);
        }
        all.push_str(&convert::exact_text(value)?);
        if all.len() > MAX_TEXT {
            return None;
        }
    }
    Some(Value::String(all))
}

/// From a position counted from 0; a negative one counts from the end.
fn substring(text: &str, start: &Value, length: Option<&Value>) -> Option<Value> {
    let Value::Long(start) = start else { return None };
    let total = i64::try_from(text.len()).ok()?;
    let start = if *start < 0 { total.checked_add(*start).filter(|start| *start >= 0)? } else { (*start).min(total) };
    let end = match length {
        None => total,
        Some(Value::Long(length @ 0..)) => start.saturating_add(*length).min(total),
        Some(_) => return None,
    };
    let range = usize::try_from(start).ok()?..usize::try_from(end).ok()?;
    Some(Value::String(text.get(range)?.to_owned()))
}

fn replaced(text: &str, from: &str, to: &str) -> Option<Value> {
    if from.is_empty() {
        return None;
    }
    let growth = text.len() / from.len() * to.len();
    if text.len().saturating_add(growth) > 4 * MAX_TEXT {
        return None;
    }
    limited(text.replace(from, to))
}

/// `trim`: the pattern is a regular expression. Folded where it is a literal that stands at most once at an end, or
/// white space.
fn trimmed(pattern: &str, text: &str, start: bool, end: bool) -> Option<Value> {
    if pattern == r"\s+" {
        let ascii = text.is_ascii() && !text.contains('\u{b}');
        let text = if start { text.trim_start_matches(char::is_whitespace) } else { text };
        let text = if end { text.trim_end_matches(char::is_whitespace) } else { text };
        return ascii.then(|| Value::String(text.to_owned()));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || " -_/:;,@#%&=\"'<>~!".contains(c);
    if pattern.is_empty() || !pattern.chars().all(plain) {
        return None;
    }
    let mut rest = text;
    if start && let Some(shorter) = rest.strip_prefix(pattern) {
        rest = shorter;
    }
    if end && let Some(shorter) = rest.strip_suffix(pattern) {
        rest = shorter;
    }
    let again = (start && rest.starts_with(pattern)) || (end && rest.ends_with(pattern));
    (!again).then(|| Value::String(rest.to_owned()))
}

fn parts(text: &str, delimiter: &str) -> Option<Vec<Value>> {
    if delimiter.is_empty() {
        return None;
    }
    let parts: Vec<Value> =
        text.split(delimiter).take(MAX_ITEMS + 1).map(|part| Value::String(part.to_owned())).collect();
    (parts.len() <= MAX_ITEMS).then_some(parts)
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64_encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or_default());
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4usize {
            let six = (group >> (18 - 6 * digit)) & 63;
            let letter = BASE64.get(six as usize).copied().map_or('=', char::from);
            text.push(if digit <= chunk.len() { letter } else { '=' });
        }
    }
    text
}

/// Decodes canonical base64 with its padding; anything else gives `None`.
fn base64_decode(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in text.trim_end_matches('=').as_bytes().chunks(4) {
        let mut group = 0u32;
        for byte in chunk {
            let six = BASE64.iter().position(|letter| letter == byte)?;
            group = group << 6 | u32::try_from(six).ok()?;
        }
        let [_, first, second, third] = (group << (6 * (4 - chunk.len()))).to_be_bytes();
        bytes.extend_from_slice([first, second, third].get(..chunk.len().checked_sub(1)?)?);
    }
    // Only what encodes back to the same text is canonical.
    (base64_encode(&bytes) == text).then_some(bytes)
}

/// Percent-decoding. `+` is left alone by the documentation, so a text that holds one is not folded.
fn url_decoded(text: &str) -> Option<String> {
    if text.contains('+') {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let hex = std::str::from_utf8(rest.get(..2)?).ok()?;
        if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        rest = rest.get(2..)?;
    }
    String::from_utf8(bytes).ok()
}
