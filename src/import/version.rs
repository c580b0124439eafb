//! What variant a definition describes: its version, distro, flavor and profile, out of fields, tags and file name.

use hbuild_lang::recipe::{Arch, Distro, Family, Flavor};

use super::definition::Definition;

/// The point of a definition on all axes but the architecture.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// The version, as tags have it; `None` where nothing says.
    pub version: Option<String>,
    /// The distro.
    pub distro: Distro,
    /// `runtime` or `dev`.
    pub flavor: Flavor,
    /// What else tells it from others: `fips`, `compat`; empty for the ordinary one.
    pub profile: String,
}

/// The identity, or why it cannot be told.
pub fn identify(definition: &Definition, given: Option<&Distro>) -> Result<Identity, String> {
    let distro = distro(definition).or_else(|| given.cloned()).ok_or_else(|| {
        "nothing says which distro it is for: neither `os-release`, folder, repositories nor `# syntax=`; \
         give one with `--distro debian13`"
            .to_owned()
    })?;
    let known = hbuild_lang::known_releases(distro.family);
    if !known.contains(&distro.release.as_str()) {
        return Err(format!("hbuild knows no {distro}, but {} {}", distro.family, known.join(", ")));
    }
    let variant = definition.variant.as_ref().map_or("runtime", |variant| variant.value.as_str());
    let flavor = if variant == "dev" { Flavor::Dev } else { Flavor::Runtime };
    let version = version(definition, &distro);
    let profile = profile(definition, &distro, version.as_deref());
    Ok(Identity { version, distro, flavor, profile })
}

/// The architectures of a definition.
pub fn arches(definition: &Definition) -> Vec<Arch> {
    let has = |arch: &str| {
        definition.platforms.is_empty()
            || definition.platforms.iter().any(|p| p.value == format!("linux/{arch}"))
    };
    [Arch::Amd64, Arch::Arm64].into_iter().filter(|arch| has(arch.as_str())).collect()
}

fn distro(definition: &Definition) -> Option<Distro> {
    let field = |name: &str| {
        let found = definition.os_release.iter().find(|(key, _)| key.value == name);
        found.map(|(_, value)| value.value.as_str())
    };
    if let (Some(id), Some(release)) = (field("ID"), field("VERSION_ID"))
        && let Some(family) = family(id)
    {
        return Some(Distro { family, release: short(family, release) });
    }
    let folders = definition.file.rsplit('/').skip(1);
    let folder = folders.filter_map(|folder| {
        let (name, release) = folder.split_once('-')?;
        Some(Distro { family: family(name)?, release: release.to_owned() })
            .filter(|distro| is_release(&distro.release))
    });
    folder.take(1).next().or_else(|| repository(definition)).or_else(|| syntax(definition))
}

fn family(id: &str) -> Option<Family> {
    match id {
        "alpine" => Some(Family::Alpine),
        "debian" => Some(Family::Debian),
        _ => None,
    }
}

fn is_release(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// `3.24` of `3.24.1`, `13` of `13.1`.
fn short(family: Family, release: &str) -> String {
    let parts = if family == Family::Alpine { 2 } else { 1 };
    release.split('.').take(parts).collect::<Vec<_>>().join(".")
}

fn repository(definition: &Definition) -> Option<Distro> {
    let texts = definition.repositories.iter().map(|repository| repository.value.as_str());
    let found = texts.filter_map(|text| {
        let debian =
            codename(text).map(|release| Distro { family: Family::Debian, release: release.to_owned() });
        debian.or_else(|| {
            let branch =
                text.split('/').find_map(|part| part.strip_prefix('v').filter(|rest| is_release(rest)));
            let release = branch.filter(|_| text.contains("alpine"))?.to_owned();
            Some(Distro { family: Family::Alpine, release })
        })
    });
    found.take(1).next()
}

/// Debian's release by a codename in a line of `sources.list`.
pub fn codename(line: &str) -> Option<&'static str> {
    const NAMES: [(&str, &str); 4] =
        [("bullseye", "11"), ("bookworm", "12"), ("trixie", "13"), ("forky", "14")];
    let words = || line.split_whitespace().filter(|_| line.trim_start().starts_with("deb"));
    NAMES
        .into_iter()
        .find(|(name, _)| words().any(|word| word.split('-').next() == Some(name)))
        .map(|(_, r)| r)
}

/// The codename of a release of Debian.
pub fn codename_of(release: &str) -> Option<&'static str> {
    match release {
        "11" => Some("bullseye"),
        "12" => Some("bookworm"),
        "13" => Some("trixie"),
        "14" => Some("forky"),
        _ => None,
    }
}

fn syntax(definition: &Definition) -> Option<Distro> {
    let text = definition.syntax.as_deref()?;
    let found =
        [("-alpine", Family::Alpine), ("-debian", Family::Debian)].into_iter().find_map(|(name, family)| {
            let (_, rest) = text.split_once(name)?;
            let end =
                rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
            Some(Distro { family, release: short(family, &rest[..end]) })
        });
    found.filter(|distro| is_release(&distro.release))
}

/// The numbers that a tag begins with, and what follows them.
fn core(tag: &str) -> Option<(&str, &str)> {
    let mut end = 0;
    let bytes = tag.as_bytes();
    while end < bytes.len() && (bytes[end].is_ascii_digit() || (bytes[end] == b'.' && end > 0)) {
        end += 1;
    }
    let numbers = tag[..end].trim_end_matches('.');
    if numbers.is_empty() || numbers.contains("..") {
        return None;
    }
    let rest = &tag[numbers.len()..];
    let before = rest.strip_prefix('-').unwrap_or("");
    let release = before.split('-').next().unwrap_or("");
    let is_before = ["alpha", "beta", "rc", "preview", "pre", "milestone"].iter().any(|kind| {
        release
            .strip_prefix(kind)
            .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
    });
    if is_before {
        let end = numbers.len() + 1 + release.len();
        return Some((&tag[..end], &tag[end..]));
    }
    (rest.is_empty() || rest.starts_with('-')).then_some((numbers, rest))
}

fn version(definition: &Definition, distro: &Distro) -> Option<String> {
    let cores = definition.tags.iter().filter_map(|tag| core(&tag.value).map(|(core, _)| core));
    if let Some(longest) = cores.max_by_key(|core| (core.split('.').count(), core.len())) {
        return Some(longest.to_owned()).filter(|text| text.len() <= 40);
    }
    // Without numbers: what all tags have before the distro's name (`trixie`).
    let first = definition.tags.first()?.value.split('-').next()?;
    let named = definition.tags.iter().all(|tag| tag.value.split('-').next() == Some(first));
    let free = ![distro.family.as_str(), "dev", "latest"].contains(&first) && first != distro.to_string();
    (named && free && hbuild_lang::Form::Version.problem(first).is_none()).then(|| first.to_owned())
}

/// The words that all tags have beside version, distro and `dev`; those of `flavor` and `helm` first.
fn profile(definition: &Definition, distro: &Distro, version: Option<&str>) -> String {
    let own = [distro.family.as_str().to_owned(), distro.to_string(), "dev".to_owned()];
    let words = |tag: &str| -> Vec<String> {
        let rest = core(tag)
            .map_or_else(|| tag.strip_prefix(version.unwrap_or("")).unwrap_or(tag), |(_, rest)| rest);
        let word = |word: &&str| !word.is_empty() && !own.contains(&(*word).to_owned()) && !is_release(word);
        rest.split('-').filter(word).map(str::to_owned).collect()
    };
    let mut parts: Vec<String> = definition.flavor.iter().map(|flavor| flavor.value.clone()).collect();
    parts
        .extend(definition.variant.iter().filter(|variant| variant.value == "helm").map(|v| v.value.clone()));
    if let Some((first, others)) = definition.tags.split_first() {
        let others: Vec<Vec<String>> = others.iter().map(|tag| words(&tag.value)).collect();
        let common =
            words(&first.value).into_iter().filter(|word| others.iter().all(|tag| tag.contains(word)));
        for word in common {
            let said = parts.iter().any(|part| part.split('-').any(|known| known == word));
            if !said {
                parts.push(word);
            }
        }
    }
    parts.iter().map(|part| label(part)).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// A text as it can be a label of an axis.
pub fn label(text: &str) -> String {
    let letter =
        |letter: char| if letter.is_ascii_alphanumeric() || "._".contains(letter) { letter } else { '-' };
    let text: String = text.chars().map(letter).collect();
    text.trim_matches(['-', '.', '_']).chars().take(60).collect()
}

/// The name of a file without `.yaml` and without what flavor and profile say.
pub fn stem<'a>(definition: &'a Definition, identity: &Identity) -> &'a str {
    let name = definition.file.rsplit('/').next().unwrap_or_default();
    let name = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")).unwrap_or(name);
    let name = name.strip_suffix("-dev").unwrap_or(name);
    name.strip_suffix(&format!("-{}", identity.profile)).unwrap_or(name)
}

/// Whether a text has the value somewhere, as words of its own.
pub fn repeats(text: &str, value: &str) -> bool {
    let joins = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    !value.is_empty()
        && text.match_indices(value).any(|(at, _)| {
            !joins(text[..at].chars().next_back()) && !joins(text[at + value.len()..].chars().next())
        })
}
