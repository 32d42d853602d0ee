//! Any text → tree → plan → every target: no crash, no hang, a query or a refusal, and a verdict that is that of the notes.
#![no_main]

use std::sync::LazyLock;

use huntgate::{About, Effect, Gate, Options, Style, Target};
use libfuzzer_sys::fuzz_target;

static GATE: LazyLock<Gate> = LazyLock::new(|| Gate::new().expect("the embedded data is sound"));

fuzz_target!(|text: &str| {
    for part in GATE.split(text) {
        let text = part.slice(text);
        let resolved = GATE.resolve(text);
        for target in Target::ALL {
            for schema in [None, Some("source".to_owned())] {
                let options = Options { target, schema, style: Style::Exact, version: None, rule: false };
                let translation = GATE.translate(text, &About::default(), &resolved, &options);
                assert_eq!(translation.query.is_none(), translation.verdict == Effect::Refused);
                let worst = translation.notes.iter().filter_map(|note| note.effect).fold(Effect::Exact, Effect::and);
                if resolved.plan.is_some() {
                    assert_eq!(worst, translation.verdict);
                }
                for note in &translation.notes {
                    assert!(note.span.end as usize <= text.len());
                    assert!(note.code.text() < "HG900", "a fault of huntgate: {}", note.message);
                }
            }
        }
    }
});
