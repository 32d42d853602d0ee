//! What hunts become, from their text to the search, and literals that try to leave their quotes.

use super::super::{Frame, Ledger, Style};
use crate::about::About;
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::emit;
use crate::plan::*;
use crate::source::Span;
use crate::target::{Target, Targets};
use crate::vocabulary::Vocabulary;

struct Said {
    verdict: Effect,
    query: String,
    notes: Vec<Diagnostic>,
}

fn said(plan: &Plan, text: &str, schema: &str, style: Style) -> Said {
    let (vocabulary, targets) = (Vocabulary::embedded().unwrap(), Targets::embedded());
    let schema = targets.schema(Target::Splunk, Some(schema)).unwrap();
    let frame = Frame {
        plan,
        vocabulary: &vocabulary,
        facts: targets.facts(Target::Splunk).unwrap(),
        spellings: targets.spellings(Target::Splunk).unwrap(),
        schema: &schema,
        version: None,
        style,
        text,
        rule: false,
        about: &About::default(),
    };
    let mut ledger = Ledger::new(plan);
    let fitted = super::fit(&frame, &mut ledger);
    let closed = ledger.close(plan);
    let query = fitted.map(|fitted| emit::spl::print(&fitted.tree)).unwrap_or_default();
    Said { verdict: closed.verdict(), query, notes: closed.into_parts().0 }
}

fn hunt_in(text: &str, schema: &str, style: Style) -> Said {
    let query = crate::syntax::parse(text).unwrap();
    let resolved = crate::resolve::resolve(&query, text, &Vocabulary::embedded().unwrap());
    said(&resolved.plan.unwrap(), text, schema, style)
}

fn hunt(text: &str) -> Said {
    hunt_in(text, "source", Style::Exact)
}

/// The search of a hunt that must be exact, less its first term, which finds the table.
fn exact(text: &str) -> String {
    let said = hunt(text);
    assert_eq!(said.verdict, Effect::Exact, "{text}\n{}\n{:#?}", said.query, said.notes);
    said.query
        .split_once(['"'])
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(_, rest)| rest.trim().to_owned())
        .unwrap()
}

#[test]
fn the_search_follows_the_hunt() {
    let seed = "let a = now(-5d);\nlet b = now();\nDeviceFileCertificateInfo\n| where Timestamp between (a..b)\n| where Signer has 'Kaseya'\n| summarize FirstSeen=min(Timestamp), LastSeen=max(Timestamp), Report=make_set(ReportId), Count=count() by DeviceId, DeviceName";
    assert_eq!(
        exact(seed),
        "earliest=-5d latest=now Signer=\"*Kaseya*\"\n\
         | where match(Signer, \"(?i)(?<![\\\\p{L}\\\\p{N}])Kaseya(?![\\\\p{L}\\\\p{N}])\")\n\
         | fillnull value=\"\" DeviceId, DeviceName\n\
         | stats min(_time) AS FirstSeen, max(_time) AS LastSeen, values(ReportId) AS Report, count AS Count BY DeviceId, DeviceName"
    );
}

#[test]
fn the_base_search_says_what_it_can_say_exactly() {
    let cases = [
        (r#"Account =~ "a.exe""#, r#"Account="a.exe""#),
        (r#"Account !~ "a.exe""#, r#"NOT Account="a.exe""#),
        (r#"Account contains "a b""#, r#"Account="*a b*""#),
        (r#"Account !endswith @"\a""#, r#"NOT Account="*\\a""#),
        (r#"Account in~ ("a", "b")"#, r#"Account IN ("a", "b")"#),
        (r#"Account == "4625""#, r#"Account="4625""#),
        (
            r#"EventID == 1 and (Account =~ "a" or Computer startswith "b")"#,
            r#"EventID="1" (Account="a" OR Computer="b*")"#,
        ),
        (r#"Account =~ "a" or Account startswith "b""#, r#"Account IN ("a", "b*")"#),
        (r#"tolower(Account) == "abc""#, r#"Account="abc""#),
        (r#"TimeGenerated > ago(1d)"#, "earliest=-1d latest=+10y"),
        (
            r#"TimeGenerated between (datetime(2024-01-01) .. datetime(2024-01-02))"#,
            "earliest=1704067200 latest=1704153601 _time<=1704153600",
        ),
        (
            r#"TimeGenerated >= startofday(ago(1d))"#,
            "earliest=-2d latest=+10y\n| where _time>=floor((now() - 86400) / 86400) * 86400",
        ),
    ];
    for (condition, search) in cases {
        assert_eq!(exact(&format!("SecurityEvent | where {condition}")), search, "{condition}");
    }
}

#[test]
fn case_and_missing_values_are_kept_apart() {
    let cases = [
        (r#"Account == "Bob""#, "Account=\"Bob\"\n| where Account==\"Bob\""),
        (r#"Account != "Bob""#, "\n| where isnull(Account) OR Account!=\"Bob\""),
        (r#"Account == """#, "\n| where isnull(Account) OR Account==\"\""),
        (r#"isnotempty(Account)"#, "\n| where Account!=\"\""),
        (r#"Account == "1e5""#, "Account=\"1e5\"\n| where match(Account, \"^1e5\\\\z\")"),
        (r#"Account == Computer"#, "\n| where \"=\" . coalesce(Account, \"\")==\"=\" . coalesce(Computer, \"\")"),
        (
            r#"Account !has "x" and EventID != 5"#,
            "NOT EventID=\"5\"\n| where isnull(Account) OR NOT match(Account, \"(?i)(?<![\\\\p{L}\\\\p{N}])x(?![\\\\p{L}\\\\p{N}])\")",
        ),
        (r#"Account =~ "10.0.0.0/8""#, "Account=\"10.0.0.0/8\"\n| where lower(Account)==\"10.0.0.0/8\""),
        (
            r#"Account =~ "a" or Account == Computer"#,
            "\n| where lower(Account)==\"a\" OR \"=\" . coalesce(Account, \"\")==\"=\" . coalesce(Computer, \"\")",
        ),
    ];
    for (condition, query) in cases {
        assert_eq!(exact(&format!("SecurityEvent | where {condition}")), query.trim(), "{condition}");
    }
}

#[test]
fn a_threshold_stays_behind_its_aggregate() {
    assert_eq!(
        exact(
            "SecurityEvent | where EventID == 4625 | summarize n=count() by Account | where n > 5 | sort by n desc | take 3"
        ),
        "EventID=\"4625\"\n| fillnull value=\"\" Account\n| stats count AS n BY Account\n| where n>5\n| sort 0 -num(n)\n| head 3"
    );
}

#[test]
fn values_see_the_row_before_the_stage() {
    assert_eq!(
        exact("SecurityEvent | extend Account=Computer, Computer=Account | project Account, Computer"),
        "| eval huntgate_1=Computer, Computer=Account, Account=huntgate_1\n| table Account, Computer"
    );
}

#[test]
fn text_for_null_is_no_value() {
    let said =
        hunt_in("DeviceProcessEvents | where isempty(FileName) and AccountName !contains 'ul'", "addon", Style::Exact);
    assert!(said.query.contains("nullif('properties.FileName', \"null\")"), "{}", said.query);
    assert!(said.query.contains("isnull(nullif('properties.AccountName', \"null\"))"), "{}", said.query);
}

#[test]
fn native_style_is_never_narrower() {
    let said = hunt_in("SecurityEvent | where Account has 'bob' and Computer !has 'x'", "source", Style::Native);
    assert_eq!(said.verdict, Effect::Broader);
    assert!(said.query.contains("Account=\"*bob*\"") && !said.query.contains("match(Account"), "{}", said.query);
    assert!(said.query.contains("isnull(Computer)"));
}

#[test]
fn what_is_not_written_is_named() {
    for (text, code) in [
        ("SecurityEvent | extend x = parse_user_agent(Account, 'browser')", Code::RefusedFunction),
        ("SecurityEvent | where Account matches regex @'\\b{start}x'", Code::RefusedRegex),
    ] {
        let said = hunt(text);
        assert_eq!(said.verdict, Effect::Refused, "{text}");
        assert!(said.notes.iter().any(|note| note.code == code), "{text}: {:?}", said.notes);
    }
}

#[test]
fn a_condition_that_is_left_out_makes_the_search_broader() {
    let said = hunt("SecurityEvent | where EventID == 1 | where tostring(parse_user_agent(Account, 'os')) has 'x'");
    assert_eq!((said.verdict, said.query.as_str()), (Effect::Broader, "sourcetype=\"SecurityEvent\" EventID=\"1\""));
    let said = hunt(
        "SecurityEvent | where EventID == 1 | where tostring(parse_user_agent(Account, 'os')) has 'x' | summarize count()",
    );
    assert_eq!(said.verdict, Effect::Refused);
}

/// Texts in quotes of a search, decoded; fails on anything that is not closed.
fn quoted_texts(query: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut chars = query.chars();
    while let Some(quote) = chars.next() {
        if quote != '"' && quote != '\'' {
            continue;
        }
        let mut text = String::new();
        loop {
            match chars.next() {
                Some('\\') => text.extend(chars.next()),
                Some(end) if end == quote => break,
                Some(other) => text.push(other),
                None => panic!("not closed: {query}"),
            }
        }
        texts.push(text);
    }
    texts
}

const HOSTILE: [&str; 16] = [
    "\"",
    "\\",
    "\\\"",
    "a\" | delete",
    "*",
    "a*b",
    "?",
    "%_",
    "`drop`",
    "```",
    "a|b",
    "$x$",
    "[ search x ]",
    "a\nb\0c",
    "\u{2028}é",
    " a ",
];

#[test]
fn a_literal_stays_in_its_quotes() {
    for text in HOSTILE {
        for how in [TextHow::Equals, TextHow::Term, TextHow::Substring, TextHow::Prefix, TextHow::Suffix] {
            for (case, negated) in [(Case::Sensitive, false), (Case::Insensitive, true), (Case::Insensitive, false)] {
                let plan = text_plan("Account", "SecurityEvent", text, how, case, negated);
                let said = said(&plan, "", "source", Style::Exact);
                assert!(!said.query.is_empty(), "{text:?}");
                let outside: String = {
                    let mut rest = said.query.clone();
                    for text in quoted_texts(&said.query) {
                        let written = text.replace('\\', "\\\\").replace('"', "\\\"");
                        rest = rest.replacen(&format!("\"{written}\""), "", 1);
                    }
                    rest
                };
                assert!(!outside.contains(['"', '`', '[', '*', '$', '\\', '\0', '%']), "{text:?}: {}", said.query);
                assert_eq!(outside.lines().count(), outside.matches("\n| ").count() + 1, "{text:?}: {}", said.query);
                assert!(
                    !quoted_texts(&said.query).iter().any(|text| text.contains(['`', '\n', '\0'])),
                    "{}",
                    said.query
                );
            }
        }
    }
}

#[test]
fn a_name_that_can_not_be_written_is_refused() {
    for name in ["a*", "a\"b", "a'b", "{x}", "a|b", "a]b", "a`b", "a\nb", "a\\b", "", "-a", "a,b", "$a$"] {
        let plan = text_plan(name, "SecurityEvent", "x", TextHow::Equals, Case::Sensitive, false);
        let said = said(&plan, "", "source", Style::Exact);
        assert_eq!((said.verdict, said.query.as_str()), (Effect::Refused, ""), "{name:?}");
    }
    for table in ["a*", "a`b", "a\nb", ""] {
        let plan = text_plan("Account", table, "x", TextHow::Equals, Case::Sensitive, false);
        assert_eq!(said(&plan, "", "source", Style::Exact).verdict, Effect::Refused, "{table:?}");
    }
    let plan = text_plan("Account", "a\" OR b", "x", TextHow::Equals, Case::Sensitive, false);
    assert!(said(&plan, "", "source", Style::Exact).query.starts_with("sourcetype=\"a\\\" OR b\" "));
}

fn text_plan(column: &str, table: &str, needle: &str, how: TextHow, case: Case, negated: bool) -> Plan {
    let span = Span::new(0, 1);
    let reference = ColumnRef { name: column.into(), known: false };
    let needle = Expr::new(ExprKind::Literal(Value::String(needle.to_owned())), ScalarType::String, span);
    let matched = TextMatch {
        subject: Box::new(Expr::new(ExprKind::Column(reference), ScalarType::String, span)),
        how,
        case,
        needles: Needles::One(Box::new(needle)),
        negated,
    };
    let predicate = Expr::new(ExprKind::Text(matched), ScalarType::Bool, span);
    Plan::new(Pipeline {
        id: NodeId::UNNUMBERED,
        span,
        source: Source::Table(TableRef { name: table.into(), known: false, time_columns: Vec::new() }),
        stages: vec![Stage { id: NodeId::UNNUMBERED, span, kind: StageKind::Where(predicate) }],
        columns: RowType { columns: Vec::new(), open: true },
    })
}
