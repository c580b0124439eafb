//! What the words of a recipe stand for.

use std::collections::BTreeMap;

use super::walk::Node;
use crate::check::schema::{self, Field};
use crate::modules::{Binding, FileId, LoadedFile, Program, builtin};
use crate::syntax::Span;
use crate::syntax::ast::{self, ExprKind, Item, Statement};

/// What a word stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Symbol {
    /// An import, `let`, function, axis or item of a file.
    Global(FileId, String),
    /// A parameter of a function: the place of its declaration.
    Parameter(FileId, Span),
    /// A variable of a comprehension: the place of its declaration.
    Variable(FileId, Span),
    /// A column of a table or a field of a record, which the item of the file that the number says defines.
    Column(FileId, usize, String),
    /// A member of something else.
    Member(String),
    /// A further output of a build: the file, the build's item, the name.
    Output(FileId, usize, String),
    /// A field of an item or of a part of one.
    Field(Table, String),
    /// `debian`, `amd64`, `dev`, `delete`.
    Constant(String),
    /// A function of the language.
    Function(String),
    /// A method of a value.
    Method(String),
    /// A parameter of a function or method of the language.
    Argument(String, String),
    /// A rule of the policy.
    Rule(String),
}

/// What the fields of a block are those of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// An item.
    Item(ast::DeclarationKind),
    /// A step of a build.
    Step,
    /// A test of an image.
    Test,
    /// A waiver.
    Waiver,
    /// A function with a block, which any item may use.
    Function,
}

impl Table {
    /// Its fields.
    pub fn fields(self) -> Vec<&'static Field> {
        let tables: &[&'static [Field]] = match self {
            Table::Item(kind) => &[schema::of_declaration(kind)],
            Table::Step => &[schema::STEP],
            Table::Test => &[schema::TEST],
            Table::Waiver => &[schema::WAIVER],
            Table::Function => &[schema::IMAGE, schema::BUILD, schema::SOURCE, schema::REPOSITORY],
        };
        let mut found: Vec<&'static Field> = Vec::new();
        for field in tables.iter().copied().flatten() {
            if !found.iter().any(|known| known.name == field.name) {
                found.push(field);
            }
        }
        found
    }

    /// The field called `name`.
    pub fn field(self, name: &str) -> Option<&'static Field> {
        self.fields().into_iter().find(|field| field.name == name)
    }
}

/// The table of the innermost block of a path.
pub fn table_at(path: &[Node<'_>]) -> Option<Table> {
    path.iter().rev().find_map(|node| match node {
        Node::Statement(Statement::Step(_)) => Some(Table::Step),
        Node::Statement(Statement::Test(_)) => Some(Table::Test),
        Node::Statement(Statement::Waive(_)) => Some(Table::Waiver),
        Node::Item(Item::Declaration(declaration)) => Some(Table::Item(declaration.kind)),
        Node::Item(Item::Function(_)) => Some(Table::Function),
        _ => None,
    })
}

/// A word with what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Its place.
    pub span: Span,
    /// What it stands for.
    pub symbol: Symbol,
    /// Whether it is defined here.
    pub defines: bool,
}

/// Every word of the file that stands for something, by place.
pub fn occurrences(program: &Program, file: FileId) -> Vec<Occurrence> {
    let loaded = program.file(file);
    let mut found = Finder { program, file, loaded, item: 0, locals: Vec::new(), list: Vec::new() };
    for (index, item) in loaded.tree.items.iter().enumerate() {
        found.item = index;
        found.item(item);
    }
    found.list.sort_by_key(|occurrence| occurrence.span);
    // What is around a name knows more of it than the name alone, and was there first.
    found.list.dedup_by_key(|occurrence| occurrence.span);
    found.list
}

/// The word at the byte `offset`, or the one that ends there.
pub fn occurrence_at(program: &Program, file: FileId, offset: u32) -> Option<Occurrence> {
    let all = occurrences(program, file);
    let inside = all.iter().find(|found| found.span.start <= offset && offset < found.span.end);
    inside.or_else(|| all.iter().find(|found| found.span.end == offset)).cloned()
}

/// The `let` that holds a table.
type TableOf = (FileId, usize);

struct Finder<'p> {
    program: &'p Program,
    file: FileId,
    loaded: &'p LoadedFile,
    item: usize,
    /// Parameters and variables, with the table that a variable is a row of.
    locals: Vec<(&'p str, Symbol, Option<TableOf>)>,
    list: Vec<Occurrence>,
}

impl<'p> Finder<'p> {
    fn add(&mut self, span: Span, symbol: Symbol, defines: bool) {
        self.list.push(Occurrence { span, symbol, defines });
    }

    fn item(&mut self, item: &'p Item) {
        let before = self.locals.len();
        match item {
            Item::ForAxes(axes) => {
                for axis in &axes.bindings {
                    self.add(axis.name.span, Symbol::Global(self.file, axis.name.text.clone()), true);
                }
            }
            Item::Function(function) => {
                for parameter in &function.parameters {
                    let symbol = Symbol::Parameter(self.file, parameter.name.span);
                    self.add(parameter.name.span, symbol.clone(), true);
                    self.locals.push((&parameter.name.text, symbol, None));
                }
            }
            _ => {}
        }
        if let Some(name) = item.name() {
            self.add(name.span, Symbol::Global(self.file, name.text.clone()), true);
        }
        self.inside(Node::Item(item), &[Node::Item(item)]);
        self.locals.truncate(before);
    }

    fn inside(&mut self, node: Node<'p>, path: &[Node<'p>]) {
        let before = self.locals.len();
        let children = node.children();
        // A comprehension's variable is declared behind its use.
        if let Node::Expr(expr) = node {
            let generator = match &expr.kind {
                ExprKind::ListComprehension(item) => Some(&item.generator),
                ExprKind::RecordComprehension(item) => Some(&item.generator),
                _ => None,
            };
            if let Some(generator) = generator {
                if let Some(key) = &generator.key {
                    let symbol = Symbol::Variable(self.file, key.span);
                    self.add(key.span, symbol.clone(), true);
                    self.locals.push((&key.text, symbol, None));
                }
                let symbol = Symbol::Variable(self.file, generator.name.span);
                self.add(generator.name.span, symbol.clone(), true);
                let rows = self.table_of(&generator.values, 0);
                self.locals.push((&generator.name.text, symbol, rows));
            }
        }
        for child in children {
            let inner: Vec<Node<'p>> = path.iter().copied().chain([child]).collect();
            self.visit(child, &inner);
        }
        self.locals.truncate(before);
    }

    fn visit(&mut self, node: Node<'p>, path: &[Node<'p>]) {
        match node {
            Node::Binding(binding) if path.len() > 2 => {
                self.add(binding.name.span, Symbol::Global(self.file, binding.name.text.clone()), false);
            }
            Node::Statement(Statement::Field(field)) => {
                if let Some(ast::Key::Word(name)) = field.path.first()
                    && let Some(table) = table_at(path)
                {
                    self.add(name.span, Symbol::Field(table, name.text.clone()), false);
                }
                for key in field.path.iter().skip(1) {
                    if let ast::Key::Word(name) = key {
                        self.add(name.span, Symbol::Member(name.text.clone()), true);
                    }
                }
                self.outputs(field, path);
            }
            Node::Statement(Statement::Waive(waive)) => {
                self.add(waive.rule.span, Symbol::Rule(waive.rule.text.clone()), false);
            }
            Node::Entry(entry) => {
                if let ast::Key::Word(name) = &entry.key {
                    let symbol = match path.first() {
                        Some(Node::Item(Item::Let(_))) => {
                            Symbol::Column(self.file, self.item, name.text.clone())
                        }
                        _ => Symbol::Member(name.text.clone()),
                    };
                    self.add(name.span, symbol, true);
                }
            }
            Node::Pattern(ast::Pattern { kind: ast::PatternKind::Name { name, .. }, .. }) => {
                self.add(name.span, Symbol::Constant(name.text.clone()), false);
            }
            Node::Expr(expr) => self.expr(expr),
            _ => {}
        }
        self.inside(node, path);
    }

    /// The names in `outputs = […]` define outputs.
    fn outputs(&mut self, field: &ast::Field, path: &[Node<'p>]) {
        let is_outputs = field.path.len() == 1 && field.path[0].text() == Some("outputs");
        let (true, Some(Node::Item(Item::Declaration(_))), ExprKind::List(names)) =
            (is_outputs, path.first(), &field.value.kind)
        else {
            return;
        };
        for name in names {
            if let ExprKind::String(literal) = &name.kind
                && let Some(text) = literal.plain()
                && literal.span.end - literal.span.start == text.len() as u32 + 2
            {
                let span = Span::new(literal.span.start + 1, literal.span.end - 1);
                self.add(span, Symbol::Output(self.file, self.item, text.to_owned()), true);
            }
        }
    }

    fn expr(&mut self, expr: &'p ast::Expr) {
        match &expr.kind {
            ExprKind::Name(name) => {
                if let Some(symbol) = self.name(name, false) {
                    self.add(expr.span, symbol, false);
                }
            }
            ExprKind::Member(member) => self.member(member, false),
            ExprKind::Call(call) => {
                match &call.callee.kind {
                    // What was added as a value is what is called.
                    ExprKind::Name(name) => {
                        if let Some(symbol) = self.name(name, true) {
                            self.add(call.callee.span, symbol, false);
                        }
                    }
                    ExprKind::Member(member) => self.member(member, true),
                    _ => {}
                }
                self.arguments(call);
            }
            _ => {}
        }
    }

    /// What a name stands for, as a value or as what is called.
    fn name(&self, name: &str, called: bool) -> Option<Symbol> {
        if let Some((_, symbol, _)) = self.locals.iter().rev().find(|(local, ..)| *local == name) {
            return Some(symbol.clone());
        }
        let function = builtin::function(name, self.loaded.standard).is_some();
        let constant = builtin::constant(name).is_some();
        match self.loaded.names.get(name) {
            Some(Binding::Import(_)) if called && function || !called && constant => {}
            Some(_) => return Some(Symbol::Global(self.file, name.to_owned())),
            None => {}
        }
        if called && function {
            Some(Symbol::Function(name.to_owned()))
        } else {
            constant.then(|| Symbol::Constant(name.to_owned()))
        }
    }

    fn member(&mut self, member: &'p ast::Member, called: bool) {
        let name = &member.name;
        if let ExprKind::Name(base) = &member.base.kind
            && !self.locals.iter().any(|(local, ..)| local == base)
        {
            match self.loaded.names.get(base) {
                Some(Binding::Import(item)) => {
                    self.add(member.base.span, Symbol::Global(self.file, base.clone()), false);
                    if let Some(target) = self.loaded.imports.get(item)
                        && self.program.file(*target).names.contains_key(&name.text)
                    {
                        self.add(name.span, Symbol::Global(*target, name.text.clone()), false);
                    }
                    return;
                }
                Some(Binding::Declaration(item)) if !called => {
                    let symbol = Symbol::Output(self.file, *item, name.text.clone());
                    return self.add(name.span, symbol, false);
                }
                _ => {}
            }
        }
        let symbol = match self.table_of(&member.base, 0) {
            _ if called => Symbol::Method(name.text.clone()),
            Some((file, item)) => Symbol::Column(file, item, name.text.clone()),
            None => Symbol::Member(name.text.clone()),
        };
        self.add(name.span, symbol, false);
    }

    /// The names of named arguments.
    fn arguments(&mut self, call: &'p ast::Call) {
        let callee = callee_of(self.program, self.file, call);
        for name in call.arguments.iter().filter_map(|argument| argument.name.as_ref()) {
            let symbol = match &callee {
                Some(Callee::Function(file, function)) => {
                    let parameters = function.parameters.iter();
                    let mut named = parameters.filter(|parameter| parameter.name.text == name.text);
                    match named.next() {
                        Some(parameter) => Symbol::Parameter(*file, parameter.name.span),
                        None => continue,
                    }
                }
                Some(Callee::Declaration(file, _)) => Symbol::Global(*file, name.text.clone()),
                Some(Callee::Builtin(function, _)) => Symbol::Argument(function.clone(), name.text.clone()),
                None => continue,
            };
            self.add(name.span, symbol, false);
        }
    }

    /// The `let` that an expression takes a table or record of.
    fn table_of(&self, expr: &ast::Expr, depth: u32) -> Option<TableOf> {
        const DEPTH: u32 = 8;
        if depth == DEPTH {
            return None;
        }
        match &expr.kind {
            ExprKind::Name(name) => {
                if let Some((_, _, table)) = self.locals.iter().rev().find(|(local, ..)| local == name) {
                    return *table;
                }
                match self.loaded.names.get(name)? {
                    Binding::Let(item) => {
                        let value = &self.loaded.binding(*item)?.value;
                        match value.kind {
                            ExprKind::Record(_) => Some((self.file, *item)),
                            _ => self.table_of(value, depth + 1),
                        }
                    }
                    Binding::Axis(axis) => {
                        self.table_of(self.loaded.axes().get(*axis)?.values.as_ref()?, depth + 1)
                    }
                    _ => None,
                }
            }
            ExprKind::Member(member) => {
                if let ExprKind::Name(base) = &member.base.kind
                    && let Some(Binding::Import(item)) = self.loaded.names.get(base)
                {
                    let target = *self.loaded.imports.get(item)?;
                    return match self.program.file(target).names.get(&member.name.text)? {
                        Binding::Let(item) => Some((target, *item)),
                        _ => None,
                    };
                }
                self.table_of(&member.base, depth + 1)
            }
            _ => None,
        }
    }
}

/// What a call calls.
pub enum Callee<'p> {
    /// A function of a file.
    Function(FileId, &'p ast::Function),
    /// An item, whose arguments are axes.
    Declaration(FileId, &'p ast::Declaration),
    /// A function or method of the language, by name.
    Builtin(String, &'static [builtin::Parameter]),
}

/// What a call of `file` calls. Methods are known by their name alone: no two kinds of values share one.
pub fn callee_of<'p>(program: &'p Program, file: FileId, call: &ast::Call) -> Option<Callee<'p>> {
    let loaded = program.file(file);
    let (target, name) = match &call.callee.kind {
        ExprKind::Name(name) => {
            if let Some(function) = builtin::function(name, loaded.standard)
                && !matches!(loaded.names.get(name), Some(Binding::Function(_)))
            {
                return Some(Callee::Builtin(name.clone(), function.parameters()));
            }
            (file, name)
        }
        ExprKind::Member(member) => match &member.base.kind {
            ExprKind::Name(base) if matches!(loaded.names.get(base), Some(Binding::Import(_))) => {
                let Some(Binding::Import(item)) = loaded.names.get(base) else { return None };
                (*loaded.imports.get(item)?, &member.name.text)
            }
            _ => {
                let method = method(&member.name.text)?;
                return Some(Callee::Builtin(member.name.text.clone(), method.parameters()));
            }
        },
        _ => return None,
    };
    let found = program.file(target);
    match found.names.get(name)? {
        Binding::Function(item) => Some(Callee::Function(target, found.function(*item)?)),
        Binding::Declaration(item) => Some(Callee::Declaration(target, found.declaration(*item)?)),
        _ => None,
    }
}

/// The method called `name`.
pub fn method(name: &str) -> Option<builtin::Method> {
    let all = [builtin::CONTENT_METHODS, builtin::LIST_METHODS, builtin::VERSION_METHODS];
    let methods: BTreeMap<&str, builtin::Method> = all.into_iter().flatten().copied().collect();
    methods.get(name).copied()
}

/// The names of the parameters and variables of an item.
pub fn locals_of(item: &Item) -> impl Iterator<Item = &str> {
    let mut found = Vec::new();
    let mut next = vec![Node::Item(item)];
    while let Some(node) = next.pop() {
        match node {
            Node::Parameter(parameter) => found.push(parameter.name.text.as_str()),
            Node::Generator(generator) => {
                let names = generator.key.iter().chain([&generator.name]);
                found.extend(names.map(|name| name.text.as_str()));
            }
            _ => {}
        }
        next.extend(node.children());
    }
    found.into_iter()
}
