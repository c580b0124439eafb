//! The language server as a program: bad messages, its end, and packages out of the lock and the store.

mod lsp_support;

use std::fs;

use hbuild::distro::debian::index::Index;
use hbuild::distro::debian::repository::DERIVED_FORM;
use hbuild::lock::{Lock, LockedPackage, LockedVariant, Snapshot, SnapshotIndex, request_of};
use hbuild::store::Store;
use lsp_support::{Client, position};
use serde_json::{Value, json};

const RECIPE: &str = "hbuild 1\n\nfor distro in [debian(\"13\")], arch in [amd64]\n\nimage it {\n  for distro, arch\n  \
                      packages = [\"curl\", \"libssl3t64\"]\n}\n";

/// What an editor does that has a bad day.
#[test]
fn nothing_ends_the_server_but_its_end() {
    let mut client = Client::silent();
    assert_eq!(client.ask("textDocument/hover", json!({}))["error"]["code"], -32002, "before `initialize`");
    client.send_bytes(b"rubbish\r\n\r\nContent-Length: 5\r\n\r\n{\"a\":Content-Length: x\r\n\r\n");
    let told = client.wait(|message| message.get("id") == Some(&Value::Null));
    assert_eq!(told["error"]["code"], -32700);
    assert_eq!(client.ask("initialize", json!(7))["error"]["code"], -32602);
    let uri = client.uri("x.hb");
    client.request("initialize", json!({ "capabilities": {}, "rootUri": null }));
    assert_eq!(client.ask("initialize", json!({}))["error"]["code"], -32600);
    assert_eq!(client.ask("textDocument/teleport", json!({}))["error"]["code"], -32601);
    assert_eq!(client.ask("textDocument/hover", json!({ "textDocument": 3 }))["error"]["code"], -32602);
    client.notify("textDocument/didChange", json!({ "unheard": "of" }));
    client.notify("textDocument/invented", json!(null));
    // A document that is not there, and one that is in the middle of being typed.
    let nowhere = json!({ "textDocument": { "uri": uri }, "position": { "line": 900, "character": 900 } });
    assert_eq!(client.request("textDocument/hover", nowhere.clone()), Value::Null);
    assert_eq!(client.request("textDocument/completion", nowhere.clone()), Value::Null);
    client.open("x.hb", "hbuild 1\nlet ü = \"😀\n");
    client.diagnostics("x.hb");
    for (start, end) in
        [((0, 0), (99, 99)), ((5, 7), (1, 0)), ((4_000_000_000_u32, 0), (0, 4_000_000_000_u32))]
    {
        let range = json!({
            "start": { "line": start.0, "character": start.1 },
            "end": { "line": end.0, "character": end.1 },
        });
        let params = json!({
            "textDocument": { "uri": uri, "version": 2 },
            "contentChanges": [{ "range": range, "text": "let y = [1,\n" }],
        });
        client.notify("textDocument/didChange", params);
    }
    client.request("textDocument/hover", nowhere.clone());
    // Files that are no text, or gone.
    fs::write(client.path("binary.hb"), [0xff, 0xfe, 0x00]).unwrap();
    client.change("x.hb", 3, "hbuild 1\nimport \"binary.hb\"\nimport \"gone.hb\"\n");
    for code in ["hbuild::lang::import_unreadable", "hbuild::syntax::invalid_utf8"] {
        client.wait(|message| {
            let found = message["params"]["diagnostics"].as_array();
            found.is_some_and(|found| found.iter().any(|one| one["code"] == code))
        });
    }
    let untitled = json!({ "uri": "untitled:Untitled-1", "languageId": "hbuild", "version": 1, "text": "hbuild 1\nlet\n" });
    client.notify("textDocument/didOpen", json!({ "textDocument": untitled }));
    let told = client.wait(|message| message["params"]["uri"] == "untitled:Untitled-1");
    assert!(!told["params"]["diagnostics"].as_array().unwrap().is_empty());
    assert_eq!(client.request("shutdown", Value::Null), Value::Null);
    assert_eq!(client.ask("textDocument/hover", nowhere)["error"]["code"], -32600);
    client.notify("exit", Value::Null);
    assert_eq!(client.ended(), Some(0));
}

#[test]
fn the_end_of_the_editor_is_the_end_of_the_server() {
    let mut client = Client::new(json!({}));
    client.open("x.hb", RECIPE);
    assert_eq!(client.end(), Some(1), "the editor went away");
    let mut client = Client::new(json!({}));
    client.notify("exit", Value::Null);
    assert_eq!(client.ended(), Some(1), "`shutdown` comes before `exit`");
}

#[test]
fn a_request_can_be_cancelled_while_it_waits() {
    let mut client = Client::new(json!({}));
    client.open("x.hb", RECIPE);
    let at = client.at("x.hb", RECIPE, 0).to_string();
    let cancel = r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"two"}}"#;
    let hover =
        |id: &str| format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"textDocument/hover","params":{at}}}"#);
    let all: String = [hover("one"), hover("two"), cancel.to_owned()]
        .iter()
        .map(|text| format!("Content-Length: {}\r\n\r\n{text}", text.len()))
        .collect();
    client.send_bytes(all.as_bytes());
    let answer = client.wait(|message| message["id"] == "two");
    // Where the answer is quicker than the change of mind, that is right, too.
    assert!(answer["error"]["code"] == -32800 || answer.get("result").is_some(), "{answer}");
}

#[test]
fn positions_count_what_was_agreed_on() {
    let text = "hbuild 1\nlet x = \"😀\" + missing\n";
    for (encodings, name, start) in
        [(json!(["utf-8", "utf-16"]), "utf-8", 17), (json!(["utf-16"]), "utf-16", 15)]
    {
        let mut client = Client::silent();
        let capabilities = json!({ "general": { "positionEncodings": encodings } });
        let said = client.request("initialize", json!({ "capabilities": capabilities }));
        assert_eq!(said["capabilities"]["positionEncoding"], name);
        client.open("x.hb", text);
        let found = client.diagnostics("x.hb");
        assert_eq!(found[0]["range"]["start"], json!({ "line": 1, "character": start }));
        let edit = json!({
            "range": { "start": { "line": 1, "character": start }, "end": { "line": 1, "character": start + 7 } },
            "text": "\"y\"",
        });
        let document = json!({ "uri": client.uri("x.hb"), "version": 2 });
        let params = json!({ "textDocument": document, "contentChanges": [edit] });
        client.notify("textDocument/didChange", params);
        assert_eq!(client.diagnostics("x.hb"), Vec::<Value>::new(), "the edit was where the mistake is");
    }
}

/// A lock of the recipe that has curl, and an index in the store that has more.
fn lock(client: &Client) {
    let index = "Package: curl\nVersion: 8.14.1-2\nArchitecture: amd64\nFilename: pool/c.deb\nSize: 1\nSHA256: \
                 0000000000000000000000000000000000000000000000000000000000000001\n\nPackage: curlftpfs\nVersion: \
                 0.9.2-9\nArchitecture: amd64\nFilename: pool/f.deb\nSize: 1\nSHA256: \
                 0000000000000000000000000000000000000000000000000000000000000002\n\n";
    let sha256 = hbuild::digest::Sha256::of(index.as_bytes());
    let store = Store::open(&client.path("store")).unwrap();
    let parsed = Index::parse(index.as_bytes().to_vec()).unwrap();
    store.keep_derived(DERIVED_FORM, &sha256, &parsed.to_cache()).unwrap();
    let recipe =
        hbuild_lang::evaluate(&hbuild::host::files::RecipeFolder::new(client.path("")), "it.hb").unwrap();
    let image = &recipe.recipe.images[0];
    let package = LockedPackage {
        name: "curl".to_owned(),
        version: "8.14.1-2".to_owned(),
        arch: "amd64".to_owned(),
        sha256: Some(sha256),
        checksum: None,
        size: 1,
        file: "pool/c.deb".to_owned(),
        source: "curl".to_owned(),
        source_version: None,
        snapshot: "debian/trixie@2026-01-10T10:12:52Z".to_owned(),
    };
    let snapshot = Snapshot {
        id: package.snapshot.clone(),
        repository: "debian".to_owned(),
        url: None,
        suite: "trixie".to_owned(),
        codename: Some("trixie".to_owned()),
        date: "2026-01-10T10:12:52Z".to_owned(),
        valid_until: None,
        in_release: Some(sha256),
        in_release_size: Some(1),
        signed_by: vec!["A".repeat(40)],
        indexes: vec![SnapshotIndex {
            component: "main".to_owned(),
            arch: "amd64".to_owned(),
            path: "main/binary-amd64/Packages".to_owned(),
            sha256,
            size: 1,
        }],
    };
    let variant = LockedVariant {
        image: image.name.clone(),
        recipe: "it.hb".to_owned(),
        point: image.point.clone(),
        request: request_of(image, &[]),
        packages: vec![package.reference()],
        cut: Vec::new(),
    };
    let lock = Lock {
        version: 1,
        snapshots: vec![snapshot],
        packages: vec![package],
        variants: vec![variant],
        ..Lock::default()
    };
    fs::write(client.path("hbuild.lock"), lock.serialize()).unwrap();
}

#[test]
fn packages_come_out_of_the_lock() {
    let mut client = Client::new(json!({}));
    fs::write(client.path("it.hb"), RECIPE).unwrap();
    lock(&client);
    client.open("it.hb", RECIPE);
    let range = json!({ "start": position(RECIPE, 0), "end": position(RECIPE, RECIPE.len()) });
    let params = json!({ "textDocument": { "uri": client.uri("it.hb") }, "range": range });
    let hints = client.request("textDocument/inlayHint", params);
    let [hint] = hints.as_array().unwrap().as_slice() else { panic!("{hints}") };
    assert_eq!(hint["label"], "8.14.1-2");
    assert_eq!(hint["position"], position(RECIPE, RECIPE.find("\"curl\"").unwrap() + 6));
    let at = client.at("it.hb", RECIPE, RECIPE.find("curl").unwrap() + 1);
    let found = client.request("textDocument/hover", at);
    let said = found["contents"]["value"].as_str().unwrap();
    assert!(said.contains("- `8.14.1-2` (it debian13 amd64)"), "{said}");
    let text = RECIPE.replace("\"libssl3t64\"", "\"cur\"");
    client.change("it.hb", 2, &text);
    let at = client.at("it.hb", &text, text.find("cur\"").unwrap() + 3);
    let found = client.request("textDocument/completion", at);
    let items: Vec<(&str, &str)> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["label"].as_str().unwrap(), item["detail"].as_str().unwrap()))
        .collect();
    assert_eq!(items, [("curl", "8.14.1-2"), ("curlftpfs", "0.9.2-9")]);
}
