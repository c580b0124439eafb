//! What every `let`, function and item mentions, across files: the axes that each varies over, and circles.

use std::collections::{BTreeMap, BTreeSet};

use super::mentions::{self, Mention};
use crate::modules::{Binding, FileId, LoadedFile, Program, Reports};
use crate::syntax::ast;

/// A definition: a file, and the item's place among the items of its tree.
pub type Node = (FileId, usize);

/// How many definitions may mention one another in a row.
const CHAIN_LIMIT: u32 = 64;

/// What is known of the definitions of a program.
#[derive(Debug, Default)]
pub struct Definitions {
    /// The axes that a definition varies over, through all that it mentions.
    varies: BTreeMap<Node, BTreeSet<String>>,
    /// Definitions that mention themselves, and those that mention such a one.
    broken: BTreeSet<Node>,
    /// What is mentioned anywhere: a name of a file.
    mentioned: BTreeSet<(FileId, String)>,
}

/// What a definition mentions itself.
#[derive(Debug, Default)]
struct Direct {
    axes: BTreeSet<String>,
    definitions: Vec<(Node, BTreeSet<String>)>,
}

impl Definitions {
    /// The definitions of the program. Circles and chains that are too long are reported.
    pub fn new(program: &Program, reports: &mut Reports) -> Definitions {
        let mut definitions = Definitions::default();
        let mut direct = BTreeMap::new();
        for file in program.ids() {
            let loaded = program.file(file);
            definitions.note(program, file, "", &mentions::of_bindings(loaded.axes()));
            for (index, item) in loaded.tree.items.iter().enumerate() {
                let found = definitions.of_item(program, file, item);
                direct.insert((file, index), found);
            }
        }
        Walk { program, direct: &direct, state: BTreeMap::new(), reports, definitions: &mut definitions }
            .run();
        definitions
    }

    /// The axes that the definition varies over.
    pub fn varies(&self, node: Node) -> impl Iterator<Item = &str> {
        self.varies.get(&node).into_iter().flatten().map(String::as_str)
    }

    /// Whether the definition has no value because it mentions itself, which is reported.
    pub fn is_broken(&self, node: Node) -> bool {
        self.broken.contains(&node)
    }

    /// Whether a name of the file is mentioned anywhere.
    pub fn is_mentioned(&self, file: FileId, name: &str) -> bool {
        self.mentioned.contains(&(file, name.to_owned()))
    }

    /// The axes that `mentions` of `file` vary over.
    pub fn axes_of(&self, program: &Program, file: FileId, mentions: &[Mention<'_>]) -> BTreeSet<String> {
        let direct = self.direct(program, file, mentions);
        let through = direct.definitions.iter().flat_map(|(node, fixed)| {
            self.varies(*node).filter(|axis| !fixed.contains(*axis)).map(str::to_owned)
        });
        direct.axes.iter().cloned().chain(through).collect()
    }

    fn of_item(&mut self, program: &Program, file: FileId, item: &ast::Item) -> Direct {
        let mentions = match item {
            ast::Item::Let(item) => mentions::of_expr(&item.value),
            ast::Item::Function(item) => mentions::of_function(item),
            ast::Item::Declaration(item) => {
                let over = mentions::of_bindings(LoadedFile::over(item));
                let body = mentions::of_block(&item.block);
                self.note(program, file, &item.name.text, &over);
                self.note(program, file, &item.name.text, &body);
                let repository = item.kind == ast::DeclarationKind::Repository;
                let mut direct =
                    self.direct(program, file, &if repository { [over, body].concat() } else { over });
                let names = &program.file(file).names;
                direct.axes = LoadedFile::over(item)
                    .map(|binding| binding.name.text.clone())
                    .filter(|name| matches!(names.get(name), Some(Binding::Axis(_))))
                    .collect();
                return direct;
            }
            ast::Item::Import(_) | ast::Item::ForAxes(_) => return Direct::default(),
        };
        self.note(program, file, item.name().map_or("", |name| &name.text), &mentions);
        self.direct(program, file, &mentions)
    }

    /// Notes what is mentioned; `own` is the name of what mentions, which does not make itself used.
    fn note(&mut self, program: &Program, file: FileId, own: &str, mentions: &[Mention<'_>]) {
        for mention in mentions.iter().filter(|mention| mention.name != own) {
            let module = matches!(program.file(file).names.get(mention.name), Some(Binding::Import(_)));
            if !module || mention.member.is_some() {
                self.mentioned.insert((file, mention.name.to_owned()));
            }
            if let (Some(Binding::Import(import)), Some(member)) =
                (program.file(file).names.get(mention.name), mention.member)
                && let Some(target) = program.file(file).imports.get(import)
            {
                self.mentioned.insert((*target, member.to_owned()));
            }
        }
    }

    fn direct(&self, program: &Program, file: FileId, mentions: &[Mention<'_>]) -> Direct {
        let mut direct = Direct::default();
        for mention in mentions {
            let loaded = program.file(file);
            let found = match (loaded.names.get(mention.name), mention.member) {
                (Some(Binding::Import(import)), Some(member)) => loaded
                    .imports
                    .get(import)
                    .and_then(|target| Some((*target, *program.file(*target).names.get(member)?))),
                (Some(binding), _) => Some((file, *binding)),
                (None, _) => None,
            };
            match found {
                Some((id, Binding::Axis(_))) if id == file => {
                    direct.axes.insert(mention.name.to_owned());
                }
                Some((id, Binding::Let(item) | Binding::Function(item) | Binding::Declaration(item))) => {
                    let fixed = mention.named.iter().map(|name| (*name).to_owned()).collect();
                    direct.definitions.push(((id, item), fixed));
                }
                _ => {}
            }
        }
        direct
    }
}

/// A depth-first walk without recursion: chains can be as long as a file.
struct Walk<'a> {
    program: &'a Program,
    direct: &'a BTreeMap<Node, Direct>,
    state: BTreeMap<Node, State>,
    reports: &'a mut Reports,
    definitions: &'a mut Definitions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Done, with the length of the longest chain below.
    Done(u32),
}

impl Walk<'_> {
    fn run(mut self) {
        for node in self.direct.keys() {
            if !self.state.contains_key(node) {
                self.walk(*node);
            }
        }
    }

    fn walk(&mut self, start: Node) {
        let mut stack: Vec<(Node, usize)> = vec![(start, 0)];
        self.state.insert(start, State::Open);
        while let Some((node, next)) = stack.last_mut() {
            let node = *node;
            let Some((target, _)) = self.direct[&node].definitions.get(*next) else {
                stack.pop();
                self.close(node);
                continue;
            };
            *next += 1;
            match self.state.get(target) {
                None => {
                    self.state.insert(*target, State::Open);
                    stack.push((*target, 0));
                }
                Some(State::Open) => {
                    let from = stack.iter().position(|(open, _)| open == target).unwrap_or(0);
                    let circle: Vec<Node> = stack[from..].iter().map(|(open, _)| *open).collect();
                    self.circle(&circle);
                }
                Some(State::Done(_)) => {}
            }
        }
    }

    fn close(&mut self, node: Node) {
        let direct = &self.direct[&node];
        let mut axes = direct.axes.clone();
        let mut longest = 0;
        for (target, fixed) in &direct.definitions {
            if self.definitions.broken.contains(target) {
                self.definitions.broken.insert(node);
            }
            if let Some(State::Done(length)) = self.state.get(target) {
                longest = longest.max(*length);
            }
            axes.extend(
                self.definitions.varies(*target).filter(|axis| !fixed.contains(*axis)).map(str::to_owned),
            );
        }
        if longest == CHAIN_LIMIT {
            let message = format!("more than {CHAIN_LIMIT} definitions mention one another in a row");
            let site = node.0.site(self.name(node).span);
            self.reports
                .error("hbuild::lang::too_deep", site, message)
                .help("write the chain with fewer names");
            self.definitions.broken.insert(node);
        }
        if longest >= CHAIN_LIMIT {
            self.definitions.broken.insert(node);
        }
        self.definitions.varies.insert(node, axes);
        self.state.insert(node, State::Done(longest + 1));
    }

    fn circle(&mut self, circle: &[Node]) {
        self.definitions.broken.extend(circle);
        let Some(first) = circle.iter().min().copied() else { return };
        let at = circle.iter().position(|node| *node == first).unwrap_or(0);
        let turned = circle[at..].iter().chain(&circle[..at]).chain([&first]);
        let names: Vec<String> = turned.map(|node| format!("`{}`", self.name(*node).text)).collect();
        let name = self.name(first);
        let (site, message) = (first.0.site(name.span), format!("`{}` mentions itself", name.text));
        self.reports
            .error("hbuild::lang::definition_cycle", site, message)
            .label(format!("the circle is {}", names.join(" → ")))
            .help("give one of them a value of its own");
    }

    fn name(&self, node: Node) -> ast::Name {
        let item = self.program.file(node.0).tree.items.get(node.1);
        let nameless = || ast::Name { text: String::new(), span: crate::syntax::Span::default() };
        item.and_then(ast::Item::name).cloned().unwrap_or_else(nameless)
    }
}
