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

    /// The first language of `ui_locales` that the pages have, else Bokmål. An unknown tag is never an error.
    pub fn choose(ui_locales: Option<&str>) -> Self {
        ui_locales.unwrap_or_default().split(' ').take(32).find_map(Self::of_tag).unwrap_or(Self::Nb)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_locale_is_no_error_and_the_first_known_wins() {
        for (asked, language) in [
            (None, Language::Nb),
            (Some("fr zz"), Language::Nb),
            (Some("fr en-GB nn"), Language::En),
            (Some("se-NO"), Language::Se),
            (Some("no"), Language::Nb),
        ] {
            assert_eq!(Language::choose(asked), language, "{asked:?}");
        }
    }
}
