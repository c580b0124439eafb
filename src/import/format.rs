//! Which format a file has, told by its content.

use std::cell::Cell;

use super::definition::Definition;
use super::reader::{At, Reader};
use super::remark::{Problem, ProblemKind};
use super::yaml::{self, Kind, Mark, Node, State};
use super::{Input, Options, apko, catalogue, symbolic};

/// How deep files include others.
const DEPTH: u32 = 8;

/// What a file came to.
pub enum Read {
    /// A definition.
    Definition(Box<Definition>),
    /// A file of a folder that is no definition.
    Other,
    /// A file with problems.
    Bad,
}

/// Formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Catalogue,
    Apko,
    Melange,
}

/// Reads a file; what is wrong goes to `problems`.
pub fn read(input: &Input, options: &Options<'_>, problems: &mut Vec<Problem>) -> Read {
    let mut bad = |mark: Mark, kind: ProblemKind, message: String| {
        let Mark { line, column } = mark;
        problems.push(Problem { file: input.path.clone(), line, column, kind, message });
        Read::Bad
    };
    let first = Mark { line: 1, column: 1 };
    let Ok(text) = std::str::from_utf8(&input.bytes) else {
        return bad(first, ProblemKind::Yaml, "the file is not UTF-8".to_owned());
    };
    let mut root = match yaml::parse(text) {
        Ok(Some(root)) => root,
        Ok(None) if !input.named => return Read::Other,
        Ok(None) => return bad(first, ProblemKind::Format, "the file is empty".to_owned()),
        Err(error) => return bad(error.mark, ProblemKind::Yaml, error.reason),
    };
    let format = match told(&root, text) {
        Some(Format::Melange) if !input.named => return Read::Other,
        Some(Format::Melange) => {
            let message =
                "this is melange's: it makes a package, and a recipe makes images; write a `build` for it";
            return bad(first, ProblemKind::Format, message.to_owned());
        }
        Some(format) => format,
        None if !input.named => return Read::Other,
        None => {
            let message = "this is neither a definition of the catalogue nor apko's: it has no `image` and no `contents`";
            return bad(first, ProblemKind::Format, message.to_owned());
        }
    };
    if !symbolic::is_free_of_signs(text) {
        return bad(first, ProblemKind::Yaml, "the file has characters of the private use area".to_owned());
    }
    root = included(root, &input.path, format, options, DEPTH);
    let reader = Reader::new(&input.path);
    let at = At::root(&root);
    let mut definition = match format {
        Format::Catalogue => catalogue::read(&reader, &at, text),
        _ => apko::read(&reader, &at),
    };
    reader.unread(&at);
    let (found, remarks) = reader.finish();
    definition.remarks = remarks;
    if found.is_empty() {
        return Read::Definition(Box::new(definition));
    }
    problems.extend(found);
    Read::Bad
}

fn told(root: &Node, text: &str) -> Option<Format> {
    let has = |key: &str| root.get(key).is_some();
    let contents = root.get("contents").is_some_and(|contents| matches!(contents.kind, Kind::Map(_)));
    let syntax =
        text.lines().take(5).any(|line| line.starts_with('#') && line.contains("syntax=dhi.io/build"));
    if root.get("package").is_some_and(|package| package.get("name").is_some()) && has("pipeline") {
        return Some(Format::Melange);
    }
    let image = root.get("image").is_some_and(|image| matches!(image.kind, Kind::Scalar { .. }));
    if syntax || (image && (contents || has("variant"))) {
        return Some(Format::Catalogue);
    }
    (contents || (has("include") && (has("entrypoint") || has("accounts")))).then_some(Format::Apko)
}

/// The document with those that it includes below it.
fn included(root: Node, path: &str, format: Format, options: &Options<'_>, depth: u32) -> Node {
    let key = if format == Format::Apko { "include" } else { "includes" };
    let names: Vec<String> = match root.get(key).map(|node| &node.kind) {
        Some(Kind::List(list)) => list.iter().map(Node::flow).collect(),
        Some(Kind::Scalar { text, .. }) if !text.is_empty() => vec![text.clone()],
        _ => return root,
    };
    let find = |name: &String| {
        let input = options.include?(path, name)?;
        let text = std::str::from_utf8(&input.bytes).ok()?;
        let node = yaml::parse(text).ok()??;
        Some(included(node, &input.path, format, options, depth - 1))
    };
    let found: Option<Vec<Node>> = if depth == 0 { None } else { names.iter().map(find).collect() };
    let Some(found) = found else { return root };
    let mut root = root;
    if let Kind::Map(map) = &mut root.kind {
        map.retain(|(known, _)| known.text != key);
    }
    found.into_iter().rev().fold(root, |over, under| overlaid(under, over, format == Format::Catalogue))
}

/// `over` on `under`: maps key by key, texts replaced, lists one behind the other where `join` says so.
fn overlaid(under: Node, over: Node, join: bool) -> Node {
    let state = Cell::new(State::Unread);
    let kind = match (under.kind, over.kind) {
        (Kind::Map(mut under), Kind::Map(over)) => {
            for (key, node) in over {
                match under.iter().position(|(known, _)| known.text == key.text) {
                    Some(at) => {
                        let (key, old) = under.remove(at);
                        under.insert(at, (key, overlaid(old, node, join)));
                    }
                    None => under.push((key, node)),
                }
            }
            Kind::Map(under)
        }
        (Kind::List(mut under), Kind::List(over)) if join => {
            under.extend(over);
            Kind::List(under)
        }
        (_, over) => over,
    };
    Node { mark: over.mark, kind, state }
}
