//! The language server, by a client over its standard input and output.

mod lsp_support;

use std::fs;

use lsp_support::{Client, apply, position, slice};
use serde_json::{Value, json};

/// A recipe in which everything stands once.
const RECIPE: &str = r#"hbuild 1
import std/base
import std/c
import "common.hb"

## The releases that are made.
let releases = {
  "2.1" = { version = version("2.1.4"), sha256 = "9a93b2b7dfdac77ceba5a558a580e74667dd6fede4585b91eefb60f03b72df23" }
  "1.9" = { version = version("1.9.0"), sha256 = "9a93b2b7dfdac77ceba5a558a580e74667dd6fede4585b91eefb60f03b72df24" }
}

for release in releases, distro in [debian("13")], flavor in [runtime, dev], arch in [amd64, arm64]

source tool-src {
  for release
  url    = "https://example.org/tool-{{release.version}}.tar.gz"
  sha256 = release.sha256
}

## Makes the tool.
build tool {
  for release, distro, arch
  tools   = c.toolchain(distro)
  source  = tool-src
  outputs = ["docs"]
  step "compile" { script = "make install" }
}

image tool-image {
  for release, distro, flavor, arch
  use base.runtime(distro)
  version    = release.version
  packages  += common.extra + ["curl"]
  contents   = [tool, tool.docs]
  entrypoint = ["/usr/bin/tool"]
  when flavor == dev { use base.dev(distro) }
}
"#;

const COMMON: &str = "hbuild 1\n\n## What every image has.\nlet extra = [\"tzdata\"]\n";

/// An editor that can do what most can.
fn editor() -> Value {
    json!({
        "textDocument": {
            "completion": { "completionItem": { "snippetSupport": true } },
            "definition": { "linkSupport": true },
            "documentSymbol": { "hierarchicalDocumentSymbolSupport": true },
        },
        "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } },
    })
}

/// A client with the recipe open, its module on the disk.
fn opened() -> Client {
    let mut client = Client::new(editor());
    fs::write(client.path("common.hb"), COMMON).unwrap();
    fs::write(client.path("tool.hb"), RECIPE).unwrap();
    client.open("tool.hb", RECIPE);
    assert_eq!(client.diagnostics("tool.hb"), Vec::<Value>::new());
    client
}

/// The byte of the first `word` of the recipe that follows `before`, and `inside` bytes more.
fn find(before: &str, word: &str, inside: usize) -> usize {
    let from = RECIPE.find(before).unwrap();
    from + RECIPE[from..].find(word).unwrap() + inside
}

fn hover(client: &mut Client, offset: usize) -> String {
    let at = client.at("tool.hb", RECIPE, offset);
    let found = client.request("textDocument/hover", at);
    found["contents"]["value"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn diagnostics_follow_the_typing() {
    let mut client = opened();
    client.change("tool.hb", 2, &RECIPE.replace("packages ", "pakages "));
    let found = client.diagnostics("tool.hb");
    assert_eq!(found.len(), 1, "{found:?}");
    let one = &found[0];
    assert_eq!(one["code"], "hbuild::lang::unknown_field");
    assert_eq!(one["severity"], 1);
    assert_eq!(one["source"], "hbuild");
    let page = one["codeDescription"]["href"].as_str().unwrap();
    assert!(page.ends_with("errors/language.html#hbuildlangunknown_field"), "{page}");
    assert!(one["message"].as_str().unwrap().contains("did you mean `packages`?"));
    client.change("tool.hb", 3, RECIPE);
    assert!(client.diagnostics("tool.hb").is_empty(), "what is mended goes");
    client.change("tool.hb", 4, &RECIPE.replace("import std/c\n", "import std/c\nimport std/tag\n"));
    let found = client.diagnostics("tool.hb");
    assert_eq!(found[0]["code"], "hbuild::lang::unused_import");
    assert_eq!((&found[0]["severity"], &found[0]["tags"]), (&json!(2), &json!([1])));
}

#[test]
fn a_module_is_told_of_with_its_imports() {
    let mut client = opened();
    fs::write(client.path("common.hb"), "hbuild 1\nlet extra = [missing]\n").unwrap();
    let change = json!({ "uri": client.uri("common.hb"), "type": 2 });
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [change] }));
    let found = client.diagnostics("common.hb");
    assert_eq!(found[0]["code"], "hbuild::lang::unknown_name");
    let chain = &found[0]["relatedInformation"][0];
    assert_eq!(chain["location"]["uri"], client.uri("tool.hb"));
    assert_eq!(slice(RECIPE, &chain["location"]["range"]), "\"common.hb\"");
    // An open document stands before the disk.
    client.open("common.hb", COMMON);
    assert!(client.diagnostics("common.hb").is_empty());
    let close = json!({ "textDocument": { "uri": client.uri("common.hb") } });
    client.notify("textDocument/didClose", close);
    assert_eq!(client.diagnostics("common.hb").len(), 1, "the disk counts again");
    let close = json!({ "textDocument": { "uri": client.uri("tool.hb") } });
    client.notify("textDocument/didClose", close);
    assert!(client.diagnostics("common.hb").is_empty(), "nobody imports it any more");
}

#[test]
fn hovering() {
    let mut client = opened();
    assert_eq!(
        hover(&mut client, find("release in releases", "releases", 2)),
        "```hb\nlet releases: { \"…\": { sha256: string, version: version } }\nreleases = { \"2.1\" = { version = \
         version(\"2.1.4\"), sha256 = \"9a93b2b7dfdac77ceba5a558a580e74667dd6fede4585b91eefb60f03b72df23\" }, \
         \"1.9\" = { version = version(\"1.9.0\"), sha256 = \
         \"9a93b2b7dfdac77ceba5a558a580e74667dd6fede4585b91eefb60f03b72df24\" } }\n```\n\nThe releases that are made."
    );
    assert_eq!(hover(&mut client, find("sha256 = release", "sha256", 20)), "```hb\nsha256: string\n```");
    let field = hover(&mut client, find("entrypoint", "entrypoint", 0));
    assert!(field.contains("image.entrypoint") && field.contains("Takes a list of strings."), "{field}");
    let function = hover(&mut client, find("c.toolchain", "toolchain", 3));
    assert!(function.starts_with("```hb\nfn toolchain(distro)\n```\n\nWhat builds C"), "{function}");
    let axis = hover(&mut client, find("use base.runtime", "distro", 0));
    assert!(axis.contains("for distro: distro") && axis.contains("`debian13`"), "{axis}");
    let inside = hover(&mut client, find("tool-{{", "release", 0));
    assert!(inside.contains("for release:") && inside.contains("`2.1`, `1.9`"), "{inside}");
    assert!(hover(&mut client, find("= common.extra", "extra", 0)).contains("extra = [\"tzdata\"]"));
    assert!(hover(&mut client, find("[runtime, dev]", "dev", 1)).contains("dev: flavor"));
    assert!(hover(&mut client, find("[debian(", "debian", 0)).contains("debian(release: string): distro"));
    assert!(hover(&mut client, find("## Makes", "build", 1)).contains("sandbox"));
    assert_eq!(hover(&mut client, find("## Makes", "Makes", 0)), "");
}

#[test]
fn definitions_and_references() {
    let mut client = opened();
    let ask = |client: &mut Client, offset| {
        let at = client.at("tool.hb", RECIPE, offset);
        client.request("textDocument/definition", at)
    };
    let found = ask(&mut client, find("contents", "tool", 0));
    assert_eq!(found[0]["targetUri"], client.uri("tool.hb"));
    assert_eq!(slice(RECIPE, &found[0]["targetSelectionRange"]), "tool");
    assert!(slice(RECIPE, &found[0]["targetRange"]).contains("build tool {"));
    let found = ask(&mut client, find("common.extra", "extra", 1));
    assert_eq!(found[0]["targetUri"], client.uri("common.hb"));
    assert_eq!(slice(COMMON, &found[0]["targetSelectionRange"]), "extra");
    let found = ask(&mut client, find("import \"common", "common", 1));
    assert_eq!(found[0]["targetUri"], client.uri("common.hb"));
    let found = ask(&mut client, find("tool.docs", "docs", 1));
    assert_eq!(slice(RECIPE, &found[0]["targetSelectionRange"]), "docs");
    let found = ask(&mut client, find("sha256 = release", "release.sha256", 9));
    assert_eq!(found.as_array().unwrap().len(), 2, "the column in each row: {found}");
    // A module of the standard library is a file that nobody can write, and no recipe of its own.
    let found = ask(&mut client, find("base.runtime", "runtime", 1));
    let uri = found[0]["targetUri"].as_str().unwrap().to_owned();
    let path = uri.strip_prefix("file://").unwrap();
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(slice(&text, &found[0]["targetSelectionRange"]), "runtime");
    assert!(fs::metadata(path).unwrap().permissions().readonly());
    let document = json!({ "uri": uri, "languageId": "hbuild", "version": 1, "text": text });
    client.notify("textDocument/didOpen", json!({ "textDocument": document }));
    let told = client.wait(|message| message["params"]["uri"] == json!(uri));
    assert_eq!(told["params"]["diagnostics"], json!([]));

    let references = |client: &mut Client, name: &str, text: &str, offset, declaration| {
        let mut params = client.at(name, text, offset);
        params["context"] = json!({ "includeDeclaration": declaration });
        client.request("textDocument/references", params)
    };
    let release = find("for release in", "release", 0);
    assert_eq!(references(&mut client, "tool.hb", RECIPE, release, true).as_array().unwrap().len(), 7);
    assert_eq!(references(&mut client, "tool.hb", RECIPE, release, false).as_array().unwrap().len(), 6);
    // From the module to those who import it, open or not.
    fs::write(client.path("other.hb"), "hbuild 1\nimport \"common.hb\"\nlet more = common.extra\n").unwrap();
    client.open("common.hb", COMMON);
    let found = references(&mut client, "common.hb", COMMON, COMMON.find("extra").unwrap(), true);
    let uris: Vec<&str> = found.as_array().unwrap().iter().map(|one| one["uri"].as_str().unwrap()).collect();
    assert_eq!(uris, [client.uri("common.hb"), client.uri("other.hb"), client.uri("tool.hb")]);
    let at = client.at("tool.hb", RECIPE, release);
    let marks = client.request("textDocument/documentHighlight", at);
    assert_eq!(marks.as_array().unwrap().iter().filter(|mark| mark["kind"] == 3).count(), 1);
}

#[test]
fn renaming() {
    let mut client = opened();
    let rename = |client: &mut Client, offset, name: &str| {
        let mut params = client.at("tool.hb", RECIPE, offset);
        params["newName"] = json!(name);
        client.ask("textDocument/rename", params)
    };
    let answer = rename(&mut client, find("for release in", "release", 1), "line");
    let edits = answer["result"]["changes"][client.uri("tool.hb")].as_array().unwrap().clone();
    let new = apply(RECIPE, &edits);
    assert!(new.contains("tool-{{line.version}}.tar.gz") && !new.contains("{{release"), "{new}");
    client.change("tool.hb", 2, &new);
    client.change("tool.hb", 3, RECIPE);
    let answer = rename(&mut client, find("common.extra", "extra", 1), "everywhere");
    let changes = answer["result"]["changes"].as_object().unwrap().clone();
    assert_eq!(changes.len(), 2);
    let module = apply(COMMON, changes[&client.uri("common.hb")].as_array().unwrap());
    assert!(module.contains("let everywhere = "));
    for (offset, name, reason) in [
        (find("base.runtime", "runtime", 1), "x", "`runtime` belongs to the standard library"),
        (find("[debian(", "debian", 1), "x", "`debian` is a name of the language"),
        (
            find("import std/base", "base", 1),
            "x",
            "a module is called by the name of its file: rename the file",
        ),
        (find("build tool", "tool", 1), "tool-src", "`tool-src` is defined already in `tool.hb`"),
        (find("build tool", "tool", 1), "let", "`let` is a word of the language"),
        (find("build tool", "tool", 1), "amd64", "`amd64` is a word of the language"),
        (
            find("build tool", "tool", 1),
            "Tool",
            "`Tool` is no name: lower-case letters and digits, with `-` between words",
        ),
    ] {
        assert_eq!(rename(&mut client, offset, name)["error"]["message"], reason);
    }
    let at = client.at("tool.hb", RECIPE, find("build tool", "tool", 1));
    let ready = client.request("textDocument/prepareRename", at);
    assert_eq!(ready["placeholder"], "tool");
}

#[test]
fn completion_in_broken_text() {
    let mut client = opened();
    let text = RECIPE.replace("  entrypoint = [\"/usr/bin/tool\"]\n", "  ent\n");
    client.change("tool.hb", 2, &text);
    let at = client.at("tool.hb", &text, text.find("  ent\n").unwrap() + 5);
    let found = client.request("textDocument/completion", at);
    let items = found["items"].as_array().unwrap();
    let one = items.iter().find(|item| item["label"] == "entrypoint").unwrap();
    assert_eq!(one["textEdit"]["newText"], "entrypoint = [$0]");
    assert_eq!(one["insertTextFormat"], 2);
    assert_eq!(slice(&text, &one["textEdit"]["range"]), "ent");
    assert!(!items.iter().any(|item| item["label"] == "contents"), "what is set is not proposed");
    let text = RECIPE.replace("= release.sha256\n}", "= release.\n}");
    client.change("tool.hb", 3, &text);
    let at = client.at("tool.hb", &text, text.find("= release.\n").unwrap() + 10);
    let found = client.request("textDocument/completion", at);
    let labels: Vec<&str> =
        found["items"].as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["sha256", "version"]);
}

#[test]
fn signatures_formatting_and_outlines() {
    let mut client = opened();
    let text = RECIPE.replace("contents ", "paths = { \"/x\" = file(text = \"x\", ) }\n  contents ");
    client.change("tool.hb", 2, &text);
    let at = client.at("tool.hb", &text, text.find("\"x\", )").unwrap() + 5);
    let help = client.request("textDocument/signatureHelp", at);
    assert_eq!(
        help["signatures"][0]["label"],
        "file(text: string, owner?: string, group?: string, mode?: int)"
    );
    assert_eq!(help["activeParameter"], 1);
    let options = json!({ "tabSize": 2, "insertSpaces": true });
    let params = json!({ "textDocument": { "uri": client.uri("tool.hb") }, "options": options });
    let edits = client.request("textDocument/formatting", params.clone());
    let new = apply(&text, edits.as_array().unwrap());
    assert_eq!(hbuild_lang::format::format(&text).unwrap(), new);
    client.change("tool.hb", 3, &new);
    assert_eq!(client.request("textDocument/formatting", params.clone()), json!([]));
    client.change("tool.hb", 4, "hbuild 1\nlet x = [\n");
    assert_eq!(client.request("textDocument/formatting", params), Value::Null, "nothing is guessed");

    client.change("tool.hb", 5, RECIPE);
    let params = json!({ "textDocument": { "uri": client.uri("tool.hb") } });
    let outline = client.request("textDocument/documentSymbol", params.clone());
    let names: Vec<&str> =
        outline.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "base",
            "c",
            "common",
            "releases",
            "release",
            "distro",
            "flavor",
            "arch",
            "tool-src",
            "tool",
            "tool-image"
        ]
    );
    assert_eq!(outline[9]["children"][0]["name"], "compile");
    let folds = client.request("textDocument/foldingRange", params);
    assert!(
        folds.as_array().unwrap().iter().any(|fold| fold["startLine"] == 6 && fold["endLine"] == 8),
        "{folds}"
    );
    let found = client.request("workspace/symbol", json!({ "query": "ToolIm" }));
    assert_eq!(found[0]["name"], "tool-image");
    let at = find("tool-{{", "release", 1);
    let params =
        json!({ "textDocument": { "uri": client.uri("tool.hb") }, "positions": [position(RECIPE, at)] });
    let grown = client.request("textDocument/selectionRange", params);
    assert_eq!(slice(RECIPE, &grown[0]["range"]), "release");
    assert_eq!(slice(RECIPE, &grown[0]["parent"]["range"]), "release.version");
}

#[test]
fn quick_fixes() {
    let mut client = opened();
    let unused = RECIPE.replace("import std/c\n", "import std/c\nimport std/tag\n");
    for (text, title) in
        [(RECIPE.replace("packages ", "pakages "), "write `packages`"), (unused, "remove the import `tag`")]
    {
        client.change("tool.hb", 2, &text);
        let found = client.diagnostics("tool.hb");
        let whole = json!({ "start": position(&text, 0), "end": position(&text, text.len()) });
        let params = json!({
            "textDocument": { "uri": client.uri("tool.hb") },
            "range": whole,
            "context": { "diagnostics": found },
        });
        let actions = client.request("textDocument/codeAction", params);
        let [action] = actions.as_array().unwrap().as_slice() else { panic!("{actions}") };
        assert_eq!((&action["title"], &action["kind"]), (&json!(title), &json!("quickfix")));
        assert_eq!(action["isPreferred"], true);
        assert_eq!(action["diagnostics"][0], found[0]);
        let edits = action["edit"]["changes"][client.uri("tool.hb")].as_array().unwrap();
        assert_eq!(apply(&text, edits), RECIPE);
    }
}

#[test]
fn colours() {
    let mut client = opened();
    let params = json!({ "textDocument": { "uri": client.uri("tool.hb") } });
    let found = client.request("textDocument/semanticTokens/full", params);
    let numbers: Vec<u64> =
        found["data"].as_array().unwrap().iter().map(|one| one.as_u64().unwrap()).collect();
    let (mut line, mut character) = (0, 0);
    let mut words = Vec::new();
    for token in numbers.chunks(5) {
        character = if token[0] == 0 { character + token[1] } else { token[1] };
        line += token[0];
        let text = RECIPE.lines().nth(line as usize).unwrap();
        let word = &text[character as usize..(character + token[2]) as usize];
        words.push((word, hbuild_lang::assist::TOKENS[token[3] as usize], token[4]));
    }
    for expected in [
        ("hbuild", "keyword", 0),
        ("base", "namespace", 1),
        ("## The releases that are made.", "comment", 8),
        ("releases", "variable", 1),
        ("tool", "class", 1),
        ("toolchain", "function", 4),
        ("entrypoint", "property", 0),
        ("amd64", "enumMember", 4),
        ("\"", "string", 0),
    ] {
        assert!(words.contains(&expected), "{expected:?} in {words:?}");
    }
}
