//! Any text: what is formatted means the same, keeps its comments, and formatted again stays.

#![no_main]

use hbuild_lang_fuzz::{mutate, properties};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|bytes: &[u8]| properties::formatter(bytes));
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate(data, size, max_size, seed)
});
