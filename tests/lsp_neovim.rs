//! The language server with a real editor: Neovim's own client, without a screen.

mod support;

use std::fs;
use std::process::{Command, Stdio};

const RECIPE: &str = "hbuild 1\nimport std/base\n\nlet extra = [\"curl\"]\n\nfor distro in [debian(\"13\")], arch in \
                      [amd64]\n\nimage tool {\n  for distro, arch\n  use base.runtime(distro)\n  pakages = extra\n  cmd = \
                      [\"/bin/x\"]\n}\n";

#[test]
fn neovim_is_content() {
    let present = Command::new("nvim").arg("--version").stdout(Stdio::null()).status();
    if !present.is_ok_and(|status| status.success()) {
        return support::skip("there is no nvim");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tool.hb"), RECIPE).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lsp_support/neovim.lua");
    let output = Command::new("nvim")
        .args(["--headless", "--clean", "-n", "-c"])
        .arg(format!("luafile {script}"))
        .env("HBUILD", env!("CARGO_BIN_EXE_hbuild"))
        .env("FOLDER", folder.path())
        .env("HOME", folder.path())
        .env("XDG_CACHE_HOME", folder.path().join("cache"))
        .env("XDG_STATE_HOME", folder.path().join("state"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("neovim is content"), "{said}\n{errors}");
}
