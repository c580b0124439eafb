//! The base URLs of the host's own apk repositories, apk-repositories(5).
//!
//! Receives texts, gives URLs back. Only the URLs of the distribution's own mirrors are taken, never keys,
//! credentials or third-party repositories, which are known by their path. What cannot be read is passed over: a
//! mirror fewer is no error.

use super::url::Url;

/// The URLs of mirrors that a file of repositories names, in order: `https://host/alpine` of the line
/// `@edge https://host/alpine/edge/main`.
pub fn mirrors(text: &str) -> Vec<Url> {
    text.lines().filter_map(mirror).collect()
}

fn mirror(line: &str) -> Option<Url> {
    let line = line.split('#').next().unwrap_or_default();
    let mut words = line.split_ascii_whitespace().skip_while(|word| word.starts_with('@'));
    let text = words.next()?;
    let (rest, component) = text.trim_end_matches('/').rsplit_once('/')?;
    let (base, branch) = rest.rsplit_once('/')?;
    let own_branch = matches!(branch, "edge" | "latest-stable")
        || branch
            .strip_prefix('v')
            .is_some_and(|release| release.starts_with(|first: char| first.is_ascii_digit()));
    if !own_branch || !matches!(component, "main" | "community" | "testing") {
        return None;
    }
    // A path of this host stands there as it is.
    let base = if base.starts_with('/') { format!("file:{base}") } else { base.to_owned() };
    let url: Url = base.parse().ok()?;
    (!url.has_credential() && url.file_name() == "alpine").then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_alpines_own_mirrors_are_taken() {
        let text = "https://one.example/alpine/v3.20/main\n\
            https://one.example/alpine/v3.20/community # the same again\n\
            # http://comment.example/alpine/v3.20/main\n\
            @edge http://two.example/pub/alpine/edge/testing/\n\
            /srv/alpine/v3.19/main\n\
            /media/cdrom/apks\n\
            https://user:password@secret.example/alpine/v3.20/main\n\
            https://third.example/packages/v3.20/main\n\
            https://other.example/alpine/v3.20/nginx\n\
            https://other.example/alpine/stable/main\n\
            v3.20/main\n\n@tag\n";
        let shown: Vec<String> = mirrors(text).iter().map(Url::to_string).collect();
        assert_eq!(
            shown,
            [
                "https://one.example/alpine",
                "https://one.example/alpine",
                "http://two.example/pub/alpine",
                "file:/srv/alpine"
            ]
        );
    }
}
