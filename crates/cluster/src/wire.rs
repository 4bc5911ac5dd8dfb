//! As much of PostgreSQL's protocol (version 3, "Message Formats" in its manual) as it takes to see where a request ends, what it
//! says, and where its answer ends.

use std::collections::HashMap;

/// Longer messages than this are no messages: PostgreSQL's own limit is a little less.
const LONGEST: usize = 1 << 30;

/// The requests that precede a start-up message, by the number where its version stands.
const TLS_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;

/// One whole message, as it stood on the wire.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its type; 0 for a start-up message, which has none.
    pub(crate) tag: u8,
    /// All its bytes, with type and length.
    pub(crate) bytes: Vec<u8>,
}

impl Message {
    /// What follows type and length.
    fn body(&self) -> &[u8] {
        self.bytes.get(if self.tag == 0 { 4 } else { 5 }..).unwrap_or_default()
    }

    /// Whether a server's ReadyForQuery says that no transaction is open.
    pub(crate) fn is_idle(&self) -> bool {
        self.tag == b'Z' && self.body() == b"I"
    }

    /// Whether it asks for encryption, which the one who reads along declines.
    fn asks_for_encryption(&self) -> bool {
        let code = self.body().first_chunk::<4>().map(|code| u32::from_be_bytes(*code));
        self.tag == 0 && matches!(code, Some(TLS_REQUEST | GSS_REQUEST))
    }
}

/// A stream that is cut into messages.
#[derive(Debug)]
pub(crate) struct Frames {
    pending: Vec<u8>,
    starting: bool,
}

impl Frames {
    /// What a client sends: a start-up message first.
    pub(crate) fn of_client() -> Self {
        Self { pending: Vec::new(), starting: true }
    }

    /// What a server sends.
    pub(crate) fn of_server() -> Self {
        Self { pending: Vec::new(), starting: false }
    }

    /// Takes what has arrived and answers the messages that are whole.
    ///
    /// # Errors
    /// When this is not PostgreSQL's protocol.
    pub(crate) fn whole(&mut self, arrived: &[u8]) -> Result<Vec<Message>, NotPostgres> {
        self.pending.extend_from_slice(arrived);
        let mut messages = Vec::new();
        while let Some(message) = self.next()? {
            messages.push(message);
        }
        Ok(messages)
    }

    fn next(&mut self) -> Result<Option<Message>, NotPostgres> {
        let before = usize::from(!self.starting);
        let Some(length) = self.pending.get(before..).and_then(|rest| rest.first_chunk::<4>()) else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| NotPostgres)?;
        if !(4..=LONGEST).contains(&length) {
            return Err(NotPostgres);
        }
        let end = before + length;
        if self.pending.len() < end {
            return Ok(None);
        }
        let rest = self.pending.split_off(end);
        let bytes = std::mem::replace(&mut self.pending, rest);
        let tag = if self.starting { 0 } else { bytes.first().copied().unwrap_or_default() };
        let message = Message { tag, bytes };
        // After a declined request for encryption comes another start-up message.
        self.starting = self.starting && message.asks_for_encryption();
        Ok(Some(message))
    }
}

/// The bytes are none of PostgreSQL's protocol, or it is spoken encrypted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotPostgres;

/// What a client's message means to one who passes it on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Nothing: it goes on.
    Pass,
    /// It asks for encryption; the answer is `N`.
    Decline,
    /// A part of a request that is not yet ended: it can be kept until then.
    Part,
    /// The client wants answers to the parts so far.
    Flush,
    /// The request ends here, and the server will answer with ReadyForQuery. With the statements that it executes.
    Ends(String),
}

/// What a client has said on one connection.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    statements: HashMap<Vec<u8>, String>,
    portals: HashMap<Vec<u8>, String>,
    executed: String,
}

impl Conversation {
    /// Takes the next message.
    pub(crate) fn hear(&mut self, message: &Message) -> Heard {
        let mut body = message.body();
        match message.tag {
            0 if message.asks_for_encryption() => Heard::Decline,
            b'Q' => Heard::Ends(text(until_zero(&mut body))),
            b'P' => {
                let name = until_zero(&mut body).to_vec();
                self.statements.insert(name, text(until_zero(&mut body)));
                Heard::Part
            }
            b'B' => {
                let portal = until_zero(&mut body).to_vec();
                let statement = self.statements.get(until_zero(&mut body)).cloned();
                self.portals.insert(portal, statement.unwrap_or_default());
                Heard::Part
            }
            b'E' => {
                let executed = self.portals.get(until_zero(&mut body)).map_or("", String::as_str);
                if !self.executed.is_empty() {
                    self.executed.push_str(";\n");
                }
                self.executed.push_str(executed);
                Heard::Part
            }
            b'C' => {
                if let Some((b'S', mut name)) = body.split_first().map(|(kind, name)| (*kind, name)) {
                    self.statements.remove(until_zero(&mut name));
                }
                Heard::Part
            }
            b'D' => Heard::Part,
            b'H' => Heard::Flush,
            b'S' => Heard::Ends(std::mem::take(&mut self.executed)),
            _ => Heard::Pass,
        }
    }
}

/// The bytes up to the next zero byte; what stays is what follows it.
fn until_zero<'a>(body: &mut &'a [u8]) -> &'a [u8] {
    let at = body.iter().position(|byte| *byte == 0).unwrap_or(body.len());
    let (found, rest) = body.split_at(at);
    *body = rest.get(1..).unwrap_or_default();
    found
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: u8, body: &[u8]) -> Message {
        let mut bytes = if tag == 0 { Vec::new() } else { vec![tag] };
        bytes.extend_from_slice(&u32::try_from(body.len() + 4).unwrap().to_be_bytes());
        bytes.extend_from_slice(body);
        Message { tag, bytes }
    }

    fn startup(code: u32) -> Message {
        message(0, &code.to_be_bytes())
    }

    #[test]
    fn what_has_no_length_is_no_message() {
        assert_eq!(Frames::of_server().whole(b"Z\0\0\0\x03"), Err(NotPostgres));
        assert_eq!(Frames::of_client().whole(b"GET / HTTP/1.1\r\n\r\n"), Err(NotPostgres));
        assert_eq!(Frames::of_server().whole(&[b'D', 0xff, 0xff, 0xff, 0xff]), Err(NotPostgres));
    }

    #[test]
    fn messages_are_found_wherever_the_stream_is_torn() {
        let sent = [startup(TLS_REQUEST), startup(196_608), message(b'Q', b"SELECT 1\0"), message(b'X', b"")];
        let stream: Vec<u8> = sent.iter().flat_map(|message| message.bytes.clone()).collect();
        for tear in 0..stream.len() {
            let (first, second) = stream.split_at(tear);
            let mut frames = Frames::of_client();
            let mut seen = frames.whole(first).unwrap();
            seen.extend(frames.whole(second).unwrap());
            assert_eq!(seen, sent);
        }
    }

    #[test]
    fn a_request_for_encryption_is_declined_and_a_cancel_request_is_not() {
        let mut conversation = Conversation::default();
        assert_eq!(conversation.hear(&startup(TLS_REQUEST)), Heard::Decline);
        assert_eq!(conversation.hear(&startup(GSS_REQUEST)), Heard::Decline);
        assert_eq!(conversation.hear(&startup(80_877_102)), Heard::Pass);
        assert_eq!(conversation.hear(&startup(196_608)), Heard::Pass);
    }

    #[test]
    fn a_prepared_statement_is_known_when_it_is_executed_later() {
        let mut conversation = Conversation::default();
        assert_eq!(conversation.hear(&message(b'P', b"s1\0UPDATE code SET spent = true\0\0\0")), Heard::Part);
        assert_eq!(conversation.hear(&message(b'D', b"Ss1\0")), Heard::Part);
        // Preparing executes nothing.
        assert_eq!(conversation.hear(&message(b'S', b"")), Heard::Ends(String::new()));
        for _twice in 0..2 {
            conversation.hear(&message(b'B', b"\0s1\0\0\0\0\0\0\0"));
            conversation.hear(&message(b'E', b"\0\0\0\0\0"));
            let executed = "UPDATE code SET spent = true".to_owned();
            assert_eq!(conversation.hear(&message(b'S', b"")), Heard::Ends(executed));
        }
        conversation.hear(&message(b'C', b"Ss1\0"));
        conversation.hear(&message(b'B', b"\0s1\0\0\0\0\0\0\0"));
        conversation.hear(&message(b'E', b"\0\0\0\0\0"));
        assert_eq!(conversation.hear(&message(b'S', b"")), Heard::Ends(String::new()));
    }

    #[test]
    fn only_an_idle_server_has_committed() {
        assert!(!message(b'Z', b"T").is_idle());
        assert!(!message(b'Z', b"E").is_idle());
        assert!(!message(b'C', b"I").is_idle());
        assert!(message(b'Z', b"I").is_idle());
    }
}
