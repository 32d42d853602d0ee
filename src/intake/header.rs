//! What the comments before a query say of it: `// Title: Odd signers`, `// MITRE: T1059.001`.
//!
//! A comment is taken for a key only where the key is known and a colon follows; the first other line is the description where
//! no key gives one. Comments within the query are not looked at.

use super::metadata::{self, Said};
use super::values::{self, one_line};
use crate::about::{About, Field};
use crate::source::{Origin, Span};

/// Keys of comments, as [`metadata::plain_key`] gives them, and the keys of rules that they stand for.
const KEYS: [(&str, &str); 30] = [
    ("title", "name"),
    ("name", "name"),
    ("rule", "name"),
    ("rulename", "name"),
    ("queryname", "name"),
    ("id", "id"),
    ("description", "description"),
    ("desc", "description"),
    ("author", "author"),
    ("authors", "author"),
    ("date", "date"),
    ("created", "date"),
    ("modified", "modified"),
    ("lastmodified", "modified"),
    ("updated", "modified"),
    ("version", "version"),
    ("severity", "severity"),
    ("level", "severity"),
    ("tactic", "tactics"),
    ("tactics", "tactics"),
    ("mitretactic", "tactics"),
    ("technique", "techniques"),
    ("techniques", "techniques"),
    ("mitre", "tags"),
    ("mitretechnique", "techniques"),
    ("mitreatt&ck", "tags"),
    ("reference", "references"),
    ("references", "references"),
    ("falsepositives", "falsepositives"),
    ("tags", "tags"),
];

/// The most lines that are looked at.
const MOST_LINES: usize = 200;

/// Takes the comments before the first statement of a query.
pub(super) fn take(about: &mut About, text: &str, origin: &Origin) {
    let mut at = 0usize;
    // The key whose lines come next: a list of pages, a description over several lines.
    let mut open: Option<&str> = None;
    let mut plain: Vec<(String, Span)> = Vec::new();
    let mut description: Vec<String> = Vec::new();
    let mut described_at = origin.whole();
    let described = about.description.is_some();
    let named = about.places.iter().any(|(field, _)| *field == Field::Name);
    for line in text.split_inclusive('\n').take(MOST_LINES) {
        let (start, bare) = (at, line.trim());
        at += line.len();
        if bare.is_empty() && description.is_empty() {
            continue;
        }
        let Some(comment) = bare.strip_prefix("//") else { break };
        let comment = comment.trim_start_matches('/').trim();
        let lead = line.len() - line.trim_start().len();
        let span = origin.locate(Span::new((start + lead) as u32, (start + lead + bare.len()) as u32));
        let keyed = comment.split_once(':').and_then(|(key, value)| {
            let key = metadata::plain_key(key.trim().trim_matches('*'));
            let of = KEYS.iter().find(|(name, _)| *name == key)?.1;
            Some((of, value.trim().trim_matches('*').trim()))
        });
        match (keyed, open) {
            (Some((of, value)), _) => {
                open = Some(of);
                if of == "description" && !described {
                    if description.is_empty() {
                        described_at = span;
                    }
                    description.extend(one_line(value));
                } else if !(value.is_empty() || (of == "name" && named)) {
                    // What reads as a key and has another form is a sentence.
                    let mut taken = about.clone();
                    let keys = [of.to_owned()];
                    metadata::take(&mut taken, Said { keys: &keys, items: &[], value, span });
                    if taken.unread.len() == about.unread.len() {
                        *about = taken;
                    } else {
                        plain.push((comment.to_owned(), span));
                    }
                }
            }
            (None, _) if comment.is_empty() => open = open.filter(|of| *of == "references"),
            (None, Some("references")) if comment.contains("://") => {
                let page = comment.trim_start_matches(['-', '*', ' ']);
                metadata::push(&mut about.references, page.to_owned());
            }
            (None, Some("description")) if !described => description.extend(one_line(comment)),
            (None, _) if comment.chars().any(char::is_alphabetic) => plain.push((comment.to_owned(), span)),
            (None, _) => {}
        }
    }
    if described {
        return;
    }
    let (text, span) = if description.is_empty() {
        let Some((first, span)) = plain.into_iter().next() else { return };
        (first, span)
    } else {
        (description.join("\n"), described_at)
    };
    about.description = values::description(&text);
    about.places.push((Field::Description, span));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> About {
        let mut about = About { name: Some("file".to_owned()), ..About::default() };
        take(&mut about, text, &Origin::verbatim(0, text.len() as u32));
        about
    }

    #[test]
    fn known_keys_are_read_and_others_are_prose() {
        let about = header(
            "// Title: Odd signers\n// Author: A. Author\n// Description: Finds files\n//   of odd signers.\n//\n// MITRE: T1553.002, Evasion\n\
             // Severity: dreadful\n// Note: keep it\n// References:\n// - https://a.example/\n//   https://b.example/\nT // Title: no\n| take 1",
        );
        assert_eq!((about.name.as_deref(), about.author.as_deref()), (Some("Odd signers"), Some("A. Author")));
        assert_eq!(about.description.as_deref(), Some("Finds files\nof odd signers."));
        assert_eq!((about.techniques.join(" "), about.tags.join(" ")), ("T1553.002".to_owned(), "Evasion".to_owned()));
        assert_eq!(about.references, ["https://a.example/", "https://b.example/"]);
        assert_eq!((about.severity, about.unread.len()), (None, 0));
        assert_eq!(about.place(Field::Name), Some(Span::new(0, 21)));
    }

    #[test]
    fn the_first_line_of_prose_is_the_description() {
        assert_eq!(
            header("// Files of odd signers.\n// More.\n\nT").description.as_deref(),
            Some("Files of odd signers.")
        );
        assert_eq!(header("T // x: y\n// Title: no").name.as_deref(), Some("file"));
        assert_eq!(header("//// ----\n//\nT").description, None);
    }
}
