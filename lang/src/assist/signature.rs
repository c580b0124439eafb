//! The parameters of the call that is being written.

use std::ops::Range;

use super::Analysis;
use super::analysis::ENTRY;
use super::docs;
use super::render::{function_text, parameters};
use super::symbol::{Callee, callee_of};
use super::walk::{Node, path_to};
use crate::modules::LoadedFile;
use crate::syntax::ast::{Call, ExprKind};

/// A call and where in it the cursor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// `toolchain(distro)`.
    pub label: String,
    /// Where in the label each parameter stands, in bytes.
    pub parameters: Vec<Range<usize>>,
    /// The parameter that is being written.
    pub active: Option<usize>,
    /// What the function does: Markdown.
    pub doc: Option<String>,
}

/// The call around the byte `offset` of the entry, between its parentheses.
pub fn signature(analysis: &Analysis, offset: usize) -> Option<Signature> {
    let at = u32::try_from(offset).ok()?;
    let file = analysis.file(ENTRY);
    let path = path_to(&file.tree, at);
    let inside = |call: &&Call| {
        let span = call.arguments_span;
        let closed = file.text.get(span.range()).is_some_and(|text| text.ends_with(')'));
        span.start < at && (at < span.end || !closed && at == span.end)
    };
    let call = path.iter().rev().find_map(|node| match node {
        Node::Expr(expr) => match &expr.kind {
            ExprKind::Call(call) => Some(call).filter(inside),
            _ => None,
        },
        _ => None,
    })?;
    let (label, names, texts, doc) = match callee_of(&analysis.program, ENTRY, call)? {
        Callee::Function(target, function) => {
            let source = &analysis.file(target).text;
            let names = function.parameters.iter().map(|parameter| parameter.name.text.clone()).collect();
            (function_text(function, source), names, parameters(function, source), function.doc.clone())
        }
        Callee::Builtin(name, list) => {
            let texts: Vec<String> = list.iter().map(docs::parameter).collect();
            let note = docs::function(&name).or_else(|| docs::find(docs::MEMBERS, &name));
            let label = format!("{name}({})", texts.join(", "));
            let names: Vec<String> = list.iter().map(|parameter| parameter.name.to_owned()).collect();
            (label, names, texts, note.map(|note| note.doc.to_owned()))
        }
        Callee::Declaration(_, declaration) => {
            let names: Vec<String> =
                LoadedFile::over(declaration).map(|binding| binding.name.text.clone()).collect();
            let texts: Vec<String> = names.iter().map(|name| format!("{name} = \"…\"")).collect();
            let label = format!("{}({})", declaration.name.text, texts.join(", "));
            (
                label,
                names,
                texts,
                Some("Another point of the axes than the one that refers to it.".to_owned()),
            )
        }
    };
    let active = active(call, at, &file.text, &names);
    Some(Signature { parameters: places(&label, &texts), label, active, doc })
}

/// Where the parameters stand in the label, which has them in order behind its parenthesis.
fn places(label: &str, texts: &[String]) -> Vec<Range<usize>> {
    let mut from = label.find('(').map_or(0, |open| open + 1);
    let mut found = Vec::new();
    for text in texts {
        let start = label[from..].find(text.as_str()).map_or(from, |at| from + at);
        found.push(start..start + text.len());
        from = start + text.len();
    }
    found
}

/// The number of the parameter that the cursor gives a value to.
fn active(call: &Call, at: u32, text: &str, names: &[String]) -> Option<usize> {
    let before = call.arguments.iter().take_while(|argument| argument.span.start <= at);
    if let Some(argument) = before.last()
        && at <= argument.span.end
        && let Some(name) = &argument.name
    {
        return names.iter().position(|known| *known == name.text);
    }
    // Commas between the arguments before the cursor, those inside of arguments left out.
    let from = call.arguments_span.start + 1;
    let covered = |place: u32| {
        call.arguments.iter().any(|argument| argument.span.start <= place && place < argument.span.end)
    };
    let commas = text.get(from as usize..at as usize)?.bytes().enumerate();
    let commas = commas.filter(|(offset, byte)| {
        *byte == b',' && u32::try_from(*offset).is_ok_and(|offset| !covered(from + offset))
    });
    let number = commas.count();
    (number < names.len()).then_some(number)
}
