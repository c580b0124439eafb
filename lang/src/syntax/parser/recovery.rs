//! Recovery: where the parser goes on after a mistake, and what it skips.

use super::Parser;
use super::SyntaxKind::{self, *};
use crate::syntax::{DEPTH_LIMIT, report};

impl Parser<'_> {
    /// Skips to the end of the statement: a line end, a separator or a `}` outside of any bracket opened on
    /// the way, or the next item. What is skipped goes into one `Error` node.
    pub(super) fn skip_statement(&mut self) {
        self.skip_until(|parser| {
            parser.line_ended() || matches!(parser.kind(), Comma | Semicolon | RightBrace)
        });
    }

    /// Skips what is left of the line, but no `{`: a block may follow.
    pub(super) fn skip_line_part(&mut self) {
        self.skip_until(|parser| {
            parser.line_ended() || matches!(parser.kind(), Comma | Semicolon | RightBrace)
        });
    }

    /// Skips to the next comma or closing bracket of the list or the arguments, or to what cannot belong to
    /// them.
    pub(super) fn skip_element(&mut self) {
        self.skip_until(|parser| matches!(parser.kind(), Comma | RightBrace | RightBracket | RightParen));
    }

    /// Skips to the end of the interpolation, of the string that it is in, or of the line.
    pub(super) fn skip_interpolation(&mut self) {
        if self.at_interpolation_end() {
            return;
        }
        self.start(Error);
        while !self.at_interpolation_end() {
            self.bump();
        }
        self.finish();
    }

    pub(super) fn at_interpolation_end(&self) -> bool {
        self.newline || matches!(self.kind(), End | InterpolationClose | StringText | StringClose)
    }

    fn skip_until(&mut self, stop: impl Fn(&Self) -> bool) {
        if self.interpolating {
            return self.skip_interpolation();
        }
        let mut open = 0u32;
        let mut started = false;
        while !(self.at(End) || open == 0 && stop(self) || self.at_item_on_line_start()) {
            if !started {
                self.start(Error);
                started = true;
            }
            match self.kind() {
                LeftBrace | LeftBracket | LeftParen => open += 1,
                RightBrace | RightBracket | RightParen => open = open.saturating_sub(1),
                _ => {}
            }
            self.bump();
        }
        if started {
            self.finish();
        }
    }

    /// Whether white space stands before this on its line.
    pub(super) fn is_indented(&self) -> bool {
        let before = self.range().start.checked_sub(1).map(|before| self.text.as_bytes()[before]);
        matches!(before, Some(b' ' | b'\t'))
    }

    /// Whether an item begins here, at the very beginning of a line: then whatever is open was not closed.
    pub(super) fn at_item_on_line_start(&self) -> bool {
        if !self.newline || self.interpolating {
            return false;
        }
        let start = self.range().start;
        (start == 0 || self.text.as_bytes()[start - 1] == b'\n') && self.at_item()
    }

    /// Whether an item other than a `for` begins here.
    pub(super) fn at_item(&self) -> bool {
        match self.kind() {
            LetWord | FnWord | ImportWord => !matches!(self.next_on_line(), Equal | PlusEqual | Dot),
            Name if report::ITEM_WORDS.contains(&self.word()) => {
                let (name, newline) = self.after(self.position);
                let (brace, _) = self.after(name);
                !newline && self.tokens[name].kind == Name && self.tokens[brace].kind == LeftBrace
            }
            _ => false,
        }
    }

    /// Whether the bracket at `token` is never closed.
    pub(super) fn is_unclosed(&mut self, token: usize) -> bool {
        let unclosed = match self.unclosed.take() {
            Some(unclosed) => unclosed,
            None => self.unclosed_brackets(),
        };
        let found = unclosed.binary_search(&token).is_ok();
        self.unclosed = Some(unclosed);
        found
    }

    /// The opening brackets without a closing one, sorted: one pass over all tokens. A closing bracket closes
    /// the innermost of its kind, and those opened behind that one stay unclosed.
    fn unclosed_brackets(&self) -> Vec<usize> {
        let mut open: Vec<(SyntaxKind, usize)> = Vec::new();
        let mut counts = [0usize; 4];
        let mut unclosed = Vec::new();
        for (at, token) in self.tokens.iter().enumerate() {
            let (pair, opens) = match token.kind {
                LeftBrace => (LeftBrace, true),
                LeftBracket => (LeftBracket, true),
                LeftParen => (LeftParen, true),
                InterpolationOpen => (InterpolationOpen, true),
                RightBrace => (LeftBrace, false),
                RightBracket => (LeftBracket, false),
                RightParen => (LeftParen, false),
                InterpolationClose => (InterpolationOpen, false),
                _ => continue,
            };
            let count = &mut counts[pair_index(pair)];
            if opens {
                *count += 1;
                open.push((pair, at));
            } else if *count > 0 {
                while let Some((kind, opened)) = open.pop() {
                    counts[pair_index(kind)] -= 1;
                    if kind == pair {
                        break;
                    }
                    unclosed.push(opened);
                }
            }
        }
        unclosed.extend(open.into_iter().map(|(_, opened)| opened));
        unclosed.sort_unstable();
        unclosed
    }

    /// Reports the bracket at `token` as never closed, unless a string swallowed its end.
    pub(super) fn report_unclosed(&mut self, token: usize) {
        if self.swallowed && self.at(End) {
            return;
        }
        let closing = match self.tokens[token].kind {
            LeftBrace => "}",
            LeftBracket => "]",
            _ => ")",
        };
        self.report(report::unclosed_bracket(self.range_of(token), self.text_of(token), closing));
    }

    /// Goes one level deeper; `false`, with a report, where the limit is reached.
    pub(super) fn descend(&mut self) -> bool {
        if self.depth >= DEPTH_LIMIT {
            self.report(report::too_deep(self.range(), DEPTH_LIMIT));
            return false;
        }
        self.depth += 1;
        true
    }
}

fn pair_index(kind: SyntaxKind) -> usize {
    match kind {
        LeftBrace => 0,
        LeftBracket => 1,
        LeftParen => 2,
        _ => 3,
    }
}
