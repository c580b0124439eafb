//! Single values, for people who look at a recipe.

use std::rc::Rc;

use super::machine::{Machine, Scope};
use super::point::Point;
use super::value::{Kind, Map, Value};
use crate::check::definitions::{Definitions, Node};
use crate::modules::{Program, Reports};
use crate::{FileError, Files};

/// How many elements of a list or map are written out.
const ELEMENTS: usize = 8;
/// How long a string may be, in characters.
const TEXT: usize = 200;

/// The value of a `let` that is the same at every point of the axes, as it would be written; long ones are cut.
pub fn value_of_let(program: &Program, definitions: &Definitions, node: Node) -> Option<String> {
    if definitions.is_broken(node) || definitions.varies(node).next().is_some() {
        return None;
    }
    let binding = program.file(node.0).binding(node.1)?;
    let mut reports = Reports::default();
    let mut machine = Machine::new(program, definitions, &NoFiles, &mut reports);
    let scope = Scope::new(node.0, Rc::new(Point::default()), "");
    let value = machine.eval(&binding.value, &scope).ok()?;
    text_of(&value, 0)
}

/// No value of a `let` needs a file but that of a repository's key, which has no text.
struct NoFiles;

impl Files for NoFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        Err(FileError { path: path.to_owned(), reason: "it is not read here".to_owned() })
    }
}

fn text_of(value: &Value, depth: u32) -> Option<String> {
    const DEPTH: u32 = 3;
    Some(match &value.kind {
        Kind::None => "none".to_owned(),
        Kind::Bool(truth) => truth.to_string(),
        Kind::Int(number) => number.to_string(),
        Kind::Text(text) if text.chars().count() > TEXT => {
            format!("{:?}…", text.chars().take(TEXT).collect::<String>())
        }
        Kind::Text(text) => format!("{text:?}"),
        Kind::Version(_) => format!("version(\"{}\")", value.interpolated()?),
        Kind::Distro(distro) => format!("{}(\"{}\")", distro.family, distro.release),
        Kind::Family(family) => family.to_string(),
        Kind::Arch(arch) => arch.to_string(),
        Kind::Flavor(flavor) => flavor.to_string(),
        Kind::List(elements) if depth < DEPTH => {
            let shown = elements.iter().take(ELEMENTS).map(|element| text_of(element, depth + 1));
            bracketed("[", shown.collect::<Option<_>>()?, elements.len(), "]")
        }
        Kind::Map(map) if depth < DEPTH => map_text(map, depth)?,
        Kind::List(_) => "[…]".to_owned(),
        Kind::Map(_) => "{ … }".to_owned(),
        _ => return None,
    })
}

fn map_text(map: &Map, depth: u32) -> Option<String> {
    let entry = |key: &str, value: &Value| {
        let word = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            && key.starts_with(|first: char| first.is_ascii_alphabetic());
        let key = if word { key.to_owned() } else { format!("{key:?}") };
        Some(format!("{key} = {}", text_of(value, depth + 1)?))
    };
    let shown = map.entries.iter().take(ELEMENTS).map(|one| entry(&one.key, &one.value));
    Some(bracketed("{ ", shown.collect::<Option<_>>()?, map.entries.len(), " }"))
}

fn bracketed(open: &str, mut shown: Vec<String>, all: usize, close: &str) -> String {
    if all > shown.len() {
        shown.push("…".to_owned());
    }
    format!("{open}{}{close}", shown.join(", "))
}
