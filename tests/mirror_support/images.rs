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
        dates: Default::default(),
        tags: Vec::new(),
        repositories: repositories.to_vec().into(),
        packages: located(packages).into(),
        exclude: Default::default(),
        resolve: Resolve::Full,
        contents: Vec::new(),
        paths: Default::default(),
        default_paths: BTreeMap::new().into(),
        users: Default::default(),
        groups: Default::default(),
        run_as: Located { value: "65532:65532".to_owned(), place: place(1) },
        env: Default::default(),
        entrypoint: Default::default(),
        cmd: Default::default(),
        work_dir: "/".to_owned(),
        ports: Default::default(),
        volumes: Default::default(),
        stop_signal: None,
        labels: Default::default(),
        annotations: Default::default(),
        os_release: Default::default(),
        effects: BTreeMap::new().into(),
        tests: Default::default(),
        waivers: Default::default(),
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
        tools: located(tools).into(),
        inputs: Default::default(),
        exclude: Default::default(),
        effects: BTreeMap::new().into(),
        default_paths: BTreeMap::new().into(),
        contents: Vec::new(),
        sources: BTreeMap::new(),
        env: Default::default(),
        dir: None,
        shell: Vec::new(),
        steps: Default::default(),
        check: None,
        outputs: Vec::new(),
        loopback: false,
        epoch: 315_532_800,
        place: place(2),
    }
}
