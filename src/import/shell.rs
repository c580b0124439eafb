//! Signs in shell scripts: the folders of sources and of what is built become `$SRC` and `$OUT`, quoted as the place
//! needs it.

use super::symbolic::{SOURCE, TARGET};

/// What the script is in at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Plain,
    Double,
    Comment,
}

/// The script with variables in place of the signs, in whatever quotes these stand.
pub fn with_variables(script: &str) -> String {
    if !script.contains([SOURCE, TARGET]) {
        return script.to_owned();
    }
    let mut out = String::with_capacity(script.len() + 64);
    let mut state = State::Plain;
    let mut pending: Vec<String> = Vec::new();
    let mut lines = script.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let mut rest = line;
        while let Some(letter) = rest.chars().next() {
            let mut taken = letter.len_utf8();
            match (state, letter) {
                (State::Comment, '\n') => {
                    state = State::Plain;
                    out.push(letter);
                }
                (State::Plain | State::Double, '\\') => {
                    taken += rest[1..].chars().next().map_or(0, char::len_utf8);
                    put(&mut out, &rest[..taken]);
                }
                (State::Plain, '\'') => {
                    let whole = quoted(rest, &mut lines);
                    out.push_str(&single(&whole.0));
                    rest = whole.1;
                    continue;
                }
                (State::Plain, '"') => {
                    state = State::Double;
                    out.push('"');
                }
                (State::Double, '"') => {
                    state = State::Plain;
                    out.push('"');
                }
                (State::Plain, '#') if out.is_empty() || out.ends_with([' ', '\t', '\n', ';']) => {
                    state = State::Comment;
                    out.push('#');
                }
                (State::Plain, '<') if rest.starts_with("<<") && !rest.starts_with("<<<") => {
                    pending.extend(quoted_delimiter(rest));
                    out.push_str("<<");
                    taken = 2;
                }
                (State::Plain, SOURCE | TARGET) => {
                    let (word, length) = unquoted(letter, &out, &rest[taken..]);
                    out.push_str(&word);
                    taken += length;
                }
                _ => put(&mut out, &rest[..taken]),
            }
            rest = &rest[taken..];
        }
        if state == State::Comment {
            state = State::Plain;
        }
        for delimiter in pending.drain(..) {
            here_document(&mut out, &delimiter, &mut lines);
        }
    }
    out
}

fn variable(sign: char) -> &'static str {
    if sign == SOURCE { "$SRC" } else { "$OUT" }
}

fn folder(sign: char) -> &'static str {
    if sign == SOURCE { "/build/src" } else { "/out" }
}

fn put(out: &mut String, text: &str) {
    for (at, letter) in text.char_indices() {
        if matches!(letter, SOURCE | TARGET) {
            out.push_str(&braced(letter, &text[at + letter.len_utf8()..]));
        } else {
            out.push(letter);
        }
    }
}

/// The variable, in braces where letters follow.
fn braced(sign: char, after: &str) -> String {
    let joins = after.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_');
    if joins { format!("${{{}}}", &variable(sign)[1..]) } else { variable(sign).to_owned() }
}

/// A sign outside of quotes, with what of the text behind it goes into its quotes; none are needed where words are
/// not split.
fn unquoted(sign: char, before: &str, after: &str) -> (String, usize) {
    let assigned = before.ends_with('=')
        && before.rsplit([' ', '\n', '\t', ';']).next().is_some_and(|word| {
            word.trim_end_matches('=').bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
    if assigned {
        return (braced(sign, after), 0);
    }
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._/+-".contains(letter);
    let length =
        if after.starts_with('/') { after.find(|next| !plain(next)).unwrap_or(after.len()) } else { 0 };
    (format!("\"{}{}\"", variable(sign), &after[..length]), length)
}

/// The text between single quotes, which may have several lines, and what of its last line is left.
fn quoted<'s>(
    rest: &'s str,
    lines: &mut std::iter::Peekable<std::str::SplitInclusive<'s, char>>,
) -> (String, &'s str) {
    let mut text = String::new();
    let mut rest = &rest[1..];
    loop {
        if let Some(end) = rest.find('\'') {
            text.push_str(&rest[..end]);
            return (text, &rest[end + 1..]);
        }
        text.push_str(rest);
        match lines.next() {
            Some(line) => rest = line,
            None => return (text, ""),
        }
    }
}

/// A text of single quotes with its signs: between double quotes where nothing in it means more there.
fn single(text: &str) -> String {
    if !text.contains([SOURCE, TARGET]) {
        return format!("'{text}'");
    }
    if !text.contains(['$', '`', '"', '\\', '!']) {
        let mut out = String::from("\"");
        put(&mut out, text);
        out.push('"');
        return out;
    }
    let mut out = String::from("'");
    for letter in text.chars() {
        match letter {
            SOURCE | TARGET => out.push_str(&format!("'\"{}\"'", variable(letter))),
            letter => out.push(letter),
        }
    }
    out.push('\'');
    out
}

/// The delimiter of a here document in which nothing is expanded.
fn quoted_delimiter(rest: &str) -> Option<String> {
    let rest = rest.trim_start_matches("<<").trim_start_matches('-').trim_start();
    let quote = rest.chars().next().filter(|first| matches!(first, '\'' | '"'))?;
    rest[1..].split(quote).next().map(str::to_owned)
}

/// Passes a here document on, with the folders themselves where variables would not be seen.
fn here_document<'s>(out: &mut String, delimiter: &str, lines: &mut impl Iterator<Item = &'s str>) {
    for line in lines.by_ref() {
        for letter in line.chars() {
            match letter {
                SOURCE | TARGET => out.push_str(folder(letter)),
                letter => out.push(letter),
            }
        }
        if line.trim() == delimiter {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(script: &str) -> String {
        with_variables(&script.replace("S/", "\u{e000}/").replace("T/", "\u{e001}/"))
    }

    #[test]
    fn folders_are_quoted_as_their_place_needs() {
        assert_eq!(written("cp S/a 'S/b' \"S/c\" T/d\n"), "cp \"$SRC/a\" \"$SRC/b\" \"$SRC/c\" \"$OUT/d\"\n");
        assert_eq!(written("sed 's!x!\"$y\"!' 'S/a$'"), "sed 's!x!\"$y\"!' ''\"$SRC\"'/a$'");
        assert_eq!(
            written("DESTDIR=T/x make # it's S/y\necho 'a'"),
            "DESTDIR=$OUT/x make # it's $SRC/y\necho 'a'"
        );
        assert_eq!(
            written("cat > S/x << 'E'\nS/y\nE\nls S/z"),
            "cat > \"$SRC/x\" << 'E'\n/build/src/y\nE\nls \"$SRC/z\""
        );
        assert_eq!(written("echo 'a\nS/b\nc' S/d"), "echo \"a\n$SRC/b\nc\" \"$SRC/d\"");
    }
}
