//! References to items: which point of the other item is meant.

use std::rc::Rc;

use super::machine::{Eval, Machine, Scope, Stop};
use super::name::SHARED_AXES;
use super::value::{Kind, Value};
use crate::check::definitions::Node;
use crate::modules::{FileId, LoadedFile, Site, builtin};
use crate::recipe::{self, Content, ContentKind, ImageUse};
use crate::syntax::ast::DeclarationKind;

impl Machine<'_> {
    /// The source, build, image or repository at the scope's point, with the axes that are given explicitly.
    pub fn reference(
        &mut self,
        node: Node,
        explicit: &[(String, String, Site)],
        site: Site,
        scope: &Scope,
    ) -> Eval<Value> {
        let (file, item) = node;
        let program = self.program;
        let declaration = program.file(file).declaration(item).ok_or(Stop)?;
        let name = &declaration.name.text;
        if self.definitions.is_broken(node) {
            return Err(Stop);
        }
        let points = self.points_of(node)?;
        let mut wanted = recipe::Point::new();
        for over in LoadedFile::over(declaration) {
            let axis = over.name.text.as_str();
            if let Some((_, label, _)) = explicit.iter().find(|(named, _, _)| named == axis) {
                wanted.insert(axis.to_owned(), label.clone());
                continue;
            }
            let shared = file == scope.file || SHARED_AXES.contains(&axis);
            match scope.point.get(axis) {
                Some(value) if shared => {
                    self.memo.read(value);
                    wanted.insert(axis.to_owned(), value.label.to_string());
                }
                _ => {
                    let message = format!("`{name}` varies over `{axis}`, and {} does not", scope.subject);
                    let help = format!("write `{name}({axis} = \"…\")` to say which one");
                    return self.stop("hbuild::lang::axis_not_in_scope", site, message, &help);
                }
            }
        }
        let Some(point) = points.find(&wanted).cloned() else {
            let labels: Vec<String> = wanted.iter().map(|(axis, label)| format!("{axis} {label}")).collect();
            let message = format!("`{name}` has no value at {}", labels.join(", "));
            let help = format!("let `{name}` vary over it, or take it only where it is, with `when`");
            return self.stop("hbuild::lang::no_such_point", site, message, &help);
        };
        if declaration.kind == DeclarationKind::Repository {
            let reads = self.memo.begin();
            let repository = self.repository(node, &point, site);
            self.memo.resume(reads);
            return repository;
        }
        self.referred.insert((node, wanted.clone()));
        if declaration.kind == DeclarationKind::Image {
            let image = ImageUse { image: self.item_name(file, name), point: wanted };
            return Ok(Value { kind: Kind::Image(Rc::new(image)), site });
        }
        let kind = match declaration.kind {
            DeclarationKind::Build => ContentKind::Build,
            _ => ContentKind::Source,
        };
        let content = Content {
            source: self.item_name(file, name),
            kind,
            output: None,
            point: wanted,
            at: "/".to_owned(),
            only: Vec::new(),
            without: Vec::new(),
            replacing: Vec::new(),
        };
        Ok(Value { kind: Kind::Content(Rc::new(content)), site })
    }

    /// A further output of the build; `None` where the content cannot have one of that name.
    pub fn output(&mut self, content: &Content, name: &str, site: Site) -> Option<Content> {
        let method = builtin::CONTENT_METHODS.iter().any(|(method, _)| *method == name);
        if content.kind != ContentKind::Build || content.output.is_some() || method {
            return None;
        }
        let content = Content { output: Some(name.to_owned()), ..content.clone() };
        self.outputs.push((content.clone(), site));
        Some(content)
    }

    /// The name of an item in the evaluated recipe: its own, behind its module's where it is imported.
    pub fn item_name(&self, file: FileId, name: &str) -> String {
        let loaded = self.program.file(file);
        match loaded.imported_by {
            None => name.to_owned(),
            Some(_) => format!("{}.{name}", loaded.name.strip_suffix(".hb").unwrap_or(&loaded.name)),
        }
    }
}
