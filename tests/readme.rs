//! The README shows real output: every console block in it is run and compared.
//!
//! `UPDATE_README=1 cargo test --test readme` writes the present output into it.

use std::path::Path;

use assert_cmd::Command;

const OPEN: &str = "```console\n$ huntgate ";

#[test]
fn the_readme_shows_what_huntgate_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("README.md");
    let written = std::fs::read_to_string(&path).unwrap();
    let mut actual = String::new();
    let mut rest = written.as_str();
    let mut blocks = 0;
    while let Some((before, block)) = rest.split_once(OPEN) {
        // What is shown may hold backticks of its own; the block ends with a line of nothing else.
        let (_, after) = block.split_once("\n```\n").unwrap();
        let (command, _) = block.split_once('\n').unwrap();
        let output = Command::cargo_bin("huntgate")
            .unwrap()
            .current_dir(root)
            .env("NO_COLOR", "1")
            .args(command.split_whitespace())
            .output()
            .unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        actual.push_str(&format!("{before}{OPEN}{command}\n{}\n```\n", shown.trim_end()));
        rest = after;
        blocks += 1;
    }
    actual.push_str(rest);
    assert!(blocks > 0, "the README shows no command");
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, actual).unwrap();
    } else if actual != written {
        let line = actual.lines().zip(written.lines()).position(|(one, two)| one != two).unwrap_or_default();
        panic!("README.md line {} is not what huntgate prints: {:?}", line + 1, actual.lines().nth(line));
    }
}
