//! The members of a tar archive.

use super::Budget;
use super::members::{Member, Time};
use super::packed::read_within;
use crate::audit::diff::escape::text_of;
use crate::distro::archive::{Limits, MemberKind, TarReader};

/// Members in order; what is wrong with the archive where it is none that hbuild reads.
pub fn members(bytes: &[u8], budget: &mut Budget) -> Result<Vec<Member<'static>>, String> {
    let mut reader = TarReader::new(bytes, "it", bytes.len() as u64, &Limits::default());
    let mut found = Vec::new();
    while let Some(member) = reader.next_member().map_err(|problem| problem.to_string())? {
        let content = read_within(&mut reader, budget).map_err(|error| error.to_string())?;
        let content = content.ok_or("it is too long")?;
        let kind = match member.kind {
            MemberKind::File => "file",
            MemberKind::Directory => "directory",
            MemberKind::Symlink => "symlink",
            MemberKind::HardLink => "hard link",
        };
        let mut fields = vec![
            ("kind", kind.to_owned()),
            ("mode", format!("{:04o}", member.mode)),
            ("owner", format!("{}:{}", member.uid, member.gid)),
        ];
        let (user, group) = (text_of(&member.names.0), text_of(&member.names.1));
        fields.push(("names of owners", format!("{user}:{group}")));
        if !member.link.is_empty() {
            fields.push(("target", text_of(&member.link)));
        }
        for (name, value) in &member.xattrs {
            fields.push(("attribute", format!("{}={}", text_of(name), text_of(value))));
        }
        let time = Time::Seconds(member.mtime);
        found.push(Member { name: text_of(&member.path), time, fields, content: content.into() });
    }
    Ok(found)
}
