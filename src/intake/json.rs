//! Rules in JSON: ARM templates as Sentinel's portal exports them, objects of its REST API, custom detections of Defender XDR.
//!
//! The tree is read by `jsonc-parser`, which keeps the place of every value and limits how deep it goes; comments and commas
//! too many are borne, for exports are edited by hand. Formats:
//! <https://learn.microsoft.com/en-us/azure/templates/microsoft.securityinsights/alertrules>,
//! <https://learn.microsoft.com/en-us/azure/templates/microsoft.operationalinsights/workspaces/savedsearches> and
//! <https://learn.microsoft.com/en-us/graph/api/resources/security-detectionrule>.

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::metadata::{self, DEEPEST, Said};
use super::text::mark_len;
use super::{Cut, Found, look, values};
use crate::about::{About, Field, RuleKind, Why};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Origin, Span};

/// Kinds of analytic rules that have no query of their own:
/// <https://learn.microsoft.com/en-us/rest/api/securityinsights/alert-rules/list#alertrulekind>.
const WITHOUT_QUERY: [&str; 4] =
    ["Fusion", "MLBehaviorAnalytics", "MicrosoftSecurityIncidentCreation", "ThreatIntelligence"];

/// The rules of a JSON text.
pub(super) fn cut(text: &str) -> Found {
    let mark = mark_len(text);
    let body = text.get(mark..).unwrap_or_default();
    let mut reader = Reader { text, mark, found: Found::default() };
    // Comments and trailing commas are what editing leaves behind; anything else is a damaged file.
    let strict = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    match parse_to_ast(body, &CollectOptions::default(), &strict) {
        Ok(parsed) => {
            if let Some(value) = &parsed.value {
                reader.value(value, 0);
            }
        }
        Err(error) => {
            let range = error.range();
            let at = |offset: usize| (mark + offset).min(text.len()) as u32;
            let span = Span::new(at(range.start), at(range.end));
            let message = format!("the JSON is malformed: {}", error.kind());
            let fault = Diagnostic::error(Code::Container, span, message);
            reader.found.diagnostics.push(fault.help("repair the JSON; no rule was read"));
        }
    }
    reader.found
}

/// How deep rules are looked for: a solution's template holds templates that hold rules.
const DEEPEST_RULE: usize = 16;

struct Reader<'t> {
    text: &'t str,
    mark: usize,
    found: Found,
}

impl<'t> Reader<'t> {
    /// Looks for rules in a value: in lists, and in the members that hold lists of rules.
    fn value(&mut self, value: &Value<'_>, depth: usize) {
        if depth > DEEPEST_RULE {
            return;
        }
        match value {
            Value::Array(array) => array.elements.iter().for_each(|element| self.value(element, depth + 1)),
            Value::Object(object) => self.object(object, depth),
            Value::StringLit(_) | Value::NumberLit(_) | Value::BooleanLit(_) | Value::NullKeyword(_) => {}
        }
    }

    fn object(&mut self, object: &Object<'_>, depth: usize) {
        if self.rule(object) {
            return;
        }
        for key in ["resources", "value", "properties", "mainTemplate", "rules"] {
            if let Some(member) = member(object, key) {
                self.value(member, depth + 1);
            }
        }
    }

    /// Reads an object as a rule; `false` where it is none.
    fn rule(&mut self, object: &Object<'_>) -> bool {
        let properties = member(object, "properties").and_then(Value::as_object);
        let kind = string(object, "kind").or_else(|| string(object, "type"));
        let kind = kind.as_deref().unwrap_or_default();
        if let Some(kind) = WITHOUT_QUERY.iter().find(|known| known.eq_ignore_ascii_case(kind)) {
            self.pass_over(object, &format!("is of the kind {kind}, which has no query in KQL"));
            return true;
        }
        if let Some(query) = member(object, "queryCondition").and_then(Value::as_object) {
            return self.detection(object, query);
        }
        // A saved search that is no hunt is a function or a favourite of somebody.
        let is_search = kind.to_ascii_lowercase().contains("savedsearches");
        let category = properties.and_then(|it| string(it, "category")).unwrap_or_default();
        let rule = match properties {
            Some(properties) if member(properties, "query").is_some() => properties,
            Some(_) if is_alert_rule(object) => {
                self.pass_over(object, "has no query");
                return true;
            }
            Some(_) => return false,
            None if member(object, "query").is_some() => object,
            None => return false,
        };
        if !is_alert_rule(object) && !is_search && !is_hunt(rule) {
            return false;
        }
        if is_search && !category.to_ascii_lowercase().contains("hunting") {
            return true;
        }
        let mut about = About::default();
        if properties.is_some() {
            self.resource(object, is_search, &mut about);
        }
        let skipped: &[&str] = if is_search { &["query", "category", "tags"] } else { &["query"] };
        self.members(rule, skipped, &mut about);
        if is_search {
            about.kind = Some(RuleKind::Hunting);
            self.tags(rule, &mut about);
        }
        self.add(object, member(rule, "query"), about);
        true
    }

    /// Names a rule that is passed over, and says why.
    fn pass_over(&mut self, object: &Object<'_>, why: &str) {
        let inner = member(object, "properties").and_then(Value::as_object).unwrap_or(object);
        let name = string(inner, "displayName").and_then(|name| values::one_line(&name));
        // The name is of any origin: one line, of a length that can be read.
        let short = |name: String| name.chars().filter(|char| !char.is_control()).take(100).collect::<String>();
        let name = name.map(|name| format!(" `{}`", short(name))).unwrap_or_default();
        let message = format!("the rule{name} {why}: it is passed over");
        // An object may be all of the file: its first line says which it is.
        let span = self.span(object);
        let line = span.slice(self.text).lines().next().unwrap_or_default().len() as u32;
        let span = Span::new(span.start, span.start + line);
        self.found.diagnostics.push(Diagnostic::warning(Code::RuleKindPassedOver, span, message));
    }

    /// What a resource says around a rule's properties: its kind and its id, which is often an expression of the template.
    fn resource(&mut self, object: &Object<'_>, is_search: bool, about: &mut About) {
        if let Some(value) = member(object, "kind").filter(|_| !is_search) {
            say(&["kind".to_owned()], &[], value, self.span(value), about);
        }
        let texts = ["name", "id"].map(|key| (member(object, key), string(object, key)));
        let guid = texts.iter().find_map(|(value, text)| Some((*value, guid_in(text.as_deref()?)?)));
        let plain = || texts.iter().find_map(|(value, text)| Some((*value, text.clone()?)));
        let plain = || plain().filter(|(_, text)| !text.contains(['[', '(']));
        if let Some((Some(value), id)) = guid.or_else(plain) {
            about.places.push((Field::Id, self.span(value)));
            about.id = values::one_line(&id);
        }
    }

    /// The tags of a saved search, which hold what a hunting query says of itself.
    fn tags(&mut self, rule: &Object<'_>, about: &mut About) {
        let Some(tags) = member(rule, "tags").and_then(Value::as_array) else { return };
        let place = self.place();
        for tag in tags.elements.iter().filter_map(Value::as_object) {
            let (Some(name), Some(value)) = (string(tag, "name"), member(tag, "value")) else { continue };
            below(value, &mut vec![key_of(&name)], &mut Vec::new(), &mut |keys, items, value| {
                say(keys, items, value, place(value), about);
            });
        }
    }

    /// A custom detection of Defender XDR.
    fn detection(&mut self, object: &Object<'_>, condition: &Object<'_>) -> bool {
        let mut about = About { kind: Some(RuleKind::CustomDetection), ..About::default() };
        let known: &[(&[&str], &str)] = &[
            (&["id"], "id"),
            (&["displayName"], "name"),
            (&["isEnabled"], "enabled"),
            (&["createdBy"], "author"),
            (&["createdDateTime"], "date"),
            (&["lastModifiedDateTime"], "modified"),
            (&["detectionAction", "alertTemplate", "description"], "description"),
            (&["detectionAction", "alertTemplate", "severity"], "severity"),
            (&["detectionAction", "alertTemplate", "category"], "tactics"),
            (&["detectionAction", "alertTemplate", "recommendedActions"], "recommendedActions"),
            (&["detectionAction", "alertTemplate", "mitreTechniques"], "techniques"),
        ];
        let mut assets: Vec<(usize, String, String, Span)> = Vec::new();
        let mut responses: Vec<(usize, Vec<String>, Span)> = Vec::new();
        let place = self.place();
        let mut read = |keys: &[String], items: &[usize], value: &Value<'_>| {
            let (span, path) = (place(value), keys.iter().map(String::as_str).collect::<Vec<_>>());
            let item = items.first().copied().unwrap_or_default();
            match path.as_slice() {
                ["queryCondition", "queryText"] => {}
                ["schedule", "period"] => match period(&scalar(value)) {
                    // Continuous: every minute.
                    Some(0) => {
                        about.kind = Some(RuleKind::Nrt);
                        about.places.push((Field::Kind, span));
                    }
                    Some(ticks) => {
                        about.query_frequency = Some(ticks);
                        about.places.push((Field::QueryFrequency, span));
                    }
                    None => metadata::unread(&mut about, keys, span, Why::Malformed("0, 1H, 3H, 12H or 24H")),
                },
                ["detectionAction", "alertTemplate", "title"] => {
                    about.alert_name = values::one_line(&scalar(value));
                    about.places.push((Field::AlertName, span));
                }
                ["detectionAction", "alertTemplate", "impactedAssets", half] if item < 100 => {
                    if assets.last().is_none_or(|asset| asset.0 != item) {
                        assets.push((item, String::new(), String::new(), span));
                    }
                    if let Some(asset) = assets.last_mut() {
                        let text = scalar(value);
                        match *half {
                            "@odata.type" => asset.1 = asset_type(&text).to_owned(),
                            "identifier" => asset.2 = text.into_owned(),
                            _ => metadata::unread(&mut about, keys, span, Why::Unknown),
                        }
                    }
                }
                ["detectionAction", "responseActions", key, ..] if item < 100 => {
                    if responses.last().is_none_or(|response| response.0 != item) {
                        responses.push((item, Vec::new(), span));
                    }
                    if let Some((_, words, _)) = responses.last_mut() {
                        let text = scalar(value);
                        let word = text.rsplit('.').next().unwrap_or_default();
                        words.push(if *key == "@odata.type" { word.to_owned() } else { format!("{key} {text}") });
                    }
                }
                path => match known.iter().find(|(known, _)| *known == path) {
                    Some((_, key)) => say(&[(*key).to_owned()], &[], value, span, &mut about),
                    None if matches!(value, Value::NullKeyword(_)) => {}
                    None => metadata::unread(&mut about, keys, span, Why::Unknown),
                },
            }
        };
        scalars(object, &mut Vec::new(), &mut Vec::new(), &mut read);
        for (_, entity_type, identifier, span) in assets {
            about.places.push((Field::Entities, span));
            // The identifier is the name of the column that holds it, in small letters first.
            let column = capital(&identifier);
            about.entities.push(crate::about::Entity { entity_type, fields: vec![(identifier, column)] });
        }
        for (_, words, span) in responses {
            about.places.push((Field::Actions, span));
            metadata::push(&mut about.actions, words.join(", "));
        }
        self.add(object, member(condition, "queryText"), about);
        true
    }

    /// Takes the members of an object into what is known of a rule.
    fn members(&self, object: &Object<'_>, skipped: &[&str], about: &mut About) {
        let place = self.place();
        for property in object.properties.iter().filter(|it| !skipped.contains(&it.name.as_str())) {
            let mut keys = vec![key_of(property.name.as_str())];
            below(&property.value, &mut keys, &mut Vec::new(), &mut |keys, items, value| {
                say(keys, items, value, place(value), about);
            });
        }
    }

    /// Adds the rule with this query. What only lies about with a member of that name is no rule, and no word is lost on it.
    fn add(&mut self, object: &Object<'_>, query: Option<&Value<'_>>, about: About) {
        let is_rule = is_alert_rule(object) || about.kind == Some(RuleKind::CustomDetection);
        let Some(Value::StringLit(literal)) = query else {
            if is_rule {
                self.pass_over(object, "has a query that is no text");
            }
            return;
        };
        if look::is_blank(&literal.value) {
            if is_rule {
                self.pass_over(object, "has an empty query");
            }
            return;
        }
        let about = metadata::completed(about);
        let span = self.span(literal);
        let origin = origin(self.text, span, &literal.value);
        self.found.cuts.push(Cut { text: literal.value.to_string(), origin, about, divisible: false });
    }

    fn span(&self, ranged: &impl Ranged) -> Span {
        span_in(self.mark, self.text.len(), ranged)
    }

    /// Gives the place of a value, without holding the reader.
    fn place(&self) -> impl Fn(&Value<'_>) -> Span + use<'t> {
        let (mark, length) = (self.mark, self.text.len());
        move |value| span_in(mark, length, value)
    }
}

fn span_in(mark: usize, length: usize, ranged: &impl Ranged) -> Span {
    let at = |offset: usize| (mark + offset).min(length) as u32;
    Span::new(at(ranged.start()), at(ranged.end()))
}

/// Takes a scalar into what is known of a rule; an object here lies deeper than is read.
fn say(keys: &[String], items: &[usize], value: &Value<'_>, span: Span, about: &mut About) {
    match value {
        Value::NullKeyword(_) => {}
        Value::Object(_) | Value::Array(_) => metadata::unread(about, keys, span, Why::Unknown),
        Value::StringLit(_) | Value::NumberLit(_) | Value::BooleanLit(_) => {
            let text = scalar(value);
            // In a template a text that begins with a bracket is an expression, unless the bracket is doubled:
            // <https://learn.microsoft.com/en-us/azure/azure-resource-manager/templates/template-expressions#escape-characters>.
            let text = match text.strip_prefix("[[") {
                Some(rest) => std::borrow::Cow::Owned(format!("[{rest}")),
                None => text,
            };
            metadata::take(about, Said { keys, items, value: &text, span });
        }
    }
}

/// A key as it is carried along: no known one is longer.
fn key_of(key: &str) -> String {
    key.chars().take(metadata::LONGEST_KEY).collect()
}

/// Whether a member `query` is a hunt's: requests to other services have one, too.
fn is_hunt(rule: &Object<'_>) -> bool {
    let words = ["displayName", "severity", "tactics", "techniques", "relevantTechniques", "queryFrequency"];
    words.iter().any(|key| member(rule, key).is_some()) || string(rule, "query").is_some_and(|it| look::is_kql(&it))
}

/// Whether a resource says that it is an analytic rule, or the template of one.
fn is_alert_rule(object: &Object<'_>) -> bool {
    let own = |key: &str| string(object, key).unwrap_or_default().to_ascii_lowercase();
    let resource = own("type");
    resource.ends_with("alertrules")
        || resource.ends_with("alertruletemplates")
        || member(object, "properties").is_some() && matches!(own("kind").as_str(), "scheduled" | "nrt")
}

/// The member of an object, whatever the case of its name.
fn member<'o, 'a>(object: &'o Object<'a>, key: &str) -> Option<&'o Value<'a>> {
    object.properties.iter().find(|it| it.name.as_str().eq_ignore_ascii_case(key)).map(|it| &it.value)
}

/// The member of an object that is a text.
fn string(object: &Object<'_>, key: &str) -> Option<String> {
    match member(object, key)? {
        Value::StringLit(literal) => Some(literal.value.to_string()),
        _ => None,
    }
}

/// What is given of each scalar: the keys and the elements on the way to it, and its value.
type Give<'g> = dyn FnMut(&[String], &[usize], &Value<'_>) + 'g;

/// Gives each scalar below the members of an object.
fn scalars(object: &Object<'_>, keys: &mut Vec<String>, items: &mut Vec<usize>, give: &mut Give<'_>) {
    for property in &object.properties {
        keys.push(key_of(property.name.as_str()));
        below(&property.value, keys, items, give);
        keys.pop();
    }
}

/// Gives each scalar below a value, and objects that lie deeper than is read.
fn below(value: &Value<'_>, keys: &mut Vec<String>, items: &mut Vec<usize>, give: &mut Give<'_>) {
    match value {
        Value::Object(object) if keys.len() < DEEPEST => scalars(object, keys, items, give),
        Value::Array(array) => {
            for (item, element) in array.elements.iter().enumerate() {
                items.push(item);
                below(element, keys, items, give);
                items.pop();
            }
        }
        Value::Object(_) | Value::StringLit(_) | Value::NumberLit(_) | Value::BooleanLit(_) | Value::NullKeyword(_) => {
            give(keys, items, value)
        }
    }
}

/// A scalar as text.
fn scalar<'v>(value: &'v Value<'_>) -> std::borrow::Cow<'v, str> {
    match value {
        Value::StringLit(literal) => std::borrow::Cow::Borrowed(&literal.value),
        Value::NumberLit(number) => std::borrow::Cow::Borrowed(number.value),
        Value::BooleanLit(it) => std::borrow::Cow::Borrowed(if it.value { "true" } else { "false" }),
        Value::NullKeyword(_) | Value::Object(_) | Value::Array(_) => std::borrow::Cow::Borrowed(""),
    }
}

/// The last GUID in a text: ids of resources are paths and expressions.
fn guid_in(text: &str) -> Option<String> {
    let part = |char: char| !(char.is_ascii_hexdigit() || char == '-');
    let found = text.rsplit(part).find(|word| word.len() == 36 && uuid::Uuid::parse_str(word).is_ok());
    found.map(str::to_owned)
}

/// A period of a custom detection in ticks; 0 is continuous:
/// <https://learn.microsoft.com/en-us/graph/api/resources/security-ruleschedule>.
fn period(text: &str) -> Option<i64> {
    match text.trim().to_ascii_uppercase().as_str() {
        "0" => Some(0),
        known @ ("1H" | "3H" | "12H" | "24H") => values::duration(known),
        _ => None,
    }
}

/// The entity that an asset is in Sentinel's words.
fn asset_type(odata: &str) -> &'static str {
    let word = odata.rsplit('.').next().unwrap_or_default();
    match word {
        "impactedDeviceAsset" => "Host",
        "impactedMailboxAsset" => "Mailbox",
        _ => "Account",
    }
}

/// The text with its first letter in capitals: `deviceId` is the column `DeviceId`.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

/// Where the text of a string literal lies in the file: piece by piece between its escapes.
fn origin(text: &str, span: Span, value: &str) -> Origin {
    let literal = span.slice(text);
    let mut pieces: Vec<(u32, u32)> = Vec::new();
    let mut hunt = 0usize;
    // Behind the opening quote.
    let mut at = 1usize;
    let mut fresh = true;
    while let Some(char) = literal.get(at..).and_then(|rest| rest.chars().next()) {
        if hunt >= value.len() {
            break;
        }
        if fresh || char == '\\' {
            pieces.push((hunt as u32, span.start + at as u32));
        }
        fresh = char == '\\';
        if char != '\\' {
            hunt += char.len_utf8();
            at += char.len_utf8();
            continue;
        }
        let (written, read) = escape(literal.get(at..).unwrap_or_default());
        hunt += read;
        at += written;
    }
    // Where the two do not keep step, only the whole is certain.
    let kept = hunt == value.len() && at + 1 == literal.len() && !pieces.is_empty();
    if kept { Origin::pieces(pieces, span) } else { Origin::rewritten(span) }
}

/// How many bytes an escape takes in the file, and how many what it stands for.
fn escape(text: &str) -> (usize, usize) {
    let unit = |at: usize| text.get(at..at + 4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    match text.as_bytes().get(1) {
        Some(b'u') => match unit(2) {
            Some(0xd800..=0xdbff) if text.get(6..8) == Some("\\u") => (12, 4),
            Some(code) => (6, char::from_u32(code).map_or(3, char::len_utf8)),
            None => (2, 1),
        },
        _ => (2, 1),
    }
}
