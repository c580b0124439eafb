//! The rules for what several packages of Alpine have: cases that the real apk decides, each installed by it and merged
//! by hbuild.

mod alpine_support;
mod support;

use std::collections::BTreeMap;

use alpine_support::made::Made;
use alpine_support::{merge_made, oracle};

struct Case {
    title: &'static str,
    packages: &'static [Made],
    /// The error where apk gives up.
    refused: Option<&'static str>,
}

const fn case(title: &'static str, packages: &'static [Made]) -> Case {
    Case { title, packages, refused: None }
}

const fn refused(title: &'static str, packages: &'static [Made], code: &'static str) -> Case {
    Case { title, packages, refused: Some(code) }
}

const A: Made = Made::new("a", "", &["d/", "d/f = 1"]);
const B: Made = Made::new("b", "", &["d/", "d/f = 2"]);

const CASES: &[Case] = &[
    case(
        "of several owners of a directory the lowest counts, of equal ones what all allow",
        &[
            Made::new("a", "", &["d/", "e/  750 5:0", "g/  700 0:5", "h/  711 7:7", "i/  1777"]),
            Made::new("b", "", &["d/  710", "e/  777", "g/  755 0:3", "h/  700 7:7", "i/  755"]),
            Made::new("c", "", &["e/  755", "g/  750 0:3", "i/  1777"]),
        ],
    ),
    refused("a file of two packages", &[A, B], "FileConflict"),
    refused("the same file in two packages", &[A, Made::new("b", "", &["d/", "d/f = 1"])], "FileConflict"),
    refused(
        "the same link in two packages",
        &[Made::new("a", "", &["d/", "d/f -> x"]), Made::new("b", "", &["d/", "d/f -> x"])],
        "FileConflict",
    ),
    case(
        "packages of one source",
        &[
            Made::new("a", "origin = o\n", &["d/", "d/f = 1"]),
            Made::new("b", "origin = o\n", &["d/", "d/f = 2"]),
        ],
    ),
    case(
        "packages of one source, of which the first would keep its file",
        &[
            Made::new("a", "origin = o\nreplaces = b\nreplaces_priority = 9\n", &["d/", "d/f = 1"]),
            Made::new("b", "origin = o\n", &["d/", "d/f = 2"]),
        ],
    ),
    case("the later replaces", &[A, Made::new("b", "replaces = a\n", &["d/", "d/f = 2"])]),
    case("the earlier replaces", &[Made::new("a", "replaces = b\n", &["d/", "d/f = 1"]), B]),
    case(
        "both replace",
        &[
            Made::new("a", "replaces = b\n", &["d/", "d/f = 1"]),
            Made::new("b", "replaces = a\n", &["d/", "d/f = 2"]),
        ],
    ),
    case(
        "both replace, the earlier more so",
        &[
            Made::new("a", "replaces = b\nreplaces_priority = 2\n", &["d/", "d/f = 1"]),
            Made::new("b", "replaces = a\nreplaces_priority = 1\n", &["d/", "d/f = 2"]),
        ],
    ),
    case(
        "both replace, the later more so",
        &[
            Made::new("a", "replaces = b\nreplaces_priority = 1\n", &["d/", "d/f = 1"]),
            Made::new("b", "replaces = a\nreplaces_priority = 2\n", &["d/", "d/f = 2"]),
        ],
    ),
    refused(
        "another version is replaced",
        &[A, Made::new("b", "replaces = a<1-r0\n", &["d/", "d/f = 2"])],
        "FileConflict",
    ),
    case("this version is replaced", &[A, Made::new("b", "replaces = a<=1-r0\n", &["d/", "d/f = 2"])]),
    case("a fuzzy version is replaced", &[A, Made::new("b", "replaces = a~1\n", &["d/", "d/f = 2"])]),
    refused(
        "what is provided is replaced",
        &[
            Made::new("a", "provides = x=1\n", &["d/", "d/f = 1"]),
            Made::new("b", "replaces = x\n", &["d/", "d/f = 2"]),
        ],
        "FileConflict",
    ),
    refused(
        "a file and a directory",
        &[Made::new("a", "", &["f = 1"]), Made::new("b", "", &["f/", "f/x = 2"])],
        "KindConflict",
    ),
    refused(
        "a directory and a file",
        &[Made::new("a", "", &["f/", "f/x = 2"]), Made::new("b", "", &["f = 1"])],
        "KindConflict",
    ),
    refused(
        "a directory and a link",
        &[Made::new("a", "", &["g/", "f/"]), Made::new("b", "", &["f -> g"])],
        "KindConflict",
    ),
    case(
        "a link and a directory, whose files go through it",
        &[Made::new("a", "", &["f -> g", "g/"]), Made::new("b", "", &["f/", "f/x = 1"])],
    ),
    case(
        "owners, modes and files of the root",
        &[Made::new(
            "a",
            "",
            &["f = 1  4755 3:4", "l -> f", "p/", "p/q/  2750 0:9", "p/q/x = 2", "p/b = 3  600"],
        )],
    ),
    case(
        "needed packages are laid down first",
        &[
            Made::new("a", "depend = c\norigin = o\n", &["d/", "d/f = 1"]),
            Made::new("c", "origin = o\n", &["d/", "d/f = 2"]),
        ],
    ),
    case(
        "what is there because of another is laid down behind it",
        &[
            Made::new("a", "origin = o\n", &["d/", "d/f = 1"]),
            Made::new("b", "origin = o\n", &["d/", "d/f = 2"]),
            Made::new("z", "origin = o\ninstall_if = a\n", &["d/", "d/f = 3"]),
        ],
    ),
    case(
        "fields of the database",
        &[Made {
            name: "a",
            info: "origin = o\ncommit = 0123\nmaintainer = M <m@example.org>\nprovides = q=1\nprovides = z\n\
                   depend = q\ndepend = !nonesuch\nreplaces = b<2\nreplaces = c\nreplaces_priority = 3\n\
                   provider_priority = 7\ntriggers = /x /y/*\n",
            scripts: &[(".trigger", "#!/bin/sh\n")],
            files: &["p/", "p/z = 1"],
        }],
    ),
];

#[test]
fn the_real_apk_decides_each_case_as_the_merge_does() {
    let apk = match oracle::apk() {
        Ok(apk) => apk,
        Err(reason) => return support::skip(&reason),
    };
    for case in CASES {
        let title = case.title;
        let theirs = apk.install_made(case.packages);
        match (merge_made(case.packages), case.refused) {
            (Ok(_), Some(_)) => panic!("{title}: hbuild takes it"),
            (Err(error), None) => panic!("{title}: {error}"),
            (Err(error), Some(code)) => {
                assert!(error.contains(code), "{title}: {error}");
                assert!(theirs.is_err(), "{title}: apk takes it");
            }
            (Ok(image), None) => {
                let new = theirs.unwrap_or_else(|error| panic!("{title}: {error}"));
                let ours = apk.write(&image.context, &image.tree, "ours");
                for file in ["lib/apk/db/installed", "lib/apk/db/triggers"] {
                    let read = |folder: &std::path::Path| std::fs::read_to_string(folder.join(file)).unwrap();
                    assert_eq!(read(&ours), read(&new), "{title}: {file}");
                }
                assert_eq!(files(&ours), files(&new), "{title}");
            }
        }
    }
}

/// What stands in a folder but for what apk itself makes.
fn files(folder: &std::path::Path) -> BTreeMap<String, String> {
    let own = ["dev", "etc", "lib", "proc", "run", "tmp", "var"];
    let mut files = oracle::described(folder);
    files.retain(|path, _| !own.contains(&path.split('/').next().unwrap()));
    // A directory's time is the epoch; of a link the time is not compared.
    files
}
