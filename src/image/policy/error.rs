//! Why an image does not pass.

use std::collections::BTreeMap;

use super::Finding;

/// Lines of a break list after which the rest is only counted.
const MOST_LINES: usize = 60;
/// Paths named in the waiver that the help proposes for one rule.
const MOST_PATHS: usize = 4;

/// Why an image does not pass the policy.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum PolicyError {
    /// Rules are broken and not waived.
    #[error("the image breaks the policy in {} {}:{}", breaks.len(), places(breaks), list(breaks))]
    #[diagnostic(code(hbuild::policy::broken), help("{}", help(breaks)))]
    Broken {
        /// Every break, sorted.
        breaks: Vec<Finding>,
    },
    /// A waiver names no rule.
    #[error("the waiver at {place} names the rule `{rule}`, which does not exist")]
    #[diagnostic(
        code(hbuild::policy::unknown_rule),
        help("the rules are: {}", super::RULES.iter().map(|rule| rule.code).collect::<Vec<_>>().join(", "))
    )]
    UnknownRule {
        /// What it names.
        rule: String,
        /// Where the recipe says so.
        place: String,
    },
    /// A waiver has a glob that does not parse.
    #[error("the waiver at {place} has the glob `{glob}`, which is not one")]
    #[diagnostic(
        code(hbuild::policy::bad_glob),
        help("globs are absolute paths in which `*` stands for part of a name and `**` for any folders")
    )]
    Glob {
        /// The glob.
        glob: String,
        /// Where the recipe says so.
        place: String,
        /// What is wrong.
        #[source]
        source: globset::Error,
    },
    /// The image's user is unknown.
    #[error(transparent)]
    #[diagnostic(transparent)]
    User(#[from] crate::image::config::ConfigError),
}

fn places(breaks: &[Finding]) -> &'static str {
    if breaks.len() == 1 { "place" } else { "places" }
}

fn list(breaks: &[Finding]) -> String {
    let mut text = String::new();
    for found in breaks.iter().take(MOST_LINES) {
        let origin = found.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default();
        let place = if found.path.is_some() { format!(" {}{origin}", found.place()) } else { String::new() };
        text.push_str(&format!("\n  {}:{place} {}", found.rule, found.detail));
    }
    if breaks.len() > MOST_LINES {
        text.push_str(&format!("\n  and {} more", breaks.len() - MOST_LINES));
    }
    text
}

/// What to do, with the waivers to paste.
fn help(breaks: &[Finding]) -> String {
    let mut by_rule: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for found in breaks {
        let paths = by_rule.entry(&found.rule).or_default();
        paths.extend(found.path.as_ref().map(|path| format!("{:?}", path.absolute())));
    }
    let mut text = "leave the packages or files out (`exclude`, `delete` in `paths`), or set what is wrong \
                    (`attrs`); where an image needs it, waive it with a reason:"
        .to_owned();
    for (rule, mut paths) in by_rule {
        paths.dedup();
        let more = paths.len().saturating_sub(MOST_PATHS);
        paths.truncate(MOST_PATHS);
        let paths =
            if paths.is_empty() { String::new() } else { format!("paths = [{}], ", paths.join(", ")) };
        text.push_str(&format!("\n  waive {rule} {{ {paths}because = \"…\" }}"));
        if more > 0 {
            text.push_str(&format!("   # and {more} more paths, or a glob"));
        }
    }
    text
}
