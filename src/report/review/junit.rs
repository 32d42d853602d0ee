//! The look at the snapshots as JUnit XML: one test case for each snapshot.
//!
//! There is no specification; the form is the one that Jenkins and GitLab read:
//! <https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd>,
//! <https://docs.gitlab.com/ci/testing/unit_test_reports/>. A run has neither time nor host here.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::super::safe;
use super::{Item, Review, Status};

impl Review {
    /// The document.
    ///
    /// # Errors
    /// XML can not be written, which does not happen.
    pub fn junit(&self) -> std::io::Result<String> {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let count = |test: &dyn Fn(&Item) -> bool| self.items.iter().filter(|item| test(item)).count().to_string();
        let errors = count(&|item| item.status == Status::Unread);
        let failures = count(&|item| item.fails() && item.status != Status::Unread);
        let tests = self.items.len().to_string();
        let totals = [("tests", tests.as_str()), ("failures", &failures), ("errors", &errors)];
        for name in ["testsuites", "testsuite"] {
            let mut start = BytesStart::new(name);
            start.push_attribute(("name", "huntgate snapshot"));
            start.extend_attributes(totals);
            writer.write_event(Event::Start(start))?;
        }
        for item in &self.items {
            let name = if item.path.is_empty() { &item.hunt } else { &item.path };
            let mut case = BytesStart::new("testcase");
            case.push_attribute(("classname", xml(&item.hunt).as_str()));
            case.push_attribute(("name", xml(name).as_str()));
            if !item.fails() {
                writer.write_event(Event::Empty(case))?;
                continue;
            }
            writer.write_event(Event::Start(case))?;
            let name = if item.status == Status::Unread { "error" } else { "failure" };
            let mut failure = BytesStart::new(name);
            failure.push_attribute(("message", xml(&item.summary()).as_str()));
            failure.push_attribute(("type", item.status.name()));
            writer.write_event(Event::Start(failure))?;
            let mut text = String::from("\n");
            let notes = item.faults.iter().chain(item.denied.iter().filter(|note| note.accepted.is_none()));
            let lines = item.message.iter().cloned().chain(item.added.iter().map(|note| format!("+ {note}")));
            let lines = lines.chain(item.removed.iter().map(|note| format!("- {note}")));
            for line in lines.chain(notes.map(|note| format!("{}: {}", note.code, note.message))) {
                text.push_str(&line);
                text.push('\n');
            }
            text.push_str(&item.diff);
            writer.write_event(Event::Text(BytesText::new(&xml(&text))))?;
            writer.write_event(Event::End(BytesEnd::new(name)))?;
            writer.write_event(Event::End(BytesEnd::new("testcase")))?;
        }
        for name in ["testsuite", "testsuites"] {
            writer.write_event(Event::End(BytesEnd::new(name)))?;
        }
        let mut text = String::from_utf8(writer.into_inner()).map_err(std::io::Error::other)?;
        text.push('\n');
        Ok(text)
    }
}

/// Text of characters that XML has at all: <https://www.w3.org/TR/xml/#charsets>. Marks are escaped by the writer.
fn xml(text: &str) -> String {
    safe(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use quick_xml::Reader;
    use quick_xml::events::Event;

    #[test]
    fn the_document_is_well_formed_and_has_a_case_for_each_snapshot() {
        let text = super::super::tests::hostile().junit().unwrap();
        let mut reader = Reader::from_str(&text);
        reader.config_mut().check_end_names = true;
        let (mut cases, mut failures) = (0, 0);
        loop {
            match reader.read_event().unwrap() {
                Event::Start(tag) | Event::Empty(tag) => {
                    cases += usize::from(tag.name().as_ref() == "testcase");
                    failures += usize::from(tag.name().as_ref() == "failure");
                    for attribute in tag.attributes() {
                        attribute.unwrap();
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!((cases, failures), (2, 1), "{text}");
        assert!(!text.contains("<script") && !text.contains('\u{1b}') && !text.contains('\u{ffff}'), "{text}");
    }
}
