//! Images as a recipe would give them.

use std::collections::BTreeMap;

use hbuild_lang::recipe::{
    Arch, Build, Distro, Family, Flavor, Image, Located, Place, Repository, RepositoryKey, Resolve,
};

fn place(line: u32) -> Place {
    Place { file: "hello.hb".into(), line, column: 3 }
}

fn located(values: &[&str]) -> Vec<Located<String>> {
    let one =
        |(at, value): (usize, &&str)| Located { value: (*value).to_owned(), place: place(10 + at as u32) };
    values.iter().enumerate().map(one).collect()
}

/// The repository `name` with `suite`, found through the mirrors, signed by these certificates.
pub fn repository(name: &str, suite: &str, armors: &[&str]) -> Repository {
    let key = |(number, armor): (usize, &&str)| RepositoryKey {
        name: format!("key-{number}.asc"),
        text: (*armor).into(),
    };
    Repository {
        name: name.to_owned(),
        url: None,
        suite: suite.to_owned(),
        components: vec!["main".to_owned()],
        keys: armors.iter().enumerate().map(key).collect(),
        tag: None,
    }
}

/// The image `name` for `arch` with these packages out of these repositories.
pub fn image(name: &str, arch: Arch, packages: &[&str], repositories: &[Repository]) -> Image {
    let axes = [("arch", arch.as_str()), ("distro", "debian12"), ("flavor", "runtime")];
    Image {
        name: name.to_owned(),
        point: axes.iter().map(|(axis, label)| ((*axis).to_owned(), (*label).to_owned())).collect(),
        variant: "1.0-debian12".to_owned(),
        distro: Distro { family: Family::Debian, release: "12".to_owned() },
        flavor: Flavor::Runtime,
        arch,
        description: None,
        extends: None,
        version: Some("1.0".to_owned()),
        title: name.to_owned(),
        license: None,
        dates: BTreeMap::new(),
        tags: Vec::new(),
        repositories: repositories.to_vec().into(),
        packages: located(packages),
        exclude: Vec::new(),
        resolve: Resolve::Full,
        contents: Vec::new(),
        paths: BTreeMap::new(),
        default_paths: BTreeMap::new().into(),
        users: BTreeMap::new(),
        groups: BTreeMap::new(),
        run_as: Located { value: "65532:65532".to_owned(), place: place(1) },
        env: BTreeMap::new(),
        entrypoint: Vec::new(),
        cmd: Vec::new(),
        work_dir: "/".to_owned(),
        ports: Vec::new(),
        volumes: Vec::new(),
        stop_signal: None,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        os_release: BTreeMap::new(),
        effects: BTreeMap::new().into(),
        tests: Vec::new(),
        waivers: Vec::new(),
        epoch: 315_532_800,
        place: place(1),
    }
}

/// The build `name` for `arch` with these tools out of these repositories.
pub fn build(name: &str, arch: Arch, tools: &[&str], repositories: &[Repository]) -> Build {
    let axes = [("arch", arch.as_str()), ("distro", "debian12")];
    Build {
        name: name.to_owned(),
        point: axes.iter().map(|(axis, label)| ((*axis).to_owned(), (*label).to_owned())).collect(),
        distro: Distro { family: Family::Debian, release: "12".to_owned() },
        target: None,
        arch,
        any_arch: false,
        description: None,
        version: None,
        license: None,
        purl: None,
        cpe: None,
        repositories: repositories.to_vec().into(),
        tools: located(tools),
        inputs: Vec::new(),
        exclude: Default::default(),
        effects: BTreeMap::new().into(),
        default_paths: BTreeMap::new().into(),
        contents: Vec::new(),
        sources: BTreeMap::new(),
        env: BTreeMap::new(),
        dir: None,
        shell: Vec::new(),
        steps: Vec::new(),
        check: None,
        outputs: Vec::new(),
        loopback: false,
        epoch: 315_532_800,
        place: place(2),
    }
}
