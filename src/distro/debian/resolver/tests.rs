use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;

/// An index of one stanza a line: `name version arch; Field: value; …`.
fn index(lines: &str) -> Arc<Index> {
    let digest = "0".repeat(64);
    let mut text = String::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut parts = line.split(';').map(str::trim);
        let head: Vec<_> = parts.next().unwrap().split(' ').collect();
        let arch = head.get(2).unwrap_or(&"amd64");
        text += &format!("Package: {}\nVersion: {}\nArchitecture: {arch}\n", head[0], head[1]);
        text += &format!("Filename: pool/{}_{}.deb\nSize: 1\nSHA256: {digest}\n", head[0], head[1]);
        text.extend(parts.map(|field| format!("{field}\n")));
        text.push('\n');
    }
    Arc::new(Index::parse(text.into_bytes()).unwrap())
}

fn universe(lines: &str) -> Universe {
    Universe::new("amd64", &[], vec![index(lines)])
}

fn request(packages: &str) -> Request {
    Request { packages: packages.split(' ').map(|it| it.parse().unwrap()).collect(), ..Request::default() }
}

fn names(universe: &Universe, request: &Request) -> String {
    let resolution = resolve(universe, request).unwrap();
    let name = |selected: &Selected| {
        let stanza = universe.indexes()[selected.index].stanza(selected.stanza);
        let arch = stanza.architecture();
        let arch = if arch == "amd64" || arch == "all" { String::new() } else { format!(":{arch}") };
        format!("{}{arch}={}", stanza.package(), stanza.version())
    };
    resolution.packages.iter().map(name).collect::<Vec<_>>().join(" ")
}

fn take(lines: &str, packages: &str) -> String {
    names(&universe(lines), &request(packages))
}

fn refuse(lines: &str, packages: &str) -> ResolveError {
    resolve(&universe(lines), &request(packages)).unwrap_err()
}

#[test]
fn alternatives_are_tried_in_order() {
    let lines = "a 1; Depends: gone | b | c\n b 1; Depends: d (>= 2)\n c 1\n d 1";
    assert_eq!(take(lines, "a"), "a=1 c=1");
    assert_eq!(take("a 1; Depends: b | c\n b 1\n c 1", "a c"), "a=1 c=1");
    assert_eq!(take("a 1; Pre-Depends: b\n b 1; Depends: c\n c 1; Depends: a", "a"), "a=1 b=1 c=1");
}

#[test]
fn the_request_is_worked_on_in_its_order() {
    let lines = "a 1; Depends: x | y\n b 1; Depends: z\n x 1; Conflicts: z\n y 1\n z 1";
    assert_eq!(take(lines, "b a"), "a=1 b=1 y=1 z=1");
    let lines = "a 1; Depends: x | y\n b 1; Depends: y\n x 1\n y 1";
    assert_eq!(take(lines, "b a"), "a=1 b=1 y=1");
    assert_eq!(take(lines, "a b"), "a=1 b=1 x=1 y=1");
}

#[test]
fn providers_are_ranked() {
    let lines =
        "a 1; Depends: v\n p 1; Provides: v\n q 1; Provides: v; Priority: standard\n r 1; Provides: v";
    // A package that states no priority comes before those that do.
    assert_eq!(take(lines, "a"), "a=1 r=1");
    let lines =
        "a 1; Depends: v\n p 1; Provides: v; Priority: optional\n q 1; Provides: v; Priority: standard";
    assert_eq!(take(lines, "a"), "a=1 q=1");
    let lines = "a 1; Depends: v\n p 1; Provides: v\n q 1; Provides: v; Essential: yes\n r 1; Provides: v";
    assert_eq!(take(lines, "a"), "a=1 q=1");
    // Nothing else decides: the name that the index mentions last.
    assert_eq!(take("a 1; Depends: v\n p 1; Provides: v\n q 1; Provides: v", "a"), "a=1 q=1");
    assert_eq!(take("a 1; Depends: v; Suggests: q\n p 1; Provides: v\n q 1; Provides: v", "a"), "a=1 p=1");
    assert_eq!(take("a 1; Depends: v\n v 1\n q 1; Provides: v; Essential: yes", "a"), "a=1 v=1");
}

#[test]
fn provides_have_versions() {
    let lines =
        "a 1; Depends: v (>= 2)\n p 9; Provides: v\n q 1; Provides: v (= 2.1)\n r 1; Provides: v (= 1)";
    assert_eq!(take(lines, "a"), "a=1 q=1");
    assert_eq!(take("p 1; Provides: v\n", "v"), "p=1");
}

#[test]
fn the_newest_version_is_taken_from_the_first_index_that_has_it() {
    let indexes = vec![index("a 1.0-1\n b 1"), index("a 1:0.1\n b 1\n c 2"), index("a 1.0-2\n c 3")];
    let universe = Universe::new("amd64", &[], indexes);
    assert_eq!(names(&universe, &request("a b c")), "a=1:0.1 b=1 c=3");
    let places: Vec<_> =
        resolve(&universe, &request("a b c")).unwrap().packages.iter().map(|it| it.index).collect();
    assert_eq!(places, [1, 0, 2]);
    assert_eq!(names(&universe, &request("a=1.0-2 a b")), "a=1.0-2 b=1");
}

#[test]
fn conflicts_and_breaks_are_respected() {
    let lines =
        "a 1; Depends: b | c\n b 1; Conflicts: d\n c 1\n d 1\n e 1; Breaks: d (<< 1)\n f 1; Breaks: d (<< 2)";
    assert_eq!(take(lines, "a d"), "a=1 c=1 d=1");
    assert_eq!(take(lines, "d e"), "d=1 e=1");
    assert!(matches!(refuse(lines, "d f"), ResolveError::Unsolvable { .. }));
    // A package may conflict with what it provides itself.
    assert_eq!(take("m 1; Provides: v; Conflicts: v\n n 1; Provides: v", "m"), "m=1");
    assert!(matches!(
        refuse("m 1; Provides: v; Conflicts: v\n n 1; Provides: v", "m n"),
        ResolveError::Unsolvable { .. }
    ));
}

#[test]
fn what_is_no_longer_needed_goes() {
    let lines = "a 1; Depends: b, c\n b 1; Depends: x | y\n x 1; Depends: z\n c 1; Conflicts: x\n y 1\n z 1";
    assert_eq!(take(lines, "a"), "a=1 b=1 c=1 y=1");
}

#[test]
fn excluded_packages_are_cut_and_recorded() {
    let universe =
        universe("a 1; Depends: b, c | d, e\n b 1\n c 1\n d 1\n e 1; Depends: v\n p 1; Provides: v");
    let mut wanted = request("a");
    wanted.exclude = ["b", "c", "p"].map(str::to_owned).into();
    assert_eq!(names(&universe, &wanted), "a=1 d=1 e=1");
    let cut: Vec<_> = resolve(&universe, &wanted).unwrap().cut.iter().map(ToString::to_string).collect();
    assert_eq!(cut, ["a: b", "e: v"]);
    wanted.packages.push("b".parse().unwrap());
    assert_eq!(names(&universe, &wanted), "a=1 b=1 d=1 e=1");
}

#[test]
fn listed_packages_come_alone() {
    let universe = universe("a 1; Depends: b\n a 2; Depends: b\n b 1");
    let wanted = Request { listed: true, ..request("a=1") };
    assert_eq!(names(&universe, &wanted), "a=1");
}

#[test]
fn favoured_versions_stay_as_long_as_they_can() {
    let lines = "a 1; Depends: b\n a 2; Depends: b (>= 2), c\n b 1\n b 2\n c 1\n c 2";
    let universe = universe(lines);
    let favour = |entries: &[(&str, &str)]| {
        let key = |name: &str| (name.to_owned(), "amd64".to_owned());
        let favoured: BTreeMap<_, _> =
            entries.iter().map(|(name, version)| (key(name), (*version).to_owned())).collect();
        names(&universe, &Request { favoured, ..request("a") })
    };
    assert_eq!(favour(&[("a", "1"), ("b", "1")]), "a=1 b=1");
    assert_eq!(favour(&[("a", "1"), ("b", "0")]), "a=1 b=2");
    // A new `a` needs a new `b`; `c` need not move.
    assert_eq!(favour(&[("b", "1"), ("c", "1")]), "a=2 b=2 c=1");
}

#[test]
fn foreign_architectures() {
    let amd64 = "a 1; Depends: t, l\n t 1; Multi-Arch: foreign\n l 1; Multi-Arch: same\n d 1 all; Multi-Arch: foreign\n \
                 p 1; Multi-Arch: allowed\n n 1";
    let arm64 = "a 1 arm64; Depends: t, l, d, p:any\n t 1 arm64; Multi-Arch: foreign\n l 1 arm64; Multi-Arch: same\n \
                 p 1 arm64; Multi-Arch: allowed\n n 1 arm64\n d 1 all; Multi-Arch: foreign\n o 1 arm64";
    let universe = Universe::new("amd64", &["arm64".to_owned()], vec![index(amd64), index(arm64)]);
    assert_eq!(names(&universe, &request("a:arm64")), "a:arm64=1 d=1 l:arm64=1 p=1 t=1");
    assert_eq!(names(&universe, &request("l l:arm64")), "l=1 l:arm64=1");
    assert_eq!(names(&universe, &request("o")), "o:arm64=1");
    assert!(matches!(
        resolve(&universe, &request("n n:arm64")).unwrap_err(),
        ResolveError::Unsolvable { .. }
    ));
    let error = resolve(&universe, &request("n:i386")).unwrap_err();
    assert_eq!(error.to_string(), "there is no package `n` for i386");
}

#[test]
fn errors_say_what_there_is() {
    let lines = "nginx 1\n nginx 1:2\n python3 3\n m 1; Provides: v\n n 1; Provides: v";
    let unknown = refuse(lines, "ngnix");
    assert_eq!(
        unknown,
        ResolveError::UnknownPackage { name: "ngnix".to_owned(), suggestions: vec!["nginx".to_owned()] }
    );
    let version = refuse(lines, "nginx=3");
    assert_eq!(version.to_string(), "`nginx` is not available in version 3");
    assert!(format!("{}", miette::Diagnostic::help(&version).unwrap()).contains("1:2, 1"));
    assert!(matches!(refuse(lines, "v"), ResolveError::Virtual { providers, .. } if providers == ["m", "n"]));
    assert!(matches!(refuse(lines, "nginx=1 nginx=1:2"), ResolveError::TwoPins { .. }));
    let broken = refuse("a 1; Depends: b\n b 1; Depends: c ??", "a");
    assert!(matches!(broken, ResolveError::Relations { package, .. } if package == "b"));
}

fn reasons(lines: &str, packages: &str) -> String {
    match refuse(lines, packages) {
        ResolveError::Unsolvable { reasons } => reasons.join("\n"),
        other => panic!("{other}"),
    }
}

#[test]
fn chains_lead_from_the_request_to_what_is_missing() {
    assert_eq!(
        reasons("nginx 1; Depends: libssl3 (>= 3.0)\n libssl3 1.1", "nginx"),
        "`nginx` needs `libssl3 (>= 3.0)`, but only version 1.1 is available; `nginx` is requested by the recipe"
    );
    assert_eq!(
        reasons("a 1; Depends: b\n b 1; Depends: c\n c 1; Depends: gone", "a"),
        "`a` needs `b`; `b` needs `c`; `c` needs `gone`, which no repository of the image has; `a` is requested by the \
         recipe"
    );
    assert_eq!(
        reasons("a 1; Depends: b (= 2)\n b 1\n b 2", "a b=1"),
        "`a` needs `b (= 2)`, which `b` 2 would meet, but version 1 is chosen; `a` is requested by the recipe"
    );
    assert_eq!(
        reasons("a 1; Conflicts: b\n b 1", "a b"),
        "`a` cannot stand beside `b` 1, which is requested by the recipe; `a` is requested by the recipe"
    );
    assert_eq!(
        reasons("a 1; Depends: c\n b 1; Conflicts: c\n c 1", "a b"),
        "`b` cannot stand beside `c` 1, which is needed by `a`; `b` is requested by the recipe"
    );
}

#[test]
fn long_chains_do_not_end_the_process() {
    let chain = |length: usize| {
        (0..length).map(|nth| format!("p{nth} 1; Depends: p{}\n", nth + 1)).collect::<String>()
            + &format!("p{length} 1")
    };
    assert_eq!(resolve(&universe(&chain(2500)), &request("p0")).unwrap().packages.len(), 2501);
    assert!(matches!(refuse(&chain(8000), "p0"), ResolveError::Unsolvable { .. }));
}

/// A small archive of packages `a` to `h` with random relations.
fn archive() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "c", "d", "e", "f", "g", "h", "v", "w"]);
    let bound = prop::sample::select(vec!["", " (>= 2)", " (<< 2)", " (= 1)"]);
    let relation = (name.clone(), bound).prop_map(|(name, bound)| format!("{name}{bound}"));
    let list = |size| {
        prop::collection::vec(prop::collection::vec(relation.clone(), 1..3), 0..size)
            .prop_map(|groups| groups.iter().map(|group| group.join(" | ")).collect::<Vec<_>>().join(", "))
    };
    let conflicts = prop::collection::vec(name, 0..2).prop_map(|names| names.join(", "));
    let provides = prop::sample::select(vec!["", "v", "w", "v, w", "v (= 2)"]);
    let fields = (list(3), conflicts, provides);
    let line =
        (0..8_usize, 1..3_usize, fields).prop_map(|(name, version, (depends, conflicts, provides))| {
            let name = char::from(b'a' + u8::try_from(name).unwrap());
            format!("{name} {version}; Depends: {depends}; Conflicts: {conflicts}; Provides: {provides}")
        });
    prop::collection::vec(line, 4..14).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the archive, an answer is complete, free of conflicts and the same each time.
    #[test]
    fn answers_hold(lines in archive(), packages in prop::sample::subsequence(vec!["a", "b", "c", "d"], 1..3)) {
        let universe = universe(&lines);
        let wanted = request(&packages.join(" "));
        let answer = resolve(&universe, &wanted);
        prop_assert_eq!(&answer, &resolve(&universe, &wanted));
        if let Ok(resolution) = answer {
            let fixed = Request {
                packages: resolution
                    .packages
                    .iter()
                    .map(|it| universe.indexes()[it.index].stanza(it.stanza))
                    .map(|it| format!("{}={}", it.package(), it.version()).parse().unwrap())
                    .collect(),
                ..Request::default()
            };
            let again = resolve(&universe, &fixed);
            prop_assert_eq!(again.map(|it| it.packages), Ok(resolution.packages));
        }
    }
}
