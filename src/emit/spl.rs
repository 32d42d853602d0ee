//! SPL tree → text: one command a line, no decision left.
//!
//! Quoting follows the search manual: `"` quotes text everywhere, `'` quotes a field name in `eval` and `where`, `"` in
//! every other command; a backslash escapes the quote and itself.
//! See <https://help.splunk.com/en/splunk-enterprise/search/search-manual/search-overview/quotation-marks-and-escaping>.

use std::fmt::Write as _;

use super::fragment::{Fragment, Same, quoted, spelled};
use crate::fit::spl::tree::*;
use crate::target::{Binding, Context};

/// The text of a search.
pub(crate) fn print(query: &Query) -> String {
    let printer = Printer { search: &query.search, eval: &query.eval };
    printer.pipeline(&query.commands, "")
}

struct Printer<'q> {
    search: &'q Context,
    eval: &'q Context,
}

impl Printer<'_> {
    /// One command a line. The base search is written with `search` where it stands in brackets; another command that
    /// makes the rows begins with a bar.
    fn pipeline(&self, commands: &[Command], search: &str) -> String {
        let mut text = String::new();
        for (index, command) in commands.iter().enumerate() {
            text.push_str(match index {
                0 if matches!(command, Command::Search(_)) => search,
                0 => "| ",
                1.. => "\n| ",
            });
            text.push_str(&self.command(command));
        }
        text
    }

    /// A search in brackets, on lines of its own.
    fn subsearch(&self, commands: &[Command]) -> String {
        // No text of a query holds a line break, so that every line of it can be moved.
        format!("\n    [ {} ]", self.pipeline(commands, "search ").replace('\n', "\n    "))
    }

    fn command(&self, command: &Command) -> String {
        match command {
            Command::Search(terms) => self.terms(terms),
            Command::Refine(terms) => format!("search {}", self.terms(terms)),
            Command::From(dataset) => format!("from datamodel:\"{}\"", dataset.path()),
            Command::Tstats(tstats) => self.tstats(tstats),
            Command::Undressed(dataset) => format!("rename {}.* AS *", dataset.node()),
            Command::Where(condition) => format!("where {}", self.expr(condition).text),
            Command::Eval(assignments) => {
                let one = |(name, value): &(Name, EvalExpr)| format!("{}={}", self.field(name), self.expr(value).text);
                format!("eval {}", assignments.iter().map(one).collect::<Vec<_>>().join(", "))
            }
            Command::Fields(names) => format!("fields {}", self.names(names)),
            Command::FieldsAway(names) => format!("fields - {}", self.names(names)),
            Command::FieldsAwayLike(names) => format!("fields - {}", self.globs(names)),
            Command::Table(names) => format!("table {}", self.names(names)),
            Command::TableLike(names) => format!("table {}", self.globs(names)),
            Command::Rename(pairs) => {
                let one = |(from, to): &(Name, Name)| format!("{} AS {}", self.name(from), self.name(to));
                format!("rename {}", pairs.iter().map(one).collect::<Vec<_>>().join(", "))
            }
            Command::Stats { aggregates, by } => self.aggregates("stats", aggregates, by),
            Command::EventStats { aggregates, by } => self.aggregates("eventstats", aggregates, by),
            Command::StreamStats { aggregates, by, over } => {
                let command = match over {
                    StreamWindow::UpTo => "streamstats".to_owned(),
                    StreamWindow::Last(rows) if by.is_empty() => format!("streamstats current=false window={rows}"),
                    StreamWindow::Last(rows) => format!("streamstats current=false window={rows} global=false"),
                };
                self.aggregates(&command, aggregates, by)
            }
            Command::FillEmpty(names) => format!("fillnull value=\"\" {}", self.names(names)),
            Command::Sort { count, keys } => {
                let one = |key: &SortBy| {
                    let sign = if key.descending { "-" } else { "+" };
                    let order = match key.order {
                        SortOrder::Number => "num",
                        SortOrder::Text => "str",
                        SortOrder::Auto => "auto",
                    };
                    format!("{sign}{order}({})", self.name(&key.field))
                };
                format!("sort {} {}", count.unwrap_or(0), keys.iter().map(one).collect::<Vec<_>>().join(", "))
            }
            Command::Head(count) => format!("head {count}"),
            Command::Dedup(names) => format!("dedup {}", self.names(names)),
            Command::MakeResults(None) => "makeresults".to_owned(),
            Command::MakeResults(Some(data)) => {
                let data = quoted(data, &self.search.string.quote, self.search.string.escape);
                format!("makeresults format=json data={data}")
            }
            Command::InputLookup(lookup) => format!("inputlookup {}", self.name(lookup)),
            Command::Lookup { lookup, column, field, flag } => {
                let name = |name| self.name(name);
                let (column, on) = (name(column), name(field));
                let on = if on == column { on } else { format!("{column} AS {on}") };
                let output = flag.as_ref().map(|flag| format!(" OUTPUT {column} AS {}", name(flag)));
                format!("lookup {} {on}{}", name(lookup), output.unwrap_or_default())
            }
            Command::Multisearch(searches) => {
                let searches: String = searches.iter().map(|search| self.subsearch(search)).collect();
                format!("multisearch{searches}")
            }
            Command::IpLocation { prefix, field } => {
                format!("iplocation prefix={} {}", self.name(prefix), self.name(field))
            }
            Command::Reverse => "reverse".to_owned(),
            Command::MvExpand(field, None) => format!("mvexpand {}", self.name(field)),
            Command::MvExpand(field, Some(limit)) => format!("mvexpand {} limit={limit}", self.name(field)),
            Command::Rex { field, pattern } => format!("rex field={} {}", self.name(field), self.plain(pattern)),
            Command::XySeries(row, column, value) => {
                format!("xyseries {} {} {}", self.name(row), self.name(column), self.name(value))
            }
            Command::FillZero => "fillnull value=0".to_owned(),
            Command::Spath(field) => format!("spath input={}", self.name(field)),
            Command::AppendPipe(commands) => {
                let text = self.pipeline(commands, "");
                format!("appendpipe\n    [ {} ]", text.trim_start_matches("| ").replace('\n', "\n    "))
            }
            Command::Append(search) => format!("append{}", self.subsearch(search)),
            Command::Join { outer, all, keys, flag, search } => {
                let kind = if *outer { "left" } else { "inner" };
                let max = if *all { " max=0" } else { "" };
                let mut search = search.clone();
                if let Some(flag) = flag {
                    search.push(Command::Eval(vec![(flag.clone(), EvalExpr::Number("1".to_owned()))]));
                }
                format!("join type={kind}{max} {}{}", self.names(keys), self.subsearch(&search))
            }
        }
    }

    fn aggregates(&self, command: &str, aggregates: &[StatsAggregate], by: &[Name]) -> String {
        let mut text = command.to_owned();
        for (index, aggregate) in aggregates.iter().enumerate() {
            text.push_str(if index == 0 { " " } else { ", " });
            text.push_str(&self.aggregate(aggregate));
        }
        if !by.is_empty() {
            let _ = write!(text, " BY {}", self.names(by));
        }
        text
    }

    fn terms(&self, terms: &[SearchExpr]) -> String {
        let alone = terms.len() < 2;
        let one = |term| if alone { self.term(term).text } else { self.conjunct(term) };
        terms.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    fn tstats(&self, tstats: &Tstats) -> String {
        let mut text = "tstats summariesonly=false".to_owned();
        if tstats.fill {
            text.push_str(" fillnull_value=\"\"");
        }
        for Measure { function, field, name } in &tstats.measures {
            let of = field.as_ref().map(|field| format!("({})", self.name(field))).unwrap_or_default();
            let _ = write!(text, " {}{of}", function.name());
            if field.is_some() || name.text() != function.name() {
                let _ = write!(text, " AS {}", self.name(name));
            }
        }
        let _ = write!(text, " from datamodel={}", tstats.dataset.path());
        if !tstats.filter.is_empty() {
            let _ = write!(text, " where {}", self.terms(&tstats.filter));
        }
        if !tstats.by.is_empty() {
            let _ = write!(text, " by {}", self.names(&tstats.by));
        }
        if let Some(span) = tstats.span {
            let also = if tstats.by.is_empty() { " by" } else { "," };
            let minutes = span % 60 == 0;
            let _ = write!(
                text,
                "{also} _time span={}{}",
                if minutes { span / 60 } else { span },
                if minutes { "m" } else { "s" }
            );
        }
        text
    }

    fn aggregate(&self, aggregate: &StatsAggregate) -> String {
        let name = self.name(&aggregate.name);
        match &aggregate.of {
            StatsInput::Rows => format!("{} AS {name}", aggregate.function),
            StatsInput::Field(field) => format!("{}({}) AS {name}", aggregate.function, self.name(field)),
            StatsInput::Eval(expr) => format!("{}(eval({})) AS {name}", aggregate.function, self.expr(expr).text),
        }
    }

    fn names(&self, names: &[Name]) -> String {
        names.iter().map(|name| self.name(name)).collect::<Vec<_>>().join(", ")
    }

    fn globs(&self, names: &[Glob]) -> String {
        let one = |glob: &Glob| {
            let bare =
                |part: &str| part.is_empty() || part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
            if glob.text().contains('*') && glob.text().split('*').all(bare) {
                glob.text().to_owned()
            } else {
                identifier(glob.text(), self.search)
            }
        };
        names.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// A name in the search language and in every command but `eval` and `where`.
    fn name(&self, name: &Name) -> String {
        identifier(name.text(), self.search)
    }

    /// A name in an expression.
    fn field(&self, name: &Name) -> String {
        identifier(name.text(), self.eval)
    }

    /// One of several terms that must all hold. Here `OR` binds tighter than the blank between terms; everywhere else it
    /// does not, so that it is put in parentheses for whoever reads it.
    fn conjunct(&self, term: &SearchExpr) -> String {
        let binding = if matches!(term, SearchExpr::Or(_)) { Binding::Comparison } else { Binding::And };
        self.term(term).operand(self.search, binding, Same::Fits)
    }

    fn term(&self, term: &SearchExpr) -> Fragment {
        let text = |text: &str| quoted(text, &self.search.string.quote, self.search.string.escape);
        let pattern = |pattern: &Pattern| {
            let star = |is| if is { "*" } else { "" };
            text(&format!("{}{}{}", star(pattern.before), pattern.text, star(pattern.after)))
        };
        match term {
            SearchExpr::Macro(name) => Fragment::atom(format!("`{name}`")),
            SearchExpr::Time { latest, value } => {
                Fragment::atom(format!("{}={value}", if *latest { "latest" } else { "earliest" }))
            }
            SearchExpr::Equals(name, value) => {
                Fragment::new(format!("{}={}", self.name(name), pattern(value)), Binding::Comparison)
            }
            SearchExpr::In(name, values) => {
                let values: Vec<String> = values.iter().map(pattern).collect();
                Fragment::new(format!("{} IN ({})", self.name(name), values.join(", ")), Binding::Comparison)
            }
            SearchExpr::Order(name, order, value) => {
                Fragment::new(format!("{}{}{value}", self.name(name), order_text(*order)), Binding::Comparison)
            }
            SearchExpr::Anywhere(value) => Fragment::atom(pattern(value)),
            SearchExpr::Exists(name) => Fragment::new(format!("{}=*", self.name(name)), Binding::Comparison),
            SearchExpr::Not(inner) => {
                let inner = self.term(inner).operand(self.search, Binding::Not, Same::Fits);
                Fragment::new(format!("NOT {inner}"), Binding::Not)
            }
            SearchExpr::And(items) => {
                Fragment::new(items.iter().map(|item| self.conjunct(item)).collect::<Vec<_>>().join(" "), Binding::And)
            }
            SearchExpr::Or(items) => {
                let items = items.iter().map(|item| self.term(item).operand(self.search, Binding::Or, Same::Fits));
                Fragment::new(items.collect::<Vec<_>>().join(" OR "), Binding::Or)
            }
        }
    }

    fn expr(&self, expr: &EvalExpr) -> Fragment {
        let joined = |items: &[EvalExpr], binding, separator: &str| {
            let items = items.iter().map(|item| self.expr(item).operand(self.eval, binding, Same::Fits));
            Fragment::new(items.collect::<Vec<_>>().join(separator), binding)
        };
        match expr {
            EvalExpr::Field(name) => Fragment::atom(self.field(name)),
            EvalExpr::Text(text) => self.text(text),
            EvalExpr::Regex(pattern) => Fragment::atom(self.plain(pattern)),
            EvalExpr::Number(number) if number.starts_with('-') => Fragment::new(number.clone(), Binding::Unary),
            EvalExpr::Number(number) => Fragment::atom(number.clone()),
            EvalExpr::Call(function, args) => Fragment::new(format!("{function}({})", self.list(args)), Binding::Call),
            EvalExpr::Spelled { template, binding, args } => {
                let args: Vec<Fragment> = args.iter().map(|arg| self.expr(arg)).collect();
                Fragment::new(spelled(template, &args, self.eval), *binding)
            }
            EvalExpr::Compare(op, a, b) => {
                let op = match op {
                    Comparison::Eq => "==",
                    Comparison::Ne => "!=",
                    Comparison::Order(order) => order_text(*order),
                };
                let side = |side| self.expr(side).operand(self.eval, Binding::Comparison, Same::Parenthesized);
                Fragment::new(format!("{}{op}{}", side(a), side(b)), Binding::Comparison)
            }
            EvalExpr::Arithmetic(op, a, b) => {
                let (op, binding) = match op {
                    Operator::Add => ("+", Binding::Additive),
                    Operator::Subtract => ("-", Binding::Additive),
                    Operator::Multiply => ("*", Binding::Multiplicative),
                    Operator::Divide => ("/", Binding::Multiplicative),
                    Operator::Modulo => ("%", Binding::Multiplicative),
                };
                let left = self.expr(a);
                // `.` shares a level with `+`, and Splunk documents no order between them.
                let same = if left.binding == Binding::Concat { Same::Parenthesized } else { Same::Fits };
                let left = left.operand(self.eval, binding, same);
                let right = self.expr(b).operand(self.eval, binding, Same::Parenthesized);
                Fragment::new(format!("{left} {op} {right}"), binding)
            }
            EvalExpr::Concat(items) => {
                let side = |item| self.expr(item).operand(self.eval, Binding::Concat, Same::Parenthesized);
                Fragment::new(items.iter().map(side).collect::<Vec<_>>().join(" . "), Binding::Concat)
            }
            EvalExpr::Negate(a) => {
                let inner = self.expr(a).operand(self.eval, Binding::Unary, Same::Parenthesized);
                Fragment::new(format!("-{inner}"), Binding::Unary)
            }
            EvalExpr::Not(a) => {
                let inner = self.expr(a).operand(self.eval, Binding::Not, Same::Fits);
                Fragment::new(format!("NOT {inner}"), Binding::Not)
            }
            EvalExpr::And(items) => joined(items, Binding::And, " AND "),
            EvalExpr::Or(items) => joined(items, Binding::Or, " OR "),
        }
    }

    fn list(&self, items: &[EvalExpr]) -> String {
        items.iter().map(|item| self.expr(item).text).collect::<Vec<_>>().join(", ")
    }

    /// A text of the eval language. Of the escapes for control characters Splunk documents only `\t`, and none for the
    /// backtick, which begins a macro or a comment, so that a text that holds any is written with `urldecode`.
    fn text(&self, text: &str) -> Fragment {
        let special = |char: char| char.is_control() || char == '`';
        if !text.chars().any(special) {
            return Fragment::atom(self.plain(text));
        }
        let mut encoded = String::new();
        for char in text.chars() {
            if special(char) || matches!(char, '%' | '+') {
                for byte in char.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(encoded, "%{byte:02X}");
                }
            } else {
                encoded.push(char);
            }
        }
        Fragment::new(format!("urldecode({})", self.plain(&encoded)), Binding::Call)
    }

    fn plain(&self, text: &str) -> String {
        quoted(text, &self.eval.string.quote, self.eval.string.escape)
    }
}

fn order_text(order: Order) -> &'static str {
    match order {
        Order::Lt => "<",
        Order::Le => "<=",
        Order::Gt => ">",
        Order::Ge => ">=",
    }
}

fn identifier(name: &str, context: &Context) -> String {
    if context.is_bare(name) {
        name.to_owned()
    } else {
        quoted(name, &context.identifier.quote, context.identifier.escape)
    }
}
