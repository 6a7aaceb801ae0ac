//! What the executions of one session may do: templates are programs, and some would never end.

use crate::Value;

/// How many nodes may be executed, each repetition of a loop counted too: hundreds of times what the largest charts need.
const MAX_STEPS: u64 = 10_000_000;

/// How many bytes all output and all results of functions may have together.
const MAX_BYTES: usize = 512 << 20;

/// How many bytes one text may have.
const MAX_TEXT: usize = 64 << 20;

/// What an element of a list or map counts for, in bytes.
const ELEMENT: usize = 16;

/// What was done so far.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    steps: u64,
    bytes: usize,
}

impl Budget {
    /// One more node, or one more repetition.
    pub(crate) fn step(&mut self) -> Result<(), String> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(format!("too much work: templates may take {MAX_STEPS} steps in all"));
        }
        Ok(())
    }

    /// So many bytes more of text.
    pub(crate) fn text(&mut self, bytes: usize) -> Result<(), String> {
        if bytes > MAX_TEXT {
            return Err(format!("too much text: {bytes} bytes at once, at most {MAX_TEXT} are allowed"));
        }
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MAX_BYTES {
            return Err(format!("too much text: templates may write and compute {MAX_BYTES} bytes in all"));
        }
        Ok(())
    }

    /// The result of a function; what its elements hold was counted when they were made.
    pub(crate) fn value(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::Text(text) | Value::Bytes(text) => self.text(text.len()),
            Value::List(list) => self.text(list.len().saturating_mul(ELEMENT)),
            Value::Map(map) => self.text(map.len().saturating_mul(ELEMENT)),
            _ => Ok(()),
        }
    }
}
