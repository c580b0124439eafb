//! The labels of an axis, as far as the text alone tells them.

use crate::modules::{Binding, FileId, Program};
use crate::syntax::ast::{self, ExprKind};

/// The labels of the axis called `axis`, in the order written.
pub fn labels_of(program: &Program, file: FileId, axis: &str) -> Vec<String> {
    let loaded = program.file(file);
    let Some(Binding::Axis(at)) = loaded.names.get(axis) else { return Vec::new() };
    let values = loaded.axes().get(*at).and_then(|binding| binding.values.as_ref());
    let mut found = Vec::new();
    if let Some(values) = values {
        collect(program, file, values, &mut found, 0);
    }
    found.dedup();
    found
}

fn collect(program: &Program, file: FileId, values: &ast::Expr, found: &mut Vec<String>, depth: u32) {
    const DEPTH: u32 = 8;
    if depth == DEPTH {
        return;
    }
    let loaded = program.file(file);
    match &values.kind {
        ExprKind::Record(entries) => {
            found.extend(entries.iter().filter_map(|entry| entry.key.text()).map(str::to_owned));
        }
        ExprKind::List(elements) => found.extend(elements.iter().filter_map(label)),
        ExprKind::Name(name) => {
            if let Some(Binding::Let(item)) = loaded.names.get(name)
                && let Some(binding) = loaded.binding(*item)
            {
                collect(program, file, &binding.value, found, depth + 1);
            }
        }
        ExprKind::Member(member) => column(program, file, member, found, depth),
        _ => {}
    }
}

/// The values of a column that holds lists: `release.distros`.
fn column(program: &Program, file: FileId, member: &ast::Member, found: &mut Vec<String>, depth: u32) {
    let loaded = program.file(file);
    let ExprKind::Name(base) = &member.base.kind else { return };
    let Some(Binding::Axis(at)) = loaded.names.get(base) else { return };
    let Some(table) = loaded.axes().get(*at).and_then(|binding| binding.values.as_ref()) else { return };
    let ExprKind::Name(table) = &table.kind else { return };
    let Some(Binding::Let(item)) = loaded.names.get(table) else { return };
    let Some(ExprKind::Record(rows)) = loaded.binding(*item).map(|binding| &binding.value.kind) else {
        return;
    };
    for row in rows {
        let ExprKind::Record(columns) = &row.value.kind else { continue };
        let named = columns.iter().find(|column| column.key.text() == Some(&member.name.text));
        if let Some(column) = named {
            let before = found.len();
            collect(program, file, &column.value, found, depth + 1);
            let fresh: Vec<String> = found.split_off(before);
            for label in fresh {
                if !found.contains(&label) {
                    found.push(label);
                }
            }
        }
    }
}

/// The label of a value: `debian13`, `dev`, the text itself.
fn label(value: &ast::Expr) -> Option<String> {
    match &value.kind {
        ExprKind::Name(name) => Some(name.clone()),
        ExprKind::String(literal) => literal.plain().map(str::to_owned),
        ExprKind::Int(number) => Some(number.to_string()),
        ExprKind::Call(call) => {
            let ExprKind::Name(name) = &call.callee.kind else { return None };
            let ExprKind::String(text) = &call.arguments.first()?.value.kind else { return None };
            let text = text.plain()?;
            Some(if name == "version" { text.to_owned() } else { format!("{name}{text}") })
        }
        _ => None,
    }
}
