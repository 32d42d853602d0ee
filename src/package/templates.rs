//! The templates of rule files, and the helpers that write a value in the syntax of its place.
//!
//! A template writes nothing of a hunt but through a helper that names the syntax of the place: `{{json x}}`, `{{toml x}}`,
//! `{{conf x}}`, `{{comment x}}`. Plain `{{x}}` is an error, so that a site's own template can not forget the quotes:
//! <https://docs.rs/handlebars>.

use std::path::Path;

use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason};
use serde::Serialize;
use serde_json::Value;

use super::Package;
use crate::data::{DataError, Files};

/// The templates in use.
#[derive(Debug)]
pub(super) struct Templates {
    registry: Handlebars<'static>,
}

impl Package {
    /// The template's path below `targets/`.
    fn template(self) -> String {
        let folder = match self {
            Self::SavedSearch | Self::CorrelationSearch | Self::Contentctl => "splunk",
            Self::DetectionRule | Self::Kibana => "elastic",
            Self::Sigma => "sigma",
        };
        format!("{folder}/package/{}.hbs", self.name())
    }
}

impl Templates {
    /// The templates of `targets/`; those of a site's folder, `<package>.hbs`, stand in for them.
    ///
    /// # Errors
    /// A template is missing, can not be read, or is malformed.
    pub(super) fn load(files: &Files, own: Option<&Path>) -> Result<Self, DataError> {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        // What stands in a template without a helper is written by nobody: see `plain`.
        registry.register_escape_fn(plain);
        registry.register_helper("json", Box::new(json));
        registry.register_helper("toml", Box::new(toml));
        registry.register_helper("conf", Box::new(conf));
        registry.register_helper("stanza", Box::new(stanza));
        registry.register_helper("yaml", Box::new(yaml));
        registry.register_helper("yaml_block", Box::new(yaml_block));
        registry.register_helper("comment", Box::new(comment));
        registry.register_helper("document", Box::new(document));
        let own_files = own.map(|folder| Files::Folder(folder.to_owned()));
        if let Some(folder) = own.filter(|folder| !folder.is_dir()) {
            return Err(DataError::of_file(folder.display().to_string(), "there is no such folder"));
        }
        for package in Package::ALL {
            let path = package.template();
            let site = format!("{package}.hbs");
            let (name, text) = match own_files.as_ref().map(|files| (files, files.read(&site))) {
                Some((files, Ok(Some(text)))) => (files.name(&site), text),
                Some((_, Err(error))) => return Err(error),
                Some((_, Ok(None))) | None => (files.name(&path), files.require(&path)?),
            };
            registry.register_template_string(package.name(), text).map_err(|error| {
                let (line, column) = error.pos().map_or((None, None), |(line, column)| (Some(line), Some(column)));
                DataError { file: name, line, column, message: error.reason().to_string() }
            })?;
        }
        Ok(Self { registry })
    }

    /// The file of a package.
    ///
    /// # Errors
    /// The template asks for something that is not there, as a message.
    pub(super) fn render(&self, package: Package, data: &impl Serialize) -> Result<String, String> {
        let text = self.registry.render(package.name(), data).map_err(|error| error.to_string())?;
        if text.contains(UNQUOTED) {
            return Err(format!("the template writes a value without one of the helpers {}", HELPERS.join(", ")));
        }
        Ok(text)
    }
}

/// The helpers that write a value in the syntax of its place.
const HELPERS: [&str; 8] = ["json", "toml", "conf", "stanza", "yaml", "yaml_block", "comment", "document"];

/// The mark of a value that a template wrote without a helper.
const UNQUOTED: &str = "\u{0}";

/// Text that was written without naming the syntax of its place is not written.
fn plain(_: &str) -> String {
    UNQUOTED.to_owned()
}

/// The value that a helper is called with.
fn value<'v>(helper: &'v Helper<'_>) -> Result<&'v Value, RenderErrorReason> {
    let param = helper.param(0).ok_or(RenderErrorReason::ParamNotFoundForIndex("helper", 0))?;
    if param.is_value_missing() {
        return Err(RenderErrorReason::MissingVariable(param.relative_path().cloned()));
    }
    Ok(param.value())
}

type Registry<'r> = Handlebars<'r>;

/// A helper that writes what a function makes of the value.
macro_rules! helper {
    ($name:ident, $function:path) => {
        fn $name(
            helper: &Helper<'_>,
            _: &Registry<'_>,
            _: &Context,
            _: &mut RenderContext<'_, '_>,
            out: &mut dyn Output,
        ) -> HelperResult {
            out.write(&$function(value(helper)?).map_err(RenderErrorReason::Other)?)?;
            Ok(())
        }
    };
}

helper!(json, json_text);
helper!(toml, toml_text);
helper!(conf, conf_text);
helper!(stanza, stanza_text);
helper!(yaml, yaml_text);
helper!(yaml_block, yaml_block_text);
helper!(comment, comment_text);
helper!(document, document_text);

/// A value of JSON, on one line.
fn json_text(value: &Value) -> Result<String, String> {
    let text = serde_json::to_string(value).map_err(|error| error.to_string())?;
    // JSON allows these within a text, and some readers end a line at them.
    Ok(text.replace('\u{85}', "\\u0085").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029"))
}

/// A value of TOML, on one line but for texts of several lines: <https://toml.io/en/v1.0.0>.
fn toml_text(value: &Value) -> Result<String, String> {
    let value = toml::Value::try_from(value).map_err(|error| error.to_string())?;
    Ok(value.to_string())
}

/// A value of a `.conf` file of Splunk: a backslash at the end of a line says that the value goes on in the next one, and
/// the line end is a part of it:
/// <https://help.splunk.com/en/splunk-enterprise/administer/admin-manual/10.0/administer-splunk-enterprise-with-configuration-files/configuration-file-structure>.
///
/// What two backslashes at the end of a line are is not said there, so that a blank is put between them; whoever gives a value
/// whose blanks matter ends no line with a backslash.
fn conf_text(value: &Value) -> Result<String, String> {
    let text = match value {
        Value::String(text) => text,
        Value::Bool(it) => return Ok(if *it { "1" } else { "0" }.to_owned()),
        other => return json_text(other),
    };
    if text.trim_end_matches([' ', '\t']).ends_with('\\') {
        return Err("a value of a `.conf` file can not end in a backslash".to_owned());
    }
    if text.chars().any(|char| char.is_control() && char != '\n' && char != '\t') {
        return Err("a value of a `.conf` file can not hold control characters".to_owned());
    }
    Ok(text.split('\n').map(conf_line).collect::<Vec<_>>().join("\\\n"))
}

fn conf_line(line: &str) -> String {
    if line.ends_with('\\') { format!("{line} ") } else { line.to_owned() }
}

/// The name of a stanza of a `.conf` file, with its brackets.
fn stanza_text(value: &Value) -> Result<String, String> {
    let name = value.as_str().unwrap_or_default();
    if name.trim().is_empty() || name.chars().any(|char| char.is_control() || matches!(char, '[' | ']')) {
        return Err("the name of a stanza is a text on one line without brackets".to_owned());
    }
    Ok(format!("[{name}]"))
}

/// A value of YAML on one line, which YAML 1.1 and 1.2 read alike: texts in quotes, lists and maps in brackets:
/// <https://yaml.org/spec/1.2.2/#73-flow-scalar-styles>.
fn yaml_text(value: &Value) -> Result<String, String> {
    Ok(match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => json_text(value)?,
        Value::String(text) => yaml_quoted(text),
        Value::Array(values) => {
            let values: Result<Vec<String>, String> = values.iter().map(yaml_text).collect();
            format!("[{}]", values?.join(", "))
        }
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| Ok(format!("{}: {}", yaml_quoted(key), yaml_text(value)?));
            let entries: Result<Vec<String>, String> = map.iter().map(entry).collect();
            format!("{{{}}}", entries?.join(", "))
        }
    })
}

fn yaml_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            char if is_plain(char) => out.push(char),
            char => out.push_str(&format!("\\u{:04x}", u32::from(char))),
        }
    }
    out.push('"');
    out
}

/// Whether every reader of YAML takes a character as it stands, which a line end is not:
/// <https://yaml.org/spec/1.2.2/#51-character-set>.
fn is_plain(char: char) -> bool {
    matches!(char, ' '..='~' | '\u{a1}'..)
        && !matches!(char, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// A text of YAML behind a key of the outermost map: one of several lines stands as it is, two blanks in:
/// <https://yaml.org/spec/1.2.2/#812-literal-style>.
fn yaml_block_text(value: &Value) -> Result<String, String> {
    let Value::String(text) = value else { return yaml_text(value) };
    let plain = text.chars().all(|char| char == '\n' || is_plain(char));
    if !text.contains('\n') || !plain || text.ends_with('\n') || text.starts_with('\n') {
        return Ok(yaml_quoted(text));
    }
    // Lines of blanks alone would be read as empty ones, were they the first.
    let lines = text.split('\n').map(|line| if line.is_empty() { String::new() } else { format!("  {line}") });
    Ok(format!("|2-\n{}", lines.collect::<Vec<_>>().join("\n")))
}

/// A text on one line that can not end a comment, and does not end in a backslash, which would join the next line to it.
fn comment_text(value: &Value) -> Result<String, String> {
    let text = value.as_str().ok_or("a comment is a text")?;
    let ends = |char: char| char.is_control() || matches!(char, '\u{2028}' | '\u{2029}');
    let line: String = text.chars().map(|char| if ends(char) { ' ' } else { char }).collect();
    Ok(if line.trim_end().ends_with('\\') { format!("{}.", line.trim_end()) } else { line })
}

/// A whole document as it is: a Sigma file is one already.
fn document_text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| "a document is a text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_in_their_places() {
        let text = |text: &str| Value::String(text.to_owned());
        assert_eq!(conf_text(&text("a\nb\\\n\n# c")).as_deref(), Ok("a\\\nb\\ \\\n\\\n# c"));
        for bad in ["a\\", "a\\ \t", "a\rb", "a\u{0}"] {
            assert!(conf_text(&text(bad)).is_err(), "{bad:?}");
        }
        for bad in ["", " ", "a]b", "[", "a\nb"] {
            assert!(stanza_text(&text(bad)).is_err(), "{bad:?}");
        }
        assert_eq!(yaml_text(&text("a\"\\\n\u{85}\u{2028}é: #")).as_deref(), Ok(r#""a\"\\\n\u0085\u2028é: #""#));
        let value = serde_json::json!({ "a: b": [1, null, true, "x"] });
        assert_eq!(yaml_text(&value).as_deref(), Ok(r#"{"a: b": [1, null, true, "x"]}"#));
    }

    #[test]
    fn blocks_are_read_back() {
        for text in [
            "a",
            "a\nb",
            "  a\n b",
            "a\n\n  b\t c",
            " \n \nb",
            "a\n# b: [c]",
            "a\n",
            "\na",
            "",
            "a\r\nb",
            "a\n ",
            "---\n...",
        ] {
            let yaml = format!("x: {}\ny: 1\n", yaml_block_text(&Value::String(text.to_owned())).unwrap());
            let read: Value = serde_yaml_ng::from_str(&yaml).unwrap();
            assert_eq!((read["x"].as_str(), read["y"].as_i64()), (Some(text), Some(1)), "{yaml}");
        }
    }
}
