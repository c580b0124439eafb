//! The insides of strings: packages, releases, accounts, labels.

use super::context::Context;
use super::{Completion, CompletionKind, Completions, Surroundings, labels_of};
use crate::assist::analysis::ENTRY;
use crate::assist::symbol::{Callee, callee_of};
use crate::assist::walk::Node;
use crate::check::form::Form;
use crate::check::schema::Shape;
use crate::modules::{Binding, releases};
use crate::recipe::Family;
use crate::syntax::ast::{self, ExprKind, Item, PatternKind};

/// Signals that ask programs to end.
const SIGNALS: &[&str] =
    &["SIGHUP", "SIGINT", "SIGKILL", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGWINCH"];
/// Licences that are met most.
const LICENSES: &[&str] = &[
    "AGPL-3.0-only",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "GPL-2.0-only",
    "GPL-2.0-or-later",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
    "ISC",
    "LGPL-2.1-or-later",
    "MIT",
    "MPL-2.0",
    "PostgreSQL",
    "Python-2.0",
    "Zlib",
];

impl Context<'_> {
    /// What can stand in the string around the cursor.
    pub fn strings(&self, around: &dyn Surroundings) -> Completions {
        let whole = |list| Completions { list, incomplete: false };
        if let Some(list) = self.argument_text() {
            return whole(list);
        }
        if let Some(axis) = self.compared_axis() {
            let labels = labels_of(&self.analysis.program, ENTRY, &axis);
            return whole(self.all(&labels, CompletionKind::Value, "label"));
        }
        let Some((field, depth)) = self.field_around() else { return Completions::default() };
        match (field.shape, depth) {
            (Shape::Inputs | Shape::Texts(Form::Package | Form::PackageName), 0) => {
                let (packages, incomplete) = around.packages(&self.prefix, self.distro().as_deref());
                let package =
                    |(name, version): &(String, String)| self.plain(name, CompletionKind::Package, version);
                Completions { list: packages.iter().map(package).collect(), incomplete }
            }
            (Shape::Text(Form::RunAs), 0) => whole(self.accounts("users", "account")),
            (Shape::Text(Form::Signal), 0) => whole(self.all(SIGNALS, CompletionKind::Value, "signal")),
            (Shape::Text(Form::License), 0) => whole(self.all(LICENSES, CompletionKind::Value, "licence")),
            (Shape::Records(..), 2) => whole(self.accounts("users", "account")),
            _ => Completions::default(),
        }
    }

    fn all<T: AsRef<str>>(&self, texts: &[T], kind: CompletionKind, detail: &str) -> Vec<Completion> {
        let place = |(at, text): (usize, &T)| Completion {
            rank: u8::try_from(at).unwrap_or(u8::MAX),
            ..self.plain(text.as_ref(), kind, detail)
        };
        texts.iter().enumerate().map(place).collect()
    }

    fn accounts(&self, field: &str, detail: &str) -> Vec<Completion> {
        self.all(&self.keys_of(field), CompletionKind::Value, detail)
    }

    /// The string as an argument: a release, an account, a label.
    fn argument_text(&self) -> Option<Vec<Completion>> {
        if let Some(Node::Pattern(pattern)) =
            self.path.iter().rev().find(|node| {
                matches!(node, Node::Pattern(ast::Pattern { kind: PatternKind::Name { .. }, .. }))
            })
            && let PatternKind::Name { name, arguments: Some(_) } = &pattern.kind
        {
            return self.releases(&name.text);
        }
        let [.., Node::Expr(call), Node::Argument(argument), Node::Expr(_)] = self.path.as_slice() else {
            return None;
        };
        let ExprKind::Call(call) = &call.kind else { return None };
        let named = argument.name.as_ref().map(|name| name.text.as_str());
        match callee_of(&self.analysis.program, ENTRY, call)? {
            Callee::Builtin(function, _) => match (function.as_str(), named) {
                ("debian" | "alpine", _) => self.releases(&function),
                (_, Some("owner")) => Some(self.accounts("users", "account")),
                (_, Some("group")) => Some(self.accounts("groups", "group")),
                _ => None,
            },
            Callee::Declaration(file, _) => {
                let labels = labels_of(&self.analysis.program, file, named?);
                Some(self.all(&labels, CompletionKind::Value, "label"))
            }
            Callee::Function(..) => None,
        }
    }

    fn releases(&self, function: &str) -> Option<Vec<Completion>> {
        let family = match function {
            "debian" => Family::Debian,
            "alpine" => Family::Alpine,
            _ => return None,
        };
        let mut known = releases::known(family);
        known.reverse();
        Some(self.all(&known, CompletionKind::Value, "release"))
    }

    /// The axis that the string is compared with, or matched against.
    fn compared_axis(&self) -> Option<String> {
        let subject = self.path.iter().rev().take(3).find_map(|node| match node {
            Node::Expr(expr) => match &expr.kind {
                ExprKind::Binary(binary) => {
                    let names = [&binary.left, &binary.right];
                    names.into_iter().find(|side| matches!(side.kind, ExprKind::Name(_)))
                }
                ExprKind::Match(item) => Some(&item.subject),
                _ => None,
            },
            _ => None,
        })?;
        let ExprKind::Name(name) = &subject.kind else { return None };
        let inside_value = self.path.iter().rev().take(2).any(|node| matches!(node, Node::Arm(_)))
            && !self.path.iter().rev().take(1).any(|node| matches!(node, Node::Pattern(_)));
        matches!(self.file.names.get(name), Some(Binding::Axis(_)) if !inside_value).then(|| name.clone())
    }

    /// The distro that the place is for: that of the arm of a `match` around it, or the only one of the axis.
    fn distro(&self) -> Option<String> {
        let arm = self.path.iter().rev().find_map(|node| match node {
            Node::Arm(arm) => match &arm.pattern.kind {
                PatternKind::Name { name, .. } if matches!(&*name.text, "debian" | "alpine") => {
                    Some(name.text.clone())
                }
                _ => None,
            },
            _ => None,
        });
        let labels = match self.path.first() {
            Some(Node::Item(Item::Declaration(_))) => labels_of(&self.analysis.program, ENTRY, "distro"),
            _ => Vec::new(),
        };
        let fitting: Vec<&String> =
            labels.iter().filter(|label| arm.as_deref().is_none_or(|arm| label.starts_with(arm))).collect();
        match (fitting.as_slice(), arm) {
            ([one], _) => Some((*one).clone()),
            (_, arm) => arm,
        }
    }
}
