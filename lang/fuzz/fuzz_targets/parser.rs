//! Any bytes: the tree is the text, and what is reported has a place and a help line.

#![no_main]

use hbuild_lang_fuzz::{mutate, properties};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|bytes: &[u8]| properties::parser(bytes));
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate(data, size, max_size, seed)
});
