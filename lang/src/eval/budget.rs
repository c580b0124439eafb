//! How much an evaluation may do before it is refused. The limits are far above what any recipe needs and far
//! below what a machine notices.

/// Steps: expressions evaluated, elements and entries copied.
const STEPS: u64 = 1_000_000;
/// Bytes of strings made.
const BYTES: u64 = 32 << 20;
/// Expressions inside one another, through calls and `let`s.
const DEPTH: u32 = 256;
/// Points of the axes of a file.
pub const POINTS: usize = 20_000;

/// What is left.
#[derive(Debug)]
pub struct Budget {
    steps: u64,
    bytes: u64,
    depth: u32,
}

/// What has run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// Steps.
    Steps,
    /// Bytes.
    Bytes,
    /// Depth.
    Depth,
}

impl Spent {
    /// For the message: what the evaluation needs too much of.
    pub fn describe(self) -> String {
        match self {
            Spent::Steps => format!("takes more than {STEPS} steps"),
            Spent::Bytes => format!("makes more than {} MiB of text", BYTES >> 20),
            Spent::Depth => format!("nests more than {DEPTH} deep"),
        }
    }
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { steps: STEPS, bytes: BYTES, depth: 0 }
    }
}

impl Budget {
    /// Takes `count` steps.
    pub fn steps(&mut self, count: usize) -> Result<(), Spent> {
        self.steps =
            self.steps.checked_sub(count as u64).ok_or(Spent::Steps).inspect_err(|_| self.steps = 0)?;
        Ok(())
    }

    /// Makes `count` bytes of text.
    pub fn bytes(&mut self, count: usize) -> Result<(), Spent> {
        self.bytes =
            self.bytes.checked_sub(count as u64).ok_or(Spent::Bytes).inspect_err(|_| self.bytes = 0)?;
        Ok(())
    }

    /// Goes one level down; [`Budget::leave`] comes back.
    pub fn enter(&mut self) -> Result<(), Spent> {
        if self.depth == DEPTH {
            return Err(Spent::Depth);
        }
        self.depth += 1;
        Ok(())
    }

    /// Comes back from a level.
    pub fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Whether nothing more can be evaluated.
    pub fn is_spent(&self) -> bool {
        self.steps == 0 || self.bytes == 0
    }
}
