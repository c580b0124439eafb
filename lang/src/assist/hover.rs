//! What is said about the word under the pointer.

use std::ops::Range;

use super::Analysis;
use super::analysis::ENTRY;
use super::docs;
use super::render::{fenced, function_text, type_text};
use super::scope::scope_at;
use super::symbol::{Occurrence, Symbol, Table, method, occurrence_at};
use super::walk::{Node, path_to};
use crate::check::Type;
use crate::check::schema::{Field, Shape};
use crate::eval;
use crate::modules::{Binding, FileId, builtin};
use crate::syntax::ast::{self, ExprKind, Item};

/// What is said about a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hover {
    /// What it is about.
    pub range: Range<usize>,
    /// Markdown.
    pub markdown: String,
}

/// What is said about the byte `offset` of the entry.
pub fn hover(analysis: &Analysis, offset: usize) -> Option<Hover> {
    let offset = u32::try_from(offset).ok()?;
    if let Some(found) = occurrence_at(&analysis.program, ENTRY, offset) {
        let markdown = describe(analysis, &found, offset)?;
        return Some(Hover { range: found.span.range(), markdown });
    }
    keyword(analysis, offset)
}

fn describe(analysis: &Analysis, found: &Occurrence, offset: u32) -> Option<String> {
    match &found.symbol {
        Symbol::Global(file, name) => global(analysis, *file, name),
        Symbol::Parameter(..) | Symbol::Variable(..) | Symbol::Column(..) | Symbol::Member(_) => {
            Some(typed(analysis, found, offset))
        }
        Symbol::Output(file, item, name) => {
            let build = analysis.file(*file).declaration(*item)?;
            Some(with_doc(&format!("{}.{name}: build output", build.name.text), build.doc.as_deref()))
        }
        Symbol::Field(table, name) => Some(field(table.field(name)?, *table)),
        Symbol::Constant(name) => {
            let note = docs::find(docs::CONSTANTS, name)?;
            Some(with_doc(&format!("{name}: {}", note.kind), Some(note.doc)))
        }
        Symbol::Function(name) => {
            let standard = analysis.file(ENTRY).standard;
            Some(call(name, builtin::function(name, standard)?.parameters(), docs::function(name)?))
        }
        Symbol::Method(name) => {
            Some(call(name, method(name)?.parameters(), docs::find(docs::MEMBERS, name)?))
        }
        Symbol::Argument(function, name) => {
            let parameters = match builtin::function(function, true) {
                Some(function) => function.parameters(),
                None => method(function)?.parameters(),
            };
            let parameter = parameters.iter().find(|parameter| parameter.name == name)?;
            Some(fenced(&docs::parameter(parameter)))
        }
        Symbol::Rule(name) => Some(with_doc(&format!("waive {name}"), Some("A rule of the policy."))),
    }
}

/// What is said about a definition of a file.
pub(super) fn global(analysis: &Analysis, file: FileId, name: &str) -> Option<String> {
    let loaded = analysis.file(file);
    match *loaded.names.get(name)? {
        Binding::Import(item) => {
            let target = analysis.file(*loaded.imports.get(&item)?);
            let path = if target.standard { target.name.to_string() } else { format!("{:?}", target.name) };
            Some(with_doc(&format!("import {path}"), about_module(&target.text).as_deref()))
        }
        Binding::Let(item) => {
            let binding = loaded.binding(item)?;
            let kind = analysis.typing(|checker| checker.let_type(file, item));
            let mut code = format!("let {name}: {}", type_text(&kind));
            if let Some(value) = eval::value_of_let(&analysis.program, &analysis.definitions, (file, item)) {
                code = format!("{code}\n{name} = {value}");
            }
            let axes: Vec<&str> = analysis.definitions.varies((file, item)).collect();
            let mut said = with_doc(&code, binding.doc.as_deref());
            if !axes.is_empty() {
                said.push_str(&format!("\n\nVaries over `{}`.", axes.join("`, `")));
            }
            Some(said)
        }
        Binding::Function(item) => {
            let function = loaded.function(item)?;
            Some(with_doc(&function_text(function, &loaded.text), function.doc.as_deref()))
        }
        Binding::Axis(axis) => {
            let binding = loaded.axes().get(axis)?;
            let kind = analysis.typing(|checker| checker.axes.get(&(file, name.to_owned())).cloned());
            let kind = kind.unwrap_or(Type::Unknown);
            let labels = analysis.labels(file, name);
            let mut said = fenced(&format!("for {name}: {}", type_text(&kind)));
            match (labels.is_empty(), binding.values.as_ref()) {
                (false, _) => said.push_str(&format!("\n\nIts labels: `{}`.", labels.join("`, `"))),
                (true, Some(values)) => {
                    let text = loaded.text.get(values.span.range()).unwrap_or_default();
                    said.push_str(&format!("\n\nIts values: `{text}`."));
                }
                (true, None) => {}
            }
            Some(said)
        }
        Binding::Declaration(item) => {
            let declaration = loaded.declaration(item)?;
            let code = format!("{} {name}", declaration.kind.as_str());
            let mut said = with_doc(&code, declaration.doc.as_deref());
            let axes: Vec<&str> = analysis.definitions.varies((file, item)).collect();
            if !axes.is_empty() {
                said.push_str(&format!("\n\nVaries over `{}`.", axes.join("`, `")));
            }
            Some(said)
        }
    }
}

/// The first comment of a module, which says what it is for.
pub(super) fn about_module(text: &str) -> Option<String> {
    let lines = text.lines().skip(1).skip_while(|line| line.trim().is_empty());
    let lines: Vec<&str> = lines.map_while(|line| line.strip_prefix("# ")).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A parameter, a variable, or what follows a dot.
fn typed(analysis: &Analysis, found: &Occurrence, offset: u32) -> String {
    let file = analysis.file(ENTRY);
    let text = file.text.get(found.span.range()).unwrap_or_default();
    let path = path_to(&file.tree, offset);
    let kind = analysis.typing(|checker| {
        let mut scope = scope_at(checker, ENTRY, &path);
        let whole = path.iter().rev().find_map(|node| match node {
            Node::Expr(expr) => match &expr.kind {
                ExprKind::Member(member) if member.name.span == found.span => Some(*expr),
                ExprKind::Name(_) if expr.span == found.span => Some(*expr),
                _ => None,
            },
            Node::Entry(entry) if entry.key.span() == found.span => Some(&entry.value),
            _ => None,
        });
        match whole {
            Some(expr) => checker.infer(expr, &scope),
            None => {
                // The place of a declaration: its own type is that of the name where it can be mentioned.
                if let Some(Node::Item(Item::Function(function))) = path.first() {
                    let body = match &function.body {
                        ast::FunctionBody::Value(value) => Node::Expr(value),
                        ast::FunctionBody::Block(block) => Node::Block(block),
                    };
                    scope = scope_at(checker, ENTRY, &[path[0], body]);
                }
                scope.local(text).cloned().unwrap_or(Type::Unknown)
            }
        }
    });
    let label = match found.symbol {
        Symbol::Parameter(..) => "(parameter) ",
        Symbol::Variable(..) => "(variable) ",
        _ => "",
    };
    let note = match &found.symbol {
        Symbol::Member(name) | Symbol::Column(_, _, name)
            if kind == Type::Int && builtin::VERSION_NUMBERS.contains(&name.as_str()) =>
        {
            docs::find(docs::MEMBERS, name).map(|note| note.doc)
        }
        _ => None,
    };
    with_doc(&format!("{label}{text}: {}", type_text(&kind)), note)
}

/// What is said about a field.
pub(super) fn field(field: &Field, table: Table) -> String {
    let of = match table {
        Table::Item(kind) => format!("{}.", kind.as_str()),
        Table::Step => "step.".to_owned(),
        Table::Test => "test.".to_owned(),
        Table::Waiver => "waive.".to_owned(),
        Table::Function => String::new(),
    };
    let mut said = format!("{}\n\nTakes {}.", fenced(&format!("{of}{}", field.name)), field.shape.describe());
    said.push_str(&format!("\n\n{}", field.doc));
    if let Shape::Records(_, records) = field.shape {
        for record in records {
            let needed = if record.required { ", needed" } else { "" };
            let takes = record.shape.describe();
            said.push_str(&format!("\n- `{}` ({takes}{needed}): {}", record.name, record.doc));
        }
    }
    said
}

fn call(name: &str, parameters: &[builtin::Parameter], note: &docs::Note) -> String {
    let list: Vec<String> = parameters.iter().map(docs::parameter).collect();
    with_doc(&format!("{name}({}): {}", list.join(", "), note.kind), Some(note.doc))
}

fn with_doc(code: &str, doc: Option<&str>) -> String {
    match doc {
        Some(doc) => format!("{}\n\n{doc}", fenced(code)),
        None => fenced(code),
    }
}

/// A word that begins an item or a statement.
fn keyword(analysis: &Analysis, offset: u32) -> Option<Hover> {
    let file = analysis.file(ENTRY);
    let path = path_to(&file.tree, offset);
    let text = &file.text;
    let at = offset as usize;
    let word = |byte: &u8| byte.is_ascii_lowercase();
    let bytes = text.as_bytes();
    let start = at - bytes.get(..at)?.iter().rev().take_while(|byte| word(byte)).count();
    let end = at + bytes.get(at..)?.iter().take_while(|byte| word(byte)).count();
    let begins = |span: crate::syntax::Span| {
        // A doc comment belongs to what it is about.
        let lead = text.get(span.range()).unwrap_or_default();
        let comments = lead.split_inclusive('\n').take_while(|line| line.trim_start().starts_with("##"));
        let skipped: usize = comments.map(str::len).sum();
        let rest = lead.get(skipped..).unwrap_or_default();
        span.start as usize + skipped + (rest.len() - rest.trim_start().len()) == start
    };
    let table = match path.last()? {
        Node::Item(item) if begins(item.span()) => docs::ITEMS,
        Node::Statement(statement) if begins(statement.span()) => docs::STATEMENTS,
        _ => return None,
    };
    let (_, _, doc) = table.iter().find(|(name, _, _)| Some(*name) == text.get(start..end))?;
    Some(Hover { range: start..end, markdown: (*doc).to_owned() })
}

/// The string at the byte `offset` of the entry, with its quotes, and its text where that is plain.
pub fn string_at(analysis: &Analysis, offset: usize) -> Option<(Range<usize>, String)> {
    let path = path_to(&analysis.file(ENTRY).tree, u32::try_from(offset).ok()?);
    match path.last()? {
        Node::Expr(ast::Expr { kind: ExprKind::String(literal), span }) => {
            Some((span.range(), literal.plain()?.to_owned()))
        }
        _ => None,
    }
}
