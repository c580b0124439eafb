//! Changes that mend what a diagnostic is about.

use super::Analysis;
use super::analysis::ENTRY;
use super::walk::{Node, path_to};
use crate::diagnostic::{Diagnostic, Edit, Suggestion};
use crate::syntax::ast::Statement;

/// Changes of the entry, or of other files, for one diagnostic of it: what it suggests itself, or taking an axis away
/// that makes no difference. The first is the best.
pub fn mends(analysis: &Analysis, diagnostic: &Diagnostic) -> Vec<Suggestion> {
    let mut found = diagnostic.suggestions.clone();
    if found.is_empty() && diagnostic.code == "hbuild::lang::unused_axis" {
        found.extend(without_axis(analysis, diagnostic));
    }
    found
}

/// The item without the axis that the diagnostic is about; it still varies over another one.
fn without_axis(analysis: &Analysis, diagnostic: &Diagnostic) -> Option<Suggestion> {
    let file = analysis.file(ENTRY);
    let label = diagnostic.primary()?;
    if label.file.as_deref().is_some_and(|name| name != &*file.name) {
        return None;
    }
    let path = path_to(&file.tree, u32::try_from(label.range.start).ok()?);
    let over = path.iter().find_map(|node| match node {
        Node::Statement(Statement::For(over)) => Some(over),
        _ => None,
    })?;
    let at = over.bindings.iter().position(|binding| binding.name.span.range() == label.range)?;
    let range = match (over.bindings.get(at + 1), at.checked_sub(1)) {
        (Some(next), _) => over.bindings[at].span.start..next.span.start,
        (None, Some(before)) => over.bindings[before].span.end..over.bindings[at].span.end,
        (None, None) => return None,
    };
    let range = range.start as usize..range.end as usize;
    let edit = Edit { file: Some(file.name.to_string()), range, text: String::new() };
    let title = format!("remove the axis `{}`", over.bindings[at].name.text);
    Some(Suggestion { title, edits: vec![edit] })
}
