//! Builds from source for tests: a root of the host's shell and a few of its tools, as a folder of the project.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::skip;
use super::workspace::Workspace;

/// What a recipe of builds begins with: the architecture of this machine, and the repository of the workspace.
pub const HEAD: &str = r#"hbuild 1
for distro in [debian("12")], arch in [ARCH]

repository test {
  url        = "http://archive.invalid/test"
  suite      = "stable"
  components = ["main"]
  key        = "archive.asc"
}

source tools { path = "tools" }
"#;

/// This machine's architecture in Debian's words.
pub const ARCH: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

/// The text of a recipe: [`HEAD`] and `rest`.
pub fn recipe(rest: &str) -> String {
    format!("{HEAD}{rest}").replace("ARCH", ARCH)
}

/// Puts a root with `tools` of this machine into the folder `tools` of the project; false, said aloud, where the
/// machine lacks one.
pub fn add_tools(workspace: &Workspace, tools: &[&str]) -> bool {
    let mut wanted = BTreeSet::new();
    for tool in tools {
        let place = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(tool));
        let Some(path) = place.into_iter().find(|path| path.exists()) else {
            skip(&format!("the host has no {tool} for a root"));
            return false;
        };
        wanted.extend(libraries(&path));
        wanted.insert(path);
    }
    for file in wanted {
        let below = file.strip_prefix("/").unwrap();
        let below = if below.starts_with("usr") { below.to_owned() } else { Path::new("usr").join(below) };
        let place = workspace.path("project/tools").join(below);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(&file, place).unwrap();
    }
    true
}

/// Builds `target`, which locks and so makes the first sandbox; false, said aloud, where there can be none.
pub fn executes(workspace: &Workspace, target: &str) -> bool {
    workspace.must(&["lock"]);
    let output = workspace.run(&["build", target]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("hbuild::sandbox::") {
        skip(&format!("no sandbox here: {said}"));
        return false;
    }
    assert!(output.status.success(), "{said}");
    true
}

/// The files that `program` loads.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let output = Command::new("ldd").arg(program).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let files = text.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
    files.map(PathBuf::from).collect()
}
