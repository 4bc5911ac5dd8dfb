//! The languages of the pages (`ui_locales`, OpenID Connect Core §3.1.2.1).

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Norwegian Bokmål, also when nothing is asked.
    Nb,
    /// Norwegian Nynorsk.
    Nn,
    /// English.
    En,
    /// Northern Sámi.
    Se,
}

impl Language {
    /// Every language, in the order in which pages offer them.
    pub const ALL: [Self; 4] = [Self::Nb, Self::Nn, Self::En, Self::Se];

    /// Its tag, as in `locale` and `lang`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Nb => "nb",
            Self::Nn => "nn",
            Self::En => "en",
            Self::Se => "se",
        }
    }

    /// The language of a BCP 47 tag, whatever its region; `no` is Bokmål.
    pub fn of_tag(tag: &str) -> Option<Self> {
        match tag.split(['-', '_']).next()?.to_ascii_lowercase().as_str() {
            "nb" | "no" => Some(Self::Nb),
            "nn" => Some(Self::Nn),
            "en" => Some(Self::En),
            "se" => Some(Self::Se),
            _ => None,
        }
    }

    /// The language that the person picked (the cookie's), else the first of `ui_locales` that the pages have, else Bokmål. An
    /// unknown tag is never an error.
    pub fn choose(picked: Option<&str>, ui_locales: Option<&str>) -> Self {
        let asked = ui_locales.unwrap_or_default().split(' ').take(32);
        picked.into_iter().chain(asked).find_map(Self::of_tag).unwrap_or(Self::Nb)
    }
}

/// A text in every language of the pages.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Localized {
    /// Norwegian Bokmål.
    pub nb: String,
    /// Norwegian Nynorsk.
    pub nn: String,
    /// English.
    pub en: String,
    /// Northern Sámi.
    pub se: String,
}

impl Localized {
    /// The text in `language`.
    pub fn of(&self, language: Language) -> &str {
        match language {
            Language::Nb => &self.nb,
            Language::Nn => &self.nn,
            Language::En => &self.en,
            Language::Se => &self.se,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_18_the_cookie_beats_ui_locales_which_beats_nb() {
        for (picked, asked, language) in [
            (None, None, Language::Nb),
            (None, Some("fr zz"), Language::Nb),
            (None, Some("fr en-GB nn"), Language::En),
            (None, Some("se-NO"), Language::Se),
            (None, Some("no"), Language::Nb),
            (Some("xx"), Some("en"), Language::En),
            (Some("nn"), Some("en"), Language::Nn),
        ] {
            assert_eq!(Language::choose(picked, asked), language, "{picked:?} {asked:?}");
        }
    }
}
