//! Arithmetic, functions and constants.

use super::*;

/// <https://learn.microsoft.com/kusto/query/numerical-operators>,
/// <https://learn.microsoft.com/kusto/query/datetime-timespan-arithmetic>
#[test]
fn arithmetic_of_constants() {
    let rows = [
        (B::Add, i(2), i(3), "5"),
        (B::Divide, i(1), i(2), "0"),
        (B::Divide, i(-7), i(2), "-3"),
        (B::Divide, r(1.0), i(2), "0.5"),
        (B::Divide, i(1), i(0), "(1 / 0)"),
        (B::Divide, r(1.0), r(0.0), "(1.0 / 0.0)"),
        (B::Modulo, i(-14), i(12), "10"),
        (B::Modulo, i(14), i(-12), "2"),
        (B::Add, i(i64::MAX), i(1), "(9223372036854775807 + 1)"),
        (B::Multiply, i(1 << 60), i(8), "(1152921504606846976 * 8)"),
        (B::Multiply, i(2), days(3), "6.00:00:00"),
        (B::Multiply, days(3), r(1.5), "4.12:00:00"),
        (B::Divide, days(1), days(2), "0.5"),
        (B::Divide, days(1), i(2), "12:00:00"),
        (B::Add, days(1), days(2), "3.00:00:00"),
        (B::Subtract, at("2024-03-01"), at("2024-02-01"), "29.00:00:00"),
        (B::Subtract, at("2024-03-01"), days(1), "2024-02-29"),
        (B::Add, days(1), at("2024-02-29"), "2024-03-01"),
        (B::Subtract, at("0001-01-01"), days(1), "(0001-01-01 - 1.00:00:00)"),
        (B::Add, n(), i(1), "(n + 1)"),
    ];
    for (op, left, right, expected) in rows {
        check(|make| make.binary(op, left, right, HERE), expected);
    }
    check(|make| make.unary(ast::UnaryOp::Minus, i(5), HERE), "-5");
    check(|make| make.unary(ast::UnaryOp::Minus, i(i64::MIN), HERE), "--9223372036854775808");
    check(|make| make.unary(ast::UnaryOp::Plus, n(), HERE), "n");
    noted(|make| make.binary(B::Add, x(), s("a"), HERE), r#"(x + "a")"#, &["HG110"]);
    let types = [
        (B::Divide, typed("a", ScalarType::Int), typed("b", ScalarType::Int), ScalarType::Long),
        (B::Multiply, n(), typed("b", ScalarType::Real), ScalarType::Real),
        (B::Subtract, t(), t(), ScalarType::Timespan),
        (B::Add, t(), u(), ScalarType::Datetime),
        (B::Add, u(), n(), ScalarType::Unknown),
    ];
    for (op, left, right, ty) in types {
        assert_eq!(built(|make| make.binary(op, left, right, HERE)).0.ty, ty);
    }
}

#[test]
fn functions_of_constants() {
    let words = || array(&["a", "b", "a"]);
    let rows = [
        ("strcat", vec![s("a"), i(1), days(1)], r#""a11.00:00:00""#),
        ("strcat", vec![s("a"), r(1.5)], r#"strcat("a", 1.5)"#),
        (
            "strcat_delim",
            vec![s("-"), i(1), s("2"), s("A"), value(Value::Timespan(TICKS_PER_SECOND))],
            r#""1-2-A-00:00:01""#,
        ),
        ("strcat_array", vec![words(), s("->")], r#""a->b->a""#),
        ("tolower", vec![s("ABc")], r#""abc""#),
        ("tolower", vec![s("Ä")], r#"tolower("Ä")"#),
        ("toupper", vec![s("ab")], r#""AB""#),
        ("reverse", vec![s("abc")], r#""cba""#),
        ("strlen", vec![s("äb")], "2"),
        ("substring", vec![s("123456"), i(1)], r#""23456""#),
        ("substring", vec![s("123456"), i(2), i(2)], r#""34""#),
        ("substring", vec![s("123456"), i(-2), i(2)], r#""56""#),
        ("substring", vec![s("12"), i(5)], r#""""#),
        ("indexof", vec![s("abcdefg"), s("cde")], "2"),
        ("indexof", vec![s("abc"), s("x")], "-1"),
        ("replace_string", vec![s("a cat"), s("cat"), s("dog")], r#""a dog""#),
        ("trim", vec![s("--"), s("--https://bing.com--")], r#""https://bing.com""#),
        ("trim", vec![s("-"), s("--a")], r#"trim("-", "--a")"#),
        ("trim_start", vec![s(r"\s+"), s("  a ")], r#""a ""#),
        ("trim", vec![s("[a]"), s("a")], r#"trim("[a]", "a")"#),
        ("split", vec![s("a__b"), s("_")], r#"["a","","b"]"#),
        ("split", vec![s(""), s("_")], r#"[""]"#),
        ("split", vec![s("aaa_bbb_ccc"), s("_"), i(1)], r#"["bbb"]"#),
        ("base64_encode_tostring", vec![s("Kusto")], r#""S3VzdG8=""#),
        ("base64_decode_tostring", vec![s("S3VzdG8=")], r#""Kusto""#),
        ("base64_decode_tostring", vec![s("S3VzdG8")], r#"base64_decode_tostring("S3VzdG8")"#),
        ("url_decode", vec![s("https%3a%2f%2fbing.com%2f")], r#""https://bing.com/""#),
        ("url_decode", vec![s("a+b")], r#"url_decode("a+b")"#),
        ("tolong", vec![s("123")], "123"),
        ("toint", vec![r(2.3)], "2"),
        ("toint", vec![i(1 << 40)], "toint(1099511627776)"),
        ("toreal", vec![s("1.5")], "1.5"),
        ("tobool", vec![i(123)], "true"),
        ("toboolean", vec![s("false")], "false"),
        ("totimespan", vec![s("0.00:03:00")], "00:03:00"),
        ("tostring", vec![i(123)], r#""123""#),
        ("tostring", vec![yes(true)], "tostring(true)"),
        ("tostring", vec![at("2017-10-15")], r#""2017-10-15T00:00:00.0000000Z""#),
        ("pack_array", vec![s("a"), i(1)], r#"["a",1]"#),
        ("array_concat", vec![words(), array(&["c"])], r#"["a","b","a","c"]"#),
        ("array_length", vec![words()], "3"),
        ("set_union", vec![words(), array(&["c", "b"])], r#"["a","b","c"]"#),
        ("set_difference", vec![words(), array(&["b"])], r#"["a"]"#),
        ("set_intersect", vec![words(), array(&["b", "c"])], r#"["b"]"#),
        ("set_has_element", vec![words(), s("b")], "true"),
        ("range", vec![i(1), i(8), i(3)], "[1,4,7]"),
        ("range", vec![i(1), i(100_000)], "range(1, 100000)"),
        ("bag_pack", vec![s("k"), i(1)], "{k:1}"),
        ("parse_json", vec![s(r#"{"a":[1,2.5,null,"x"]}"#)], r#"{a:[1,2.5,dynamic(null),"x"]}"#),
        ("parse_json", vec![s("nonsense")], r#"parse_json("nonsense")"#),
        ("abs", vec![i(-5)], "5"),
        ("pow", vec![i(2), i(3)], "8.0"),
        ("min_of", vec![i(10), i(1), i(-3), i(17)], "-3"),
        ("max_of", vec![days(1), days(2)], "2.00:00:00"),
        ("bin", vec![i(17), i(5)], "15"),
        ("bin", vec![days(16), days(7)], "14.00:00:00"),
        ("bin", vec![at("1970-05-11T13:45:07"), days(1)], "1970-05-11"),
        ("dayofweek", vec![at("2017-01-03")], "2.00:00:00"),
        ("isempty", vec![s("")], "true"),
        ("isnull", vec![s("")], "false"),
        ("isnotnull", vec![value(Value::Null(ScalarType::Int))], "false"),
        ("rand", vec![i(5)], "rand(5)"),
        ("hash_sha256", vec![s("a")], r#"hash_sha256("a")"#),
    ];
    for (name, args, expected) in rows {
        check(|make| make.call(name, args, HERE), expected);
    }
}

#[test]
fn constants_stay_small() {
    let long = || s(&"a".repeat(40_000));
    let (expr, ..) = built(|make| make.call("strcat", vec![long(), long()], HERE));
    assert!(matches!(expr.kind, ExprKind::Call { .. }));
    let many = || value(Value::Array(vec![Value::Long(1); 6_000]));
    let (expr, ..) = built(|make| make.call("array_concat", vec![many(), many()], HERE));
    assert!(matches!(expr.kind, ExprKind::Call { .. }));
}

#[test]
fn choices() {
    let p = |make: &mut Builder<'_>| make.binary(B::Eq, x(), s("a"), HERE);
    check(
        |make| {
            let p = p(make)?;
            make.call("iff", vec![p, yes(true), yes(false)], HERE)
        },
        r#"x Equals "a""#,
    );
    check(
        |make| {
            let p = p(make)?;
            make.call("iif", vec![p, yes(false), yes(true)], HERE)
        },
        r#"x !Equals "a""#,
    );
    // A null `n` makes `iff` false and its opposite true, the bare comparison null both times: only `where` may use it.
    let nullable = |make: &mut Builder<'_>| {
        let p = make.binary(B::Gt, n(), i(1), HERE)?;
        make.call("iff", vec![p, yes(true), yes(false)], HERE)
    };
    check(nullable, "iff(n Gt 1, true, false)");
    check(
        |make| {
            let iff = nullable(make)?;
            Ok(make.predicate(iff))
        },
        "n Gt 1",
    );
    check(|make| make.call("iff", vec![b(), s("y"), s("n")], HERE), r#"iff(b Eq true, "y", "n")"#);
    noted(|make| make.call("iff", vec![yes(true), x(), n()], HERE), "x", &["HG112"]);
    noted(|make| make.call("iff", vec![yes(false), i(1), i(2)], HERE), "2", &["HG112"]);
    noted(
        |make| {
            let p = p(make)?;
            make.call("case", vec![yes(false), i(1), p, i(2), yes(true), i(3), i(4)], HERE)
        },
        r#"iff(x Equals "a", 2, 3)"#,
        &["HG112", "HG112"],
    );
    assert_eq!(refused(|make| make.call("case", vec![b(), i(1), b(), i(2)], HERE)), "HG105");
    check(|make| make.call("coalesce", vec![x(), s("a")], HERE), r#"coalesce(x, "a")"#);
    noted(|make| make.call("coalesce", vec![s(""), s("a"), x()], HERE), r#""a""#, &["HG112", "HG112"]);
    noted(|make| make.call("coalesce", vec![x(), s(""), x()], HERE), "coalesce(x, x)", &["HG112"]);
}

#[test]
fn presence_and_conversions() {
    check(|make| make.call("notempty", vec![x()], HERE), "!empty(x)");
    check(|make| make.call("isempty", vec![n()], HERE), "null(n)");
    check(|make| make.call("isnull", vec![d()], HERE), "null(d)");
    check(|make| make.call("isempty", vec![u()], HERE), "empty(u)");
    noted(|make| make.call("isnotnull", vec![x()], HERE), "true", &["HG112"]);
    check(|make| make.call("tostring", vec![x()], HERE), "x");
    check(|make| make.call("tostring", vec![n()], HERE), "tostring(n)");
    check(|make| make.call("todatetime", vec![t()], HERE), "T");
    check(|make| make.call("parse_json", vec![d()], HERE), "parse_json(d)");
    check(|make| make.call("tolower", vec![x()], HERE), "tolower(x)");
    assert_eq!(refused(|make| make.call("tolowr", vec![x()], HERE)), "HG103");
    assert_eq!(refused(|make| make.call("tolower", vec![], HERE)), "HG105");
    assert_eq!(refused(|make| make.call("count", vec![], HERE)), "HG105");
    let types = [
        ("iff", vec![b(), n(), typed("r", ScalarType::Real)], ScalarType::Real),
        ("coalesce", vec![x(), x()], ScalarType::String),
        ("bin", vec![t(), days(1)], ScalarType::Datetime),
        ("extract", vec![s("a"), i(1), x()], ScalarType::String),
        ("extract", vec![s("a"), i(1), x(), s("long")], ScalarType::Long),
        ("strlen", vec![x()], ScalarType::Long),
    ];
    for (name, args, ty) in types {
        assert_eq!(built(|make| make.call(name, args, HERE)).0.ty, ty, "{name}");
    }
}

#[test]
fn parts_of_dynamic_values() {
    let key = |text: &str| PathStep::Key(text.into());
    check(
        |make| {
            let a = make.path(d(), key("a"), HERE);
            Ok(make.path(a, PathStep::Index(-1), HERE))
        },
        "d.a[-1]",
    );
    check(|make| Ok(make.path(d(), PathStep::Computed(Box::new(s("a b"))), HERE)), "d.a b");
    check(|make| Ok(make.path(d(), PathStep::Computed(Box::new(n())), HERE)), "d[n]");
    check(
        |make| {
            let json = make.call("todynamic", vec![x()], HERE)?;
            let a = make.path(json, key("a"), HERE);
            make.call("tostring", vec![a], HERE)
        },
        "tostring(parse_json(x).a)",
    );
    check(|make| Ok(make.path(array(&["p", "q"]), PathStep::Index(-1), HERE)), r#""q""#);
    check(|make| Ok(make.path(array(&["p", "q"]), PathStep::Index(2), HERE)), "dynamic(null)");
    check(
        |make| {
            let bag = make.call("bag_pack", vec![s("k"), i(1)], HERE)?;
            Ok(make.path(bag, key("k"), HERE))
        },
        "1",
    );
    noted(|make| Ok(make.path(x(), key("a"), HERE)), "x.a", &["HG110"]);
    assert_eq!(built(|make| Ok(make.path(array(&["p"]), PathStep::Index(0), HERE))).0.ty, ScalarType::Dynamic);
}

#[test]
fn text_matches_of_constants() {
    let rows = [
        (B::Has, "North America", "america", "true"),
        (B::Has, "North America", "amer", "false"),
        (B::Has, "foo_bar", "foo", "true"),
        (B::HasCs, "North America", "america", "false"),
        (B::HasPrefix, "North America", "ame", "true"),
        (B::HasSuffix, "North America", "ica", "true"),
        (B::NotHas, "KustoExplorerQueryRun", "Explorer", "true"),
        (B::Contains, "FabriKam", "BRik", "true"),
        (B::StartsWithCs, "Fabrikam", "fab", "false"),
        (B::EndsWith, "Fabrikam", "Kam", "true"),
        (B::EqInsensitive, "aBc", "xyz", "false"),
        (B::Eq, "aBc", "aBc", "true"),
        // Not certain: kept.
        (B::Has, "a-b", "a-b", r#""a-b" Term~ "a-b""#),
        (B::Contains, "Ä", "ä", r#""Ä" Substring~ "ä""#),
        (B::Contains, "a", "", r#""a" Substring~ """#),
        (B::MatchesRegex, "a", "a", r#""a" Regex "a""#),
    ];
    for (op, left, right, expected) in rows {
        check(|make| make.binary(op, s(left), s(right), HERE), expected);
    }
    check(|make| make.binary(B::Lt, i(1), r(1.5), HERE), "true");
    check(|make| make.binary(B::Ne, i(1), value(Value::Null(ScalarType::Long)), HERE), "true");
    check(|make| make.binary(B::Gt, value(Value::Null(ScalarType::Long)), i(1), HERE), "long(null) Gt 1");
}

#[test]
fn the_place_of_a_constant_covers_what_went_into_it() {
    let place = |start: u32, end: u32, expr: Expr| Expr { span: Span::new(start, end), ..expr };
    let (expr, ..) = built(|make| make.binary(B::Add, place(5, 6, i(1)), place(40, 41, i(2)), Span::new(38, 45)));
    assert_eq!(expr.span, Span::new(5, 45));
    let (expr, ..) = built(|make| make.call("tostring", vec![place(20, 21, x())], Span::new(10, 22)));
    assert_eq!(expr.span, Span::new(10, 22));
    let mut notes = Vec::new();
    let mut make = Builder { vocabulary: vocabulary(), notes: &mut notes, time_columns: &[] };
    let leaf = place(10, 16, make.binary(B::Eq, n(), i(1), Span::new(10, 16)).unwrap());
    make.and(vec![place(3, 7, yes(true)), leaf], Span::new(3, 16));
    assert_eq!(notes.iter().map(|note| note.span).collect::<Vec<_>>(), [Span::new(3, 7)]);
}

#[test]
fn extremes_do_no_harm() {
    let numbers = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX];
    let operands = || {
        let kinds: [fn(i64) -> Value; 3] = [Value::Long, Value::Timespan, |number| Value::Real(number as f64)];
        numbers.into_iter().flat_map(move |number| kinds.map(|kind| value(kind(number)))).chain([at("9999-12-31")])
    };
    for left in operands() {
        for right in operands() {
            for op in [B::Add, B::Subtract, B::Multiply, B::Divide, B::Modulo, B::Lt, B::Eq] {
                built(|make| make.binary(op, left.clone(), right.clone(), HERE));
            }
            for name in ["bin", "min_of", "pow", "range", "startofweek", "endofyear", "endofday"] {
                built(|make| make.call(name, vec![left.clone(), right.clone()], HERE));
            }
            for period in ["week", "quarter", "second"] {
                built(|make| make.call("datetime_add", vec![s(period), left.clone(), right.clone()], HERE));
            }
            built(|make| make.call("substring", vec![s("abc"), left.clone(), right.clone()], HERE));
            built(|make| make.between(n(), true, left.clone(), right.clone(), HERE));
            let ago = built(|make| make.call("ago", vec![left.clone()], HERE)).0;
            let day = built(|make| make.call("startofday", vec![ago, right.clone()], HERE)).0;
            built(|make| make.binary(B::Subtract, day, right.clone(), HERE));
        }
    }
}
