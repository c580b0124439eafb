use super::*;

fn environment(variables: &[(&str, &str)], configuration: &str) -> (tempfile::TempDir, Environment) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("hbuild");
    std::fs::create_dir(&config).unwrap();
    std::fs::write(config.join("config.toml"), configuration).unwrap();
    let apt = folder.path().join("apt");
    std::fs::create_dir_all(apt.join("sources.list.d")).unwrap();
    std::fs::write(apt.join("sources.list"), "deb http://list/debian x main\n").unwrap();
    std::fs::write(
        apt.join("sources.list.d/debian.sources"),
        "Types: deb\nURIs: http://sources/debian-security\nSuites: x\nComponents: main\n",
    )
    .unwrap();
    let apk = folder.path().join("apk");
    std::fs::create_dir_all(apk.join("repositories.d")).unwrap();
    std::fs::write(apk.join("repositories"), "http://apk/alpine/v3.20/main\n").unwrap();
    std::fs::write(apk.join("repositories.d/more.list"), "http://more/alpine/v3.20/main\n").unwrap();
    std::fs::write(apk.join("repositories.d/more.off"), "http://off/alpine/v3.20/main\n").unwrap();
    std::fs::write(apt.join("sources.list.d/off.list.disabled"), "deb http://off/debian x main\n").unwrap();
    let mut variables: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    variables.insert("XDG_CONFIG_HOME".to_owned(), folder.path().to_str().unwrap().to_owned());
    (folder, Environment { variables, apt: Some(apt), apk: Some(apk) })
}

fn bases(settings: &Settings, repository: &str) -> Vec<String> {
    settings.mirrors.bases(repository, None, None).unwrap().iter().map(Url::to_string).collect()
}

#[test]
fn all_places_together() {
    let (_folder, environment) = environment(
        &[
            ("HBUILD_DEBIAN_MIRROR", "http://env-one/debian, http://env-two/debian\n"),
            ("HBUILD_ALPINE_MIRROR", "http://env/alpine"),
        ],
        "[mirrors]\ndebian = [\"http://conf/debian\"]\nowned = [\"file:/srv/owned\"]\n\
         [credentials.\"conf\"]\nusername = \"u\"\npassword = \"hidden\"\n",
    );
    let flags = NetworkFlags {
        mirrors: BTreeMap::from([("debian".to_owned(), vec!["http://flag/debian".to_owned()])]),
        ca_file: None,
    };
    let settings = Settings::load(&environment, &flags).unwrap();
    assert_eq!(
        bases(&settings, "debian"),
        [
            "http://flag/debian",
            "http://env-one/debian",
            "http://env-two/debian",
            "http://conf/debian",
            "http://list/debian",
            "http://ftp.debian.org/debian"
        ]
    );
    assert_eq!(
        bases(&settings, "debian-security"),
        ["http://sources/debian-security", "http://security.debian.org/debian-security"]
    );
    assert_eq!(
        bases(&settings, "alpine"),
        [
            "http://env/alpine",
            "http://apk/alpine",
            "http://more/alpine",
            "https://dl-cdn.alpinelinux.org/alpine"
        ]
    );
    assert_eq!(bases(&settings, "owned"), ["file:/srv/owned"]);
    assert!(!format!("{settings:?}").contains("hidden"));
}

#[test]
fn without_fallback() {
    let variables = [("HBUILD_DEBIAN_MIRROR", "file:/srv/debian"), ("HBUILD_MIRROR_FALLBACK", "off")];
    let (_folder, environment) = environment(&variables, "");
    let settings = Settings::load(&environment, &NetworkFlags::default()).unwrap();
    assert_eq!(bases(&settings, "debian"), ["file:/srv/debian"]);
}

#[test]
fn errors_name_the_place_and_not_the_value() {
    let cases = [
        (vec![("HBUILD_DEBIAN_MIRROR", "http://ok ftp://u:hidden@x")], "", "HBUILD_DEBIAN_MIRROR"),
        (vec![("http_proxy", "nonsense://u:hidden@x y")], "", "http_proxy"),
        (vec![], "\n\nhidden-key = 1\n[mirrors]", "line 3"),
        (vec![], "[mirrors]\ndebian = [\"u:hidden\"]", "mirrors.debian"),
        (vec![], "ca-file = \"/nonexistent\"", "/nonexistent"),
    ];
    for (variables, configuration, expected) in cases {
        let (_folder, environment) = environment(&variables, configuration);
        let message = Settings::load(&environment, &NetworkFlags::default()).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains("u:hidden"), "{message}");
    }
}
