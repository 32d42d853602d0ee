//! Constants: what a literal's text stands for.
//!
//! Texts, numbers and `dynamic(…)` are decoded here; dates and time spans in [`super::time`]. A literal without a value
//! is noted as a fault and stands for a null, so that all of them are found in one reading.

use pest::iterators::Pair;

use super::{Builder, Built, Cursor, time};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{ScalarType, Value};
use crate::source::Span;
use crate::syntax::ast::ExprKind;
use crate::syntax::grammar::Rule;
use crate::syntax::guard::is_blank;

impl<'t> Builder<'t> {
    /// The decoded text of a `string` pair. See <https://learn.microsoft.com/kusto/query/scalar-data-types/string>.
    pub(super) fn string(&mut self, pair: &Pair<'t, Rule>) -> String {
        let written = pair.as_str();
        let plain = written.strip_prefix(['h', 'H']).unwrap_or(written);
        if let Some(verbatim) = plain.strip_prefix('@') {
            let quote = if verbatim.starts_with('"') { "\"" } else { "'" };
            let body = inside(verbatim, 1);
            return if body.contains(quote) { body.replace(&quote.repeat(2), quote) } else { body.to_owned() };
        }
        if plain.starts_with("```") || plain.starts_with("~~~") {
            return inside(plain, 3).to_owned();
        }
        let body = inside(plain, 1);
        if !body.contains('\\') {
            return body.to_owned();
        }
        unescape(body)
    }

    /// A number or a timespan with a unit.
    pub(super) fn number(&mut self, text: &str, span: Span) -> Value {
        match number(text) {
            Some(value) => value,
            None => self.bad_literal(span, text, ScalarType::Long),
        }
    }

    fn bad_literal(&mut self, span: Span, text: &str, ty: ScalarType) -> Value {
        let (message, help) = match ty {
            ScalarType::Datetime => (
                format!("`{text}` is not a datetime"),
                "write it as `datetime(2024-05-31)` or `datetime(2024-05-31T08:30:00Z)`",
            ),
            ScalarType::Timespan => {
                (format!("`{text}` is not a timespan"), "write it as `2d`, `1.5h`, `10m`, or `timespan(1.02:03:04)`")
            }
            ScalarType::Guid => {
                (format!("`{text}` is not a guid"), "write it as `guid(74be27de-1e4e-49d9-b579-fe0b331d3642)`")
            }
            ScalarType::Bool => (format!("`{text}` is not a bool"), "write `true` or `false`"),
            _ if text.bytes().all(|byte| byte.is_ascii_digit()) => (
                format!("the number `{text}` is too large"),
                "a `long` reaches 9223372036854775807; use `real(…)` or `decimal(…)`",
            ),
            _ => (
                format!("`{text}` is neither a number nor a timespan"),
                "the units of timespans are `d`, `h`, `m`, `s`, `ms`, `microsecond` and `tick`; a name that begins with a digit is written `['1st']`",
            ),
        };
        self.faults.push(Diagnostic::error(Code::BadLiteral, span, message).help(help));
        Value::Null(ty)
    }

    /// `int(5)`, `datetime(2024-05-31)`, `guid(…)`.
    pub(super) fn typed_literal(&mut self, pair: Pair<'t, Rule>, span: Span) -> Built<ExprKind> {
        let (ty, value) = self.typed_value(pair, span)?;
        Ok(if value.ty() == ty { ExprKind::Literal(value) } else { ExprKind::Typed { ty, value } })
    }

    fn typed_value(&mut self, pair: Pair<'t, Rule>, span: Span) -> Built<(ScalarType, Value)> {
        let mut inner = Cursor::of(pair);
        let (Some(ty), Some(text)) = (inner.next(), inner.next()) else { return Err(self.fault(span)) };
        let Some(ty) = ScalarType::from_name(ty.as_str()) else { return Err(self.fault(span)) };
        let place = self.span(&text);
        let spaced = text.as_str().replace(|c: char| !c.is_ascii() && is_blank(c), " ");
        let text = spaced.trim();
        let text = ['"', '\'']
            .into_iter()
            .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
            .map_or(text, str::trim);
        if text.is_empty() || text.eq_ignore_ascii_case("null") {
            return Ok((ty, Value::Null(ty)));
        }
        let value = match ty {
            ScalarType::Bool => match text.to_ascii_lowercase().as_str() {
                "true" => Some(Value::Bool(true)),
                "false" => Some(Value::Bool(false)),
                number => number.parse::<i64>().ok().map(|number| Value::Bool(number != 0)),
            },
            ScalarType::Datetime => time::datetime(text).map(Value::Datetime),
            ScalarType::Timespan => time::timespan(text).map(Value::Timespan),
            ScalarType::Guid => guid(text).map(Value::Guid),
            ScalarType::Int => integer(text).filter(|number| i32::try_from(*number).is_ok()).map(Value::Long),
            ScalarType::Long => integer(text).map(Value::Long),
            ScalarType::Real => real(text).map(Value::Real),
            ScalarType::Decimal => real(text).map(|_| Value::Decimal(text.to_owned())),
            ScalarType::Dynamic | ScalarType::String | ScalarType::Unknown => None,
        };
        let value = value.unwrap_or_else(|| self.bad_literal(place, text, ty));
        Ok((ty, value))
    }

    /// `dynamic(…)`. See <https://learn.microsoft.com/kusto/query/scalar-data-types/dynamic>.
    pub(super) fn dynamic_literal(&mut self, pair: Pair<'t, Rule>, span: Span) -> Built<ExprKind> {
        let value = self.json_value(&mut Cursor::of(pair), span)?;
        Ok(match value {
            Value::Array(_) | Value::Bag(_) | Value::Null(ScalarType::Dynamic) => ExprKind::Literal(value),
            value => ExprKind::Typed { ty: ScalarType::Dynamic, value },
        })
    }

    /// Adjacent texts.
    fn joined(&mut self, pair: Pair<'t, Rule>) -> String {
        pair.into_inner().map(|part| self.string(&part)).collect()
    }

    fn json_value(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Value> {
        let Some(pair) = cursor.next() else { return Err(self.fault(within)) };
        Ok(match pair.as_rule() {
            Rule::json_text => Value::String(self.joined(pair)),
            Rule::json_number => {
                let text = pair.as_str();
                let magnitude = text.trim_start_matches(['-', '+']);
                let span = self.span(&pair);
                match (text.starts_with('-'), self.number(magnitude, span)) {
                    (true, Value::Long(number)) => Value::Long(number.wrapping_neg()),
                    (true, Value::Real(number)) => Value::Real(-number),
                    (true, Value::Timespan(ticks)) => Value::Timespan(-ticks),
                    (_, value) => value,
                }
            }
            Rule::json_array => {
                let mut inner = Cursor::of(pair);
                let mut items = Vec::new();
                while inner.rule().is_some() {
                    items.push(self.json_value(&mut inner, within)?);
                }
                Value::Array(items)
            }
            Rule::json_object => {
                let mut inner = Cursor::of(pair);
                let mut entries = Vec::new();
                while let Some(pair) = inner.take(Rule::json_pair) {
                    let mut parts = Cursor::of(pair);
                    let Some(key) = parts.take(Rule::json_text) else { return Err(self.fault(within)) };
                    let key = self.joined(key);
                    entries.push((key, self.json_value(&mut parts, within)?));
                }
                Value::Bag(entries)
            }
            Rule::typed_literal => {
                let span = self.span(&pair);
                self.typed_value(pair, span)?.1
            }
            Rule::dynamic_literal => self.json_value(&mut Cursor::of(pair), within)?,
            Rule::json_word => match pair.as_str().to_ascii_lowercase().as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null(ScalarType::Dynamic),
                _ => {
                    let span = self.span(&pair);
                    let message = format!("`{}` is no value of a `dynamic` literal", pair.as_str());
                    let help = "put texts in quotes; use `pack_array()` or `bag_pack()` for values that are computed";
                    return Err(self.syntax(span, message, help));
                }
            },
            _ => return Err(self.fault(within)),
        })
    }
}

/// The text between fences of `fence` bytes.
fn inside(text: &str, fence: usize) -> &str {
    text.len().checked_sub(fence).and_then(|end| text.get(fence..end)).unwrap_or_default()
}

/// Resolves backslashes. An escape that KQL does not know is left as it is written.
fn unescape(body: &str) -> String {
    let mut text = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        text.push_str(rest.get(..at).unwrap_or_default());
        let escape = rest.get(at..).unwrap_or_default();
        let (decoded, length) = decode_escape(escape);
        match decoded {
            Some(c) => text.push(c),
            None => text.push_str(escape.get(..length).unwrap_or_default()),
        }
        rest = escape.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

/// The character that the escape at the start of `text` stands for, and the length of the escape.
fn decode_escape(text: &str) -> (Option<char>, usize) {
    let Some(kind) = text.chars().nth(1) else { return (None, text.len().min(1)) };
    let simple = match kind {
        '\\' | '"' | '\'' | '/' => kind,
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '0'..='7' => {
            let digits = text.get(1..).unwrap_or_default();
            let length = digits.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
            let code = u32::from_str_radix(digits.get(..length).unwrap_or_default(), 8).ok();
            return (code.and_then(char::from_u32), 1 + length);
        }
        'u' => return unicode_escape(text),
        'U' => return hex_escape(text, 8),
        'x' => return hex_escape(text, 2),
        other => return (None, 1 + other.len_utf8()),
    };
    (Some(simple), 2)
}

fn hex_escape(text: &str, digits: usize) -> (Option<char>, usize) {
    match hex(text.get(2..2 + digits)).and_then(char::from_u32) {
        Some(c) => (Some(c), 2 + digits),
        None => (None, 2),
    }
}

/// `\uXXXX`, and the pair of two that JSON writes for characters beyond the first plane.
fn unicode_escape(text: &str) -> (Option<char>, usize) {
    match hex(text.get(2..6)) {
        Some(high @ 0xd800..=0xdbff) => match text.get(6..8).filter(|mark| *mark == "\\u").and(hex(text.get(8..12))) {
            Some(low @ 0xdc00..=0xdfff) => (char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)), 12),
            _ => (None, 2),
        },
        Some(code) => match char::from_u32(code) {
            Some(c) => (Some(c), 6),
            None => (None, 2),
        },
        None => (None, 2),
    }
}

fn hex(digits: Option<&str>) -> Option<u32> {
    digits
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .and_then(|text| u32::from_str_radix(text, 16).ok())
}

/// A bare number: long, hexadecimal long, real, or timespan.
pub(super) fn number(text: &str) -> Option<Value> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return hexadecimal(digits).map(Value::Long);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Value::Long);
    }
    if let Some(ticks) = time::with_unit(text) {
        return Some(Value::Timespan(ticks));
    }
    real(text).filter(|_| text.starts_with(|c: char| c.is_ascii_digit())).map(Value::Real)
}

/// Sixteen digits fill a long's 64 bits.
fn hexadecimal(digits: &str) -> Option<i64> {
    u64::from_str_radix(digits, 16).ok().map(|bits| bits as i64)
}

/// The text of `int(…)` and `long(…)`.
fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits.trim_start()),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => hexadecimal(digits).and_then(|number| number.checked_mul(sign)),
        None if sign < 0 => format!("-{digits}").parse().ok(),
        None => digits.parse().ok(),
    }
}

/// The text of `real(…)`. Rust reads the same forms, and the names of infinity.
fn real(text: &str) -> Option<f64> {
    let allowed = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    match text.to_ascii_lowercase().as_str() {
        "nan" => Some(f64::NAN),
        "+inf" | "inf" => Some(f64::INFINITY),
        "-inf" => Some(f64::NEG_INFINITY),
        _ if text.chars().all(allowed) => text.parse().ok(),
        _ => None,
    }
}

/// A guid in lower case with dashes.
fn guid(text: &str) -> Option<String> {
    let text = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    let digits: String = text.chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect();
    let dashes: Vec<usize> = text.match_indices('-').map(|(at, _)| at).collect();
    let placed = dashes.is_empty() || dashes == [8, 13, 18, 23];
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) || !placed {
        return None;
    }
    let mut guid = String::with_capacity(36);
    for (at, digit) in digits.char_indices() {
        if matches!(at, 8 | 12 | 16 | 20) {
            guid.push('-');
        }
        guid.push(digit);
    }
    Some(guid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(unescape(r"C:\\Users\\x\t\x41\u0042\u0043\0"), "C:\\Users\\x\tABC\0");
        assert_eq!(unescape(r"\d+\."), r"\d+\.");
        assert_eq!(unescape(r"\ud83d\ude00"), "😀");
        assert_eq!(unescape(r"\ud83d"), r"\ud83d");
        assert_eq!(unescape(r"\u12"), r"\u12");
    }

    #[test]
    fn numbers_have_values() {
        assert_eq!(number("42"), Some(Value::Long(42)));
        assert_eq!(number("0x1F"), Some(Value::Long(31)));
        assert_eq!(number("0xffffffffffffffff"), Some(Value::Long(-1)));
        assert_eq!(number("2.5"), Some(Value::Real(2.5)));
        assert_eq!(number("1e3"), Some(Value::Real(1000.0)));
        assert_eq!(number("9223372036854775808"), None);
        assert_eq!(number("5parsecs"), None);
        assert_eq!(integer("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(integer("- 5"), Some(-5));
        assert_eq!(integer("-0x8000000000000000"), None);
    }

    #[test]
    fn guids_are_written_in_one_way() {
        let expected = Some("74be27de-1e4e-49d9-b579-fe0b331d3642".to_owned());
        assert_eq!(guid("74BE27DE-1E4E-49D9-B579-FE0B331D3642"), expected);
        assert_eq!(guid("74be27de1e4e49d9b579fe0b331d3642"), expected);
        assert_eq!(guid("{74be27de-1e4e-49d9-b579-fe0b331d3642}"), expected);
        assert_eq!(guid("74be27de-1e4e-49d9-b579-fe0b331d364"), None);
        assert_eq!(guid("74be27de1e4e-49d9b579-fe0b331d3642"), None);
    }
}
