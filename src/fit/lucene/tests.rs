//! Patterns of KQL and what Lucene reads.

use super::*;

fn lucene(pattern: &str) -> String {
    match contains_regex(pattern, Folded::No) {
        Ok(pattern) => format!("{}{}", if pattern.ignore_case { "~ " } else { "" }, pattern.text),
        Err(Unsayable(what)) => format!("! {what}"),
    }
}

#[test]
fn a_pattern_is_found_anywhere_unless_it_is_anchored() {
    assert_eq!(lucene("foo"), ".*foo.*");
    assert_eq!(lucene("^foo$"), "foo");
    assert_eq!(lucene("^foo"), "foo.*");
    assert_eq!(lucene(".*foo.*"), ".*foo.*");
    assert_eq!(lucene("^$"), "");
    assert_eq!(lucene(""), ".*");
    assert_eq!(lucene("(?m)^foo$"), "(.*\n)?foo(\n.*)?");
}

#[test]
fn anchors_of_alternatives_are_kept_apart() {
    assert_eq!(lucene(r"(^|,)foo(,|$)"), "(.*,)?foo(,.*)?");
    assert_eq!(lucene(r"^a$|bc"), "(a|.*bc.*)");
    assert!(lucene(r"a(^b)").starts_with('!'));
}

#[test]
fn a_point_does_not_match_a_line_end() {
    assert_eq!(lucene("a.b"), ".*a[^\n]b.*");
    assert_eq!(lucene("(?s)a.b"), ".*a.b.*");
}

#[test]
fn case_is_ignored_as_a_whole_or_written_out() {
    assert_eq!(lucene("(?i)abc"), "~ .*abc.*");
    assert_eq!(lucene("(?i)ab(?-i)c"), ".*[Aa][Bb]c.*");
    // The Kelvin sign folds to `k` in KQL and not in Lucene.
    assert_eq!(lucene("(?i)k"), "~ .*[k\u{212a}].*");
}

#[test]
fn lucenes_own_operators_are_escaped() {
    assert_eq!(lucene(r#"a#@&<>~"b"#), r#".*a\#\@\&\<\>\~\"b.*"#);
    assert_eq!(lucene(r"\[\]\(\)\{\}\.\?\+\*\|\\"), r".*\[\]\(\)\{\}\.\?\+\*\|\\.*");
    assert_eq!(lucene(r"[\]\-\^\\]"), r".*[\-\\-\^].*");
}

#[test]
fn lazy_and_greedy_are_the_same_for_a_match() {
    assert_eq!(lucene("a+?b*?c??d{2,3}?"), ".*a+b*c?d{2,3}.*");
}

#[test]
fn boundaries_of_words_are_said_by_neighbours() {
    assert_eq!(lucene(r"\bfoo\b"), "(.*[^0-9A-Z_a-z])?foo([^0-9A-Z_a-z].*)?");
    assert_eq!(lucene(r"\b(foo|bar)\b"), "(.*[^0-9A-Z_a-z])?(foo|bar)([^0-9A-Z_a-z].*)?");
    assert!(lucene(r"foo\bbar").starts_with('!'));
    assert!(contains_regex(r"\bfoo", Folded::No).is_ok_and(|it| it.ascii_only));
}

#[test]
fn unicode_classes_are_cut_down_with_a_mark() {
    let pattern = contains_regex(r"\d\W", Folded::No).unwrap();
    assert_eq!((pattern.text.as_str(), pattern.ascii_only), (".*[0-9][^0-9A-Z_a-z].*", true));
    assert!(contains_regex(r"\s", Folded::No).is_ok_and(|it| !it.ascii_only));
}

#[test]
fn the_empty_text_is_told() {
    for (pattern, empty) in [("", true), ("a*", true), ("^$", true), ("a", false), (r"\b", false), ("a|", true)] {
        let matches = ParserBuilder::new().build().parse(pattern).map(|hir| matches_empty(&hir));
        assert_eq!(matches.ok(), Some(empty), "{pattern}");
    }
}

#[test]
fn a_lowered_text_is_compared_by_lower_letters() {
    let lowered = |pattern| contains_regex(pattern, Folded::Lower);
    assert_eq!(lowered("ab[c-e]").unwrap().text, ".*ab[c-e].*");
    assert!(lowered("ab").unwrap().ignore_case);
    assert!(lowered("aB").is_err());
}

#[test]
fn hostile_patterns_end() {
    assert!(contains_regex(&"(".repeat(200), Folded::No).is_err());
    assert!(contains_regex(&format!("{}a{}", "(".repeat(90), ")".repeat(90)), Folded::No).is_ok());
    assert!(contains_regex("((a{100}){100}){100}", Folded::No).is_ok());
    assert!(contains_regex("(?P<x>a)(?!b)", Folded::No).is_err());
}
