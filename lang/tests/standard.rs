//! The standard library on its own: a recipe that imports a module relies on its having no mistake.

use std::fs;
use std::path::Path;

use hbuild_lang::{FileError, Files, check};

/// The folder of the crate.
struct Crate;

impl Files for Crate {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let read = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
        read.map_err(|error| FileError { path: path.to_owned(), reason: error.to_string() })
    }
}

#[test]
fn no_module_has_a_mistake() {
    for folder in ["std", "std/edition"] {
        let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
        for file in files.map(|file| file.unwrap().file_name().into_string().unwrap()) {
            if file.ends_with(".hb") {
                let found = check(&Crate, &format!("{folder}/{file}")).diagnostics;
                let errors: Vec<_> = found.iter().filter(|found| found.is_error()).collect();
                assert!(errors.is_empty(), "{folder}/{file}: {errors:?}");
            }
        }
    }
}
