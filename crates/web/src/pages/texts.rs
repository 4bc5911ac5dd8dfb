//! The words of the pages in four languages.

use portvakt_protocol::language::Language;

/// Every text of the pages, in one language.
pub(crate) struct Texts {
    pub(crate) log_in: &'static str,
    pub(crate) log_in_to: &'static str,
    pub(crate) pid: &'static str,
    pub(crate) pid_hint: &'static str,
    pub(crate) level: &'static str,
    pub(crate) cancel: &'static str,
    pub(crate) error: &'static str,
    pub(crate) reference: &'static str,
    pub(crate) request_wrong: &'static str,
    pub(crate) cookie_gone: &'static str,
    pub(crate) login_expired: &'static str,
    pub(crate) login_finished: &'static str,
    pub(crate) form_stale: &'static str,
    pub(crate) unavailable: &'static str,
    pub(crate) logged_out: &'static str,
    pub(crate) logged_out_sentence: &'static str,
    pub(crate) pid_not_eleven_digits: &'static str,
    pub(crate) pid_wrong: &'static str,
    pub(crate) pid_not_synthetic: &'static str,
    pub(crate) level_wrong: &'static str,
    pub(crate) person_stopped: &'static str,
}

impl Texts {
    /// The texts in `language`.
    pub(crate) fn of(language: Language) -> &'static Self {
        match language {
            Language::Nb => &NB,
            Language::Nn => &NN,
            Language::En => &EN,
            Language::Se => &SE,
        }
    }
}

static NB: Texts = Texts {
    log_in: "Logg inn",
    log_in_to: "Innlogging til",
    pid: "Syntetisk fødselsnummer",
    pid_hint: "Elleve siffer. Bare syntetiske nummer kan brukes her.",
    level: "Sikkerhetsnivå",
    cancel: "Avbryt",
    error: "Noe er galt",
    reference: "Referanse",
    request_wrong: "Tjenesten du kom fra, har sendt en forespørsel som ikke kan besvares. Gå tilbake til tjenesten og prøv igjen.",
    cookie_gone: "Nettleseren har ikke med seg informasjonskapselen fra da innloggingen startet. Gå tilbake til tjenesten og begynn på nytt.",
    login_expired: "Innloggingen tok for lang tid og er avsluttet. Gå tilbake til tjenesten og begynn på nytt.",
    login_finished: "Denne innloggingen er allerede fullført. Gå tilbake til tjenesten.",
    form_stale: "Skjemaet kom ikke fra siden vår. Gå tilbake til tjenesten og begynn på nytt.",
    unavailable: "Innlogging er ikke tilgjengelig akkurat nå. Prøv igjen om litt.",
    logged_out: "Du er logget ut",
    logged_out_sentence: "Påbegynte innlogginger i denne nettleseren er avsluttet.",
    pid_not_eleven_digits: "Fødselsnummeret må ha elleve siffer.",
    pid_wrong: "Fødselsnummeret er ikke gyldig. Kontroller sifrene.",
    pid_not_synthetic: "Bare syntetiske fødselsnummer (måned pluss 80) kan brukes her. Ikke bruk nummeret til en virkelig person.",
    level_wrong: "Velg et av nivåene.",
    person_stopped: "Denne testpersonen kan ikke logge inn her.",
};

static NN: Texts = Texts {
    log_in: "Logg inn",
    log_in_to: "Innlogging til",
    pid: "Syntetisk fødselsnummer",
    pid_hint: "Elleve siffer. Berre syntetiske nummer kan brukast her.",
    level: "Tryggleiksnivå",
    cancel: "Avbryt",
    error: "Noko er gale",
    reference: "Referanse",
    request_wrong: "Tenesta du kom frå, har sendt ein førespurnad som ikkje kan svarast på. Gå tilbake til tenesta og prøv igjen.",
    cookie_gone: "Nettlesaren har ikkje med seg informasjonskapselen frå då innlogginga starta. Gå tilbake til tenesta og byrja på nytt.",
    login_expired: "Innlogginga tok for lang tid og er avslutta. Gå tilbake til tenesta og byrja på nytt.",
    login_finished: "Denne innlogginga er alt fullført. Gå tilbake til tenesta.",
    form_stale: "Skjemaet kom ikkje frå sida vår. Gå tilbake til tenesta og byrja på nytt.",
    unavailable: "Innlogging er ikkje tilgjengeleg akkurat no. Prøv igjen om litt.",
    logged_out: "Du er logga ut",
    logged_out_sentence: "Påbyrja innloggingar i denne nettlesaren er avslutta.",
    pid_not_eleven_digits: "Fødselsnummeret må ha elleve siffer.",
    pid_wrong: "Fødselsnummeret er ikkje gyldig. Kontroller siffera.",
    pid_not_synthetic: "Berre syntetiske fødselsnummer (månad pluss 80) kan brukast her. Ikkje bruk nummeret til ein verkeleg person.",
    level_wrong: "Vel eitt av nivåa.",
    person_stopped: "Denne testpersonen kan ikkje logga inn her.",
};

static EN: Texts = Texts {
    log_in: "Log in",
    log_in_to: "Logging in to",
    pid: "Synthetic national identity number",
    pid_hint: "Eleven digits. Only synthetic numbers can be used here.",
    level: "Security level",
    cancel: "Cancel",
    error: "Something is wrong",
    reference: "Reference",
    request_wrong: "The service you came from sent a request that cannot be answered. Go back to the service and try again.",
    cookie_gone: "The browser did not bring the cookie from when the login began. Go back to the service and begin again.",
    login_expired: "The login took too long and has ended. Go back to the service and begin again.",
    login_finished: "This login is already complete. Go back to the service.",
    form_stale: "The form did not come from our page. Go back to the service and begin again.",
    unavailable: "Login is not available right now. Try again in a moment.",
    logged_out: "You are logged out",
    logged_out_sentence: "Logins under way in this browser have ended.",
    pid_not_eleven_digits: "The identity number must have eleven digits.",
    pid_wrong: "The identity number is not valid. Check the digits.",
    pid_not_synthetic: "Only synthetic numbers (month plus 80) can be used here. Do not use a real person's number.",
    level_wrong: "Pick one of the levels.",
    person_stopped: "This test person cannot log in here.",
};

static SE: Texts = Texts {
    log_in: "Čálit sisa",
    log_in_to: "Sisačáliheapmi bálvalussii",
    pid: "Syntehtalaš riegádannummir",
    pid_hint: "Oktanuppelohkái logu. Dušše syntehtalaš nummirat dohkkejit dáppe.",
    level: "Sihkarvuođadássi",
    cancel: "Gaskkalduhte",
    error: "Juoga lea boastut",
    reference: "Čujuhus",
    request_wrong: "Bálvalus mas bohtet, lea sádden jearaldaga masa ii sáhte vástidit. Mana ruovttoluotta bálvalussii ja geahččal ođđasit.",
    cookie_gone: "Neahttalohkkis ii leat mielde diehtogáhkku das go sisačáliheapmi álggii. Mana ruovttoluotta bálvalussii ja álgge ođđasit.",
    login_expired: "Sisačáliheapmi bisttii menddo guhká ja lea loahpahuvvon. Mana ruovttoluotta bálvalussii ja álgge ođđasit.",
    login_finished: "Dát sisačáliheapmi lea juo gárvvis. Mana ruovttoluotta bálvalussii.",
    form_stale: "Skovvi ii boahtán min siiddus. Mana ruovttoluotta bálvalussii ja álgge ođđasit.",
    unavailable: "Sisačáliheapmi ii doaimma dál. Geahččal fas áiggážis.",
    logged_out: "Leat čálihuvvon olggos",
    logged_out_sentence: "Álggahuvvon sisačáliheamit dán neahttalohkkis leat loahpahuvvon.",
    pid_not_eleven_digits: "Riegádannummiris galget leat oktanuppelohkái logu.",
    pid_wrong: "Riegádannummir ii leat gustovaš. Dárkkis loguid.",
    pid_not_synthetic: "Dušše syntehtalaš nummirat (mánnu lasihuvvon 80) dohkkejit dáppe. Ale geavat duohta olbmo nummira.",
    level_wrong: "Vállje ovtta dásiin.",
    person_stopped: "Dát teastaolmmoš ii sáhte čálit sisa dáppe.",
};
