//! Access tokens where they are presented.

use super::rules;
use crate::refusal::rule::{Rule, Shared, Text};
use crate::refusal::{ErrorCode, Example};

/// What every caller with a token that is not good is told, whatever the reason: the reason is in the operator's log.
pub static TOKEN_NOT_GOOD: Shared = Shared {
    sentence: "the access token is unknown, has ended, or was revoked",
    quotes: false,
    page: Rule {
        name: "token-not-good",
        code: ErrorCode::InvalidToken,
        clause: "RFC 6750 §3.1",
        status: None,
        told_as: None,
        only: None,
        en: Text {
            title: "The access token is not good",
            what: "The token is none of this issuer's, has ended, was revoked, or may not be used at present: its client, an organisation, the person, a scope or a customer of it was stopped or withdrawn.",
            why: "Whoever presents a token may have found it, so each of these has the same answer. Which of them it was stands in the operator's log under the trace_id.",
            mend: "Send the access_token of the latest token response, not the id_token, to the issuer that gave it. Refresh or log in again when expires_in is over, and give the operator the trace_id if it still fails.",
        },
        nb: Text {
            title: "Tilgangstokenet er ikke gyldig",
            what: "Tokenet er ikke denne utstederens, er utløpt, er kalt tilbake, eller kan ikke brukes for tiden: klienten, en virksomhet, personen, et scope eller en kunde bak det er stoppet eller trukket tilbake.",
            why: "Den som viser frem et token, kan ha funnet det, så alle disse får samme svar. Hvilken av dem det var, står i driftens logg under trace_id.",
            mend: "Send access_token fra det siste tokensvaret, ikke id_token, til utstederen som ga det. Forny eller logg inn igjen når expires_in er over, og oppgi trace_id til driften hvis det fortsatt feiler.",
        },
        example: Example::Userinfo,
    },
};

rules! {
    chapter BEARER;

    /// No token at all.
    static BEARER_MISSING = "bearer-missing", InvalidToken, "RFC 6750 §3.1";
    en "The access token is missing",
        "A request to userinfo carries an access token. Without one the answer is a bare 401, as the standard has it.",
        "Claims about a person are given to nobody who has not been let in.",
        "Send Authorization: Bearer and the access token. A token in the query is not read.";
    nb "Tilgangstokenet mangler",
        "En forespørsel til userinfo har med et tilgangstoken. Uten det får du et tomt 401-svar, slik standarden sier.",
        "Opplysninger om en person gis ikke til noen som ikke er sluppet inn.",
        "Send Authorization: Bearer og tilgangstokenet. Et token i adressen blir ikke lest.";
    example Example::Userinfo;

    /// The token in more than one place.
    static BEARER_TWICE = "bearer-twice", InvalidRequest, "RFC 6750 §2";
    en "The access token stands in more than one place",
        "A request presents its access token once: in the Authorization header, or in the form of a POST.",
        "Two tokens leave open whose claims were asked for.",
        "Send the token in the Authorization header only.";
    nb "Tilgangstokenet står mer enn ett sted",
        "En forespørsel viser frem tilgangstokenet én gang: i headeren Authorization, eller i skjemaet i en POST.",
        "To tokener lar det stå åpent hvem det ble spurt om.",
        "Send tokenet bare i headeren Authorization.";
    example Example::Userinfo;

    /// An `Authorization` header of another scheme, or without a token.
    static BEARER_SCHEME = "bearer-scheme", InvalidToken, "RFC 6750 §2.1";
    en "The Authorization header is not Bearer and a token",
        "The header is the word Bearer, one space, and the access token.",
        "Another scheme is another kind of proof, which userinfo does not know.",
        "Send Authorization: Bearer and the access token. The client's Basic header belongs to the token endpoint.";
    nb "Headeren Authorization er ikke Bearer og et token",
        "Headeren er ordet Bearer, ett mellomrom, og tilgangstokenet.",
        "En annen metode er et annet slags bevis, som userinfo ikke kjenner.",
        "Send Authorization: Bearer og tilgangstokenet. Klientens Basic-header hører til tokenendepunktet.";
    example Example::Userinfo;

    /// No such token at this issuer.
    static TOKEN_UNKNOWN = "token-unknown", InvalidToken, "RFC 6750 §3.1", told as TOKEN_NOT_GOOD;
    en "The access token is not known",
        "The token was not given by this issuer, or was changed on its way.",
        "A token says something only to the issuer that can vouch for it.",
        "Send the access_token, not the id_token: the id_token tells your service who logged in, and opens no API. Check that issuer and token are of one environment.";
    nb "Tilgangstokenet er ikke kjent",
        "Tokenet ble ikke gitt av denne utstederen, eller er endret på veien.",
        "Et token sier noe bare til utstederen som kan gå god for det.",
        "Send access_token, ikke id_token: id_token forteller tjenesten din hvem som logget inn, og åpner ingen API-er. Kontroller at utsteder og token hører til samme miljø.";
    example Example::Userinfo;

    /// Past its end, or its authorization's.
    static TOKEN_EXPIRED = "token-expired", InvalidToken, "RFC 6750 §3.1", told as TOKEN_NOT_GOOD;
    en "The access token has ended",
        "An access token is good for access_token_lifetime from its issuance, and never longer than authorization_lifetime from the login.",
        "A token that leaks should be worth little, and for a short time.",
        "Ask userinfo right after the login, or refresh first. If the token should last longer, register a longer lifetime.";
    nb "Tilgangstokenet er utløpt",
        "Et tilgangstoken gjelder i access_token_lifetime fra det ble gitt, og aldri lenger enn authorization_lifetime fra innloggingen.",
        "Et token som lekker, bør være lite verdt, og i kort tid.",
        "Spør userinfo rett etter innloggingen, eller forny først. Skal tokenet vare lenger, så registrer en lengre levetid.";
    example Example::Userinfo;

    /// Taken back.
    static TOKEN_REVOKED = "token-revoked", InvalidToken, "RFC 6750 §3.1", told as TOKEN_NOT_GOOD;
    en "The access token was revoked",
        "The token was taken back: by its client (RFC 7009), by the operator (portvakt revoke), with a client that became another's, or because its code or refresh token was used twice.",
        "What was taken back must open nothing any more.",
        "Log in again. If neither the client nor the operator revoked it, and the client is whose it was, a code or a refresh token was used twice: look for the retry.";
    nb "Tilgangstokenet er kalt tilbake",
        "Tokenet ble kalt tilbake: av klienten (RFC 7009), av driften (portvakt revoke), med en klient som ble en annens, eller fordi koden eller fornyingstokenet ble brukt to ganger.",
        "Det som er kalt tilbake, skal ikke åpne noe mer.",
        "Logg inn på nytt. Har verken klienten eller driften kalt det tilbake, og er klienten den samme virksomhetens som før, ble en kode eller et fornyingstoken brukt to ganger: se etter det gjentatte forsøket.";
    example Example::Userinfo;

    /// The client, its organisation or supplier, the person, a scope or the customer may not be used at present.
    static TOKEN_STOPPED = "token-stopped", InvalidToken, "RFC 6750 §3.1", told as TOKEN_NOT_GOOD;
    en "The access token may not be used at present",
        "The client behind the token, its organisation or supplier, or the person has been stopped, or a scope or the customer (onbehalfof) of the token is no longer the client's to use.",
        "Whatever is stopped or withdrawn is so at every endpoint, whatever was given before.",
        "The log says which of them it was: activate it or have it given back; an organisation that withdrew accepts the terms of use anew. Or log in again without the scope or the customer.";
    nb "Tilgangstokenet kan ikke brukes for tiden",
        "Klienten bak tokenet, virksomheten, leverandøren eller personen er stoppet, eller klienten kan ikke lenger bruke et scope eller kunden (onbehalfof) i tokenet.",
        "Det som er stoppet eller trukket tilbake, er det på alle endepunkter, uansett hva som ble gitt før.",
        "Loggen sier hvilken av dem det var: aktiver det eller få det gitt tilbake; en virksomhet som har trukket seg, godtar bruksvilkårene på nytt. Eller logg inn på nytt uten scopet eller kunden.";
    example Example::ActivationOrPerson;

    /// A token without the scope `profile`.
    static SCOPE_PROFILE_MISSING = "scope-profile-missing", InsufficientScope, "RFC 6750 §3.1";
    en "The token lacks the scope profile",
        "Userinfo answers a token that has the scope profile.",
        "Claims are given for what the login asked for, and openid alone asks only who it was.",
        "Ask for scope openid profile in the login, or register userinfo_without_profile on the client.";
    nb "Tokenet mangler scopet profile",
        "Userinfo svarer på et token som har scopet profile.",
        "Opplysninger gis for det innloggingen ba om, og openid alene ber bare om hvem det var.",
        "Be om scopene openid og profile i innloggingen, eller registrer userinfo_without_profile på klienten.";
    example Example::Login(&[]);
}
