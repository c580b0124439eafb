//! One entry of an index.

use super::Flaw;
use crate::distro::alpine::checksum::Checksum;

/// A package as the index describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Package<'a> {
    text: &'a str,
}

impl<'a> Package<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// Whether every field is one, none stands there twice, and what each package has is there.
    pub(super) fn check(self) -> Result<(), (usize, Flaw)> {
        let (mut seen, mut offset) = (0_u128, 0);
        for line in self.text.split('\n') {
            let [letter, b':', ..] = line.as_bytes() else { return Err((offset, Flaw::NoField)) };
            if !letter.is_ascii_alphabetic() {
                return Err((offset, Flaw::NoField));
            }
            let (letter, bit) = (char::from(*letter), 1 << letter);
            if seen & bit != 0 {
                return Err((offset, Flaw::Twice(letter)));
            }
            seen |= bit;
            let value = &line[2..];
            let is_number = || value.parse::<u64>().is_ok();
            match letter {
                'P' | 'V' | 'A' if value.is_empty() => return Err((offset, Flaw::Missing(letter))),
                'P' | 'V' | 'A' if !is_part_of_file_name(value) => {
                    return Err((offset, Flaw::Character(letter)));
                }
                'S' | 'I' | 't' | 'k' if !is_number() => return Err((offset, Flaw::Number(letter))),
                'C' => _ = value.parse::<Checksum>().map_err(|error| (offset, Flaw::Checksum(error)))?,
                _ => {}
            }
            offset += line.len() + 1;
        }
        match ['P', 'V', 'A', 'C', 'S'].into_iter().find(|letter| seen & (1 << u32::from(*letter)) == 0) {
            Some(letter) => Err((0, Flaw::Missing(letter))),
            None => Ok(()),
        }
    }

    /// The value of a field by its letter.
    fn field(self, letter: u8) -> Option<&'a str> {
        let mut lines = self.text.split('\n');
        lines.find_map(|line| match line.as_bytes() {
            [first, b':', ..] if *first == letter => Some(&line[2..]),
            _ => None,
        })
    }

    fn number(self, letter: u8) -> Option<u64> {
        self.field(letter)?.parse().ok()
    }

    fn words(self, letter: u8) -> impl Iterator<Item = &'a str> {
        self.field(letter).unwrap_or_default().split_ascii_whitespace()
    }

    /// The entry as it stands in the index, without the empty line after it.
    pub fn text(self) -> &'a str {
        self.text
    }

    /// Its name.
    pub fn name(self) -> &'a str {
        self.field(b'P').unwrap_or_default()
    }

    /// Its version.
    pub fn version(self) -> &'a str {
        self.field(b'V').unwrap_or_default()
    }

    /// Its architecture, or `noarch`.
    pub fn arch(self) -> &'a str {
        self.field(b'A').unwrap_or_default()
    }

    /// The digest of its control segment.
    pub fn checksum(self) -> Checksum {
        let checksum = self.field(b'C').and_then(|text| text.parse().ok());
        checksum.expect("every checksum was read when the index was")
    }

    /// The size of the .apk, in bytes.
    pub fn size(self) -> u64 {
        self.number(b'S').unwrap_or_default()
    }

    /// The size of its files, in bytes.
    pub fn installed_size(self) -> u64 {
        self.number(b'I').unwrap_or_default()
    }

    /// The source package it was built from; its own name where none is said.
    pub fn origin(self) -> &'a str {
        self.field(b'o').filter(|origin| !origin.is_empty()).unwrap_or_else(|| self.name())
    }

    /// Its licence, as the packager wrote it.
    pub fn license(self) -> Option<&'a str> {
        self.field(b'L')
    }

    /// The home page of the project.
    pub fn url(self) -> Option<&'a str> {
        self.field(b'U')
    }

    /// One line about it.
    pub fn description(self) -> Option<&'a str> {
        self.field(b'T')
    }

    /// Who looks after it.
    pub fn maintainer(self) -> Option<&'a str> {
        self.field(b'm')
    }

    /// The commit of the repository of build scripts that it was built from.
    pub fn commit(self) -> Option<&'a str> {
        self.field(b'c')
    }

    /// When it was built, in seconds since 1970.
    pub fn build_time(self) -> Option<u64> {
        self.number(b't')
    }

    /// How much it is preferred to others that provide the same name; 0 where nothing is said.
    pub fn provider_priority(self) -> u64 {
        self.number(b'k').unwrap_or_default()
    }

    /// The words of its dependencies.
    pub fn depends(self) -> impl Iterator<Item = &'a str> {
        self.words(b'D')
    }

    /// The words of what it provides.
    pub fn provides(self) -> impl Iterator<Item = &'a str> {
        self.words(b'p')
    }

    /// The words of what must all be there for it to be installed of itself.
    pub fn install_if(self) -> impl Iterator<Item = &'a str> {
        self.words(b'i')
    }
}

/// Whether a text can stand in the name of a file and in that of a package.
fn is_part_of_file_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte);
    text.bytes().all(allowed) && !text.starts_with(['.', '-'])
}
