//! Lowering: from the lossless tree to the plain one. What is broken is left out or `Missing`.

mod block;
mod expr;
mod string;

use super::*;
use crate::syntax::SyntaxKind;
use crate::syntax::green::{GreenText, GreenView};
use crate::syntax::literal;

/// The plain tree of a `File` node.
pub(in crate::syntax) fn lower(green: &rowan::GreenNodeData) -> File {
    let root = GreenView::root(green);
    let edition = root.node(SyntaxKind::Edition).and_then(edition);
    File { edition, items: root.nodes().filter_map(item).collect(), span: root.span() }
}

fn edition(node: GreenView<'_>) -> Option<Edition> {
    let number = literal::integer(node.token(SyntaxKind::Int)?.text).ok()?;
    Some(Edition { number, span: node.span() })
}

fn item(node: GreenView<'_>) -> Option<Item> {
    Some(match node.kind() {
        SyntaxKind::Import => Item::Import(import(node)?),
        SyntaxKind::Let => {
            let value = expr::value_of(node);
            Item::Let(Let { doc: doc(node), name: name(node)?, value, span: node.span() })
        }
        SyntaxKind::ForAxes => {
            Item::ForAxes(ForAxes { doc: doc(node), bindings: bindings(node), span: node.span() })
        }
        SyntaxKind::Function => Item::Function(function(node)?),
        SyntaxKind::Declaration => Item::Declaration(declaration(node)?),
        _ => return None,
    })
}

/// The doc comment: its lines without `##` and the space after it.
fn doc(node: GreenView<'_>) -> Option<String> {
    use crate::syntax::green::GreenChild;
    let mut lines = Vec::new();
    for child in node.children() {
        match child {
            GreenChild::Token(token) if token.kind == SyntaxKind::DocComment => {
                let text = token.text.trim_start_matches('#');
                lines.push(text.strip_prefix(' ').unwrap_or(text).trim_end());
            }
            GreenChild::Token(token) if token.kind.is_trivia() => {}
            _ => break,
        }
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn name_of(token: GreenText<'_>) -> Name {
    Name { text: token.text.to_owned(), span: token.span() }
}

fn is_word(token: GreenText<'_>) -> bool {
    matches!(token.kind, SyntaxKind::Name | SyntaxKind::Word | SyntaxKind::BadWord)
}

/// The name that stands behind the word that begins the item.
fn name(node: GreenView<'_>) -> Option<Name> {
    node.tokens().nth(1).filter(|token| is_word(*token)).map(name_of)
}

/// The first word among the tokens.
fn first_name(node: GreenView<'_>) -> Option<Name> {
    node.tokens().find(|token| is_word(*token)).map(name_of)
}

/// The place of the word that begins the node.
fn keyword(node: GreenView<'_>) -> Span {
    node.tokens().next().map_or(node.span(), GreenText::span)
}

fn import(node: GreenView<'_>) -> Option<Import> {
    let (path, path_span, name) = if let Some(module) = node.node(SyntaxKind::ModulePath) {
        let words: Vec<Name> = module.tokens().filter(|token| is_word(*token)).map(name_of).collect();
        let path = words.iter().map(|word| word.text.clone()).collect();
        (ImportPath::Module(path), module.span(), words.last().cloned())
    } else {
        let string = string::literal(node.node(SyntaxKind::StringExpr)?);
        let path = string.plain()?.to_owned();
        let stem = path.rsplit('/').next().and_then(|file| file.strip_suffix(".hb"));
        let name = stem.filter(|stem| literal::is_name(stem));
        let name = name.map(|stem| Name { text: stem.to_owned(), span: string.span });
        (ImportPath::File(path), string.span, name)
    };
    Some(Import { doc: doc(node), path, path_span, name, span: node.span() })
}

fn bindings(node: GreenView<'_>) -> Vec<ForBinding> {
    let bindings = node.nodes().filter(|binding| binding.kind() == SyntaxKind::ForBinding);
    let lowered = bindings.filter_map(|binding| {
        let values = binding.token(SyntaxKind::InWord).map(|_| expr::value_of(binding));
        Some(ForBinding { name: first_name(binding)?, values, span: binding.span() })
    });
    lowered.collect()
}

fn function(node: GreenView<'_>) -> Option<Function> {
    let parameters = node.node(SyntaxKind::Parameters).into_iter().flat_map(GreenView::nodes);
    let parameters = parameters.filter_map(|parameter| {
        let default = parameter.token(SyntaxKind::Equal).map(|_| expr::value_of(parameter));
        Some(Parameter { name: first_name(parameter)?, default, span: parameter.span() })
    });
    let body = match node.node(SyntaxKind::Block) {
        Some(block) => FunctionBody::Block(block::block(block)),
        None => FunctionBody::Value(expr::value_of(node)),
    };
    let parameters = parameters.collect();
    Some(Function { doc: doc(node), name: name(node)?, parameters, body, span: node.span() })
}

fn declaration(node: GreenView<'_>) -> Option<Declaration> {
    let word = node.tokens().next()?;
    let kind = DeclarationKind::ALL.into_iter().find(|kind| kind.as_str() == word.text).or_else(|| {
        let words = DeclarationKind::ALL.map(DeclarationKind::as_str);
        let meant = crate::diagnostic::nearest(word.text, words)?;
        DeclarationKind::ALL.into_iter().find(|kind| kind.as_str() == meant)
    })?;
    let block = node.node(SyntaxKind::Block).map(block::block).unwrap_or_default();
    Some(Declaration {
        doc: doc(node),
        kind,
        keyword: word.span(),
        name: name(node)?,
        block,
        span: node.span(),
    })
}
