//! `Config.User` in numbers.

use super::ConfigError;

/// `uid:gid` for `user`, which is `uid:gid`, `uid` (the group has the same number), or names that `passwd` and
/// `group`, the texts of the image's files, resolve: `name` with the account's own group, or `name:group`.
pub fn numeric_user(user: &str, passwd: &str, group: &str) -> Result<String, ConfigError> {
    let (name, group_name) = match user.split_once(':') {
        Some((name, group_name)) => (name, Some(group_name)),
        None => (user, None),
    };
    let unknown = |name: &str| ConfigError::UnknownAccount { name: name.to_owned() };
    let account = line(passwd, name);
    let uid = match name.parse::<u32>() {
        Ok(uid) => uid,
        Err(_) => account.and_then(|fields| number(fields, 2)).ok_or_else(|| unknown(name))?,
    };
    let gid = match group_name {
        Some(group_name) => match group_name.parse::<u32>() {
            Ok(gid) => gid,
            Err(_) => line(group, group_name)
                .and_then(|fields| number(fields, 2))
                .ok_or_else(|| unknown(group_name))?,
        },
        None => account.and_then(|fields| number(fields, 3)).unwrap_or(uid),
    };
    Ok(format!("{uid}:{gid}"))
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
        for given in ["", "redis", "nginx:redis", ":1", "-1", "4294967296"] {
            assert!(numeric_user(given, passwd, group).is_err(), "{given}");
        }
    }
}
