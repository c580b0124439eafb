//! What `docs/editors` has for editors: the extension for VS Code with its grammar, and settings for others.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

fn editors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/editors")
}

#[test]
fn the_extension_is_packaged_and_its_grammar_knows_every_token() {
    let output = Command::new("bash").arg(editors().join("vscode/test.sh")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(77) {
        return support::skip(&format!("the extension: {}", said.trim()));
    }
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("pass 5") && said.contains("fail 0"), "{said}");
}

#[test]
fn locked_packages_name_no_host() {
    let lock = std::fs::read_to_string(editors().join("vscode/package-lock.json")).unwrap();
    assert!(
        lock.contains("\"integrity\"") && !lock.contains("\"resolved\""),
        "npm install writes none: see .npmrc"
    );
}

#[test]
fn settings_for_helix_are_toml() {
    let text = std::fs::read_to_string(editors().join("helix.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    assert_eq!(table["language-server"]["hbuild"]["args"][0].as_str(), Some("lsp"));
    assert_eq!(table["language"][0]["file-types"][0].as_str(), Some("hb"));
}
