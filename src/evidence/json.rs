//! Strict JSON, for documents that somebody signed: two readers must not find different things in one text.
//!
//! A member named twice is read in another way by each parser, so it is refused wherever it stands. So are bytes
//! behind the document and nesting without end. Unknown members are for the type that is asked for.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Values below each other; documents of evidence have fewer than twenty.
const MOST_DEPTH: usize = 64;

/// Why a text is not taken.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum JsonError {
    /// One name twice in one object.
    #[error("the JSON has the member `{name}` twice in one object")]
    #[diagnostic(
        code(hbuild::evidence::duplicate_member),
        help("readers differ in which of the two counts: do not trust the document, whoever signed it")
    )]
    Duplicate {
        /// The name.
        name: String,
    },
    /// Values inside values without end.
    #[error("the JSON is nested deeper than {MOST_DEPTH} levels")]
    #[diagnostic(
        code(hbuild::evidence::too_deep),
        help("no document of evidence is: take it from where it was made")
    )]
    TooDeep,
    /// No JSON, more than one document, or another shape.
    #[error("the JSON is not what it should be")]
    #[diagnostic(
        code(hbuild::evidence::bad_json),
        help("the document is damaged, or of a kind that this version of hbuild does not know")
    )]
    Bad(#[from] serde_json::Error),
}

/// The value that `bytes` are, one JSON document and nothing behind it.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    check(bytes)?;
    Ok(serde_json::from_slice(bytes)?)
}

/// Fails unless `bytes` are one JSON document without a member named twice.
pub fn check(bytes: &[u8]) -> Result<(), JsonError> {
    let fault = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let checked = Check { depth: 0, fault: &fault }.deserialize(&mut deserializer);
    match checked.and_then(|()| deserializer.end()) {
        Ok(()) => Ok(()),
        Err(error) => Err(fault.into_inner().unwrap_or(JsonError::Bad(error))),
    }
}

#[derive(Clone, Copy)]
struct Check<'a> {
    depth: usize,
    fault: &'a RefCell<Option<JsonError>>,
}

impl Check<'_> {
    fn refuse<E: serde::de::Error>(self, fault: JsonError) -> E {
        let error = E::custom(&fault);
        self.fault.replace(Some(fault));
        error
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.depth < MOST_DEPTH {
            true => Ok(Self { depth: self.depth + 1, ..self }),
            false => Err(self.refuse(JsonError::TooDeep)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Check<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            map.next_value_seed(inner)?;
            if let Some(name) = names.replace(name) {
                return Err(self.refuse(JsonError::Duplicate { name }));
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while sequence.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_name_stands_once_in_an_object() {
        assert!(parse::<Value>(br#"{"a":[{"b":1},{"b":2}],"b":{"a":null,"c":1.5e3}} "#).is_ok());
        for twice in [&br#"{"a":1,"a":1}"#[..], br#"{"x":[{"a":1,"\u0061":2}]}"#, br#"{"a":{},"b":0,"a":[]}"#]
        {
            let found = parse::<Value>(twice);
            assert!(matches!(&found, Err(JsonError::Duplicate { name }) if name == "a"), "{found:?}");
        }
    }

    #[test]
    fn one_document_and_nothing_behind_it() {
        for bad in [&b"{} {}"[..], b"{}x", b"", b"{", b"[1,]", b"{\"a\":\"\xff\"}", b"\xef\xbb\xbf{}", b"NaN"]
        {
            assert!(matches!(parse::<Value>(bad), Err(JsonError::Bad(_))), "{bad:?}");
        }
        assert!(matches!(parse::<Vec<u8>>(b"{}"), Err(JsonError::Bad(_))));
    }

    #[test]
    fn depth_has_an_end() {
        let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat().into_bytes();
        assert!(parse::<Value>(&nested(MOST_DEPTH)).is_ok());
        assert!(matches!(parse::<Value>(&nested(MOST_DEPTH + 1)), Err(JsonError::TooDeep)));
        assert!(parse::<Value>(&b"[".repeat(1_000_000)).is_err());
    }
}
