//! Types and values as a person would write them.

use crate::check::Type;
use crate::syntax::ast;

/// How many fields of a record are written out.
const FIELDS: usize = 12;

/// The type: `[string]`, `{ version: version, sha256: string }`.
pub fn type_text(kind: &Type) -> String {
    match kind {
        Type::Unknown => "value".to_owned(),
        Type::None => "none".to_owned(),
        Type::Bool => "bool".to_owned(),
        Type::Int => "int".to_owned(),
        Type::Text => "string".to_owned(),
        Type::List(element) => format!("[{}]", type_text(element)),
        Type::Map(value) => format!("{{ \"…\": {} }}", type_text(value)),
        Type::Optional(inner) => format!("{} or none", type_text(inner)),
        Type::Record { fields, .. } => {
            let mut shown: Vec<String> = fields
                .iter()
                .take(FIELDS)
                .map(|(name, kind)| format!("{name}: {}", type_text(kind)))
                .collect();
            if fields.len() > FIELDS {
                shown.push("…".to_owned());
            }
            format!("{{ {} }}", shown.join(", "))
        }
        other => {
            let text = other.to_string();
            let bare = text.strip_prefix("a ").or_else(|| text.strip_prefix("an "));
            bare.map(str::to_owned).unwrap_or(text)
        }
    }
}

/// `fn name(a, b = default)`.
pub fn function_text(function: &ast::Function, source: &str) -> String {
    format!("fn {}({})", function.name.text, parameters(function, source).join(", "))
}

/// Each parameter as it is written.
pub fn parameters(function: &ast::Function, source: &str) -> Vec<String> {
    let text = |parameter: &ast::Parameter| source.get(parameter.span.range()).unwrap_or("").to_owned();
    function.parameters.iter().map(text).collect()
}

/// A fenced block of the language.
pub fn fenced(code: &str) -> String {
    format!("```hb\n{code}\n```")
}
