//! Accounts as Alpine's scripts make them: literal calls of busybox's `addgroup` and `adduser`, in the order in which
//! the packages are installed, with the ids that busybox would choose.

use std::collections::BTreeMap;

use super::PackageScript;
use super::accounts::{Accounts, Group, User};
use crate::image::merge::{MergeError, Workspace};
use crate::tree::TreePath;

const EFFECT: &str = "accounts";
/// The group of a system user without one of its own.
const NOGROUP: &str = "nogroup";
/// Ids of system accounts, and of others.
const SYSTEM: std::ops::RangeInclusive<u32> = 100..=999;
const OTHERS: std::ops::RangeInclusive<u32> = 1000..=60_000;

/// A home folder that `adduser` makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Home {
    path: String,
    uid: u32,
    gid: u32,
    /// The package from which on apk finds it there, and so leaves it as it is. `None` where it is made last: apk gives
    /// back to the packages what is theirs.
    before: Option<usize>,
}

/// Adds what the scripts ask for; an account that is there already stays as it is. Returns the homes to be made.
pub(super) fn add(accounts: &mut Accounts, scripts: &[PackageScript]) -> Result<Vec<Home>, MergeError> {
    let mut homes = Vec::new();
    for script in scripts {
        let Ok(read) = &script.script else { continue };
        for call in &read.calls {
            let (Some(program), Some(words)) = (call.program(), call.literal()) else { continue };
            match program {
                "addgroup" => add_group(accounts, &words[1..])?,
                "adduser" => homes.extend(add_user(accounts, &words[1..])?.map(|(path, uid, gid)| Home {
                    path,
                    uid,
                    gid,
                    before: (script.name == "pre-install").then_some(script.package),
                })),
                _ => {}
            }
        }
    }
    Ok(homes)
}

/// What a command line has: options by their letters, and plain words.
type Words<'a> = (BTreeMap<char, &'a str>, Vec<&'a str>);

/// Reads options as busybox does; `valued` are the letters that take a value, `long` the names of letters.
fn read<'a>(words: &[&'a str], valued: &str, long: &[(&str, char)]) -> Option<Words<'a>> {
    let (mut options, mut plain) = (BTreeMap::new(), Vec::new());
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        if word == "--" {
            plain.extend(words.by_ref());
        } else if let Some(name) = word.strip_prefix("--") {
            let (name, value) =
                name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
            let letter = long.iter().find(|(known, _)| *known == name)?.1;
            let value = match value {
                None if valued.contains(letter) => words.next()?,
                other => other.unwrap_or_default(),
            };
            options.insert(letter, value);
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            for (at, letter) in letters.char_indices() {
                if !valued.contains(letter) {
                    options.insert(letter, "");
                    continue;
                }
                let rest = &letters[at + letter.len_utf8()..];
                options.insert(letter, if rest.is_empty() { words.next()? } else { rest });
                break;
            }
        } else {
            plain.push(word);
        }
    }
    Some((options, plain))
}

/// `addgroup [-g GID] [-S] [USER] GROUP`.
fn add_group(accounts: &mut Accounts, words: &[&str]) -> Result<(), MergeError> {
    let Some((options, plain)) = read(words, "g", &[("gid", 'g'), ("system", 'S')]) else { return Ok(()) };
    match plain[..] {
        [user, group] => accounts.add_member(user, group),
        [name] if accounts.group(name).is_none() => {
            let range = if options.contains_key(&'S') { SYSTEM } else { OTHERS };
            let gid = match options.get(&'g').and_then(|gid| gid.parse().ok()) {
                // Busybox refuses an id that is taken.
                Some(gid) if accounts.has_gid(gid) => return Ok(()),
                Some(gid) => gid,
                None => free(name, range, |gid| !accounts.has_gid(gid))?,
            };
            accounts.put_group(Group { name: name.to_owned(), gid, members: Vec::new() })?;
        }
        _ => {}
    }
    Ok(())
}

/// `adduser [-h HOME] [-g GECOS] [-s SHELL] [-G GROUP] [-S] [-D] [-H] [-u UID] USER [GROUP]`.
/// Returns the home to be made, with user and group.
fn add_user(accounts: &mut Accounts, words: &[&str]) -> Result<Option<(String, u32, u32)>, MergeError> {
    const LONG: [(&str, char); 10] = [
        ("home", 'h'),
        ("gecos", 'g'),
        ("shell", 's'),
        ("ingroup", 'G'),
        ("system", 'S'),
        ("disabled-password", 'D'),
        ("no-create-home", 'H'),
        ("uid", 'u'),
        ("skel", 'k'),
        ("empty-password", 'E'),
    ];
    let Some((options, plain)) = read(words, "hgsGuk", &LONG) else { return Ok(None) };
    let name = match plain[..] {
        [user, group] => {
            accounts.add_member(user, group);
            return Ok(None);
        }
        [name] if accounts.user(name).is_none() => name,
        _ => return Ok(None),
    };
    let system = options.contains_key(&'S');
    let named = options.get(&'G').copied().or(system.then_some(NOGROUP));
    let group = match named.map(|name| accounts.group(name)) {
        // Without the group there is no account: busybox gives up.
        Some(None) => return Ok(None),
        Some(group) => group,
        None => None,
    };
    let uid = match options.get(&'u').and_then(|uid| uid.parse().ok()) {
        Some(uid) if accounts.has_uid(uid) => return Ok(None),
        Some(uid) => uid,
        None => {
            let range = if system { SYSTEM } else { OTHERS };
            free(name, range, |id| !accounts.has_uid(id) && (group.is_some() || !accounts.has_gid(id)))?
        }
    };
    if group.is_none() {
        accounts.put_group(Group { name: name.to_owned(), gid: uid, members: Vec::new() })?;
    }
    let value = |letter: char, default: &str| (*options.get(&letter).unwrap_or(&default)).to_owned();
    let (gid, home) = (group.unwrap_or(uid), value('h', &format!("/home/{name}")));
    let shell = value('s', if system { "/sbin/nologin" } else { "/bin/sh" });
    let gecos = value('g', "Linux User,,,");
    accounts.put_user(User { name: name.to_owned(), uid, gid, gecos, home: home.clone(), shell })?;
    if let Some(group) = named {
        accounts.add_member(name, group);
    }
    Ok((!options.contains_key(&'H')).then_some((home, uid, gid)))
}

fn free(
    name: &str,
    mut range: std::ops::RangeInclusive<u32>,
    is_free: impl Fn(u32) -> bool,
) -> Result<u32, MergeError> {
    range.find(|id| is_free(*id)).ok_or_else(|| MergeError::NoFreeId { name: name.to_owned() })
}

/// Makes the homes whose parents are there, mode 2755. One that packages have as well stays as it is, unless it was made
/// before the first of them.
pub(super) fn make_homes(workspace: &mut Workspace<'_>, homes: &[Home]) {
    for home in homes {
        let Ok(Some(path)) = TreePath::from_absolute(&home.path) else { continue };
        let Ok(path) = workspace.root.real_path(&path) else { continue };
        let Some(node) = workspace.root.get(&path) else {
            if path.parent().is_none_or(|parent| workspace.root.get(&parent).is_some()) {
                workspace.directory(EFFECT, &path, (0o2755, home.uid, home.gid));
            }
            continue;
        };
        let origin = workspace.root.origin(node.origin);
        let first = workspace.packages.iter().position(|package| package.origin == *origin);
        let was_first = home.before.is_some() && first.is_some() && first >= home.before;
        if was_first
            && node.entry.is_directory()
            && let Some(node) = workspace.root.get_mut(&path)
        {
            (node.entry.mode, node.entry.uid, node.entry.gid) = (0o2755, home.uid, home.gid);
        }
    }
}

/// The lines of the `/etc/shadow` that a package ships, by account. An account that could be entered without a
/// password is locked.
pub(super) fn shadow_lines(workspace: &Workspace<'_>) -> Result<BTreeMap<String, String>, MergeError> {
    let text = workspace.read("/etc/shadow")?.unwrap_or_default();
    let mut lines = BTreeMap::new();
    for line in String::from_utf8_lossy(&text).lines() {
        let Some((name, rest)) = line.split_once(':') else { continue };
        let open = if rest.starts_with(':') { "*" } else { "" };
        lines.insert(name.to_owned(), format!("{name}:{open}{rest}"));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::effects::shell::read_script;

    fn accounts_of(text: &str) -> (Vec<String>, Vec<Home>) {
        let mut accounts = Accounts::default();
        let group = |name: &str, gid| Group { name: name.to_owned(), gid, members: Vec::new() };
        accounts.put_group(group("users", 100)).unwrap();
        accounts.put_group(group("nogroup", 65_533)).unwrap();
        accounts.put_group(group("www-data", 82)).unwrap();
        let script = read_script(text, "1-r0", "");
        let scripts = [PackageScript { package: 0, name: "pre-install", script }];
        let homes = add(&mut accounts, &scripts).unwrap();
        (accounts.lines(), homes)
    }

    #[test]
    fn ids_and_defaults_are_those_of_busybox() {
        let (lines, homes) = accounts_of(
            "adduser -S a1\naddgroup -S g1 2>/dev/null\nadduser -S -D -H -G g1 g1\nadduser -SDH -u 700 -h /x -g 'A B' c1\n\
             addgroup -S -g 710 g7\naddgroup a1 g1\nadduser -D p1\nadduser -S -D -H -G www-data -g www www-data\n\
             adduser -S -G nonesuch zz\naddgroup -g 82 taken\nadduser -S a1\n",
        );
        assert_eq!(
            lines,
            [
                "users:100:",
                "nogroup:65533:a1,c1",
                "www-data:82:www-data",
                "g1:101:g1,a1",
                "g7:710:",
                "p1:1000:",
                "a1:100:65533:Linux User,,,:/home/a1:/sbin/nologin",
                "g1:101:101:Linux User,,,:/home/g1:/sbin/nologin",
                "c1:700:65533:A B:/x:/sbin/nologin",
                "p1:1000:1000:Linux User,,,:/home/p1:/bin/sh",
                "www-data:102:82:www:/home/www-data:/sbin/nologin",
            ]
        );
        let home = |path: &str, uid, gid| Home { path: path.to_owned(), uid, gid, before: Some(0) };
        assert_eq!(homes, [home("/home/a1", 100, 65_533), home("/home/p1", 1000, 1000)]);
    }

    #[test]
    fn words_that_busybox_refuses_are_left_out() {
        assert_eq!(accounts_of("adduser --frobnicate x\nadduser -S -u\naddgroup\n").0.len(), 3);
        assert_eq!(
            accounts_of("adduser -S $NAME\naddgroup -S -- -x\n").0,
            ["users:100:", "nogroup:65533:", "www-data:82:", "-x:101:"]
        );
    }
}
