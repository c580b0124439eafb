//! The accounts that packages ask for: sysusers.d(5) files, and literal calls of adduser, addgroup, useradd and
//! groupadd.

use std::collections::{BTreeMap, BTreeSet};

use super::PackageScript;
use crate::image::merge::{MergeError, Workspace};

/// Accounts asked for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Users by name.
    pub users: BTreeMap<String, WantedUser>,
    /// Groups by name, with an id where one is asked for.
    pub groups: BTreeMap<String, Option<u32>>,
    /// User and group of each membership.
    pub members: BTreeSet<(String, String)>,
}

/// A user asked for.
#[derive(Debug, Clone)]
pub(super) struct WantedUser {
    /// Its id, where one is asked for.
    pub uid: Option<u32>,
    /// Name or number of its first group; its own name's where none.
    pub group: Option<String>,
    /// Free text.
    pub gecos: String,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
}

impl WantedUser {
    fn new(home: &str) -> Self {
        let (gecos, home, shell) = (String::new(), home.to_owned(), "/usr/sbin/nologin".to_owned());
        Self { uid: None, group: None, gecos, home, shell }
    }
}

/// What sysusers.d files and scripts ask for.
pub(super) fn requests(workspace: &Workspace<'_>, scripts: &[PackageScript]) -> Result<Wanted, MergeError> {
    let mut wanted = Wanted::default();
    for folder in ["/usr/lib/sysusers.d", "/etc/sysusers.d"] {
        let folder = Workspace::path(folder);
        let files: Vec<_> = workspace.root.children(&folder).map(|node| node.entry.path.clone()).collect();
        for file in files.into_iter().filter(|file| file.as_bytes().ends_with(b".conf")) {
            let text = workspace.read_path(&file)?.unwrap_or_default();
            for line in String::from_utf8_lossy(&text).lines() {
                read_line(&mut wanted, line);
            }
        }
    }
    for script in scripts {
        let Ok(read) = &script.script else { continue };
        for call in &read.calls {
            let (Some(program), Some(words)) = (call.program(), call.literal()) else { continue };
            match program {
                "adduser" => add_user(&mut wanted, &words[1..]),
                "addgroup" => add_group(&mut wanted, &words[1..]),
                "useradd" => user_add(&mut wanted, &words[1..]),
                "groupadd" => add_group(&mut wanted, &words[1..]),
                _ => None,
            };
        }
    }
    Ok(wanted)
}

/// A line of sysusers.d(5): type, name, id, gecos, home, shell.
fn read_line(wanted: &mut Wanted, line: &str) -> Option<()> {
    let fields = fields(line);
    let field =
        |at: usize| fields.get(at).map(String::as_str).filter(|text| !text.is_empty() && *text != "-");
    let name = field(1).filter(|name| !name.contains('%'))?.to_owned();
    match field(0)? {
        "u" | "u!" => {
            let mut user = WantedUser::new("/");
            let (uid, group) = match field(2).unwrap_or("-").split_once(':') {
                Some((uid, group)) => (uid, Some(group.to_owned())),
                None => (field(2).unwrap_or("-"), None),
            };
            user.uid = uid.parse().ok();
            user.group = group;
            user.gecos = field(3).unwrap_or_default().to_owned();
            user.home = field(4).unwrap_or("/").to_owned();
            user.shell = field(5).unwrap_or("/usr/sbin/nologin").to_owned();
            wanted.users.entry(name).or_insert(user);
        }
        "g" => {
            wanted.groups.entry(name).or_insert(field(2).and_then(|id| id.parse().ok()));
        }
        "m" => {
            let group = field(2)?.to_owned();
            wanted.groups.entry(group.clone()).or_insert(None);
            wanted.members.insert((name, group));
        }
        _ => {}
    }
    Some(())
}

/// The fields of a line, at blanks, with quotes.
fn fields(line: &str) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    let mut quote = None;
    let mut inside = false;
    for character in line.trim().chars() {
        match (quote, character) {
            (None, '#') if fields.is_empty() => return fields,
            (None, '"' | '\'') => {
                quote = Some(character);
                if !inside {
                    fields.push(String::new());
                }
                inside = true;
            }
            (Some(open), _) if open == character => quote = None,
            (None, blank) if blank.is_whitespace() => inside = false,
            _ => {
                if !inside {
                    fields.push(String::new());
                }
                inside = true;
                fields.last_mut().expect("one was pushed").push(character);
            }
        }
    }
    fields
}

/// The options and plain words of a command line; `with_value` are the options that take one.
fn options<'a>(words: &[&'a str], with_value: &[&str]) -> (BTreeMap<&'a str, &'a str>, Vec<&'a str>) {
    let (mut options, mut plain) = (BTreeMap::new(), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.split_once('=').filter(|_| word.starts_with("--")) {
            Some((name, value)) => {
                options.insert(name, value);
            }
            None if with_value.contains(word) => {
                options.insert(*word, words.next().copied().unwrap_or_default());
            }
            None if word.starts_with('-') => {
                options.insert(*word, "");
            }
            None => plain.push(*word),
        }
    }
    (options, plain)
}

/// adduser(8): `--system` makes a system user, two plain words put a user into a group.
fn add_user(wanted: &mut Wanted, words: &[&str]) -> Option<()> {
    let values =
        ["--home", "--shell", "--uid", "--gid", "--ingroup", "--gecos", "--comment", "--conf", "--firstuid"];
    let (options, plain) = options(words, &values);
    if let [user, group] = plain[..] {
        wanted.members.insert((user.to_owned(), group.to_owned()));
        return Some(());
    }
    let [name] = plain[..] else { return None };
    if options.contains_key("--group") && !options.contains_key("--system") {
        return add_group(wanted, words);
    }
    if !options.contains_key("--system") {
        return None;
    }
    let mut user = WantedUser::new(options.get("--home").unwrap_or(&"/nonexistent"));
    user.uid = options.get("--uid").and_then(|id| id.parse().ok());
    user.gecos =
        options.get("--gecos").or(options.get("--comment")).unwrap_or(&"").trim_end_matches(',').to_owned();
    user.shell = (*options.get("--shell").unwrap_or(&"/usr/sbin/nologin")).to_owned();
    user.group = match (options.get("--ingroup").or(options.get("--gid")), options.contains_key("--group")) {
        (Some(group), _) => Some((*group).to_owned()),
        (None, true) => None,
        (None, false) => Some("nogroup".to_owned()),
    };
    if options.contains_key("--group") {
        wanted.groups.entry(name.to_owned()).or_insert(user.uid);
    }
    wanted.users.entry(name.to_owned()).or_insert(user);
    Some(())
}

/// addgroup(8) and groupadd(8).
fn add_group(wanted: &mut Wanted, words: &[&str]) -> Option<()> {
    let (options, plain) = options(words, &["--gid", "-g", "--conf", "--firstgid", "-K"]);
    let [name] = plain[..] else { return None };
    let id = options.get("--gid").or(options.get("-g")).and_then(|id| id.parse().ok());
    wanted.groups.entry(name.to_owned()).or_insert(id);
    Some(())
}

/// useradd(8).
fn user_add(wanted: &mut Wanted, words: &[&str]) -> Option<()> {
    let values = [
        "-u",
        "--uid",
        "-g",
        "--gid",
        "-d",
        "--home-dir",
        "--home",
        "-s",
        "--shell",
        "-c",
        "--comment",
        "-G",
        "--groups",
        "-K",
        "--key",
        "-b",
        "--base-dir",
        "-k",
        "--skel",
    ];
    let (options, plain) = options(words, &values);
    let [name] = plain[..] else { return None };
    let value =
        |names: &[&str]| names.iter().find_map(|name| options.get(name)).map(|text| (*text).to_owned());
    let mut user = WantedUser::new("/nonexistent");
    user.home = value(&["-d", "--home-dir", "--home"]).unwrap_or_else(|| format!("/home/{name}"));
    user.uid = value(&["-u", "--uid"]).and_then(|id| id.parse().ok());
    user.group = value(&["-g", "--gid"]);
    user.gecos = value(&["-c", "--comment"]).unwrap_or_default();
    user.shell = value(&["-s", "--shell"]).unwrap_or_else(|| "/usr/sbin/nologin".to_owned());
    for group in value(&["-G", "--groups"]).unwrap_or_default().split(',').filter(|group| !group.is_empty()) {
        wanted.members.insert((name.to_owned(), group.to_owned()));
    }
    wanted.users.entry(name.to_owned()).or_insert(user);
    Some(())
}
