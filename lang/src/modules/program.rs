//! The loaded program: all files, and the names of each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{FileId, Report, Site};
use crate::diagnostic::{Diagnostic, Edit, IMPORTED_HERE, LineIndex, Suggestion};
use crate::recipe::Place;
use crate::syntax::{Span, ast};

/// All files that a recipe takes part of, the entry first.
#[derive(Debug, Default)]
pub struct Program {
    /// By [`FileId`].
    pub files: Vec<LoadedFile>,
}

/// One file.
#[derive(Debug)]
pub struct LoadedFile {
    /// As in messages: its path, or `std/base`.
    pub name: Arc<str>,
    /// Its text.
    pub text: String,
    /// Where its lines begin.
    pub lines: Vec<usize>,
    /// Its tree.
    pub tree: Arc<ast::File>,
    /// Whether it is part of the standard library.
    pub standard: bool,
    /// The import that loaded it first; `None` for the entry.
    pub imported_by: Option<Site>,
    /// The files of its imports, by the import's place in the tree's items.
    pub imports: BTreeMap<usize, FileId>,
    /// Its names.
    pub names: BTreeMap<String, Binding>,
    /// Words of what did not parse: that there is no such name may be a consequence.
    pub lost: BTreeSet<String>,
}

/// What a name of a file stands for; the number is the item's place in the tree's items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binding {
    /// An imported module.
    Import(usize),
    /// A `let`.
    Let(usize),
    /// A function.
    Function(usize),
    /// An axis: its place among the bindings of the file's `for`.
    Axis(usize),
    /// A source, build, image or repository.
    Declaration(usize),
}

impl Program {
    /// The file.
    pub fn file(&self, id: FileId) -> &LoadedFile {
        &self.files[id.index()]
    }

    /// Numbers of all files in order.
    pub fn ids(&self) -> impl Iterator<Item = FileId> + use<> {
        (0..u32::try_from(self.files.len()).unwrap_or(u32::MAX)).map(FileId)
    }

    /// Whether a recipe brings repositories of its own, and with them releases that the edition does not know.
    pub fn has_repositories(&self) -> bool {
        let own = self.files.iter().filter(|file| !file.standard);
        let mut declarations = own.flat_map(|file| file.tree.declarations());
        declarations.any(|declaration| declaration.kind == ast::DeclarationKind::Repository)
    }

    /// The file with this name.
    pub fn named(&self, name: &str) -> Option<FileId> {
        self.ids().find(|id| *self.file(*id).name == *name)
    }

    /// Line and column of a place.
    pub fn place(&self, site: Site) -> Place {
        let file = self.file(site.file);
        let at = LineIndex::known(&file.text, &file.lines).line_column(site.span.start as usize);
        Place { file: file.name.clone(), line: at.line, column: at.column }
    }

    /// The finding as a diagnostic, with the chain of imports that led to its file.
    pub fn diagnostic(&self, report: &Report) -> Diagnostic {
        let range = report.site.span.range();
        let mut diagnostic = match report.error {
            true => Diagnostic::error(report.code, range, report.message.as_str()),
            false => Diagnostic::warning(report.code, range, report.message.as_str()),
        };
        if let Some(label) = &report.label {
            diagnostic = diagnostic.with_label(label.as_str());
        }
        if let Some(help) = &report.help {
            diagnostic = diagnostic.with_help(help.as_str());
        }
        for (site, text) in &report.related {
            diagnostic = diagnostic.with_secondary_in(&*self.file(site.file).name, site.span, text.as_str());
        }
        for (title, edits) in &report.suggestions {
            let edits = edits.iter().map(|(site, text)| Edit {
                file: Some(self.file(site.file).name.to_string()),
                range: site.span.range(),
                text: text.clone(),
            });
            diagnostic.suggestions.push(Suggestion { title: title.clone(), edits: edits.collect() });
        }
        diagnostic.suggestions.extend(self.meant(report));
        self.with_import_chain(diagnostic.in_file(&self.file(report.site.file).name), report.site.file)
    }

    /// To write what was probably meant, where just the mistaken word stands at the place, in quotes or not.
    fn meant(&self, report: &Report) -> Option<Suggestion> {
        let (word, meant) = report.meant.as_ref()?;
        let written = self.file(report.site.file).text.get(report.site.span.range())?;
        let text = match written.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            Some(inner) if inner == word => format!("\"{meant}\""),
            None if written == word => meant.clone(),
            _ => return None,
        };
        let edit = Edit { file: None, range: report.site.span.range(), text };
        Some(Suggestion { title: format!("write `{meant}`"), edits: vec![edit] })
    }

    /// The diagnostic with a label at each import between the entry and `file`.
    pub fn with_import_chain(&self, mut diagnostic: Diagnostic, file: FileId) -> Diagnostic {
        let mut at = file;
        while let Some(import) = self.file(at).imported_by {
            let text = format!("`{}` {IMPORTED_HERE}", self.file(at).name);
            diagnostic = diagnostic.with_secondary_in(&*self.file(import.file).name, import.span, text);
            at = import.file;
        }
        diagnostic
    }
}

impl LoadedFile {
    /// The span of an item, with the line end that it leaves behind.
    pub fn whole_lines(&self, span: Span) -> Span {
        let ended = self.text[span.range().end..].starts_with('\n');
        Span::new(span.start, span.end + u32::from(ended))
    }

    /// The file's axes, none where it has no `for`.
    pub fn axes(&self) -> &[ast::ForBinding] {
        self.tree.axes().next().map_or(&[], |axes| &axes.bindings)
    }

    /// The `let` at this place of the items.
    pub fn binding(&self, item: usize) -> Option<&ast::Let> {
        match self.tree.items.get(item) {
            Some(ast::Item::Let(found)) => Some(found),
            _ => None,
        }
    }

    /// The function at this place of the items.
    pub fn function(&self, item: usize) -> Option<&ast::Function> {
        match self.tree.items.get(item) {
            Some(ast::Item::Function(found)) => Some(found),
            _ => None,
        }
    }

    /// The declaration at this place of the items.
    pub fn declaration(&self, item: usize) -> Option<&ast::Declaration> {
        match self.tree.items.get(item) {
            Some(ast::Item::Declaration(found)) => Some(found),
            _ => None,
        }
    }

    /// The axes that a declaration says it varies over, in the order it says them.
    pub fn over(declaration: &ast::Declaration) -> impl Iterator<Item = &ast::ForBinding> {
        declaration.block.statements.iter().flat_map(|statement| match statement {
            ast::Statement::For(over) => over.bindings.as_slice(),
            _ => &[],
        })
    }
}
