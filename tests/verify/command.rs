//! The command: its page, its document, its exit statuses, and where it reads images from.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::made::{Key, Made, SIGN, statement};
use crate::support::layouts::digest;

fn hbuild(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hbuild"));
    command.env_clear().env("HOME", "/nonexistent").arg("verify").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn written(made: &Made, key: &Key) -> (String, String) {
    let path = made.folder.path().with_extension("pub");
    fs::write(&path, key.pem()).unwrap();
    (format!("{}:1", made.folder.path().display()), path.display().to_string())
}

fn archive(layout: &Path) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut builder = tar::Builder::new(file.reopen().unwrap());
    builder.append_dir_all(".", layout).unwrap();
    builder.finish().unwrap();
    file
}

#[test]
fn of_an_image_that_is_not_there_no_page_speaks() {
    let key = Key::default();
    let made = Made::signed(&key);
    let (image, public) = written(&made, &key);
    let output = hbuild(&[&format!("{image}.2"), "--key", &public]);
    let said = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(2), ""), "{said}");
    assert!(said.contains("hbuild::image::unknown_reference") && said.contains("there are: 1"), "{said}");
    fs::remove_file(public).unwrap();
}

#[test]
fn one_page_for_a_person() {
    let key = Key::default();
    let made = Made::signed(&key);
    let (image, public) = written(&made, &key);
    let output = hbuild(&[&image, "--key", &public, "--deep"]);
    let page = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{page}{}", text(&output.stderr));
    assert!(page.starts_with(&format!("{image} holds\n")), "{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 100 || !line.contains(' ')), "{page}");
    for part in [
        &digest(&made.index),
        "linux/amd64 has provenance, SBOM signed by",
        "rests on SHA-256, from the image's own digest down to every blob",
        "all 2 layers unpack to the diff IDs",
        "\nNot checked\n",
        "vulnerabilities",
    ] {
        assert!(
            page.split_whitespace().collect::<Vec<_>>().join(" ").contains(part.trim()),
            "{part}: {page}"
        );
    }
    assert!(!page.contains("Does not hold"));
    fs::remove_file(public).unwrap();
}

#[test]
fn one_document_for_programs() {
    let key = Key::default();
    let mut made = Made::signed(&key);
    let image = made.image.clone();
    made.attach(
        &image,
        SIGN,
        &Key::default().bundle(&statement(&digest(&image), SIGN, serde_json::json!({}))),
    );
    let (name, public) = written(&made, &key);
    let output = hbuild(&[&name, "--key", &public, "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["schema"], 1);
    assert_eq!(document["holds"], true);
    assert_eq!(document["digest"].as_str().unwrap(), digest(&made.index));
    assert_eq!(document["subjects"][1]["digest"].as_str().unwrap(), digest(&image));
    let checks: Vec<&str> =
        document["claims"].as_array().unwrap().iter().map(|claim| claim["check"].as_str().unwrap()).collect();
    assert_eq!(checks, ["integrity", "signature", "signature", "evidence", "provenance"]);
    let states = document["subjects"][1]["evidence"].as_array().unwrap().iter();
    let counted = states.filter(|one| one["state"] == "counted").count();
    assert_eq!(counted, 4);
    assert!(document["not-checked"].as_array().unwrap().len() > 4);
    fs::remove_file(public).unwrap();
}

#[test]
fn statuses() {
    let key = Key::default();
    let made = Made::signed(&key);
    let (image, public) = written(&made, &key);
    let status = |arguments: &[&str]| {
        let output = hbuild(arguments);
        (output.status.code().unwrap(), text(&output.stderr))
    };
    // Whose signature should count?
    let (code, said) = status(&[&image]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("hbuild::usage::no_trusted_key"), "{said}");
    assert_eq!(status(&[&image, "--key", "/nonexistent.pub"]).0, 3);
    assert_eq!(status(&[&image, "--key", &public, "--policy", "/nonexistent.toml"]).0, 3);
    assert_eq!(status(&[&image, "--key", &public, "--arch", "arm64"]).0, 1);
    assert_eq!(status(&[&image, "--key", &public, "--arch", "x86"]).0, 2);
    let other = made.folder.path().with_extension("other.pub");
    fs::write(&other, Key::default().pem()).unwrap();
    let (code, said) = status(&[&image, "--key", other.to_str().unwrap()]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("hbuild::verify::not_signed") && said.contains("hbuild::verify::unknown_key"),
        "{said}"
    );
    fs::remove_file(made.path(&made.manifest()["layers"][0])).unwrap();
    let (code, said) = status(&[&image, "--key", &public]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("hbuild::verify::missing_blob"), "{said}");
    // What does not hold outweighs what is not to be had.
    assert_eq!(status(&[&image, "--key", other.to_str().unwrap()]).0, 1);
    fs::remove_file(public).unwrap();
    fs::remove_file(other).unwrap();
}

#[test]
fn archives_hold_the_same_and_nothing_twice() {
    let key = Key::default();
    let made = Made::signed(&key);
    let (_, public) = written(&made, &key);
    let file = archive(made.folder.path());
    let name = format!("{}:1", file.path().display());
    assert_eq!(hbuild(&[&name, "--key", &public]).status.code(), Some(0));
    // A second member of the same name: which of them counts?
    let mut bytes = fs::read(file.path()).unwrap();
    bytes.truncate(bytes.len() - 1024);
    let mut builder = tar::Builder::new(bytes);
    let layer = digest(&made.manifest()["layers"][0]).replace(':', "/");
    let mut header = tar::Header::new_gnu();
    header.set_size(3);
    builder.append_data(&mut header, format!("blobs/{layer}"), &b"bad"[..]).unwrap();
    fs::write(file.path(), builder.into_inner().unwrap()).unwrap();
    let output = hbuild(&[&name, "--key", &public]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("hbuild::verify::not_plain") && said.contains("twice"), "{said}");
    fs::remove_file(public).unwrap();
}

/// Debian's registry on this machine, until it is dropped.
struct Registry {
    process: Child,
    folder: tempfile::TempDir,
    address: String,
}

impl Registry {
    fn start() -> Option<Self> {
        if !crate::support::oracles::has("docker-registry") || !crate::support::loopback() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let configuration = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"{address}\"}}\n",
            folder.path().display()
        );
        let file = folder.path().join("config.yml");
        fs::write(&file, configuration).unwrap();
        let mut command = Command::new("docker-registry");
        let process =
            command.arg("serve").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        for _ in 0..100 {
            if std::net::TcpStream::connect(&address).is_ok() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Some(Self { process, folder, address })
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_registry_is_read_as_a_folder_is() {
    let Some(registry) = Registry::start() else { return };
    let key = Key::default();
    let made = Made::signed(&key);
    let (image, public) = written(&made, &key);
    let name = format!("{}/sample:1", registry.address);
    let mut push = Command::new(env!("CARGO_BIN_EXE_hbuild"));
    let pushed = push.env_clear().env("HOME", "/nonexistent").args(["push", &image, &name]).output().unwrap();
    assert!(pushed.status.success(), "{}", text(&pushed.stderr));
    let output = hbuild(&[&name, "--key", &public, "--deep"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    // A layer that the registry keeps damaged is not taken.
    let layer = digest(&made.manifest()["layers"][1]).replace("sha256:", "");
    let blobs = registry.folder.path().join("docker/registry/v2/blobs/sha256");
    let path = blobs.join(&layer[..2]).join(&layer).join("data");
    let mut bytes = fs::read(&path).unwrap();
    bytes[20] ^= 1;
    fs::write(path, bytes).unwrap();
    let output = hbuild(&[&name, "--key", &public]);
    assert!([Some(1), Some(3)].contains(&output.status.code()), "{}", text(&output.stdout));
    assert!(!text(&output.stdout).contains(" holds\n"), "{}", text(&output.stdout));
    fs::remove_file(public).unwrap();
}
