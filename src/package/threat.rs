//! A rule's tactics and techniques in ATT&CK: what is known of them, in the order of the source, each once.
//!
//! What ATT&CK does not hold, or has withdrawn, is noted here; how a target's rule names the rest is not decided here.

use super::attack::{Attack, Found, Tactic, Technique};
use super::{Fields, text};
use crate::about::{About, Field};
use crate::diagnostic::{Code, Effect};

/// How many names a note lists.
const LISTED: usize = 10;

/// What a rule says of ATT&CK, as far as ATT&CK knows it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Threats<'a> {
    /// The tactics that the source names: id and tactic.
    pub(super) tactics: Vec<(&'a str, &'a Tactic)>,
    /// The techniques and sub-techniques that the source names, by id; withdrawn ones as what stands in their place.
    pub(super) techniques: Vec<(&'a str, &'a Technique)>,
}

/// A tactic with the techniques that serve it in a rule.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Threat<'a> {
    /// Its id.
    pub(super) id: &'a str,
    /// The tactic.
    pub(super) tactic: &'a Tactic,
    /// Whether the source names it; else it is there for its techniques.
    pub(super) named: bool,
    /// Techniques, each with those below it.
    pub(super) techniques: Vec<ThreatTechnique<'a>>,
}

/// A technique with the sub-techniques that a rule names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ThreatTechnique<'a> {
    /// Its id.
    pub(super) id: &'a str,
    /// The technique.
    pub(super) technique: &'a Technique,
    /// Its sub-techniques, by id.
    pub(super) below: Vec<(&'a str, &'a Technique)>,
}

/// Reads the tactics and techniques of a rule and answers for both fields.
pub(super) fn read<'a>(attack: &'a Attack, about: &About, fields: &mut Fields<'_>) -> Threats<'a> {
    let mut threats = Threats::default();
    let (mut no_tactics, mut no_techniques, mut replaced) = (Vec::new(), Vec::new(), Vec::new());
    for name in &about.tactics {
        match attack.tactic(name) {
            Some(found) if threats.tactics.contains(&found) => {}
            Some(found) => threats.tactics.push(found),
            None => no_tactics.push(text::quoted(name, 60)),
        }
    }
    for name in &about.techniques {
        let id = name.trim().to_ascii_uppercase();
        let found = match attack.technique(&id) {
            Found::Known(_) => attack.entry(&id),
            Found::Retired(_, Some(by)) => {
                replaced.push(format!("`{id}` by `{by}`"));
                attack.entry(by)
            }
            Found::Retired(_, None) | Found::Unknown => None,
        };
        match found {
            Some(found) if threats.techniques.contains(&found) => {}
            Some(found) => threats.techniques.push(found),
            None => no_techniques.push(text::quoted(name, 60)),
        }
    }
    fields.carried(&[Field::Tactics, Field::Techniques]);
    let version = &attack.version;
    let mut note = |field, message| fields.noted(field, Code::AttackUnknown, Effect::Exact, message);
    if let Some(names) = listed(&no_tactics) {
        note(Field::Tactics, format!("ATT&CK {version} for Enterprise has no tactic {names}, which is left out"));
    }
    if let Some(names) = listed(&no_techniques) {
        note(Field::Techniques, format!("ATT&CK {version} for Enterprise has no technique {names}, which is left out"));
    }
    if let Some(names) = listed(&replaced) {
        note(Field::Techniques, format!("ATT&CK {version} has withdrawn techniques, which are replaced: {names}"));
    }
    threats
}

/// The first of these, and how many more there are; `None` where there is none.
fn listed(names: &[String]) -> Option<String> {
    let shown = names.get(..LISTED).unwrap_or(names).join(", ");
    let more = names.len().saturating_sub(LISTED);
    (!names.is_empty()).then(|| if more > 0 { format!("{shown} and {more} more") } else { shown })
}

impl<'a> Threats<'a> {
    /// Whether nothing is known.
    pub(super) fn is_empty(&self) -> bool {
        self.tactics.is_empty() && self.techniques.is_empty()
    }

    /// The techniques, without those of which a sub-technique is named too.
    pub(super) fn most_precise(&self) -> Vec<&'a str> {
        let ids = || self.techniques.iter().map(|(id, _)| *id);
        let is_above = |id: &str| ids().any(|other| other.split_once('.').is_some_and(|(main, _)| main == id));
        ids().filter(|id| !is_above(id)).collect()
    }

    /// Each tactic with its techniques. A technique stands under every tactic of the rule that it serves in ATT&CK; where it
    /// serves none of them, under the first that it does serve, which is put behind the source's own.
    pub(super) fn by_tactic(&self, attack: &'a Attack) -> Vec<Threat<'a>> {
        let new = |(id, tactic), named| Threat { id, tactic, named, techniques: Vec::new() };
        let mut threats: Vec<Threat<'a>> = self.tactics.iter().map(|it| new(*it, true)).collect();
        for (id, technique) in &self.techniques {
            let serves = |threat: &Threat<'_>| technique.tactics.contains(&threat.tactic.short);
            if !threats.iter().any(serves)
                && let Some(first) = technique.tactics.first().and_then(|short| attack.tactic(short))
            {
                threats.push(new(first, false));
            }
            for threat in threats.iter_mut().filter(|threat| serves(threat)) {
                threat.add(attack, id, technique);
            }
        }
        threats
    }
}

impl<'a> Threat<'a> {
    fn add(&mut self, attack: &'a Attack, id: &'a str, technique: &'a Technique) {
        let main = id.split_once('.').map_or(id, |(main, _)| main);
        let at = self.techniques.iter().position(|it| it.id == main).or_else(|| {
            let (id, technique) = attack.entry(main)?;
            self.techniques.push(ThreatTechnique { id, technique, below: Vec::new() });
            Some(self.techniques.len() - 1)
        });
        if let Some(above) = at.and_then(|at| self.techniques.get_mut(at))
            && main != id
        {
            above.below.push((id, technique));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn techniques_stand_below_their_tactics() {
        let attack = Attack::embedded().unwrap();
        let about = About {
            tactics: texts(&["Execution", "command and control", "PreAttack", "execution"]),
            techniques: texts(&["T1059", " t1059.001", "T1059.003", "T1086", "T1087.002", "T9999", "T1071"]),
            ..About::default()
        };
        let mut fields = Fields::new(&about, Span::new(0, 1));
        let threats = read(&attack, &about, &mut fields);
        let closed = fields.close().unwrap();
        let ids: Vec<&str> = threats.techniques.iter().map(|it| it.0).collect();
        assert_eq!(ids, ["T1059", "T1059.001", "T1059.003", "T1087.002", "T1071"]);
        assert_eq!(threats.most_precise(), ["T1059.001", "T1059.003", "T1087.002", "T1071"]);
        let messages: Vec<&str> = closed.notes.iter().map(|note| note.message.as_str()).collect();
        let wanted = [
            "ATT&CK 18.1 for Enterprise has no tactic `PreAttack`, which is left out",
            "ATT&CK 18.1 for Enterprise has no technique `T9999`, which is left out",
            "ATT&CK 18.1 has withdrawn techniques, which are replaced: `T1086` by `T1059.001`",
        ];
        assert_eq!(messages, wanted);
        let by_tactic: Vec<String> = threats
            .by_tactic(&attack)
            .into_iter()
            .map(|threat| {
                let below =
                    |it: &ThreatTechnique<'_>| it.below.iter().map(|it| format!(" {}", it.0)).collect::<String>();
                let techniques = threat.techniques.iter().map(|it| format!("{}{}", it.id, below(it)));
                format!("{} {}: {}", threat.id, threat.named, techniques.collect::<Vec<_>>().join(", "))
            })
            .collect();
        let wanted = ["TA0002 true: T1059 T1059.001 T1059.003", "TA0011 true: T1071", "TA0007 false: T1087 T1087.002"];
        assert_eq!(by_tactic, wanted);
    }

    #[test]
    fn a_long_list_of_unknown_names_is_one_note() {
        let attack = Attack::embedded().unwrap();
        let techniques = (0..50_000).map(|number| format!("x`{number}\n")).collect();
        let about = About { techniques, ..About::default() };
        let mut fields = Fields::new(&about, Span::new(0, 1));
        assert!(read(&attack, &about, &mut fields).is_empty());
        let notes = fields.close().unwrap().notes;
        assert_eq!(notes.len(), 1);
        assert!(notes[0].message.contains("`x'9`") && notes[0].message.contains("and 49990 more"));
    }
}
