//! The commit that a release is built from, for `hbuild version`.
//!
//! From the repository that this package is the top of, or from what `cargo package` noted; without either nothing is
//! said. Builds for development say nothing: each commit would compile everything anew.

use std::path::Path;
use std::process::Command;

/// What the program is made of.
const SOURCES: [&str; 6] = ["src", "lang", "docs/src/errors", "Cargo.toml", "Cargo.lock", "build.rs"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let root = Path::new(&root);
    let commit = of_repository(root).or_else(|| of_package(root));
    if let Some(commit) = commit {
        println!("cargo:rustc-env=HBUILD_COMMIT={commit}");
    }
}

/// The commit of the repository whose top is `root`, with `+` behind it where the sources differ from it.
fn of_repository(root: &Path) -> Option<String> {
    let top = git(root, &["rev-parse", "--show-toplevel"])?;
    if Path::new(&top).canonicalize().ok()? != root.canonicalize().ok()? {
        return None;
    }
    let there = SOURCES.iter().filter(|source| root.join(source).exists());
    there.for_each(|source| println!("cargo:rerun-if-changed={source}"));
    for name in ["HEAD", "logs/HEAD"] {
        let path = git(root, &["rev-parse", "--git-path", name])?;
        if root.join(&path).exists() {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    let commit = git(root, &["rev-parse", "HEAD"])?;
    let mut status = vec!["status", "--porcelain", "--untracked-files=no", "--"];
    status.extend(SOURCES);
    let changed = !git(root, &status)?.is_empty();
    Some(if changed { commit + "+" } else { commit })
}

/// The commit that `cargo package` put into the archive of this package.
fn of_package(root: &Path) -> Option<String> {
    let text = std::fs::read_to_string(root.join(".cargo_vcs_info.json")).ok()?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    let commit = rest.split('"').nth(1)?;
    (commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| commit.to_owned())
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.current_dir(root).args(arguments);
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(variable);
    }
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
