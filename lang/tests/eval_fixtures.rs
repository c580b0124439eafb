//! Annotated fixtures of checking and evaluation, see `support`. Each error's text is a snapshot.

mod support;

use std::path::{Path, PathBuf};

use hbuild_lang::diagnostic::LineIndex;
use hbuild_lang::{Checked, Diagnostic};
use support::{Memory, evaluate, render, render_all};

/// What a comment announces.
#[derive(Debug)]
struct Announced {
    code: String,
    severity: char,
    line: Option<u32>,
    word: Option<String>,
    text: Option<String>,
}

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "hb"));
    files.sort();
    files
}

fn announced(text: &str) -> Vec<Announced> {
    let mut found = Vec::new();
    let mut number = 0_u32;
    let mut waiting: Vec<usize> = Vec::new();
    for line in text.lines() {
        number = if line.starts_with("#: ") { 0 } else { number + 1 };
        let note = line.trim_start();
        let anywhere = note.strip_prefix("#!! ").map(|rest| ('!', rest, false));
        let here = note.strip_prefix("#! ").map(|rest| ('!', rest, true));
        let warning = note.strip_prefix("#? ").map(|rest| ('?', rest, true));
        if let Some((severity, rest, placed)) = anywhere.or(here).or(warning) {
            let (rest, text) = match rest.split_once(" : ") {
                Some((rest, text)) => (rest, Some(text.to_owned())),
                None => (rest, None),
            };
            let (code, word) = match rest.split_once(" @ ") {
                Some((code, word)) => (code, Some(word.to_owned())),
                None => (rest, None),
            };
            if placed {
                waiting.push(found.len());
            }
            found.push(Announced {
                code: format!("hbuild::lang::{}", code.trim()),
                severity,
                line: None,
                word,
                text,
            });
        } else if !note.starts_with("#=") {
            for index in waiting.drain(..) {
                found[index].line = Some(number);
            }
        }
    }
    found
}

fn answers(one: &Announced, diagnostic: &Diagnostic, checked: &Checked) -> bool {
    let Some(label) = diagnostic.primary() else { return false };
    let source = checked.texts.get(label.file.as_deref().unwrap_or_default()).map_or("", String::as_str);
    let line = LineIndex::new(source).line_column(label.range.start).line;
    let word = source.get(label.range.clone()).unwrap_or_default();
    let all =
        format!("{} {} {}", diagnostic.message, label.text, diagnostic.help.clone().unwrap_or_default());
    one.code == diagnostic.code
        && diagnostic.is_error() == (one.severity == '!')
        && one.line.is_none_or(|wanted| wanted == line)
        && one.word.as_ref().is_none_or(|wanted| wanted == word)
        && one.text.as_ref().is_none_or(|wanted| all.contains(wanted.as_str()))
}

fn check(file: &Path, problems: &mut Vec<String>) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    let result = evaluate(&Memory::fixture(&text));
    let (recipe, checked) = match result {
        Ok(evaluated) => (Some(evaluated.recipe), evaluated.checked),
        Err(checked) => (None, checked),
    };
    let announced = announced(&text);
    let mut left: Vec<&Diagnostic> = checked.diagnostics.iter().collect();
    for one in &announced {
        match left.iter().position(|diagnostic| answers(one, diagnostic, &checked)) {
            Some(index) => {
                left.remove(index);
            }
            None => problems.push(format!("{name}: announced and not there: {one:?}")),
        }
    }
    for diagnostic in left {
        problems.push(format!("{name}: there and not announced:\n{}", render(diagnostic, &checked)));
    }
    if let Some(recipe) = recipe {
        let json = serde_json::to_value(&recipe).unwrap();
        for line in text.lines().filter_map(|line| line.trim_start().strip_prefix("#= ")) {
            let (path, wanted) = line.split_once(" = ").unwrap_or_else(|| panic!("{name}: `#= {line}`"));
            let found = lookup(&json, path);
            if found != wanted {
                problems.push(format!("{name}: {path} is `{found}`, not `{wanted}`"));
            }
        }
    }
    render_all(&checked)
}

/// The value at a dotted path; keys may be quoted with `'`.
fn lookup(json: &serde_json::Value, path: &str) -> String {
    let mut at = json;
    let mut parts: Vec<String> = Vec::new();
    for (index, quoted) in path.split('\'').enumerate() {
        if index % 2 == 1 {
            parts.push(quoted.to_owned());
        } else {
            parts.extend(quoted.split('.').filter(|part| !part.is_empty()).map(str::to_owned));
        }
    }
    for part in &parts {
        if part == "#" {
            return at.as_array().map_or("no list".to_owned(), |list| list.len().to_string());
        }
        let next = match part.parse::<usize>() {
            Ok(index) if at.is_array() => at.get(index),
            _ => at.get(part.as_str()),
        };
        match next {
            Some(value) => at = value,
            None => return format!("nothing at `{part}`"),
        }
    }
    let text = at.as_str().filter(|text| !text.contains('\n'));
    text.map_or_else(|| plain(at).to_string(), str::to_owned)
}

/// Located values without their places.
fn plain(json: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match json {
        Value::Array(list) => list.iter().map(plain).collect(),
        Value::Object(map) if map.len() == 2 && map.contains_key("value") && map.contains_key("place") => {
            plain(&map["value"])
        }
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
        other => other.clone(),
    }
}

#[test]
fn fixtures_hold_what_they_announce() {
    let mut problems = Vec::new();
    let rendered: Vec<(PathBuf, String)> =
        fixtures().into_iter().map(|file| (file.clone(), check(&file, &mut problems))).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    for (file, rendered) in rendered.iter().filter(|(_, rendered)| !rendered.is_empty()) {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, rendered);
        });
    }
}
