//! The examples of the book's entries as files: what stands for characters that cannot be seen is put in, and lines
//! that stand inside of an image get one.

use super::support::Memory;

/// What surrounds lines that stand inside of an image.
const IMAGE: &str = "hbuild 1\n\nimport std/base\n\nfor distro in [debian(\"13\")], flavor in [runtime, dev], arch in [amd64]\n\
                     \nimage app {\n  for distro, flavor, arch\n  use base.runtime(distro)\n";

/// The files of an example.
pub fn files(example: &str) -> Memory {
    let text = unescaped(example);
    if text.starts_with("hbuild 1\n") || text.starts_with("#: ") {
        // Lines are told apart there without regard to what ends them.
        let mut files = Memory::fixture(&text.replace('\r', "\u{1}"));
        for byte in files.0.values_mut().flatten().filter(|byte| **byte == 1) {
            *byte = b'\r';
        }
        return files;
    }
    let lines =
        text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") });
    Memory::one(&format!("{IMAGE}{}}}\n", lines.collect::<String>()))
}

/// The example with every `<U+202E>` as that character and every `<200 times "[">` as so many.
fn unescaped(example: &str) -> String {
    let mut out = String::new();
    let mut rest = example;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find('>').unwrap_or(0);
        let inner = rest.get(1..end).unwrap_or_default();
        let character = inner.strip_prefix("U+").and_then(|code| u32::from_str_radix(code, 16).ok());
        let repeated = inner
            .split_once(" times \"")
            .and_then(|(count, text)| Some(text.strip_suffix('"')?.repeat(count.parse().ok()?)));
        match character.and_then(char::from_u32).map(String::from).or(repeated) {
            Some(text) => {
                out.push_str(&text);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('<');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

/// Examples that no page can hold; the entries say what they are.
pub fn made(code: &str) -> Option<Memory> {
    match code {
        "hbuild::lang::too_many_files" => {
            let imports: String = (0..260).map(|number| format!("import \"m{number}.hb\"\n")).collect();
            let used: String = (0..260).map(|number| format!("m{number}.x, ")).collect();
            let source = format!("source s {{ path = [{used}].join(\"\") }}\n");
            let mut files = Memory::one(&format!("hbuild 1\n{imports}{source}"));
            for number in 0..260 {
                files.0.insert(format!("m{number}.hb"), b"hbuild 1\nlet x = \"x\"\n".to_vec());
            }
            Some(files)
        }
        "hbuild::lang::too_deep" => {
            let links: String = (1..70).map(|number| format!("let a{number} = a{}\n", number - 1)).collect();
            Some(Memory::one(&format!("hbuild 1\nlet a0 = \"x\"\n{links}source s {{ path = a69 }}\n")))
        }
        "hbuild::lang::unreadable" => Some(Memory::default()),
        _ => None,
    }
}
