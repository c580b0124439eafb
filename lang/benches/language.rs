//! How long the language takes over a megabyte of recipes made from real ones, over a keystroke in a long one, and
//! over an axis of a thousand labels. `benches/README.md` says what each may take.

mod generate;

use divan::Bencher;
use divan::counter::BytesCount;
use generate::{Memory, axis, large, many, typed};
use hbuild_lang::{check, evaluate, format, syntax};

fn main() {
    divan::main();
}

const MEGABYTE: usize = 1_000_000;

fn bytes(recipes: &[String]) -> BytesCount {
    BytesCount::new(recipes.iter().map(String::len).sum::<usize>())
}

/// Parses a megabyte of recipes of the usual size.
#[divan::bench(sample_count = 20)]
fn parse_many(bencher: Bencher<'_, '_>) {
    let recipes = many(MEGABYTE);
    bencher
        .counter(bytes(&recipes))
        .bench(|| recipes.iter().map(|text| syntax::parse(text).file().items.len()).sum::<usize>());
}

/// Parses, checks and evaluates a megabyte of recipes of the usual size.
#[divan::bench(sample_count = 20)]
fn evaluate_many(bencher: Bencher<'_, '_>) {
    let recipes = many(MEGABYTE);
    let files: Vec<Memory> = recipes.iter().map(|text| Memory(text.clone())).collect();
    bencher.counter(bytes(&recipes)).bench(|| {
        let images = |files: &Memory| evaluate(files, "recipe.hb").expect("a recipe").recipe.images.len();
        files.iter().map(images).sum::<usize>()
    });
}

/// Parses, checks and evaluates one recipe of a megabyte.
#[divan::bench(sample_count = 20)]
fn evaluate_one(bencher: Bencher<'_, '_>) {
    let text = large(MEGABYTE);
    let files = Memory(text.clone());
    bencher
        .counter(BytesCount::new(text.len()))
        .bench(|| evaluate(&files, "recipe.hb").expect("a recipe").recipe.images.len());
}

/// Formats a megabyte of recipes of the usual size.
#[divan::bench(sample_count = 20)]
fn format_many(bencher: Bencher<'_, '_>) {
    let recipes = many(MEGABYTE);
    bencher
        .counter(bytes(&recipes))
        .bench(|| recipes.iter().map(|text| format::format(text).expect("a recipe").len()).sum::<usize>());
}

/// Formats one recipe of a megabyte.
#[divan::bench(sample_count = 20)]
fn format_one(bencher: Bencher<'_, '_>) {
    let text = large(MEGABYTE);
    bencher.counter(BytesCount::new(text.len())).bench(|| format::format(&text).expect("a recipe").len());
}

/// Finds everything that is wrong with a recipe of 2,000 lines in which a person is typing a name.
#[divan::bench(args = [false, true], sample_count = 50)]
fn keystroke(bencher: Bencher<'_, '_>, complete: bool) {
    let (whole, broken) = typed(2_000);
    let files = Memory(if complete { whole } else { broken });
    bencher.bench(|| check(&files, "recipe.hb").diagnostics.len());
}

/// Evaluates a build that varies over an axis of a thousand labels.
#[divan::bench(sample_count = 50)]
fn thousand_labels(bencher: Bencher<'_, '_>) {
    let files = Memory(axis(1_000));
    bencher.bench(|| evaluate(&files, "recipe.hb").expect("a recipe").recipe.builds.len());
}
