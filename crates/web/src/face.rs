//! What an issuer shows of itself on its pages: its name, its colours, and what whoever comes to it should know.

use std::io;

use portvakt_protocol::language::Localized;

use crate::assets::Assets;

/// An issuer's face.
#[derive(Clone, Debug)]
pub struct Face {
    /// What it tells of itself.
    pub about: About,
    /// What its pages are drawn with.
    pub(crate) assets: Assets,
}

/// What an issuer tells of itself. A text that is not there is left out, or said in general words where a newcomer needs it.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The name of the login gateway, in the head of each page.
    pub name: Option<String>,
    /// What may be expected of the service: opening hours, support, availability.
    pub service_level: Option<Localized>,
    /// How changes are announced.
    pub notice: Option<Localized>,
    /// Who may use it.
    pub audience: Option<Localized>,
    /// How a client is registered.
    pub registration: Option<Localized>,
    /// Whom to contact.
    pub contact: Option<Localized>,
}

impl Face {
    /// A face with these texts, in the colours of an operator's theme or Designsystemet's own.
    ///
    /// # Errors
    /// The theme could not be compressed.
    pub fn new(about: About, theme: Option<String>) -> io::Result<Self> {
        Ok(Self { about, assets: Assets::new(theme)? })
    }

    /// The gateway's name.
    pub(crate) fn name(&self) -> &str {
        self.about.name.as_deref().unwrap_or("Portvakt")
    }
}
