//! Functions that look at a whole series (`series_fit_line`, `series_decompose_anomalies`): the series is expanded, its
//! sums are written into each row, and what they give is collected again before the operator that uses it.
//!
//! A line is fitted exactly. Of a decomposition only the trend is taken out: SPL knows no season of a series.
//! See <https://learn.microsoft.com/kusto/query/series-fit-line-function> and
//! <https://learn.microsoft.com/kusto/query/series-decompose-anomalies-function>.

use super::form::{add, call, divide, multiply, number, or, subtract};
use super::scope::Shape;
use super::tree::{Command, Comparison, EvalExpr, Name, Order, StatsAggregate, StatsInput, StreamWindow};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect};
use crate::plan::{Expr, ExprKind, NodeRef, PathStep, Tree, Value};

/// Digits of the number before a value, which keeps the values in order.
const WIDTH: usize = 10;

/// What is computed of a series.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Line,
    Anomalies,
}

/// A series that was looked at: what it was computed of, and what came out, by position.
struct Done {
    kind: Kind,
    of: EvalExpr,
    options: Vec<Value>,
    parts: Vec<(EvalExpr, Shape)>,
}

/// The fields of a series while it is expanded.
struct Expanded {
    row: Name,
    index: Name,
    value: Name,
}

fn field(name: &Name) -> EvalExpr {
    EvalExpr::Field(name.clone())
}

fn stat(function: &str, of: EvalExpr, name: &Name) -> StatsAggregate {
    let of = match of {
        EvalExpr::Field(field) => StatsInput::Field(field),
        value => StatsInput::Eval(value),
    };
    StatsAggregate { function: function.to_owned(), of, name: name.clone() }
}

impl<'a> Fitter<'a, '_> {
    /// Computes what an operator asks of whole series, so that its expressions find it as fields.
    pub(super) fn hoist_series(&mut self, tree: &dyn Tree) -> Fit<()> {
        // The part that is asked for, the call, and the position of the part: the first where none is named.
        let mut parts: Vec<(Expr, Expr, usize)> = Vec::new();
        let vocabulary = self.frame.vocabulary;
        let kind = |expr: &Expr| {
            let ExprKind::Call { function, .. } = &expr.kind else { return None };
            match vocabulary.function_row(*function).map(|row| row.name.as_str()) {
                Some("series_fit_line") => Some(Kind::Line),
                Some("series_decompose_anomalies") => Some(Kind::Anomalies),
                Some(_) | None => None,
            }
        };
        tree.visit(&mut |node| {
            let NodeRef::Expr(expr) = node else { return };
            if let ExprKind::Path { base, steps } = &expr.kind
                && kind(base).is_some()
                && let Some(at) = only_index(steps)
            {
                parts.push((expr.clone(), (**base).clone(), at));
            } else if kind(expr).is_some() && parts.last().is_none_or(|(_, base, _)| base.id != expr.id) {
                parts.push((expr.clone(), expr.clone(), 0));
            }
        });
        let mut done: Vec<Done> = Vec::new();
        for (expr, base, at) in parts {
            let Some(kind) = kind(&base) else { continue };
            let ExprKind::Call { args, .. } = &base.kind else { continue };
            let Some(series) = args.first() else { continue };
            self.ledger.carried(expr.id);
            self.ledger.carried(base.id);
            args.iter().skip(1).for_each(|arg| self.carry(arg));
            let of = self.multi(series)?;
            let options: Vec<Value> = args.iter().skip(1).filter_map(|arg| arg.as_literal().cloned()).collect();
            let known = done.iter().position(|it| it.kind == kind && it.of == of && it.options == options);
            let index = match known {
                Some(index) => index,
                None => {
                    let parts = self.series(&expr, kind, &of, &options)?;
                    done.push(Done { kind, of, options, parts });
                    done.len() - 1
                }
            };
            let found = done.get(index).and_then(|it| it.parts.get(at)).cloned();
            let Some(found) = found else {
                return Err(Unsayable::not_yet(expr.span, "this part of what is known of a series"));
            };
            self.hoisted.insert(expr.id, found);
        }
        Ok(())
    }

    /// What is known of a series, by position.
    fn series(&mut self, expr: &Expr, kind: Kind, of: &EvalExpr, options: &[Value]) -> Fit<Vec<(EvalExpr, Shape)>> {
        self.base_open = false;
        let at = Expanded { row: self.helper(), index: self.helper(), value: self.helper() };
        let count = StatsAggregate { function: "count".to_owned(), of: StatsInput::Rows, name: at.row.clone() };
        let over = StreamWindow::UpTo;
        self.commands.push(Command::StreamStats { aggregates: vec![count], by: Vec::new(), over });
        let length = call("mvcount", [of.clone()]);
        let indexes = call("mvrange", [number("0"), length]);
        self.commands.push(Command::Eval(vec![(at.index.clone(), indexes)]));
        self.commands.push(Command::MvExpand(at.index.clone(), None));
        let value = call("mvindex", [of.clone(), field(&at.index)]);
        let value = call("tonumber", [value]);
        self.commands.push(Command::Eval(vec![(at.value.clone(), value)]));
        let found = match kind {
            Kind::Line => self.line(&at),
            Kind::Anomalies => self.anomalies(expr, &at, options),
        };
        self.commands.push(Command::Dedup(vec![at.row.clone()]));
        self.commands.push(Command::FieldsAway(vec![at.row, at.index, at.value]));
        Ok(found)
    }

    /// The line of least squares: its slope, where it begins, and its value at the row.
    fn fitted(&mut self, at: &Expanded, straight: bool) -> (Name, Name, Name) {
        let sums: [Name; 5] = std::array::from_fn(|_| self.helper());
        let [n, si, sii, sv, siv] = &sums;
        let (i, v) = (|| field(&at.index), || field(&at.value));
        let mut aggregates = vec![stat("count", v(), n), stat("sum", v(), sv)];
        if straight {
            aggregates.push(stat("sum", i(), si));
            aggregates.push(stat("sum", multiply(i(), i()), sii));
            aggregates.push(stat("sum", multiply(i(), v()), siv));
        }
        self.commands.push(Command::EventStats { aggregates, by: vec![at.row.clone()] });
        let (slope, start, fit) = (self.helper(), self.helper(), self.helper());
        let rise = subtract(multiply(field(n), field(siv)), multiply(field(si), field(sv)));
        let run = subtract(multiply(field(n), field(sii)), multiply(field(si), field(si)));
        let (slope_value, begin) = if straight {
            (or(divide(rise, run), number("0")), subtract(field(sv), multiply(field(&slope), field(si))))
        } else {
            (number("0"), field(sv))
        };
        let line = add(field(&start), multiply(field(&slope), i()));
        self.commands.push(Command::Eval(vec![
            (slope.clone(), slope_value),
            (start.clone(), divide(begin, field(n))),
            (fit.clone(), line),
        ]));
        let mut away = sums.to_vec();
        away.extend([slope.clone(), start.clone(), fit.clone()]);
        self.commands.push(Command::FieldsAway(away));
        (slope, start, fit)
    }

    /// `series_fit_line`: RSquare, Slope, Variance, RVariance, Interception, LineFit.
    fn line(&mut self, at: &Expanded) -> Vec<(EvalExpr, Shape)> {
        let (slope, start, fit) = self.fitted(at, true);
        let (variance, rest) = (self.helper(), self.helper());
        let residual = subtract(field(&at.value), field(&fit));
        let list = self.helper();
        let aggregates = vec![
            stat("varp", field(&at.value), &variance),
            stat("varp", residual, &rest),
            stat("values", padded(at, field(&fit)), &list),
        ];
        self.commands.push(Command::EventStats { aggregates, by: vec![at.row.clone()] });
        self.commands.push(Command::FieldsAway(vec![variance.clone(), rest.clone(), list.clone()]));
        let square = subtract(number("1"), divide(field(&rest), field(&variance)));
        vec![
            (square, Shape::Json),
            (field(&slope), Shape::Json),
            (field(&variance), Shape::Json),
            (field(&rest), Shape::Json),
            (field(&start), Shape::Json),
            (bare(&list), Shape::Multi),
        ]
    }

    /// `series_decompose_anomalies`: anomalies, scores and the baseline.
    fn anomalies(&mut self, expr: &Expr, at: &Expanded, options: &[Value]) -> Vec<(EvalExpr, Shape)> {
        let message = "of the decomposition only the trend is taken out, not a season, and what remains is scored by its \
                       distance from its 10th and 90th percentile";
        self.note(Code::Approximated, Effect::Unsure, expr.span, message);
        let threshold = match options.first() {
            Some(Value::Long(number)) => number.to_string(),
            Some(Value::Real(number)) if number.is_finite() => number.to_string(),
            _ => "1.5".to_owned(),
        };
        let straight = options.iter().any(|it| matches!(it, Value::String(trend) if trend == "linefit"));
        let (_, _, fit) = self.fitted(at, straight);
        let (rest, low, high, score, sign) =
            (self.helper(), self.helper(), self.helper(), self.helper(), self.helper());
        let residual = subtract(field(&at.value), field(&fit));
        self.commands.push(Command::Eval(vec![(rest.clone(), residual)]));
        let aggregates = vec![stat("exactperc10", field(&rest), &low), stat("exactperc90", field(&rest), &high)];
        self.commands.push(Command::EventStats { aggregates, by: vec![at.row.clone()] });
        let range = || subtract(field(&high), field(&low));
        let order = |order, a: &Name, b: EvalExpr| EvalExpr::compare(Comparison::Order(order), field(a), b);
        let scored = call(
            "case",
            [
                order(Order::Gt, &rest, field(&high)),
                divide(subtract(field(&rest), field(&high)), range()),
                order(Order::Lt, &rest, field(&low)),
                divide(subtract(field(&rest), field(&low)), range()),
            ],
        );
        let scored = or(scored, number("0"));
        let signs = call(
            "case",
            [
                order(Order::Gt, &score, number(&threshold)),
                number("1"),
                order(Order::Lt, &score, number(format!("-{threshold}"))),
                number("-1"),
                EvalExpr::bool(true),
                number("0"),
            ],
        );
        self.commands.push(Command::Eval(vec![(score.clone(), scored), (sign.clone(), signs)]));
        let lists = [self.helper(), self.helper(), self.helper()];
        let aggregates = lists
            .iter()
            .zip([&sign, &score, &fit])
            .map(|(list, of)| stat("values", padded(at, field(of)), list))
            .collect();
        self.commands.push(Command::EventStats { aggregates, by: vec![at.row.clone()] });
        self.commands
            .push(Command::FieldsAway([rest, low, high, score, sign].into_iter().chain(lists.clone()).collect()));
        lists.iter().map(|list| (bare(list), Shape::Multi)).collect()
    }
}

/// The position, where one part alone is asked for.
fn only_index(steps: &[PathStep]) -> Option<usize> {
    match steps {
        [PathStep::Index(at)] => usize::try_from(*at).ok(),
        _ => None,
    }
}

/// A value with the number of its place before it.
fn padded(at: &Expanded, value: EvalExpr) -> EvalExpr {
    let format = EvalExpr::Text(format!("%0{WIDTH}d"));
    EvalExpr::Concat(vec![call("printf", [format, field(&at.index)]), value])
}

/// The values of a list less the numbers before them.
fn bare(list: &Name) -> EvalExpr {
    let value = call("substr", [field(list), number(WIDTH + 1)]);
    call("mvmap", [field(list), value])
}
