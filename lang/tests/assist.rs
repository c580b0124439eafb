//! What editors ask, at a cursor `▮` in the text.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hbuild_lang::assist::{self, Analysis, Completion, Surroundings};
use hbuild_lang::{FileError, Files};

/// The cursor.
const CURSOR: &str = "▮";

struct Texts(BTreeMap<String, String>);

impl Files for Texts {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let found = self.0.get(path).map(|text| text.clone().into_bytes());
        found.ok_or(FileError { path: path.to_owned(), reason: "it is not there".to_owned() })
    }
}

struct Around;

impl Surroundings for Around {
    fn packages(&self, prefix: &str, distro: Option<&str>) -> (Vec<(String, String)>, bool) {
        let name = distro.unwrap_or("everywhere");
        (vec![(format!("{prefix}-package"), format!("of {name}"))], true)
    }

    fn rules(&self) -> Vec<(String, String)> {
        vec![("elf-relro".to_owned(), "relocated data is read-only".to_owned())]
    }

    fn files(&self) -> Vec<String> {
        vec!["common.hb".to_owned(), "entry.hb".to_owned()]
    }
}

/// The files of a text with a cursor, and where that is. Lines of a module follow a line `-- name.hb`.
fn files(marked: &str) -> (Texts, usize) {
    let mut texts = BTreeMap::new();
    let mut name = "entry.hb".to_owned();
    let mut text = String::new();
    for line in marked.split_inclusive('\n') {
        if let Some(next) = line.strip_prefix("-- ") {
            texts.insert(std::mem::replace(&mut name, next.trim().to_owned()), std::mem::take(&mut text));
        } else {
            text.push_str(line);
        }
    }
    texts.insert(name, text);
    let entry = &texts["entry.hb"];
    let offset = entry.find(CURSOR).unwrap_or(0);
    let plain = entry.replacen(CURSOR, "", 1);
    texts.insert("entry.hb".to_owned(), plain);
    (Texts(texts), offset)
}

fn complete(marked: &str) -> Vec<Completion> {
    let (files, offset) = files(marked);
    assist::complete(&files, "entry.hb", offset, &Around).list
}

fn labels(marked: &str) -> Vec<String> {
    complete(marked).into_iter().map(|one| one.label).collect()
}

fn best(marked: &str) -> String {
    labels(marked).into_iter().next().unwrap_or_default()
}

fn hover(marked: &str) -> String {
    let (files, offset) = files(marked);
    let analysis = Analysis::new(&files, "entry.hb").unwrap();
    assist::hover(&analysis, offset).map(|found| found.markdown).unwrap_or_default()
}

/// An image that varies over everything, with this in it.
fn image(inside: &str) -> String {
    format!(
        "hbuild 1\nimport std/base\nimport std/c\nimport \"common.hb\"\nlet table = {{\n  \"2.1\" = {{ version = \
         version(\"2.1\"), size = 1 }}\n  \"1.9\" = {{ version = version(\"1.9\"), size = 2 }}\n}}\nfor release in \
         table, distro in [debian(\"12\"), debian(\"13\"), alpine(\"3.23\")], flavor in [runtime, dev], arch in \
         [amd64]\nsource src {{ path = \"x\" }}\nbuild app {{\n  for distro, arch\n  outputs = [\"headers\"]\n}}\n\
         image it {{\n  for release, distro, flavor, arch\n  users.web = {{ uid = 5 }}\n  {inside}\n}}\n-- \
         common.hb\nhbuild 1\nlet shared = [\"a\"]\nfn more(distro) {{ cmd = [\"x\"] }}\n"
    )
}

#[test]
fn items_and_modules() {
    assert_eq!(
        labels("hbuild 1\n\n▮\n"),
        ["build", "fn", "for", "image", "import", "let", "repository", "source"]
    );
    assert!(labels("hbuild 1\nim▮").contains(&"image".to_owned()));
    assert!(labels("hbuild 1\nimport ▮\n").contains(&"std/base".to_owned()));
    assert!(labels("hbuild 1\nimport std/▮\n").contains(&"base".to_owned()));
    assert_eq!(labels("hbuild 1\nimport \"▮\"\n"), ["common.hb"]);
    assert_eq!(labels("hbuild 1\nimport \"▮\n"), ["common.hb"]);
    assert!(labels("hbuild 1\n# ▮\n").is_empty());
}

#[test]
fn fields_and_statements() {
    for text in
        [image("▮"), image("pac▮"), image("entry▮\n  cmd = [\"x\"]"), image("when flavor == dev { ▮ }")]
    {
        let found = labels(&text);
        assert!(found.contains(&"packages".to_owned()) && found.contains(&"when".to_owned()), "{text}");
        assert!(!found.contains(&"step".to_owned()) && !found.contains(&"tools".to_owned()), "{text}");
    }
    assert!(!labels(&image("cmd = [\"x\"]\n  ▮")).contains(&"cmd".to_owned()), "what is set is set");
    let packages = complete(&image("pac▮")).into_iter().find(|one| one.label == "packages").unwrap();
    assert_eq!(packages.snippet.as_deref(), Some("packages = [$0]"));
    let before = complete(&image("pac▮ = []")).into_iter().find(|one| one.label == "packages").unwrap();
    assert_eq!(before.snippet, None, "what is there stays");
    assert_eq!(labels(&image("test \"x\" { ▮ }")), ["run", "status", "stderr", "stdout"]);
    assert_eq!(labels(&image("waive ▮ { }")), ["elf-relro"]);
    assert_eq!(labels(&image("users = { me = { ▮ } }")), ["gecos", "gid", "home", "shell", "uid"]);
    assert!(labels(&image("users.▮")).contains(&"nonroot".to_owned()), "what std has");
    assert_eq!(
        labels("hbuild 1\nlet t = {\n  \"a\" = { one = 1, two = 2 }\n  \"b\" = { one = 1, ▮ }\n}\n"),
        ["two"]
    );
    let axes = "hbuild 1\nfor distro in [debian(\"13\")], arch in [amd64]\nimage it {\n  for distro, ▮\n}\n";
    assert_eq!(labels(axes), ["arch"]);
}

#[test]
fn values_that_fit_come_first() {
    assert_eq!(labels(&image("resolve = ▮"))[..2], ["full", "listed"]);
    assert_eq!(best(&image("contents = [▮]")), "app");
    assert_eq!(labels(&image("version = release.▮")), ["size", "version"]);
    assert_eq!(labels(&image("version = \"{{release.▮}}\"")), ["size", "version"]);
    assert_eq!(labels(&image("version = \"{{release.▮")), ["size", "version"]);
    assert_eq!(labels(&image("version = release.version.▮")), ["major", "minor", "patch", "prefix"]);
    assert_eq!(labels(&image("contents = [app.▮]")), ["at", "headers", "only", "replacing", "without"]);
    assert_eq!(best(&image("paths = { \"/x\" = ▮ }")), "attrs");
    assert_eq!(best(&image("use base.▮")), "dev");
    assert_eq!(labels(&image("use common.▮"))[0], "more");
    assert_eq!(labels(&image("cmd = common.▮"))[0], "shared");
    assert!(labels(&image("cmd = ▮")).contains(&"common".to_owned()));
    assert_eq!(labels(&image("cmd = match distro { ▮ }")), ["alpine", "debian"]);
    assert_eq!(labels(&image("cmd = match release { ▮ }")), ["\"1.9\"", "\"2.1\""]);
    assert_eq!(labels(&image("when distro is ▮ { }")), ["alpine", "debian"]);
    assert_eq!(labels(&image("when flavor == ▮ { }"))[..2], ["dev", "flavor"]);
    let one =
        complete(&image("paths = { \"/x\" = fi▮ }")).into_iter().find(|one| one.label == "file").unwrap();
    assert_eq!(one.snippet.as_deref(), Some("file(text = \"$1\")$0"));
    let found = labels(&image("paths = { \"/x\" = file(text = \"x\", ▮) }"));
    assert!(found.contains(&"owner =".to_owned()) && !found.contains(&"text =".to_owned()), "{found:?}");
    let function = "hbuild 1\nfn f(distro, names) = [x for x in names when ▮]\n";
    assert!(labels(function).contains(&"x".to_owned()) && labels(function).contains(&"distro".to_owned()));
}

#[test]
fn the_insides_of_strings() {
    let packages = |marked: &str| {
        complete(marked)
            .into_iter()
            .next()
            .map(|one| format!("{} {}", one.label, one.detail.unwrap_or_default()))
    };
    assert_eq!(packages(&image("packages = [\"li▮\"]")).unwrap(), "li-package of everywhere");
    assert_eq!(packages(&image("packages = [\"li▮")).unwrap(), "li-package of everywhere");
    let arm = image("packages = match distro { alpine => [\"▮\"], debian => [] }");
    assert_eq!(packages(&arm).unwrap(), "-package of alpine3.23");
    assert!(packages(&image("packages += common.shared + [\"▮\"]")).is_some());
    assert_eq!(labels("hbuild 1\nlet d = debian(\"▮\")\n")[..2], ["14", "13"]);
    assert!(labels(&image("run-as = \"▮\"")).contains(&"web".to_owned()));
    assert!(labels(&image("paths = { \"/x\" = directory(owner = \"▮\") }")).contains(&"web".to_owned()));
    assert_eq!(labels(&image("when release == \"▮\" { }")), ["2.1", "1.9"]);
    assert_eq!(labels(&image("contents = [app(distro = \"▮\")]")), ["debian12", "debian13", "alpine3.23"]);
    assert!(labels(&image("title = \"▮\"")).is_empty());
}

#[test]
fn hovering() {
    assert_eq!(hover("hbuild 1\nlet x = [y▮ for y in [1, 2]]\n"), "```hb\n(variable) y: int\n```");
    let keyed = "hbuild 1\nlet x = [k▮ey for key, value in { \"a\" = 1 } when value == 1]\n";
    assert_eq!(hover(keyed), "```hb\n(variable) key: string\n```");
    assert!(hover("hbuild 1\nlet x▮ = [\"a\"] + [\"b\"]\n").contains("x = [\"a\", \"b\"]"));
    assert!(hover("hbuild 1\nfn f(di▮stro) = [\"a\"]\n").contains("(parameter) distro: distro"));
    assert!(hover(&image("env.PATH = \"{{rel▮ease.size}}\"")).contains("Its labels: `2.1`, `1.9`."));
    assert!(hover(&image("version = release.version.ma▮jor")).contains("The first number"));
    assert!(hover(&image("us▮ers = {}")).contains("- `uid` (a whole number, needed)"));
    assert!(hover(&image("wh▮en flavor == dev { }")).contains("only where the condition holds"));
    assert_eq!(hover(&image("title = \"a ▮ b\"")), "");
}

/// Every question at every offset has an answer or none, and no question ends the program.
fn ask_everything(text: &str, step: usize) {
    let files = Texts(BTreeMap::from([("entry.hb".to_owned(), text.to_owned())]));
    let Ok(analysis) = Analysis::new(&files, "entry.hb") else { return };
    assist::outline(text);
    assist::folds(text);
    let mut last = 0;
    for token in assist::tokens(&analysis) {
        assert!(token.range.start >= last && token.range.end <= text.len());
        last = token.range.end;
    }
    for diagnostic in analysis.diagnostics() {
        assist::mends(&analysis, diagnostic);
    }
    for offset in (0..=text.len()).step_by(step) {
        assist::hover(&analysis, offset);
        assist::definition(&analysis, offset);
        assist::references(&analysis, offset, true);
        assist::highlights(&analysis, offset);
        assist::signature(&analysis, offset);
        assist::selection(text, offset);
        let _ = assist::rename_at(&analysis, offset);
        assist::complete(&files, "entry.hb", offset, &Around);
    }
}

fn real_recipes() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    let mut folders = vec![root.join("recipes"), root.join("docs/examples"), root.join("lang/tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "hb") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn no_question_panics_anywhere() {
    let all = real_recipes();
    assert!(all.len() > 10);
    for (at, path) in all.iter().enumerate() {
        let text = fs::read_to_string(path).unwrap();
        // Offsets are shared out: each kind of place is met in one recipe or another.
        let step = (text.len() / 12).max(1) | 1;
        ask_everything(&text, step);
        let mut cut = text.len() * (at % 7 + 1) / 9;
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        ask_everything(&text[..cut], (cut / 6).max(1) | 1);
    }
}

#[test]
#[ignore = "asks everything everywhere: minutes"]
fn no_question_panics_at_any_offset() {
    for path in real_recipes() {
        ask_everything(&fs::read_to_string(path).unwrap(), 1);
    }
}

#[test]
#[ignore = "prints how long a keystroke takes"]
fn a_keystroke_in_two_thousand_lines() {
    let row = |at: usize| format!("  \"{at}.1\" = {{ version = version(\"{at}.1.0\"), size = {at} }}\n");
    let item = |at: usize| {
        format!(
            "image image-{at} {{\n  for distro, arch\n  packages = [\"curl\", \"p{at}\"]\n  env = {{ A = \"{at}\" }}\n}}\n\n"
        )
    };
    let rows: String = (0..200).map(row).collect();
    let items: String = (0..300).map(item).collect();
    let text = format!(
        "hbuild 1\nlet table = {{\n{rows}}}\nfor distro in [debian(\"13\")], arch in [amd64, arm64]\n{items}"
    );
    let files = Texts(BTreeMap::from([("entry.hb".to_owned(), text.clone())]));
    let begin = std::time::Instant::now();
    let analysis = Analysis::new(&files, "entry.hb").unwrap();
    let took = begin.elapsed();
    println!("{} lines, {} diagnostics: {took:?}", text.lines().count(), analysis.diagnostics().len());
    let begin = std::time::Instant::now();
    let found = assist::complete(&files, "entry.hb", text.len() - 4, &Around).list.len();
    println!("completion with {found} proposals: {:?}", begin.elapsed());
    let begin = std::time::Instant::now();
    println!("{} tokens: {:?}", assist::tokens(&analysis).len(), begin.elapsed());
}

#[test]
fn an_axis_without_difference_goes() {
    let text = "hbuild 1\nfor word in [\"a\", \"b\"], arch in [amd64]\nsource s {\n  for word, arch\n  path = word\n}\n\
                image i { contents = [s] }\n";
    let text = text.replace("image i {", "image i { for word, arch;");
    let files = Texts(BTreeMap::from([("entry.hb".to_owned(), text.clone())]));
    let analysis = Analysis::new(&files, "entry.hb").unwrap();
    let found = analysis.diagnostics().iter().find(|one| one.code == "hbuild::lang::unused_axis");
    if let Some(found) = found {
        let mends = assist::mends(&analysis, found);
        let edit = &mends[0].edits[0];
        let mut new = text.clone();
        new.replace_range(edit.range.clone(), &edit.text);
        assert!(new.contains("source s {\n  for word\n"), "{new}");
    }
}
