//! The accounts of a variant: what the definition says, without what the standard library brings anyway.

use std::collections::BTreeSet;

use hbuild_lang::Form;
use hbuild_lang::recipe::Image;

use super::code;
use super::definition::{Accounts, Owner};
use super::recipe::Draft;

/// Users and groups of a variant by name.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Names with user and group id and the fields as code.
    users: Vec<(String, u32, u32, String)>,
    /// Names with group id and the fields as code.
    groups: Vec<(String, u32, String)>,
    /// What is there by `use`.
    given_users: Vec<(String, u32, u32)>,
    given_groups: Vec<(String, u32)>,
    /// Names of `use` that are taken away, because another account has their id.
    pub removed: BTreeSet<String>,
    removed_groups: BTreeSet<String>,
    /// Who runs the image.
    pub run_as: Option<String>,
}

impl Names {
    /// Those of a variant, `given` the images of the standard library.
    pub fn new(
        draft: &Draft<'_>,
        variant: usize,
        accounts: &Accounts,
        given: (Option<&Image>, Option<&Image>),
    ) -> Self {
        let mut names = Names::default();
        for image in [given.0, given.1].into_iter().flatten() {
            for (name, user) in image.users.iter() {
                names.given_users.retain(|(known, ..)| known != name);
                names.given_users.push((name.clone(), user.uid, user.gid));
            }
            for (name, group) in image.groups.iter() {
                names.given_groups.retain(|(known, _)| known != name);
                names.given_groups.push((name.clone(), group.gid));
            }
        }
        names.take_users(draft, variant, accounts);
        names.take_groups(draft, variant, accounts);
        names.remove_conflicts();
        names.run_as = names.who(draft, variant, accounts);
        names
    }

    fn take_users(&mut self, draft: &Draft<'_>, variant: usize, accounts: &Accounts) {
        if accounts.root && !self.given_users.iter().any(|(name, ..)| name == "root") {
            self.users.push(("root".to_owned(), 0, 0, "{ uid = 0, home = \"/root\" }".to_owned()));
        }
        for user in &accounts.users {
            if let Some(problem) = Form::Account.problem(&user.name.value) {
                draft.left_out(variant, &user.name, &problem.message);
                continue;
            }
            if let Some((_, uid, gid, _)) = self.users.iter().find(|(name, ..)| *name == user.name.value) {
                if (*uid, *gid) != (user.uid, user.gid) {
                    draft.left_out(variant, &user.name, "an earlier account has this name and other numbers");
                }
                continue;
            }
            let mut fields = vec![format!("uid = {}", user.uid)];
            if user.gid != user.uid {
                fields.push(format!("gid = {}", user.gid));
            }
            for (key, value) in [("home", &user.home), ("shell", &user.shell)] {
                match value {
                    Some(text) if Form::Path.problem(&text.value).is_none() => {
                        fields.push(format!("{key} = {}", code::string(&text.value)));
                    }
                    Some(text) => draft.left_out(variant, text, "it is no absolute path"),
                    None => {}
                }
            }
            let code = format!("{{ {} }}", fields.join(", "));
            self.users.push((user.name.value.clone(), user.uid, user.gid, code));
        }
    }

    fn take_groups(&mut self, draft: &Draft<'_>, variant: usize, accounts: &Accounts) {
        for group in &accounts.groups {
            if let Some(problem) = Form::Account.problem(&group.name.value) {
                draft.left_out(variant, &group.name, &problem.message);
                continue;
            }
            if let Some((_, gid, _)) = self.groups.iter().find(|(name, ..)| *name == group.name.value) {
                if *gid != group.gid {
                    draft.left_out(variant, &group.name, "an earlier group has this name and another number");
                }
                continue;
            }
            let mut members = Vec::new();
            for member in &group.members {
                let primary = self.user(&member.value).is_some_and(|(_, gid)| gid == group.gid);
                if Form::Account.problem(&member.value).is_some() {
                    draft.left_out(variant, member, "it is no name of an account");
                } else if !primary && !members.contains(&code::string(&member.value)) {
                    members.push(code::string(&member.value));
                }
            }
            let code = match members.is_empty() {
                true => format!("{{ gid = {} }}", group.gid),
                false => format!("{{ gid = {}, members = {} }}", group.gid, code::list(&members)),
            };
            self.groups.push((group.name.value.clone(), group.gid, code));
        }
    }

    fn user(&self, name: &str) -> Option<(u32, u32)> {
        let own = self.users.iter().find(|(known, ..)| known == name).map(|(_, uid, gid, _)| (*uid, *gid));
        own.or_else(|| {
            let given = self.given_users.iter().find(|(known, ..)| known == name);
            given.filter(|_| !self.removed.contains(name)).map(|(_, uid, gid)| (*uid, *gid))
        })
    }

    fn remove_conflicts(&mut self) {
        for (name, uid, _) in &self.given_users {
            if self.users.iter().any(|(own, id, ..)| id == uid && own != name)
                && !self.users.iter().any(|(own, ..)| own == name)
            {
                self.removed.insert(name.clone());
            }
        }
        for (name, gid) in &self.given_groups {
            if self.groups.iter().any(|(own, id, _)| id == gid && own != name)
                && !self.groups.iter().any(|(own, ..)| own == name)
            {
                self.removed_groups.insert(name.clone());
            }
        }
    }

    fn who(&self, draft: &Draft<'_>, variant: usize, accounts: &Accounts) -> Option<String> {
        let text = accounts.run_as.as_ref()?;
        let value = draft.symbols[variant].resolve(&text.value);
        let numbers = value.starts_with(|first: char| first.is_ascii_digit());
        let known = value == "root" || self.user(&value).is_some();
        let (name, group) = value.split_once(':').unwrap_or((&value, ""));
        if Form::RunAs.problem(&value).is_none() && (numbers || known) {
            return Some(value);
        }
        // `name:group` as numbers.
        let group_id = self.groups.iter().find(|(known, ..)| known == group).map(|(_, gid, _)| *gid);
        if let (Some((uid, _)), Some(gid)) = (self.user(name), group_id.or_else(|| group.parse().ok())) {
            return Some(format!("{uid}:{gid}"));
        }
        draft.left_out(variant, text, "no account of the image has this name");
        None
    }

    /// Users that the recipe has to say.
    pub fn user_entries(&self) -> Vec<(String, String)> {
        let said = |(name, uid, gid, code): &(String, u32, u32, String)| {
            let given = self.given_users.iter().any(|(known, u, g)| known == name && u == uid && g == gid);
            (!given || code.contains("home") && name != "root").then(|| (name.clone(), code.clone()))
        };
        let removed = self.removed.iter().map(|name| (name.clone(), "none".to_owned()));
        self.users.iter().filter_map(said).chain(removed).collect()
    }

    /// Groups that the recipe has to say.
    pub fn group_entries(&self) -> Vec<(String, String)> {
        let said = |(name, gid, code): &(String, u32, String)| {
            let given = self.given_groups.iter().any(|(known, id)| known == name && id == gid);
            (!given || code.contains("members")).then(|| (name.clone(), code.clone()))
        };
        let removed = self.removed_groups.iter().map(|name| (name.clone(), "none".to_owned()));
        self.groups.iter().filter_map(said).chain(removed).collect()
    }

    /// The arguments of a rule: owner, group and mode, as far as they are not what is meant anyway. With `default`
    /// zero nothing is.
    pub fn attributes(&self, draft: &Draft<'_>, variant: usize, owner: &Owner, default: u16) -> String {
        let mut arguments = Vec::new();
        let uid = owner.uid.as_ref().map(|(uid, _)| *uid);
        let gid = owner.gid.as_ref().map(|(gid, _)| *gid);
        let rest = default == 0;
        if let Some(uid) = uid.filter(|uid| *uid != 0 || rest) {
            arguments.push(format!("owner = {}", code::string(&self.name_of(uid))));
        }
        let first = uid.map_or(0, |uid| self.first_group(uid));
        if let Some(gid) = gid.filter(|gid| *gid != first || (rest && uid.is_none())) {
            arguments.push(format!("group = {}", code::string(&self.group_of(gid))));
        }
        if let Some(mode) = &owner.mode {
            match u16::from_str_radix(mode.value.trim_start_matches("0o"), 8) {
                Ok(bits) if bits <= 0o7777 => {
                    if bits != default {
                        arguments.push(format!("mode = 0o{bits:o}"));
                    }
                }
                _ => draft.left_out(variant, mode, "it is no mode such as `0755`"),
            }
        }
        arguments.join(", ")
    }

    fn name_of(&self, uid: u32) -> String {
        let own = self.users.iter().find(|(_, id, ..)| *id == uid).map(|(name, ..)| name.clone());
        let given = self.given_users.iter().find(|(name, id, _)| *id == uid && !self.removed.contains(name));
        own.or_else(|| given.map(|(name, ..)| name.clone()))
            .unwrap_or_else(|| if uid == 0 { "root".to_owned() } else { uid.to_string() })
    }

    fn first_group(&self, uid: u32) -> u32 {
        self.user(&self.name_of(uid)).map_or(uid, |(_, gid)| gid)
    }

    fn group_of(&self, gid: u32) -> String {
        let own = self.groups.iter().find(|(_, id, _)| *id == gid).map(|(name, ..)| name.clone());
        let given =
            self.given_groups.iter().find(|(name, id)| *id == gid && !self.removed_groups.contains(name));
        own.or_else(|| given.map(|(name, _)| name.clone()))
            .unwrap_or_else(|| if gid == 0 { "root".to_owned() } else { gid.to_string() })
    }
}

/// An account of the standard library as code.
pub fn user_code(user: &hbuild_lang::recipe::User) -> String {
    let mut fields = vec![format!("uid = {}", user.uid)];
    if user.gid != user.uid {
        fields.push(format!("gid = {}", user.gid));
    }
    for (key, value) in [("home", &user.home), ("shell", &user.shell), ("gecos", &user.gecos)] {
        if !value.is_empty() {
            fields.push(format!("{key} = {}", code::string(value)));
        }
    }
    format!("{{ {} }}", fields.join(", "))
}

/// A group of the standard library as code.
pub fn group_code(group: &hbuild_lang::recipe::Group) -> String {
    let members: Vec<String> = group.members.iter().map(|member| code::string(member)).collect();
    match members.is_empty() {
        true => format!("{{ gid = {} }}", group.gid),
        false => format!("{{ gid = {}, members = {} }}", group.gid, code::list(&members)),
    }
}
