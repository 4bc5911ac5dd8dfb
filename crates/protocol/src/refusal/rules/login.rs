//! The login itself, and logins that a test suite asks for by `login_hint`.

use super::rules;
use crate::refusal::rule::{Rule, Text};
use crate::refusal::{ErrorCode, Example};

rules! {
    chapter LOGIN;

    /// `prompt=none`, and the person must log in.
    static LOGIN_REQUIRED = "login-required", LoginRequired, "OpenID Connect Core §3.1.2.6";
    en "The person must log in",
        "The request said prompt=none, and there is no login that could answer it without a page.",
        "prompt=none asks whether the person is logged in already. This answer is the standard's no.",
        "Send the request again without prompt=none when the person is there. Renewing in a hidden frame is not supported.";
    nb "Personen må logge inn",
        "Forespørselen sa prompt=none, og det finnes ingen innlogging som kan besvare den uten en side.",
        "prompt=none spør om personen alt er logget inn. Dette er standardens måte å svare nei på.",
        "Send forespørselen på nytt uten prompt=none når personen er til stede. Fornying i en skjult ramme støttes ikke.";
    example Example::Login(&[]);

    /// The person cancelled.
    static CANCELLED = "cancelled", AccessDenied, "RFC 6749 §4.1.2.1";
    en "The person cancelled",
        "The person chose to cancel on the login page.",
        "A person may always say no, and your service is told so that it need not guess.",
        "Show the person where the login was begun, and offer to log in again. It is no fault.";
    nb "Personen avbrøt",
        "Personen valgte å avbryte på innloggingssiden.",
        "En person kan alltid si nei, og tjenesten din får vite det så den slipper å gjette.",
        "Vis personen stedet der innloggingen begynte, og tilby å logge inn igjen. Det er ingen feil.";
    example Example::Login(&[]);

    /// We cannot answer at present.
    static UNAVAILABLE = "unavailable", TemporarilyUnavailable, "RFC 6749 §4.1.2.1";
    en "It cannot be answered at present",
        "Something failed on our side, and the operator's log says what under the trace_id.",
        "Your request may be good: nobody looked at it to its end.",
        "Send it again in a moment. If it goes on, give the operator the trace_id.";
    nb "Det kan ikke besvares for tiden",
        "Noe feilet hos oss, og driftens logg sier hva under trace_id.",
        "Forespørselen din kan være i orden: den ble ikke ferdig behandlet.",
        "Send den igjen om et øyeblikk. Vedvarer feilen, så oppgi trace_id til driften.";
    example Example::Login(&[]);

    /// The person who logged in may not.
    static PERSON_STOPPED = "person-stopped", AccessDenied, "RFC 6749 §4.1.2.1";
    en "The person may not log in",
        "The test person was deactivated, or is none of those that may log in at this issuer.",
        "A person who is stopped must be stopped everywhere and at once.",
        "Log in as an active test person of this issuer, or activate this one.";
    nb "Personen kan ikke logge inn",
        "Testpersonen er deaktivert, eller er ikke blant dem som kan logge inn hos denne utstederen.",
        "En person som er stoppet, skal være stoppet overalt og med det samme.",
        "Logg inn som en aktiv testperson hos denne utstederen, eller aktiver denne.";
    example Example::Person;

    /// No eID that reaches the level is to be had at this issuer.
    static NO_EID = "no-eid", TemporarilyUnavailable, "RFC 6749 §4.1.2.1";
    en "No eID can be used at present",
        "No electronic ID that reaches the level asked for is offered at this issuer.",
        "A login page without a way to log in would help nobody.",
        "The operator configures an eID for this issuer, such as TestID in a test environment.";
    nb "Ingen eID kan brukes for tiden",
        "Ingen elektronisk ID som når nivået det bes om, tilbys hos denne utstederen.",
        "En innloggingsside uten en måte å logge inn på ville ikke ha hjulpet noen.",
        "Driften setter opp en eID for denne utstederen, for eksempel TestID i et testmiljø.";
    example Example::TestId;

    /// A `testid:` hint where TestID is not offered.
    static LOGIN_HINT_NOT_OFFERED = "login-hint-not-offered", InvalidRequest, "ID-porten test environment: login_hint", only NoTestId;
    en "TestID is not offered here",
        "login_hint=testid:... logs a test person in without a page, where TestID is offered. It is not offered at this issuer.",
        "Nobody logs in without a page where real people do.",
        "Leave login_hint out, or use an issuer of a test environment.";
    nb "TestID tilbys ikke her",
        "login_hint=testid:... logger inn en testperson uten en side, der TestID tilbys. Det tilbys ikke hos denne utstederen.",
        "Ingen logger inn uten en side der virkelige personer gjør det.",
        "Utelat login_hint, eller bruk en utsteder i et testmiljø.";
    example Example::Login(&[]);

    /// A `testid:` hint of another form.
    static LOGIN_HINT_SYNTAX = "login-hint-syntax", InvalidRequest, "ID-porten test environment: login_hint", only TestId;
    en "The testid hint cannot be read",
        "The hint is testid:, an identity number, an underscore and a level of this issuer.",
        "A test suite that waits at a login page says nothing, so a wrong hint is refused at once.",
        "Write login_hint=testid:<pid>_<acr>, form-encoded.";
    nb "testid-hintet kan ikke leses",
        "Hintet er testid:, et fødselsnummer, en understrek og et nivå hos denne utstederen.",
        "En test som venter på en innloggingsside, sier ingenting, så et feil hint avvises med det samme.",
        "Skriv login_hint=testid:<pid>_<acr>, skjemakodet.";
    example Example::TestLogin(&[("login_hint", "testid:21879498012_{high}")]);

    /// The number in a `testid:` hint.
    static LOGIN_HINT_NUMBER = "login-hint-number", InvalidRequest, "ID-porten test environment: login_hint", only TestId;
    en "The number in the testid hint is not synthetic",
        "The number has eleven digits with right control digits, and 80 is added to its month.",
        "Such a number belongs to no real person, and a real one must never stand in a URL.",
        "Use a test person: the issuer's own page lists some.";
    nb "Nummeret i testid-hintet er ikke syntetisk",
        "Nummeret har elleve siffer med riktige kontrollsiffer, og 80 er lagt til måneden.",
        "Et slikt nummer tilhører ingen virkelig person, og et virkelig nummer skal aldri stå i en adresse.",
        "Bruk en testperson: utstederens egen side lister opp noen.";
    example Example::TestLogin(&[("login_hint", "testid:21879498012_{high}")]);

    /// A level in a `testid:` hint that the issuer does not have.
    static LOGIN_HINT_LEVEL_UNKNOWN = "login-hint-level-unknown", InvalidRequest, "ID-porten test environment: login_hint", only TestId;
    en "The level in the testid hint is unknown",
        "After the number and the underscore stands a level of this issuer, written as in acr_values.",
        "The login is to reach the level that the test is about, and no other.",
        "Write a level of acr_values_supported after the number.";
    nb "Nivået i testid-hintet er ukjent",
        "Etter nummeret og understreken står et nivå hos denne utstederen, skrevet som i acr_values.",
        "Innloggingen skal nå det nivået testen handler om, og ikke noe annet.",
        "Skriv et nivå fra acr_values_supported etter nummeret.";
    example Example::TestLogin(&[("login_hint", "testid:21879498012_{high}")]);

    /// A level in a `testid:` hint below the request's minimum.
    static LOGIN_HINT_LEVEL_LOW = "login-hint-level-low", InvalidRequest, "ID-porten test environment: login_hint", only TestId;
    en "The level in the testid hint is too low",
        "The hint's level is below the lowest level that acr_values asks for.",
        "A login never answers with less than was asked for.",
        "Raise the level of the hint, or lower acr_values.";
    nb "Nivået i testid-hintet er for lavt",
        "Nivået i hintet er under det laveste som acr_values ber om.",
        "En innlogging svarer aldri med mindre enn det som ble bedt om.",
        "Hev nivået i hintet, eller senk acr_values.";
    example Example::TestLogin(&[("acr_values", "{high}"), ("login_hint", "testid:21879498012_{high}")]);
}
