//! Recipes of any size, made from the real ones.

use std::collections::BTreeSet;
use std::fmt::Write;

use hbuild_lang::syntax::{self, SyntaxKind, ast};
use hbuild_lang::{FileError, Files};

const REAL: [&str; 8] = [
    include_str!("../../../recipes/busybox/busybox.hb"),
    include_str!("../../../recipes/hello/hello.hb"),
    include_str!("../../../recipes/memcached/memcached.hb"),
    include_str!("../../../recipes/nginx/nginx.hb"),
    include_str!("../../../recipes/python/python.hb"),
    include_str!("../../../recipes/redis/redis.hb"),
    include_str!("../../../recipes/tini/tini.hb"),
    include_str!("../../../recipes/zlib/zlib.hb"),
];
/// With few variants: a megabyte of many would be beyond the budget of one evaluation.
const FEW_VARIANTS: &str = REAL[1];
const MANY_VARIANTS: &str = REAL[5];

/// One recipe, `recipe.hb`, with the module that a real one has beside it.
pub struct Memory(pub String);

impl Files for Memory {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        match path {
            "recipe.hb" => Ok(self.0.clone().into_bytes()),
            "tini.hb" => Ok(include_bytes!("../../../recipes/redis/tini.hb").to_vec()),
            _ => Err(FileError { path: path.to_owned(), reason: "there is no such file".to_owned() }),
        }
    }
}

/// The real recipes over and over, until they have `bytes` together.
pub fn many(bytes: usize) -> Vec<String> {
    let mut left = bytes;
    let enough = |text: &&str| {
        let before = left;
        left = left.saturating_sub(text.len());
        before > 0
    };
    REAL.iter().copied().cycle().take_while(enough).map(str::to_owned).collect()
}

/// One recipe of at least `bytes`: the items of a real one over and over, each time with other names.
pub fn large(bytes: usize) -> String {
    let (head, items) = parts(FEW_VARIANTS);
    let mut text = head.to_owned();
    let mut copy = 0;
    while text.len() < bytes {
        copy += 1;
        text.push_str(&renamed(&items, copy));
    }
    text
}

/// One recipe of at least `lines`, and the same with a name that is not complete yet in the middle.
pub fn typed(lines: usize) -> (String, String) {
    let (head, items) = parts(MANY_VARIANTS);
    let mut text = head.to_owned();
    let mut copy = 0;
    while text.lines().count() < lines {
        copy += 1;
        text.push_str(&renamed(&items, copy));
    }
    let middle = text.len() / 2 + text[text.len() / 2..].find("flavor == dev").expect("an image") + 5;
    let broken = format!("{}{}", &text[..middle], &text[middle + 1..]);
    (text, broken)
}

/// A build over an axis of `labels` labels.
pub fn axis(labels: usize) -> String {
    let mut text = "hbuild 1\n\nfor n in [".to_owned();
    (0..labels).for_each(|n| write!(text, "\"n{n}\", ").expect("a string takes all"));
    text.push_str("], distro in [debian(\"13\")], arch in [amd64]\n\n");
    text.push_str("build one {\n  for n, distro, arch\n  tools = [\"bash\"]\n  script = \"echo {{n}}\"\n}\n");
    text
}

/// What stands before the first declaration, and the rest with the names that it declares.
fn parts(text: &str) -> (&str, (&str, BTreeSet<String>)) {
    let file = syntax::parse(text).file();
    let first = file.declarations().next().expect("a declaration").span.range().start;
    let names = file.declarations().map(|item: &ast::Declaration| item.name.text.clone()).collect();
    (&text[..first], (&text[first..], names))
}

fn renamed((items, names): &(&str, BTreeSet<String>), copy: usize) -> String {
    let tree = syntax::parse(items).syntax();
    let mut text = "\n".to_owned();
    for token in tree.descendants_with_tokens().filter_map(|element| element.into_token()) {
        text.push_str(token.text());
        if token.kind() == SyntaxKind::Name && names.contains(token.text()) {
            write!(text, "-{copy}").expect("a string takes all");
        }
    }
    text
}
