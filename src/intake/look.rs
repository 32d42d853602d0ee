//! Judging a text by surface marks, where no extension or info string says what it is.
//!
//! The judgement is conservative: what looks like another language is not taken for a hunt. No grammar lives here.

/// Operators that follow a pipe in KQL. Words that SPL or a shell also have after a pipe are judged by
/// [`FOREIGN`] first.
const OPERATORS: &[&str] = &[
    "as",
    "consume",
    "count",
    "distinct",
    "evaluate",
    "extend",
    "facet",
    "find",
    "fork",
    "getschema",
    "invoke",
    "join",
    "limit",
    "lookup",
    "make-graph",
    "make-series",
    "mv-apply",
    "mv-expand",
    "mvexpand",
    "order",
    "parse",
    "parse-kv",
    "parse-where",
    "partition",
    "project",
    "project-away",
    "project-keep",
    "project-rename",
    "project-reorder",
    "range",
    "reduce",
    "render",
    "sample",
    "sample-distinct",
    "scan",
    "serialize",
    "sort",
    "summarize",
    "take",
    "top",
    "top-hitters",
    "top-nested",
    "union",
    "where",
    "search",
    "filter",
    "externaldata",
];

/// Words after a pipe that show another language: SPL, ES|QL, PowerShell, shells.
const FOREIGN: &[&str] = &[
    "stats",
    "eval",
    "tstats",
    "timechart",
    "rex",
    "table",
    "dedup",
    "eventstats",
    "streamstats",
    "spath",
    "inputlookup",
    "fillnull",
    "from",
    "keep",
    "drop",
    "enrich",
    "dissect",
    "grok",
    "where-object",
    "select-object",
    "foreach-object",
    "sort-object",
    "format-table",
    "out-file",
    "convertto-json",
    "convertfrom-json",
    "grep",
    "awk",
    "sed",
    "jq",
    "xargs",
    "head",
    "tail",
    "cut",
    "wc",
    "tee",
    "sh",
    "bash",
];

/// Words that begin a query without a pipe.
const STARTS: &[&str] = &["let", "union", "search", "find", "print", "datatable", "externaldata", "range", "declare"];

/// Whether the text is likely a KQL query.
pub(super) fn is_kql(text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut piped = false;
    let mut begun = false;
    let mut first = true;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")) {
        if std::mem::take(&mut first) {
            let word = word_of(line);
            begun = STARTS.contains(&word.to_ascii_lowercase().as_str()) && line.len() > word.len();
            if line.starts_with("FROM ") || line.starts_with("index=") || line.starts_with("index =") {
                return false;
            }
        }
        let line = without_texts(line);
        for part in line.split('|').skip(1).map(str::trim_start) {
            let word = word_of(part).to_ascii_lowercase();
            if FOREIGN.contains(&word.as_str()) || part.starts_with("where {") || part.starts_with("? {") {
                return false;
            }
            piped |= OPERATORS.contains(&word.as_str());
        }
    }
    piped || (begun && text.contains(['=', '(', '"', '\'', ',']))
}

/// The line without what stands in quotes, and without a comment behind it.
fn without_texts(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut open: Option<char> = None;
    for character in line.chars() {
        match open {
            Some(quote) if character == quote => open = None,
            Some(_) => {}
            None if character == '"' || character == '\'' => open = Some(character),
            None if character == '/' && kept.ends_with('/') => break,
            None => kept.push(character),
        }
    }
    kept
}

/// Whether nothing but blanks and comments stands in the text.
pub(super) fn is_blank(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').lines().all(|line| {
        let line = line.trim();
        line.is_empty() || line.starts_with("//")
    })
}

/// Whether the text is JSON: no query begins with a brace or a bracket and a quote.
pub(super) fn is_json(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let inner = text.strip_prefix(['{', '[']).map(str::trim_start);
    inner.is_some_and(|inner| inner.starts_with(['"', '{', '}']))
}

/// Whether the text is a rule in YAML: `query:` and another key at the left edge.
pub(super) fn is_rule_yaml(text: &str) -> bool {
    let mut query = false;
    let mut other = false;
    for line in text.trim_start_matches('\u{feff}').lines() {
        let line = line.strip_prefix("- ").unwrap_or(line);
        query |= line.strip_prefix("query:").is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        other |= ["id:", "name:", "description:", "severity:", "tactics:"].iter().any(|key| line.starts_with(key));
    }
    query && other
}

/// Whether the text is Markdown with a fenced query: a fence for KQL, or a heading and a fence.
pub(super) fn is_markdown(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    let mut headed = false;
    for line in text.lines().map(str::trim_start) {
        headed |= line.starts_with("# ") || line.starts_with("## ");
        if let Some(info) = line.strip_prefix("```").or_else(|| line.strip_prefix("~~~")) {
            let info = info.trim().to_ascii_lowercase();
            if headed || ["kql", "kusto", "csl"].contains(&info.as_str()) {
                return true;
            }
        }
    }
    false
}

/// The word at the start of the text: letters, digits, `_` and `-`.
fn word_of(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_told_from_other_languages() {
        for kql in [
            "T\n| where a == 1",
            "// c\nlet x = 1;\nT",
            "T | take 5",
            "union A, B\n",
            "let x = @'a | grep';\nT | take 1",
            "print \"x\"",
        ] {
            assert!(is_kql(kql), "{kql}");
        }
        for other in [
            "index=main | stats count by host",
            "FROM logs | WHERE a == 1",
            "Get-Process | where { $_.Id }",
            "Get-Process | Where-Object Id -eq 1",
            "cat a | grep b",
            "MIT License\n\nPermission is hereby granted",
            "DeviceEvents",
            "{\"a\": 1}",
            "let us begin",
            "Find what is odd.",
        ] {
            assert!(!is_kql(other), "{other}");
        }
    }
}
