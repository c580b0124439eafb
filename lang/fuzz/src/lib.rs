//! What the fuzz targets share: the properties, and a mutation that knows tokens.

#[path = "../../tests/fuzz_support/mod.rs"]
pub mod properties;

use std::ops::Range;
use std::sync::OnceLock;

use hbuild_lang::syntax;

/// Recipes whose tokens and lines are put into others.
const BANK: [&str; 8] = [
    include_str!("../../tests/syntax/complete.hb"),
    include_str!("../../tests/syntax/shape.hb"),
    include_str!("../../tests/fixtures/builds.hb"),
    include_str!("../../tests/fixtures/modules.hb"),
    include_str!("../../tests/fixtures/ranks.hb"),
    include_str!("../../tests/fixtures/values.hb"),
    include_str!("../../std/base.hb"),
    include_str!("../../std/c.hb"),
];

/// Changes a text: two times of three by whole tokens, else as libFuzzer does.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random(u64::from(seed) << 1 | 1);
    if random.below(3) == 0 {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let text = String::from_utf8_lossy(&data[..size]).into_owned();
    let mut tokens = tokens(&text);
    for _ in 0..=random.below(4) {
        change(&mut tokens, &mut random);
    }
    let changed = tokens.concat();
    let length = changed.len().min(max_size);
    data[..length].copy_from_slice(&changed.as_bytes()[..length]);
    length
}

fn change(tokens: &mut Vec<String>, random: &mut Random) {
    let at = random.below(tokens.len() + 1);
    let piece = random.piece(tokens);
    match random.below(6) {
        0 => drop(tokens.drain(piece)),
        1 => drop(tokens.splice(at..at, tokens[piece].to_vec())),
        2 if piece.start < piece.end => tokens[piece].reverse(),
        3 => {
            let new = random.banked();
            tokens.splice(piece, new);
        }
        _ => drop(tokens.splice(at..at, random.banked())),
    }
}

fn tokens(text: &str) -> Vec<String> {
    let tree = syntax::parse(text).syntax();
    let tokens = tree.descendants_with_tokens().filter_map(|element| element.into_token());
    tokens.map(|token| token.text().to_owned()).collect()
}

fn bank() -> &'static [Vec<String>] {
    static BANKED: OnceLock<Vec<Vec<String>>> = OnceLock::new();
    BANKED.get_or_init(|| BANK.iter().map(|text| tokens(text)).collect())
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    /// Some neighbouring tokens: mostly few.
    fn piece(&mut self, tokens: &[String]) -> Range<usize> {
        let start = self.below(tokens.len());
        let most = [1, 1, 4, 16, 200][self.below(5)];
        start..(start + 1 + self.below(most)).min(tokens.len())
    }

    /// Tokens of the bank.
    fn banked(&mut self) -> Vec<String> {
        let all = bank();
        let text = &all[self.below(all.len())];
        let piece = self.piece(text);
        text[piece].to_vec()
    }
}
