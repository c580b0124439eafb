//! Writing `hbuild.lock`.
//!
//! By hand, so that the same lock is the same bytes with every version of every crate. Blocks are sorted and
//! lists have one item a line: two branches that lock different things merge without a conflict.

use std::fmt::Write;

use hbuild_lang::recipe::Point;

use super::{
    Lock, LockedBlob, LockedGit, LockedOci, LockedPackage, LockedRoot, LockedVariant, Request, Snapshot,
};
use crate::digest::Sha256;
use crate::distro::alpine::checksum::Checksum;

const HEADER: &str = "# Written by `hbuild lock`. Commit this file; change it with `hbuild lock` alone.\n";

impl Lock {
    /// The text of the lock file: TOML, equal for equal locks.
    pub fn serialize(&self) -> String {
        let mut text = format!("{HEADER}version = {}\n", self.version);
        self.snapshots.iter().for_each(|snapshot| push_snapshot(&mut text, snapshot));
        self.packages.iter().for_each(|package| push_package(&mut text, package));
        self.variants.iter().for_each(|variant| push_variant(&mut text, variant));
        self.roots.iter().for_each(|root| push_root(&mut text, root));
        self.git.iter().for_each(|git| push_git(&mut text, git));
        self.oci.iter().for_each(|oci| push_oci(&mut text, oci));
        text
    }
}

fn push_snapshot(text: &mut String, snapshot: &Snapshot) {
    text.push_str("\n[[snapshot]]\n");
    push(text, "id", &snapshot.id);
    push(text, "repository", &snapshot.repository);
    push_option(text, "url", snapshot.url.as_ref());
    push(text, "suite", &snapshot.suite);
    push_option(text, "codename", snapshot.codename.as_ref());
    push(text, "date", &snapshot.date);
    push_option(text, "valid-until", snapshot.valid_until.as_ref());
    push_option(text, "in-release", snapshot.in_release.as_ref().map(Sha256::to_string).as_ref());
    snapshot.in_release_size.iter().for_each(|size| push_number(text, "in-release-size", *size));
    push_list(text, "signed-by", &snapshot.signed_by);
    text.push_str("indexes = [\n");
    for index in &snapshot.indexes {
        let fields = [
            ("component", index.component.as_str()),
            ("arch", &index.arch),
            ("path", &index.path),
            ("sha256", &index.sha256.to_string()),
        ]
        .map(|(name, value)| format!("{name} = {}", quoted(value)));
        let _ = writeln!(text, "  {{ {}, size = {} }},", fields.join(", "), index.size);
    }
    text.push_str("]\n");
}

fn push_package(text: &mut String, package: &LockedPackage) {
    text.push_str("\n[[package]]\n");
    push(text, "name", &package.name);
    push(text, "version", &package.version);
    push(text, "arch", &package.arch);
    push_option(text, "sha256", package.sha256.as_ref().map(Sha256::to_string).as_ref());
    push_option(text, "checksum", package.checksum.as_ref().map(Checksum::to_string).as_ref());
    push_number(text, "size", package.size);
    push(text, "file", &package.file);
    push(text, "source", &package.source);
    push_option(text, "source-version", package.source_version.as_ref());
    push(text, "snapshot", &package.snapshot);
}

fn push_variant(text: &mut String, variant: &LockedVariant) {
    text.push_str("\n[[variant]]\n");
    push(text, "image", &variant.image);
    push(text, "recipe", &variant.recipe);
    let _ = writeln!(text, "point = {}", inline_point(&variant.point));
    push_list(text, "packages", &variant.packages);
    if !variant.cut.is_empty() {
        push_list(text, "cut", &variant.cut);
    }
    text.push_str("[variant.request]\n");
    push_request(text, &variant.request);
}

fn push_root(text: &mut String, root: &LockedRoot) {
    text.push_str("\n[[root]]\n");
    push_list(text, "recipes", &root.recipes);
    push_list(text, "packages", &root.packages);
    if !root.cut.is_empty() {
        push_list(text, "cut", &root.cut);
    }
    text.push_str("[root.request]\n");
    push_request(text, &root.request);
}

fn push_git(text: &mut String, git: &LockedGit) {
    text.push_str("\n[[git]]\n");
    push(text, "url", &git.url);
    push(text, "commit", &git.commit);
    if git.submodules {
        text.push_str("submodules = true\n");
    }
    push_list(text, "recipes", &git.recipes);
    push(text, "sha256", &git.sha256.to_string());
}

fn push_oci(text: &mut String, oci: &LockedOci) {
    text.push_str("\n[[oci]]\n");
    push(text, "name", &oci.name);
    push(text, "digest", &oci.digest.to_string());
    push_list(text, "recipes", &oci.recipes);
    let blob = |blob: &LockedBlob| {
        format!("{{ sha256 = {}, size = {} }}", quoted(&blob.sha256.to_string()), blob.size)
    };
    for platform in &oci.platforms {
        text.push_str("[[oci.platform]]\n");
        push(text, "arch", &platform.arch);
        let _ = writeln!(text, "manifest = {}", blob(&platform.manifest));
        text.push_str("layers = [\n");
        platform.layers.iter().for_each(|layer| {
            let _ = writeln!(text, "  {},", blob(layer));
        });
        text.push_str("]\n");
    }
}

fn push_request(text: &mut String, request: &Request) {
    push(text, "distro", &request.distro);
    push(text, "arch", &request.arch);
    push_list(text, "repositories", &request.repositories);
    push_list(text, "packages", &request.packages);
    if !request.exclude.is_empty() {
        push_list(text, "exclude", &request.exclude);
    }
    push(text, "resolve", &request.resolve);
}

fn inline_point(point: &Point) -> String {
    if point.is_empty() {
        return "{}".to_owned();
    }
    let fields: Vec<String> =
        point.iter().map(|(axis, label)| format!("{} = {}", key(axis), quoted(label))).collect();
    format!("{{ {} }}", fields.join(", "))
}

fn push(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "{name} = {}", quoted(value));
}

fn push_option(text: &mut String, name: &str, value: Option<&String>) {
    if let Some(value) = value {
        push(text, name, value);
    }
}

fn push_number(text: &mut String, name: &str, value: u64) {
    let _ = writeln!(text, "{name} = {value}");
}

fn push_list(text: &mut String, name: &str, values: &[String]) {
    let _ = writeln!(text, "{name} = [");
    for value in values {
        let _ = writeln!(text, "  {},", quoted(value));
    }
    text.push_str("]\n");
}

fn key(name: &str) -> String {
    let bare =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if bare { name.to_owned() } else { quoted(name) }
}

/// A TOML basic string.
fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            control if control.is_control() => {
                let _ = write!(text, "\\u{:04X}", u32::from(control));
            }
            other => text.push(other),
        }
    }
    text.push('"');
    text
}
