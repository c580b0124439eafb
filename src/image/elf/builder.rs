//! Performs ELF derivations.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Mutex;

use hbuild_lang::recipe::{Arch, Family};
use rayon::prelude::*;

use super::closure::Objects;
use super::runtime::not_proven;
use super::search::Rules;
use super::{ElfFacts, ElfReport, parse};
use crate::digest::Digest;
use crate::exec::{BuildContext, BuildError, BuildOutputs, Builder};
use crate::graph::{Action, Derivation, Evidence, outputs};
use crate::image::config::to_canonical;
use crate::tree::{ContentError, Contents, Entry, EntryKind, Tree, TreePath};

/// The shortest ELF header.
const LEAST_BYTES: u64 = 52;
/// A larger file is not read: no loader maps so much either.
const MOST_BYTES: u64 = 2 << 30;
/// Files above this length are read one at a time, so that memory stays bounded.
const LARGE_BYTES: u64 = 16 << 20;
const MOST_TEXT: u64 = 4 << 20;

/// Makes the `document` of an ELF derivation: an [`ElfReport`] about the `tree` of its first input.
#[derive(Debug, Clone, Copy, Default)]
pub struct ElfBuilder;

impl Builder for ElfBuilder {
    fn build(&self, derivation: &Derivation, context: &dyn BuildContext) -> Result<BuildOutputs, BuildError> {
        let Action::Evidence(evidence) = &derivation.action else {
            unreachable!("the scheduler hands ELF derivations to this builder");
        };
        let Evidence::Elf { arch, family } = **evidence else {
            unreachable!("the scheduler hands ELF derivations to this builder");
        };
        let tree = context.tree(0, outputs::TREE)?;
        let cancelled = || context.cancelled();
        let report = elf_report(&tree, context.contents(), arch, family, &cancelled)?;
        let report = report.ok_or(BuildError::Cancelled)?;
        Ok(BTreeMap::from([(outputs::DOCUMENT.to_owned(), context.put(&to_canonical(&report))?)]))
    }
}

/// The report about `tree`; `None` when `cancelled` said so.
pub fn elf_report(
    tree: &Tree,
    contents: &dyn Contents,
    arch: Arch,
    family: Family,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Option<ElfReport>, ContentError> {
    let Some(facts) = read_all(tree, contents, cancelled)? else { return Ok(None) };
    let read = |path: &str| small_file(tree, contents, path);
    let cache = read("etc/ld.so.cache")?.unwrap_or_default();
    let rules = Rules { family, arch, cache: &cache, musl_path: None };
    let musl_path = read(&format!("etc/ld-musl-{}.path", rules.machine()))?;
    let musl_path = musl_path.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let objects = Objects { tree, facts, rules: Rules { musl_path, ..rules } };
    let (files, problems) = objects.resolve();
    // musl reads no nsswitch.conf, though Alpine has one.
    let nsswitch = match family {
        Family::Debian => read("etc/nsswitch.conf")?.unwrap_or_default(),
        Family::Alpine => Vec::new(),
    };
    let nsswitch = String::from_utf8_lossy(&nsswitch).into_owned();
    let calls = |path: &TreePath| objects.facts.get(path).is_some_and(|facts| facts.names_dlopen);
    let not_proven = not_proven(tree, &files, &calls, &nsswitch);
    Ok(Some(ElfReport { schema: 1, arch, family, files, problems, not_proven }))
}

fn small_file(tree: &Tree, contents: &dyn Contents, path: &str) -> Result<Option<Vec<u8>>, ContentError> {
    let entry = crate::image::follow::follow(tree, path.as_bytes());
    match entry.map(|entry| &entry.kind) {
        Some(EntryKind::File { digest, size, .. }) if *size <= MOST_TEXT => contents.read(digest).map(Some),
        _ => Ok(None),
    }
}

/// The facts of every program and shared object; each content is read once. Separate debug information, which
/// no loader opens, is left out.
fn read_all(
    tree: &Tree,
    contents: &dyn Contents,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Option<BTreeMap<TreePath, ElfFacts>>, ContentError> {
    let mut by_digest: BTreeMap<Digest, (u64, Vec<&Entry>)> = BTreeMap::new();
    for entry in tree.entries() {
        if let EntryKind::File { digest, size, .. } = &entry.kind
            && (LEAST_BYTES..=MOST_BYTES).contains(size)
            && !entry.path.as_bytes().starts_with(b"usr/lib/debug/")
        {
            by_digest.entry(*digest).or_insert((*size, Vec::new())).1.push(entry);
        }
    }
    let large = Mutex::new(());
    let parsed: Result<Vec<_>, ContentError> = by_digest
        .par_iter()
        .map(|(digest, (size, entries))| {
            if cancelled() {
                return Ok(Vec::new());
            }
            let facts = read_one(contents, digest, *size, &large)?;
            Ok(facts.map_or_else(Vec::new, |facts| {
                entries.iter().map(|entry| (entry.path.clone(), facts.clone())).collect()
            }))
        })
        .collect();
    let facts = parsed?.into_iter().flatten().collect();
    Ok(if cancelled() { None } else { Some(facts) })
}

fn read_one(
    contents: &dyn Contents,
    digest: &Digest,
    size: u64,
    large: &Mutex<()>,
) -> Result<Option<ElfFacts>, ContentError> {
    let mut reader = contents.open(digest)?;
    let mut magic = [0; 4];
    reader.read_exact(&mut magic)?;
    if magic != *b"\x7fELF" {
        return Ok(None);
    }
    let _alone = if size > LARGE_BYTES { Some(large.lock()) } else { None };
    let mut bytes = Vec::with_capacity(size as usize);
    bytes.extend_from_slice(&magic);
    reader.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(parse(&bytes))
}
