//! The checks of emitted files see what they are there for.

#![allow(clippy::panic)] // Helpers of tests may fail the test.

use huntgate_sigma_eval::faults;

const GOOD: &str = "\
title: Count
id: 00000000-0000-4000-8000-000000000001
status: experimental
correlation:
    type: event_count
    rules:
        - base
    group-by:
        - Host
    timespan: 1d
    condition:
        gt: 5
level: medium
---
title: Base
id: 00000000-0000-4000-8000-000000000002
name: base
status: experimental
logsource:
    category: test
detection:
    selection:
        Image|cased: 'a'
        CommandLine:
            - 'b'
            - 'c'
    filter_one:
        - User: null
        - User: ''
    condition: selection and not 1 of filter_*
level: medium
";

fn found(from: &str, to: &str, fault: &str) {
    assert!(GOOD.contains(from), "{from}");
    let faults = faults(&GOOD.replace(from, to));
    assert!(faults.iter().any(|it| it.contains(fault)), "{from} → {to}: {faults:?}");
}

#[test]
fn a_good_file_has_no_fault() {
    assert_eq!(faults(GOOD), Vec::<String>::new());
}

#[test]
fn faults_are_found() {
    found("selection and", "(selection and", "can not be read");
    found("title: Base\n", "title: [\n", "can not be read");
    found("Image|cased: 'a'", "Image|cidr: 'a'", "do not compile");
    found("selection and not 1 of filter_*", "selection", "`filter_one` is not used");
    found("selection and not 1 of filter_*", "selection and not 1 of main_*", "`filter_one` is not used");
    found("    filter_one:\n", "    filter one:\n", "`filter one` holds more");
    found("name: base", "name: other", "is the name of no document");
    found("name: base", "name: Base", "holds more than lower-case letters");
    found("        - base\n", "        - 00000000-0000-4000-8000-000000000002\n", "is not called by the name");
    found("000000000002", "000000000001", "is there twice");
    found("-8000-000000000002\nname", "-8000-2\nname", "is no UUID");
    found("title: Base", "title: Count", "title `Count` is there twice");
    found("CommandLine:\n", "Image:\n", "must equal two different values");
    found("    type: event_count\n", "    type: event_counts\n", "can not be read");
}
