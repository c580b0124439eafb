use std::sync::Arc;

use proptest::prelude::*;

use super::{Part, Request, ResolveError, Universe, resolve};
use crate::distro::alpine::checksum::Checksum;
use crate::distro::alpine::index::Index;

/// An index of entries, one a line: name and version, then fields (`D:one,two`); words are separated by commas.
fn index(entries: &str) -> Arc<Index> {
    let mut text = String::new();
    for (number, line) in entries.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
        let mut words = line.split(' ');
        let (name, version) = (words.next().unwrap(), words.next().unwrap());
        // Equal entries are equal packages, in whichever index they stand.
        let digest = blake3::hash(line.as_bytes());
        let checksum = Checksum(digest.as_bytes()[..20].try_into().unwrap());
        text.push_str(&format!("C:{checksum}\nP:{name}\nV:{version}\nA:x86_64\nS:{number}\nI:1\n"));
        for field in words {
            text.push_str(&field.replace(',', " "));
            text.push('\n');
        }
        text.push('\n');
    }
    Arc::new(Index::parse(text.into_bytes()).unwrap())
}

fn universe(parts: &[(&str, Option<&str>)]) -> Universe {
    let part =
        |(entries, tag): &(&str, Option<&str>)| Part { index: index(entries), tag: tag.map(str::to_owned) };
    Universe::new(parts.iter().map(part).collect())
}

fn request(packages: &str) -> Request {
    let packages = packages.split_whitespace().map(|word| word.parse().unwrap()).collect();
    Request { packages, ..Request::default() }
}

/// The packages in order, or the error.
fn answer(universe: &Universe, request: &Request) -> Result<String, ResolveError> {
    let resolution = resolve(universe, request)?;
    let names = resolution.packages.iter().map(|selected| {
        let package = universe.parts()[selected.index].index.package(selected.package);
        format!("{}-{}", package.name(), package.version())
    });
    Ok(names.collect::<Vec<_>>().join(" "))
}

fn chosen(entries: &str, packages: &str) -> String {
    answer(&universe(&[(entries, None)]), &request(packages)).unwrap()
}

fn failure(entries: &str, packages: &str) -> String {
    let error = answer(&universe(&[(entries, None)]), &request(packages)).unwrap_err();
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    format!("{error} ({help})")
}

fn reasons(entries: &str, packages: &str) -> String {
    match answer(&universe(&[(entries, None)]), &request(packages)) {
        Err(ResolveError::Unsolvable { reasons }) => reasons.join("\n"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn dependencies_come_first_and_cycles_end() {
    let entries = "a 1 D:b,c\n b 1 D:c\n c 1 D:b\n d 1";
    assert_eq!(chosen(entries, "a"), "c-1 b-1 a-1");
    assert_eq!(chosen(entries, "d c"), "b-1 c-1 d-1");
    assert_eq!(chosen(entries, ""), "");
}

#[test]
fn the_latest_fitting_version_is_taken() {
    let entries = "a 1.2-r0\n a 1.10-r0\n a 1.9-r0\n a 2_rc1";
    for (wanted, expected) in [
        ("a", "a-2_rc1"),
        ("a<2", "a-2_rc1"),
        ("a~1", "a-1.10-r0"),
        ("a~1.9", "a-1.9-r0"),
        ("a=1.2-r0", "a-1.2-r0"),
        ("a<1.10", "a-1.9-r0"),
        ("a>1.2-r0 a<1.10-r0", "a-1.9-r0"),
    ] {
        assert_eq!(chosen(entries, wanted), expected, "{wanted}");
    }
}

#[test]
fn what_is_provided_with_a_version_conflicts_without_one_it_does_not() {
    let versioned = "a 1 p:x=1\n b 1 p:x=2\n c 1 D:x<2";
    assert_eq!(chosen(versioned, "x"), "b-1");
    assert_eq!(chosen(versioned, "c"), "a-1 c-1");
    assert!(reasons(versioned, "a b").contains("`b` provides `x`, as does `a`"));
    let virtual_name = "a 1 p:x\n b 1 p:x\n c 1 D:x";
    assert_eq!(chosen(virtual_name, "a b c"), "a-1 b-1 c-1");
    assert_eq!(
        failure(virtual_name, "x"),
        "`x` is a virtual package (name one of the packages that provide it: a, b)"
    );
    assert_eq!(
        reasons(virtual_name, "c"),
        "`c` needs `x`, which several packages provide: ask for one of a, b; `c` is requested by the recipe"
    );
    assert_eq!(chosen("a 1 p:x k:5\n b 1 p:x k:10\n c 1 D:x", "c"), "b-1 c-1");
}

#[test]
fn packages_are_installed_of_themselves() {
    let entries = "a 1\n a-doc 1 i:docs,a=1 D:reader\n docs 1\n reader 1\n b-doc 1 i:docs,b";
    assert_eq!(chosen(entries, "a"), "a-1");
    assert_eq!(chosen(entries, "a docs"), "a-1 docs-1 reader-1 a-doc-1");
    assert_eq!(chosen(entries, "a docs !a-doc"), "a-1 docs-1");
}

#[test]
fn tags_are_taken_where_they_are_asked_for() {
    let edge = "a 2 D:lib>1\n lib 2\n only 1 D:lib";
    let universe = universe(&[("a 1 D:lib\n lib 1", None), (edge, Some("edge"))]);
    let answer = |packages| answer(&universe, &request(packages));
    assert_eq!(answer("a").unwrap(), "lib-1 a-1");
    assert_eq!(answer("a@edge").unwrap(), "lib-2 a-2");
    assert_eq!(answer("a lib@edge").unwrap(), "lib-2 a-1");
    assert_eq!(answer("only@edge").unwrap(), "lib-1 only-1");
    let error = answer("only").unwrap_err().to_string();
    assert!(error.contains("`only` is only in repositories with a tag: ask for `only@edge`"), "{error}");
    assert!(matches!(answer("a@next"), Err(ResolveError::UnknownTag { tag, .. }) if tag == "next"));
}

#[test]
fn one_package_in_two_repositories_is_one() {
    let universe = universe(&[("a 1", Some("first")), ("b 1\n a 1", None), ("a 2", Some("late"))]);
    let resolution = resolve(&universe, &request("a")).unwrap();
    assert_eq!((resolution.packages[0].index, resolution.packages[0].package), (0, 0));
    assert_eq!(answer(&universe, &request("a@late")).unwrap(), "a-2");
}

#[test]
fn an_excluded_package_cuts_what_needs_it() {
    let entries = "a 1 D:b,c,so:x\n b 1\n c 1\n x 1 p:so:x=1\n y 1 p:so:x=1 k:1\n c-doc 1 i:c";
    let universe = universe(&[(entries, None)]);
    let resolve_without = |names: &[&str], packages: &str| {
        let exclude = names.iter().map(|name| (*name).to_owned()).collect();
        let request = Request { exclude, ..request(packages) };
        let cut = resolve(&universe, &request).unwrap().cut;
        let cut: Vec<_> = cut.iter().map(ToString::to_string).collect();
        (answer(&universe, &request).unwrap(), cut.join(", "))
    };
    assert_eq!(resolve_without(&[], "a"), ("b-1 c-1 c-doc-1 y-1 a-1".into(), String::new()));
    assert_eq!(resolve_without(&["c"], "a"), ("b-1 y-1 a-1".into(), "a: c".into()));
    assert_eq!(resolve_without(&["c"], "a c").1, "");
    assert_eq!(resolve_without(&["y", "c-doc"], "a"), ("b-1 c-1 x-1 a-1".into(), String::new()));
    assert_eq!(resolve_without(&["x", "y"], "a").1, "a: so:x");
}

#[test]
fn listed_packages_come_alone() {
    let entries = "a 1 D:b\n a 2 D:missing\n b 1\n a-doc 1 i:a";
    let listed = Request { listed: true, ..request("a b") };
    assert_eq!(answer(&universe(&[(entries, None)]), &listed).unwrap(), "a-2 b-1");
}

#[test]
fn favoured_versions_stay_while_they_can() {
    let universe = universe(&[("a 1\n a 2\n b 1 D:a>1\n c 1 p:v k:1\n d 1 p:v k:2\n e 1 D:v", None)]);
    let answer_with = |favoured: &[(&str, &str)], packages: &str| {
        let favoured = favoured.iter().map(|(name, version)| ((*name).into(), (*version).into())).collect();
        answer(&universe, &Request { favoured, ..request(packages) }).unwrap()
    };
    assert_eq!(answer_with(&[("a", "1")], "a"), "a-1");
    assert_eq!(answer_with(&[("a", "1")], "a b"), "a-2 b-1");
    assert_eq!(answer_with(&[("a", "3")], "a"), "a-2");
    assert_eq!(answer_with(&[], "e"), "d-1 e-1");
    assert_eq!(answer_with(&[("c", "1")], "e"), "c-1 e-1");
}

#[test]
fn a_favoured_version_that_makes_the_choice_fail_is_let_go() {
    let universe = universe(&[("a 1 D:x\n a 2\n x 1\n b 1 D:c\n c 1 D:!x", None)]);
    let favoured = [("a".to_owned(), "1".to_owned())].into();
    assert_eq!(answer(&universe, &Request { favoured, ..request("a b") }).unwrap(), "a-2 c-1 b-1");
}

#[test]
fn errors_say_what_there_is() {
    assert_eq!(failure("nginx 1\n nginy 1", "ngnix"), "there is no package `ngnix` (did you mean `nginx`?)");
    assert_eq!(
        failure("a 1 p:so:libfoo.so.1=1", "so:libfo.so.1"),
        "there is no package `so:libfo.so.1` (did you mean `so:libfoo.so.1`?)"
    );
    assert_eq!(
        failure("a 1\n a 3\n a 2 D:gone", "a~4"),
        "`a~4` cannot be had: no version of `a` fits (available: 3, 2, 1)"
    );
    assert!(matches!(
        answer(&universe(&[("a 1 D:gone", None)]), &request("gone")),
        Err(ResolveError::UnknownPackage { .. })
    ));
}

#[test]
fn reasons_are_chains() {
    for (entries, packages, expected) in [
        (
            "a 1 D:b\n b 1 D:gone",
            "a",
            "`a` needs `b`; `b` needs `gone`, which no repository of the image has; `a` is requested by the recipe",
        ),
        (
            "a 1 D:lib>2\n lib 2",
            "a",
            "`a` needs `lib>2`, but only version 2 is available; `a` is requested by the recipe",
        ),
        (
            "a 1 D:lib=1\n lib 1\n lib 2\n b 1 D:lib=2",
            "a b",
            "`b` needs `lib=2`, which `lib` 2 would meet; it is ruled out: `a` needs `lib=1`; `b` is requested by \
             the recipe",
        ),
        ("a 1 D:!b\n b 1", "a b", "`a` cannot stand beside `b` (`!b`); `a` is requested by the recipe"),
    ] {
        let found = reasons(entries, packages);
        assert!(found.contains(expected), "{packages} of {entries}:\n{found}");
    }
}

#[test]
fn a_package_that_cannot_be_read_is_not_taken() {
    assert_eq!(chosen("a 1\n a 2 D:b>1ab", "a"), "a-1");
    assert_eq!(chosen("b 1\n a 1\n a 2 X:b", "a"), "a-1");
    assert!(reasons("a 2 D:b>1ab", "a").contains("an entry in the index that apk 2.14 could not read"));
}

#[test]
fn deep_chains_need_no_stack() {
    let mut entries: String = (0..5_000).map(|number| format!("p{number} 1 D:p{}\n", number + 1)).collect();
    entries.push_str("p5000 1");
    assert_eq!(chosen(&entries, "p0").split(' ').count(), 5_001);
}

/// Entries of a few packages that depend on, provide and trigger each other at random.
fn entries() -> impl Strategy<Value = Vec<String>> {
    let word = ("!?", 0..8_u8, "(|=1|=2|<2|>1|~1)")
        .prop_map(|(conflict, name, constraint)| format!("{conflict}n{name}{constraint}"));
    let words = proptest::collection::vec(word.clone(), 0..3).prop_map(|words| words.join(","));
    let provided = proptest::collection::vec((0..8_u8, "(|=1|=2)"), 0..2);
    let provided = provided.prop_map(|names| {
        names.into_iter().map(|(name, version)| format!("n{name}{version}")).collect::<Vec<_>>().join(",")
    });
    let entry = (0..8_u8, 1..3_u8, words.clone(), provided, words, 0..3_u8);
    let entry = entry.prop_map(|(name, version, depends, provides, triggers, priority)| {
        format!("n{name} {version} D:{depends} p:{provides} i:{triggers} k:{priority}")
    });
    proptest::collection::vec(entry, 1..14)
}

proptest! {
    #[test]
    fn answers_meet_the_request(entries in entries(), wanted in proptest::collection::vec(0..8_u8, 1..4)) {
        let universe = universe(&[(&entries.join("\n"), None)]);
        let packages: Vec<_> = wanted.iter().map(|number| format!("n{number}")).collect();
        let request = request(&packages.join(" "));
        let answer = resolve(&universe, &request);
        prop_assert_eq!(&answer, &resolve(&universe, &request));
        let mut reversed = request.clone();
        reversed.packages.reverse();
        prop_assert_eq!(answer.is_ok(), resolve(&universe, &reversed).is_ok());
        let Ok(resolution) = answer else { return Ok(()) };
        prop_assert_eq!(&resolution, &resolve(&universe, &reversed).unwrap());
        let index = &universe.parts()[0].index;
        let chosen: Vec<_> = resolution.packages.iter().map(|one| index.package(one.package)).collect();
        let meets = |dependency: &str| {
            let dependency: crate::distro::alpine::relation::Dependency = dependency.parse().unwrap();
            let versions = chosen.iter().flat_map(|package| {
                let own = (package.name() == dependency.name).then_some(Some(package.version()));
                let provided = package.provides().filter_map(|word| {
                    let (name, version) = word.split_once('=').map_or((word, None), |(n, v)| (n, Some(v)));
                    (name == dependency.name).then_some(version)
                });
                own.into_iter().chain(provided).collect::<Vec<_>>()
            });
            let met = versions.into_iter().any(|version| match (&dependency.constraint, version) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some((operator, wanted)), Some(version)) => operator.admits(version, wanted),
            });
            met != dependency.conflict
        };
        for wanted in &packages {
            prop_assert!(meets(wanted), "{}", wanted);
        }
        for package in &chosen {
            for dependency in package.depends().filter(|word| !word.starts_with('!')) {
                prop_assert!(meets(dependency), "{} of {}", dependency, package.name());
            }
        }
    }
}
