//! RFC 8785 canonical JSON of derivations. Graphs have thousands of them, mostly with plain keys and small numbers:
//! for these it is enough to sort the members of objects. The rest is left to the library that knows all rules.

use std::ops::Range;

use serde::Serialize;

/// The longest number that has the same text as a double.
const LONGEST_NUMBER: usize = 15;

/// Appends the canonical JSON of `value`.
pub(super) fn append(value: &impl Serialize, out: &mut Vec<u8>) {
    let start = out.len();
    let plain = serde_json::to_vec(value).expect("actions serialise to JSON");
    let mut sorter = Sorter { json: &plain, at: 0, members: Vec::new() };
    if sorter.value(out).is_none() {
        out.truncate(start);
        serde_json_canonicalizer::to_writer(value, out).expect("actions serialise to JSON");
    }
}

/// Copies compact JSON, the members of each object in the order of their keys. Gives up where that is not all
/// there is to do.
struct Sorter<'a> {
    json: &'a [u8],
    at: usize,
    /// Of the objects around this place, from the outermost: each key in the JSON, and its member in the copy.
    members: Vec<(Range<usize>, Range<usize>)>,
}

impl Sorter<'_> {
    fn value(&mut self, out: &mut Vec<u8>) -> Option<()> {
        match self.json.get(self.at)? {
            b'{' => self.object(out),
            b'[' => self.array(out),
            b'"' => {
                let text = self.string()?;
                out.extend_from_slice(&self.json[text]);
                Some(())
            }
            _ => self.word(out),
        }
    }

    fn array(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let start = out.len() + 1;
        out.push(self.take()?);
        while *self.json.get(self.at)? != b']' {
            if out.len() > start {
                out.push(self.take()?);
            }
            self.value(out)?;
        }
        out.push(self.take()?);
        Some(())
    }

    fn object(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let (first, start) = (self.members.len(), out.len() + 1);
        out.push(self.take()?);
        while *self.json.get(self.at)? != b'}' {
            if out.len() > start {
                out.push(self.take()?);
            }
            let member = out.len();
            let key = self.string()?;
            let text = &self.json[key.clone()];
            if !text.iter().all(|byte| byte.is_ascii() && *byte != b'\\') {
                return None;
            }
            out.extend_from_slice(text);
            out.push(self.take()?);
            self.value(out)?;
            self.members.push((key, member..out.len()));
        }
        let json = self.json;
        let name = |(key, _): &(Range<usize>, Range<usize>)| &json[key.start + 1..key.end - 1];
        let own = &mut self.members[first..];
        if !own.is_sorted_by_key(name) {
            own.sort_unstable_by_key(name);
            let copy = out.split_off(start);
            for (index, (_, member)) in own.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(&copy[member.start - start..member.end - start]);
            }
        }
        self.members.truncate(first);
        out.push(self.take()?);
        Some(())
    }

    /// The place of a string, quotes included.
    fn string(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.take()? {
                b'"' => return Some(start..self.at),
                b'\\' => self.at += 1,
                _ => {}
            }
        }
    }

    /// `true`, `false`, `null` or a number.
    fn word(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let rest = &self.json[self.at..];
        let end = rest.iter().position(|byte| b",]}".contains(byte)).unwrap_or(rest.len());
        let word = &rest[..end];
        let whole = word.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-');
        let known = word.first()?.is_ascii_alphabetic();
        let short = whole && end <= LONGEST_NUMBER && word != b"-0";
        if !known && !short {
            return None;
        }
        out.extend_from_slice(word);
        self.at += end;
        Some(())
    }

    fn take(&mut self) -> Option<u8> {
        self.at += 1;
        self.json.get(self.at - 1).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::ser::SerializeMap;

    /// JSON whose objects keep the order of their members.
    #[derive(Debug, Clone)]
    enum Json {
        Null,
        Bool(bool),
        Int(i64),
        Float(f64),
        Text(String),
        List(Vec<Json>),
        Object(Vec<(String, Json)>),
    }

    impl Serialize for Json {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self {
                Json::Null => serializer.serialize_unit(),
                Json::Bool(value) => serializer.serialize_bool(*value),
                Json::Int(value) => serializer.serialize_i64(*value),
                Json::Float(value) => serializer.serialize_f64(*value),
                Json::Text(value) => serializer.serialize_str(value),
                Json::List(values) => values.serialize(serializer),
                Json::Object(members) => {
                    let mut map = serializer.serialize_map(None)?;
                    for (key, value) in members {
                        map.serialize_entry(key, value)?;
                    }
                    map.end()
                }
            }
        }
    }

    fn json() -> impl Strategy<Value = Json> {
        let text = "[a-cA-C0-9_\"\\\\\n\u{1}é\u{ffff}😀-]{0,4}";
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            (-9_007_199_254_740_991..=9_007_199_254_740_991i64).prop_map(Json::Int),
            (-20..20i64).prop_map(Json::Int),
            (-1e9..1e9).prop_map(Json::Float),
            text.prop_map(Json::Text),
        ];
        leaf.prop_recursive(4, 40, 5, move |inner| {
            let members = |key: &'static str| {
                let one = proptest::collection::btree_map(key, inner.clone(), 0..5);
                one.prop_map(|map| map.into_iter().collect::<Vec<_>>()).prop_shuffle().prop_map(Json::Object)
            };
            let plain = members("[a-zA-Z0-9_-]{0,4}");
            let any = members(text);
            prop_oneof![proptest::collection::vec(inner.clone(), 0..5).prop_map(Json::List), plain, any]
        })
    }

    proptest! {
        #[test]
        fn the_same_as_the_library(value in json()) {
            let mut fast = b"prefix ".to_vec();
            append(&value, &mut fast);
            let mut slow = b"prefix ".to_vec();
            serde_json_canonicalizer::to_writer(&value, &mut slow).unwrap();
            prop_assert_eq!(String::from_utf8(fast).unwrap(), String::from_utf8(slow).unwrap());
        }
    }

    #[test]
    fn members_are_sorted_without_the_library() {
        let plain = br#"{"kind":"exec","arch":["b","a",{}],"z":{"b":-1,"a":[]},"Z":null}"#;
        let mut out = Vec::new();
        let sorter = &mut Sorter { json: plain, at: 0, members: Vec::new() };
        assert_eq!(sorter.value(&mut out), Some(()));
        let sorted = r#"{"Z":null,"arch":["b","a",{}],"kind":"exec","z":{"a":[],"b":-1}}"#;
        assert_eq!(String::from_utf8(out).unwrap(), sorted);
    }
}
