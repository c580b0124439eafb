//! Where a word is defined, and everywhere else that it stands.

use std::ops::Range;

use super::Analysis;
use super::analysis::ENTRY;
use super::symbol::{Occurrence, Symbol, occurrence_at, occurrences};
use crate::modules::{Binding, FileId};
use crate::syntax::Span;
use crate::syntax::ast::Item;

/// A place in a file of the recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The name of the file: its path, or `std/base`.
    pub file: String,
    /// The word, or nothing at the beginning of a file.
    pub range: Range<usize>,
    /// What the word defines as a whole.
    pub whole: Range<usize>,
}

/// Something that a recipe or one of its modules defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The file that has it.
    pub file: String,
    /// Its name.
    pub name: String,
    /// The word that was asked about.
    pub range: Range<usize>,
    /// Whether it can be seen outside of its file.
    pub shared: bool,
    /// Whether its file belongs to the standard library.
    pub standard: bool,
    symbol: Symbol,
}

/// Where the word at the byte `offset` of the entry is defined.
pub fn definition(analysis: &Analysis, offset: usize) -> Vec<Location> {
    let Ok(offset) = u32::try_from(offset) else { return Vec::new() };
    if let Some(file) = import_at(analysis, offset) {
        return vec![beginning(analysis, file)];
    }
    let Some(found) = occurrence_at(&analysis.program, ENTRY, offset) else { return Vec::new() };
    match &found.symbol {
        Symbol::Global(file, name) => {
            let loaded = analysis.file(*file);
            if let Some(Binding::Import(item)) = loaded.names.get(name) {
                return loaded.imports.get(item).map(|file| beginning(analysis, *file)).into_iter().collect();
            }
            defining(analysis, *file, &found.symbol)
        }
        Symbol::Parameter(file, _) | Symbol::Variable(file, _) => defining(analysis, *file, &found.symbol),
        Symbol::Column(file, ..) | Symbol::Output(file, ..) => defining(analysis, *file, &found.symbol),
        _ => Vec::new(),
    }
}

fn defining(analysis: &Analysis, file: FileId, symbol: &Symbol) -> Vec<Location> {
    let all = occurrences(&analysis.program, file);
    let defining = all.iter().filter(|one| one.defines && one.symbol == *symbol);
    defining.map(|one| location(analysis, file, one.span)).collect()
}

fn location(analysis: &Analysis, file: FileId, span: Span) -> Location {
    let loaded = analysis.file(file);
    let around = |item: &&Item| item.span().start <= span.start && span.end <= item.span().end;
    let named = |item: &&Item| item.name().is_some_and(|name| name.span == span);
    let whole = loaded.tree.items.iter().find(around).filter(named).map_or(span, Item::span);
    Location { file: loaded.name.to_string(), range: span.range(), whole: whole.range() }
}

fn beginning(analysis: &Analysis, file: FileId) -> Location {
    Location { file: analysis.file(file).name.to_string(), range: 0..0, whole: 0..0 }
}

/// The file whose path is written at the byte `offset`.
fn import_at(analysis: &Analysis, offset: u32) -> Option<FileId> {
    let file = analysis.file(ENTRY);
    file.tree.items.iter().enumerate().find_map(|(index, item)| match item {
        Item::Import(import) if import.path_span.start <= offset && offset <= import.path_span.end => {
            file.imports.get(&index).copied()
        }
        _ => None,
    })
}

/// The word at the byte `offset` of the entry, where a file of the recipe defines what it stands for.
pub fn defined_at(analysis: &Analysis, offset: usize) -> Option<Definition> {
    let found = occurrence_at(&analysis.program, ENTRY, u32::try_from(offset).ok()?)?;
    let (file, shared) = match &found.symbol {
        Symbol::Global(file, name) => {
            let axis = matches!(analysis.file(*file).names.get(name)?, Binding::Axis(_) | Binding::Import(_));
            (*file, !axis)
        }
        Symbol::Parameter(file, _) | Symbol::Column(file, ..) | Symbol::Output(file, ..) => (*file, true),
        Symbol::Variable(file, _) => (*file, false),
        _ => return None,
    };
    let loaded = analysis.file(file);
    let name = analysis.text().get(found.span.range())?.to_owned();
    Some(Definition {
        file: loaded.name.to_string(),
        name,
        range: found.span.range(),
        shared,
        standard: loaded.standard,
        symbol: found.symbol,
    })
}

/// Every place of the recipe where the word at the byte `offset` of the entry stands for the same; with
/// `definitions`, those where it is defined, too.
pub fn references(analysis: &Analysis, offset: usize, definitions: bool) -> Vec<Location> {
    let found = u32::try_from(offset).ok().and_then(|at| occurrence_at(&analysis.program, ENTRY, at));
    let Some(found) = found else { return Vec::new() };
    everywhere(analysis, &found.symbol, definitions)
}

/// The same as [`references`], for a definition that another recipe names: a file of this recipe may be called
/// `file` here.
pub fn references_to(
    analysis: &Analysis,
    definition: &Definition,
    file: &str,
    definitions: bool,
) -> Vec<Location> {
    let Some(id) = analysis.program.ids().find(|id| *analysis.file(*id).name == *file) else {
        return Vec::new();
    };
    let symbol = match definition.symbol.clone() {
        Symbol::Global(_, name) => Symbol::Global(id, name),
        Symbol::Parameter(_, span) => Symbol::Parameter(id, span),
        Symbol::Variable(_, span) => Symbol::Variable(id, span),
        Symbol::Column(_, item, name) => Symbol::Column(id, item, name),
        Symbol::Output(_, item, name) => Symbol::Output(id, item, name),
        other => other,
    };
    everywhere(analysis, &symbol, definitions)
}

fn everywhere(analysis: &Analysis, symbol: &Symbol, definitions: bool) -> Vec<Location> {
    let mut found = Vec::new();
    for file in analysis.program.ids().filter(|id| !analysis.file(*id).name.starts_with("std/edition/")) {
        let all = occurrences(&analysis.program, file);
        let same = all.iter().filter(|one| one.symbol == *symbol && (definitions || !one.defines));
        found.extend(same.map(|one| location(analysis, file, one.span)));
    }
    found
}

/// The places of the entry where the word at the byte `offset` stands for the same, and whether it is defined
/// there.
pub fn highlights(analysis: &Analysis, offset: usize) -> Vec<(Range<usize>, bool)> {
    let all = occurrences(&analysis.program, ENTRY);
    let found = u32::try_from(offset).ok().and_then(|at| occurrence_at(&analysis.program, ENTRY, at));
    let Some(Occurrence { symbol, .. }) = found else { return Vec::new() };
    all.iter().filter(|one| one.symbol == symbol).map(|one| (one.span.range(), one.defines)).collect()
}
