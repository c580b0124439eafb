//! The conditions that a script's text alone decides: `test`, `[` and `dpkg --compare-versions`.

use crate::distro::debian::version;

/// The truth of `words`, arguments of `test`; `None` where it hangs on what is not known.
pub(super) fn test(words: &[Option<String>]) -> Option<bool> {
    let is = |at: usize, text: &str| words[at].as_deref() == Some(text);
    if let Some(at) = (1..words.len().max(1)).find(|&at| at + 1 < words.len() && is(at, "-o")) {
        return either(test(&words[..at]), test(&words[at + 1..]));
    }
    if let Some(at) = (1..words.len().max(1)).find(|&at| at + 1 < words.len() && is(at, "-a")) {
        return both(test(&words[..at]), test(&words[at + 1..]));
    }
    match words {
        [] => Some(false),
        [word] => word.as_ref().map(|text| !text.is_empty()),
        [bang, rest @ ..] if bang.as_deref() == Some("!") => test(rest).map(|truth| !truth),
        [operator, word] => {
            let word = word.as_deref()?;
            match operator.as_deref()? {
                "-n" => Some(!word.is_empty()),
                "-z" => Some(word.is_empty()),
                // An image is never built under a running systemd.
                "-d" if word == "/run/systemd/system" => Some(false),
                _ => None,
            }
        }
        [left, operator, right] => {
            let equal = left.as_deref()? == right.as_deref()?;
            match operator.as_deref()? {
                "=" | "==" => Some(equal),
                "!=" => Some(!equal),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The truth of `dpkg --compare-versions`; `words` are its arguments. An empty version is earlier than any,
/// except for the operators that end `-nl`, for which it is later.
pub(super) fn compare_versions(words: &[Option<String>]) -> Option<bool> {
    let words: Vec<&str> = words.iter().map(Option::as_deref).collect::<Option<_>>()?;
    let words: Vec<&str> = words.into_iter().filter(|word| *word != "--").collect();
    let [left, operator, right] = words[..] else { return None };
    let empty_is_later = operator.ends_with("-nl");
    let order = match (left.is_empty(), right.is_empty()) {
        (true, true) => std::cmp::Ordering::Equal,
        (true, false) if empty_is_later => std::cmp::Ordering::Greater,
        (true, false) => std::cmp::Ordering::Less,
        (false, true) if empty_is_later => std::cmp::Ordering::Less,
        (false, true) => std::cmp::Ordering::Greater,
        (false, false) => version::compare(left, right),
    };
    match operator.strip_suffix("-nl").unwrap_or(operator) {
        "lt" | "<<" => Some(order.is_lt()),
        "le" | "<=" | "<" => Some(order.is_le()),
        "eq" | "=" => Some(order.is_eq()),
        "ne" => Some(order.is_ne()),
        "ge" | ">=" | ">" => Some(order.is_ge()),
        "gt" | ">>" => Some(order.is_gt()),
        _ => None,
    }
}

/// Whether both hold.
pub(super) fn both(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// Whether one holds.
pub(super) fn either(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    both(a.map(|truth| !truth), b.map(|truth| !truth)).map(|truth| !truth)
}
