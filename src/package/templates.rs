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
const HELPERS: [&str; 5] = ["json", "toml", "conf", "comment", "document"];

/// The mark of a value that a template wrote without a helper.
const UNQUOTED: &str = "\u{0}";

/// Text that was written without naming the syntax of its place is not written.
fn plain(_: &str) -> String {
    UNQUOTED.to_owned()
}

/// The value that a helper is called with.
fn value<'v>(helper: &'v Helper<'_>) -> Result<&'v Value, RenderErrorReason> {
    helper.param(0).map(|param| param.value()).ok_or(RenderErrorReason::ParamNotFoundForIndex("helper", 0))
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
helper!(comment, comment_text);
helper!(document, document_text);

/// A value of JSON, on one line.
fn json_text(value: &Value) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}

/// A value of TOML, on one line but for texts of several lines: <https://toml.io/en/v1.0.0>.
fn toml_text(value: &Value) -> Result<String, String> {
    let value = toml::Value::try_from(value).map_err(|error| error.to_string())?;
    Ok(value.to_string())
}

/// A value of a `.conf` file of Splunk: each line end but the last is behind a backslash:
/// <https://help.splunk.com/en/data-management/splunk-enterprise-admin-manual/10.0/10.0.0-configuration-file-reference/savedsearches.conf>.
fn conf_text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.replace('\n', "\\\n")),
        Value::Bool(it) => Ok(if *it { "1" } else { "0" }.to_owned()),
        other => json_text(other),
    }
}

/// A text on one line that can not end a comment.
fn comment_text(value: &Value) -> Result<String, String> {
    let text = value.as_str().ok_or("a comment is a text")?;
    Ok(text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect())
}

/// A whole document as it is: a Sigma file is one already.
fn document_text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| "a document is a text".to_owned())
}
