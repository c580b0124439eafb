//! Items and blocks: fields that exist, of the right type, statements that belong there.

use std::collections::BTreeSet;

use super::deprecated;
use super::infer::{Checker, Scope};
use super::schema::{self, Field, Shape};
use super::types::Type;
use crate::modules::{FileId, LoadedFile, Site, builtin};
use crate::syntax::ast::{self, DeclarationKind, FieldOperator, Statement};

/// The fields that a block can have.
#[derive(Debug, Clone, Copy)]
struct Fields {
    /// The tables to look in, in order.
    tables: &'static [&'static [Field]],
    /// For messages: `image `hello``, `a function`.
    image: bool,
    build: bool,
}

impl Fields {
    fn find(self, name: &str) -> Option<&'static Field> {
        self.tables.iter().find_map(|table| schema::find(table, name))
    }
}

impl Checker<'_> {
    /// Checks the files of the recipe: axes, `let`s, functions, items. What it calls of the standard library is looked at
    /// with its calls; on its own that library has no mistake.
    pub fn run(&mut self) {
        let program = self.program;
        for file in program.ids() {
            self.axes(file);
        }
        let entry = FileId::default();
        for file in program.ids().filter(|&file| file == entry || !program.file(file).standard) {
            for (index, item) in program.file(file).tree.items.iter().enumerate() {
                match item {
                    ast::Item::Let(_) => {
                        self.let_type(file, index);
                    }
                    ast::Item::Function(function) => {
                        for (at, parameter) in function.parameters.iter().enumerate() {
                            let subject = String::new();
                            let scope = Scope { file, locals: Vec::new(), axes: None, subject };
                            self.new_name(&scope, &parameter.name);
                            self.repeated(file, function, at);
                        }
                        self.function((file, index), function, vec![None; function.parameters.len()]);
                    }
                    ast::Item::Declaration(declaration) => self.item(file, declaration),
                    ast::Item::Import(_) | ast::Item::ForAxes(_) => {}
                }
            }
        }
    }

    fn repeated(&mut self, file: FileId, function: &ast::Function, at: usize) {
        let parameter = &function.parameters[at].name;
        if function.parameters[..at].iter().any(|other| other.name.text == parameter.text) {
            let message = format!("the parameter `{}` is there twice", parameter.text);
            self.reports
                .error("hbuild::lang::duplicate_name", file.site(parameter.span), message)
                .help("give each parameter a name of its own");
        }
    }

    /// Finds the types of the file's axes.
    pub fn axes(&mut self, file: FileId) {
        let program = self.program;
        let mut before = BTreeSet::new();
        for binding in program.file(file).axes() {
            let name = &binding.name.text;
            let subject = format!("the axis `{name}`");
            let scope = Scope { file, locals: Vec::new(), axes: Some(before.clone()), subject };
            let kind = match &binding.values {
                Some(values) => {
                    let over = self.infer(values, &scope);
                    match self.elements(&over, file.site(values.span)) {
                        Type::Record { fields, .. } => Type::Record { fields, row: true },
                        other => other,
                    }
                }
                None => Type::Unknown,
            };
            self.axes.insert((file, name.clone()), kind);
            before.insert(name.clone());
        }
    }

    /// Reports a local name that something else has already.
    pub fn new_name(&mut self, scope: &Scope, name: &ast::Name) {
        let file = self.program.file(scope.file);
        let taken = if file.names.contains_key(&name.text) {
            "the file has that name already"
        } else if scope.local(&name.text).is_some() {
            "a parameter or variable has that name already"
        } else if builtin::reserves(&name.text, false) {
            "it is a name of the language"
        } else {
            return;
        };
        let message = format!("`{}` cannot be used here: {taken}", name.text);
        self.reports
            .error("hbuild::lang::shadowed_name", scope.file.site(name.span), message)
            .help("choose another name: nothing can be shadowed");
    }

    fn item(&mut self, file: FileId, declaration: &ast::Declaration) {
        let subject = format!("{} `{}`", declaration.kind.as_str(), declaration.name.text);
        let axes: BTreeSet<String> =
            LoadedFile::over(declaration).map(|binding| binding.name.text.clone()).collect();
        for binding in LoadedFile::over(declaration) {
            if let Some(values) = &binding.values {
                let subject = "the `for` of an item".to_owned();
                let scope = Scope { file, locals: Vec::new(), axes: Some(BTreeSet::new()), subject };
                let kind = self.infer(values, &scope);
                let labels = matches!(
                    kind.present(),
                    Type::List(_) | Type::Map(_) | Type::Record { .. } | Type::Unknown
                );
                if !labels {
                    self.wrong_type(file.site(values.span), "a list or a map", &kind);
                }
            }
        }
        let scope = Scope { file, locals: Vec::new(), axes: Some(axes), subject };
        let fields = match declaration.kind {
            DeclarationKind::Source => Fields { tables: &[schema::SOURCE], image: false, build: false },
            DeclarationKind::Repository => {
                Fields { tables: &[schema::REPOSITORY], image: false, build: false }
            }
            DeclarationKind::Image => Fields { tables: &[schema::IMAGE], image: true, build: false },
            DeclarationKind::Build => Fields { tables: &[schema::BUILD], image: false, build: true },
        };
        self.block(&declaration.block, fields, &scope, true);
    }

    /// Checks the block of a function, which any item may use.
    pub fn fields_of_function(&mut self, block: &ast::Block, scope: &Scope) {
        let tables = const { &[schema::IMAGE, schema::SOURCE, schema::BUILD, schema::REPOSITORY] };
        self.block(block, Fields { tables, image: true, build: true }, scope, false);
    }

    fn block(&mut self, block: &ast::Block, fields: Fields, scope: &Scope, top: bool) {
        for statement in &block.statements {
            match statement {
                Statement::For(over) if !top => {
                    self.misplaced(scope.file.site(over.keyword), "`for`", "write it first in an item");
                }
                Statement::For(_) => {}
                Statement::Field(field) => self.field(field, fields, scope),
                Statement::Use(item) => {
                    let kind = self.infer(&item.value, scope);
                    if !matches!(
                        kind.present(),
                        Type::Fields | Type::Record { .. } | Type::Map(_) | Type::Unknown
                    ) {
                        self.wrong_type(scope.file.site(item.value.span), "a record of fields", &kind);
                    }
                }
                Statement::When(item) => {
                    self.condition(&item.condition, scope);
                    self.block(&item.block, fields, scope, false);
                }
                Statement::Step(step) => {
                    if !fields.build {
                        self.misplaced(scope.file.site(step.keyword), "`step`", "steps belong to a build");
                    }
                    self.string(&step.name, scope);
                    self.part(&step.block, &[schema::STEP], scope);
                }
                Statement::Test(test) => {
                    if !fields.image {
                        self.misplaced(scope.file.site(test.keyword), "`test`", "tests belong to an image");
                    }
                    self.string(&test.name, scope);
                    self.part(&test.block, &[schema::TEST], scope);
                }
                Statement::Waive(waive) => {
                    if !fields.image {
                        self.misplaced(
                            scope.file.site(waive.keyword),
                            "`waive`",
                            "waivers belong to an image",
                        );
                    }
                    self.known_rule(&waive.rule, scope);
                    self.part(&waive.block, &[schema::WAIVER], scope);
                }
            }
        }
    }

    fn part(&mut self, block: &ast::Block, tables: &'static [&'static [Field]], scope: &Scope) {
        self.block(block, Fields { tables, image: false, build: false }, scope, false);
    }

    fn known_rule(&mut self, rule: &ast::Name, scope: &Scope) {
        if schema::POLICY.contains(&rule.text.as_str()) {
            return;
        }
        let site = scope.file.site(rule.span);
        let message = format!("the policy has no rule `{}`", rule.text);
        let report = self.reports.error("hbuild::lang::unknown_rule", site, message);
        report.meant(&rule.text, schema::POLICY.iter().copied(), "rules");
    }

    fn misplaced(&mut self, site: Site, word: &str, help: &str) {
        self.reports.error("hbuild::lang::misplaced", site, format!("{word} does not stand here")).help(help);
    }

    fn field(&mut self, field: &ast::Field, fields: Fields, scope: &Scope) {
        let kind = self.infer(&field.value, scope);
        field.path.iter().for_each(|key| self.key(key, scope));
        let site = scope.file.site(field.path_span());
        let Some(ast::Key::Word(name)) = field.path.first() else {
            let help = "write `field = …`, or `field.key = …` for one key of a map";
            self.reports.error("hbuild::lang::bad_field", site, "this names no field").help(help);
            return;
        };
        let name_site = scope.file.site(name.span);
        let Some(known) = fields.find(&name.text) else {
            let names = fields.tables.iter().flat_map(|table| table.iter().map(|field| field.name));
            let message = format!("there is no field `{}` here", name.text);
            let report = self.reports.error("hbuild::lang::unknown_field", name_site, message);
            report.meant(&name.text, names, "fields");
            return;
        };
        deprecated::field(known, name_site, self.reports);
        let value_site = scope.file.site(field.value.span);
        match (known.shape, field.path.len(), field.operator) {
            (shape, 1, FieldOperator::Set) => self.fits(&kind, shape, value_site),
            (shape, 1, FieldOperator::Append) if shape.appends() => self.fits(&kind, shape, value_site),
            (_, 1, FieldOperator::Append) => {
                let message = format!("`{}` has one value, nothing can be added to it", known.name);
                let help = format!("write `{} = …`", known.name);
                self.reports.error("hbuild::lang::bad_field", site, message).help(help);
            }
            (shape, 2, FieldOperator::Set) if shape.has_keys() => self.fits_key(&kind, shape, value_site),
            (shape, 2, FieldOperator::Append) if shape.has_keys() => {
                let help = format!("write `{} += {{ key = … }}`, or `=` to replace one", known.name);
                self.reports.error("hbuild::lang::bad_field", site, "`+=` adds to a whole field").help(help);
            }
            _ => {
                let message = format!("`{}` has no such keys", known.name);
                let help = format!("write `{} = …`", known.name);
                self.reports.error("hbuild::lang::bad_field", site, message).help(help);
            }
        }
    }

    fn fits(&mut self, kind: &Type, shape: Shape, site: Site) {
        if !kind.fits(shape) {
            self.wrong_type(site, shape.describe(), kind);
        }
    }

    /// Checks the value of one key.
    fn fits_key(&mut self, kind: &Type, shape: Shape, site: Site) {
        let (fits, wanted) = match shape {
            Shape::Map(_, form) => (kind.fits(Shape::Text(form)), "a string"),
            Shape::Rules => (
                matches!(kind.present(), Type::Rule | Type::Unknown | Type::None),
                "a rule such as `file(…)`",
            ),
            Shape::Records(..) => {
                let record =
                    matches!(kind.present(), Type::Record { .. } | Type::Map(_) | Type::Unknown | Type::None);
                (record, "a record")
            }
            Shape::Sources(_) => {
                let source =
                    matches!(kind.present(), Type::Source | Type::Content | Type::Unknown | Type::None);
                (source, "a source")
            }
            _ => (true, ""),
        };
        if !fits {
            self.wrong_type(site, wanted, kind);
        }
    }
}
