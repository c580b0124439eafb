//! Evaluation never panics, whatever parses, and gives the same answer twice.

mod support;

use proptest::prelude::*;
use support::{Memory, evaluate, render_all};

/// Words and pieces of recipes, put together at random: much of it parses in part.
const PIECES: &[&str] = &[
    "hbuild 1\n",
    "import std/base\n",
    "import \"recipe.hb\"\n",
    "let a = ",
    "let b = ",
    "for ",
    "for distro in ",
    "[debian(\"12\")]",
    ", ",
    "arch in [amd64, arm64]\n",
    "flavor in [runtime, dev]\n",
    "image i {\n",
    "source s {\n",
    "build c {\n",
    "repository r {\n",
    "}\n",
    "{ ",
    " }",
    "fn f(x) = ",
    "fn g(x, y = a) {\n",
    "f(",
    ")",
    "g(a)",
    "base.runtime(distro)",
    "use ",
    "when ",
    "packages = ",
    "packages += ",
    "env.PATH = ",
    "env = ",
    "paths = ",
    "contents = ",
    "tags = ",
    "users = ",
    "\"x\"",
    "\"{{a}}\"",
    "\"/a/*\"",
    "version(\"1.2\")",
    ".prefix(2)",
    ".major",
    ".at(\"/x\")",
    ".join(\"-\")",
    "[",
    "]",
    "(",
    " = ",
    " == ",
    " + ",
    " in ",
    " is ",
    " and ",
    " or ",
    "not ",
    "match ",
    " => ",
    "_",
    "debian",
    "alpine(\"3.20\")",
    "none",
    "true",
    "0o755",
    "4",
    "a",
    "b",
    "distro",
    "arch",
    "flavor",
    "s",
    "i",
    "file(text = ",
    "directory()",
    "delete",
    "test \"t\" { run = [\"x\"] }\n",
    "waive x { because = \"y\" }\n",
    "\n",
    "\n",
    ";",
    ", ",
    " for x in ",
    "x",
    "\"k\" = ",
    "k = ",
    "path = \"p\"\n",
    "build b { for distro, arch\n",
    "tools = [\"gcc\", ",
    "b.dev",
    "outputs = [\"dev\"]\n",
    "step \"x\" { script = \"y\" }\n",
    "script = ",
    "sources = { s = s }\n",
    "arch = any\n",
    "url = \"https://x/y\"\n",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..60)
        .prop_map(|pieces| format!("hbuild 1\n{}", pieces.concat()))
}

/// A fixture with some of its bytes or lines changed.
fn mutated() -> impl Strategy<Value = String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names.retain(|path| !path.to_string_lossy().contains("budget"));
    let texts: Vec<String> = names.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let edit = (any::<prop::sample::Index>(), prop::sample::select(PIECES), 0_usize..12);
    (prop::sample::select(texts), prop::collection::vec(edit, 1..5)).prop_map(|(mut text, edits)| {
        for (index, piece, removed) in edits {
            let mut at = index.index(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let mut end = (at + removed).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            text.replace_range(at..end, piece);
        }
        text
    })
}

fn holds(text: &str) -> Result<(), TestCaseError> {
    let files = Memory::fixture(text);
    let first = evaluate(&files);
    let checked = hbuild_lang::check(&files, "recipe.hb");
    match &first {
        Ok(evaluated) => prop_assert_eq!(&evaluated.checked, &checked),
        Err(found) => {
            prop_assert!(found.has_errors());
            prop_assert_eq!(found, &checked);
        }
    }
    render_all(&checked);
    prop_assert_eq!(first, evaluate(&files));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn soups_are_refused_without_panic(text in soup()) {
        holds(&text)?;
    }

    #[test]
    fn changed_recipes_are_answered(text in mutated()) {
        holds(&text)?;
    }

    #[test]
    fn whatever_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let files = Memory([("recipe.hb".to_owned(), bytes)].into());
        prop_assert!(evaluate(&files).is_err());
    }
}

#[test]
fn chains_are_refused_not_overflown() {
    let chain: String = (1..2000).map(|n| format!("let a{n} = [a{}]\n", n - 1)).collect();
    let text = format!("hbuild 1\nlet a0 = 1\n{chain}for x in a1999\nsource s {{ for x; path = \"x\" }}\n");
    let checked = evaluate(&Memory::one(&text)).unwrap_err();
    assert!(checked.diagnostics.iter().any(|diagnostic| diagnostic.code == "hbuild::lang::too_deep"));
    let calls: String = (1..60).map(|n| format!("fn f{n}(v) = f{}(((((((v)))))))\n", n - 1)).collect();
    let text =
        format!("hbuild 1\nfn f0(v) = v\n{calls}for x in [f59(\"1\")]\nsource s {{ for x; path = x }}\n");
    evaluate(&Memory::one(&text)).unwrap();
}

#[test]
fn a_thousand_points_are_quick() {
    let rows: String =
        (0..250).map(|n| format!("\"v{n}\" = {{ n = \"{n}\", list = [\"a\", \"b\"] }}\n")).collect();
    let text = format!(
        "hbuild 1\nimport std/base\nlet rows = {{\n{rows}}}\nfor row in rows, distro in [debian(\"12\"), debian(\"13\")], \
         arch in [amd64, arm64]\nimage i {{\n for row, distro, arch\n use base.runtime(distro)\n title = row.n\n}}\n"
    );
    let start = std::time::Instant::now();
    assert_eq!(evaluate(&Memory::one(&text)).unwrap().recipe.images.len(), 1000);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn thousands_of_builds_are_quick() {
    let labels: Vec<String> = (0..4000).map(|n| format!("\"{n}\"")).collect();
    let text = format!(
        "hbuild 1\nimport std/c\nfor n in [{}], distro in [debian(\"13\")], arch in [amd64]\n\
         source s {{ path = \"s\" }}\n\
         build one {{\n for n, distro, arch\n tools = c.toolchain(distro)\n source = s\n script = \"echo {{{{n}}}}\"\n}}\n\
         build all {{\n for n, distro, arch\n tools = [\"bash\", one, one(n = \"7\")]\n script = \"true\"\n}}\n",
        labels.join(", ")
    );
    let start = std::time::Instant::now();
    let recipe = evaluate(&Memory::one(&text)).unwrap().recipe;
    let elapsed = start.elapsed();
    assert_eq!(recipe.builds.len(), 8000);
    assert!(elapsed.as_secs() < 20, "{elapsed:?}");
}

#[test]
fn a_long_chain_of_builds_is_no_circle() {
    let chain: String = (1..2000)
        .map(|n| format!("build b{n} {{ for distro, arch; tools = [b{}]; script = \"true\" }}\n", n - 1))
        .collect();
    let text = format!(
        "hbuild 1\nfor distro in [debian(\"13\")], arch in [amd64]\n\
         build b0 {{ for distro, arch; tools = [\"bash\"]; script = \"true\" }}\n{chain}"
    );
    assert_eq!(evaluate(&Memory::one(&text)).unwrap().recipe.builds.len(), 2000);
}
