//! SARIF 2.1.0, as far as `check` needs it: one run, a rule per code, a result per diagnostic.
//!
//! See <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>. The log is written in three parts, so that
//! results need not be held: [`Sarif::begin`], any number of [`Sarif::result`] joined by commas, [`Sarif::END`].

use std::fmt::Write as _;

use serde::Serialize;

use super::{Page, safe_json};
use crate::diagnostic::{Accepter, Code, Diagnostic, Severity};

/// Writes the parts of a SARIF log.
#[derive(Debug)]
pub struct Sarif;

#[derive(Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Message<'static>,
    full_description: Message<'static>,
    help: Message<'static>,
    #[serde(skip_serializing_if = "str::is_empty")]
    help_uri: &'static str,
}

#[derive(Serialize)]
struct Message<'a> {
    text: std::borrow::Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding<'a> {
    rule_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Message<'a>,
    locations: [Location; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<RelatedLocation<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Suppression<'a>>,
}

/// That a result was accepted: 3.35 of the specification.
#[derive(Serialize)]
struct Suppression<'a> {
    kind: &'static str,
    justification: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RelatedLocation<'a> {
    physical_location: PhysicalLocation,
    message: Message<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

impl Sarif {
    /// The end of the log.
    pub const END: &'static str = "]}]}";

    /// The start of the log, up to the first result.
    ///
    /// # Errors
    ///
    /// JSON can not be written, which does not happen.
    pub fn begin() -> Result<String, serde_json::Error> {
        let rules = Code::ALL.iter().map(|code| {
            let text = code.explanation();
            Rule {
                id: code.text(),
                short_description: Message { text: text.title.into() },
                full_description: Message { text: format!("{} {}", text.what, text.when).into() },
                help: Message { text: text.todo.into() },
                help_uri: text.reference,
            }
        });
        let driver = Driver { name: "huntgate", version: env!("CARGO_PKG_VERSION"), rules: rules.collect() };
        let driver = serde_json::to_string(&driver)?;
        Ok(format!(
            "{{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[{{\
             \"tool\":{{\"driver\":{driver}}},\"columnKind\":\"unicodeCodePoints\",\"results\":["
        ))
    }

    /// One result.
    ///
    /// # Errors
    ///
    /// JSON can not be written, which does not happen.
    pub fn result(page: &Page, diagnostic: &Diagnostic) -> Result<String, serde_json::Error> {
        let text = match &diagnostic.help {
            Some(help) => format!("{}; {help}", diagnostic.message).into(),
            None => diagnostic.message.as_str().into(),
        };
        let finding = Finding {
            rule_id: diagnostic.code.text(),
            rule_index: Code::ALL.iter().position(|code| *code == diagnostic.code),
            level: match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "note",
            },
            message: Message { text },
            locations: [Location { physical_location: location(page, diagnostic.span) }],
            related_locations: diagnostic
                .labels
                .iter()
                .map(|(span, label)| RelatedLocation {
                    physical_location: location(page, *span),
                    message: Message { text: label.as_str().into() },
                })
                .collect(),
            suppressions: diagnostic
                .accepted
                .iter()
                .map(|it| Suppression {
                    kind: match it.by {
                        Accepter::Comment(_) => "inSource",
                        Accepter::Baseline(_) => "external",
                    },
                    justification: &it.reason,
                })
                .collect(),
        };
        serde_json::to_string(&finding).map(safe_json)
    }
}

fn location(page: &Page, span: crate::source::Span) -> PhysicalLocation {
    let (start_line, start_column) = page.line_column(span.start);
    let (end_line, end_column) = page.line_column(span.end);
    PhysicalLocation {
        artifact_location: ArtifactLocation { uri: uri(&page.path) },
        region: Region { start_line, start_column, end_line, end_column },
    }
}

/// The path as a URI reference: absolute paths as `file:` URIs, all others relative.
fn uri(path: &str) -> String {
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    #[test]
    fn a_log_is_one_json_document() {
        let page = Page::new("a b/ü:1.kql".into(), "T\n| wher x\n".into());
        let one = Diagnostic::error(Code::Syntax, Span::new(4, 8), "`wher` is no operator").help("write `where`");
        let result = Sarif::result(&page, &one).unwrap();
        let log = format!("{}{result},{result}{}", Sarif::begin().unwrap(), Sarif::END);
        let log: serde_json::Value = serde_json::from_str(&log).unwrap();
        let run = &log["runs"][0];
        let result = &run["results"][1];
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], "HG010");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b/%C3%BC%3A1.kql");
        assert_eq!(place["region"]["startLine"], 2);
        assert_eq!(place["region"]["endColumn"], 7);
    }
}
