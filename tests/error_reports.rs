//! What people and programs are shown of errors in recipes: every example of the book as it stands on a terminal
//! without colours, and the JSON and SARIF of all of them.

#[path = "../lang/tests/error_pages/examples.rs"]
mod examples;
#[path = "../src/cli/pages.rs"]
#[allow(dead_code, reason = "the command line uses all of it")]
mod pages;
#[path = "../lang/tests/support/mod.rs"]
mod support;
#[path = "support/mod.rs"]
mod workshop;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use support::Memory;

fn hbuild(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hbuild")).args(arguments).current_dir(folder).output().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn results(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn write(folder: &Path, files: &Memory) {
    for (name, bytes) in &files.0 {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// The codes of the language with the first example of each, as a page has it or a test makes it.
fn bad_examples() -> Vec<(&'static str, Memory)> {
    let language = |code: &str| code.starts_with("hbuild::lang::") || code.starts_with("hbuild::syntax::");
    let entries = pages::entries().iter().filter(|entry| language(entry.code));
    let example = |entry: &pages::Entry| {
        let made = examples::made(entry.code);
        made.or_else(|| entry.examples.first().map(|example| examples::files(example)))
    };
    let found = entries.filter_map(|entry| Some((entry.code, example(entry)?)));
    // The command line asks for a file that is not there before the language does.
    found.filter(|(code, _)| *code != "hbuild::lang::unreadable").collect()
}

#[test]
fn every_error_of_the_language_is_shown_like_this() {
    for (code, files) in bad_examples() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &files);
        let shown = errors(&hbuild(folder.path(), &["check", "recipe.hb"]));
        assert!(shown.contains(code), "{code}:\n{shown}");
        let name = code.trim_start_matches("hbuild::").replace("::", "-");
        insta::with_settings!({
            prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "errors"
        }, {
            insta::assert_snapshot!(name, shown);
        });
    }
}

/// All examples in one folder, each in its own.
fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (code, files) in bad_examples() {
        if code != "hbuild::lang::too_many_files" {
            write(&folder.path().join(code.replace("::", "/")), &files);
        }
    }
    folder
}

/// Holds a range against the text of its file: the byte is where line and column say.
fn check_place(folder: &Path, file: &str, range: &Value) {
    if file.starts_with("std/") {
        return;
    }
    let text = fs::read_to_string(folder.join(file)).unwrap();
    for end in ["start", "end"] {
        let number = |field: &str| range[end][field].as_u64().unwrap() as usize;
        let line = text.split('\n').nth(number("line") - 1).unwrap();
        let before: usize = text.split('\n').take(number("line") - 1).map(|line| line.len() + 1).sum();
        let column: usize = line.chars().take(number("column") - 1).map(char::len_utf8).sum();
        assert_eq!(before + column, number("byte"), "{file} {range}");
    }
}

#[test]
fn json_is_one_object_a_line_with_places_that_agree() {
    let folder = workspace();
    let output = hbuild(folder.path(), &["check", "--error-format", "json"]);
    assert_eq!((output.status.code(), errors(&output).as_str()), (Some(1), ""));
    let lines = results(&output);
    let findings: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (code, _) in bad_examples().iter().filter(|(code, _)| *code != "hbuild::lang::too_many_files") {
        let file = |finding: &&Value| finding["file"].as_str().unwrap().starts_with(&code.replace("::", "/"));
        let of_code = |finding: &&Value| finding["code"] == *code;
        // What an example gets from a file of `std` has its place there.
        let elsewhere = findings.iter().any(|finding| finding["code"] == *code);
        assert!(findings.iter().filter(file).any(|finding| of_code(&finding)) || elsewhere, "{code}");
    }
    let mut suggestions = 0;
    for finding in &findings {
        for label in finding["labels"].as_array().unwrap() {
            check_place(folder.path(), label["file"].as_str().unwrap(), &label["range"]);
        }
        for suggestion in finding["suggestions"].as_array().unwrap() {
            suggestions += 1;
            for edit in suggestion["edits"].as_array().unwrap() {
                check_place(folder.path(), edit["file"].as_str().unwrap(), &edit["range"]);
            }
        }
        let page = finding["docs"].as_str().unwrap();
        assert!(page.starts_with("errors/") && page.contains(".html#hbuild"), "{page}");
    }
    assert!(suggestions > 10, "{suggestions}");
}

#[test]
fn sarif_keeps_its_schema() {
    let folder = workspace();
    fs::write(folder.path().join("a b.hb"), "hbuild 1\nsource s { pth = \"x\" }\n").unwrap();
    let output = hbuild(folder.path(), &["check", "--error-format", "sarif"]);
    assert_eq!((output.status.code(), errors(&output).as_str()), (Some(1), ""));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let found = run["results"].as_array().unwrap();
    assert!(found.len() > 100 && rules.len() > 100, "{} {}", found.len(), rules.len());
    for result in found {
        let rule = &rules[result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["help"]["text"].as_str().unwrap().contains(". ") || rule["help"]["text"].is_string());
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"];
        let base = place["uriBaseId"].as_str().unwrap();
        assert!(["%SRCROOT%", "HBUILD"].contains(&base) && !place["uri"].as_str().unwrap().starts_with('/'));
    }
    let blank = found.iter().find(|result| result.to_string().contains("a%20b.hb")).unwrap();
    assert_eq!(blank["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"], "path");
    let documents = workshop::oracles::folder();
    let file = workshop::oracles::write(&documents, "check.sarif", &output.stdout);
    workshop::oracles::check_schema("sarif/sarif-schema-2.1.0.json", &[&file]);

    let clean = hbuild(folder.path(), &["check", "--error-format", "sarif", "nowhere"]);
    assert_eq!((clean.status.code(), results(&clean).contains("no_recipe")), (Some(2), true));
    let file = workshop::oracles::write(&documents, "usage.sarif", &clean.stdout);
    workshop::oracles::check_schema("sarif/sarif-schema-2.1.0.json", &[&file]);
}

#[test]
fn other_commands_report_on_standard_error_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = "hbuild 1\nimport std/base\nfor distro in [debian(\"13\")], arch in [amd64, arm64]\n\
                  image app { for distro, arch; use base.runtime(distro); packages = [\"curl\"] }\n";
    fs::write(folder.path().join("app.hb"), recipe).unwrap();
    let output = hbuild(folder.path(), &["build", "app.hb", "--error-format", "json"]);
    let finding: Value = serde_json::from_str(&errors(&output)).unwrap();
    assert_eq!((&finding["code"], results(&output).as_str()), (&Value::from("hbuild::lock::missing"), ""));
    let output = hbuild(folder.path(), &["--error-format", "sarif", "show", "app.hb", "--distro", "debain"]);
    let document: Value = serde_json::from_str(&errors(&output)).unwrap();
    assert_eq!(document["runs"][0]["results"][0]["ruleId"], "hbuild::usage::no_variant");
}

#[test]
fn unformatted_recipes_are_results_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        "hbuild 1\n\nsource a { path = \"ä\" }\n\nsource   b { path = \"b\" }\n\nsource c { path = \"ü\" }\n";
    fs::write(folder.path().join("a.hb"), text).unwrap();
    let output = hbuild(folder.path(), &["fmt", "--check", "--error-format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let finding: Value = serde_json::from_str(&results(&output)).unwrap();
    let edit = &finding["suggestions"][0]["edits"][0];
    let byte = |end: &str| edit["range"][end]["byte"].as_u64().unwrap() as usize;
    assert_eq!(&text[byte("start")..byte("end")], "source   b { path = \"b\" }\n");
    let mended =
        format!("{}{}{}", &text[..byte("start")], edit["text"].as_str().unwrap(), &text[byte("end")..]);
    assert_eq!(hbuild_lang::format::format(text).unwrap(), mended);
}

#[test]
fn standard_input_is_checked_beside_its_imports() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("recipes")).unwrap();
    fs::write(folder.path().join("recipes/paths.hb"), "hbuild 1\nlet first = \"x\"\n").unwrap();
    fs::write(folder.path().join("recipes/a.hb"), "no recipe\n").unwrap();
    let check = |text: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hbuild"))
            .args(["check", "-", "--stdin-name", "recipes/a.hb"])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let good = check("hbuild 1\nimport \"paths.hb\"\nsource s { path = paths.first }\n");
    assert_eq!(results(&good), "1 recipe checked\n", "{}", errors(&good));
    let bad = check("hbuild 1\nimport \"paths.hb\"\nsource s { path = paths.frist }\n");
    assert!(errors(&bad).contains("╭─[recipes/a.hb:3:25]"), "{}", errors(&bad));
    assert!(errors(&bad).contains("did you mean `first`?"), "{}", errors(&bad));
    let named = hbuild(folder.path(), &["check", "--stdin-name", "x.hb"]);
    assert_eq!(named.status.code(), Some(2));
}

#[test]
fn an_error_in_an_import_says_the_way_there() {
    let folder = tempfile::tempdir().unwrap();
    let files = Memory::fixture(
        "hbuild 1\nimport \"lib/one.hb\"\nsource s { path = one.word }\n#: lib/one.hb\nhbuild 1\n\
         import \"two.hb\"\nlet word = two.word\n#: lib/two.hb\nhbuild 1\nlet wrod = \"x\"\nlet word = wordd\n",
    );
    write(folder.path(), &files);
    let shown = errors(&hbuild(folder.path(), &["check", "recipe.hb"]));
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "errors" }, {
        insta::assert_snapshot!("import-chain", shown);
    });
}

#[test]
fn thousands_of_errors_are_counted_and_long_lines_are_cut() {
    let folder = tempfile::tempdir().unwrap();
    let many: String = (0..3000).map(|number| format!("source s{number} {{ pth = \"x\" }}\n")).collect();
    fs::write(folder.path().join("many.hb"), format!("hbuild 1\n{many}")).unwrap();
    let output = hbuild(folder.path(), &["check", "many.hb"]);
    let shown = errors(&output);
    assert_eq!(shown.matches("there is no field `pth` here").count(), 100);
    let end = "… and 2900 errors more, which `--error-format json` lists\n3000 errors in 1 recipe\n";
    assert!(shown.ends_with(end), "{}", &shown[shown.len() - 200..]);
    let output = hbuild(folder.path(), &["check", "many.hb", "--error-format", "json"]);
    assert_eq!(results(&output).lines().count(), 3000);

    let words = "\"wörd\", ".repeat(20_000);
    let text = format!("hbuild 1\nsource s {{ path = [{words}nothing, {words}\"x\"].join(\"\") }}\n");
    fs::write(folder.path().join("long.hb"), &text).unwrap();
    let shown = errors(&hbuild(folder.path(), &["check", "long.hb"]));
    assert!(shown.len() < 3000 && shown.lines().all(|line| line.chars().count() < 250), "{shown}");
    let column = text.lines().nth(1).unwrap().chars().collect::<String>();
    let column = column.split("nothing").next().unwrap().chars().count() + 1;
    assert!(shown.contains(&format!("long.hb:2:{column}]")), "{shown}");
    underlined(&shown, "nothing");
}

/// Holds the line below the one with `word` to be marked under that word, as wide as a terminal shows it.
fn underlined(shown: &str, word: &str) {
    let lines: Vec<&str> = shown.lines().collect();
    let marked = |at: &usize| lines[*at].contains(word) && lines[at + 1].contains('·');
    let at = (0..lines.len() - 1).find(marked).unwrap();
    // Each of these characters is two columns wide, every other one of the tests one.
    let wide = |character: char| if ('\u{3000}'..'\u{a000}').contains(&character) { 2 } else { 1 };
    let column = |line: &str, found: usize| line[..found].chars().map(wide).sum::<usize>();
    let (line, marks) = (lines[at], lines[at + 1]);
    let start = column(line, line.find(word).unwrap());
    let mark = marks.find(['─', '┬']).unwrap();
    assert_eq!(start, column(marks, mark), "{shown}");
    let length = marks[mark..].chars().take_while(|mark| ['─', '┬'].contains(mark)).count();
    assert_eq!(length, word.chars().map(wide).sum::<usize>(), "{shown}");
}

#[test]
fn tabs_and_wide_characters_point_right() {
    let folder = tempfile::tempdir().unwrap();
    let recipe =
        "hbuild 1\nimage a {\n\tlabels\t= { \"日本語\" = nothing }\n\ttitle = \"日本\" + 日本語\n}\n";
    fs::write(folder.path().join("a.hb"), recipe).unwrap();
    let shown = errors(&hbuild(folder.path(), &["check", "a.hb"]));
    underlined(&shown, "nothing");
    assert!(shown.contains("a.hb:3:21]"), "{shown}");
    let second = shown.split("hbuild::syntax::bad_name").nth(1).unwrap();
    underlined(second.split("help").next().unwrap(), "日本語");
}

#[test]
fn entries_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let output = hbuild(folder.path(), &["explain", "missing_arm"]);
    let text = results(&output);
    assert!(text.starts_with("hbuild::lang::missing_arm\n") && text.contains("\nMended:\n"), "{text}");
    assert_eq!(text, results(&hbuild(folder.path(), &["explain", "hbuild::lang::missing_arm"])));
    let all: Value = serde_json::from_slice(&hbuild(folder.path(), &["explain", "--json"]).stdout).unwrap();
    assert_eq!(all.as_array().unwrap().len(), pages::entries().len());
    let unknown = hbuild(folder.path(), &["explain", "misssing_arm"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(errors(&unknown).contains("did you mean `hbuild::lang::missing_arm`?"), "{}", errors(&unknown));
    let several = hbuild(folder.path(), &["explain", "too_deep"]);
    let all = "say which: hbuild::evidence::too_deep, hbuild::lang::too_deep, hbuild::syntax::too_deep";
    assert!(errors(&several).contains(all), "{}", errors(&several));
}

/// The index of the book's pages on errors, as `docs/src/errors/README.md` ends.
fn index() -> String {
    let mut index = "| code | | about |\n| --- | --- | --- |\n".to_owned();
    for entry in pages::entries() {
        let anchor = if entry.section { format!("#{}", entry.code.replace(':', "")) } else { String::new() };
        let severity = if entry.warning { "warning" } else { "error" };
        let (code, page) = (entry.code, entry.page);
        let summary = entry.summary().replace('|', "\\|");
        index.push_str(&format!("| [`{code}`]({page}{anchor}) | {severity} | {summary} |\n"));
    }
    index
}

#[test]
fn the_index_of_errors_is_complete() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src/errors/README.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, found) = page.split_once("## All codes\n\n").unwrap();
    if std::env::var_os("HBUILD_TEST_WRITE").is_some() {
        fs::write(&path, format!("{before}## All codes\n\n{}", index())).unwrap();
    } else {
        assert!(
            found == index(),
            "write it anew: HBUILD_TEST_WRITE=1 cargo test --test error_reports the_index"
        );
    }
}
