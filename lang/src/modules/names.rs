//! The names of one file. One name has one meaning: no other item of the file can have it, nor a built-in name
//! that could stand in its place.

use std::collections::BTreeMap;

use super::{Binding, FileId, Program, Reports, Site, builtin};
use crate::syntax::ast;

/// What each name of the file stands for, the first of two equal names; the rest is reported.
pub fn collect(program: &Program, id: FileId, reports: &mut Reports) -> BTreeMap<String, Binding> {
    let mut names = Names { id, found: BTreeMap::new(), places: BTreeMap::new(), reports };
    let mut axes = None;
    for (index, item) in program.file(id).tree.items.iter().enumerate() {
        match item {
            ast::Item::Import(import) => {
                if let Some(name) = &import.name {
                    names.bind(name, Binding::Import(index));
                }
            }
            ast::Item::Let(item) => names.bind(&item.name, Binding::Let(index)),
            ast::Item::Function(item) => names.bind(&item.name, Binding::Function(index)),
            ast::Item::Declaration(item) => names.bind(&item.name, Binding::Declaration(index)),
            ast::Item::ForAxes(item) => match axes {
                None => {
                    axes = Some(item.span);
                    for (axis, binding) in item.bindings.iter().enumerate() {
                        names.bind(&binding.name, Binding::Axis(axis));
                    }
                }
                Some(first) => {
                    names
                        .reports
                        .error("hbuild::lang::second_for", id.site(item.span), "the file has two `for`s")
                        .related(id.site(first), "the first one")
                        .help("one `for` at file level declares all axes");
                }
            },
        }
    }
    names.found
}

struct Names<'a> {
    id: FileId,
    found: BTreeMap<String, Binding>,
    places: BTreeMap<String, Site>,
    reports: &'a mut Reports,
}

impl Names<'_> {
    fn bind(&mut self, name: &ast::Name, binding: Binding) {
        let site = self.id.site(name.span);
        let function = matches!(binding, Binding::Function(_));
        if !matches!(binding, Binding::Import(_)) && builtin::reserves(&name.text, function) {
            let message = format!("`{}` is a name of the language", name.text);
            self.reports
                .error("hbuild::lang::shadowed_name", site, message)
                .help("choose another name: nothing can be shadowed");
            return;
        }
        if let Some(first) = self.places.get(&name.text) {
            let message = format!("`{}` is defined twice", name.text);
            self.reports
                .error("hbuild::lang::duplicate_name", site, message)
                .related(*first, "first defined here")
                .help("imports, lets, functions, axes and items of a file share one set of names");
            return;
        }
        self.places.insert(name.text.clone(), site);
        self.found.insert(name.text.clone(), binding);
    }
}
