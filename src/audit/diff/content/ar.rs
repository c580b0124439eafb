//! The members of an `ar` archive with what their headers say.

use super::members::{Member, Time};
use crate::audit::diff::escape::text_of;

const HEADER: usize = 60;

/// Members in order; `None` where the archive is damaged.
pub fn members(bytes: &[u8]) -> Option<Vec<Member<'_>>> {
    let mut rest = bytes.get(8..)?;
    let (mut found, mut long_names) = (Vec::new(), &b""[..]);
    while !rest.is_empty() {
        let header = rest.get(..HEADER).filter(|header| header[58..] == *b"`\n")?;
        let field = |from: usize, to: usize| String::from_utf8_lossy(&header[from..to]).trim_end().to_owned();
        let size: usize = field(48, 58).parse().ok()?;
        let content = rest.get(HEADER..HEADER.checked_add(size)?)?;
        // The padding behind the last member may be missing.
        rest = rest.get(HEADER + size + size % 2..).unwrap_or_default();
        let (name, content) = named(header[..16].trim_ascii_end(), content, long_names)?;
        if name == "//" {
            long_names = content;
        }
        let fields = vec![("owner", format!("{}:{}", field(28, 34), field(34, 40))), ("mode", field(40, 48))];
        let time = Time::Seconds(field(16, 28).parse().unwrap_or_default());
        found.push(Member { name, time, fields, content: content.into() });
    }
    Some(found)
}

/// The name of a member, as System V, GNU or BSD write it, and its content.
fn named<'a>(name: &[u8], content: &'a [u8], long_names: &[u8]) -> Option<(String, &'a [u8])> {
    if let Some(length) = name.strip_prefix(b"#1/") {
        let length: usize = std::str::from_utf8(length).ok()?.parse().ok()?;
        let name = content.get(..length)?;
        let end = name.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        return Some((text_of(&name[..end]), &content[length..]));
    }
    let number =
        name.strip_prefix(b"/").and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok());
    let name = match number {
        Some(offset) => long_names.get(offset..)?.split(|byte| *byte == b'\n').next()?,
        None => name,
    };
    let name = match name {
        b"/" | b"//" | b"/SYM64/" => name,
        name => name.strip_suffix(b"/").unwrap_or(name),
    };
    Some((text_of(name), content))
}
