//! Text that was read and places in it.
//!
//! Every other room speaks of places as [`Span`]s, byte offsets into the text of one hunt. This module imports
//! nothing of the crate; it knows neither KQL nor any target.

/// A half-open range of byte offsets `start..end` into the text of one hunt.
///
/// Offsets are `u32`: texts larger than 16 MiB are refused before they are parsed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, serde::Serialize)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span from `start` to `end`; an `end` before `start` gives the empty span at `start`.
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end: if end < start { start } else { end } }
    }

    /// The smallest span that holds both.
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Whether `other` lies wholly inside.
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Length in bytes.
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether it holds no byte.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The text it covers; the empty text where the span does not fit `text`.
    pub fn slice(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

impl std::fmt::Debug for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// Line starts of a text, for turning byte offsets into lines and columns in logarithmic time.
///
/// Lines and columns count from 1; a column is counted in characters (Unicode scalar values).
#[derive(Debug, Clone)]
pub struct LineIndex {
    starts: Vec<u32>,
}

impl LineIndex {
    /// Finds the line starts of `text`.
    pub fn new(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at as u32 + 1));
        Self { starts }
    }

    /// Line and column (both from 1) of byte `offset` of `text`, which must be the text of this index.
    pub fn line_column(&self, text: &str, offset: u32) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let before = text.get(start as usize..offset as usize).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}

/// Translates offsets in a hunt's text to offsets in the file that it was cut from.
///
/// A hunt in a YAML block scalar or an indented Markdown fence is its file's text less the indentation, so the map is
/// a list of pieces, each of which shifts by a constant. Text that was rewritten on the way (escapes of a quoted
/// scalar) maps as a whole to its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `(offset in the hunt, offset in the file)`, ascending; the first begins at 0 in the hunt.
    pieces: Vec<(u32, u32)>,
    /// Where the whole hunt lies in the file.
    whole: Span,
    /// Whether pieces map byte for byte.
    verbatim: bool,
}

impl Origin {
    /// The hunt is the file from byte `start`, for `len` bytes.
    pub fn verbatim(start: u32, len: u32) -> Self {
        Self { pieces: vec![(0, start)], whole: Span::new(start, start + len), verbatim: true }
    }

    /// The hunt is made of pieces of the file: `(offset in the hunt, offset in the file)`.
    pub fn pieces(pieces: Vec<(u32, u32)>, whole: Span) -> Self {
        Self { verbatim: !pieces.is_empty(), pieces, whole }
    }

    /// The hunt was rewritten from `whole`; places inside it are not kept.
    pub fn rewritten(whole: Span) -> Self {
        Self { pieces: Vec::new(), whole, verbatim: false }
    }

    /// Where the hunt lies in the file.
    pub fn whole(&self) -> Span {
        self.whole
    }

    /// Whether places inside the hunt are known in the file.
    pub fn keeps_places(&self) -> bool {
        self.verbatim
    }

    /// The place in the file of a place in the hunt.
    pub fn locate(&self, span: Span) -> Span {
        if !self.verbatim {
            return self.whole;
        }
        let at = |offset: u32| {
            let piece = self.pieces.partition_point(|(hunt, _)| *hunt <= offset).saturating_sub(1);
            let (hunt, file) = self.pieces.get(piece).copied().unwrap_or_default();
            (file + offset.saturating_sub(hunt)).min(self.whole.end)
        };
        let start = at(span.start);
        // The end is exclusive: locate the last byte and step over it, so that a span never swallows indentation.
        let end = if span.is_empty() { start } else { at(span.end - 1) + 1 };
        Span::new(start, end)
    }

    /// The origin of the part of this hunt that begins at `start` and is `len` bytes long.
    pub fn part(&self, start: u32, len: u32) -> Self {
        if !self.verbatim {
            return self.clone();
        }
        let whole = self.locate(Span::new(start, start + len));
        let first = self.locate(Span::new(start, start)).start;
        let mut pieces = vec![(0, first)];
        pieces.extend(
            self.pieces
                .iter()
                .filter(|(hunt, _)| *hunt > start && *hunt < start + len)
                .map(|(hunt, file)| (hunt - start, *file)),
        );
        Self { pieces, whole, verbatim: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_from_one() {
        let text = "a\nßx\n";
        let lines = LineIndex::new(text);
        assert_eq!(lines.line_column(text, 0), (1, 1));
        assert_eq!(lines.line_column(text, 4), (2, 2));
        assert_eq!(lines.line_column(text, 6), (3, 1));
    }

    #[test]
    fn an_indented_hunt_maps_line_by_line() {
        // file: "q: |\n  T\n  | take 1\n", hunt: "T\n| take 1\n"
        let origin = Origin::pieces(vec![(0, 7), (2, 11)], Span::new(7, 20));
        assert_eq!(origin.locate(Span::new(4, 8)), Span::new(13, 17));
        assert_eq!(origin.locate(Span::new(0, 3)), Span::new(7, 12));
        assert_eq!(origin.part(2, 8).locate(Span::new(2, 6)), Span::new(13, 17));
    }
}
