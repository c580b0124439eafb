//! The policy file: TOML, `docs/src/verify.md`.

use std::io;

use globset::{GlobBuilder, GlobSetBuilder};
use serde::Deserialize;
use toml::de::DeTable;
use toml::value::Datetime;

use super::{Globs, KeyTime, Licences, Policy, Sandbox, Threshold, TrustedKey, Wanted};
use crate::digest::Sha256;
use crate::evidence::signing::PublicKey;
use crate::image::merge::did_you_mean;
use crate::timestamp::Timestamp;

/// Every table of the file with its keys.
const TABLES: &[(&str, &[&str])] = &[
    (
        "",
        &["evidence", "image", "key", "licences", "provenance", "sandbox", "schema", "signatures", "waivers"],
    ),
    ("evidence", &["image", "index"]),
    ("image", &["max-age-days", "sources"]),
    ("key", &["builder", "file", "name", "pem", "revoked", "valid-from", "valid-until"]),
    ("licences", &["allow", "deny", "unknown"]),
    ("provenance", &["build-types", "builders", "recipes"]),
    ("sandbox", &["may-miss", "unrecorded"]),
    ("signatures", &["builders", "time"]),
    ("waivers", &["allow"]),
];

/// Why a policy file cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum PolicyError {
    /// Not TOML, or a value of another type.
    #[error("{file}:{line}: {message}")]
    #[diagnostic(code(hbuild::verify::bad_policy), help("{help}"))]
    Bad {
        /// The file.
        file: String,
        /// The line.
        line: usize,
        /// What is wrong.
        message: String,
        /// What to do.
        help: String,
    },
    /// A key's file.
    #[error("the key `{key}` of {file} cannot be read from `{path}`")]
    #[diagnostic(code(hbuild::verify::unreadable_key), help("the path is relative to the policy's folder"))]
    KeyFile {
        /// The policy.
        file: String,
        /// The key's name.
        key: String,
        /// Its file.
        path: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    schema: u32,
    #[serde(default)]
    key: Vec<Key>,
    #[serde(default)]
    signatures: Signatures,
    #[serde(default)]
    evidence: Evidence,
    #[serde(default)]
    provenance: Provenance,
    #[serde(default)]
    image: Image,
    waivers: Option<Waivers>,
    licences: Option<LicenceLists>,
    sandbox: Option<SandboxTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Key {
    name: String,
    file: Option<String>,
    pem: Option<String>,
    builder: Option<String>,
    valid_from: Option<toml::Spanned<Datetime>>,
    valid_until: Option<toml::Spanned<Datetime>>,
    revoked: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Signatures {
    builders: Option<toml::Spanned<u32>>,
    time: Option<toml::Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Evidence {
    image: Option<Vec<toml::Spanned<String>>>,
    #[serde(default)]
    index: Vec<toml::Spanned<String>>,
}

type Patterns = Vec<toml::Spanned<String>>;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Provenance {
    builders: Option<Patterns>,
    build_types: Option<Patterns>,
    recipes: Option<Patterns>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Image {
    sources: Option<Patterns>,
    max_age_days: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Waivers {
    allow: Vec<toml::Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct LicenceLists {
    allow: Option<Patterns>,
    deny: Option<Patterns>,
    unknown: Option<toml::Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct SandboxTable {
    #[serde(default)]
    may_miss: Vec<toml::Spanned<String>>,
    unrecorded: Option<toml::Spanned<String>>,
}

/// Where something stands in which file.
struct Place<'a> {
    file: &'a str,
    text: &'a str,
}

type Span = std::ops::Range<usize>;

impl Place<'_> {
    fn bad(&self, at: Span, message: String, help: impl Into<String>) -> PolicyError {
        let before = self.text.get(..at.start).unwrap_or_default();
        let line = 1 + before.matches('\n').count();
        PolicyError::Bad { file: self.file.to_owned(), line, message, help: help.into() }
    }

    fn toml(&self, error: toml::de::Error) -> PolicyError {
        let at = error.span().unwrap_or(0..0);
        self.bad(
            at,
            error.message().to_owned(),
            "the manual's page on `hbuild verify` has every key of a policy",
        )
    }

    /// Fails for the first key that no policy has.
    fn known_keys(&self) -> Result<(), PolicyError> {
        let table = DeTable::parse(self.text).map_err(|error| self.toml(error))?;
        self.known(table.get_ref(), "")?;
        for (name, value) in table.get_ref() {
            let name: &str = name.get_ref();
            let tables = value.get_ref().as_array().into_iter().flatten();
            let tables = tables.filter_map(|one| one.get_ref().as_table());
            for inner in tables.chain(value.get_ref().as_table()) {
                self.known(inner, name)?;
            }
        }
        Ok(())
    }

    fn known(&self, table: &DeTable<'_>, name: &str) -> Result<(), PolicyError> {
        let known = TABLES.iter().find(|(table, _)| *table == name).map_or(&[][..], |(_, keys)| keys);
        for key in table.keys() {
            let text: &str = key.get_ref();
            if !known.contains(&text) {
                let text = crate::audit::verify::shown(text);
                let message = match name {
                    "" => format!("`{text}` is no part of a policy"),
                    name => format!("`{text}` is no key of `[{name}]`"),
                };
                return Err(self.bad(key.span(), message, did_you_mean(&text, known.iter().copied())));
            }
        }
        Ok(())
    }

    fn globs(&self, patterns: Option<Patterns>, whole: bool) -> Result<Option<Globs>, PolicyError> {
        let Some(patterns) = patterns else { return Ok(None) };
        let mut set = GlobSetBuilder::new();
        for pattern in &patterns {
            let glob = GlobBuilder::new(pattern.get_ref()).literal_separator(whole).build();
            set.add(glob.map_err(|error| {
                let help = "`*` stands for any part of one name, `**` for any folders";
                self.bad(pattern.span(), format!("this is no pattern: {}", error.kind()), help)
            })?);
        }
        let set = set.build().map_err(|error| {
            let at = patterns.first().map_or(0..0, toml::Spanned::span);
            self.bad(at, format!("these are no patterns: {}", error.kind()), "use fewer and shorter ones")
        })?;
        let texts = patterns.into_iter().map(toml::Spanned::into_inner).collect();
        Ok(Some(Globs { texts, set }))
    }

    fn wanted(&self, names: Vec<toml::Spanned<String>>) -> Result<Vec<Wanted>, PolicyError> {
        let wanted = |name: toml::Spanned<String>| {
            Wanted::named(name.get_ref()).ok_or_else(|| {
                let known = super::KINDS.iter().map(|(short, _)| *short).chain(["sbom"]);
                let help = did_you_mean(name.get_ref(), known);
                let message =
                    format!("`{}` is no kind of evidence", crate::audit::verify::shown(name.get_ref()));
                self.bad(name.span(), message, format!("{help}; a predicate type is written in full"))
            })
        };
        names.into_iter().map(wanted).collect()
    }

    fn moment(&self, date: Option<toml::Spanned<Datetime>>) -> Result<Option<Timestamp>, PolicyError> {
        let Some(date) = date else { return Ok(None) };
        let mut text = date.get_ref().to_string();
        if date.get_ref().time.is_none() {
            text.push_str("T00:00:00Z");
        }
        text.parse().map(Some).map_err(|_| {
            let help = "write a day, `2026-01-31`, or a second in UTC, `2026-01-31T12:00:00Z`";
            self.bad(date.span(), format!("the date {text} is not in UTC"), help)
        })
    }

    /// `"allow"` or `"refuse"`.
    fn allowed(&self, word: Option<&toml::Spanned<String>>, default: bool) -> Result<bool, PolicyError> {
        let Some(word) = word else { return Ok(default) };
        match word.get_ref().as_str() {
            "allow" => Ok(true),
            "refuse" => Ok(false),
            _ => Err(self.one_of(word, &["allow", "refuse"])),
        }
    }

    fn one_of(&self, word: &toml::Spanned<String>, known: &[&str]) -> PolicyError {
        let message = format!("`{}` is none of the values", crate::audit::verify::shown(word.get_ref()));
        self.bad(word.span(), message, did_you_mean(word.get_ref(), known.iter().copied()))
    }
}

impl Policy {
    /// The policy that `text` is; `read` gives the key files it names, relative to it.
    pub fn parse(
        file: &str,
        text: &str,
        read: &dyn Fn(&str) -> io::Result<String>,
    ) -> Result<Self, PolicyError> {
        let place = Place { file, text };
        place.known_keys()?;
        let File { schema, key, signatures, evidence, provenance, image, waivers, licences, sandbox } =
            toml::from_str(text).map_err(|error| place.toml(error))?;
        if schema != 1 {
            let at = text.find("schema").unwrap_or(0);
            let help = "this version of hbuild reads `schema = 1`: use a newer one";
            return Err(place.bad(at..at, format!("policies of schema {schema} are not known"), help));
        }
        let image_evidence = evidence.image.map(|names| place.wanted(names)).transpose()?;
        Ok(Self {
            digest: Some(Sha256::of(text.as_bytes())),
            keys: keys(&place, key, read)?,
            threshold: threshold(&place, signatures.builders)?,
            time: match &signatures.time {
                None => KeyTime::default(),
                Some(word) => match word.get_ref().as_str() {
                    "verification" => KeyTime::Verification,
                    "asserted" => KeyTime::Asserted,
                    _ => return Err(place.one_of(word, &["asserted", "verification"])),
                },
            },
            image_evidence,
            index_evidence: place.wanted(evidence.index)?,
            builders: place.globs(provenance.builders, true)?,
            build_types: place.globs(provenance.build_types, true)?,
            recipes: place.globs(provenance.recipes, true)?,
            sources: place.globs(image.sources, true)?,
            waivers: waivers.map(|waivers| rules(&place, waivers.allow)).transpose()?,
            licences: licences.map(|lists| licence_lists(&place, lists)).transpose()?,
            most_days: image.max_age_days,
            sandbox: sandbox.map(|table| sandbox_table(&place, table)).transpose()?,
        })
    }
}

fn threshold(place: &Place<'_>, builders: Option<toml::Spanned<u32>>) -> Result<Threshold, PolicyError> {
    match builders {
        None => Ok(Threshold::default()),
        Some(number) if *number.get_ref() == 0 => {
            let help = "an image that nobody signed is what `verify` is there to refuse";
            Err(place.bad(number.span(), "at least one builder has to sign".to_owned(), help))
        }
        Some(number) => Ok(Threshold(number.into_inner())),
    }
}

fn rules(place: &Place<'_>, allow: Vec<toml::Spanned<String>>) -> Result<Vec<String>, PolicyError> {
    let known = || crate::image::policy::RULES.iter().map(|rule| rule.code);
    for rule in &allow {
        if known().all(|code| code != rule.get_ref()) {
            let message = format!("there is no rule `{}`", crate::audit::verify::shown(rule.get_ref()));
            return Err(place.bad(rule.span(), message, did_you_mean(rule.get_ref(), known())));
        }
    }
    Ok(allow.into_iter().map(toml::Spanned::into_inner).collect())
}

fn sandbox_table(place: &Place<'_>, table: SandboxTable) -> Result<Sandbox, PolicyError> {
    let known = super::BEST_EFFORT;
    if let Some(part) = table.may_miss.iter().find(|part| !known.contains(&part.get_ref().as_str())) {
        return Err(place.one_of(part, known));
    }
    Ok(Sandbox {
        unrecorded: place.allowed(table.unrecorded.as_ref(), false)?,
        may_miss: table.may_miss.into_iter().map(toml::Spanned::into_inner).collect(),
    })
}

fn licence_lists(place: &Place<'_>, lists: LicenceLists) -> Result<Licences, PolicyError> {
    let unknown = place.allowed(lists.unknown.as_ref(), true)?;
    let (allow, deny) = (place.globs(lists.allow, false)?, place.globs(lists.deny, false)?);
    Ok(Licences { allow, deny, unknown })
}

fn keys(
    place: &Place<'_>,
    keys: Vec<Key>,
    read: &dyn Fn(&str) -> io::Result<String>,
) -> Result<Vec<TrustedKey>, PolicyError> {
    let mut all: Vec<TrustedKey> = Vec::new();
    for key in keys {
        let at = place.text.find(&format!("\"{}\"", key.name)).unwrap_or(0);
        let bad = |message: String, help: &str| place.bad(at..at, message, help);
        let name = crate::audit::verify::shown(&key.name);
        let pem = match (&key.file, key.pem) {
            (None, Some(pem)) => pem,
            (Some(path), None) => read(path).map_err(|source| PolicyError::KeyFile {
                file: place.file.to_owned(),
                key: name.clone(),
                path: path.clone(),
                source,
            })?,
            _ => {
                let help = "write one of them: the path of a `.pub` file beside the policy, or its text";
                return Err(bad(format!("the key `{name}` has not exactly one of `file` and `pem`"), help));
            }
        };
        let Ok(public) = PublicKey::from_pem(&pem) else {
            let help = "give the `.pub` file that `hbuild keygen` wrote: ECDSA on P-256, PEM";
            return Err(bad(format!("the key `{name}` is no public key"), help));
        };
        if all.iter().any(|there| there.name == name || there.key == public) {
            return Err(bad(
                format!("the key `{name}` is there twice"),
                "each name and each key stands once",
            ));
        }
        all.push(TrustedKey {
            name,
            key: public,
            builder: key.builder,
            valid_from: place.moment(key.valid_from)?,
            valid_until: place.moment(key.valid_until)?,
            revoked: key.revoked,
        });
    }
    Ok(all)
}
