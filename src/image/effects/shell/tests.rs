use super::*;

fn calls(text: &str) -> Vec<String> {
    let script = read_script(text, "pkg", "configure").unwrap();
    let show = |call: &Call| {
        let words: Vec<&str> = call.words.iter().map(|word| word.as_deref().unwrap_or("?")).collect();
        format!("{}{}", if call.certain { "" } else { "maybe " }, words.join(" "))
    };
    let silent =
        |call: &&Call| matches!(call.program(), Some("[" | "test" | "set" | "local" | "true" | "dpkg"));
    script.calls.iter().filter(|call| !silent(call)).map(show).collect()
}

#[test]
fn conditions_of_a_fresh_installation_are_decided() {
    let script = r#"#!/bin/sh
set -e
if [ "$1" = "configure" ] || [ "$1" = "abort-upgrade" ]; then run one; fi
if [ "$1" = configure ] && [ -n "$2" ]; then run upgrade; else run two; fi
test -z "$2" && run three
[ -n "$2" ] && run upgrade
case "$1" in
  triggered) run trigger ;;
  (configure|abort-remove) run four;;
  *) run other; exit 1 ;;
esac
if dpkg --compare-versions "$2" lt-nl 1.0; then run upgrade; fi
if [ -d /run/systemd/system ]; then run systemd; fi
if which x >/dev/null; then run five; elif true; then run six; fi
exit 0
run never
"#;
    let expected =
        ["run one", "run two", "run three", "run four", "which x", "maybe run five", "maybe run six"];
    assert_eq!(calls(script), expected);
}

#[test]
fn words_are_expanded_as_far_as_they_are_known() {
    let script = r#"
PROGRAM=/usr/bin/x
f() { local y=$1; run "$y" "${2:-none}" '$1' "a\"b" $PROGRAM; }
f hello
for d in one two; do run "/$d"; done
for d in /etc/*; do run "$d"; done
X=$(date)
run "$X" `date` "$DPKG_ROOT/etc" ${UNSET}
run a \
    b # a comment
cat > /etc/file <<EOF
run inside
EOF
run after; { run group; } && ( run sub )
"#;
    let expected = [
        "run hello none $1 a\"b /usr/bin/x",
        "run /one",
        "run /two",
        "maybe run ?",
        "run ? ? /etc ?",
        "run a b",
        "cat",
        "run after",
        "run group",
        "maybe run sub",
    ];
    assert_eq!(calls(script), expected);
    let script = read_script(script, "pkg", "configure").unwrap();
    let cat = script.calls.iter().find(|call| call.program() == Some("cat")).unwrap();
    assert_eq!(cat.writes, Some(Some("/etc/file".to_owned())));
}

#[test]
fn what_is_not_read_is_an_error_and_never_a_panic() {
    for text in ["if true; then", "case x in", "\"open", "$(", "fi", "a | | b", "f() ", "((("] {
        assert_eq!(parse(text), Err(ShellError), "{text}");
    }
    assert!(parse(&"(".repeat(100_000)).is_err());
    assert!(parse(&"if ".repeat(100_000)).is_err());
    assert!(parse(&"! ".repeat(100_000)).is_err());
    assert!(parse(&"f() ".repeat(100_000)).is_err());
    assert!(parse(&"\"$(".repeat(100_000)).is_err());
}

#[test]
fn endless_scripts_end() {
    let script = read_script("f() { f; f; }\nf\n", "pkg", "configure").unwrap();
    assert!(!script.complete);
    let loops = "for a in 1 2 3 4 5 6 7 8 9; do ".repeat(9) + "run x;" + &" done;".repeat(9);
    assert!(!read_script(&loops, "pkg", "configure").unwrap().complete);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-z \\n;&|(){}<>$`'\"\\\\=#*!]{0,80}") {
        let _ = read_script(&text, "pkg", "configure");
    }
}
