//! What became of each field of a rule: a rule file is made of a closed account only.
//!
//! A field that the source gives and nothing answered for is a fault of huntgate, and no file is given.

use crate::about::{About, Field};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::source::Span;

/// The open account of the fields of one rule in one file.
#[derive(Debug)]
pub struct Fields<'a> {
    about: &'a About,
    whole: Span,
    answered: Vec<Field>,
    notes: Vec<Diagnostic>,
}

/// The account of a rule whose fields are all answered for.
#[derive(Debug)]
pub struct ClosedFields {
    /// What became of fields that are not in the file as they are.
    pub notes: Vec<Diagnostic>,
    /// The effects of all notes together.
    pub effect: Effect,
}

impl<'a> Fields<'a> {
    /// The account of a rule; `whole` is the place of a field that has none of its own.
    pub fn new(about: &'a About, whole: Span) -> Self {
        Self { about, whole, answered: Vec::new(), notes: Vec::new() }
    }

    /// The fields are in the file and mean the same.
    pub fn carried(&mut self, fields: &[Field]) {
        self.answered.extend(fields);
    }

    /// The field is not in the file, or in another form; the note says which and what that does. Where the source does not
    /// give the field, nothing is noted.
    pub fn noted(&mut self, field: Field, code: Code, effect: Effect, message: impl Into<String>) {
        self.answered.push(field);
        if self.about.has(field) {
            self.add(field, code, effect, message, None);
        }
    }

    /// The same with a help text.
    pub fn noted_with_help(&mut self, field: Field, code: Code, effect: Effect, message: &str, help: &str) {
        self.answered.push(field);
        if self.about.has(field) {
            self.add(field, code, effect, message, Some(help));
        }
    }

    /// The file needs a value for the field, which the source does not give; the note says what stands there.
    pub fn assumed(&mut self, field: Field, effect: Effect, message: impl Into<String>) {
        self.answered.push(field);
        self.add(field, Code::RuleFieldAssumed, effect, message, None);
    }

    /// What was noted so far, for those files that show their notes.
    pub(super) fn notes(&self) -> &[Diagnostic] {
        &self.notes
    }

    fn add(&mut self, field: Field, code: Code, effect: Effect, message: impl Into<String>, help: Option<&str>) {
        let span = self.about.place(field).unwrap_or(self.whole);
        let note = Diagnostic::note(code, effect, span, message);
        self.notes.push(match help {
            Some(help) => note.help(help),
            None => note,
        });
    }

    /// Closes the account.
    ///
    /// # Errors
    /// A field was given and not answered for: a fault of huntgate.
    pub fn close(mut self) -> Result<ClosedFields, Box<Diagnostic>> {
        let open = Field::ALL.iter().find(|field| self.about.has(**field) && !self.answered.contains(field));
        if let Some(field) = open {
            let message = format!("`{}` of the rule was not answered for, so no rule file is given", field.name());
            let span = self.about.place(*field).unwrap_or(self.whole);
            let fault = Diagnostic::refusal(Code::OpenLedger, span, message);
            return Err(Box::new(fault.help("this is a fault of huntgate; please report the rule")));
        }
        for unread in &self.about.unread {
            let note = Diagnostic::note(Code::RuleKeyUnread, Effect::Exact, unread.span, unread.to_string());
            self.notes.push(note);
        }
        self.notes.sort_by_key(|note| (note.span.start, note.span.end, note.code));
        self.notes.dedup();
        let effect = self.notes.iter().filter_map(|note| note.effect).fold(Effect::Exact, Effect::and);
        Ok(ClosedFields { notes: self.notes, effect })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_nobody_answered_for_gives_no_file() {
        let about = About { version: Some("1".to_owned()), author: Some("A".to_owned()), ..About::default() };
        let mut fields = Fields::new(&about, Span::new(0, 9));
        fields.carried(&[Field::Version]);
        assert_eq!(fields.close().unwrap_err().code, Code::OpenLedger);
        let mut fields = Fields::new(&about, Span::new(0, 9));
        fields.carried(&[Field::Version]);
        fields.noted(Field::Author, Code::RuleFieldDropped, Effect::Exact, "no place for the author");
        fields.noted(Field::Tags, Code::RuleFieldDropped, Effect::Broader, "there are none");
        let closed = fields.close().unwrap();
        assert_eq!((closed.notes.len(), closed.effect), (1, Effect::Exact));
        assert_eq!(closed.notes[0].span, Span::new(0, 9));
    }
}
