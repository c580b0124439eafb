//! Statements, fields and keys.

use super::context::Context;
use super::{Completion, CompletionKind, MARK};
use crate::assist::docs;
use crate::assist::hover;
use crate::assist::symbol::Table;
use crate::assist::walk::Node;
use crate::check::schema::{Field, Shape};
use crate::syntax::ast::{self, DeclarationKind, ExprKind, FieldOperator, Item, Statement};

impl Context<'_> {
    /// What can begin a statement here: fields that are not set yet, and words.
    pub fn statements(&self, table: Table) -> Vec<Completion> {
        let block = self.path.iter().rev().find_map(|node| match node {
            Node::Block(block) => Some(*block),
            _ => None,
        });
        let set: Vec<&str> = block
            .into_iter()
            .flat_map(ast::Block::fields)
            .filter(|field| field.operator == FieldOperator::Set && field.path.len() == 1)
            .filter_map(|field| field.path.first()?.text())
            .filter(|name| !name.contains(MARK))
            .collect();
        let fields = table.fields().into_iter().filter(|field| !set.contains(&field.name));
        let mut found: Vec<Completion> = fields.map(|field| self.field(field, table)).collect();
        let top = self.path.iter().filter(|node| matches!(node, Node::Block(_))).count() == 1;
        for (word, snippet, doc) in docs::STATEMENTS {
            let fits = match (*word, table) {
                ("for", Table::Item(_)) => top,
                ("for", _) => false,
                ("use" | "when", Table::Item(_) | Table::Function) => true,
                ("step", Table::Item(kind)) => kind == DeclarationKind::Build,
                ("test" | "waive", Table::Item(kind)) => kind == DeclarationKind::Image,
                (_, Table::Function) => true,
                _ => false,
            };
            if fits {
                found.push(Completion {
                    doc: Some((*doc).to_owned()),
                    snippet: self.line_is_open().then(|| (*snippet).to_owned()),
                    rank: 6,
                    ..self.plain(word, CompletionKind::Keyword, "statement")
                });
            }
        }
        found
    }

    fn field(&self, field: &Field, table: Table) -> Completion {
        let value = match field.shape {
            Shape::Text(_) => "\"$0\"",
            Shape::Texts(_) | Shape::Contents | Shape::Repositories | Shape::Inputs => "[$0]",
            Shape::Map(..) | Shape::Records(..) | Shape::Rules | Shape::Sources(_) => "{\n  $0\n}",
            _ => "$0",
        };
        // A script is a text of several lines.
        let value = if matches!(field.name, "script" | "check") { "\"\"\"\n  $0\n\"\"\"" } else { value };
        Completion {
            doc: Some(hover::field(field, table)),
            snippet: self.line_is_open().then(|| format!("{} = {value}", field.name)),
            ..self.plain(field.name, CompletionKind::Field, field.shape.describe())
        }
    }

    /// The second part of `users.nonroot`, `env.PATH`: keys that other places of the recipe set.
    pub fn field_keys(&self, field: &ast::Field) -> Vec<Completion> {
        let Some(name) = field.path.first().and_then(ast::Key::text) else { return Vec::new() };
        let keys = self.keys_of(name);
        keys.iter().map(|key| self.plain(key, CompletionKind::Property, "key")).collect()
    }

    /// Every key that any file of the recipe gives the map in the field called `name`, each once.
    pub fn keys_of(&self, name: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut add = |key: &ast::Key| {
            if let Some(key) = key.text().filter(|key| !key.contains(MARK))
                && !found.iter().any(|known| known == key)
            {
                found.push(key.to_owned());
            }
        };
        for file in &self.analysis.program.files {
            let mut next: Vec<Node<'_>> = file.tree.items.iter().map(Node::Item).collect();
            while let Some(node) = next.pop() {
                next.extend(node.children());
                let Node::Statement(Statement::Field(field)) = node else { continue };
                if field.path.first().and_then(ast::Key::text) != Some(name) {
                    continue;
                }
                if let Some(key) = field.path.get(1) {
                    add(key);
                } else if let ExprKind::Record(entries) = &field.value.kind {
                    entries.iter().for_each(|entry| add(&entry.key));
                }
            }
        }
        found.sort();
        found
    }

    /// The keys of a record: those that its field asks for, or those of the rows beside it.
    pub fn record_keys(&self, entries: &[ast::Entry]) -> Vec<Completion> {
        let set: Vec<&str> =
            entries.iter().filter_map(|entry| entry.key.text()).filter(|key| !key.contains(MARK)).collect();
        let key = |name: &str, detail: &str, doc: Option<&str>| Completion {
            doc: doc.map(str::to_owned),
            snippet: self.line_is_open().then(|| format!("{name} = $0")),
            ..self.plain(name, CompletionKind::Property, detail)
        };
        let mut found = Vec::new();
        if let Some((field, depth)) = self.field_around() {
            match field.shape {
                Shape::Records(_, records) if depth == 2 => found.extend(
                    records.iter().map(|record| key(record.name, record.shape.describe(), Some(record.doc))),
                ),
                Shape::Map(..) | Shape::Records(..) if depth == 1 => {
                    found.extend(self.keys_of(field.name).iter().map(|name| key(name, "key", None)));
                }
                _ => {}
            }
        } else {
            found.extend(self.columns_beside().iter().map(|name| key(name, "column", None)));
        }
        found.retain(|one| !set.contains(&one.label.as_str()));
        found
    }

    /// The field around the cursor, and in how many records its value has the cursor.
    pub fn field_around(&self) -> Option<(&'static Field, usize)> {
        let at = self.path.iter().rposition(|node| matches!(node, Node::Statement(Statement::Field(_))))?;
        let Node::Statement(Statement::Field(field)) = self.path[at] else { return None };
        let table = crate::assist::symbol::table_at(&self.path[..at])?;
        let known = table.field(field.path.first()?.text()?)?;
        let records = self.path[at..]
            .iter()
            .filter(|node| matches!(node, Node::Expr(ast::Expr { kind: ExprKind::Record(_), .. })));
        Some((known, records.count() + field.path.len() - 1))
    }

    /// The keys of the records beside the one around the cursor: the columns of a table.
    fn columns_beside(&self) -> Vec<String> {
        let Some(Node::Item(Item::Let(binding))) = self.path.first() else { return Vec::new() };
        let rows: Vec<&ast::Expr> = match &binding.value.kind {
            ExprKind::Record(rows) => rows.iter().map(|row| &row.value).collect(),
            ExprKind::List(rows) => rows.iter().collect(),
            _ => return Vec::new(),
        };
        let mut found: Vec<String> = Vec::new();
        for row in rows {
            let ExprKind::Record(columns) = &row.kind else { continue };
            for key in columns.iter().filter_map(|column| column.key.text()) {
                if !key.contains(MARK) && !found.iter().any(|known| known == key) {
                    found.push(key.to_owned());
                }
            }
        }
        found
    }
}
