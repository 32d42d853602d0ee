//! What resolution makes of small hunts: names, scopes, functions, rows, refusals.

#![allow(clippy::panic, clippy::unwrap_used)] // The helpers of the tests, too, may fail.

use std::collections::BTreeSet;

use huntgate::diagnostic::{Code, Severity};
use huntgate::plan::{
    AggregateKind, AggregateValue, ArgColumns, ExprKind, JoinKind, Needles, NodeRef, Pipeline, Plan, Source, Stage,
    StageKind, TextMatch, Tree, Value,
};
use huntgate::resolve::{Resolved, resolve};
use huntgate::vocabulary::Vocabulary;

fn run(text: &str) -> Resolved {
    let vocabulary = Vocabulary::embedded().unwrap();
    let query = huntgate::syntax::parse(text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
    let resolved = resolve(&query, text, &vocabulary);
    let failed = resolved.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    assert_eq!(resolved.plan.is_none(), failed, "{text}: {:?}", resolved.diagnostics);
    for diagnostic in &resolved.diagnostics {
        assert!(diagnostic.span.end as usize <= text.len());
    }
    resolved
}

fn plan(text: &str) -> Plan {
    let resolved = run(text);
    let diagnostics = resolved.diagnostics;
    let plan = resolved.plan.unwrap_or_else(|| panic!("{text}: {diagnostics:?}"));
    let mut seen = BTreeSet::new();
    plan.visit(&mut |node: NodeRef<'_>| assert!(seen.insert(node.id()), "{text}: a node is numbered twice"));
    assert_eq!(seen.len(), plan.nodes as usize);
    plan
}

/// The code and the text of the place of each diagnostic.
fn said(text: &str) -> Vec<(Code, String)> {
    run(text).diagnostics.iter().map(|it| (it.code, it.span.slice(text).to_owned())).collect()
}

fn refusal(text: &str) -> (Code, String) {
    let resolved = run(text);
    assert!(resolved.plan.is_none(), "{text} has a plan");
    let error = resolved.diagnostics.into_iter().find(|it| it.severity == Severity::Error).unwrap();
    (error.code, error.span.slice(text).to_owned())
}

fn columns(text: &str) -> Vec<String> {
    plan(text).pipeline.columns.columns.iter().map(|(name, _)| name.to_string()).collect()
}

fn table(pipeline: &Pipeline) -> &str {
    match &pipeline.source {
        Source::Table(table) => &table.name,
        other => panic!("not a table: {other:?}"),
    }
}

fn stages(plan: &Plan) -> &[Stage] {
    &plan.pipeline.stages
}

fn condition(stage: &Stage) -> &huntgate::plan::Expr {
    match &stage.kind {
        StageKind::Where(condition) => condition,
        other => panic!("not a where: {other:?}"),
    }
}

fn text_match(stage: &Stage) -> &TextMatch {
    match &condition(stage).kind {
        ExprKind::Text(text) => text,
        other => panic!("not a text match: {other:?}"),
    }
}

fn listed(stage: &Stage) -> Vec<String> {
    match &text_match(stage).needles {
        Needles::Any(items) | Needles::All(items) => {
            items.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
        }
        Needles::One(item) => vec![item.as_str().unwrap().to_owned()],
        Needles::Table(_) => panic!("a table"),
    }
}

#[test]
fn stages_keep_order_and_spans() {
    let text = "SecurityEvent | where EventID == 1 | where Account has 'a'\n| take 5";
    let plan = plan(text);
    assert_eq!(table(&plan.pipeline), "SecurityEvent");
    let spans: Vec<&str> = stages(&plan).iter().map(|stage| stage.span.slice(text)).collect();
    assert_eq!(spans, ["where EventID == 1", "where Account has 'a'", "take 5"]);
}

#[test]
fn columns_get_the_names_that_kql_gives() {
    let x = "datatable(a:string, d:dynamic, n:long, t:datetime)[] ";
    for (stage, expected) in [
        ("| project a, d.b.c, d['k'], d[0]", "a d_b_c d_k d_0"),
        ("| project tolower(a), n + 1, tostring(d)", "Column1 Column2 d"),
        ("| project a, tostring(a)", "a a1"),
        ("| project strlen(a), bin(t, 1h), x = n", "strlen_a t x"),
        ("| extend tolower(a), tolower(a)", "a d n t Column1 Column2"),
        ("| extend tostring(d), n = n + 1", "a d n t"),
        (
            "| summarize count(), dcount(a), countif(n > 1), make_set(a), max(t) by n",
            "n count_ dcount_a countif_ set_a max_t",
        ),
        ("| summarize count(), count()", "count_ count_1"),
        (
            "| summarize makeset(d.x), any(a), take_any(n), percentile(n, 95), avg(n + 1)",
            "set_d_x any_a n percentile_n_95 avg_",
        ),
        ("| summarize percentiles(n, 5, 95.5) by bin(t, 1h)", "t percentile_n_5 percentile_n_95_5"),
        ("| summarize arg_max(t, a, n) by d.x", "d_x t a n"),
        ("| summarize arg_max(t, *) by a", "a t d n"),
        ("| summarize last = arg_max(t, b = a)", "last b"),
        ("| summarize (p, q) = arg_max(t, a)", "p q"),
        ("| summarize argmax(t, a)", "max_t max_t_a"),
        ("| summarize round(avg(n), 2), 100.0 * countif(n > 1) / count()", "avg_n Column1"),
        ("| summarize take_any(a, n)", "a n"),
        ("| count", "Count"),
        ("| distinct a, n", "a n"),
        ("| sample-distinct 3 of a", "a"),
        ("| make-series count() on t step 1h by a", "a count_ t"),
        ("| mv-expand d.x to typeof(string)", "a d n t d_x"),
        ("| mv-expand with_itemindex=i e = d", "a d n t e i"),
        ("| parse a with * 'x' b:long 'y' c", "a d n t b c"),
        ("| sort by k = n desc", "a d n t k"),
    ] {
        assert_eq!(columns(&format!("{x}{stage}")).join(" "), expected, "{stage}");
    }
    assert_eq!(columns("print 1, b = 2, strlen('x')"), ["print_0", "b", "print_2"]);
}

#[test]
fn conditional_aggregates_are_taken_apart() {
    let plan = plan(
        "SecurityEvent | summarize a = dcountif(Account, EventID == 1), b = round(100.0 * countif(EventID == 2) / count(), 1)",
    );
    let StageKind::Summarize { aggregates, .. } = &stages(&plan)[0].kind else { panic!() };
    let AggregateValue::One(one) = &aggregates[0].value else { panic!() };
    assert_eq!((one.kind, one.args.len(), one.condition.is_some()), (AggregateKind::DCount, 1, true));
    let AggregateValue::Computed { value: _, of } = &aggregates[1].value else { panic!() };
    let kinds: Vec<_> = of.iter().map(|it| (it.kind, it.condition.is_some())).collect();
    assert_eq!(kinds, [(AggregateKind::Count, true), (AggregateKind::Count, false)]);
}

#[test]
fn the_columns_of_extreme_rows_are_named() {
    let made = plan("SecurityEvent | summarize arg_max(TimeGenerated, Account, n = EventID) by Computer");
    let StageKind::Summarize { aggregates, .. } = &stages(&made)[0].kind else { panic!() };
    let AggregateValue::One(one) = &aggregates[0].value else { panic!() };
    let ArgColumns::Named(items) = &one.columns else { panic!() };
    assert_eq!(items.iter().map(|it| it.name.as_ref()).collect::<Vec<_>>(), ["Account", "n"]);
}

#[test]
fn aggregates_stand_in_summarize_only() {
    assert_eq!(refusal("SecurityEvent | extend n = count()").0, Code::WrongArguments);
    assert_eq!(refusal("SecurityEvent | summarize n = dcount()").0, Code::WrongArguments);
}

#[test]
fn right_columns_of_a_join_get_numbers() {
    let t = "datatable(k:string, v:long)[]";
    assert_eq!(columns(&format!("{t} | join ({t}) on k")), ["k", "v", "k1", "v1"]);
    assert_eq!(
        columns(&format!("{t} | join ({t}) on k | join kind=inner ({t}) on k")),
        ["k", "v", "k1", "v1", "k2", "v2"]
    );
    assert_eq!(columns(&format!("{t} | lookup ({t}) on k")), ["k", "v", "v1"]);
    assert_eq!(columns(&format!("{t} | join kind=leftanti ({t}) on k")), ["k", "v"]);
    assert_eq!(columns(&format!("{t} | join kind=rightsemi ({t} | project r = k) on $left.k == $right.r")), ["r"]);
    let made = plan(&format!("{t} | join ({t}) on k, $right.v == $left.v"));
    let StageKind::Join(join) = &stages(&made)[0].kind else { panic!() };
    assert_eq!((join.kind, join.on.len(), join.renamed.len()), (JoinKind::InnerUnique, 2, 2));
    let anti = plan(
        "SecurityEvent | join kind = anti (SigninLogs) on $left.Account == $right.UserPrincipalName and $left.Computer == $right.Location",
    );
    let StageKind::Join(join) = &stages(&anti)[0].kind else { panic!() };
    assert_eq!((join.kind, join.on.len()), (JoinKind::LeftAnti, 2));
    assert_eq!(
        refusal("SecurityEvent | join kind=best (SigninLogs) on TimeGenerated"),
        (Code::WrongArguments, "best".to_owned())
    );
    assert_eq!(refusal("SecurityEvent | join (SigninLogs) on $left.Account > $right.Location").0, Code::WrongArguments);
}

#[test]
fn a_key_of_an_unknown_table_is_a_column_of_it() {
    let text = "Left_CL | join (Right_CL) on Key";
    let names = columns(text);
    assert_eq!(names, ["Key"]);
    let known = "Left_CL | join (datatable(Key:string, v:long)[]) on Key";
    assert_eq!(columns(known), ["Key", "Key1", "v"]);
}

#[test]
fn lets_are_lexical_and_later_ones_shadow() {
    let made =
        plan("let a = 'x'; let b = strcat(a, '1'); let a = 'y'; SecurityEvent | where Account == a and Computer == b");
    let ExprKind::And(items) = &condition(&stages(&made)[0]).kind else { panic!() };
    let needles: Vec<_> = items
        .iter()
        .map(|item| match &item.kind {
            ExprKind::Text(TextMatch { needles: Needles::One(it), .. }) => it.as_str().unwrap().to_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(needles, ["y", "x1"]);
}

#[test]
fn a_column_hides_a_let_and_a_let_hides_a_table() {
    let made = plan("let Account = 'x'; SecurityEvent | where Account == 'y'");
    assert!(text_match(&stages(&made)[0]).subject.as_column().is_some());
    let made = plan("let SecurityEvent = SecurityEvent | where EventID == 1; SecurityEvent | take 1");
    assert_eq!((table(&made.pipeline), stages(&made).len()), ("SecurityEvent", 2));
    let made = plan("let Own_CL = Own_CL | where a == 1; Own_CL");
    assert_eq!(table(&made.pipeline), "Own_CL");
}

#[test]
fn the_span_of_an_inlined_let_is_its_own() {
    let text = "let who = 'root'; Syslog | where HostName == who";
    let made = plan(text);
    let Needles::One(needle) = &text_match(&stages(&made)[0]).needles else { panic!() };
    assert_eq!(needle.span.slice(text), "'root'");
}

#[test]
fn functions_are_inlined_with_their_arguments() {
    let made = plan(
        "let low = 5; let f = (n:long, m:long = 7) { n + m + low }; SecurityEvent | where EventID == f(1) or EventID == f(m = 2, n = 1)",
    );
    let text = format!("{:?}", condition(&stages(&made)[0]));
    assert!(text.contains("Long(13)") && text.contains("Long(8)"), "{text}");
    let made = plan(
        "let f = (T:(Account:string, *), who:string) { let x = who; T | where Account == x }; f(SecurityEvent, 'a') | take 1",
    );
    assert_eq!((table(&made.pipeline), stages(&made).len()), ("SecurityEvent", 2));
    let made = plan(
        "let f = (T:(*), who:string) { T | where Account == who }; SecurityEvent | where EventID == 1 | invoke f('a')",
    );
    assert_eq!((table(&made.pipeline), stages(&made).len()), ("SecurityEvent", 2));
    let made = plan("let f = () { SecurityEvent | take 1 }; f");
    assert_eq!(table(&made.pipeline), "SecurityEvent");
    let made = plan("let f = (x:string) { tolower(x) }; SecurityEvent | where f(Account) == 'a'");
    assert!(matches!(text_match(&stages(&made)[0]).subject.kind, ExprKind::Call { .. }));
}

#[test]
fn a_parameter_has_the_type_that_it_declares() {
    let text = format!("{:?}", plan("let f = (n:real) { n / 2 }; print f(1)").pipeline.source);
    assert!(text.contains("Real(0.5)"), "{text}");
}

#[test]
fn a_let_of_a_value_hides_no_function() {
    let made = plan("let count = 5; SecurityEvent | summarize n = count() | where n > count");
    assert!(matches!(stages(&made)[0].kind, StageKind::Summarize { .. }));
    assert_eq!(table(&plan("let t = Syslog | take 1; t()").pipeline), "Syslog");
}

#[test]
fn calls_that_do_not_fit_are_refused() {
    let f = "let f = (a:string, b:string = 'x') { strcat(a, b) }; ";
    for (call, place) in [("f()", "f()"), ("f('1', '2', '3')", "'3'"), ("f(a='1', c='2')", "c")] {
        let text = format!("{f}print {call}");
        assert_eq!(refusal(&text), (Code::WrongArguments, place.to_owned()), "{call}");
    }
    assert_eq!(refusal("let f = (x:string) { SecurityEvent }; SecurityEvent | invoke f('a')").0, Code::WrongArguments);
}

#[test]
fn recursion_is_refused() {
    for text in [
        "let f = (n:long) { f(n) }; print f(1)",
        "let f = () { g() }; let g = () { f() }; print f()",
        "let f = (T:(*)) { T | invoke f() }; SecurityEvent | invoke f()",
        "let x = x + 1; print x",
    ] {
        assert_eq!(refusal(text).0, Code::Recursion, "{text}");
    }
    assert_eq!(refusal("let a = b; let b = 1; print a"), (Code::UnknownFunction, "b".to_owned()));
    // The same function twice is no recursion.
    plan("let f = (n:long) { n + 1 }; print f(f(f(1)))");
}

#[test]
fn expansion_is_bounded() {
    use std::fmt::Write as _;
    let mut doubling = "let a0 = tolower(tostring(now())); ".to_owned();
    for at in 1..60 {
        write!(doubling, "let a{at} = strcat(a{0}, a{0}); ", at - 1).unwrap();
    }
    doubling.push_str("print a59");
    assert_eq!(refusal(&doubling).0, Code::TooLong);
    let mut unions = "let t0 = SecurityEvent | take 1; ".to_owned();
    for at in 1..60 {
        write!(unions, "let t{at} = union withsource=s t{0}, t{0}; ", at - 1).unwrap();
    }
    unions.push_str("t59");
    assert_eq!(refusal(&unions).0, Code::TooLong);
    let mut functions = "let f0 = (x:string) { strcat(x, x) }; ".to_owned();
    for at in 1..60 {
        write!(functions, "let f{at} = (x:string) {{ f{0}(f{0}(x)) }}; ", at - 1).unwrap();
    }
    functions.push_str("SecurityEvent | where f59(Account) == 'a'");
    assert_eq!(refusal(&functions).0, Code::TooLong);
    let items: Vec<String> = (0..2_000).map(|at| format!("'{at}'")).collect();
    let uses: Vec<String> = (0..500).map(|at| format!("c{at} in (l)")).collect();
    let lists = format!("let l = dynamic([{}]); Own_CL | where {}", items.join(","), uses.join(" or "));
    assert_eq!(refusal(&lists).0, Code::TooLong);
}

#[test]
fn long_chains_do_not_exhaust_the_stack() {
    use std::fmt::Write as _;
    let mut lets = "let a0 = ingestion_time(); ".to_owned();
    for at in 1..2_000 {
        write!(lets, "let a{at} = tostring(a{}); ", at - 1).unwrap();
    }
    lets.push_str("print a1999");
    assert_eq!(refusal(&lets).0, Code::TooLong);
    let mut tables = "let t0 = Syslog; ".to_owned();
    for at in 1..2_000 {
        write!(tables, "let t{at} = t{} | where HostName != '{at}'; ", at - 1).unwrap();
    }
    tables.push_str("t1999");
    assert_eq!(refusal(&tables).0, Code::TooLong);
    let mut calls = "let f0 = (x:string) { x }; ".to_owned();
    for at in 1..2_000 {
        write!(calls, "let f{at} = (x:string) {{ f{}(x) }}; ", at - 1).unwrap();
    }
    calls.push_str("print f1999('a')");
    assert_eq!(refusal(&calls).0, Code::TooLong);
    let ors: Vec<String> = (0..5_000).map(|at| format!("HostName == 'h{at}'")).collect();
    plan(&format!("Syslog | where {}", ors.join(" or ")));
    let list: Vec<String> = (0..10_000).map(|at| format!("'h{at}'")).collect();
    plan(&format!("Syslog | where HostName in ({})", list.join(", ")));
}

#[test]
fn wide_rows_and_many_stages_are_quick() {
    let wide: Vec<String> = (0..500).map(|at| format!("c{at}:string")).collect();
    let many: Vec<String> =
        (0..400).map(|at| format!("| extend c{at} = strcat(c{at}, 'x') | where c{at} != ''")).collect();
    let start = std::time::Instant::now();
    plan(&format!("datatable({})[] {}", wide.join(", "), many.join("\n")));
    assert!(start.elapsed().as_secs() < 5);
}

#[test]
fn lists_of_constant_tables_are_folded() {
    for text in [
        "let l = datatable(n:string)['a', 'b']; Syslog | where HostName in (l)",
        "let l = datatable(i:long, n:string)[1, 'a', 2, 'b'] | project n; Syslog | where HostName in (l)",
        "let l = datatable(n:string)['a', 'b']; Syslog | where HostName in ((l | project n))",
        "let l = toscalar(datatable(n:string)['a', 'b', 'a'] | summarize make_set(n)); Syslog | where HostName in (l)",
        "let l = dynamic(['a', 'b']); Syslog | where HostName in (l)",
        "Syslog | where HostName in ('a', 'b')",
    ] {
        assert_eq!(listed(&stages(&plan(text))[0]), ["a", "b"], "{text}");
    }
    let made = plan("let l = Heartbeat | distinct Computer; Syslog | where HostName !in (l)");
    let text = text_match(&stages(&made)[0]);
    assert!(text.negated && matches!(&text.needles, Needles::Table(_)));
    let made = plan("Syslog | where HostName == toscalar(print 'a')");
    assert_eq!(listed(&stages(&made)[0]), ["a"]);
    let made = plan("Syslog | extend n = toscalar(Heartbeat | count)");
    let StageKind::Extend(items) = &stages(&made)[0].kind else { panic!() };
    assert!(matches!(items[0].value.kind, ExprKind::Scalar(_)));
}

#[test]
fn unknown_names_are_noted_and_kept() {
    assert_eq!(
        said("SecurityEvents | where Foo == 1 | join (SecurityEvents) on Foo"),
        [(Code::UnknownTable, "SecurityEvents".to_owned())]
    );
    let text = "SecurityEvent | where Acount == 'a' | where Acount != 'b'";
    assert_eq!(said(text), [(Code::UnknownColumn, "Acount".to_owned())]);
    assert_eq!(run(text).diagnostics[0].help.as_deref(), Some("did you mean `Account`?"));
    let made = plan(text);
    assert!(!text_match(&stages(&made)[0]).subject.as_column().unwrap().known);
    assert_eq!(refusal("SecurityEvent | where tolowr(Account) == 'a'"), (Code::UnknownFunction, "tolowr".to_owned()));
    assert_eq!(refusal("Unknown_Function(1) | take 1"), (Code::UnknownFunction, "Unknown_Function".to_owned()));
    assert_eq!(refusal("SecurityEvent | evaluate bag_unpak(Account)"), (Code::UnknownFunction, "bag_unpak".to_owned()));
}

#[test]
fn what_does_not_reach_the_plan_is_named() {
    assert_eq!(
        said("let a = 1; let b = a; Syslog"),
        [(Code::UnusedLet, "let a = 1".to_owned()), (Code::UnusedLet, "let b = a".to_owned())]
    );
    let codes = |text: &str| said(text).into_iter().map(|(code, _)| code).collect::<Vec<_>>();
    assert_eq!(codes("set notruncation; Syslog"), [Code::Ignored]);
    assert_eq!(codes("Syslog | summarize hint.strategy=shuffle count() by HostName"), [Code::Ignored]);
    assert_eq!(codes("Syslog | count | render piechart with (title='x')"), [Code::Ignored]);
    assert_eq!(codes("Syslog; Heartbeat"), [Code::SeveralResults]);
    assert_eq!(codes("let f = (a:string) { Syslog }; f('x')"), [Code::Ignored]);
    assert_eq!(codes("workspace('w').Syslog | take 1"), [Code::Ignored]);
    let (code, place) = refusal("declare query_parameters(who:string); Syslog | where HostName == who");
    assert_eq!((code, place.as_str()), (Code::UnknownFunction, "who"));
    plan("declare query_parameters(who:string = 'a'); Syslog | where HostName == who");
    assert_eq!(refusal("let a = 1;").0, Code::NoHunt);
    assert_eq!(refusal("let a = 1; a | take 1").0, Code::NotTabular);
    assert_eq!(refusal("let a = Syslog; Syslog | where HostName == a").0, Code::NotTabular);
}

#[test]
fn sources_are_told_apart() {
    for (text, name) in [
        ("table('Syslog')", "Syslog"),
        ("materialize(Syslog | take 1)", "Syslog"),
        ("database('d').Syslog", "Syslog"),
        ("cluster('c').database('d').Syslog | take 1", "Syslog"),
        ("app('a').requests", "requests"),
        ("imDns", "_Im_Dns"),
        ("_ASim_ProcessCreate()", "_Im_ProcessCreate"),
    ] {
        assert_eq!(table(&plan(text).pipeline), name, "{text}");
    }
    let Source::Watchlist { name } = plan("_GetWatchlist('vip') | project SearchKey").pipeline.source else { panic!() };
    assert_eq!(name, "vip");
    let made =
        plan("externaldata(a:string, b:long)['https://example.org/x.csv'] with (format='csv', ignoreFirstRecord=true)");
    let Source::External { columns, addresses, properties } = made.pipeline.source else { panic!() };
    assert_eq!((columns.len(), addresses.len(), properties.len()), (2, 1, 2));
    let Source::Rows { rows, .. } = plan("datatable(a:string, n:real)['x', 1, 'y', 2]").pipeline.source else {
        panic!()
    };
    assert_eq!(rows[1], [Value::String("y".to_owned()), Value::Real(2.0)]);
    assert!(matches!(plan("range n from 1 to 5 step 1").pipeline.source, Source::Range { .. }));
    let Source::Search { tables, predicate } =
        plan("search in (Syslog, Heartbeat) 'x' and Computer == 'c'").pipeline.source
    else {
        panic!()
    };
    assert_eq!((tables.len(), predicate.len()), (2, 2));
    assert!(matches!(
        plan("find in (Syslog) where HostName == 'x' project HostName").pipeline.source,
        Source::Search { .. }
    ));
}

#[test]
fn unions_are_flattened_and_wildcards_expanded() {
    let branches = |text: &str| match plan(text).pipeline.source {
        Source::Union(union) => union.branches.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(branches("union Syslog, Heartbeat"), 2);
    assert_eq!(branches("Syslog | union Heartbeat, (union SecurityEvent, SigninLogs)"), 4);
    assert_eq!(branches("union withsource=T Syslog, (union Heartbeat, SecurityEvent)"), 2);
    assert!(branches("union isfuzzy=true Device*") > 5);
    assert!(branches("union database('d').Device*, Syslog") > 5);
    assert_eq!(branches("let vA = view() { Syslog }; let vB = view() { Heartbeat }; union v*"), 2);
    assert_eq!(columns("union withsource=T (datatable(a:string)[]), (datatable(b:string)[])"), ["T", "a", "b"]);
    assert_eq!(columns("union kind=inner (datatable(a:string, b:string)[]), (datatable(b:string)[])"), ["b"]);
}

#[test]
fn parameters_of_parsers_become_conditions() {
    let made = plan(
        "_Im_ProcessCreate(starttime=ago(1d), commandline_has_any=dynamic(['-enc', 'iex']), dvchostname_has_any=dynamic(['h'])) | take 1",
    );
    let kinds: Vec<bool> = stages(&made).iter().map(|stage| matches!(stage.kind, StageKind::Where(_))).collect();
    assert_eq!(kinds, [true, true, true, false]);
    assert!(matches!(condition(&stages(&made)[0]).kind, ExprKind::Time(_)));
    assert_eq!(listed(&stages(&made)[1]), ["-enc", "iex"]);
    assert!(matches!(&condition(&stages(&made)[2]).kind, ExprKind::Or(items) if items.len() == 2));
    assert_eq!(refusal("_Im_ProcessCreate(comandline_has_any='x')").0, Code::WrongArguments);
    // The neutral value filters nothing.
    assert_eq!(stages(&plan("_Im_ProcessCreate(eventtype='*')")).len(), 0);
}

#[test]
fn columns_of_a_table_are_taken_away_by_name_those_of_a_stage_written_out() {
    let made = plan("Syslog | project-away Host*, Facility");
    assert!(matches!(&stages(&made)[0].kind, StageKind::ProjectAway(patterns) if patterns.len() == 2));
    let names = columns("datatable(aa:string, ab:string, c:long)[] | project-away a*");
    assert_eq!(names, ["c"]);
    let made = plan("datatable(aa:string, ab:string, c:long)[] | project-rename x = ab | project-keep x, a*");
    assert!(stages(&made).iter().all(|stage| matches!(stage.kind, StageKind::Project(_))));
    assert_eq!(
        columns("datatable(aa:string, ab:string, c:long)[] | project-rename x = ab | project-keep x, a*"),
        ["aa", "x"]
    );
    assert_eq!(columns("datatable(b:string, a:string, c:long)[] | project-reorder c, * asc"), ["c", "a", "b"]);
}

#[test]
fn the_time_of_the_event_is_followed() {
    let time = |text: &str| {
        let made = plan(text);
        stages(&made).iter().any(|stage| match &stage.kind {
            StageKind::Where(condition) => matches!(condition.kind, ExprKind::Time(_)),
            _ => false,
        })
    };
    assert!(time("Syslog | where TimeGenerated > ago(1d)"));
    assert!(time("Own_CL | where TimeGenerated > ago(1d)"));
    assert!(time("Syslog | project t = TimeGenerated | where t > ago(1d)"));
    assert!(time("Syslog | project-rename t = TimeGenerated | where t > ago(1d)"));
    assert!(!time("Syslog | summarize TimeGenerated = max(TimeGenerated) | where TimeGenerated > ago(1d)"));
    assert!(!time("Syslog | extend TimeGenerated = now() | where TimeGenerated > ago(1d)"));
}

#[test]
fn operators_without_translation_are_stages_or_refused_by_name() {
    let made = plan("Syslog | getschema");
    assert!(matches!(stages(&made)[0].kind, StageKind::Untranslated(_)));
    assert!(made.pipeline.columns.open);
    assert_eq!(refusal("Syslog | consume").0, Code::RefusedOperator);
    assert_eq!(refusal("SecurityEvent | where * has 'x'").0, Code::NotYet);
    let made = plan("DeviceFileEvents | invoke FileProfile(SHA1, 1000) | where GlobalPrevalence < 100");
    assert!(matches!(stages(&made)[0].kind, StageKind::Invoke { .. }));
    let made = plan("Syslog | extend p = parse_json(SyslogMessage) | evaluate bag_unpack(p) | where anything == 'x'");
    assert!(made.pipeline.columns.open && !made.pipeline.columns.columns.iter().any(|(name, _)| &**name == "p"));
    let made = plan("Syslog | mv-apply p = parse_json(SyslogMessage) on (where p.a == 'x' | summarize n = count())");
    let StageKind::MvApply { body, .. } = &stages(&made)[0].kind else { panic!() };
    assert_eq!(body.len(), 2);
    assert!(made.pipeline.columns.columns.iter().any(|(name, _)| &**name == "n"));
}

#[test]
fn a_declared_schema_gives_the_columns_of_a_plugin() {
    let t = "datatable(a:string, d:dynamic)[]";
    assert_eq!(columns(&format!("{t} | evaluate bag_unpack(d) : (a: string, b: long)")), ["a", "b"]);
    assert_eq!(columns(&format!("{t} | evaluate pivot(a) : (x: long)")), ["x"]);
    assert_eq!(columns(&format!("{t} | evaluate narrow() : (*, x: long)")), ["a", "d", "x"]);
}

#[test]
fn rows_named_by_as_can_be_read_again() {
    let made = plan("Syslog | where Facility == 'x' | as A | join (A | count) on $left.ProcessID == $right.Count");
    let StageKind::Join(join) = &stages(&made)[1].kind else { panic!() };
    assert_eq!(table(&join.right), "Syslog");
}

#[test]
fn defaults_are_written_out() {
    let made = plan("Syslog | sort by TimeGenerated, HostName asc, Facility nulls first");
    let StageKind::Sort(keys) = &stages(&made)[0].kind else { panic!() };
    let orders: Vec<_> = keys.iter().map(|key| (key.descending, key.nulls_first)).collect();
    assert_eq!(orders, [(true, false), (false, true), (true, true)]);
}
