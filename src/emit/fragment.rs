//! Pieces of a query's text that know how tightly they bind: the one place where parentheses and quotes are made.

use crate::target::{Binding, Context, Escape, Piece, Template};

/// Text of an expression of one context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// The text.
    pub(crate) text: String,
    /// How tightly its outermost operator binds.
    pub(crate) binding: Binding,
}

impl Fragment {
    /// A fragment.
    pub(crate) fn new(text: impl Into<String>, binding: Binding) -> Self {
        Self { text: text.into(), binding }
    }

    /// A name, a literal, or anything else that no operator can tear apart.
    pub(crate) fn atom(text: impl Into<String>) -> Self {
        Self::new(text, Binding::Atom)
    }

    /// The text as an operand of an operator: in parentheses if it binds less tightly, or as tightly where `same` says
    /// that the order of evaluation would change.
    pub(crate) fn operand(self, context: &Context, of: Binding, same: Same) -> String {
        let (own, outer) = (strength(context, self.binding), strength(context, of));
        let bare = own > outer || own == outer && same == Same::Fits;
        if bare { self.text } else { format!("({})", self.text) }
    }
}

/// Whether an operand that binds as tightly as its operator can stand without parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Same {
    /// It can: a left operand, or an operand of an associative operator that is the same operator.
    Fits,
    /// It can not.
    Parenthesized,
}

/// How tightly a kind of expression binds; what a context does not list binds least, so that it is always parenthesized.
fn strength(context: &Context, binding: Binding) -> u8 {
    context.strength(binding).unwrap_or(0)
}

/// A text between quotes, with the quote and what escapes it escaped.
pub(crate) fn quoted(text: &str, quote: &str, escape: Escape) -> String {
    let mut out = String::with_capacity(text.len() + 2 * quote.len());
    out.push_str(quote);
    for char in text.chars() {
        let is_quote = quote.starts_with(char);
        match escape {
            Escape::Backslash if is_quote || char == '\\' => out.push('\\'),
            Escape::Double if is_quote => out.push(char),
            Escape::Backslash | Escape::Double | Escape::None => {}
        }
        out.push(char);
    }
    out.push_str(quote);
    out
}

/// A function as a row of data spells it, with these arguments.
pub(crate) fn spelled(template: &Template, args: &[Fragment], context: &Context) -> String {
    let tight = |arg: &Fragment| arg.clone().operand(context, Binding::Call, Same::Fits);
    let each = |arg: &Fragment| {
        let Some(pieces) = &template.each else { return arg.text.clone() };
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Arg { tight: true, .. } => tight(arg),
            Piece::Arg { tight: false, .. } | Piece::All => arg.text.clone(),
        };
        pieces.iter().map(piece).collect()
    };
    let mut out = String::new();
    for piece in &template.pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Arg { index, tight: wanted } => {
                if let Some(arg) = args.get(*index) {
                    out.push_str(&if *wanted { tight(arg) } else { arg.text.clone() });
                }
            }
            Piece::All => {
                let parts: Vec<String> = args.iter().map(each).collect();
                out.push_str(&parts.join(&template.separator));
            }
        }
    }
    out
}
