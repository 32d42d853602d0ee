//! How a target spells KQL's functions, from `functions.toml`.
//!
//! A row renames, reorders and wraps its own arguments, or refuses. What must look further is code in `fit` or `emit`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::{Binding, Since};
use crate::data::{DataError, Sections};
use crate::diagnostic::{Code, Effect};

/// How a target spells a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// By a template.
    Written(Written),
    /// Not at all.
    Refused {
        /// Why.
        reason: String,
        /// What would work.
        instead: Option<String>,
    },
}

/// The form of a function in a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    templates: Templates,
    /// Fewest arguments.
    pub min_args: usize,
    /// Most arguments.
    pub max_args: Option<usize>,
    /// How tightly the result binds.
    pub binding: Binding,
    /// How the result differs from KQL's.
    pub difference: Option<Difference>,
    /// The version of the target that has it first.
    pub since: Option<Since>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Templates {
    One(Template),
    ByArity(BTreeMap<usize, Template>),
}

impl Written {
    /// The template of a call with this many arguments; `None` where there is none.
    pub fn template(&self, args: usize) -> Option<&Template> {
        if args < self.min_args || self.max_args.is_some_and(|max| args > max) {
            return None;
        }
        match &self.templates {
            Templates::One(template) => template.fits(args).then_some(template),
            Templates::ByArity(templates) => templates.get(&args).filter(|template| template.fits(args)),
        }
    }
}

/// How a result differs from KQL's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The code of its note, where it has one of its own.
    pub code: Option<Code>,
    /// What it does to the selected events.
    pub effect: Effect,
    /// The text of its note.
    pub note: String,
}

/// Text with places for arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The parts, in order.
    pub pieces: Vec<Piece>,
    /// What each argument of [`Piece::All`] is wrapped in; its argument 0 is the argument.
    pub each: Option<Vec<Piece>>,
    /// What stands between the arguments of [`Piece::All`].
    pub separator: String,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it is.
    Text(String),
    /// An argument.
    Arg {
        /// Which, from 0.
        index: usize,
        /// Whether it must bind tightest: it is put in parentheses unless it is an atom or a call.
        tight: bool,
    },
    /// All arguments.
    All,
}

impl Template {
    fn fits(&self, args: usize) -> bool {
        self.pieces.iter().all(|piece| match piece {
            Piece::Text(_) | Piece::All => true,
            Piece::Arg { index, .. } => *index < args,
        })
    }
}

fn pieces(template: &str) -> Result<Vec<Piece>, String> {
    let (mut pieces, mut text, mut rest) = (Vec::new(), String::new(), template);
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
            text.push_str(&from[..1]);
            rest = after;
            continue;
        }
        let hole = from.strip_prefix('{').and_then(|from| from.split_once('}'));
        let (hole, after) = hole.ok_or_else(|| format!("a brace is not closed in `{template}`"))?;
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
        }
        pieces.push(match (hole, hole.strip_suffix('!')) {
            ("*", _) => Piece::All,
            (_, Some(number)) => Piece::Arg { index: index(number, template)?, tight: true },
            (number, None) => Piece::Arg { index: index(number, template)?, tight: false },
        });
        rest = after;
    }
    text.push_str(rest);
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

fn index(number: &str, template: &str) -> Result<usize, String> {
    number.parse().map_err(|_| format!("`{{{number}}}` is no argument in `{template}`"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    template: Option<String>,
    by_arity: Option<BTreeMap<String, String>>,
    each: Option<String>,
    separator: Option<String>,
    binding: Option<Binding>,
    min_args: Option<usize>,
    max_args: Option<usize>,
    refused: Option<String>,
    instead: Option<String>,
    code: Option<String>,
    effect: Option<Effect>,
    note: Option<String>,
    since: Option<Since>,
}

impl Row {
    fn spelling(self) -> Result<Spelling, String> {
        if let Some(reason) = self.refused {
            let more =
                self.template.is_some() || self.by_arity.is_some() || self.binding.is_some() || self.effect.is_some();
            return if more {
                Err("a refused function has no template".to_owned())
            } else {
                Ok(Spelling::Refused { reason, instead: self.instead })
            };
        }
        if self.instead.is_some() {
            return Err("`instead` belongs to `refused`".to_owned());
        }
        let each = self.each.as_deref().map(pieces).transpose()?;
        let template = |text: &str| -> Result<Template, String> {
            Ok(Template {
                pieces: pieces(text)?,
                each: each.clone(),
                separator: self.separator.clone().unwrap_or_else(|| ", ".to_owned()),
            })
        };
        let templates = match (&self.template, &self.by_arity) {
            (Some(text), None) => Templates::One(template(text)?),
            (None, Some(texts)) => {
                let mut templates = BTreeMap::new();
                for (count, text) in texts {
                    let count = count.parse().map_err(|_| format!("`{count}` is no number of arguments"))?;
                    let template = template(text)?;
                    if !template.fits(count) {
                        return Err(format!("`{text}` has more than {count} arguments"));
                    }
                    templates.insert(count, template);
                }
                Templates::ByArity(templates)
            }
            (Some(_), Some(_)) => return Err("both `template` and `by_arity`".to_owned()),
            (None, None) => return Err("neither `template`, `by_arity` nor `refused`".to_owned()),
        };
        let code = self.code.map(|text| {
            let code = Code::ALL.iter().find(|code| code.text() == text);
            code.copied().ok_or_else(|| format!("`{text}` is no code"))
        });
        let difference = match (code.transpose()?, self.effect, self.note) {
            (code, Some(effect), Some(note)) => Some(Difference { code, effect, note }),
            (None, None, None) => None,
            _ => return Err("a difference has `effect` and `note`".to_owned()),
        };
        Ok(Spelling::Written(Written {
            templates,
            min_args: self.min_args.unwrap_or(0),
            max_args: self.max_args,
            binding: self.binding.ok_or_else(|| "`binding` is missing".to_owned())?,
            difference,
            since: self.since,
        }))
    }
}

/// How a target spells KQL's functions, by their names in KQL; a row is parsed when it is first asked for.
#[derive(Debug)]
pub struct Spellings {
    sections: Sections,
    rows: Vec<OnceLock<Result<Spelling, DataError>>>,
}

impl Spellings {
    pub(super) fn new(file: String, text: Cow<'static, str>) -> Result<Self, DataError> {
        let sections = Sections::split(file, text)?;
        Ok(Self { rows: (0..sections.len()).map(|_| OnceLock::new()).collect(), sections })
    }

    /// The spelling of a function, by its name in KQL (not a legacy name); `None` where the target has no row for it.
    ///
    /// # Errors
    /// The row is malformed; the error has the line.
    pub fn get(&self, name: &str) -> Result<Option<&Spelling>, DataError> {
        let Some(index) = self.sections.position(name) else { return Ok(None) };
        let parse = || {
            let row: Row = self.sections.parse(index)?;
            row.spelling().map_err(|message| self.sections.fault(index, format!("[{name}] {message}")))
        };
        let Some(cell) = self.rows.get(index) else { return Ok(None) };
        cell.get_or_init(parse).as_ref().map(Some).map_err(Clone::clone)
    }

    /// The functions that have a row, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sections.names()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(row: &str) -> Result<Spelling, DataError> {
        let text = format!("# head\n[f]\n{row}\n");
        let spellings = Spellings::new("f.toml".to_owned(), Cow::Owned(text))?;
        spellings.get("f").map(|it| it.unwrap().clone())
    }

    #[test]
    fn a_template_is_taken_apart() {
        let Spelling::Written(written) = one("template = \"substr({0}, {1!} + 1) {{}}\"\nbinding = \"call\"").unwrap()
        else {
            panic!("refused");
        };
        let text = |text: &str| Piece::Text(text.to_owned());
        assert_eq!(
            written.template(2).unwrap().pieces,
            [
                text("substr("),
                Piece::Arg { index: 0, tight: false },
                text(", "),
                Piece::Arg { index: 1, tight: true },
                text(" + 1) {}")
            ]
        );
        assert!(written.template(1).is_none());
    }

    #[test]
    fn the_number_of_arguments_chooses() {
        let Spelling::Written(written) =
            one("by_arity = { 1 = \"r({0})\", 2 = \"r({0}, {1})\" }\nbinding = \"call\"").unwrap()
        else {
            panic!("refused");
        };
        assert!(
            written.template(0).is_none()
                && written.template(1).is_some()
                && written.template(2).is_some()
                && written.template(3).is_none()
        );
    }

    #[test]
    fn faults_have_a_line() {
        for row in [
            "binding = \"call\"",
            "template = \"f({0}\"",
            "template = \"f({0\"\nbinding = \"call\"",
            "template = \"f({x})\"\nbinding = \"call\"",
            "template = \"f({0})\"\nrefused = \"no\"",
            "template = \"f({0})\"\nbinding = \"call\"\nnote = \"half a difference\"",
            "template = \"f({0})\"\nbinding = \"call\"\ncode = \"HG000\"\neffect = \"exact\"\nnote = \"no such code\"",
            "by_arity = { 1 = \"f({1})\" }\nbinding = \"call\"",
        ] {
            assert_eq!(one(row).unwrap_err().line, Some(2), "{row}");
        }
        assert_eq!(one("template = \"f()\"\nbinding = \"call\"\ncolour = 1").unwrap_err().line, Some(5));
    }
}
