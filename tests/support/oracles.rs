//! Validators and scanners that others wrote, as `tests/tools/install.sh` installs them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder for the documents of one test.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Whether `tool` is on PATH; says so where it is not.
pub fn has(tool: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|all| std::env::split_paths(&all).any(|folder| folder.join(tool).is_file()));
    if !found {
        super::skip(&format!("no `{tool}` on PATH: run tests/tools/install.sh"));
    }
    found
}

/// What `command` prints, which must succeed.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Holds `documents` against a schema of `../shared`, which a fresh clone does not have.
pub fn check_schema(schema: &str, documents: &[impl AsRef<Path>]) {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/schemas");
    let schema = schemas.join(schema);
    if !schema.is_file() {
        eprintln!("SKIP: no ../shared/schemas beside the project");
        return;
    }
    if has("check-jsonschema") {
        let base = format!("file://{}", schema.canonicalize().unwrap().display());
        run(Command::new("check-jsonschema")
            .args(["--schemafile".as_ref(), schema.as_os_str()])
            .args(["--base-uri", &base])
            .args(documents.iter().map(AsRef::as_ref)));
    }
}

/// A new file of `folder`.
pub fn write(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}
