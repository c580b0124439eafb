//! Messages on the wire: a header with the length, then JSON.

use std::io::{self, BufRead, Read, Write};

use lsp_server::Message;
use serde::Serialize;

/// The longest message that is read, in bytes.
const LONGEST: usize = 256 << 20;
/// The longest line of a header, in bytes.
const LINE: u64 = 4096;

/// What came in.
#[derive(Debug)]
pub enum Incoming {
    /// A message.
    Message(Message),
    /// Something that is none, and why.
    Malformed(String),
}

/// The next message; `None` at the end of the input. An error says that nothing more can be read.
pub fn read(input: &mut dyn BufRead) -> io::Result<Option<Incoming>> {
    let mut length = None;
    loop {
        let mut line = Vec::new();
        (&mut *input).take(LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if line.is_empty() {
            match length {
                Some(length) => return body(input, length),
                // Nothing was announced: perhaps the rest of something malformed.
                None => continue,
            }
        }
        if let Some((name, value)) = line.split_once(':')
            && name.trim().eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse::<usize>().ok();
            if length.is_none() {
                return Ok(Some(Incoming::Malformed(format!("`{line}` has no length"))));
            }
        }
    }
}

fn body(input: &mut dyn BufRead, length: usize) -> io::Result<Option<Incoming>> {
    if length > LONGEST {
        io::copy(&mut input.take(length as u64), &mut io::sink())?;
        return Ok(Some(Incoming::Malformed("the message is too long".to_owned())));
    }
    let mut bytes = Vec::new();
    input.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Ok(None);
    }
    Ok(Some(match serde_json::from_slice(&bytes) {
        Ok(message) => Incoming::Message(message),
        Err(error) => Incoming::Malformed(error.to_string()),
    }))
}

/// Writes a message.
pub fn write(output: &mut dyn Write, message: &Message) -> io::Result<()> {
    #[derive(Serialize)]
    struct Enveloped<'a> {
        jsonrpc: &'static str,
        #[serde(flatten)]
        message: &'a Message,
    }
    let text = serde_json::to_vec(&Enveloped { jsonrpc: "2.0", message })?;
    write!(output, "Content-Length: {}\r\n\r\n", text.len())?;
    output.write_all(&text)?;
    output.flush()
}

/// Writes that something could not be read, which nobody asked by a number.
pub fn write_malformed(output: &mut dyn Write, reason: &str) -> io::Result<()> {
    let error = serde_json::json!({ "code": lsp_server::ErrorCode::ParseError as i32, "message": reason });
    let text = serde_json::json!({ "jsonrpc": "2.0", "id": null, "error": error }).to_string();
    write!(output, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<String> {
        let mut input = bytes;
        let mut found = Vec::new();
        while let Ok(Some(incoming)) = read(&mut input) {
            found.push(match incoming {
                Incoming::Message(Message::Notification(found)) => found.method,
                Incoming::Message(other) => format!("{other:?}"),
                Incoming::Malformed(_) => "malformed".to_owned(),
            });
        }
        found
    }

    #[test]
    fn what_is_malformed_is_passed_over() {
        let good = "Content-Length: 33\r\n\r\n{\"jsonrpc\":\"2.0\",\"method\":\"exit\"}";
        assert_eq!(all(good.as_bytes()), ["exit"]);
        assert_eq!(all(format!("Content-Length: 3\r\n\r\n{{}}}}{good}").as_bytes()), ["malformed", "exit"]);
        assert_eq!(all(format!("Content-Length: x\r\n\r\n{good}").as_bytes()), ["malformed", "exit"]);
        assert_eq!(all(format!("rubbish\r\n\r\n{good}").as_bytes()), ["exit"]);
        assert_eq!(all(b"Content-Length: 99999999999999\r\n\r\n{}"), ["malformed"]);
        assert!(all(b"Content-Length: 10\r\n\r\n{}").is_empty());
        assert!(all(&[0xff; 10000]).is_empty());
    }
}
