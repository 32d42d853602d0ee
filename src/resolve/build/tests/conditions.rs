//! Comparisons, logic, time and lists.

use super::*;

#[test]
fn every_text_operator_has_its_form() {
    let rows = [
        (B::Eq, r#"x Equals "a""#),
        (B::Ne, r#"x !Equals "a""#),
        (B::EqInsensitive, r#"x Equals~ "a""#),
        (B::NeInsensitive, r#"x !Equals~ "a""#),
        (B::Has, r#"x Term~ "a""#),
        (B::NotHas, r#"x !Term~ "a""#),
        (B::HasCs, r#"x Term "a""#),
        (B::NotHasCs, r#"x !Term "a""#),
        (B::HasPrefix, r#"x TermPrefix~ "a""#),
        (B::NotHasPrefixCs, r#"x !TermPrefix "a""#),
        (B::HasSuffixCs, r#"x TermSuffix "a""#),
        (B::NotHasSuffix, r#"x !TermSuffix~ "a""#),
        (B::Contains, r#"x Substring~ "a""#),
        (B::NotContainsCs, r#"x !Substring "a""#),
        (B::StartsWith, r#"x Prefix~ "a""#),
        (B::NotStartsWithCs, r#"x !Prefix "a""#),
        (B::EndsWithCs, r#"x Suffix "a""#),
        (B::NotEndsWith, r#"x !Suffix~ "a""#),
        (B::MatchesRegex, r#"x Regex "a""#),
        (B::Like, r#"x Equals~ "a""#),
        (B::NotLikeCs, r#"x !Equals "a""#),
        (B::Search, r#"x Term~ "a""#),
    ];
    for (op, expected) in rows {
        check(|make| make.binary(op, x(), s("a"), HERE), expected);
    }
    check(|make| make.binary(B::Like, x(), s("%a%"), HERE), r#"x Substring~ "a""#);
    check(|make| make.binary(B::NotLike, x(), s("a%"), HERE), r#"x !Prefix~ "a""#);
    check(|make| make.binary(B::LikeCs, x(), s("%a"), HERE), r#"x Suffix "a""#);
    assert_eq!(refused(|make| make.binary(B::Like, x(), s("a%b"), HERE)), "HG205");
    assert_eq!(refused(|make| make.binary(B::Like, x(), s("a_b"), HERE)), "HG205");
    check(|make| make.binary(B::Search, x(), s("a*"), HERE), r#"x TermPrefix~ "a""#);
    check(|make| make.binary(B::Search, x(), s("*a"), HERE), r#"x TermSuffix~ "a""#);
    check(|make| make.binary(B::Search, x(), s("*a*"), HERE), r#"x Substring~ "a""#);
    assert_eq!(refused(|make| make.binary(B::Search, x(), s("a*b"), HERE)), "HG205");
}

#[test]
fn which_side_is_text_decides() {
    check(|make| make.binary(B::Eq, s("a"), x(), HERE), r#"x Equals "a""#);
    check(|make| make.binary(B::Ne, s("a"), x(), HERE), r#"x !Equals "a""#);
    check(|make| make.binary(B::Has, s("abc"), x(), HERE), r#""abc" Term~ x"#);
    check(|make| make.binary(B::Eq, u(), s("a"), HERE), r#"u Equals "a""#);
    check(|make| make.binary(B::Eq, d(), s("a"), HERE), r#"d Equals "a""#);
    check(|make| make.binary(B::Eq, u(), d(), HERE), "u Eq d");
    check(|make| make.binary(B::Eq, u(), x(), HERE), "u Equals x");
    check(|make| make.binary(B::Eq, u(), i(5), HERE), "u Eq 5");
    check(|make| make.binary(B::Lt, i(5), n(), HERE), "n Gt 5");
    // Types that KQL does not compare: a whole number is compared by its text, other constants become one of the column's
    // type, with a warning.
    noted(|make| make.binary(B::Eq, x(), i(0), HERE), r#"x Equals "0""#, &["HG110"]);
    noted(|make| make.binary(B::Eq, n(), s("4625"), HERE), r#"n Equals "4625""#, &["HG110"]);
    noted(|make| make.binary(B::Ne, b(), s("true"), HERE), "b Ne true", &["HG110"]);
    noted(|make| make.binary(B::Has, x(), i(5), HERE), r#"x Term~ "5""#, &["HG110"]);
    noted(|make| make.binary(B::Has, n(), s("5"), HERE), r#"n Term~ "5""#, &["HG110"]);
    noted(|make| make.binary(B::Gt, t(), s("2024-05-01"), HERE), "T(>2024-05-01 …)", &["HG110"]);
    noted(|make| make.binary(B::Eq, x(), n(), HERE), "x Equals n", &["HG110"]);
}

#[test]
fn lists() {
    let list = || vec![s("a"), s("b"), s("a")];
    check(|make| make.membership(M::In, x(), list(), HERE), r#"x Equals any("a", "b", "a")"#);
    check(|make| make.membership(M::NotIn, x(), list(), HERE), r#"x !Equals any("a", "b", "a")"#);
    check(|make| make.membership(M::InInsensitive, x(), list(), HERE), r#"x Equals~ any("a", "b", "a")"#);
    check(|make| make.membership(M::NotInInsensitive, x(), vec![s("a")], HERE), r#"x !Equals~ "a""#);
    check(|make| make.membership(M::HasAny, x(), list(), HERE), r#"x Term~ any("a", "b", "a")"#);
    check(|make| make.membership(M::HasAll, d(), list(), HERE), r#"d Term~ all("a", "b", "a")"#);
    check(|make| make.membership(M::HasAll, x(), vec![s("a")], HERE), r#"x Term~ "a""#);
    check(|make| make.membership(M::In, x(), vec![array(&["a", "b"]), s("c")], HERE), r#"x Equals any("a", "b", "c")"#);
    check(|make| make.membership(M::In, x(), vec![d()], HERE), "x Equals any(d)");
    check(|make| make.membership(M::In, n(), vec![i(1), i(2)], HERE), "n in (1, 2)");
    check(|make| make.membership(M::NotIn, n(), vec![i(1)], HERE), "n Ne 1");
    check(|make| make.membership(M::In, u(), vec![i(1), i(2)], HERE), "u in (1, 2)");
    noted(|make| make.membership(M::In, n(), vec![s("1"), s("2")], HERE), r#"n Equals any("1", "2")"#, &["HG110"]);
    noted(|make| make.membership(M::In, x(), vec![array(&[])], HERE), "false", &["HG112"]);
    noted(|make| make.membership(M::NotIn, x(), vec![], HERE), "true", &["HG112"]);
    assert_eq!(refused(|make| make.membership(M::HasAll, x(), vec![], HERE)), "HG105");
    check(|make| make.membership(M::In, s("a"), list(), HERE), "true");
    check(|make| make.membership(M::HasAll, s("a b"), list(), HERE), "true");
    check(|make| make.membership(M::HasAll, s("a c"), list(), HERE), "false");
    check(|make| make.membership(M::NotIn, i(3), vec![i(1), i(2)], HERE), "true");
    let table = || Pipeline {
        id: crate::plan::NodeId::UNNUMBERED,
        span: HERE,
        source: crate::plan::Source::Watchlist { name: "w".into() },
        stages: Vec::new(),
        columns: crate::plan::RowType::default(),
    };
    check(|make| make.membership_table(M::NotInInsensitive, x(), table(), HERE), "x !Equals~ table");
    check(|make| make.membership_table(M::HasAny, x(), table(), HERE), "x Term~ table");
    assert_eq!(refused(|make| make.membership_table(M::HasAll, x(), table(), HERE)), "HG205");
}

#[test]
fn a_long_list_takes_linear_time() {
    let items: Vec<Expr> = (0..10_000).map(|index| s(&format!("v{index}"))).collect();
    let (expr, ..) = built(|make| make.membership(M::In, x(), items, HERE));
    assert!(matches!(expr.kind, ExprKind::Text(_)));
    let (expr, ..) = built(|make| {
        let mut all = make.binary(B::Eq, x(), s("v"), HERE)?;
        for index in 0..10_000 {
            let next = make.binary(B::Eq, x(), s(&index.to_string()), HERE)?;
            all = make.binary(B::Or, all, next, HERE)?;
        }
        Ok(make.not(all, HERE))
    });
    assert!(matches!(expr.kind, ExprKind::And(items) if items.len() == 10_001));
}

/// <https://learn.microsoft.com/kusto/query/scalar-data-types/null-values>: a comparison and its opposite have the same
/// rows with a null in neither case or, for `==` and `!=`, as documented.
#[test]
fn negation_goes_to_the_leaves() {
    let rows: [(Make, &str); 17] = [
        (|make| make.binary(B::Eq, n(), i(1), HERE), "n Ne 1"),
        (|make| make.binary(B::Lt, n(), i(1), HERE), "n Ge 1"),
        (|make| make.binary(B::Ge, n(), i(1), HERE), "n Lt 1"),
        (|make| make.binary(B::Has, x(), s("a"), HERE), r#"x !Term~ "a""#),
        (|make| make.binary(B::NotContains, x(), s("a"), HERE), r#"x Substring~ "a""#),
        (|make| make.binary(B::MatchesRegex, x(), s("a"), HERE), r#"x !Regex "a""#),
        (|make| make.membership(M::In, n(), vec![i(1), i(2)], HERE), "n !in (1, 2)"),
        (|make| make.call("isempty", vec![x()], HERE), "!empty(x)"),
        (|make| make.call("isnotnull", vec![n()], HERE), "null(n)"),
        (
            |make| {
                let ago = make.call("ago", vec![days(1)], HERE)?;
                make.binary(B::Gt, t(), ago, HERE)
            },
            "T(… <=now+-1.00:00:00)",
        ),
        (|make| make.between(t(), false, at("2024-01-01"), at("2024-01-02"), HERE), "!T(>=2024-01-01 <=2024-01-02)"),
        (|make| make.between(t(), true, at("2024-01-01"), at("2024-01-02"), HERE), "T(>=2024-01-01 <=2024-01-02)"),
        (|make| make.binary(B::Eq, t(), at("2024-01-01"), HERE), "T Ne 2024-01-01"),
        (|_| Ok(b()), "not(b)"),
        (|make| Ok(make.not(b(), HERE)), "b"),
        (|_| Ok(yes(true)), "false"),
        (
            |make| {
                let one = make.binary(B::Eq, x(), s("a"), HERE)?;
                let two = make.binary(B::Gt, n(), i(5), HERE)?;
                let either = make.binary(B::Or, two, b(), HERE)?;
                make.binary(B::And, one, either, HERE)
            },
            r#"or(x !Equals "a", and(n Le 5, not(b)))"#,
        ),
    ];
    for (make, expected) in rows {
        check(
            |builder| {
                let expr = make(builder)?;
                builder.call("not", vec![expr], HERE)
            },
            expected,
        );
    }
}

#[test]
fn logic_flattens_and_constants_leave_a_note() {
    let leaf = |make: &mut Builder<'_>| make.binary(B::Eq, n(), i(1), HERE);
    check(
        |make| {
            let (p, q) = (leaf(make)?, leaf(make)?);
            let both = make.and(vec![p, q], HERE);
            let p = leaf(make)?;
            Ok(make.and(vec![p, both], HERE))
        },
        "and(n Eq 1, n Eq 1, n Eq 1)",
    );
    check(|make| Ok(make.and(vec![], HERE)), "true");
    check(|make| Ok(make.or(vec![yes(false), yes(false)], HERE)), "false");
    noted(
        |make| {
            let p = leaf(make)?;
            Ok(make.and(vec![yes(true), p], HERE))
        },
        "n Eq 1",
        &["HG112"],
    );
    noted(
        |make| {
            let p = leaf(make)?;
            Ok(make.or(vec![p, yes(false)], HERE))
        },
        "n Eq 1",
        &["HG112"],
    );
    noted(
        |make| {
            let p = leaf(make)?;
            Ok(make.and(vec![p, yes(false)], HERE))
        },
        "false",
        &["HG112"],
    );
    noted(
        |make| {
            let p = leaf(make)?;
            Ok(make.or(vec![yes(true), p], HERE))
        },
        "true",
        &["HG112"],
    );
}

#[test]
fn booleans_as_conditions() {
    check(|make| Ok(make.predicate(b())), "b Eq true");
    check(
        |make| {
            let not = make.not(b(), HERE);
            Ok(make.predicate(not))
        },
        "b Eq false",
    );
    // `b != true` keeps a null, `not(b)` drops it.
    check(
        |make| {
            let equal = make.binary(B::Eq, b(), yes(true), HERE)?;
            Ok(make.not(equal, HERE))
        },
        "b Ne true",
    );
    check(|make| make.binary(B::Eq, b(), i(1), HERE), "b Eq true");
    check(|make| make.binary(B::Ne, i(0), b(), HERE), "b Ne false");
    let call = |make: &mut Builder<'_>| make.call("ipv4_is_private", vec![x()], HERE);
    check(
        |make| {
            let call = call(make)?;
            Ok(make.predicate(call))
        },
        "ipv4_is_private(x)",
    );
    check(
        |make| {
            let call = call(make)?;
            let is = make.binary(B::Eq, call, yes(true), HERE)?;
            Ok(make.predicate(is))
        },
        "ipv4_is_private(x)",
    );
    check(
        |make| {
            let call = call(make)?;
            let is = make.binary(B::Eq, call, yes(false), HERE)?;
            Ok(make.predicate(is))
        },
        "not(ipv4_is_private(x))",
    );
    check(
        |make| {
            let call = call(make)?;
            let is = make.binary(B::Ne, call, yes(true), HERE)?;
            Ok(make.predicate(is))
        },
        "ipv4_is_private(x) Ne true",
    );
    check(
        |make| {
            let has = make.binary(B::Has, x(), s("a"), HERE)?;
            make.binary(B::Eq, has, yes(false), HERE)
        },
        r#"x !Term~ "a""#,
    );
    check(
        |make| {
            let both = make.and(vec![b(), b()], HERE);
            Ok(make.predicate(both))
        },
        "and(b Eq true, b Eq true)",
    );
}

#[test]
fn times() {
    let rows: [(Make, &str); 24] = [
        (|make| make.call("now", vec![], HERE), "now"),
        (|make| make.call("now", vec![days(-5)], HERE), "now+-5.00:00:00"),
        (|make| make.call("ago", vec![days(7)], HERE), "now+-7.00:00:00"),
        (
            |make| {
                let ago = make.call("ago", vec![days(1)], HERE)?;
                make.call("startofday", vec![ago], HERE)
            },
            "now+-1.00:00:00/Day",
        ),
        (
            |make| {
                let now = make.call("now", vec![], HERE)?;
                make.call("startofday", vec![now, i(-2)], HERE)
            },
            "now/Day+-2.00:00:00",
        ),
        (
            |make| {
                let now = make.call("now", vec![], HERE)?;
                make.call("endofday", vec![now], HERE)
            },
            "now/Day+23:59:59.9999999",
        ),
        (
            |make| {
                let now = make.call("now", vec![], HERE)?;
                make.call("endofweek", vec![now], HERE)
            },
            "now/Week+6.23:59:59.9999999",
        ),
        (
            |make| {
                let now = make.call("now", vec![], HERE)?;
                make.call("startofmonth", vec![now], HERE)
            },
            "now/Month",
        ),
        (
            |make| {
                let now = make.call("now", vec![], HERE)?;
                make.call("startofmonth", vec![now, i(-1)], HERE)
            },
            "startofmonth(now, -1)",
        ),
        (
            |make| {
                let now = make.call("now", vec![], HERE)?;
                make.call("endofmonth", vec![now], HERE)
            },
            "endofmonth(now)",
        ),
        (
            |make| {
                let now = make.call("now", vec![], HERE)?;
                make.call("bin", vec![now, days(1)], HERE)
            },
            "now/Day",
        ),
        (
            |make| {
                let now = make.call("now", vec![], HERE)?;
                make.call("floor", vec![now, value(Value::Timespan(3_600 * TICKS_PER_SECOND))], HERE)
            },
            "now/Hour",
        ),
        (
            |make| {
                let now = make.call("now", vec![], HERE)?;
                make.call("bin", vec![now, days(7)], HERE)
            },
            "bin(now, 7.00:00:00)",
        ),
        (
            |make| {
                let now = make.call("now", vec![], HERE)?;
                let day = make.call("startofday", vec![now], HERE)?;
                let later = make.binary(B::Add, day, value(Value::Timespan(30 * 3_600 * TICKS_PER_SECOND)), HERE)?;
                make.call("startofday", vec![later], HERE)
            },
            "now/Day+1.00:00:00",
        ),
        (
            |make| {
                let now = make.call("now", vec![], HERE)?;
                let day = make.call("startofday", vec![now], HERE)?;
                make.call("startofmonth", vec![day], HERE)
            },
            "now/Month",
        ),
        (
            |make| {
                let now = make.call("now", vec![], HERE)?;
                make.call("datetime_add", vec![s("day"), i(-1), now], HERE)
            },
            "now+-1.00:00:00",
        ),
        (
            |make| {
                let now = make.call("now", vec![], HERE)?;
                make.call("datetime_add", vec![s("month"), i(-1), now], HERE)
            },
            r#"datetime_add("month", -1, now)"#,
        ),
        (
            |make| {
                let now = make.call("now", vec![], HERE)?;
                let ago = make.call("ago", vec![days(2)], HERE)?;
                make.binary(B::Subtract, now, ago, HERE)
            },
            "2.00:00:00",
        ),
        (
            |make| make.call("make_datetime", vec![i(2017), i(10), i(1), i(12), i(10)], HERE),
            "2017-10-01T12:10:00.0000000Z",
        ),
        (|make| make.call("make_datetime", vec![i(2017), i(2), i(30)], HERE), "make_datetime(2017, 2, 30)"),
        (|make| make.call("startofweek", vec![at("2017-01-03")], HERE), "2017-01-01"),
        (|make| make.call("endofmonth", vec![at("2024-02-03")], HERE), "2024-02-29T23:59:59.9999999Z"),
        (|make| make.call("datetime_add", vec![s("Month"), i(-15), at("2017-01-01")], HERE), "2015-10-01"),
        (|make| make.call("todatetime", vec![s("2015-12-31 23:59:59.9")], HERE), "2015-12-31T23:59:59.9000000Z"),
    ];
    for (make, expected) in rows {
        check(make, expected);
    }
}

#[test]
fn windows_of_the_events_time() {
    fn ago(make: &mut Builder<'_>, count: i64) -> Built {
        make.call("ago", vec![days(count)], HERE)
    }
    check(
        |make| {
            let ago = ago(make, 1)?;
            make.binary(B::Gt, t(), ago, HERE)
        },
        "T(>now+-1.00:00:00 …)",
    );
    check(
        |make| {
            let ago = ago(make, 1)?;
            make.binary(B::Ge, ago, t(), HERE)
        },
        "T(… <=now+-1.00:00:00)",
    );
    check(
        |make| {
            let (low, high) = (ago(make, 2)?, ago(make, 1)?);
            make.between(t(), false, low, high, HERE)
        },
        "T(>=now+-2.00:00:00 <=now+-1.00:00:00)",
    );
    check(|make| make.between(t(), false, at("2024-01-01"), days(3), HERE), "T(>=2024-01-01 <=2024-01-04)");
    check(|make| make.binary(B::Ne, t(), at("2024-01-01"), HERE), "T Ne 2024-01-01");
    check(|make| make.call("around", vec![t(), at("2024-01-02"), days(1)], HERE), "T(>=2024-01-01 <=2024-01-03)");
    let other = || typed("Other", ScalarType::Datetime);
    check(
        |make| {
            let ago = ago(make, 1)?;
            make.binary(B::Gt, other(), ago, HERE)
        },
        "Other Gt now+-1.00:00:00",
    );
    check(
        |make| make.between(other(), false, at("2024-01-01"), days(1), HERE),
        "and(Other Ge 2024-01-01, Other Le 2024-01-02)",
    );
    check(
        |make| {
            let (low, high) = (ago(make, 2)?, ago(make, 1)?);
            let low = make.binary(B::Gt, t(), low, HERE)?;
            let high = make.binary(B::Lt, t(), high, HERE)?;
            Ok(make.and(vec![low, high], HERE))
        },
        "and(T(>now+-2.00:00:00 …), T(… <now+-1.00:00:00))",
    );
}

#[test]
fn ranges_of_numbers() {
    check(|make| make.between(n(), false, i(1), i(5), HERE), "and(n Ge 1, n Le 5)");
    check(|make| make.between(n(), true, i(1), i(5), HERE), "or(n Lt 1, n Gt 5)");
    check(|make| make.between(i(3), true, i(1), i(5), HERE), "false");
    let large = || (0..300).fold(n(), |sum, _| Expr::new(ExprKind::Negate(Box::new(sum)), ScalarType::Long, HERE));
    assert_eq!(refused(|make| make.between(large(), false, i(1), i(5), HERE)), "HG109");
}
