//! Paths and globs. In a glob `*` and `?` stay within one name, `**` is a whole name and stands for any number of
//! them, `[…]` is one character of a set, `{a,b}` one of some texts, and `\` takes the next character as it is.

use super::{Problem, problem};

pub fn path(text: &str) -> Option<Problem> {
    let wrong = |why: &str| {
        let help = "write an absolute path without `.`, `..`, `//` and a `/` at the end";
        problem("hbuild::lang::bad_path", format!("the path `{text}` {why}"), help)
    };
    match text {
        "/" => None,
        _ if !text.starts_with('/') => wrong("is not absolute"),
        _ => match unnormal(&text[1..]) {
            Some(why) => wrong(why),
            None => None,
        },
    }
}

pub fn relative_path(text: &str) -> Option<Problem> {
    let wrong = |why: &str| {
        let help = "write a path beside the recipe, without `.`, `..`, `//` and a `/` at the end";
        problem("hbuild::lang::bad_path", format!("the path `{text}` {why}"), help)
    };
    if text.starts_with('/') {
        return wrong("is absolute");
    }
    unnormal(text).and_then(wrong)
}

pub fn absolute(text: &str) -> Option<Problem> {
    if !text.starts_with('/') {
        let help = "write it from the image's root: `/usr/share/man/**`";
        return problem("hbuild::lang::bad_path", format!("the path or glob `{text}` is not absolute"), help);
    }
    if text == "/" {
        return None;
    }
    syntax(text, &text[1..])
}

pub fn relative(text: &str) -> Option<Problem> {
    if text.starts_with('/') {
        let help = "write it relative to the content's own root: `share/doc/**`";
        return problem("hbuild::lang::bad_path", format!("the glob `{text}` is absolute"), help);
    }
    syntax(text, text)
}

/// Whether the text is meant as a glob rather than as a plain path. `/usr/bin/[` is a path.
pub fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '{'])
}

fn unnormal(path: &str) -> Option<&'static str> {
    if path.len() > 4095 {
        return Some("is too long");
    }
    path.split('/').find_map(|part| match part {
        "" => Some("has an empty part"),
        "." => Some("has a `.`"),
        ".." => Some("has a `..`"),
        part if part.len() > 255 => Some("has a part of more than 255 bytes"),
        _ => None,
    })
}

fn syntax(whole: &str, path: &str) -> Option<Problem> {
    let wrong = |why: &str| {
        let help = "`*` and `?` stay within one name, `**` is a whole name, `[…]` a set, `{a,b}` a choice";
        problem("hbuild::lang::bad_glob", format!("the glob `{whole}` {why}"), help)
    };
    if let Some(why) = unnormal(path) {
        return wrong(why);
    }
    if path.split('/').any(|part| part.contains("**") && part != "**") {
        return wrong("has a `**` beside other characters");
    }
    unbalanced(path).and_then(wrong)
}

fn unbalanced(glob: &str) -> Option<&'static str> {
    let mut letters = glob.chars().peekable();
    let mut braces = 0_u32;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.next().is_none() => return Some("ends with a `\\`"),
            '\\' => {}
            '{' => braces += 1,
            '}' if braces == 0 => return Some("has a `}` too many"),
            '}' => braces -= 1,
            '[' => {
                letters.next_if(|next| matches!(next, '!' | '^'));
                let first = letters.next();
                let mut closed = false;
                while let Some(inner) = first.and_then(|_| letters.next()) {
                    if inner == '/' {
                        break;
                    }
                    if inner == ']' {
                        closed = true;
                        break;
                    }
                }
                if !closed {
                    return Some("has a `[` without `]`");
                }
            }
            '/' if braces > 0 => return Some("has a `/` inside of `{}`"),
            _ => {}
        }
    }
    (braces > 0).then_some("has a `{` without `}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        assert!(path("/").is_none() && path("/etc/motd").is_none() && path("/a*b").is_none());
        for bad in ["", "etc", "/etc/", "//", "/a/../b", "/./a"] {
            assert!(path(bad).is_some(), "{bad}");
        }
        assert!(
            relative_path("src/x").is_none()
                && relative_path("/x").is_some()
                && relative_path("../x").is_some()
        );
    }

    #[test]
    fn globs() {
        for good in
            ["/usr/share/man/**", "/usr/lib/*/x.so.[0-9]*", "/**/*.{py,pyc}", "/a/[!x]b", "/x/\\[y", "/[]]"]
        {
            assert_eq!(absolute(good), None, "{good}");
        }
        for bad in ["usr/**", "/a**", "/a/[b", "/{a", "/a}", "/{a/b}", "/x\\", "/a//b", "/../*"] {
            assert!(absolute(bad).is_some(), "{bad}");
        }
        assert!(relative("doc/**").is_none() && relative("/doc").is_some());
    }
}
