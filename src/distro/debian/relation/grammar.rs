//! The grammar of relation fields, in nom.
//!
//! ```text
//! field       = [ group *( "," group ) [ "," ] ]
//! group       = relation *( "|" relation )
//! relation    = name [ ":" qualifier ] [ "(" operator version ")" ] [ "[" arches "]" ] *( "<" profiles ">" )
//! ```
//!
//! Architecture and profile restrictions belong to source packages; here they are read and ignored.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{char, multispace0};
use nom::combinator::{map, opt, value};
use nom::multi::many0_count;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use super::{Operator, Relation};

/// Why a relation field cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("`{field}` is not a list of package relations: unexpected text at `{rest}`")]
#[diagnostic(
    code(hbuild::debian::bad_relation),
    help("the index is damaged or not Debian's; relations look like `libc6 (>= 2.36), awk | gawk`")
)]
pub struct RelationError {
    /// The whole field.
    pub field: String,
    /// Where reading stopped, at most 40 characters.
    pub rest: String,
}

/// The relations of a field in order; groups of alternatives are chained by [`Relation::or_next`]. An empty field
/// is an empty list, a trailing comma is allowed.
pub fn parse(field: &str) -> Result<Vec<Relation<'_>>, RelationError> {
    let failure =
        |rest: &str| RelationError { field: field.to_owned(), rest: rest.chars().take(40).collect() };
    let mut relations = Vec::with_capacity(1 + memchr::memchr_iter(b',', field.as_bytes()).count());
    let mut rest = field.trim();
    while !rest.is_empty() {
        let (after, mut relation) = relation(rest).map_err(|_| failure(rest))?;
        let (after, separator) = separator(after).map_err(|_| failure(after))?;
        if separator == Some('|') {
            if after.is_empty() {
                return Err(failure(rest));
            }
            relation.or_next = true;
        } else if separator.is_none() && !after.is_empty() {
            return Err(failure(after));
        }
        relations.push(relation);
        rest = after;
    }
    Ok(relations)
}

fn relation(input: &str) -> IResult<&str, Relation<'_>> {
    let (input, name) = take_while1(is_name_char)(input)?;
    let (input, qualifier) = opt(preceded(char(':'), take_while1(is_name_char))).parse(input)?;
    let (input, constraint) = opt(preceded(multispace0, constraint)).parse(input)?;
    let (input, _) = opt(preceded(multispace0, bracketed('[', ']'))).parse(input)?;
    let (input, _) = many0_count(preceded(multispace0, bracketed('<', '>'))).parse(input)?;
    Ok((input, Relation { name, qualifier, constraint, or_next: false }))
}

fn constraint(input: &str) -> IResult<&str, (Operator, &str)> {
    let version = take_while1(|c: char| !c.is_ascii_whitespace() && c != ')' && c != '(');
    delimited((char('('), multispace0), (operator, preceded(multispace0, version)), (multispace0, char(')')))
        .parse(input)
}

fn operator(input: &str) -> IResult<&str, Operator> {
    alt((
        value(Operator::Earlier, tag("<<")),
        value(Operator::EarlierOrEqual, tag("<=")),
        value(Operator::LaterOrEqual, tag(">=")),
        value(Operator::Later, tag(">>")),
        value(Operator::Equal, tag("=")),
        value(Operator::EarlierOrEqual, tag("<")),
        value(Operator::LaterOrEqual, tag(">")),
    ))
    .parse(input)
}

fn bracketed<'a>(
    open: char,
    close: char,
) -> impl Parser<&'a str, Output = (), Error = nom::error::Error<&'a str>> {
    map(delimited(char(open), take_while(move |c| c != open && c != close), char(close)), |_| ())
}

fn separator(input: &str) -> IResult<&str, Option<char>> {
    delimited(multispace0, opt(alt((char(','), char('|')))), multispace0).parse(input)
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(field: &str) -> Vec<String> {
        parse(field).unwrap().iter().map(|r| format!("{r}{}", if r.or_next { " |" } else { "" })).collect()
    }

    #[test]
    fn reads_alternatives_constraints_and_qualifiers() {
        assert_eq!(
            texts(
                "libc6 (>= 2.36), python3:any (<<3.13~), awk|gawk (=1:5-1) | mawk,libx:arm64 ( >> 1 )\n , z"
            ),
            [
                "libc6 (>= 2.36)",
                "python3:any (<< 3.13~)",
                "awk |",
                "gawk (= 1:5-1) |",
                "mawk",
                "libx:arm64 (>> 1)",
                "z"
            ]
        );
        assert_eq!(texts(""), Vec::<String>::new());
        assert_eq!(texts("a,"), ["a"]);
    }

    #[test]
    fn obsolete_operators_include_equality() {
        assert_eq!(texts("a (< 1), b (> 2)"), ["a (<= 1)", "b (>= 2)"]);
    }

    #[test]
    fn restrictions_are_ignored() {
        assert_eq!(texts("a (>= 1) [amd64 !i386] <!nocheck> <x y>, b"), ["a (>= 1)", "b"]);
    }

    #[test]
    fn broken_fields_are_refused() {
        for field in ["a b", "a (1)", "a (>= )", "(>= 1)", "a |", "| a", "a (>= 1", "a:", "a, , b", "ä"] {
            assert!(parse(field).is_err(), "{field}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(field in "[a-z0-9 ,|():<>=\\[\\]äß~.-]{0,40}") {
            let _ = parse(&field);
        }
    }
}
