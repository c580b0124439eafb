//! The outline of a file, what of it can be folded, and what a selection grows to.

use std::ops::Range;

use super::walk::{Node, path_to};
use crate::syntax::ast::{self, DeclarationKind, ExprKind, FunctionBody, Item, Statement};
use crate::syntax::{self, SyntaxKind};

/// What kind of thing an [`Entry`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// An import.
    Module,
    /// A `let`.
    Value,
    /// A function.
    Function,
    /// An axis.
    Axis,
    /// A source, build, image or repository.
    Item(DeclarationKind),
    /// A step, test or waiver.
    Part,
}

/// One line of an outline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// A word about it: `image`, `fn(distro)`.
    pub detail: String,
    /// What it is.
    pub kind: EntryKind,
    /// All of it.
    pub whole: Range<usize>,
    /// Its name in the text.
    pub range: Range<usize>,
    /// What is in it.
    pub inside: Vec<Entry>,
}

/// The outline of a text.
pub fn outline(text: &str) -> Vec<Entry> {
    syntax::parse(text).file().items.iter().flat_map(of_item).collect()
}

fn of_item(item: &Item) -> Vec<Entry> {
    let entry = |name: &ast::Name, detail: String, kind, inside| Entry {
        name: name.text.clone(),
        detail,
        kind,
        whole: item.span().to(name.span).range(),
        range: name.span.range(),
        inside,
    };
    match item {
        Item::Import(import) => {
            let name = import.name.iter();
            name.map(|name| entry(name, "import".to_owned(), EntryKind::Module, Vec::new())).collect()
        }
        Item::Let(binding) => {
            vec![entry(&binding.name, "let".to_owned(), EntryKind::Value, Vec::new())]
        }
        Item::ForAxes(axes) => {
            let axis = |binding: &ast::ForBinding| Entry {
                name: binding.name.text.clone(),
                detail: "axis".to_owned(),
                kind: EntryKind::Axis,
                whole: binding.span.to(binding.name.span).range(),
                range: binding.name.span.range(),
                inside: Vec::new(),
            };
            axes.bindings.iter().map(axis).collect()
        }
        Item::Function(function) => {
            let names: Vec<&str> =
                function.parameters.iter().map(|parameter| parameter.name.text.as_str()).collect();
            let inside = match &function.body {
                FunctionBody::Block(block) => of_block(block),
                FunctionBody::Value(_) => Vec::new(),
            };
            vec![entry(&function.name, format!("fn({})", names.join(", ")), EntryKind::Function, inside)]
        }
        Item::Declaration(declaration) => {
            let kind = declaration.kind;
            let inside = of_block(&declaration.block);
            vec![entry(&declaration.name, kind.as_str().to_owned(), EntryKind::Item(kind), inside)]
        }
    }
}

fn of_block(block: &ast::Block) -> Vec<Entry> {
    let part = |word: &str, name: String, range: Range<usize>, whole: syntax::Span| Entry {
        name: if name.trim().is_empty() { word.to_owned() } else { name },
        detail: word.to_owned(),
        kind: EntryKind::Part,
        whole: whole.range(),
        range,
        inside: Vec::new(),
    };
    let named = |literal: &ast::StringLiteral| literal.plain().unwrap_or("…").to_owned();
    let parts = block.statements.iter().flat_map(|statement| match statement {
        Statement::Step(step) => vec![part("step", named(&step.name), step.name.span.range(), step.span)],
        Statement::Test(test) => vec![part("test", named(&test.name), test.name.span.range(), test.span)],
        Statement::Waive(waive) => {
            vec![part("waive", waive.rule.text.clone(), waive.rule.span.range(), waive.span)]
        }
        Statement::When(when) => of_block(&when.block),
        _ => Vec::new(),
    });
    parts.collect()
}

/// What can be folded: everything in brackets that goes over several lines, and runs of comments; `true` marks
/// comments.
pub fn folds(text: &str) -> Vec<(Range<usize>, bool)> {
    let mut found = Vec::new();
    let mut open = Vec::new();
    let mut comments: Option<Range<usize>> = None;
    let mut feeds = 0;
    let root = syntax::parse(text).syntax();
    for token in root.descendants_with_tokens().filter_map(|element| element.into_token()) {
        let range = syntax::Span::from(token.text_range()).range();
        match token.kind() {
            SyntaxKind::Comment | SyntaxKind::DocComment => {
                comments = match comments.take() {
                    Some(run) if feeds < 2 => Some(run.start..range.end),
                    run => {
                        found.extend(run.map(|run| (run, true)));
                        Some(range)
                    }
                };
                feeds = 0;
                continue;
            }
            SyntaxKind::Newline => {
                feeds = token.text().matches('\n').count();
                continue;
            }
            SyntaxKind::Whitespace => continue,
            SyntaxKind::LeftBrace
            | SyntaxKind::LeftBracket
            | SyntaxKind::LeftParen
            | SyntaxKind::StringOpen => open.push(range.start),
            SyntaxKind::RightBrace
            | SyntaxKind::RightBracket
            | SyntaxKind::RightParen
            | SyntaxKind::StringClose => found.extend(open.pop().map(|start| (start..range.end, false))),
            _ => {}
        }
        found.extend(comments.take().map(|run| (run, true)));
    }
    found.extend(comments.take().map(|run| (run, true)));
    found.retain(|(range, _)| text.get(range.clone()).is_some_and(|text| text.contains('\n')));
    found.sort_by_key(|(range, _)| (range.start, range.end));
    found
}

/// What a selection at the byte `offset` grows to, the smallest first.
pub fn selection(text: &str, offset: usize) -> Vec<Range<usize>> {
    let Ok(at) = u32::try_from(offset.min(text.len())) else { return Vec::new() };
    let file = syntax::parse(text).file();
    let mut found: Vec<Range<usize>> = std::iter::once(0..text.len()).collect();
    for node in path_to(&file, at) {
        found.push(node.span().range());
        if let Node::Expr(ast::Expr { kind: ExprKind::Member(member), .. }) = node
            && member.name.span.range().contains(&offset)
        {
            found.push(member.name.span.range());
        }
    }
    let mut narrowing: Vec<Range<usize>> = Vec::new();
    for range in found {
        let inside = narrowing
            .last()
            .is_none_or(|outer| outer.start <= range.start && range.end <= outer.end && *outer != range);
        if inside && range.start <= offset && offset <= range.end {
            narrowing.push(range);
        }
    }
    narrowing.reverse();
    narrowing
}
