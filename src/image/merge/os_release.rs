//! `/etc/os-release` with the recipe's fields, os-release(5).

use std::collections::BTreeMap;

use super::{MergeError, Workspace};

const EFFECT: &str = "os-release";

/// Sets the fields of the recipe in the file that `/etc/os-release` leads to; makes both where neither is.
pub fn set_os_release(workspace: &mut Workspace<'_>) -> Result<(), MergeError> {
    let fields = &workspace.parameters.os_release;
    if fields.is_empty() {
        return Ok(());
    }
    let link = Workspace::path("/etc/os-release");
    let text = workspace.read("/etc/os-release")?.unwrap_or_default();
    let place = match workspace.root.follow(&link) {
        Some(node) => node.entry.path.clone(),
        None => Workspace::path("/usr/lib/os-release"),
    };
    let text = with_fields(&String::from_utf8_lossy(&text), fields);
    workspace.write(EFFECT, &place, text.into_bytes(), (0o644, 0, 0))?;
    if workspace.root.get(&link).is_none() {
        workspace.link(EFFECT, &link, "../usr/lib/os-release");
    }
    Ok(())
}

/// `text` with each field of `fields` in place of its line, the new ones at the end in order.
fn with_fields(text: &str, fields: &BTreeMap<String, String>) -> String {
    let mut left = fields.clone();
    let mut out = String::new();
    for line in text.lines() {
        let name = line.split_once('=').map_or("", |(name, _)| name.trim());
        match fields.get(name) {
            // A name that stands twice counts the last time; it is set once.
            Some(value) => {
                if left.remove(name).is_some() {
                    out += &format!("{name}={}\n", quoted(value));
                }
            }
            None => {
                out += line;
                out.push('\n');
            }
        }
    }
    for (name, value) in left {
        out += &format!("{name}={}\n", quoted(&value));
    }
    out
}

/// A value as a shell reads it back: quoted unless it is letters and digits.
fn quoted(value: &str) -> String {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return value.to_owned();
    }
    let mut out = String::from("\"");
    for character in value.chars() {
        if matches!(character, '"' | '\\' | '$' | '`') {
            out.push('\\');
        }
        out.push(if character == '\n' { ' ' } else { character });
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_replaced_in_place_and_added_at_the_end() {
        let text = "PRETTY_NAME=\"Debian\"\nID=debian\nVERSION_ID=\"12\"\n";
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = BTreeMap::from([field("PRETTY_NAME", "Ours \"$1\" 1.0"), field("VARIANT_ID", "static")]);
        let expected =
            "PRETTY_NAME=\"Ours \\\"\\$1\\\" 1.0\"\nID=debian\nVERSION_ID=\"12\"\nVARIANT_ID=static\n";
        assert_eq!(with_fields(text, &fields), expected);
    }
}
