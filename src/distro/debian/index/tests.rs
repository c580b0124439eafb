use proptest::prelude::*;

use super::*;
use crate::digest::Sha256;

const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn stanza(name: &str, more: &str) -> String {
    format!(
        "Package: {name}\nVersion: 1.0-1\nArchitecture: amd64\n{more}Filename: pool/{name}.deb\nSize: 12\nSHA256: \
         {DIGEST}\nDescription: x\n long: text\n\n"
    )
}

fn sample() -> String {
    let mail = "Source: mail (2.0-1)\nMulti-Arch: foreign\nEssential: yes\nPriority: Standard\nSection: mail\nDepends: \
                libc6 (>= 2.36),\n libx | liby\nProvides: mta, smtp (= 3), mta\nDescription-md5: 0\n";
    stanza("post", mail) + "\n" + &stanza("ant", "Provides: mta\n") + &stanza("ant", "")
}

#[test]
fn fields_are_read() {
    let index = Index::parse(sample().into_bytes()).unwrap();
    assert_eq!(index.len(), 3);
    let post = index.stanza(index.find("post").next().unwrap());
    assert_eq!((post.package(), post.version(), post.architecture()), ("post", "1.0-1", "amd64"));
    assert_eq!((post.source(), post.source_version()), ("mail", "2.0-1"));
    assert_eq!((post.multi_arch(), post.priority()), (MultiArch::Foreign, Priority::Standard));
    assert!(post.essential() && !post.protected());
    assert_eq!((post.size(), post.filename()), (Some(12), Some("pool/post.deb")));
    assert_eq!(post.sha256(), DIGEST.parse::<Sha256>().ok());
    let depends: Vec<_> = post.depends().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(depends, ["libc6 (>= 2.36)", "libx", "liby"]);
    assert!(post.text().ends_with("long: text"));
    assert_eq!(index.find("ant").count(), 2);
    assert_eq!(
        index.providers("mta").map(|it| index.stanza(it).package()).collect::<Vec<_>>(),
        ["post", "ant"]
    );
    assert_eq!(index.names().collect::<Vec<_>>(), ["ant", "mta", "post", "smtp"]);
}

#[test]
fn mentions_are_in_order() {
    let index = Index::parse(sample().into_bytes()).unwrap();
    let mention = |name| {
        index.name_number(name).map(|it| index.first_mention(it)).and_then(|it| it.native_weak.or(it.own))
    };
    let positions: Vec<_> = ["post", "libc6", "libx", "liby", "mta", "smtp", "ant"].map(mention).to_vec();
    assert!(positions.is_sorted() && positions[0] == Some(0), "{positions:?}");
    assert_eq!(index.name_number("nothing"), None);
}

#[test]
fn flaws_have_their_line() {
    let error = |text: String| match Index::parse(text.into_bytes()).unwrap_err() {
        IndexError::Malformed { line, flaw } => (line, flaw),
        other => panic!("{other}"),
    };
    assert_eq!(error(stanza("a", "nonsense\n")), (4, Flaw::NoColon));
    assert_eq!(error(stanza("a", "") + &stanza("b", "Package: c\n")), (13, Flaw::Repeated("Package")));
    assert_eq!(error("\n continued\n".to_owned()), (2, Flaw::NothingToContinue));
    assert_eq!(error(stanza("a", "") + "Package: b\n"), (10, Flaw::Missing("Version")));
    assert!(matches!(error(stanza("a/b", "")), (1, Flaw::Value { field: "Package", .. })));
    assert!(matches!(
        error(stanza("a", "").replace("pool/", "../")),
        (1, Flaw::Value { field: "Filename", .. })
    ));
    assert_eq!(Index::parse(b"Package: a\n\xff".to_vec()), Err(IndexError::Encoding { line: 2 }));
    assert!(Index::parse(Vec::new()).unwrap().is_empty());
}

#[test]
fn the_cached_form_is_the_same_index() {
    let index = Index::parse(sample().into_bytes()).unwrap();
    let cached = Index::from_cache(index.to_cache()).unwrap();
    assert_eq!(cached.len(), index.len());
    for (left, right) in index.stanzas().zip(cached.stanzas()) {
        for field in Field::ALL {
            assert_eq!(left.field(field), right.field(field));
        }
        assert!(!right.text().contains("Description"));
    }
    assert_eq!(cached.tables.mentions, index.tables.mentions);
    assert_eq!(Index::from_cache(cached.to_cache()).unwrap(), cached);
}

#[test]
fn a_damaged_cache_is_refused() {
    let bytes = Index::parse(sample().into_bytes()).unwrap().to_cache();
    for position in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[position] ^= 1;
        assert!(matches!(Index::from_cache(damaged), Err(IndexError::Cache { .. })), "{position}");
        assert!(Index::from_cache(bytes[..position].to_vec()).is_err());
    }
}

proptest! {
    #[test]
    fn never_panics(text in "((Package|Version|Size|Depends|Provides|X):? ?[a-z0-9,| ():ß]{0,8}\n|\n| x\n){0,20}") {
        if let Ok(index) = Index::parse(text.into_bytes()) {
            let _ = Index::from_cache(index.to_cache()).unwrap();
        }
    }
}
