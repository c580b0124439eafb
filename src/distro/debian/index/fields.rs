//! One stanza of a Packages file as borrowed fields (deb822, `deb-src-control(5)` and Debian Policy 5.1).
//!
//! Receives the text between two empty lines. Never copies.

/// The fields hbuild knows, in the order in which a compacted stanza has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Package,
    Version,
    Architecture,
    MultiArch,
    Essential,
    Important,
    Protected,
    Priority,
    Section,
    Source,
    InstalledSize,
    Filename,
    Size,
    Sha256,
    PreDepends,
    Depends,
    Conflicts,
    Breaks,
    Recommends,
    Suggests,
    Replaces,
    Provides,
    Enhances,
}

const COUNT: usize = Field::Enhances as usize + 1;

impl Field {
    /// Every field, in declaration order.
    pub(crate) const ALL: [Self; COUNT] = [
        Self::Package,
        Self::Version,
        Self::Architecture,
        Self::MultiArch,
        Self::Essential,
        Self::Important,
        Self::Protected,
        Self::Priority,
        Self::Section,
        Self::Source,
        Self::InstalledSize,
        Self::Filename,
        Self::Size,
        Self::Sha256,
        Self::PreDepends,
        Self::Depends,
        Self::Conflicts,
        Self::Breaks,
        Self::Recommends,
        Self::Suggests,
        Self::Replaces,
        Self::Provides,
        Self::Enhances,
    ];

    /// Its name as Debian writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Package => "Package",
            Self::Version => "Version",
            Self::Architecture => "Architecture",
            Self::MultiArch => "Multi-Arch",
            Self::Essential => "Essential",
            Self::Important => "Important",
            Self::Protected => "Protected",
            Self::Priority => "Priority",
            Self::Section => "Section",
            Self::Source => "Source",
            Self::InstalledSize => "Installed-Size",
            Self::Filename => "Filename",
            Self::Size => "Size",
            Self::Sha256 => "SHA256",
            Self::PreDepends => "Pre-Depends",
            Self::Depends => "Depends",
            Self::Conflicts => "Conflicts",
            Self::Breaks => "Breaks",
            Self::Recommends => "Recommends",
            Self::Suggests => "Suggests",
            Self::Replaces => "Replaces",
            Self::Provides => "Provides",
            Self::Enhances => "Enhances",
        }
    }

    /// The field of this name, in any case.
    fn named(name: &str) -> Option<Self> {
        let candidates: &[Self] = match name.len() {
            4 => &[Self::Size],
            6 => &[Self::Sha256, Self::Source, Self::Breaks],
            7 => &[Self::Package, Self::Version, Self::Section, Self::Depends],
            8 => &[
                Self::Priority,
                Self::Filename,
                Self::Suggests,
                Self::Replaces,
                Self::Provides,
                Self::Enhances,
            ],
            9 => &[Self::Essential, Self::Important, Self::Protected, Self::Conflicts],
            10 => &[Self::MultiArch, Self::Recommends],
            11 => &[Self::PreDepends],
            12 => &[Self::Architecture],
            14 => &[Self::InstalledSize],
            _ => &[],
        };
        candidates.iter().copied().find(|field| field.name().eq_ignore_ascii_case(name))
    }
}

/// What is wrong with a line of a stanza.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Neither a field nor a continuation.
    #[error("a line without a colon")]
    NoColon,
    /// A continuation line that continues nothing.
    #[error("a continuation line before the first field")]
    NothingToContinue,
    /// A field that stands twice.
    #[error("the field `{0}` stands twice")]
    Repeated(&'static str),
    /// A field that every stanza has.
    #[error("a stanza without the field `{0}`")]
    Missing(&'static str),
    /// A field whose value cannot be read.
    #[error("the field `{field}` cannot be `{value}`")]
    Value {
        /// Its name.
        field: &'static str,
        /// Its value.
        value: String,
    },
}

/// The known fields of one stanza: values without surrounding white space, continuation lines included.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields<'a> {
    values: [Option<&'a str>; COUNT],
}

impl<'a> Fields<'a> {
    /// The fields of a stanza, or the first flaw with its byte offset in the stanza.
    pub(crate) fn read(stanza: &'a str) -> Result<Self, (usize, Flaw)> {
        let mut fields = Self::default();
        // The known field that continuation lines add to, with the offset where its value starts.
        let mut open: Option<(Field, usize)> = None;
        let mut continued = false;
        let mut start = 0;
        while start < stanza.len() {
            let end =
                memchr::memchr(b'\n', &stanza.as_bytes()[start..]).map_or(stanza.len(), |at| start + at);
            let line = &stanza[start..end];
            if line.starts_with([' ', '\t']) {
                if start == 0 {
                    return Err((start, Flaw::NothingToContinue));
                }
                continued = true;
            } else {
                fields.close(stanza, open.take(), continued, start);
                continued = false;
                let colon = memchr::memchr(b':', line.as_bytes()).ok_or((start, Flaw::NoColon))?;
                if let Some(field) = Field::named(&line[..colon]) {
                    if fields.values[field as usize].is_some() {
                        return Err((start, Flaw::Repeated(field.name())));
                    }
                    fields.values[field as usize] = Some(line[colon + 1..].trim_ascii());
                    open = Some((field, start + colon + 1));
                }
            }
            start = end + 1;
        }
        fields.close(stanza, open, continued, start);
        Ok(fields)
    }

    /// Widens a value by the continuation lines that followed it; `end` is where the next field starts.
    fn close(&mut self, stanza: &'a str, open: Option<(Field, usize)>, continued: bool, end: usize) {
        if let (Some((field, start)), true) = (open, continued) {
            self.values[field as usize] = Some(stanza[start..end.min(stanza.len())].trim_ascii());
        }
    }

    /// The value of a field; an empty one counts as absent.
    pub(crate) fn get(&self, field: Field) -> Option<&'a str> {
        self.values[field as usize].filter(|value| !value.is_empty())
    }

    /// Whether a flag field says `yes`.
    pub(crate) fn flag(&self, field: Field) -> bool {
        self.get(field).is_some_and(|value| value.eq_ignore_ascii_case("yes"))
    }

    /// Source package and its version, which are the binary's own unless `Source` says otherwise.
    pub(crate) fn source(&self) -> (&'a str, &'a str) {
        let name = self.get(Field::Package).unwrap_or_default();
        let version = self.get(Field::Version).unwrap_or_default();
        let Some(source) = self.get(Field::Source) else { return (name, version) };
        match source.split_once('(') {
            Some((source, rest)) => (source.trim_ascii(), rest.trim_end_matches(')').trim_ascii()),
            None => (source, version),
        }
    }

    /// Nothing, or the first reason why this is no package of a repository.
    pub(crate) fn check(&self) -> Result<(), Flaw> {
        let required = |field: Field| self.get(field).ok_or(Flaw::Missing(field.name()));
        let fits = |field: Field, rule: fn(&str) -> bool| {
            let value = required(field)?;
            rule(value)
                .then_some(())
                .ok_or_else(|| Flaw::Value { field: field.name(), value: value.chars().take(80).collect() })
        };
        let plain = |value: &str| value.bytes().all(|byte| byte.is_ascii_graphic());
        fits(Field::Package, |name| {
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte))
        })?;
        fits(Field::Version, plain)?;
        fits(Field::Architecture, |arch| {
            arch.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })?;
        fits(Field::Filename, |name| !name.starts_with('/') && name.split('/').all(|part| part != ".."))?;
        fits(Field::Size, |size| size.parse::<u64>().is_ok())?;
        fits(Field::Sha256, |digest| digest.parse::<crate::digest::Sha256>().is_ok())
    }
}
