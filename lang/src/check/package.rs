//! Package requests in the distro's own grammar: Debian's `name[:arch][=version]`, Alpine's
//! `name[@tag][=version|~version]`.

use super::form::Problem;
use crate::recipe::Family;

/// A request taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The package's name, with Debian's architecture (`libc6:arm64`).
    pub name: &'a str,
    /// The pin with its operator (`=1.2-3`, `~1`).
    pub pin: Option<&'a str>,
}

/// The request in the grammar of `family`.
pub fn parse(text: &str, family: Family) -> Result<Request<'_>, Problem> {
    match family {
        Family::Debian => debian(text),
        Family::Alpine => alpine(text),
    }
}

/// What is wrong with a package name, without pin.
pub fn name_problem(text: &str, family: Family) -> Option<Problem> {
    match parse(text, family) {
        Ok(Request { pin: None, .. }) => None,
        Ok(_) => Some(wrong(text, "is pinned where only a name can stand", "write the name alone")),
        Err(problem) => Some(problem),
    }
}

fn wrong(text: &str, why: &str, help: &'static str) -> Problem {
    Problem {
        code: "hbuild::lang::bad_package",
        message: format!("the package `{text}` {why}"),
        help: help.into(),
    }
}

fn debian(text: &str) -> Result<Request<'_>, Problem> {
    const HELP: &str =
        "Debian's grammar is `name`, `name:arch`, `name=version`: `libc6`, `libc6:arm64`, `nginx=1.26.3-3`";
    if let Some(bad) = text.chars().find(|letter| "~@<>".contains(*letter) && !text.contains('=')) {
        let why = format!("has a `{bad}`, which is not Debian's grammar");
        return Err(wrong(text, &why, HELP));
    }
    let (whole, pin) = match text.find('=') {
        Some(at) => (&text[..at], Some(&text[at..])),
        None => (text, None),
    };
    let (name, arch) = whole.split_once(':').map_or((whole, None), |(name, arch)| (name, Some(arch)));
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let named = name.len() >= 2
        && name.bytes().next().is_some_and(letter)
        && name.bytes().all(|byte| letter(byte) || b"+-.".contains(&byte));
    if !named {
        return Err(wrong(
            text,
            "has no valid name",
            "Debian's names have lower-case letters, digits, `+`, `-` and `.`",
        ));
    }
    if arch.is_some_and(|arch| arch.is_empty() || !arch.bytes().all(|byte| letter(byte) || byte == b'-')) {
        return Err(wrong(text, "has no valid architecture", HELP));
    }
    let versioned = |pin: &str| {
        let version = &pin[1..];
        version.starts_with(|first: char| first.is_ascii_digit())
            && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+~:-".contains(&byte))
    };
    if pin.is_some_and(|pin| !versioned(pin)) {
        return Err(wrong(text, "has no valid version", HELP));
    }
    Ok(Request { name: whole, pin })
}

fn alpine(text: &str) -> Result<Request<'_>, Problem> {
    const HELP: &str = "Alpine's grammar is `name`, `name=version`, `name~version`, `name@tag`: `nginx~1.26`";
    let (tagged, pin) = match text.find(['=', '~', '<', '>']) {
        Some(at) => (&text[..at], Some(&text[at..])),
        None => (text, None),
    };
    let (name, tag) = tagged.split_once('@').map_or((tagged, None), |(name, tag)| (name, Some(tag)));
    let plain = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte))
    };
    let provided = |name: &str| name.split_once(':').is_some_and(|(kind, rest)| plain(kind) && plain(rest));
    if !plain(name) && !provided(name) {
        return Err(wrong(text, "has no valid name", HELP));
    }
    let versioned = |pin: &str| {
        let version = pin.trim_start_matches(['=', '~', '<', '>']);
        let operator = &pin[..pin.len() - version.len()];
        matches!(operator, "=" | "~" | "=~" | "~=" | "<" | ">" | "<=" | ">=")
            && version.starts_with(|first: char| first.is_ascii_digit())
            && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    if pin.is_some_and(|pin| !versioned(pin)) {
        return Err(wrong(text, "has no valid version", HELP));
    }
    if tag.is_some_and(|tag| super::form::Form::Word.problem(tag).is_some()) {
        return Err(wrong(text, "has no valid tag", HELP));
    }
    Ok(Request { name, pin })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_grammar() {
        let request = |text| parse(text, Family::Debian);
        assert_eq!(request("libstdc++6").unwrap(), Request { name: "libstdc++6", pin: None });
        assert_eq!(request("nginx=1:1.26.3~rc1-3+deb13u1").unwrap().pin, Some("=1:1.26.3~rc1-3+deb13u1"));
        assert_eq!(request("libc6:arm64=2.41-1").unwrap().name, "libc6:arm64");
        for bad in
            ["", "x", "Nginx", "nginx~1", "nginx@edge", "nginx=", "nginx=v1", "nginx:", "a b", "nginx>1"]
        {
            assert!(request(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn alpine_grammar() {
        let request = |text| parse(text, Family::Alpine);
        assert_eq!(request("nginx~1.26").unwrap(), Request { name: "nginx", pin: Some("~1.26") });
        assert_eq!(request("so:libssl.so.3").unwrap().name, "so:libssl.so.3");
        assert_eq!(request("x@edge=1.2-r3").unwrap(), Request { name: "x", pin: Some("=1.2-r3") });
        for bad in ["", "-x", "x:", "nginx==1", "nginx=r1", "x@", "a b", "x=1.2-r3@edge"] {
            assert!(request(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn excluded_packages_have_no_pin() {
        assert!(name_problem("debconf", Family::Debian).is_none());
        assert!(name_problem("debconf=1", Family::Debian).is_some());
    }
}
