//! The kinds of tokens and nodes of the lossless tree.

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident),* $(,)?) => {
        /// What a token or a node is. Tokens come first, then nodes; see `docs/src/grammar.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum SyntaxKind { $($(#[$doc])* $kind),* }

        impl SyntaxKind {
            /// All kinds in the order of their numbers.
            pub const ALL: &[SyntaxKind] = &[$(SyntaxKind::$kind),*];
        }
    };
}

kinds! {
    /// Spaces and tabs.
    Whitespace,
    /// A line feed with the blank lines and the indentation after it.
    Newline,
    /// `# …` up to the line feed.
    Comment,
    /// `## …` up to the line feed, on a line of its own.
    DocComment,
    /// A name: `redis-server`.
    Name,
    /// A word that is no name but can be a key: `BUILD_TLS`.
    Word,
    /// A word that is neither.
    BadWord,
    /// `_`
    Underscore,
    /// A number, right or wrong.
    Int,
    /// `"`, `"""`, `r"`, `r#"""`.
    StringOpen,
    /// Literal text of a string, as written.
    StringText,
    /// The closing quotes with their `#`.
    StringClose,
    /// `{{`
    InterpolationOpen,
    /// `}}`
    InterpolationClose,
    /// Characters that belong to no token.
    Unknown,
    /// `let`
    LetWord,
    /// `fn`
    FnWord,
    /// `import`
    ImportWord,
    /// `for`
    ForWord,
    /// `in`
    InWord,
    /// `when`
    WhenWord,
    /// `match`
    MatchWord,
    /// `is`
    IsWord,
    /// `use`
    UseWord,
    /// `and`
    AndWord,
    /// `or`
    OrWord,
    /// `not`
    NotWord,
    /// `true`
    TrueWord,
    /// `false`
    FalseWord,
    /// `none`
    NoneWord,
    /// `{`
    LeftBrace,
    /// `}`
    RightBrace,
    /// `[`
    LeftBracket,
    /// `]`
    RightBracket,
    /// `(`
    LeftParen,
    /// `)`
    RightParen,
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// `:`, which the language does not use.
    Colon,
    /// `.`
    Dot,
    /// `/`
    Slash,
    /// `=`
    Equal,
    /// `+=`
    PlusEqual,
    /// `=>`
    Arrow,
    /// `==`
    EqualEqual,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `+`
    Plus,
    /// The end of the text; in no tree.
    End,

    /// The whole file.
    File,
    /// `hbuild 1`
    Edition,
    /// `import …`
    Import,
    /// The path of an import: `std/c`.
    ModulePath,
    /// `let …`
    Let,
    /// `for …` at file level.
    ForAxes,
    /// One axis of a `for`.
    ForBinding,
    /// `fn …`
    Function,
    /// The parameters of a function with their parentheses.
    Parameters,
    /// One parameter.
    Parameter,
    /// `source`, `build`, `image` or `repository`.
    Declaration,
    /// A block with its braces.
    Block,
    /// `for …` in a block.
    ItemFor,
    /// `key = value`
    Field,
    /// The dotted key of a field.
    FieldPath,
    /// `use …`
    Use,
    /// `when …`
    When,
    /// `step "…" { … }`, `test "…" { … }`, `waive rule { … }`.
    Nested,
    /// An expression that is a name.
    NameExpr,
    /// A string literal.
    StringExpr,
    /// `{{ … }}`
    Interpolation,
    /// A number, `true`, `false` or `none`.
    Constant,
    /// `( … )`
    Paren,
    /// `[ … ]`
    List,
    /// `{ key = value }`
    Record,
    /// One entry of a record.
    Entry,
    /// `[ … for … ]`
    ListComprehension,
    /// `{ key = … for … }`
    RecordComprehension,
    /// `for name in … when …` of a comprehension.
    Generator,
    /// `callee(…)`
    Call,
    /// The arguments of a call with their parentheses.
    Arguments,
    /// One argument.
    Argument,
    /// `base.name`
    Member,
    /// `match … { … }`
    Match,
    /// The arms of a match with their braces.
    Arms,
    /// One arm.
    Arm,
    /// `… is …`
    Is,
    /// A pattern.
    Pattern,
    /// The arguments of a pattern with their parentheses.
    PatternArguments,
    /// `left operator right`
    Binary,
    /// `not …`
    Not,
    /// Tokens that fit nowhere; a diagnostic says so.
    Error,
}

impl SyntaxKind {
    /// Spaces, line feeds and comments.
    pub fn is_trivia(self) -> bool {
        self <= Self::DocComment
    }

    /// One of the fifteen reserved words.
    pub fn is_reserved_word(self) -> bool {
        (Self::LetWord..=Self::NoneWord).contains(&self)
    }

    /// The reserved word that `word` is.
    pub fn of_reserved_word(word: &str) -> Option<Self> {
        Some(match word {
            "let" => Self::LetWord,
            "fn" => Self::FnWord,
            "import" => Self::ImportWord,
            "for" => Self::ForWord,
            "in" => Self::InWord,
            "when" => Self::WhenWord,
            "match" => Self::MatchWord,
            "is" => Self::IsWord,
            "use" => Self::UseWord,
            "and" => Self::AndWord,
            "or" => Self::OrWord,
            "not" => Self::NotWord,
            "true" => Self::TrueWord,
            "false" => Self::FalseWord,
            "none" => Self::NoneWord,
            _ => return None,
        })
    }

    /// A token that can only continue the line before: a binary operator, or the dot of a member.
    pub fn continues_line(self) -> bool {
        matches!(self, Self::Dot | Self::InWord | Self::IsWord | Self::AndWord | Self::OrWord | Self::Plus)
            || (Self::EqualEqual..=Self::GreaterEqual).contains(&self)
    }

    /// The text of a token that is always the same: punctuation and reserved words.
    pub fn fixed_text(self) -> Option<&'static str> {
        Some(match self {
            Self::Underscore => "_",
            Self::InterpolationOpen => "{{",
            Self::InterpolationClose => "}}",
            Self::LetWord => "let",
            Self::FnWord => "fn",
            Self::ImportWord => "import",
            Self::ForWord => "for",
            Self::InWord => "in",
            Self::WhenWord => "when",
            Self::MatchWord => "match",
            Self::IsWord => "is",
            Self::UseWord => "use",
            Self::AndWord => "and",
            Self::OrWord => "or",
            Self::NotWord => "not",
            Self::TrueWord => "true",
            Self::FalseWord => "false",
            Self::NoneWord => "none",
            Self::LeftBrace => "{",
            Self::RightBrace => "}",
            Self::LeftBracket => "[",
            Self::RightBracket => "]",
            Self::LeftParen => "(",
            Self::RightParen => ")",
            Self::Comma => ",",
            Self::Semicolon => ";",
            Self::Colon => ":",
            Self::Dot => ".",
            Self::Slash => "/",
            Self::Equal => "=",
            Self::PlusEqual => "+=",
            Self::Arrow => "=>",
            Self::EqualEqual => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Plus => "+",
            _ => return None,
        })
    }
}

impl From<SyntaxKind> for rowan::SyntaxKind {
    fn from(kind: SyntaxKind) -> Self {
        Self(kind as u16)
    }
}

impl From<rowan::SyntaxKind> for SyntaxKind {
    fn from(raw: rowan::SyntaxKind) -> Self {
        Self::ALL.get(usize::from(raw.0)).copied().unwrap_or(Self::Error)
    }
}

/// The recipe language, to rowan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {}

impl rowan::Language for Language {
    type Kind = SyntaxKind;

    fn kind_from_raw(raw: rowan::SyntaxKind) -> SyntaxKind {
        raw.into()
    }

    fn kind_to_raw(kind: SyntaxKind) -> rowan::SyntaxKind {
        kind.into()
    }
}

/// A node of the lossless tree.
pub type SyntaxNode = rowan::SyntaxNode<Language>;
/// A token of the lossless tree.
pub type SyntaxToken = rowan::SyntaxToken<Language>;
/// A node or a token of the lossless tree.
pub type SyntaxElement = rowan::SyntaxElement<Language>;
