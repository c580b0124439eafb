use proptest::prelude::*;

use super::{Index, IndexError};

const INDEX: &str = "\
C:Q1YCZ4e/kV0Uaynh14//zvTTyN7x8=
P:one
V:1.0-r0
A:x86_64
S:866787
I:1720320
T:The first one
U:https://example.org/
L:MIT
o:both
m:Somebody <some@example.org>
t:1688146859
c:da4780262417a9446b7d13fe9bb7e83c54edb53d
k:100
D:so:libc.musl-x86_64.so.1 two>=1 !three
p:cmd:one=1.0-r0 virtual

C:Q19qUyV9TFS+tErPDBnvqG7VqyvyM=
P:two
V:2.0-r0
A:x86_64
S:1
i:one two=2.0-r0

";

fn index(text: &str) -> Result<Index, IndexError> {
    Index::parse(text.as_bytes().to_vec())
}

#[test]
fn every_field_is_read() {
    let index = index(INDEX).unwrap();
    assert_eq!(index.len(), 2);
    let one = index.package(0);
    assert_eq!((one.name(), one.version(), one.arch()), ("one", "1.0-r0", "x86_64"));
    assert_eq!(one.checksum().to_string(), "Q1YCZ4e/kV0Uaynh14//zvTTyN7x8=");
    assert_eq!((one.size(), one.installed_size()), (866_787, 1_720_320));
    assert_eq!((one.origin(), one.license(), one.url()), ("both", Some("MIT"), Some("https://example.org/")));
    assert_eq!(one.description(), Some("The first one"));
    assert_eq!(one.maintainer(), Some("Somebody <some@example.org>"));
    assert_eq!(one.commit(), Some("da4780262417a9446b7d13fe9bb7e83c54edb53d"));
    assert_eq!((one.build_time(), one.provider_priority()), (Some(1_688_146_859), 100));
    assert_eq!(one.depends().collect::<Vec<_>>(), ["so:libc.musl-x86_64.so.1", "two>=1", "!three"]);
    assert_eq!(one.provides().collect::<Vec<_>>(), ["cmd:one=1.0-r0", "virtual"]);
    let two = index.package(1);
    assert_eq!(two.install_if().collect::<Vec<_>>(), ["one", "two=2.0-r0"]);
    assert_eq!(
        (two.origin(), two.license(), two.build_time(), two.provider_priority()),
        ("two", None, None, 0)
    );
    assert!(two.text().ends_with("i:one two=2.0-r0"));
    assert_eq!(index.names().collect::<Vec<_>>(), ["one", "two", "cmd:one", "virtual"]);
}

#[test]
fn the_cached_form_is_the_index() {
    for text in ["", "\n\n", INDEX, INDEX.trim_end()] {
        let index = index(text).unwrap();
        assert_eq!(Index::from_cache(index.to_cache()).unwrap(), index);
    }
}

#[test]
fn a_damaged_cached_form_is_refused() {
    let cache = index(INDEX).unwrap().to_cache();
    for position in [0, INDEX.len(), INDEX.len() + 100, cache.len() / 2, cache.len() - 100, cache.len() - 1] {
        let mut damaged = cache.clone();
        damaged[position] ^= 1;
        assert!(matches!(Index::from_cache(damaged), Err(IndexError::Cache { .. })), "{position}");
    }
    for length in [0, 7, 100, cache.len() - 1] {
        assert!(Index::from_cache(cache[..length].to_vec()).is_err(), "{length}");
    }
}

#[test]
fn broken_entries_are_refused() {
    let refusal = |from: &str, to: &str| index(&INDEX.replacen(from, to, 1)).unwrap_err().to_string();
    let cases = [
        ("P:one\n", "", "line 1 of the package index: the field `P:` is missing or empty"),
        ("V:1.0-r0", "V:", "line 3 of the package index: the field `V:` is missing or empty"),
        (
            "P:one",
            "P:../one",
            "line 2 of the package index: the field `P:` has a character that it may not have",
        ),
        (
            "A:x86_64",
            "A:x86 64",
            "line 4 of the package index: the field `A:` has a character that it may not have",
        ),
        ("S:866787", "S:-1", "line 5 of the package index: the field `S:` is not a number"),
        ("k:100", "k:", "line 14 of the package index: the field `k:` is not a number"),
        ("T:The first", "\u{e4}The first", "line 7 of the package index: a line that is no field"),
        ("L:MIT", "o:MIT", "line 10 of the package index: the field `o:` stands there twice"),
        ("C:Q1", "C:Q2", "line 1 of the package index: the field `C:` is wrong: "),
    ];
    for (from, to, expected) in cases {
        let found = refusal(from, to);
        assert!(found.starts_with(expected), "{found}");
    }
    let mut bytes = INDEX.as_bytes().to_vec();
    bytes[INDEX.find("first one").unwrap()] = 0xff;
    assert!(matches!(Index::parse(bytes), Err(IndexError::Encoding { line: 7 })));
}

#[test]
fn packages_that_apk_could_not_install_are_known() {
    let usable = |text: String| index(&text).unwrap().package_name(0).1;
    assert!(usable(INDEX.to_owned()));
    assert!(usable(INDEX.replacen("c:da47", "x:da47", 1)));
    for (from, to) in
        [("two>=1", "two>=one"), ("two>=1", "two@edge"), ("virtual", "virtual="), ("T:The", "X:The")]
    {
        assert!(!usable(INDEX.replacen(from, to, 1)), "{to}");
    }
}

proptest! {
    #[test]
    fn hostile_text_never_panics(text in "([CPVASIDpitk]:[a-z0-9=!<>~@: \u{e4}-]{0,12}\n|\n){0,30}") {
        let _ = index(&text);
    }

    #[test]
    fn hostile_entries_are_read_or_refused(
        mutations in proptest::collection::vec((0..INDEX.len(), "[a-zA-Z:=\n !<>~@-]{0,3}"), 1..6)
    ) {
        let mut text = INDEX.to_owned();
        for (position, insertion) in mutations {
            text.insert_str(position.min(text.len()), &insertion);
        }
        if let Ok(index) = index(&text) {
            let again = Index::from_cache(index.to_cache()).unwrap();
            prop_assert_eq!(&again, &index);
            for (number, package) in index.packages().enumerate() {
                prop_assert_eq!(package, again.package(number));
                let _ = (package.checksum(), package.size(), package.origin());
            }
        }
    }
}
