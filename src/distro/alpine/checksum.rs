//! What a signed index states of a package: the SHA-1 of its control segment.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The SHA-1 digest of a package's control segment, as it stands in the file; its text is `Q1` and base64, as in
/// the field `C:` of an APKINDEX. The control segment holds the SHA-256 of the data, so it pins both.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Checksum(pub [u8; 20]);

/// Why a text is not a checksum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a package checksum: expected `Q1` and 28 characters of base64")]
pub struct ParseChecksumError {
    /// The text as it was given.
    pub text: String,
}

impl fmt::Display for Checksum {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Q1")?;
        out.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Checksum({self})")
    }
}

impl FromStr for Checksum {
    type Err = ParseChecksumError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let failure = || ParseChecksumError { text: text.chars().take(60).collect() };
        let encoded = text.strip_prefix("Q1").filter(|encoded| encoded.len() == 28).ok_or_else(failure)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| failure())?;
        bytes.try_into().map(Self).map_err(|_| failure())
    }
}

impl Serialize for Checksum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Checksum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_text_round_trips() {
        let text = "Q1YCZ4e/kV0Uaynh14//zvTTyN7x8=";
        let checksum: Checksum = text.parse().unwrap();
        assert_eq!(checksum.to_string(), text);
        assert_eq!(serde_json::to_string(&checksum).unwrap(), format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Checksum>(&format!("\"{text}\"")).unwrap(), checksum);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "Q1",
            "Q2YCZ4e/kV0Uaynh14//zvTTyN7x8=",
            "Q1YCZ4e/kV0Uaynh14//zvTTyN7x8",
            "Q1YCZ4e/kV0Uaynh14//zvTTyN7x8A==",
            "Q1YCZ4e/kV0Uaynh14//zvTTyN7 8=",
            "ß1YCZ4e/kV0Uaynh14//zvTTyN7x8=",
        ] {
            assert!(text.parse::<Checksum>().is_err(), "{text}");
        }
    }
}
