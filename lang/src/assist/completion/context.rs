//! What the word at the cursor is.

use std::ops::Range;

use super::{Completion, CompletionKind, Completions, MARK, Surroundings};
use crate::assist::Analysis;
use crate::assist::analysis::ENTRY;
use crate::assist::docs;
use crate::assist::symbol::{Table, table_at};
use crate::assist::walk::{Node, path_to};
use crate::modules::LoadedFile;
use crate::syntax::ast::{self, ExprKind, Item, PatternKind, Statement};
use crate::syntax::{self, SyntaxKind, SyntaxToken};

/// The place of the cursor.
pub struct Context<'a> {
    /// The recipe, with the mark.
    pub analysis: &'a Analysis,
    /// The entry.
    pub file: &'a LoadedFile,
    /// The nodes around the mark.
    pub path: Vec<Node<'a>>,
    /// What is replaced.
    pub range: Range<usize>,
    /// What is written of it before the cursor.
    pub prefix: String,
    /// The text behind the word, up to the end of the line.
    pub behind: String,
    /// What is looked for.
    pub kind: Place<'a>,
}

/// What stands at the cursor.
pub enum Place<'a> {
    /// The beginning of an item.
    Item,
    /// The beginning of a statement.
    Statement(Table),
    /// A key of a map that is a field: `users.…`.
    FieldKey(&'a ast::Field),
    /// A key of a record.
    Key(&'a [ast::Entry]),
    /// A value.
    Value,
    /// What follows a dot.
    Member(&'a ast::Member),
    /// The name of an argument or its value.
    Pattern(&'a ast::Pattern),
    /// An axis of an item.
    Axis,
    /// A rule of the policy.
    Rule,
    /// A module.
    Module,
    /// A path in quotes behind `import`.
    ImportFile,
    /// The inside of a string.
    Text,
}

impl<'a> Context<'a> {
    /// The context of the mark at `offset` of the entry; `text` is the text without it.
    pub fn find(analysis: &'a Analysis, text: &str, offset: usize) -> Option<Self> {
        let file = analysis.file(ENTRY);
        let at = u32::try_from(offset).ok()?;
        let token = token_at(&file.text, at)?;
        let path = path_to(&file.tree, at + 1);
        let (range, kind) = match token.kind() {
            SyntaxKind::Comment | SyntaxKind::DocComment => return None,
            SyntaxKind::StringText => {
                let span = syntax::Span::from(token.text_range());
                let start = span.start as usize;
                // An open string goes to the end of its line.
                let end = (span.end as usize - MARK.len()).max(offset);
                let closed = token.next_token().is_some_and(|next| next.kind() == SyntaxKind::StringClose);
                let kind = match path.last() {
                    Some(Node::Item(Item::Import(_))) => Place::ImportFile,
                    None if text[..start].trim_end_matches('"').trim_end().ends_with("import") => {
                        Place::ImportFile
                    }
                    _ => Place::Text,
                };
                (start..if closed { end } else { offset }, kind)
            }
            _ => {
                let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
                let bytes = text.as_bytes();
                let start = offset - bytes[..offset].iter().rev().take_while(|byte| word(byte)).count();
                let end = offset + bytes[offset..].iter().take_while(|byte| word(byte)).count();
                (start..end, Self::place(&path, &token)?)
            }
        };
        let prefix = text.get(range.start..offset)?.to_owned();
        let behind = text[range.end..].split('\n').next().unwrap_or_default().to_owned();
        Some(Self { analysis, file, path, range, prefix, behind, kind })
    }

    fn place(path: &[Node<'a>], token: &SyntaxToken) -> Option<Place<'a>> {
        let has_mark = |name: &ast::Name| name.text.contains(MARK);
        Some(match path.last() {
            Some(Node::Expr(expr)) => match &expr.kind {
                ExprKind::Member(member) if has_mark(&member.name) => Place::Member(member),
                ExprKind::Name(name) if name.contains(MARK) => Place::Value,
                ExprKind::Record(entries) => Place::Key(entries),
                ExprKind::Missing => Place::Value,
                _ => return None,
            },
            Some(Node::Entry(entry)) => match path.iter().rev().nth(1) {
                Some(Node::Expr(ast::Expr { kind: ExprKind::Record(entries), .. }))
                    if entry.key.text().is_some_and(|key| key.contains(MARK)) =>
                {
                    Place::Key(entries)
                }
                _ => Place::Value,
            },
            Some(Node::Statement(Statement::Field(field))) => {
                match field.path.iter().position(|key| key.text().is_some_and(|key| key.contains(MARK))) {
                    Some(0) => Place::Statement(table_at(path)?),
                    Some(_) => Place::FieldKey(field),
                    None => Place::Value,
                }
            }
            Some(Node::Statement(Statement::Waive(waive))) if has_mark(&waive.rule) => Place::Rule,
            Some(Node::Statement(Statement::For(_))) => Place::Axis,
            Some(Node::Statement(_)) => Place::Value,
            Some(Node::Binding(binding)) if has_mark(&binding.name) && path.len() > 2 => Place::Axis,
            Some(Node::Binding(binding)) if has_mark(&binding.name) => return None,
            Some(Node::Pattern(pattern)) => match &pattern.kind {
                PatternKind::Name { .. } | PatternKind::Missing => Place::Pattern(pattern),
                _ => return None,
            },
            Some(Node::Block(_)) => Place::Statement(table_at(path)?),
            Some(Node::Item(Item::Import(_))) => Place::Module,
            Some(Node::Item(item)) if item.name().is_some_and(has_mark) => return None,
            Some(Node::Item(Item::Declaration(_))) if in_block(token) => Place::Statement(table_at(path)?),
            Some(Node::Item(Item::Let(_))) => Place::Value,
            Some(Node::Arm(_) | Node::Argument(_) | Node::Generator(_) | Node::Binding(_)) => Place::Value,
            Some(Node::Parameter(parameter)) if !has_mark(&parameter.name) => Place::Value,
            Some(_) => return None,
            None => Self::outside(token),
        })
    }

    /// A word that no item has: the beginning of one, most often.
    fn outside(token: &SyntaxToken) -> Place<'a> {
        let mut before = token.prev_token();
        while let Some(found) = &before {
            match found.kind() {
                SyntaxKind::Whitespace => before = found.prev_token(),
                SyntaxKind::ImportWord => return Place::Module,
                _ => break,
            }
        }
        Place::Item
    }

    /// What can stand there.
    pub fn complete(&self, around: &dyn Surroundings) -> Completions {
        let list = match &self.kind {
            Place::Item => self.items(),
            Place::Statement(table) => self.statements(*table),
            Place::FieldKey(field) => self.field_keys(field),
            Place::Key(entries) => self.record_keys(entries),
            Place::Value => self.values(),
            Place::Member(member) => self.members(member),
            Place::Pattern(pattern) => self.patterns(pattern),
            Place::Axis => self.axes(),
            Place::Rule => {
                let rule = |(name, asks): (String, String)| Completion {
                    doc: Some(asks),
                    ..self.plain(&name, CompletionKind::Value, "rule")
                };
                around.rules().into_iter().map(rule).collect()
            }
            Place::Module => self.modules(),
            Place::ImportFile => {
                let files = around.files().into_iter().filter(|file| *file != *self.file.name);
                files.map(|file| self.plain(&file, CompletionKind::File, "file")).collect()
            }
            Place::Text => return self.strings(around),
        };
        Completions { list, incomplete: false }
    }

    /// A proposal that is put in as it is called.
    pub fn plain(&self, label: &str, kind: CompletionKind, detail: &str) -> Completion {
        Completion {
            label: label.to_owned(),
            kind,
            detail: (!detail.is_empty()).then(|| detail.to_owned()),
            doc: None,
            insert: label.to_owned(),
            snippet: None,
            range: self.range.clone(),
            rank: 5,
        }
    }

    /// Whether nothing is written behind the word yet on its line.
    pub fn line_is_open(&self) -> bool {
        let behind = self.behind.trim();
        behind.is_empty() || behind.starts_with(['}', ';', '#'])
    }

    fn items(&self) -> Vec<Completion> {
        let item = |(word, snippet, doc): &(&str, &str, &str)| Completion {
            doc: Some((*doc).to_owned()),
            snippet: self.line_is_open().then(|| (*snippet).to_owned()),
            ..self.plain(word, CompletionKind::Keyword, "item")
        };
        let has_axes = !self.file.axes().is_empty();
        docs::ITEMS.iter().filter(|(word, ..)| !(has_axes && *word == "for")).map(item).collect()
    }

    fn modules(&self) -> Vec<Completion> {
        let path = path_before(&self.file.text, self.range.start);
        let modules = crate::modules::standard_names().filter_map(|name| {
            let text = crate::modules::standard_module(name)?;
            let whole = format!("std/{name}");
            let label = whole.strip_prefix(path)?;
            let doc = crate::assist::hover::about_module(text);
            Some(Completion { doc, ..self.plain(label, CompletionKind::Module, "module") })
        });
        modules.collect()
    }
}

/// The part of a module's path that is written before the word.
fn path_before(text: &str, start: usize) -> &str {
    let line = text[..start].rsplit('\n').next().unwrap_or_default();
    line.rsplit(' ').next().unwrap_or_default()
}

fn in_block(token: &SyntaxToken) -> bool {
    token.parent_ancestors().any(|node| node.kind() == SyntaxKind::Block)
}

/// The token that the byte `at` belongs to, that behind it where it lies between two.
fn token_at(text: &str, at: u32) -> Option<SyntaxToken> {
    syntax::parse(text).syntax().token_at_offset(at.into()).right_biased()
}
