//! The lines of a text that a report is about, long ones cut, so that a report's size does not depend on the text's.

use hbuild_lang::diagnostic::LineIndex;
use hbuild_lang::syntax::is_refused;
use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// How many bytes of a line are shown before and behind a label.
const AROUND: usize = 60;
/// Lines that are not longer are shown whole.
const LONG: usize = 200;
/// Lines before and behind a label.
const CONTEXT: u32 = 1;

/// Some lines of a text under the file's name. What is between them is blank. A label of several lines ends with its
/// first one.
#[derive(Debug)]
pub struct Excerpt {
    name: String,
    /// The lines from `first` on.
    text: String,
    first: usize,
    /// Where the labels are in the whole text: offset here, line and column from 1.
    places: Vec<(usize, usize, usize)>,
}

impl Excerpt {
    /// The lines of `text` around `labels`, and the labels as they lie in them.
    pub fn new(
        name: String,
        text: &str,
        lines: &LineIndex<'_>,
        labels: &[LabeledSpan],
    ) -> (Self, Vec<LabeledSpan>) {
        let end = |label: &LabeledSpan| (label.offset() + label.len()).min(text.len());
        let line = |offset: usize| lines.line_column(offset).line;
        let first = labels.iter().map(|label| line(label.offset())).min().unwrap_or(1);
        let last = labels.iter().map(|label| line(label.offset())).max().unwrap_or(1);
        let first = first.saturating_sub(CONTEXT).max(1);
        let mut excerpt = Self { name, text: String::new(), first: first as usize - 1, places: Vec::new() };
        let mut moved = labels.to_vec();
        for number in first..=last.saturating_add(CONTEXT) {
            let Some(start) = lines.start(number) else { break };
            let whole = lines.line(number).unwrap_or_default();
            if start == text.len() && number > last {
                break;
            }
            let here = labels
                .iter()
                .enumerate()
                .filter(|(_, label)| (start..=start + whole.len()).contains(&label.offset().min(text.len())));
            let here: Vec<usize> = here.map(|(index, _)| index).collect();
            let near = labels.iter().any(|label| line(label.offset()).abs_diff(number) <= CONTEXT);
            let (cut, shown) = match near {
                true => {
                    window(whole, here.iter().map(|index| labels[*index].offset().min(text.len()) - start))
                }
                false => (0, String::new()),
            };
            for index in here {
                let label = &labels[index];
                let within = label.offset().min(text.len()) - start;
                let at = excerpt.text.len() + shown.len().min((within + mark(cut)).saturating_sub(cut));
                let place = lines.line_column(label.offset());
                excerpt.places.push((at, place.line as usize - 1, place.column as usize - 1));
                let left = excerpt.text.len() + shown.len() - at;
                let length = if end(label) > start + whole.len() { left } else { label.len().min(left) };
                moved[index] = with_span(label, at, length);
            }
            excerpt.text.extend(shown.chars().map(visible));
            excerpt.text.push('\n');
        }
        (excerpt, moved)
    }
}

/// What is put where the beginning of a line is left out.
const LEFT_OUT: &str = "…";

fn mark(cut: usize) -> usize {
    if cut > 0 { LEFT_OUT.len() } else { 0 }
}

/// The part of a line around the first of the offsets, and how many bytes before it are left out.
fn window(line: &str, offsets: impl Iterator<Item = usize>) -> (usize, String) {
    if line.len() <= LONG {
        return (0, line.to_owned());
    }
    let about = offsets.min().unwrap_or(0);
    let start = if about <= LONG - AROUND { 0 } else { boundary(line, about - AROUND) };
    let end = boundary(line, start + LONG);
    let before = if start > 0 { LEFT_OUT } else { "" };
    let behind = if end < line.len() { LEFT_OUT } else { "" };
    (start, format!("{before}{}{behind}", &line[start..end]))
}

/// The character, or what stands for one that a terminal would obey or not show; as many bytes long, so that labels
/// stay where they are.
fn visible(character: char) -> char {
    match (is_refused(character), character.len_utf8()) {
        (false, _) => character,
        (true, 1) if character == '\r' => ' ',
        (true, 1) => '?',
        (true, 2) => '\u{bf}',
        (true, 3) => char::REPLACEMENT_CHARACTER,
        (true, _) => '\u{1fbc4}',
    }
}

/// The end of the last character before or at the offset.
fn boundary(line: &str, offset: usize) -> usize {
    (0..=offset.min(line.len())).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0)
}

fn with_span(label: &LabeledSpan, offset: usize, length: usize) -> LabeledSpan {
    let text = label.label().map(str::to_owned);
    match label.primary() {
        true => LabeledSpan::new_primary_with_span(text, (offset, length)),
        false => LabeledSpan::new_with_span(text, (offset, length)),
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let inner = self.text.read_span(span, before, after)?;
        // Without context it is asked for the place that is named above the lines.
        let place = self.places.iter().find(|(at, ..)| before == 0 && *at == span.offset());
        let (line, column) =
            place.map_or((self.first + inner.line(), inner.column()), |(_, line, column)| (*line, *column));
        let contents = MietteSpanContents::new_named(
            self.name.clone(),
            inner.data(),
            *inner.span(),
            line,
            column,
            inner.line_count(),
        );
        Ok(Box::new(contents))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_not_shown_to_it() {
        for character in ['\0', '\u{1b}', '\u{ad}', '\u{202e}', '\u{e0041}'] {
            let shown = visible(character);
            assert!(!is_refused(shown), "{shown:?}");
            assert_eq!(shown.len_utf8(), character.len_utf8(), "{character:?}");
        }
        assert_eq!(visible('é'), 'é');
    }
}
