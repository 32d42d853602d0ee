//! The report as one page of HTML: it loads nothing, runs nothing, and says so to the browser.
//!
//! Whatever comes from a hunt goes through [`Writer::text`], links through [`link`]; there is no other way for it into the
//! page. The tags are written out here, so that the page needs no template and no rule for what a template may do.

use super::summary::Summary;
use super::{HuntRow, Migration, NoteRow, link, one_line};
use crate::diagnostic::Effect;

/// Rows of the lists of what to look at first.
const FIRST: usize = 200;

/// Nothing may be loaded but the page's own style:
/// <https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy>.
const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Migration</title>\n<style>\n\
    body{font:15px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}\n\
    table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #ccc;padding:.2rem .6rem;text-align:left;\
    vertical-align:top;overflow-wrap:anywhere}td.n{text-align:right}summary{cursor:pointer}\
    details{margin:.2rem 0}ul{margin:.2rem 0}.exact{color:#176b2c}.reshaped{color:#0b5c73}.broader,.unsure{color:#855c00}\
    .narrower,.refused{color:#a3161f}small{color:#666}\n</style></head><body>\n";

/// Writes the page. The manifest is at `manifest`, beside it.
pub fn html(migration: &Migration, manifest: &str) -> String {
    let summary = Summary::new(migration);
    let mut out = Writer(String::with_capacity(64 * 1024));
    out.raw(HEAD).raw("<h1>Migration</h1>\n<p>").number(migration.hunts.len()).raw(" hunts, written as ");
    out.raw(if migration.made == "rule" { "rules" } else { "queries" }).raw(" by huntgate ").text(migration.huntgate);
    out.raw(". Everything that is said here is in ").link(manifest).raw(" too.</p>\n");
    counts(&summary, &mut out);
    first(migration, &summary, &mut out);
    causes(migration, &summary, &mut out);
    needs(migration, &summary, &mut out);
    ignored(migration, &mut out);
    out.raw("<h2>Rules</h2>\n");
    for (at, hunt) in migration.hunts.iter().enumerate() {
        rule(at, hunt, &mut out);
    }
    out.raw("</body></html>\n");
    out.0
}

fn counts(summary: &Summary<'_>, out: &mut Writer) {
    out.raw("<h2>How faithful</h2>\n<table><tr><th>target</th><th>form</th>");
    for effect in Effect::ALL {
        out.raw("<th class=\"").raw(effect.name()).raw("\">").raw(effect.name()).raw("</th>");
    }
    out.raw("</tr>\n");
    for one in &summary.counts {
        out.raw("<tr><td>").raw(one.target).raw("</td><td>").raw(one.package.unwrap_or("query")).raw("</td>");
        for count in one.verdicts {
            out.raw("<td class=\"n\">").number(count).raw("</td>");
        }
        out.raw("</tr>\n");
    }
    out.raw("</table>\n");
}

fn first(migration: &Migration, summary: &Summary<'_>, out: &mut Writer) {
    out.raw("<h2>What to look at first</h2>\n");
    if summary.first.is_empty() {
        out.raw("<p>Nothing: every rule selects the events of its hunt.</p>\n");
        return;
    }
    out.raw("<table><tr><th>rule</th><th>file</th><th>severity</th><th>why</th><th>in</th></tr>\n");
    for one in summary.first.iter().take(FIRST) {
        let Some(hunt) = migration.hunts.get(one.hunt) else { continue };
        out.raw("<tr><td>").rule(one.hunt, hunt).raw("</td><td>").text(&hunt.place()).raw("</td><td>");
        out.raw(hunt.severity.unwrap_or("not said")).raw("</td><td>").raw(one.reason.title()).raw("</td><td>");
        out.raw(&one.targets.join(", ")).raw("</td></tr>\n");
    }
    out.raw("</table>\n").rest(summary.first.len());
}

fn causes(migration: &Migration, summary: &Summary<'_>, out: &mut Writer) {
    if summary.causes.is_empty() {
        return;
    }
    out.raw("<h2>What most rules fail by</h2>\n");
    out.raw("<p>Mending a cause settles the rules that have no other one in the target.</p>\n");
    out.raw("<table><tr><th>target</th><th>code</th><th>cause</th><th>settles</th><th>named by</th></tr>\n");
    for cause in summary.causes.iter().take(FIRST) {
        out.raw("<tr><td>").raw(cause.target).raw("</td><td>").raw(cause.code.text()).raw("</td><td>");
        out.text(cause.message).raw("</td><td class=\"n\">").number(cause.alone).raw("</td><td>");
        out.rules(migration, &cause.hunts).raw("</td></tr>\n");
    }
    out.raw("</table>\n").rest(summary.causes.len());
}

fn needs(migration: &Migration, summary: &Summary<'_>, out: &mut Writer) {
    if !summary.needs.is_empty() {
        out.raw("<h2>What the site needs</h2>\n<table><tr><th>target</th><th>what</th><th>name</th><th>for</th>");
        out.raw("<th>needed by</th></tr>\n");
        for need in &summary.needs {
            out.raw("<tr><td>").raw(need.target).raw("</td><td>").raw(need.kind.title()).raw("</td><td>");
            out.text(need.name).raw("</td><td>").texts(need.of.iter().copied()).raw("</td><td>");
            out.rules(migration, &need.hunts).raw("</td></tr>\n");
        }
        out.raw("</table>\n");
    }
    if !summary.connectors.is_empty() {
        out.raw("<h3>Where the source's data comes from</h3>\n<table><tr><th>connector</th><th>tables</th>");
        out.raw("<th>named by</th></tr>\n");
        for (connector, hunts) in &summary.connectors {
            out.raw("<tr><td>").text(&connector.id).raw("</td><td>");
            out.texts(connector.data_types.iter().map(String::as_str)).raw("</td><td>");
            out.rules(migration, hunts).raw("</td></tr>\n");
        }
        out.raw("</table>\n");
    }
}

fn ignored(migration: &Migration, out: &mut Writer) {
    let with_remarks = |hunt: &&HuntRow| !hunt.unread.is_empty() || !hunt.remarks.is_empty();
    let hunts: Vec<&HuntRow> = migration.hunts.iter().filter(with_remarks).collect();
    if migration.files.is_empty() && hunts.is_empty() && migration.left.is_empty() {
        return;
    }
    out.raw("<h2>What was passed over</h2>\n<ul>\n");
    for file in &migration.files {
        out.raw("<li>").text(&file.path).notes(&file.remarks).raw("</li>\n");
    }
    for hunt in hunts {
        out.raw("<li>").text(&hunt.place());
        if !hunt.unread.is_empty() {
            out.raw("<ul>");
            for unread in &hunt.unread {
                out.raw("<li>").text(&unread.key).raw(" (line ").number(unread.line).raw("): ").text(&unread.why);
                out.raw("</li>");
            }
            out.raw("</ul>");
        }
        out.notes(&hunt.remarks).raw("</li>\n");
    }
    for left in &migration.left {
        out.raw("<li>").text(&left.path);
        out.raw(": no hunt makes it any more, and it is not removed: ").raw(left.why()).raw("</li>\n");
    }
    out.raw("</ul>\n");
}

fn rule(at: usize, hunt: &HuntRow, out: &mut Writer) {
    out.raw("<details id=\"r").number(at).raw("\"><summary>").text(hunt.title());
    for row in &hunt.targets {
        out.raw(" <small>").raw(row.target).raw("</small> ");
        let worst = row.verdicts().map(|(_, verdict)| verdict).max().unwrap_or(row.verdict);
        out.verdict(worst);
    }
    out.raw("</summary>\n<p><small>").text(&hunt.place());
    for fact in [hunt.id.as_deref(), hunt.kind, hunt.severity].into_iter().flatten() {
        out.raw(", ").text(fact);
    }
    out.raw("</small></p>\n<ul>\n");
    for row in &hunt.targets {
        out.raw("<li>").raw(row.target).raw(", schema ").text(&row.schema).raw(": ").verdict(row.verdict);
        out.notes(&row.notes).raw("<ul>");
        for output in &row.outputs {
            out.raw("<li>");
            match &output.path {
                Some(path) => {
                    out.link(path).raw(": ").verdict(output.verdict);
                    out.raw(if output.kept { " (changed by hand, and not written again)" } else { "" });
                }
                None => {
                    out.raw("no ").raw(output.package.unwrap_or("query"));
                }
            }
            out.notes(&output.notes).raw("</li>");
        }
        out.raw("</ul></li>\n");
    }
    out.raw("</ul></details>\n");
}

/// The page as far as it is written.
struct Writer(String);

impl Writer {
    /// Markup of this file, or a word of huntgate's own.
    fn raw(&mut self, markup: &str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    fn number(&mut self, number: usize) -> &mut Self {
        self.0.push_str(&number.to_string());
        self
    }

    /// Text that is nothing but text, in an element and in a quoted attribute.
    fn text(&mut self, raw: &str) -> &mut Self {
        for character in one_line(raw).chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                character => self.0.push(character),
            }
        }
        self
    }

    fn texts<'t>(&mut self, texts: impl Iterator<Item = &'t str>) -> &mut Self {
        for (at, text) in texts.enumerate() {
            self.raw(if at == 0 { "" } else { ", " }).text(text);
        }
        self
    }

    /// A link to a path below the output folder.
    fn link(&mut self, path: &str) -> &mut Self {
        self.raw("<a href=\"").raw(&link(path)).raw("\">").text(path).raw("</a>")
    }

    /// A link to a rule of the page.
    fn rule(&mut self, at: usize, hunt: &HuntRow) -> &mut Self {
        self.raw("<a href=\"#r").number(at).raw("\">").text(hunt.title()).raw("</a>")
    }

    /// Links to rules: one as it is, several folded.
    fn rules(&mut self, migration: &Migration, hunts: &[usize]) -> &mut Self {
        let several = hunts.len() > 1;
        if several {
            self.raw("<details><summary>").number(hunts.len()).raw(" rules</summary>");
        }
        for (number, at) in hunts.iter().enumerate() {
            if let Some(hunt) = migration.hunts.get(*at) {
                self.raw(if number == 0 { "" } else { "<br>" }).rule(*at, hunt);
            }
        }
        self.raw(if several { "</details>" } else { "" })
    }

    fn verdict(&mut self, verdict: Effect) -> &mut Self {
        self.raw("<b class=\"").raw(verdict.name()).raw("\">").raw(verdict.name()).raw("</b>")
    }

    fn notes(&mut self, notes: &[NoteRow]) -> &mut Self {
        if notes.is_empty() {
            return self;
        }
        self.raw("<ul>");
        for note in notes {
            self.raw("<li>").raw(note.code.text()).raw(" <span class=\"").raw(note.effect.name()).raw("\">");
            self.raw(note.effect.name()).raw("</span>: ").text(&note.message).raw(" <small>").number(note.line);
            self.raw(":").number(note.column).raw("</small>");
            if let Some(why) = &note.accepted {
                self.raw("; accepted: ").text(why);
            }
            self.raw("</li>");
        }
        self.raw("</ul>")
    }

    fn rest(&mut self, all: usize) -> &mut Self {
        match all.checked_sub(FIRST).filter(|rest| *rest > 0) {
            Some(rest) => self.raw("<p>and ").number(rest).raw(" more</p>\n"),
            None => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::summary::tests::{hunt, migration, note};
    use super::*;
    use crate::diagnostic::Code;

    /// The names of the tags in order; a `<` that begins none is a fault.
    fn tags(page: &str) -> Vec<String> {
        page.split('<')
            .skip(1)
            .map(|rest| {
                let name = rest.split(|c: char| !(c.is_ascii_alphanumeric() || "/!".contains(c))).next().unwrap();
                assert!(!name.is_empty() && rest.contains('>'), "{rest}");
                name.to_owned()
            })
            .collect()
    }

    fn page(name: &str) -> String {
        let notes = vec![note(Code::UnknownFunction, Effect::Refused, name)];
        let other = vec![note(Code::SourceNarrower, Effect::Narrower, name)];
        let rows = vec![("splunk", Effect::Refused, notes), ("eql", Effect::Narrower, other)];
        html(&migration(vec![hunt(name, None, rows)]), "m.json")
    }

    #[test]
    fn every_tag_is_closed_and_no_name_adds_one() {
        let plain = tags(&page("plain"));
        let mut open: Vec<&str> = Vec::new();
        for tag in &plain {
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name), "{plain:?}"),
                None if ["!DOCTYPE", "meta", "br"].contains(&tag.as_str()) => {}
                None => open.push(tag),
            }
        }
        assert!(open.is_empty(), "{open:?}");
        for name in
            ["<script>alert(1)</script>", "\" onclick=\"x", "' x='", "a\nb", "&lt;", "</style>", "../../x", "<!--"]
        {
            let hostile = page(name);
            assert_eq!(tags(&hostile), plain, "{name}");
            assert_eq!(hostile.matches('"').count(), page("plain").matches('"').count(), "{name}");
            assert!(!hostile.contains("<script"), "{name}");
        }
    }

    #[test]
    fn the_page_loads_nothing() {
        let page = page("x");
        for word in ["src=", "http:", "https:", "url(", "@import", "<script", "<link"] {
            assert!(!page.contains(word), "{word}");
        }
    }
}
