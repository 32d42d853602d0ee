//! What pest did not accept, said in KQL's words: what stands at the place, and what could.
//!
//! Nothing is parsed here again; the place and the rules that were tried there come from pest, the rest is looked up in
//! the text around the place.

use pest::error::{Error, ErrorVariant, InputLocation};

use super::grammar::Rule;
use super::guard::is_blank;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// Operators after a `|` with their use.
const OPERATORS: &[(&str, &str)] = &[
    ("where", "where Column == \"value\""),
    ("filter", "where Column == \"value\""),
    ("extend", "extend Name = expression"),
    ("project", "project Column, Name = expression"),
    ("project-away", "project-away Column, Prefix*"),
    ("project-keep", "project-keep Column, Prefix*"),
    ("project-rename", "project-rename New = Old"),
    ("project-reorder", "project-reorder Column, *"),
    ("summarize", "summarize Name = count() by Column"),
    ("join", "join kind=inner (Table | where …) on Column"),
    ("lookup", "lookup kind=leftouter (Table) on Column"),
    ("union", "union Table1, (Table2 | where …)"),
    ("sort", "sort by Column desc"),
    ("order", "order by Column desc"),
    ("top", "top 10 by Column desc"),
    ("take", "take 10"),
    ("limit", "limit 10"),
    ("distinct", "distinct Column"),
    ("count", "count"),
    ("mv-expand", "mv-expand Name = Column to typeof(string)"),
    ("mvexpand", "mv-expand Name = Column to typeof(string)"),
    ("mv-apply", "mv-apply Item = Column on (where Item > 1)"),
    ("parse", "parse Column with \"text\" Name:type *"),
    ("parse-where", "parse-where Column with \"text\" Name:type *"),
    ("parse-kv", "parse-kv Column as (Name:type) with (pair_delimiter=\",\")"),
    ("make-series", "make-series count() default=0 on TimeGenerated from ago(7d) to now() step 1d by Column"),
    ("evaluate", "evaluate plugin(arguments)"),
    ("invoke", "invoke function(arguments)"),
    ("search", "search in (Table) \"term\""),
    ("find", "find in (Table) where Column == \"value\""),
    ("render", "render timechart with (title=\"text\")"),
    ("serialize", "serialize Name = row_number()"),
    ("sample", "sample 10"),
    ("sample-distinct", "sample-distinct 10 of Column"),
    ("as", "as Name"),
    ("consume", "consume"),
    ("getschema", "getschema"),
    ("print", "print Name = expression"),
    ("range", "range Name from 1 to 10 step 1"),
    ("datatable", "datatable (Name:type) [ value, value ]"),
    ("externaldata", "externaldata (Name:type) [ @\"https://…\" ] with (format=\"csv\")"),
    ("partition", "partition by Column (…)"),
    ("scan", "scan with (step s: condition => Name = expression;)"),
    ("reduce", "reduce by Column"),
    ("facet", "facet by Column"),
    ("fork", "fork (…) (…)"),
    ("top-nested", "top-nested 3 of Column by count()"),
    ("top-hitters", "top-hitters 3 of Column"),
];

/// Words and signs between operands, for suggestions.
const INFIX: &[&str] = &[
    "and",
    "or",
    "has",
    "has_cs",
    "has_any",
    "has_all",
    "hasprefix",
    "hassuffix",
    "contains",
    "contains_cs",
    "startswith",
    "startswith_cs",
    "endswith",
    "endswith_cs",
    "in",
    "in~",
    "between",
    "matches",
    "like",
    "by",
    "on",
    "with",
    "asc",
    "desc",
];

/// What is wrong at the place where pest stopped.
pub(super) fn explain(text: &str, error: &Error<Rule>) -> Diagnostic {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at.min(text.len()),
    };
    let tried: &[Rule] = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives,
        ErrorVariant::CustomError { .. } => {
            let span = Span::new(at as u32, at as u32);
            return Diagnostic::error(Code::TooDeep, span, "the hunt is nested too deeply")
                .help("give inner parts names with `let` statements");
        }
    };
    let span = token(text, at);
    let found = span.slice(text);
    // Nothing is left to point at: the last token is where something is missing.
    let place = if found.is_empty() { last_token(text) } else { span };
    let before = text.get(..at).unwrap_or_default();
    let expects = |rule: Rule| tried.contains(&rule);

    let (message, help) = if expects(Rule::filter_operator) {
        operator_expected(found)
    } else if at == first_token(text) && found.starts_with('|') {
        ("the hunt begins with `|`".to_owned(), "write the table that it reads before the first `|`".to_owned())
    } else if expects(Rule::binary_operator) {
        after_operand(text, span, before)
    } else if expects(Rule::type_name) {
        (unexpected(found), "a type belongs here: `string`, `long`, `datetime`, `dynamic`, …".to_owned())
    } else if expects(Rule::expression) || expects(Rule::string) || expects(Rule::number) || expects(Rule::sign) {
        expression_expected(found, before)
    } else if expects(Rule::name) || expects(Rule::bracketed_name) || expects(Rule::wildcarded_name) {
        (unexpected(found), usage(before).unwrap_or_else(|| "a name belongs here".to_owned()))
    } else {
        (unexpected(found), usage(before).unwrap_or_else(|| "a table or an expression belongs here".to_owned()))
    };
    Diagnostic::error(Code::Syntax, place, message).help(help)
}

fn unexpected(found: &str) -> String {
    match found {
        "" => "the hunt ends too early".to_owned(),
        "`" => "a backquote is unexpected here".to_owned(),
        found => format!("`{found}` is unexpected here"),
    }
}

/// After a `|`.
fn operator_expected(found: &str) -> (String, String) {
    if found.is_empty() {
        return (
            "no operator follows the last `|`".to_owned(),
            "remove the `|`, or write an operator behind it".to_owned(),
        );
    }
    if let Some((name, usage)) = OPERATORS.iter().find(|(name, _)| *name == found) {
        return (format!("the operator `{name}` is not complete"), format!("it is written `{usage}`"));
    }
    let names = OPERATORS.iter().map(|(name, _)| *name);
    let help = match nearest(found, names) {
        Some(name) => format!("did you mean `{name}`?"),
        None if found.starts_with('|') => "write an operator between the two `|`".to_owned(),
        None => "operators are `where`, `extend`, `project`, `summarize`, `join`, `union`, `sort`, `take` and others"
            .to_owned(),
    };
    (format!("`{found}` is not an operator"), help)
}

/// After something that could be complete.
fn after_operand(text: &str, span: Span, before: &str) -> (String, String) {
    let found = span.slice(text);
    let follows = text.get(span.end as usize..).unwrap_or_default().trim_start_matches(is_blank);
    let closing = open_bracket(before);
    if found.is_empty() {
        return (unexpected(found), "something is missing at the end".to_owned());
    }
    if let Some(help) = quotes(found) {
        return (unexpected(found), help);
    }
    let previous = before.trim_end_matches(is_blank);
    let previous = previous.char_indices().next_back().map(|(at, _)| token_before(previous, at)).unwrap_or_default();
    match previous {
        "not" => return (unexpected(found), "`not(…)` is a function: put what it negates in parentheses".to_owned()),
        "and" | "or" => {
            return (
                format!("`{found}` follows `{previous}`, which has no left side"),
                "write a condition on both sides".to_owned(),
            );
        }
        _ => {}
    }
    if matches!(found, ")" | "]" | "}") && closing.is_none() {
        return (unexpected(found), "no bracket is open here: remove it, or open one before".to_owned());
    }
    if found == "=" {
        return (
            "`=` is unexpected here".to_owned(),
            "`=` gives a name to a value; compare with `==` or `=~`".to_owned(),
        );
    }
    let line_start = before.rsplit('\n').next().unwrap_or_default().chars().all(is_blank) && before.contains('\n');
    let statement = before.rsplit(';').next().unwrap_or_default();
    if line_start
        && closing.is_none()
        && !statement.contains('|')
        && statement.trim_start_matches(is_blank).starts_with("let ")
    {
        return (unexpected(found), "a `;` ends the `let` statement before it".to_owned());
    }
    let known = OPERATORS.iter().find(|(name, _)| *name == found);
    if let Some((name, usage)) = known {
        let operator = before.trim_end_matches(is_blank).ends_with('|');
        let help = if operator {
            format!("it is written `{usage}`")
        } else {
            format!("write `| {name}`: operators begin with `|`")
        };
        return (unexpected(found), help);
    }
    if found == "by" || found == "on" || found == "with" {
        let help = usage(before).unwrap_or_else(|| "see the operator's documentation".to_owned());
        return (unexpected(found), help);
    }
    if let ("!" | "not", Some(word)) =
        (found, follows.split(|c: char| !c.is_alphanumeric()).next().filter(|w| !w.is_empty()))
    {
        return (
            unexpected(found),
            format!("negated operators are written without a blank: `!{word}`; `not(…)` is a function"),
        );
    }
    if found.starts_with(|c: char| c.is_ascii_alphabetic())
        && let Some(name) = nearest(found, INFIX.iter().copied())
    {
        return (unexpected(found), format!("did you mean `{name}`?"));
    }
    let help = match closing {
        Some(')') => "an operator, `,` or the closing `)` belongs here",
        Some(']') => "an operator, `,` or the closing `]` belongs here",
        Some(_) => "an operator, `;` or the closing `}` belongs here",
        None if usage_tells(before) => return (unexpected(found), usage(before).unwrap_or_default()),
        None if line_start => "a `|` begins an operator, a `;` ends a statement, and `//` begins a comment",
        None => "an operator such as `==`, `and` or `has`, a `|` or a `;` belongs here",
    };
    (unexpected(found), help.to_owned())
}

/// Quotes that word processors make of plain ones.
fn quotes(found: &str) -> Option<String> {
    found
        .starts_with(['“', '”', '„', '‘', '’', '«', '»', '´'])
        .then(|| format!("`{found}` is a typographic quote: texts stand in `\"` or `'`"))
}

/// Whether the text ends in the body of an operator whose parts are told apart by words.
fn usage_tells(before: &str) -> bool {
    let body = before.rsplit('|').next().unwrap_or_default().trim_start_matches(is_blank);
    ["top", "sample-distinct", "parse", "parse-where", "parse-kv", "make-series", "mv-apply", "join", "lookup"]
        .into_iter()
        .any(|name| body.strip_prefix(name).is_some_and(|rest| rest.starts_with(is_blank)))
}

fn expression_expected(found: &str, before: &str) -> (String, String) {
    if let Some(help) = quotes(found) {
        return (unexpected(found), help);
    }
    let previous = before.trim_end_matches(is_blank);
    let after = previous.char_indices().next_back().map(|(at, _)| token_before(previous, at)).unwrap_or_default();
    let help = match found {
        "" => format!("an expression is missing after `{after}`"),
        "|" | ")" | "]" | "}" | "," | ";" if after.is_empty() => "write an expression before it".to_owned(),
        "|" | ")" | "]" | "}" | "," | ";" => format!("an expression is missing between `{after}` and `{found}`"),
        "=" | "==" | "=~" => "write what is compared on its left side".to_owned(),
        "!" => "`not(…)` negates a condition; `!` belongs to an operator, as in `!contains`".to_owned(),
        _ => usage(before).unwrap_or_else(|| "a value, a column or a call belongs here".to_owned()),
    };
    (unexpected(found), help)
}

/// How the operator is written in whose body the text ends.
fn usage(before: &str) -> Option<String> {
    let body = before.rsplit('|').next()?.trim_start_matches(is_blank);
    let name = body.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').next()?;
    OPERATORS
        .iter()
        .find(|(operator, _)| *operator == name)
        .map(|(name, usage)| format!("`{name}` is written `{usage}`"))
}

/// The name most like what was written, if it is like it at all.
fn nearest<'a>(found: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = found.to_ascii_lowercase();
    let allowed = match lower.len() {
        0..=1 => return None,
        2..=4 => 1,
        _ => 2,
    };
    names
        .map(|name| (strsim::osa_distance(&lower, name), name))
        .filter(|(distance, name)| *distance <= allowed && *distance < name.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Where the first token begins, comments aside.
fn first_token(text: &str) -> usize {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(is_blank);
        match rest.strip_prefix("//") {
            Some(comment) => rest = comment.find('\n').and_then(|end| comment.get(end..)).unwrap_or_default(),
            None => return text.len() - rest.len(),
        }
    }
}

/// The token that begins at `at`: a word with its hyphens, a quoted text, an operator sign, or one character.
fn token(text: &str, at: usize) -> Span {
    let rest = text.get(at..).unwrap_or_default();
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$');
    let length = match rest.chars().next() {
        None => 0,
        Some(c) if c.is_alphanumeric() || c == '_' || c == '$' => rest.find(|c: char| !word(c)).unwrap_or(rest.len()),
        Some(quote @ ('"' | '\'')) => {
            let line = rest.lines().next().unwrap_or_default();
            line.get(1..).and_then(|body| body.find(quote)).map_or(line.len(), |end| end + 2)
        }
        Some(_) => ["==", "=~", "!=", "!~", "<=", ">=", "<>", "..", "=>", "-->"]
            .into_iter()
            .find(|sign| rest.starts_with(sign))
            .map_or_else(|| rest.chars().next().map_or(0, char::len_utf8), str::len),
    };
    Span::new(at as u32, (at + length) as u32)
}

/// The last token of a text, comments aside.
fn last_token(text: &str) -> Span {
    let mut end = 0;
    let mut at = first_token(text);
    let mut last = Span::new(at as u32, at as u32);
    while at < text.len() && at >= end {
        let span = token(text, at);
        last = span;
        end = (span.end as usize).max(at + 1);
        at = end + first_token(text.get(end..).unwrap_or_default());
    }
    last
}

/// The word or sign that ends `text`, whose last character begins at `last`.
fn token_before(text: &str, last: usize) -> &str {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let start = match text.chars().next_back() {
        Some(c) if word(c) => text
            .rfind(|c: char| !word(c))
            .map_or(0, |at| at + text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)),
        Some('=' | '~' | '<' | '>') => text.trim_end_matches(['=', '~', '<', '>', '!']).len(),
        _ => last,
    };
    text.get(start..).unwrap_or_default()
}

/// The bracket that would close the innermost one open at the end of a text which passed the guard.
fn open_bracket(before: &str) -> Option<char> {
    let mut open = Vec::new();
    let mut chars = before.chars().peekable();
    let mut quote = None;
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(opener), c) if opener == c => quote = None,
            (Some('\n'), _) => {}
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(_), _) => {}
            (None, '/') if chars.peek() == Some(&'/') => quote = Some('\n'),
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => open.push(')'),
            (None, '[') => open.push(']'),
            (None, '{') => open.push('}'),
            (None, ')' | ']' | '}') => {
                open.pop();
            }
            (None, _) => {}
        }
    }
    open.pop()
}
