//! Listening in: which requests pass, for whoever counts what something asks of its database.

use super::{Proxy, Shared};

impl Proxy {
    /// Notes from now on what is asked. What was noted before is forgotten.
    pub fn listen_in(&self) {
        self.shared.steer().heard = Some(Vec::new());
    }

    /// The requests since [`Proxy::listen_in`] or since this was last asked, in the order in which they came: each is what a client sends
    /// before it waits for the server to be ready again. A request is the texts of the statements that it executes, parted by `;`
    /// and a line feed, so one that only prepares is empty. Nothing, unless somebody listens in.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        self.shared.steer().heard.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

impl Shared {
    /// A request has come, and goes on to the server or does not.
    pub(super) fn note(&self, text: &str) {
        if let Some(heard) = &mut self.steer().heard {
            heard.push(text.to_owned());
        }
    }
}
