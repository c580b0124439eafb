//! Lints: what is written and not used. Warnings, for the author's own files alone.

use super::definitions::Definitions;
use super::mentions;
use crate::modules::{FileId, LoadedFile, Program, Report, Reports, Site};
use crate::syntax::Span;
use crate::syntax::ast::{self, DeclarationKind};

/// Warns of names that nothing mentions. What a file without images defines is there for those who import it.
pub fn unused(program: &Program, definitions: &Definitions, reports: &mut Reports) {
    for file in program.ids().filter(|file| !program.file(*file).standard) {
        let mut lints = Lints { definitions, file, reports };
        let loaded = program.file(file);
        let images = loaded.tree.declarations().any(|declaration| declaration.kind == DeclarationKind::Image);
        let entry = file == FileId::default() && images;
        for (index, item) in loaded.tree.items.iter().enumerate() {
            match item {
                ast::Item::Import(import) => {
                    if let Some(name) = import.name.as_ref().filter(|_| loaded.imports.contains_key(&index)) {
                        lints.name("unused_import", "import", name, loaded.whole_lines(import.span));
                    }
                }
                ast::Item::Let(item) if entry => {
                    lints.name("unused_let", "`let`", &item.name, loaded.whole_lines(item.span));
                }
                ast::Item::Function(item) => {
                    lints.parameters(item);
                    if entry {
                        lints.name("unused_function", "function", &item.name, loaded.whole_lines(item.span));
                    }
                }
                ast::Item::Declaration(item) => {
                    lints.item_axes(program, loaded, item);
                    if entry {
                        lints.item(item, loaded.whole_lines(item.span));
                    }
                }
                ast::Item::ForAxes(axes) if std::ptr::eq(loaded.axes(), axes.bindings.as_slice()) => {
                    lints.file_axes(loaded, axes)
                }
                ast::Item::Let(_) | ast::Item::ForAxes(_) => {}
            }
        }
    }
}

struct Lints<'a> {
    definitions: &'a Definitions,
    file: FileId,
    reports: &'a mut Reports,
}

impl Lints<'_> {
    fn name(&mut self, lint: &str, what: &str, name: &ast::Name, item: Span) {
        if !self.definitions.is_mentioned(self.file, &name.text) {
            let message = format!("the {what} `{}` is not used", name.text);
            let (site, item) = (self.file.site(name.span), self.file.site(item));
            self.warn(lint, site, message).suggest(format!("remove the {what} `{}`", name.text), item, "");
        }
    }

    fn warn(&mut self, lint: &str, site: Site, message: String) -> &mut Report {
        let code = match lint {
            "unused_import" => "hbuild::lang::unused_import",
            "unused_let" => "hbuild::lang::unused_let",
            "unused_function" => "hbuild::lang::unused_function",
            "unused_parameter" => "hbuild::lang::unused_parameter",
            "unused_source" => "hbuild::lang::unused_source",
            "unused_build" => "hbuild::lang::unused_build",
            "unused_repository" => "hbuild::lang::unused_repository",
            _ => "hbuild::lang::unused_axis",
        };
        self.reports.warning(code, site, message).help("use it, or take it away")
    }

    fn item(&mut self, declaration: &ast::Declaration, item: Span) {
        let kind = declaration.kind.as_str();
        match declaration.kind {
            DeclarationKind::Source => self.name("unused_source", kind, &declaration.name, item),
            DeclarationKind::Build => self.name("unused_build", kind, &declaration.name, item),
            DeclarationKind::Repository => self.name("unused_repository", kind, &declaration.name, item),
            DeclarationKind::Image => {}
        }
    }

    fn parameters(&mut self, function: &ast::Function) {
        let mentions = mentions::of_function(function);
        for parameter in &function.parameters {
            if !mentions.iter().any(|mention| mention.name == parameter.name.text) {
                let message = format!("the parameter `{}` is not used", parameter.name.text);
                self.warn("unused_parameter", self.file.site(parameter.name.span), message);
            }
        }
    }

    /// Axes of the file that no item varies over and no other axis mentions.
    fn file_axes(&mut self, file: &LoadedFile, axes: &ast::ForAxes) {
        let over: Vec<&str> = file
            .tree
            .declarations()
            .flat_map(LoadedFile::over)
            .map(|binding| binding.name.text.as_str())
            .collect();
        let between: Vec<&str> =
            mentions::of_bindings(&axes.bindings).into_iter().map(|mention| mention.name).collect();
        // `arch = any` runs on the first architecture.
        let fields = file.tree.declarations().flat_map(|declaration| declaration.block.fields());
        let any_arch = fields.filter_map(|field| field.path.first()?.text()).any(|name| name == "arch");
        for axis in &axes.bindings {
            let name = axis.name.text.as_str();
            let used = over.contains(&name) || between.contains(&name) || (any_arch && name == "arch");
            if !used {
                let message = format!("no item varies over the axis `{name}`");
                self.warn("unused_axis", self.file.site(axis.name.span), message);
            }
        }
    }

    /// Axes that an item varies over without any difference. What an image is for is a difference by itself.
    fn item_axes(&mut self, program: &Program, file: &LoadedFile, declaration: &ast::Declaration) {
        let image = declaration.kind == DeclarationKind::Image;
        let mentioned = mentions::of_block(&declaration.block);
        let mut axes = self.definitions.axes_of(program, self.file, &mentioned);
        for axis in file.axes().iter().rev().filter(|axis| names(declaration, &axis.name.text)) {
            // What an axis depends on makes a difference where the axis does.
            axes.extend(mentions::of_bindings([axis]).into_iter().map(|mention| mention.name.to_owned()));
        }
        for binding in LoadedFile::over(declaration) {
            let name = binding.name.text.as_str();
            let meant = match declaration.kind {
                DeclarationKind::Build => matches!(name, "distro" | "arch"),
                _ => image && matches!(name, "distro" | "arch" | "flavor"),
            };
            let known = file.axes().iter().any(|axis| axis.name.text == name);
            if known && !meant && !axes.contains(name) {
                let kind = declaration.kind.as_str();
                let message = format!(
                    "{kind} `{}` varies over `{name}` and is the same everywhere on it",
                    declaration.name.text
                );
                self.warn("unused_axis", self.file.site(binding.name.span), message);
            }
        }
    }
}

/// Whether the declaration varies over the axis.
fn names(declaration: &ast::Declaration, axis: &str) -> bool {
    LoadedFile::over(declaration).any(|binding| binding.name.text == axis)
}
