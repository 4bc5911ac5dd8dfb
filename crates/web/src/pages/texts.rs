//! The words of the pages in four languages, side by side. Who has read them is told in `docs/translations.md`.

mod issuer;

use portvakt_protocol::language::Language;

pub(crate) use issuer::IssuerTexts;

/// Writes a table of texts: each by its name, in each language. A text has one placeholder at most, in braces: see [`around`].
macro_rules! texts {
    ($(#[$doc:meta])* $table:ident $($name:ident { nb: $nb:literal, nn: $nn:literal, en: $en:literal, se: $se:literal, })*) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $table {
            $(pub(crate) $name: &'static str,)*
        }

        impl $table {
            /// The texts in `language`.
            pub(crate) fn of(language: Language) -> &'static Self {
                match language {
                    Language::Nb => &Self { $($name: $nb,)* },
                    Language::Nn => &Self { $($name: $nn,)* },
                    Language::En => &Self { $($name: $en,)* },
                    Language::Se => &Self { $($name: $se,)* },
                }
            }

            /// Every text by its name: nb, nn, en, se.
            #[cfg(test)]
            pub(super) const ALL: &'static [(&'static str, [&'static str; 4])] =
                &[$((stringify!($name), [$nb, $nn, $en, $se]),)*];
        }
    };
}

use texts;

/// What stands before and after a text's placeholder. All of a text without one stands before.
pub(crate) fn around(text: &'static str) -> (&'static str, &'static str) {
    let (before, rest) = text.split_once('{').unwrap_or((text, ""));
    (before, rest.split_once('}').map_or("", |(_, after)| after))
}

texts! {
    /// The texts of every page but the issuer's own, in one language.
    Texts

    // Around every page.
    skip {
        nb: "Hopp til hovedinnholdet",
        nn: "Hopp til hovudinnhaldet",
        en: "Skip to the main content",
        se: "Njuike váldosisdollui",
    }
    language {
        nb: "Språk",
        nn: "Språk",
        en: "Language",
        se: "Giella",
    }
    development {
        nb: "Utviklingsmiljø",
        nn: "Utviklingsmiljø",
        en: "Development environment",
        se: "Ovdánahttinbiras",
    }
    test {
        nb: "Testmiljø",
        nn: "Testmiljø",
        en: "Test environment",
        se: "Teastabiras",
    }
    about {
        nb: "Om {name}",
        nn: "Om {name}",
        en: "About {name}",
        se: "{name} birra",
    }
    back_to {
        nb: "Tilbake til {service}",
        nn: "Tilbake til {service}",
        en: "Back to {service}",
        se: "Ruovttoluotta bálvalussii {service}",
    }

    // The login page.
    log_in {
        nb: "Logg inn",
        nn: "Logg inn",
        en: "Log in",
        se: "Čálit sisa",
    }
    log_in_to {
        nb: "Innlogging til {service}",
        nn: "Innlogging til {service}",
        en: "Logging in to {service}",
        se: "Sisačáliheapmi bálvalussii {service}",
    }
    test_id {
        nb: "Du logger inn med TestID, som bare finnes i testmiljøer.",
        nn: "Du loggar inn med TestID, som berre finst i testmiljø.",
        en: "You are logging in with TestID, which exists in test environments only.",
        se: "Don čálihat sisa TestID:in, mii gávdno dušše teastabirrasiin.",
    }
    pid {
        nb: "Syntetisk fødselsnummer",
        nn: "Syntetisk fødselsnummer",
        en: "Synthetic national identity number",
        se: "Syntehtalaš riegádannummir",
    }
    pid_hint {
        nb: "Elleve siffer, med måned pluss 80. Bruk aldri nummeret til en virkelig person.",
        nn: "Elleve siffer, med månad pluss 80. Bruk aldri nummeret til ein verkeleg person.",
        en: "Eleven digits, with 80 added to the month. Never use a real person's number.",
        se: "Oktanuppelohkái logu, mánnu lasihuvvon 80:in. Ale goassege geavat duohta olbmo nummira.",
    }
    persons {
        nb: "Eller logg inn som en testperson",
        nn: "Eller logg inn som ein testperson",
        en: "Or log in as a test person",
        se: "Dahje čálit sisa teastaolmmožin",
    }
    level {
        nb: "Sikkerhetsnivå",
        nn: "Tryggleiksnivå",
        en: "Security level",
        se: "Sihkarvuođadássi",
    }
    level_low {
        nb: "Lavt",
        nn: "Lågt",
        en: "Low",
        se: "Vuollegaš",
    }
    level_substantial {
        nb: "Betydelig",
        nn: "Betydeleg",
        en: "Substantial",
        se: "Mearkkašahtti",
    }
    level_high {
        nb: "Høyt",
        nn: "Høgt",
        en: "High",
        se: "Alla",
    }
    cancel {
        nb: "Avbryt",
        nn: "Avbryt",
        en: "Cancel",
        se: "Gaskkalduhte",
    }
    fault {
        nb: "Feil",
        nn: "Feil",
        en: "Error",
        se: "Meattáhus",
    }
    pid_not_eleven_digits {
        nb: "Fødselsnummeret må ha elleve siffer.",
        nn: "Fødselsnummeret må ha elleve siffer.",
        en: "The identity number must have eleven digits.",
        se: "Riegádannummiris galget leat oktanuppelohkái logu.",
    }
    pid_wrong {
        nb: "Fødselsnummeret er ikke gyldig. Kontroller sifrene.",
        nn: "Fødselsnummeret er ikkje gyldig. Kontroller siffera.",
        en: "The identity number is not valid. Check the digits.",
        se: "Riegádannummir ii leat gustovaš. Dárkkis loguid.",
    }
    pid_not_synthetic {
        nb: "Bare syntetiske fødselsnummer (måned pluss 80) kan brukes her. Bruk aldri nummeret til en virkelig person.",
        nn: "Berre syntetiske fødselsnummer (månad pluss 80) kan brukast her. Bruk aldri nummeret til ein verkeleg person.",
        en: "Only synthetic numbers (month plus 80) can be used here. Never use a real person's number.",
        se: "Dušše syntehtalaš nummirat (mánnu lasihuvvon 80:in) dohkkejit dáppe. Ale goassege geavat duohta olbmo nummira.",
    }
    level_wrong {
        nb: "Velg et av nivåene.",
        nn: "Vel eitt av nivåa.",
        en: "Pick one of the levels.",
        se: "Vállje ovtta dásiin.",
    }
    person_stopped {
        nb: "Denne testpersonen kan ikke logge inn her. Velg en annen.",
        nn: "Denne testpersonen kan ikkje logge inn her. Vel ein annan.",
        en: "This test person cannot log in here. Pick another.",
        se: "Dát teastaolmmoš ii sáhte čálit sisa dáppe. Vállje eará.",
    }

    // Pages that say what happened, and what to do next.
    refused {
        nb: "Forespørselen kan ikke besvares",
        nn: "Vi kan ikkje svare på førespurnaden",
        en: "The request cannot be answered",
        se: "Jearaldahkii ii sáhte vástidit",
    }
    refused_sentence {
        nb: "Tjenesten du kom fra, har sendt en forespørsel som ikke kan besvares slik den er. Du har ikke gjort noe galt. Gå tilbake til tjenesten og prøv igjen. Skjer det på nytt, så ta kontakt med tjenesten og oppgi referansen.",
        nn: "Tenesta du kom frå, har sendt ein førespurnad som det ikkje går an å svare på slik han er. Du har ikkje gjort noko gale. Gå tilbake til tenesta og prøv igjen. Skjer det på nytt, så ta kontakt med tenesta og oppgje referansen.",
        en: "The service you came from sent a request that cannot be answered as it is. You did nothing wrong. Go back to the service and try again. If it happens again, contact the service and tell them the reference.",
        se: "Bálvalus mas bohtet, lea sádden jearaldaga masa ii sáhte vástidit. Don it leat dahkan maidege boastut. Mana ruovttoluotta bálvalussii ja geahččal ođđasit. Jos dat dáhpáhuvvá fas, de váldde oktavuođa bálvalusain ja muital čujuhusa.",
    }
    unreadable {
        nb: "Skjemaet kunne ikke leses",
        nn: "Skjemaet kunne ikkje lesast",
        en: "The form could not be read",
        se: "Skovi ii sáhttán lohkat",
    }
    unreadable_sentence {
        nb: "Det som ble sendt, er ikke et nettskjema, eller det er for stort. Gå tilbake til tjenesten og begynn på nytt.",
        nn: "Det som vart sendt, er ikkje eit nettskjema, eller det er for stort. Gå tilbake til tenesta og byrj på nytt.",
        en: "What was sent is not a web form, or it is too large. Go back to the service and begin again.",
        se: "Dat mii sáddejuvvui, ii leat neahttasiiddu skovvi, dahje lea menddo stuoris. Mana ruovttoluotta bálvalussii ja álgge ođđasit.",
    }
    cookie_gone {
        nb: "Innloggingen er ikke startet i denne nettleseren",
        nn: "Innlogginga er ikkje starta i denne nettlesaren",
        en: "The login was not started in this browser",
        se: "Sisačáliheapmi ii leat álggahuvvon dán neahttalohkkis",
    }
    cookie_gone_sentence {
        nb: "Informasjonskapselen fra da innloggingen startet, er borte. Kanskje er lenken åpnet i en annen nettleser, eller informasjonskapsler er slått av eller slettet. Tillat informasjonskapsler, gå tilbake til tjenesten og begynn på nytt.",
        nn: "Informasjonskapselen frå då innlogginga starta, er borte. Kanskje er lenkja opna i ein annan nettlesar, eller informasjonskapslar er slått av eller sletta. Tillat informasjonskapslar, gå tilbake til tenesta og byrj på nytt.",
        en: "The cookie from when the login began is gone. Perhaps the link was opened in another browser, or cookies are turned off or were deleted. Allow cookies, go back to the service and begin again.",
        se: "Diehtogáhkku das go sisačáliheapmi álggii, lea jávkan. Soaitá liŋka rahppojuvvon eará neahttalohkkis, dahje diehtogáhkut leat jaddaduvvon dahje sihkkojuvvon. Divtte diehtogáhkuid, mana ruovttoluotta bálvalussii ja álgge ođđasit.",
    }
    expired {
        nb: "Innloggingen er ikke lenger gyldig",
        nn: "Innlogginga er ikkje lenger gyldig",
        en: "The login is no longer valid",
        se: "Sisačáliheapmi ii leat šat gustovaš",
    }
    expired_sentence {
        nb: "En innlogging må være ferdig innen {minutes} minutter. Denne tok lengre tid, eller den finnes ikke mer. Gå tilbake til tjenesten og begynn på nytt.",
        nn: "Ei innlogging må vere ferdig innan {minutes} minutt. Denne tok lengre tid, eller ho finst ikkje meir. Gå tilbake til tenesta og byrj på nytt.",
        en: "A login must be done within {minutes} minutes. This one took longer, or it no longer exists. Go back to the service and begin again.",
        se: "Sisačáliheapmi galgá gárvánit {minutes} minuhtas. Dát bisttii guhkit, dahje ii gávdno šat. Mana ruovttoluotta bálvalussii ja álgge ođđasit.",
    }
    finished {
        nb: "Denne innloggingen er avsluttet",
        nn: "Denne innlogginga er avslutta",
        en: "This login has ended",
        se: "Dát sisačáliheapmi lea loahpahuvvon",
    }
    finished_sentence {
        nb: "Skjemaet er sendt før, eller du har gått tilbake i nettleseren. Du trenger ikke å gjøre noe her: gå til tjenesten. Er du ikke logget inn der, så begynn på nytt derfra.",
        nn: "Skjemaet er sendt før, eller du har gått tilbake i nettlesaren. Du treng ikkje gjere noko her: gå til tenesta. Er du ikkje logga inn der, så byrj på nytt derifrå.",
        en: "The form was sent before, or you went back in the browser. There is nothing to do here: go to the service. If you are not logged in there, begin again from there.",
        se: "Skovvi lea sáddejuvvon ovdal, dahje don leat mannan maŋás neahttalohkkis. It dárbbaš dahkat maidege dáppe: mana bálvalussii. Jos it leat čálihuvvon sisa doppe, de álgge ođđasit doppe.",
    }
    stale {
        nb: "Skjemaet gjelder ikke lenger",
        nn: "Skjemaet gjeld ikkje lenger",
        en: "The form is no longer valid",
        se: "Skovvi ii leat šat gustovaš",
    }
    stale_sentence {
        nb: "Det som ble sendt, kom ikke fra innloggingssiden slik den er nå. Ingenting er gjort. Åpne innloggingssiden på nytt og prøv igjen.",
        nn: "Det som vart sendt, kom ikkje frå innloggingssida slik ho er no. Ingenting er gjort. Opne innloggingssida på nytt og prøv igjen.",
        en: "What was sent did not come from the login page as it is now. Nothing was done. Open the login page again and try once more.",
        se: "Dat mii sáddejuvvui, ii boahtán sisačálihansiiddus nugo dat lea dál. Ii mihkkege leat dahkkon. Raba sisačálihansiiddu ođđasit ja geahččal fas.",
    }
    stale_language_sentence {
        nb: "Det som ble sendt, kom ikke fra en av sidene våre slik de er nå. Språket er ikke endret. Gå tilbake i nettleseren, last siden på nytt og velg språk igjen.",
        nn: "Det som vart sendt, kom ikkje frå ei av sidene våre slik dei er no. Språket er ikkje endra. Gå tilbake i nettlesaren, last sida på nytt og vel språk igjen.",
        en: "What was sent did not come from a page of ours as it is now. The language is unchanged. Go back in the browser, load the page again, and pick the language once more.",
        se: "Dat mii sáddejuvvui, ii boahtán min siiddus nugo dat lea dál. Giella ii leat rievdaduvvon. Mana maŋás neahttalohkkis, viečča siiddu ođđasit ja vállje giela fas.",
    }
    open_again {
        nb: "Åpne innloggingssiden på nytt",
        nn: "Opne innloggingssida på nytt",
        en: "Open the login page again",
        se: "Raba sisačálihansiiddu ođđasit",
    }
    unavailable {
        nb: "Innlogging er ikke tilgjengelig akkurat nå",
        nn: "Innlogging er ikkje tilgjengeleg akkurat no",
        en: "Login is not available right now",
        se: "Sisačáliheapmi ii doaimma dál",
    }
    unavailable_sentence {
        nb: "Feilen er hos oss, ikke hos deg eller tjenesten. Vent litt og prøv igjen.",
        nn: "Feilen er hos oss, ikkje hos deg eller tenesta. Vent litt og prøv igjen.",
        en: "The fault is ours, not yours or the service's. Wait a little and try again.",
        se: "Meattáhus lea min, ii du iige bálvalusa. Vuordde veaháš ja geahččal ođđasit.",
    }
    try_again {
        nb: "Prøv igjen",
        nn: "Prøv igjen",
        en: "Try again",
        se: "Geahččal ođđasit",
    }
    reference {
        nb: "Referanse",
        nn: "Referanse",
        en: "Reference",
        se: "Čujuhus",
    }
    for_developers {
        nb: "For den som utvikler tjenesten",
        nn: "For den som utviklar tenesta",
        en: "For whoever develops the service",
        se: "Bálvalusa ovdánahttái",
    }
    rule {
        nb: "Regelen {rule}",
        nn: "Regelen {rule}",
        en: "The rule {rule}",
        se: "Njuolggadus {rule}",
    }
    rules {
        nb: "Alle regler",
        nn: "Alle reglar",
        en: "All rules",
        se: "Buot njuolggadusat",
    }
    rules_sentence {
        nb: "En forespørsel som avvises, har brutt en av disse reglene. Svaret sier hvilken.",
        nn: "Ein førespurnad som blir avvist, har brote ein av desse reglane. Svaret seier kva for ein.",
        en: "A request that is refused has broken one of these rules. The answer says which.",
        se: "Jearaldat mii hilgojuvvo lea rihkkon ovtta dáin njuolggadusain. Vástádus muitala guđe.",
    }
    rule_unknown {
        nb: "Regelen finnes ikke",
        nn: "Regelen finst ikkje",
        en: "There is no such rule",
        se: "Dakkár njuolggadus ii gávdno",
    }
    rule_unknown_sentence {
        nb: "Ingen regel har dette navnet. Se etter om adressen er blitt avkortet.",
        nn: "Ingen regel har dette namnet. Sjå etter om adressa er blitt avkorta.",
        en: "No rule has this name. See whether the address was cut short.",
        se: "Ovttasge njuolggadusas ii leat dát namma. Geahča leago čujuhus oatnuduvvon.",
    }
    logged_out {
        nb: "Du er logget ut",
        nn: "Du er logga ut",
        en: "You are logged out",
        se: "Leat čálihuvvon olggos",
    }
    logged_out_sentence {
        nb: "Påbegynte innlogginger i denne nettleseren er avsluttet. Du kan lukke vinduet. Har du brukt en delt maskin, så lukk nettleseren helt.",
        nn: "Påbyrja innloggingar i denne nettlesaren er avslutta. Du kan lukke vindauget. Har du brukt ei delt maskin, så lukk nettlesaren heilt.",
        en: "Logins under way in this browser have ended. You can close the window. If the machine is shared, close the browser altogether.",
        se: "Álggahuvvon sisačáliheamit dán neahttalohkkis leat loahpahuvvon. Sáhtát gidde lásiid. Jos leat geavahan oktasaš dihtora, de gidde neahttalohkki ollásit.",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Texts that are the same in two languages because the languages say it alike.
    const ALIKE: &[(&str, &str)] = &[
        ("language", "nb nn"),
        ("development", "nb nn"),
        ("test", "nb nn"),
        ("about", "nb nn"),
        ("back_to", "nb nn"),
        ("log_in", "nb nn"),
        ("log_in_to", "nb nn"),
        ("pid", "nb nn"),
        ("cancel", "nb nn"),
        ("fault", "nb nn"),
        ("pid_not_eleven_digits", "nb nn"),
        ("try_again", "nb nn"),
        ("reference", "nb nn"),
        ("rule", "nb nn"),
        ("environment", "nb nn"),
        ("contact", "nb nn"),
        ("lately", "nb nn"),
    ];

    const TAGS: [&str; 4] = ["nb", "nn", "en", "se"];

    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).map(|rest| rest.split_once('}').expect("a placeholder that ends").0).collect()
    }

    #[test]
    fn no_text_is_another_languages_by_accident() {
        let mut alike = Vec::new();
        for (name, texts) in Texts::ALL.iter().chain(IssuerTexts::ALL) {
            for one in 0..4 {
                for other in one + 1..4 {
                    if texts[one] == texts[other] {
                        alike.push((*name, format!("{} {}", TAGS[one], TAGS[other])));
                    }
                }
            }
        }
        let allowed: Vec<_> = ALIKE.iter().map(|(name, tags)| (*name, (*tags).to_owned())).collect();
        assert_eq!(alike, allowed, "a text that is rightly the same in two languages is listed in ALIKE");
    }

    #[test]
    fn every_text_is_there_and_has_the_same_placeholder_in_each_language() {
        for (name, texts) in Texts::ALL.iter().chain(IssuerTexts::ALL) {
            let wanted = placeholders(texts[0]);
            assert!(wanted.len() <= 1, "{name}: more than one placeholder");
            for (tag, text) in TAGS.iter().zip(texts) {
                assert!(!text.trim().is_empty() && text.trim() == *text, "{name} in {tag}");
                assert_eq!(placeholders(text), wanted, "{name} in {tag}");
                assert_eq!(text.matches('{').count(), wanted.len(), "{name} in {tag}");
                assert!(!text.contains(['<', '>', '&']), "{name} in {tag}: text, not markup");
            }
        }
    }

    #[test]
    fn a_placeholder_stands_between_what_is_before_and_after() {
        assert_eq!(around("Om {name}"), ("Om ", ""));
        assert_eq!(around("{name} birra"), ("", " birra"));
        assert_eq!(around("no placeholder"), ("no placeholder", ""));
    }

    #[test]
    fn each_language_has_its_own_table() {
        let said: BTreeSet<_> = Language::ALL.iter().map(|language| Texts::of(*language).refused).collect();
        assert_eq!(said.len(), 4);
    }
}
