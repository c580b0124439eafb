//! `Config.User` in numbers.

use std::collections::BTreeMap;

use super::{ConfigError, DEFAULT_PATH};

/// Who a container's process is, as runtimes read `Config.User`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Further groups: those that `/etc/group` lists the user in, unless `Config.User` names a group itself.
    pub groups: Vec<u32>,
    /// Home directory, `/` where `/etc/passwd` has no such user.
    pub home: String,
}

/// The account that `user` means: `uid:gid`, `uid` (the group is the account's own, else has the same number), or names
/// that `passwd` and `group`, the texts of the image's files, resolve: `name` with the account's own group, or
/// `name:group`.
pub fn account(user: &str, passwd: &str, group: &str) -> Result<Account, ConfigError> {
    let (name, group_name) = match user.split_once(':') {
        Some((name, group_name)) => (name, Some(group_name)),
        None => (user, None),
    };
    let unknown = |name: &str| ConfigError::UnknownAccount { name: name.to_owned() };
    let found = line(passwd, name);
    let uid = match name.parse::<u32>() {
        Ok(uid) => uid,
        Err(_) => found.and_then(|fields| number(fields, 2)).ok_or_else(|| unknown(name))?,
    };
    let found = found.or_else(|| passwd.lines().find(|line| number(line, 2) == Some(uid)));
    let gid = match group_name {
        Some(group_name) => match group_name.parse::<u32>() {
            Ok(gid) => gid,
            Err(_) => line(group, group_name)
                .and_then(|fields| number(fields, 2))
                .ok_or_else(|| unknown(group_name))?,
        },
        None => found.and_then(|fields| number(fields, 3)).unwrap_or(uid),
    };
    let listed = |line: &str| {
        let name = found.and_then(|fields| fields.split(':').next());
        line.split(':').nth(3).is_some_and(|members| members.split(',').any(|member| Some(member) == name))
    };
    let groups = group.lines().filter(|line| group_name.is_none() && listed(line));
    let groups = groups.filter_map(|line| number(line, 2)).filter(|further| *further != gid).collect();
    let home = found.and_then(|fields| fields.split(':').nth(5)).filter(|home| home.starts_with('/'));
    Ok(Account { uid, gid, groups, home: home.unwrap_or("/").to_owned() })
}

/// The environment that a runtime gives to a process of `account` where the config has `env`: with a `PATH` and a `HOME`.
pub fn environment_of(env: &BTreeMap<String, String>, account: &Account) -> BTreeMap<String, String> {
    let given = [("PATH", DEFAULT_PATH), ("HOME", account.home.as_str())];
    let mut whole: BTreeMap<String, String> =
        given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    whole.extend(env.iter().map(|(name, value)| (name.clone(), value.clone())));
    whole
}

/// `uid:gid` of the [`account`] that `user` means.
pub fn numeric_user(user: &str, passwd: &str, group: &str) -> Result<String, ConfigError> {
    account(user, passwd, group).map(|account| format!("{}:{}", account.uid, account.gid))
}

fn line<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find(|line| !name.is_empty() && line.split(':').next() == Some(name))
}

fn number(line: &str, field: usize) -> Option<u32> {
    line.split(':').nth(field)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_become_numbers() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nnginx:x:101:102::/:/sbin/nologin\n";
        let group = "root:x:0:\nadm:x:4:\n";
        for (given, numbers) in [
            ("65532:65532", "65532:65532"),
            ("65532", "65532:65532"),
            ("0", "0:0"),
            ("nginx", "101:102"),
            ("nginx:adm", "101:4"),
            ("nginx:7", "101:7"),
            ("7:adm", "7:4"),
        ] {
            assert_eq!(numeric_user(given, passwd, group).unwrap(), numbers);
        }
        let group = "root:x:0:\nadm:x:4:x,nginx\nwww:x:33:nginx\nnginx:x:102:nginx\n";
        let found = |user| {
            let Account { uid, gid, groups, home } = account(user, passwd, group).unwrap();
            (uid, gid, groups, home)
        };
        for user in ["nginx", "101"] {
            assert_eq!(found(user), (101, 102, vec![4, 33], "/".to_owned()));
        }
        assert_eq!(found("nginx:www"), (101, 33, vec![], "/".to_owned()));
        assert_eq!(found("0"), (0, 0, vec![], "/root".to_owned()));
        assert_eq!(found("65532:65532"), (65532, 65532, vec![], "/".to_owned()));
        for given in ["", "redis", "nginx:redis", ":1", "-1", "4294967296"] {
            assert!(numeric_user(given, passwd, group).is_err(), "{given}");
        }
    }
}
