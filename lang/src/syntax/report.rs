//! Every diagnostic of the syntax stage, with its code and its help line.

use std::ops::Range;

use super::literal::{EscapeError, LayoutError, NumberError};
use crate::diagnostic::{Diagnostic, nearest};

/// How many diagnostics one file gets at most.
pub(super) const MOST: usize = 100;

/// The words that begin an item.
pub(super) const ITEM_WORDS: [&str; 8] =
    ["import", "let", "for", "fn", "source", "build", "image", "repository"];

/// The words that begin a nested block.
pub(super) const NESTED_WORDS: [&str; 3] = ["step", "test", "waive"];

/// The words that begin a statement that is no field.
pub(super) const STATEMENT_WORDS: [&str; 6] = ["step", "test", "waive", "when", "use", "for"];

type Place = Range<usize>;

fn error(
    code: &'static str,
    place: Place,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Diagnostic {
    Diagnostic::error(code, place, message).with_help(help)
}

// The text.

pub(super) fn too_long(length: usize, limit: usize) -> Diagnostic {
    let message = format!("the file has {length} bytes, and {limit} are the most");
    error("hbuild::syntax::too_long", 0..0, message, "split the recipe into files that import each other")
}

pub(super) fn invalid_utf8(place: Place) -> Diagnostic {
    error("hbuild::syntax::invalid_utf8", place, "the file is not UTF-8", "save the file as UTF-8 text")
}

pub(super) fn nul(place: Place) -> Diagnostic {
    let help = "a recipe is UTF-8 text; was the file saved as UTF-16, or is it no text at all?";
    error("hbuild::syntax::nul", place, "the text has a NUL byte", help)
}

pub(super) fn byte_order_mark(place: Place) -> Diagnostic {
    let help = "save the file as UTF-8 without a byte order mark";
    error("hbuild::syntax::byte_order_mark", place, "the file begins with a byte order mark", help)
}

pub(super) fn carriage_return(place: Place) -> Diagnostic {
    let help = "save the file with LF line ends (`sed -i 's/\\r$//' FILE`), so that its strings are the same everywhere";
    error("hbuild::syntax::carriage_return", place, "the text has carriage returns", help)
}

pub(super) fn bidirectional_control(place: Place, character: char) -> Diagnostic {
    let message = format!("U+{:04X} changes the order in which the line is shown", u32::from(character));
    let help = format!("remove it; where a string needs it, write `\\u{{{:x}}}`", u32::from(character));
    error("hbuild::syntax::bidirectional_control", place, message, help)
}

pub(super) fn control_character(place: Place, character: char) -> Diagnostic {
    let message = format!("the text has the control character U+{:04X}", u32::from(character));
    let help = format!("remove it; where a string needs it, write `\\u{{{:x}}}`", u32::from(character));
    error("hbuild::syntax::control_character", place, message, help)
}

pub(super) fn hidden_character(place: Place, character: char) -> Diagnostic {
    let message = format!("the text has U+{:04X}, which is not shown", u32::from(character));
    let help = format!("remove it; where a string needs it, write `\\u{{{:x}}}`", u32::from(character));
    error("hbuild::syntax::hidden_character", place, message, help)
}

// Tokens.

pub(super) fn unknown_character(place: Place, text: &str) -> Diagnostic {
    let message = match text.chars().next() {
        Some(first) if first.is_whitespace() => format!("U+{:04X} is no white space here", u32::from(first)),
        _ => format!("`{}` means nothing here", text.chars().take(16).collect::<String>()),
    };
    let help = match text.as_bytes() {
        [b'\'', ..] => "strings stand between double quotes: `\"…\"`",
        [b'`', ..] => "strings stand between double quotes: `\"…\"`",
        [b'-', ..] => "there is no arithmetic; a name may have `-` between letters or digits only",
        [b'&', ..] => "write `and`",
        [b'|', ..] => "write `or`; an arm of a `match` has one pattern",
        [b'!', ..] => "write `not`, or `!=`",
        [b'$', ..] => "a name stands alone, and in a string as `{{name}}`",
        [b'\\', ..] => "no mark is needed: a line that begins with an operator continues the one before",
        _ => "remove it, or put it into a string",
    };
    error("hbuild::syntax::unknown_character", place, message, help)
}

pub(super) fn bad_number(place: Place, text: &str, why: NumberError) -> Diagnostic {
    match why {
        NumberError::LeadingZero => {
            let digits = text.trim_start_matches('0');
            let help = if !digits.is_empty() && digits.bytes().all(|digit| digit < b'8') {
                format!("write `0o{digits}` for a mode, `{digits}` for a number, a string for anything else")
            } else {
                format!("write `{}`, or a string", if digits.is_empty() { "0" } else { digits })
            };
            error("hbuild::syntax::leading_zero", place, "a number does not begin with a zero", help)
        }
        NumberError::Float => {
            let help = format!("write a string: `\"{text}\"`, or `version(\"{text}\")`");
            error("hbuild::syntax::float", place, "there are no numbers with a point", help)
        }
        NumberError::TooLarge => {
            let help = "the largest number is 18446744073709551615; write a string";
            error("hbuild::syntax::number_too_large", place, "the number is too large", help)
        }
        NumberError::Malformed => {
            let message = format!("`{text}` is neither a number nor a name");
            let help = "write digits alone, `0o755` for a mode, or a string (`\"10m\"`); a name begins with a letter";
            error("hbuild::syntax::bad_number", place, message, help)
        }
    }
}

pub(super) fn unclosed_string(place: Place, block: bool) -> Diagnostic {
    let help = if block {
        "end it with the same quotes"
    } else {
        "end it with `\"` on its line; a text of several lines stands between `\"\"\"`"
    };
    error("hbuild::syntax::unclosed_string", place, "the string does not end", help)
        .with_label("it begins here")
}

pub(super) fn unclosed_interpolation(place: Place) -> Diagnostic {
    let help =
        "end it with `}}` on its line; for the two braces themselves write `{{\"{{\"}}`, or a raw string";
    error("hbuild::syntax::unclosed_interpolation", place, "the interpolation does not end", help)
        .with_label("it begins here")
}

pub(super) fn bad_escape(place: Place, why: EscapeError) -> Diagnostic {
    let (message, help) = match why {
        EscapeError::Unknown => (
            "there is no such escape",
            "the escapes are `\\n`, `\\t`, `\\\"`, `\\\\` and `\\u{…}`; for a backslash write `\\\\`, or `r\"…\"`",
        ),
        EscapeError::NoBraces => ("`\\u` needs one to six hexadecimal digits in braces", "write `\\u{e9}`"),
        EscapeError::NoCharacter => ("there is no such character", "write the number of a Unicode character"),
    };
    error("hbuild::syntax::bad_escape", place, message, help)
}

pub(super) fn bad_layout(place: Place, why: LayoutError) -> Diagnostic {
    match why {
        LayoutError::FirstLine => {
            let help = "begin the text on the next line; the line end behind the quotes is not part of it";
            let message = "a string of several lines has text behind its opening quotes";
            error("hbuild::syntax::text_after_quotes", place, message, help)
        }
        LayoutError::MixedIndentation { .. } => {
            let help = "indent all lines of the string with spaces, or all with tabs";
            error("hbuild::syntax::mixed_indentation", place, "the indentation mixes tabs and spaces", help)
        }
    }
}

/// Whether what follows on the line of a diagnostic with this code cannot be told from other text.
pub(super) fn disturbs(code: &str) -> bool {
    let codes = ["unclosed_string", "unclosed_interpolation", "unknown_character"];
    code.strip_prefix("hbuild::syntax::").is_some_and(|name| codes.contains(&name))
}

// The edition.

pub(super) fn missing_edition(place: Place) -> Diagnostic {
    let help = "write `hbuild 1` as the first line";
    error("hbuild::syntax::missing_edition", place, "the file does not begin with its edition", help)
}

pub(super) fn edition_not_first(place: Place) -> Diagnostic {
    let help = "move `hbuild 1` up to the first line, comments below it";
    error("hbuild::syntax::edition_not_first", place, "the edition is not the first line", help)
}

pub(super) fn unknown_edition(place: Place, number: &str) -> Diagnostic {
    let help = "write `hbuild 1`, or use an hbuild that knows this edition";
    error("hbuild::syntax::unknown_edition", place, format!("there is no edition {number}"), help)
}

pub(super) fn repeated_edition(place: Place) -> Diagnostic {
    error("hbuild::syntax::repeated_edition", place, "the edition is said twice", "remove this line")
}

// Names.

pub(super) fn bad_name(place: Place, word: &str) -> Diagnostic {
    let help = match name_like(word) {
        Some(name) => format!("names are lower-case words joined by single `-`: `{name}`"),
        None => "names are lower-case words joined by single `-`: `redis-server`".to_owned(),
    };
    error("hbuild::syntax::bad_name", place, format!("`{word}` is no name"), help)
}

/// A name made of the ASCII letters and digits of `word`.
pub(super) fn name_like(word: &str) -> Option<String> {
    let parts = word.split(|character: char| !character.is_ascii_alphanumeric());
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).map(str::to_ascii_lowercase).collect();
    let name = parts.join("-");
    (word.is_ascii() && super::literal::is_name(&name)).then_some(name)
}

pub(super) fn reserved_word(place: Place, word: &str) -> Diagnostic {
    let help = format!("take another name; as the key of a record write `\"{word}\"`");
    error("hbuild::syntax::reserved_word", place, format!("`{word}` is a reserved word"), help)
}

pub(super) fn missing_name(place: Place, of: &str) -> Diagnostic {
    error(
        "hbuild::syntax::missing_name",
        place,
        format!("the name of {of} is missing"),
        "write a name: `redis-server`",
    )
}

pub(super) fn bad_import(place: Place) -> Diagnostic {
    let help = "write `import std/base`, or `import \"common.hb\"` (the file's name is then a name here)";
    error("hbuild::syntax::bad_import", place, "this cannot be imported", help)
}

// Structure.

pub(super) fn unknown_item(place: Place, word: &str) -> Diagnostic {
    let help = match nearest(word, ITEM_WORDS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("items are {}", list(&ITEM_WORDS)),
    };
    error("hbuild::syntax::unknown_item", place, format!("`{word}` begins no item"), help)
}

pub(super) fn field_at_file_level(place: Place, word: &str) -> Diagnostic {
    let help = format!("write `let {word} = …` for a value, or move the field into an item");
    error("hbuild::syntax::misplaced_field", place, "a field stands outside of an item", help)
}

pub(super) fn misplaced_item(place: Place, word: &str) -> Diagnostic {
    let help = format!("move the `{word}` out of the block, to the level of the file");
    error("hbuild::syntax::misplaced_item", place, format!("a `{word}` stands inside a block"), help)
}

pub(super) fn unknown_statement(place: Place, word: &str) -> Diagnostic {
    let help = match nearest(word, STATEMENT_WORDS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("a field is `{word} = …`; blocks inside an item are {}", list(&NESTED_WORDS)),
    };
    error("hbuild::syntax::unknown_statement", place, format!("`{word}` begins no statement"), help)
}

pub(super) fn expected(place: Place, what: &str, found: &str, help: impl Into<String>) -> Diagnostic {
    error("hbuild::syntax::unexpected", place, format!("expected {what}, found {found}"), help)
}

pub(super) fn missing_equals(place: Place, key: Option<&str>) -> Diagnostic {
    let (message, help) = match key {
        Some(key) => (format!("the `=` after `{key}` is missing"), format!("write `{key} = …`")),
        None => ("the `=` is missing".to_owned(), "write `=` and a value".to_owned()),
    };
    error("hbuild::syntax::missing_equals", place, message, help)
}

pub(super) fn missing_value(place: Place, found: &str) -> Diagnostic {
    let help = "write a value here: a string, a number, a list, a record, a name, a call or a `match`";
    error("hbuild::syntax::missing_value", place, format!("expected a value, found {found}"), help)
}

pub(super) fn value_on_next_line(place: Place) -> Diagnostic {
    let help = "begin the value on the line of the sign before it";
    error("hbuild::syntax::value_on_next_line", place, "the value begins on the next line", help)
}

pub(super) fn trailing_operator(place: Place, operator: &str) -> Diagnostic {
    let help = format!("begin the next line with the `{operator}`: that continues this one");
    error("hbuild::syntax::trailing_operator", place, format!("the line ends with `{operator}`"), help)
}

pub(super) fn brace_on_next_line(place: Place) -> Diagnostic {
    let help = "put it at the end of the line before";
    error("hbuild::syntax::brace_on_next_line", place, "the `{` stands on a line of its own", help)
}

pub(super) fn missing_separator(place: Place, found: &str) -> Diagnostic {
    let message = format!("expected the end of the line or a comma, found {found}");
    error(
        "hbuild::syntax::missing_separator",
        place,
        message,
        "begin a new line here, or write a comma before it",
    )
}

pub(super) fn missing_line_end(place: Place, found: &str) -> Diagnostic {
    let message = format!("expected the end of the line, found {found}");
    error("hbuild::syntax::missing_line_end", place, message, "begin each item on a line of its own")
}

pub(super) fn missing_comma(place: Place) -> Diagnostic {
    let help = "write a comma between elements; inside `[]` and `()` a new line is not enough";
    error("hbuild::syntax::missing_comma", place, "the comma before this is missing", help)
}

pub(super) fn extra_separator(place: Place, separator: &str) -> Diagnostic {
    error(
        "hbuild::syntax::extra_separator",
        place,
        format!("nothing stands before this `{separator}`"),
        "remove it",
    )
}

pub(super) fn semicolon(place: Place) -> Diagnostic {
    let help = "`;` separates only fields of a block on one line; begin a new line, or write a comma";
    error("hbuild::syntax::semicolon", place, "`;` separates nothing here", help)
}

pub(super) fn unclosed_bracket(place: Place, bracket: &str, closing: &str) -> Diagnostic {
    let help = format!("write `{closing}` where it should end");
    error("hbuild::syntax::unclosed_bracket", place, format!("this `{bracket}` is not closed"), help)
}

pub(super) fn unmatched_bracket(place: Place, bracket: &str) -> Diagnostic {
    let help = "remove it, or write the bracket that it closes";
    error("hbuild::syntax::unmatched_bracket", place, format!("this `{bracket}` closes nothing"), help)
}

pub(super) fn too_deep(place: Place, limit: u32) -> Diagnostic {
    let message = format!("this is nested more than {limit} levels deep");
    error("hbuild::syntax::too_deep", place, message, "give a part of it a name with `let`")
}

pub(super) fn chained_comparison(place: Place) -> Diagnostic {
    let help = "compare two values at a time: `a == b and b == c`, or write parentheses";
    error("hbuild::syntax::chained_comparison", place, "comparisons do not chain", help)
}

pub(super) fn not_needs_parentheses(place: Place) -> Diagnostic {
    let help = "write parentheses around it: `(not …)`";
    error("hbuild::syntax::unexpected", place, "`not` cannot stand behind this operator", help)
}

pub(super) fn nested_comprehension(place: Place) -> Diagnostic {
    let help = "give the inner list a name with `let`, or make it by a function";
    error("hbuild::syntax::nested_comprehension", place, "comprehensions nest one level deep", help)
}

pub(super) fn interpolation_too_complex(place: Place, what: &str) -> Diagnostic {
    let help =
        "give the value a name with `let`; for the two braces themselves write `{{\"{{\"}}`, or a raw string";
    error("hbuild::syntax::interpolation_too_complex", place, format!("{what} inside an interpolation"), help)
}

pub(super) fn not_constant(place: Place, what: &str) -> Diagnostic {
    error(
        "hbuild::syntax::not_constant",
        place,
        format!("an interpolation in {what}"),
        "write a string without `{{…}}`",
    )
}

pub(super) fn axis_without_values(place: Place, name: &str) -> Diagnostic {
    let help = format!("write `{name} in …`, with a list or a map of its values");
    error("hbuild::syntax::axis_without_values", place, format!("the axis `{name}` has no values"), help)
}

pub(super) fn stray_doc(place: Place) -> Diagnostic {
    Diagnostic::warning("hbuild::syntax::stray_doc", place, "this doc comment belongs to nothing")
        .with_help("put it before an item or a field, or write `#` for an ordinary comment")
}

fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}
