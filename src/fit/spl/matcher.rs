//! A comparison with constant texts, in `where` and in the base search.
//!
//! `where` compares texts that look like numbers as numbers, so such texts are compared by a pattern; the base search
//! ignores case, knows `*` without an escape, and takes what looks like a network for one.
//! See <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/search-commands/search>.

use super::form::{call, matches, text};
use std::collections::HashSet;

use super::dynamic::is_inside_json;
use super::regex;
use super::tree::{Comparison, EvalExpr, Name, Pattern, SearchExpr};
use crate::fit::text::TermEdges;
use crate::plan::{Case, TextHow};

/// Whether the base search can look for a text and mean that text: `*` can not be escaped there; blanks at the ends,
/// control characters and the backtick of a macro are left to `where`; letters beyond ASCII may stand escaped in the raw
/// event, which the base search looks at first.
pub(super) fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| (' '..='~').contains(&c) && !matches!(c, '*' | '`')) && text.trim() == text
}

/// Whether Splunk's `where` may take a text for a number.
pub(super) fn looks_numeric(text: &str) -> bool {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    text.parse::<f64>().is_ok() || digits.starts_with("0x") || digits.starts_with("0X")
}

/// Whether the base search takes a text for a network and compares addresses with it.
fn looks_like_network(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, _)| {
        !address.is_empty() && address.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, '.' | ':'))
    })
}

/// A comparison with constant texts.
pub(super) struct Matcher<'t> {
    how: TextHow,
    case: Case,
    items: Vec<&'t str>,
    all: bool,
    /// The patterns of `matches regex`, in PCRE.
    patterns: Vec<String>,
    /// Whether the comparison holds of the empty text.
    pub(super) matches_empty: bool,
    /// Whether a pattern holds a class that is Unicode in KQL and ASCII in Splunk.
    pub(super) unicode_class: bool,
}

impl<'t> Matcher<'t> {
    /// The comparison with these texts; `all` of them must match, or any.
    ///
    /// # Errors
    /// Why a regular expression can not be said in PCRE.
    pub(super) fn new(how: TextHow, case: Case, items: &[&'t str], all: bool) -> Result<Self, String> {
        let mut matcher = Self {
            how,
            case,
            items: distinct(items),
            all,
            patterns: Vec::new(),
            matches_empty: how == TextHow::Equals && items.contains(&""),
            unicode_class: false,
        };
        if how == TextHow::Regex {
            for item in &matcher.items {
                let pcre = regex::translate(item)?;
                matcher.matches_empty |= pcre.matches_empty;
                matcher.unicode_class |= pcre.unicode_class;
                matcher.patterns.push(pcre.text);
            }
        }
        Ok(matcher)
    }

    /// Whether the comparison holds of a text; of a regular expression it is taken to hold.
    pub(super) fn holds(&self, text: &str) -> bool {
        let fold = |text: &str| match self.case {
            Case::Sensitive => text.to_owned(),
            Case::Insensitive => text.to_lowercase(),
        };
        let text = fold(text);
        let one = |item: &&str| {
            let item = fold(item);
            match self.how {
                TextHow::Equals => text == item,
                TextHow::Prefix => text.starts_with(&item),
                TextHow::Suffix => text.ends_with(&item),
                TextHow::Substring | TextHow::Term | TextHow::TermPrefix | TextHow::TermSuffix => text.contains(&item),
                TextHow::Regex => true,
            }
        };
        if self.all { self.items.iter().all(one) } else { self.items.iter().any(one) }
    }

    /// The exact condition in `where`.
    pub(super) fn condition(&self, value: &EvalExpr, negated: bool) -> EvalExpr {
        let is_field = matches!(value, EvalExpr::Field(_) | EvalExpr::Call("nullif" | "tonumber", _));
        if self.items == [""] && self.how == TextHow::Equals {
            return match (negated, is_field) {
                (false, true) => {
                    EvalExpr::any([EvalExpr::is_null(value.clone()), EvalExpr::eq(value.clone(), text(""))])
                }
                (true, true) => EvalExpr::ne(value.clone(), text("")),
                (false, false) => EvalExpr::eq(EvalExpr::or_empty(value.clone()), text("")),
                (true, false) => EvalExpr::ne(EvalExpr::or_empty(value.clone()), text("")),
            };
        }
        if self.matches_empty {
            let value = EvalExpr::or_empty(value.clone());
            let condition = self.positive(&value);
            return if negated { condition.negated() } else { condition };
        }
        match (negated, is_field) {
            (false, _) => self.positive(value),
            (true, true) => EvalExpr::any([EvalExpr::is_null(value.clone()), self.negative(value)]),
            (true, false) => self.negative(&EvalExpr::or_empty(value.clone())),
        }
    }

    fn negative(&self, value: &EvalExpr) -> EvalExpr {
        match self.positive(value) {
            EvalExpr::Compare(Comparison::Eq, a, b) => EvalExpr::ne(*a, *b),
            other => other.negated(),
        }
    }

    fn positive(&self, value: &EvalExpr) -> EvalExpr {
        let folded = || match self.case {
            Case::Sensitive => value.clone(),
            Case::Insensitive => call("lower", [value.clone()]),
        };
        let text = |item: &str| {
            EvalExpr::Text(match self.case {
                Case::Sensitive => item.to_owned(),
                Case::Insensitive => item.to_lowercase(),
            })
        };
        let matched = |pattern: String| matches(value.clone(), pattern);
        let flag = match self.case {
            Case::Sensitive => "",
            Case::Insensitive => "(?i)",
        };
        match self.how {
            TextHow::Equals => {
                if self.items.iter().any(|item| looks_numeric(item)) {
                    return matched(format!("{flag}^{}\\z", group(self.items.iter().map(|item| regex::literal(item)))));
                }
                match self.items.as_slice() {
                    [one] => EvalExpr::eq(folded(), text(one)),
                    several => {
                        let mut args = vec![folded()];
                        args.extend(several.iter().map(|item| text(item)));
                        EvalExpr::Call("in", args)
                    }
                }
            }
            TextHow::Substring | TextHow::Prefix | TextHow::Suffix => {
                let (before, after) = (self.how != TextHow::Prefix, self.how != TextHow::Suffix);
                // `like` has no escape for its wildcards.
                let like = |item: &str| !item.contains(['%', '_', '\\', '`']) && !item.chars().any(char::is_control);
                let one = |item: &str| {
                    if like(item) {
                        let percent = |is| if is { "%" } else { "" };
                        let EvalExpr::Text(item) = text(item) else { return EvalExpr::bool(false) };
                        let pattern = format!("{}{item}{}", percent(before), percent(after));
                        call("like", [folded(), EvalExpr::Text(pattern)])
                    } else {
                        matched(format!("{flag}{}", self.anchored(regex::literal(item))))
                    }
                };
                match (self.items.as_slice(), self.all) {
                    ([item], _) => one(item),
                    (items, true) => EvalExpr::all(items.iter().map(|item| one(item))),
                    (items, false) => {
                        let any = group(items.iter().map(|item| regex::literal(item)));
                        matched(format!("{flag}{}", self.anchored(any)))
                    }
                }
            }
            TextHow::Term | TextHow::TermPrefix | TextHow::TermSuffix if self.all => {
                EvalExpr::all(self.items.iter().map(|item| matched(format!("{flag}{}", terms(&[item], self.how)))))
            }
            TextHow::Term | TextHow::TermPrefix | TextHow::TermSuffix => {
                matched(format!("{flag}{}", terms(&self.items, self.how)))
            }
            TextHow::Regex => {
                let flagged = |pattern: &String| format!("{flag}{pattern}");
                let parts = self.patterns.iter().map(|pattern| matched(flagged(pattern)));
                if self.all { EvalExpr::all(parts) } else { EvalExpr::any(parts) }
            }
        }
    }

    fn anchored(&self, pattern: String) -> String {
        match self.how {
            TextHow::Prefix => format!("^{pattern}"),
            TextHow::Suffix => format!("{pattern}\\z"),
            TextHow::Equals
            | TextHow::Term
            | TextHow::Substring
            | TextHow::TermPrefix
            | TextHow::TermSuffix
            | TextHow::Regex => pattern,
        }
    }

    /// The condition that the base search can say and that follows from this one.
    pub(super) fn search(&self, field: &Name) -> Option<SearchExpr> {
        if !is_searchable(field) || !self.items.iter().all(|item| is_plain(item)) {
            return None;
        }
        let (before, after) = match self.how {
            TextHow::Equals => (false, false),
            TextHow::Substring | TextHow::Term | TextHow::TermPrefix | TextHow::TermSuffix => (true, true),
            TextHow::Prefix => (false, true),
            TextHow::Suffix => (true, false),
            TextHow::Regex => return None,
        };
        let pattern = |item: &&str| Pattern { before, text: (*item).to_owned(), after };
        match (self.items.as_slice(), self.all) {
            ([one], _) => Some(SearchExpr::Equals(field.clone(), pattern(one))),
            (items, true) => {
                SearchExpr::all(items.iter().map(|item| SearchExpr::Equals(field.clone(), pattern(item))).collect())
            }
            (items, false) => Some(SearchExpr::In(field.clone(), items.iter().map(pattern).collect())),
        }
    }

    /// Whether the comparison can hold of scalars of a JSON text only, never of the text of an object or array.
    pub(super) fn is_of_scalars(&self) -> bool {
        self.items.iter().all(|item| match self.how {
            TextHow::Equals | TextHow::Prefix => !item.is_empty() && !item.starts_with(['{', '[']),
            TextHow::Suffix => !item.is_empty() && !item.ends_with(['}', ']']),
            TextHow::Substring | TextHow::Term | TextHow::TermPrefix | TextHow::TermSuffix | TextHow::Regex => false,
        })
    }

    /// The condition that the base search can say of a JSON text of which this one compares a part.
    pub(super) fn search_within(&self, field: &Name) -> Option<SearchExpr> {
        if self.how == TextHow::Regex || !self.items.iter().all(|item| is_plain(item) && is_inside_json(item)) {
            return None;
        }
        let pattern = |item: &&str| Pattern { before: true, text: (*item).to_owned(), after: true };
        let patterns: Vec<Pattern> = self.items.iter().map(pattern).collect();
        if self.all {
            return SearchExpr::all(patterns.into_iter().map(|it| SearchExpr::Equals(field.clone(), it)).collect());
        }
        SearchExpr::any(vec![SearchExpr::In(field.clone(), patterns)])
    }

    /// Whether what [`Self::search`] says is the same as this.
    pub(super) fn search_is_exact(&self) -> bool {
        let caseless = |item: &&str| !item.chars().any(char::is_alphabetic);
        let case = self.case == Case::Insensitive || self.items.iter().all(caseless);
        match self.how {
            TextHow::Equals => case && !self.items.iter().any(|item| looks_like_network(item)),
            TextHow::Substring | TextHow::Prefix | TextHow::Suffix => case,
            TextHow::Term | TextHow::TermPrefix | TextHow::TermSuffix | TextHow::Regex => false,
        }
    }
}

/// The texts, each once, in their order.
fn distinct<'t>(items: &[&'t str]) -> Vec<&'t str> {
    let mut seen = HashSet::with_capacity(items.len());
    items.iter().copied().filter(|item| seen.insert(*item)).collect()
}

/// Whether the base search reads a name as a field of the event: not as a modifier, a tag, or a bare word with operators.
pub(super) fn is_searchable(field: &Name) -> bool {
    const OTHER: [&str; 13] = [
        "earliest",
        "latest",
        "index",
        "source",
        "sourcetype",
        "host",
        "tag",
        "eventtype",
        "timeformat",
        "savedsearch",
        "splunk_server",
        "eventtypetag",
        "hosttag",
    ];
    let name = field.text();
    name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
        && !OTHER.iter().any(|other| name.eq_ignore_ascii_case(other))
        && !name.starts_with("_index_")
        && !["start", "end", "searchtimespan", "days", "hours", "minutes", "months"]
            .iter()
            .any(|modifier| name.starts_with(modifier))
}

/// A pattern that matches any of several; of one, itself.
fn group(patterns: impl Iterator<Item = String>) -> String {
    let patterns: Vec<String> = patterns.collect();
    match patterns.as_slice() {
        [one] => one.clone(),
        several => format!("(?:{})", several.join("|")),
    }
}

/// Terms between characters that are no letter or digit, of any script: Kusto breaks text into "maximal sequences of
/// alphanumeric characters" (an older edition of the page said ASCII).
/// See <https://learn.microsoft.com/kusto/query/datatypes-string-operators#what-is-a-term>.
fn terms(items: &[&str], how: TextHow) -> String {
    const BEFORE: &str = r"(?<![\p{L}\p{N}])";
    const AFTER: &str = r"(?![\p{L}\p{N}])";
    // Needles with the same edges stand in one group.
    let mut groups: Vec<((bool, bool), Vec<String>)> = Vec::new();
    for item in items {
        let edges = TermEdges::of(item, how).map_or((false, false), |edges| (edges.before, edges.after));
        let pattern = regex::literal(item);
        match groups.iter_mut().find(|(known, _)| *known == edges) {
            Some((_, patterns)) => patterns.push(pattern),
            None => groups.push((edges, vec![pattern])),
        }
    }
    let alternatives = groups.into_iter().map(|((before, after), patterns)| {
        let pattern = group(patterns.into_iter());
        format!("{}{pattern}{}", if before { BEFORE } else { "" }, if after { AFTER } else { "" })
    });
    group(alternatives)
}
