//! Deprecation: uses of names whose doc comment has a line `deprecated: …`, and of fields that have a successor.
//!
//! What follows is the name to use instead, `toolchain` or `c.toolchain`, or a sentence that says what to do.

use super::definitions::Node;
use super::mentions::{self, Mention};
use super::schema::Field;
use crate::modules::{Binding, FileId, LoadedFile, Program, Reports, Site};
use crate::syntax::ast;

/// Warns of every use of a deprecated name in the author's own files, but for those inside what is deprecated itself.
pub fn names(program: &Program, reports: &mut Reports) {
    let mut items = program.files.iter().flat_map(|file| &file.tree.items);
    if !items.any(|item| deprecated(item).is_some()) {
        return;
    }
    for file in program.ids().filter(|file| !program.file(*file).standard) {
        let loaded = program.file(file);
        for (index, item) in loaded.tree.items.iter().enumerate() {
            if deprecated(item).is_some() {
                continue;
            }
            for mention in mentions_of(item) {
                let Some((node, name)) = target(program, file, &mention) else { continue };
                let successor = program.file(node.0).tree.items.get(node.1).and_then(deprecated);
                if let Some(successor) = successor.filter(|_| node != (file, index)) {
                    report(program, file, (node, name), successor, &mention, reports);
                }
            }
        }
    }
}

/// Warns of a field that has a successor.
pub fn field(field: &Field, site: Site, reports: &mut Reports) {
    let Some(successor) = field.replaced_by else { return };
    reports
        .warning("hbuild::lang::deprecated", site, format!("the field `{}` is deprecated", field.name))
        .help(format!("write `{successor}`"))
        .suggest(format!("write `{successor}`"), site, successor);
}

/// What a deprecated item says about what to do instead; empty where it says nothing.
pub fn deprecated(item: &ast::Item) -> Option<&str> {
    let doc = match item {
        ast::Item::Let(item) => &item.doc,
        ast::Item::Function(item) => &item.doc,
        ast::Item::Declaration(item) => &item.doc,
        ast::Item::Import(_) | ast::Item::ForAxes(_) => &None,
    };
    doc.as_deref()?.lines().find_map(|line| line.trim().strip_prefix("deprecated:")).map(str::trim)
}

fn mentions_of(item: &ast::Item) -> Vec<Mention<'_>> {
    match item {
        ast::Item::Import(_) => Vec::new(),
        ast::Item::ForAxes(item) => mentions::of_bindings(&item.bindings),
        ast::Item::Let(item) => mentions::of_expr(&item.value),
        ast::Item::Function(item) => mentions::of_function(item),
        ast::Item::Declaration(item) => {
            let over = mentions::of_bindings(LoadedFile::over(item));
            [over, mentions::of_block(&item.block)].concat()
        }
    }
}

/// The item that is mentioned, with its own name.
fn target<'a>(program: &Program, file: FileId, mention: &Mention<'a>) -> Option<(Node, &'a str)> {
    let loaded = program.file(file);
    let (file, name) = match (loaded.names.get(mention.name)?, mention.member) {
        (Binding::Import(import), member) => (*loaded.imports.get(import)?, member?),
        _ => (file, mention.name),
    };
    match program.file(file).names.get(name)? {
        Binding::Let(item) | Binding::Function(item) | Binding::Declaration(item) => {
            Some(((file, *item), name))
        }
        Binding::Import(_) | Binding::Axis(_) => None,
    }
}

fn report(
    program: &Program,
    file: FileId,
    (node, name): (Node, &str),
    successor: &str,
    mention: &Mention<'_>,
    reports: &mut Reports,
) {
    let foreign = node.0 != file;
    let shown = if foreign { format!("{}.{name}", mention.name) } else { name.to_owned() };
    // A member of a value, `accounts.root`: what is replaced is the name before the dot.
    let length = u32::try_from(shown.len()).unwrap_or(u32::MAX);
    let mut span = mention.span;
    span.end = span.end.min(span.start.saturating_add(length));
    let site = file.site(span);
    let report = reports.warning("hbuild::lang::deprecated", site, format!("`{shown}` is deprecated"));
    if let Some(named) = program.file(node.0).tree.items.get(node.1).and_then(ast::Item::name) {
        report.related(node.0.site(named.span), "its description says so");
    }
    if successor.is_empty() {
        report.help("it goes away in a later edition");
    } else if !is_name(successor) {
        report.help(successor);
    } else {
        match here(program, file, foreign.then_some(mention.name), node.0, successor) {
            Some(text) => {
                report.help(format!("write `{text}`")).suggest(format!("write `{text}`"), site, text)
            }
            None => report.help(format!("`{successor}` takes its place")),
        };
    }
}

/// The successor as the file that uses it would write it; `None` where it does not import what has it.
fn here(
    program: &Program,
    file: FileId,
    module: Option<&str>,
    home: FileId,
    successor: &str,
) -> Option<String> {
    let Some((prefix, name)) = successor.split_once('.') else {
        return Some(module.map_or(successor.to_owned(), |module| format!("{module}.{successor}")));
    };
    let own = program.file(home).name.trim_end_matches(".hb");
    if own.rsplit('/').next() == Some(prefix) {
        return Some(module.map_or(name.to_owned(), |module| format!("{module}.{name}")));
    }
    let imported = matches!(program.file(file).names.get(prefix), Some(Binding::Import(_)));
    imported.then(|| successor.to_owned())
}

/// `name` or `module.name`.
fn is_name(text: &str) -> bool {
    let mut parts = text.splitn(3, '.');
    let word = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_lowercase())
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    parts.next().is_some_and(word) && parts.next().is_none_or(word) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::super::form::Form;
    use super::super::schema::Shape;
    use super::*;

    #[test]
    fn a_field_with_a_successor_is_replaced() {
        let old = Field {
            name: "work-folder",
            shape: Shape::Text(Form::Path),
            doc: "",
            replaced_by: Some("work-dir"),
        };
        let mut reports = Reports::default();
        field(&old, Site::default(), &mut reports);
        field(&Field { replaced_by: None, ..old }, Site::default(), &mut reports);
        let found = reports.into_sorted();
        assert_eq!(found.len(), 1);
        assert!(!found[0].error && found[0].help.as_deref() == Some("write `work-dir`"));
        assert_eq!(found[0].suggestions[0].1, [(Site::default(), "work-dir".to_owned())]);
    }

    #[test]
    fn names_and_sentences() {
        assert!(is_name("toolchain") && is_name("c.tool-chain"));
        assert!(!is_name("a.b.c") && !is_name("use c.toolchain") && !is_name("Toolchain") && !is_name(""));
    }
}
