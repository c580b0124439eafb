//! Accounts: `/etc/passwd`, `/etc/group` and their shadows.
//!
//! Sources, in order: the files as a content ships them, else base-passwd's master files, else root alone; the
//! accounts of the recipe; accounts that packages make (`adduser`, `useradd`, sysusers.d). An account that a
//! package makes without naming an id gets one from 999 downward, in the order of the names, never one that is
//! taken; a user and the group of its name share theirs. On Alpine the ids are those that busybox would choose, in
//! the order in which the packages are installed.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::Family;

use super::sysusers::{Wanted, requests};
use super::{PackageScript, busybox_accounts};
use crate::image::merge::{MergeError, Workspace};

const EFFECT: &str = "accounts";

/// The accounts of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    users: Vec<User>,
    groups: Vec<Group>,
}

/// A line of `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub gecos: String,
    pub home: String,
    pub shell: String,
}

/// A line of `/etc/group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub name: String,
    pub gid: u32,
    pub members: Vec<String>,
}

impl Accounts {
    /// User id and first group of the user `name`.
    pub fn user(&self, name: &str) -> Option<(u32, u32)> {
        self.users.iter().find(|user| user.name == name).map(|user| (user.uid, user.gid))
    }

    /// Id of the group `name`.
    pub fn group(&self, name: &str) -> Option<u32> {
        self.groups.iter().find(|group| group.name == name).map(|group| group.gid)
    }

    /// All user names.
    pub fn user_names(&self) -> Vec<&str> {
        self.users.iter().map(|user| user.name.as_str()).collect()
    }

    /// All group names.
    pub fn group_names(&self) -> Vec<&str> {
        self.groups.iter().map(|group| group.name.as_str()).collect()
    }

    /// Groups, then users, a line each.
    #[cfg(test)]
    pub(super) fn lines(&self) -> Vec<String> {
        let groups = self
            .groups
            .iter()
            .map(|Group { name, gid, members }| format!("{name}:{gid}:{}", members.join(",")));
        let users = self.users.iter().map(|user| {
            let User { name, uid, gid, gecos, home, shell } = user;
            format!("{name}:{uid}:{gid}:{gecos}:{home}:{shell}")
        });
        groups.chain(users).collect()
    }

    fn free(&self, id: u32) -> bool {
        !self.has_uid(id) && !self.has_gid(id)
    }

    /// Whether a user has the id `uid`.
    pub(super) fn has_uid(&self, uid: u32) -> bool {
        self.users.iter().any(|user| user.uid == uid)
    }

    /// Whether a group has the id `gid`.
    pub(super) fn has_gid(&self, gid: u32) -> bool {
        self.groups.iter().any(|group| group.gid == gid)
    }

    /// Adds a user, or changes the one of this name.
    pub(super) fn put_user(&mut self, user: User) -> Result<(), MergeError> {
        check_field(&user.name, "name", &user.name)?;
        for (field, text) in [("gecos", &user.gecos), ("home", &user.home), ("shell", &user.shell)] {
            check_field(&user.name, field, text)?;
        }
        if let Some(other) = self.users.iter().find(|other| other.uid == user.uid && other.name != user.name)
        {
            return Err(conflict("user", &user.name, user.uid, &other.name));
        }
        match self.users.iter_mut().find(|other| other.name == user.name) {
            Some(known) => *known = user,
            None => self.users.push(user),
        }
        Ok(())
    }

    /// Adds a group, or changes the one of this name.
    pub(super) fn put_group(&mut self, group: Group) -> Result<(), MergeError> {
        check_field(&group.name, "name", &group.name)?;
        if let Some(other) =
            self.groups.iter().find(|other| other.gid == group.gid && other.name != group.name)
        {
            return Err(conflict("group", &group.name, group.gid, &other.name));
        }
        match self.groups.iter_mut().find(|other| other.name == group.name) {
            Some(known) => *known = group,
            None => self.groups.push(group),
        }
        Ok(())
    }

    /// Puts a user into a group that is there.
    pub(super) fn add_member(&mut self, user: &str, group: &str) {
        if let Some(group) = self.groups.iter_mut().find(|known| known.name == group)
            && !group.members.iter().any(|member| member == user)
        {
            group.members.push(user.to_owned());
        }
    }
}

fn conflict(kind: &'static str, name: &str, id: u32, other: &str) -> MergeError {
    MergeError::AccountConflict { kind, name: name.to_owned(), id, other: other.to_owned() }
}

fn check_field(name: &str, field: &'static str, text: &str) -> Result<(), MergeError> {
    let empty = field == "name" && text.is_empty();
    if empty || text.contains([':', '\n', '\0']) {
        return Err(MergeError::BadAccount { name: name.to_owned(), field });
    }
    Ok(())
}

/// Makes the account files; returns the accounts.
pub fn make_accounts(
    workspace: &mut Workspace<'_>,
    scripts: &[PackageScript],
) -> Result<Accounts, MergeError> {
    let (mut accounts, found) = base(workspace)?;
    add_of_recipe(workspace, &mut accounts)?;
    let parameters = workspace.parameters;
    let homes = match parameters.family {
        Family::Debian => {
            let wanted = requests(workspace, scripts)?;
            add_of_packages(&mut accounts, &wanted)?;
            Vec::new()
        }
        Family::Alpine => busybox_accounts::add(&mut accounts, scripts)?,
    };
    let asked = !parameters.users.is_empty() || !parameters.groups.is_empty();
    if found || asked || workspace.has_effect("accounts") {
        write(workspace, &accounts)?;
        busybox_accounts::make_homes(workspace, &homes);
    }
    Ok(accounts)
}

/// The accounts to begin with, and whether a file has them.
fn base(workspace: &Workspace<'_>) -> Result<(Accounts, bool), MergeError> {
    let read = |own: &str, master: &str| match workspace.read(own)? {
        Some(text) => Ok(Some(text)),
        None => workspace.read(master),
    };
    let passwd = read("/etc/passwd", "/usr/share/base-passwd/passwd.master")?;
    let group = read("/etc/group", "/usr/share/base-passwd/group.master")?;
    let found = passwd.is_some() || group.is_some();
    let passwd = passwd.unwrap_or_else(|| b"root:*:0:0:root:/root:/usr/sbin/nologin\n".to_vec());
    let group = group.unwrap_or_else(|| b"root:*:0:\n".to_vec());
    let mut accounts = Accounts::default();
    for line in String::from_utf8_lossy(&passwd).lines() {
        if let [name, _, uid, gid, gecos, home, shell] = line.split(':').collect::<Vec<_>>()[..]
            && let (Ok(uid), Ok(gid)) = (uid.parse(), gid.parse())
            && !workspace.left_out.contains(name)
        {
            let [name, gecos, home, shell] = [name, gecos, home, shell].map(str::to_owned);
            accounts.users.push(User { name, uid, gid, gecos, home, shell });
        }
    }
    for line in String::from_utf8_lossy(&group).lines() {
        if let [name, _, gid, members] = line.split(':').collect::<Vec<_>>()[..]
            && let Ok(gid) = gid.parse()
            && !workspace.left_out.contains(name)
        {
            let members = members.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            accounts.groups.push(Group { name: name.to_owned(), gid, members });
        }
    }
    Ok((accounts, found))
}

fn add_of_recipe(workspace: &Workspace<'_>, accounts: &mut Accounts) -> Result<(), MergeError> {
    for (name, group) in &workspace.parameters.groups {
        let members = group.members.clone();
        accounts.put_group(Group { name: name.clone(), gid: group.gid, members })?;
    }
    for (name, user) in &workspace.parameters.users {
        let (gecos, home, shell) = (user.gecos.clone(), user.home.clone(), user.shell.clone());
        accounts.put_user(User { name: name.clone(), uid: user.uid, gid: user.gid, gecos, home, shell })?;
        // The first group must have a name, or `id` and `ls` show a bare number.
        let unnamed = !accounts.groups.iter().any(|group| group.gid == user.gid);
        if unnamed && accounts.group(name).is_none() {
            accounts.put_group(Group { name: name.clone(), gid: user.gid, members: Vec::new() })?;
        }
    }
    Ok(())
}

fn add_of_packages(accounts: &mut Accounts, wanted: &Wanted) -> Result<(), MergeError> {
    for (name, id) in &wanted.groups {
        if let (Some(gid), None) = (id, accounts.group(name)) {
            accounts.put_group(Group { name: name.clone(), gid: *gid, members: Vec::new() })?;
        }
    }
    for (name, user) in &wanted.users {
        if let (Some(uid), None) = (user.uid, accounts.user(name)) {
            let gid = user_group(accounts, name, user.group.as_deref(), Some(uid))?;
            accounts.put_user(user.account(name, uid, gid))?;
        }
    }
    let names: BTreeSet<&String> = wanted.users.keys().chain(wanted.groups.keys()).collect();
    for name in names {
        let group = accounts.group(name).is_none() && wanted.groups.contains_key(name);
        if group {
            let gid = allocate(accounts, name)?;
            accounts.put_group(Group { name: name.clone(), gid, members: Vec::new() })?;
        }
        if let (Some(user), None) = (wanted.users.get(name), accounts.user(name)) {
            let own = accounts.group(name).filter(|id| !accounts.users.iter().any(|user| user.uid == *id));
            let uid = match own {
                Some(id) => id,
                None => allocate(accounts, name)?,
            };
            let gid = user_group(accounts, name, user.group.as_deref(), Some(uid))?;
            accounts.put_user(user.account(name, uid, gid))?;
        }
    }
    for (user, group) in &wanted.members {
        accounts.add_member(user, group);
    }
    Ok(())
}

impl super::sysusers::WantedUser {
    fn account(&self, name: &str, uid: u32, gid: u32) -> User {
        let (gecos, home, shell) = (self.gecos.clone(), self.home.clone(), self.shell.clone());
        User { name: name.to_owned(), uid, gid, gecos, home, shell }
    }
}

/// The first group of a user: the one named, a numeric one, or the one of its own name, which is made.
fn user_group(
    accounts: &mut Accounts,
    name: &str,
    group: Option<&str>,
    uid: Option<u32>,
) -> Result<u32, MergeError> {
    let wanted = group.unwrap_or(name);
    if let Some(gid) = accounts.group(wanted).or_else(|| wanted.parse().ok()) {
        return Ok(gid);
    }
    let own = uid.filter(|id| !accounts.groups.iter().any(|group| group.gid == *id));
    let gid = match own {
        Some(id) => id,
        None => allocate(accounts, wanted)?,
    };
    accounts.put_group(Group { name: wanted.to_owned(), gid, members: Vec::new() })?;
    Ok(gid)
}

fn allocate(accounts: &Accounts, name: &str) -> Result<u32, MergeError> {
    let free = (100..=999).rev().find(|id| accounts.free(*id));
    free.ok_or_else(|| MergeError::NoFreeId { name: name.to_owned() })
}

fn write(workspace: &mut Workspace<'_>, accounts: &Accounts) -> Result<(), MergeError> {
    let alpine = workspace.parameters.family == Family::Alpine;
    let days = workspace.root.epoch().div_euclid(86_400);
    let known = if alpine { busybox_accounts::shadow_lines(workspace)? } else { BTreeMap::new() };
    let mut texts: BTreeMap<&str, String> = BTreeMap::new();
    for user in &accounts.users {
        let User { name, uid, gid, gecos, home, shell } = user;
        *texts.entry("passwd").or_default() += &format!("{name}:x:{uid}:{gid}:{gecos}:{home}:{shell}\n");
        let locked = if alpine { "!" } else { "*" };
        let line = || format!("{name}:{locked}:{days}:0:99999:7:::");
        *texts.entry("shadow").or_default() += &(known.get(name).cloned().unwrap_or_else(line) + "\n");
    }
    for Group { name, gid, members } in &accounts.groups {
        let members = members.join(",");
        *texts.entry("group").or_default() += &format!("{name}:x:{gid}:{members}\n");
        // Alpine's tools know no shadow of the groups.
        if !alpine {
            *texts.entry("gshadow").or_default() += &format!("{name}:*::{members}\n");
        }
    }
    let shadow = accounts.group("shadow").unwrap_or(0);
    for (name, text) in texts {
        let ownership = if name.ends_with("shadow") { (0o640, 0, shadow) } else { (0o644, 0, 0) };
        workspace.write(EFFECT, &Workspace::path(&format!("/etc/{name}")), text.into_bytes(), ownership)?;
    }
    Ok(())
}
