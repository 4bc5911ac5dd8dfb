//! Forms on our pages, found as a browser finds them: only what the markup says, never what a scene expects.

use crate::call::{Reply, origin};

/// A form of a page.
#[derive(Clone, Debug)]
pub struct Form {
    /// Where it posts to, absolute.
    pub action: String,
    /// The fields a browser would send, before anybody typed: hidden, text, and picked radio buttons.
    pub fields: Vec<(String, String)>,
    /// Every value that the radio buttons of a name offer.
    pub choices: Vec<(String, String)>,
}

impl Reply {
    /// The first form of this page's main part: what stands before it is on every page.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn form(&self) -> Form {
        let html = self.text();
        let main = html.split_once("<main").map_or(html.as_str(), |(_, main)| main);
        let Some((_, form)) = main.split_once("<form") else {
            panic!("{} answered {} without a form: {html}", self.url, self.status)
        };
        let form = form.split_once("</form>").map_or(form, |(form, _)| form);
        let action = attribute(form, "action").unwrap_or_default();
        let action = if action.contains("://") { action } else { format!("{}{action}", origin(&self.url)) };
        let (mut fields, mut choices) = (Vec::new(), Vec::new());
        for input in form.split("<input").skip(1) {
            let name = attribute(input, "name").unwrap_or_default();
            let value = attribute(input, "value").unwrap_or_default();
            let radio = attribute(input, "type").as_deref() == Some("radio");
            if radio {
                choices.push((name.clone(), value.clone()));
            }
            let tag = input.split_once('>').map_or(input, |(tag, _)| tag);
            if !radio || tag.contains(" checked") {
                fields.push((name, value));
            }
        }
        Form { action, fields, choices }
    }
}

impl Form {
    /// A field filled in, or one that the page does not have.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without a field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self
    }

    /// The value of a field; empty if there is none.
    pub fn value(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// What the radio buttons of `name` offer.
    pub fn offers(&self, name: &str) -> Vec<&str> {
        self.choices.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// An attribute of the tag that `text` starts in.
fn attribute(text: &str, name: &str) -> Option<String> {
    let tag = text.split_once('>').map_or(text, |(tag, _)| tag);
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| unescape(value))
}

/// The character references that a template writes.
fn unescape(text: &str) -> String {
    let named = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    named
        .replace("&#39;", "'")
        .replace("&#34;", "\"")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}
