//! Fenced blocks of Markdown as hunts.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::{Cut, Found, look, metadata, values};
use crate::about::{About, Field};
use crate::source::{Origin, Span};

/// Info strings of other languages: their blocks are skipped whatever they hold.
const OTHER_LANGUAGES: &[&str] = &[
    "bash",
    "c",
    "cmd",
    "console",
    "csharp",
    "css",
    "csv",
    "cs",
    "diff",
    "eql",
    "esql",
    "es|ql",
    "go",
    "graphql",
    "html",
    "http",
    "ini",
    "java",
    "javascript",
    "js",
    "json",
    "lua",
    "mermaid",
    "perl",
    "php",
    "powershell",
    "ps1",
    "pwsh",
    "py",
    "python",
    "regex",
    "ruby",
    "rust",
    "sh",
    "shell",
    "sigma",
    "snort",
    "spl",
    "splunk",
    "sql",
    "suricata",
    "toml",
    "ts",
    "typescript",
    "vb",
    "vbscript",
    "xml",
    "yaml",
    "yara",
    "yml",
    "zsh",
];

/// A block that is being read.
struct Block {
    text: String,
    pieces: Vec<(u32, u32)>,
    end: u32,
    /// `Some(true)`: the info string says KQL; `Some(false)`: another language; `None`: it does not say.
    says_kql: Option<bool>,
}

/// The fenced blocks that hold KQL, each named by the nearest heading above it; what the page says under headings of its own
/// (description, techniques, author, references) is said of its hunt, where it has one.
pub(super) fn cut(text: &str) -> Found {
    let mut found = Found::default();
    let mut heading: Option<String> = None;
    let mut title: Option<String> = None;
    let mut in_heading: Option<String> = None;
    let mut block: Option<Block> = None;
    let mut glued: Option<(&str, usize)> = None;
    let mut page = Words::default();
    for (event, range) in Parser::new_ext(text, Options::empty()).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { .. }) => in_heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                heading = in_heading.take().map(|title| title.trim().to_owned()).filter(|title| !title.is_empty());
                if title.is_none() {
                    title.clone_from(&heading);
                }
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                block = Some(Block {
                    text: String::new(),
                    pieces: Vec::new(),
                    end: range.start as u32,
                    says_kql: says_kql(&info),
                });
                glued = first_line_on_fence(text, range.start, &info);
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some(block) = block.take() {
                    found.cuts.extend(block.into_cut(heading.clone()));
                }
            }
            Event::Text(part) => {
                if let Some(block) = &mut block {
                    if let Some((line, at)) = glued.take()
                        && part.starts_with('|')
                    {
                        block.push(line, at as u32, (at + line.len()) as u32);
                        block.push("\n", range.start as u32 - 1, range.start as u32);
                        block.says_kql = Some(true);
                    }
                    block.push(&part, range.start as u32, range.end as u32);
                } else if let Some(title) = &mut in_heading {
                    title.push_str(&part);
                } else if let Some(section) = heading.as_deref().and_then(Section::of) {
                    page.take(section, text, range.start, range.end);
                }
            }
            Event::Code(part) => {
                if let Some(title) = &mut in_heading {
                    title.push_str(&part);
                }
            }
            _ => {}
        }
    }
    if is_one_hunt(&found.cuts) {
        let about = page.about();
        for cut in &mut found.cuts {
            // A heading that says where the query runs is no name of the hunt.
            let is_place = cut.about.name.as_deref().is_none_or(is_place);
            let name = if is_place { title.clone().or(cut.about.name.take()) } else { cut.about.name.take() };
            cut.about = About { name, ..about.clone() };
        }
    }
    found
}

/// Whether a heading says where a query runs, and not what it finds.
fn is_place(heading: &str) -> bool {
    let words: String = heading.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    let places = [
        "sentinel",
        "microsoftsentinel",
        "azuresentinel",
        "defender",
        "defenderxdr",
        "defenderforendpoint",
        "microsoftdefender",
        "microsoftdefenderxdr",
        "mde",
        "mdxdr",
        "query",
        "kql",
        "kqlquery",
        "hunt",
        "loganalytics",
        "advancedhunting",
        "mdemdi",
        "microsoftdefenderforendpoint",
        "xdr",
    ];
    places.contains(&words.as_str())
}

/// A section of a page that says something of its hunt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Attack,
    Description,
    Author,
    References,
    Risk,
    FalsePositives,
}

impl Section {
    /// The section below a heading; `None` where nothing of it is read.
    fn of(heading: &str) -> Option<Self> {
        let words = heading.to_ascii_lowercase();
        let words = words.trim_end_matches([':', ' ']);
        match words {
            _ if words.contains("att&ck") => Some(Self::Attack),
            "description" => Some(Self::Description),
            _ if words == "author" || words.starts_with("author <") => Some(Self::Author),
            "references" | "reference" => Some(Self::References),
            "risk" => Some(Self::Risk),
            "false positives" => Some(Self::FalsePositives),
            _ => None,
        }
    }
}

/// What a page says of its hunt.
#[derive(Debug, Default)]
struct Words {
    about: About,
    description: Vec<String>,
    risk: Vec<String>,
    /// The last line that was read: the parser gives its parts one by one.
    line: usize,
}

impl Words {
    /// Takes the line of a section that holds a piece of text.
    fn take(&mut self, section: Section, text: &str, start: usize, end: usize) {
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        if std::mem::replace(&mut self.line, line_start + 1) == line_start + 1 {
            return;
        }
        let line = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default().trim();
        let span = Span::new(start as u32, end as u32);
        let item = line.trim_start_matches(['-', '*', '>', ' ']);
        let (field, taken) = match section {
            Section::Attack => {
                let row = row_of(text, line_start);
                let mut found =
                    row.filter_map(values::technique).map(|it| metadata::push(&mut self.about.techniques, it));
                (Field::Techniques, found.any(|fits| fits))
            }
            Section::Description => {
                self.description.push(line.to_owned());
                (Field::Description, true)
            }
            Section::Risk => {
                self.risk.push(line.to_owned());
                (Field::Hypothesis, true)
            }
            Section::Author => {
                let name = values::one_line(item.trim_start_matches("**Name:**").trim());
                // What follows the name are addresses of pages about the author.
                let name = name.filter(|name| self.about.author.is_none() && !name.contains("://"));
                let name = name.map(|name| name.trim_start_matches("Name:").trim_matches('*').trim().to_owned());
                self.about.author = self.about.author.take().or(name);
                (Field::Author, self.about.author.is_some())
            }
            Section::References => {
                let page = item.find("http").and_then(|at| item.get(at..));
                let end = |it: &str| it.find([')', '>', ' ', ']']).unwrap_or(it.len());
                let page = page.and_then(|it| it.get(..end(it)));
                let fits = page.is_some_and(|it| metadata::push(&mut self.about.references, it.to_owned()));
                (Field::References, fits)
            }
            Section::FalsePositives => {
                let fits = values::one_line(item).map(|it| metadata::push(&mut self.about.false_positives, it));
                (Field::FalsePositives, fits == Some(true))
            }
        };
        if taken && self.about.place(field).is_none() {
            self.about.places.push((field, span));
        }
    }

    fn about(mut self) -> About {
        self.about.description = values::description(&self.description.join("\n"));
        self.about.hypothesis = values::description(&self.risk.join("\n"));
        self.about
    }
}

/// The cells of the row of a table that begins at a place; a technique stands alone in its cell.
fn row_of(text: &str, at: usize) -> impl Iterator<Item = &str> {
    let before = text.get(..at).unwrap_or_default().trim_end_matches(' ');
    let begins = before.is_empty() || before.ends_with('\n');
    let row = text.get(at..).filter(|_| begins).and_then(|rest| rest.lines().next());
    let cells = row.and_then(|row| row.strip_prefix('|')).unwrap_or_default().split('|');
    cells.map(|cell| cell.trim().trim_start_matches('[').split(']').next().unwrap_or_default())
}

/// Whether the hunts of a page are one: the same query, or the same for Defender and for Sentinel, whose tables name the time
/// differently: <https://learn.microsoft.com/en-us/defender-xdr/advanced-hunting-deviceevents-table> and
/// <https://learn.microsoft.com/en-us/azure/azure-monitor/reference/tables/deviceevents>.
fn is_one_hunt(cuts: &[Cut]) -> bool {
    let plain = |cut: &Cut| {
        let words = cut.text.split_whitespace().map(|word| word.replace("Timestamp", "TimeGenerated"));
        words.collect::<Vec<_>>().join(" ")
    };
    let mut all = cuts.iter().map(plain);
    let first = all.next();
    all.all(|other| Some(&other) == first.as_ref())
}

impl Block {
    /// Adds a part that stands at `start..end` of the file. Parts that follow one another are one piece.
    fn push(&mut self, part: &str, start: u32, end: u32) {
        let at = self.text.len() as u32;
        let follows = self.pieces.last().is_some_and(|(hunt, file)| at - hunt == start.wrapping_sub(*file));
        if !follows && !part.is_empty() {
            self.pieces.push((at, start));
        }
        self.text.push_str(part);
        self.end = self.end.max(end);
    }

    fn into_cut(self, name: Option<String>) -> Option<Cut> {
        let wanted = match self.says_kql {
            Some(says) => says,
            None => look::is_kql(&self.text),
        };
        if !wanted || look::is_blank(&self.text) {
            return None;
        }
        let start = self.pieces.first().map_or(self.end, |(_, file)| *file);
        let origin = Origin::pieces(self.pieces, Span::new(start, self.end));
        Some(Cut { text: self.text, origin, about: About { name, ..About::default() }, divisible: true })
    }
}

/// The table of a query whose first line was written right behind the word `KQL` of its fence, and where it stands.
fn first_line_on_fence<'a>(text: &'a str, fence: usize, info: &str) -> Option<(&'a str, usize)> {
    let line = text.get(fence..)?.lines().next()?;
    let at = fence + line.find(info.trim())? + 3;
    let table = text.get(at..fence + line.len())?.trim_end();
    let is_kql = text.get(at - 3..at)?.eq_ignore_ascii_case("kql");
    (is_kql && !table.is_empty() && table.chars().all(|c| c.is_alphanumeric() || c == '_')).then_some((table, at))
}

/// What the info string of a fence says about the language.
fn says_kql(info: &str) -> Option<bool> {
    let word = info.trim().trim_start_matches(['{', '.']).split([' ', ',', '{', '}', '\t']).next().unwrap_or_default();
    let word = word.to_ascii_lowercase();
    if ["kql", "kusto", "csl"].contains(&word.as_str()) {
        Some(true)
    } else if OTHER_LANGUAGES.contains(&word.as_str()) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_map_byte_for_byte_even_when_indented_or_with_carriage_returns() {
        let text = "# Odd `signers`\r\n\r\n- item\r\n\r\n  ```KQL\r\n  T\r\n    | where a == 'ß'\r\n  ```\r\n";
        let found = cut(text);
        assert_eq!(found.cuts.len(), 1);
        let hunt = &found.cuts[0];
        assert_eq!(hunt.about.name.as_deref(), Some("Odd signers"));
        assert_eq!(hunt.text.replace('\r', ""), "T\n  | where a == 'ß'\n");
        let at = hunt.text.find("where").unwrap() as u32;
        assert_eq!(hunt.origin.locate(Span::new(at, at + 5)).slice(text), "where");
        let at = hunt.text.find("'ß'").unwrap() as u32;
        assert_eq!(hunt.origin.locate(Span::new(at, at + 4)).slice(text), "'ß'");
    }

    #[test]
    fn a_table_that_slipped_onto_the_fence_is_part_of_the_hunt() {
        let text = "```KQLDeviceEvents\n| take 1\n```\n";
        let hunt = &cut(text).cuts[0];
        assert_eq!(hunt.text, "DeviceEvents\n| take 1\n");
        assert_eq!(hunt.origin.locate(Span::new(0, 12)).slice(text), "DeviceEvents");
        assert_eq!(hunt.origin.locate(Span::new(15, 19)).slice(text), "take");
    }

    #[test]
    fn techniques_of_a_page_are_those_of_its_hunt() {
        let page = |hunts: &str| {
            let text = format!(
                "# Odd\n\nT1111\n\n#### MITRE ATT&CK Technique(s)\n\n| Technique ID | Title | Link |\n| --- | --- | --- |\n\
                 | T1021.002 | Shares & T1000 | https://attack.mitre.org/techniques/T1021/002|\n| [T1078](x) | T | y |\n\n\
                 T1222\n\n#### Risk\n| T1333 |\n\n{hunts}"
            );
            cut(&text).cuts.into_iter().map(|cut| cut.about.techniques.join(" ")).collect::<Vec<_>>()
        };
        assert_eq!(page("```kql\nT | where Timestamp > 1\n```\n"), ["T1021.002 T1078"]);
        let twice =
            "## XDR\n```kql\nT | where Timestamp > 1\n```\n## Sentinel\n```kql\nT\n| where TimeGenerated > 1\n```\n";
        assert_eq!(page(twice), ["T1021.002 T1078", "T1021.002 T1078"]);
        assert_eq!(page("```kql\nT | take 1\n```\n```kql\nT | take 2\n```\n"), ["", ""]);
    }

    #[test]
    fn a_page_of_one_hunt_says_what_it_is() {
        let text = "# Odd signers\n\n## Query Information\n\n#### Description\nFinds files of *odd* signers.\nSecond line.\n\n#### Risk\nThey stay.\n\n\
             #### Author\n- **Name:** A. Author\n- **Website:** https://a.example/\n\n#### References\n- https://b.example/x\n- [c](https://c.example/)\n\n\
             ## Defender XDR\n```KQL\nT | where Timestamp > 1\n```\n## Sentinel\n```KQL\nT | where TimeGenerated > 1\n```\n";
        let cuts = cut(text).cuts;
        assert_eq!(cuts.len(), 2);
        for cut in &cuts {
            let about = &cut.about;
            assert_eq!(about.name.as_deref(), Some("Odd signers"));
            assert_eq!(about.description.as_deref(), Some("Finds files of *odd* signers.\nSecond line."));
            assert_eq!((about.hypothesis.as_deref(), about.author.as_deref()), (Some("They stay."), Some("A. Author")));
            assert_eq!(about.references, ["https://b.example/x", "https://c.example/"]);
        }
    }

    #[test]
    fn other_languages_are_left_out() {
        let text =
            "```powershell\nT | where a\n```\n\n```\nT | where a == 1\n```\n\n```\nls -l\n```\n~~~text\nnotes\n~~~\n";
        let found = cut(text);
        assert_eq!(found.cuts.iter().map(|hunt| hunt.text.as_str()).collect::<Vec<_>>(), ["T | where a == 1\n"]);
    }
}
