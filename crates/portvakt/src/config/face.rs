//! `[issuers.about]` and `theme`: what an issuer shows of itself on its pages.

use std::path::{Path, PathBuf};

use portvakt_protocol::language::Localized;
use portvakt_protocol::registration::Shown;
use portvakt_web::face::{About, Face};

use super::fault::{ConfigFault, Place};
use super::reader::{At, Keys, Page};

/// The longest name of a gateway, in characters: it stands in the head of each page and in its title.
const LONGEST_NAME: usize = 60;

/// The largest theme, in bytes: several times what Designsystemet's builder makes, and still a page's.
const LARGEST_THEME: u64 = 512 * 1024;

/// What an issuer shows of itself, as configured.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaceSettings {
    about: About,
    theme: Option<(PathBuf, Place)>,
}

impl FaceSettings {
    /// Reads both keys of an issuer's table.
    pub(super) fn read(page: &mut Page, issuer: &mut Keys<'_>, folder: &Path) -> Self {
        let theme = issuer.text(page, "theme").map(|at| (folder.join(at.value), at.place));
        let about = issuer.table(page, "about").map(|table| about(page, table)).unwrap_or_default();
        Self { about, theme }
    }

    /// The face, with the theme's file read.
    ///
    /// # Errors
    /// The theme cannot be used.
    pub(crate) fn face(&self) -> Result<Face, ConfigFault> {
        let theme = self.theme.as_ref().map(|(path, place)| theme(path, place)).transpose()?;
        Face::new(self.about.clone(), theme).map_err(|why| {
            let place = Place { path: "issuers".to_owned(), line: None };
            ConfigFault::new(&place, Shown::Absent, format!("the stylesheet could not be compressed: {why}"))
        })
    }
}

fn theme(path: &Path, place: &Place) -> Result<String, ConfigFault> {
    let refuse = |rule: String| {
        let fault = ConfigFault::new(place, Shown::Value(path.display().to_string()), rule);
        Err(fault.with_fix("name a stylesheet made with Designsystemet's theme builder"))
    };
    match std::fs::metadata(path) {
        Ok(found) if found.len() > LARGEST_THEME => {
            return refuse(format!("must be at most {LARGEST_THEME} bytes, and is {}", found.len()));
        }
        Ok(_) | Err(_) => {}
    }
    match std::fs::read_to_string(path) {
        Err(why) => refuse(format!("cannot be read: {why}")),
        // Every colour of the components is a property of this family: without one, the file is something else.
        Ok(css) if !css.contains("--ds-color-") => {
            refuse("must set Designsystemet's colours (--ds-color-…)".to_owned())
        }
        Ok(css) => Ok(css),
    }
}

fn about(page: &mut Page, mut table: Keys<'_>) -> About {
    let name = table.text(page, "name").and_then(|at| name(page, at));
    let mut text = |name| localized(page, &mut table, name);
    let about = About {
        name,
        service_level: text("service_level"),
        notice: text("notice"),
        audience: text("audience"),
        registration: text("registration"),
        contact: text("contact"),
    };
    table.end(page);
    about
}

fn name(page: &mut Page, at: At<String>) -> Option<String> {
    let At { value, place } = at;
    let fits = !value.trim().is_empty()
        && value.chars().count() <= LONGEST_NAME
        && !value.chars().any(char::is_control);
    if !fits {
        let rule = format!("must be the gateway's name, in 1 to {LONGEST_NAME} characters of one line");
        page.refuse(&place, Shown::text(&value), rule);
    }
    fits.then_some(value)
}

/// A text in all four languages: pages are never a mixture.
fn localized(page: &mut Page, table: &mut Keys<'_>, name: &str) -> Option<Localized> {
    let mut texts = table.table(page, name)?;
    let mut one = |tag| {
        let text = texts.required(page, tag)?;
        if text.value.trim().is_empty() {
            page.refuse(
                &text.place,
                Shown::text(&text.value),
                "must be a text: pages are in nb, nn, en and se",
            );
            return None;
        }
        Some(text.value)
    };
    let (nb, nn, en, se) = (one("nb"), one("nn"), one("en"), one("se"));
    texts.end(page);
    Some(Localized { nb: nb?, nn: nn?, en: en?, se: se? })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::Settings;

    fn with(keys: &str) -> String {
        format!(
            "data = \"data\"\n[[listeners]]\naddress = \"127.0.0.1:0\"\n[[issuers]]\nissuer = \"http://localhost:8080\"\n\
             profile = \"idporten\"\nenvironment = \"test\"\nterms = \"1\"\n{keys}"
        )
    }

    fn faults(keys: &str) -> String {
        Settings::parse(&with(keys), Path::new("etc/portvakt.toml")).unwrap_err().to_string()
    }

    #[test]
    fn a_text_in_fewer_than_four_languages_and_a_name_that_is_none_are_refused() {
        for (keys, told) in [
            ("about = { contact = { nb = \"a\", nn = \"b\", en = \"c\" } }", "issuers[0].about.contact.se"),
            ("about = { contact = { nb = \" \", nn = \"b\", en = \"c\", se = \"d\" } }", "contact.nb"),
            ("about = { contact = \"ring\" }", "issuers[0].about.contact"),
            ("about = { contacts = {} }", "issuers[0].about.contacts"),
            (
                "about = { contact = { nb = \"a\", nn = \"b\", en = \"c\", se = \"d\", de = \"e\" } }",
                "contact.de",
            ),
            ("about = { name = \"\" }", "issuers[0].about.name"),
            ("about = { name = \"a\\nb\" }", "issuers[0].about.name"),
            ("theme = 7", "issuers[0].theme"),
        ] {
            let found = faults(keys);
            assert!(found.contains(told), "{told} in {found}");
        }
    }

    #[test]
    fn a_theme_that_is_none_is_told_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("portvakt.toml");
        let told = |theme: &str| {
            let settings = Settings::parse(&with(&format!("theme = \"{theme}\"")), &file).unwrap();
            settings.check_references().map_err(|faults| faults.to_string())
        };
        std::fs::write(folder.path().join("other.css"), "body { color: red }").unwrap();
        std::fs::write(folder.path().join("own.css"), ":root{--ds-color-accent-base-default:#123456}")
            .unwrap();
        let missing = told("gone.css").unwrap_err();
        assert!(missing.contains("issuers[0].theme") && missing.contains("cannot be read"), "{missing}");
        assert!(told("other.css").unwrap_err().contains("--ds-color-"));
        assert_eq!(told("own.css"), Ok(()));
    }
}
