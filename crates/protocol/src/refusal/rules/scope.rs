//! Scopes, and whom a client acts for.

use super::rules;
use crate::refusal::rule::{Rule, Shared, Text};
use crate::refusal::{ErrorCode, Example};

/// What whoever asks for a scope that the client may not use is told, whatever the reason: an authorization request comes from anyone, and
/// what is registered, and what an owner has answered, is the client's organisation's to know.
pub static SCOPE_REFUSED: Shared = Shared {
    sentence: "scope: expected only scopes that the client may use now",
    quotes: true,
    page: Rule {
        name: "scope-refused",
        code: ErrorCode::InvalidScope,
        clause: "RFC 6749 §3.3",
        status: None,
        told_as: None,
        only: None,
        en: Text {
            title: "The client may not use the scope",
            what: "The scope is not registered on the client, is out of use, is not open to the client's organisation, or is not for clients of its integration type.",
            why: "An authorization request can come from anyone, so each of these has the same answer. Which of them it was stands in the operator's log under the trace_id.",
            mend: "Check the scopes of the client's registration in this environment (portvakt client show), and the organisation's access to each (portvakt scope access list). Then give the operator the trace_id.",
        },
        nb: Text {
            title: "Klienten kan ikke bruke scopet",
            what: "Scopet er ikke registrert på klienten, er tatt ut av bruk, er ikke åpent for klientens virksomhet, eller er ikke for klienter med denne integrasjonstypen.",
            why: "En autorisasjonsforespørsel kan komme fra hvem som helst, så alle disse får samme svar. Hvilken av dem det var, står i driftens logg under trace_id.",
            mend: "Kontroller hvilke scope klienten er registrert med i dette miljøet (portvakt client show), og virksomhetens tilgang til hvert av dem (portvakt scope access list). Oppgi så trace_id til driften.",
        },
        example: Example::Login(&[]),
    },
};

rules! {
    chapter SCOPE;

    /// No `scope`.
    static SCOPE_MISSING = "scope-missing", InvalidScope, "RFC 6749 §3.3";
    en "scope is missing",
        "A request names at least one scope that is registered on the client.",
        "What a token may do is never assumed: the client asks for it by name.",
        "Send scope=openid for a login, and profile beside it for userinfo.";
    nb "scope mangler",
        "En forespørsel oppgir minst ett scope som er registrert på klienten.",
        "Hva et token kan brukes til, antas aldri: klienten ber om det ved navn.",
        "Send scope=openid for en innlogging, og profile i tillegg for userinfo.";
    example Example::Login(&[]);

    /// `scope` cannot be read.
    static SCOPE_SYNTAX = "scope-syntax", InvalidScope, "RFC 6749 §3.3";
    en "scope cannot be read",
        "scope holds at most 64 scopes with single spaces between them, and no quotes or backslashes.",
        "A list that can be read in two ways could give more than was meant.",
        "Separate scopes with one space, encoded as + or %20, not with commas.";
    nb "scope kan ikke leses",
        "scope inneholder høyst 64 scope med ett mellomrom mellom, og ingen anførselstegn eller omvendte skråstreker.",
        "En liste som kan leses på to måter, kunne ha gitt mer enn det som var ment.",
        "Skill scopene med ett mellomrom, kodet som + eller %20, ikke med komma.";
    example Example::Login(&[]);

    /// A scope that is not registered on the client (the pain known as MP-200).
    static SCOPE_NOT_REGISTERED = "scope-not-registered", InvalidScope, "RFC 6749 §3.3", told as SCOPE_REFUSED;
    en "The scope is not registered on the client",
        "A client may ask for the scopes of its own registration, at this issuer.",
        "The registration is where somebody decided what the service needs. Test and production have one each.",
        "Register the scope on the client in this environment, beside its others (an update replaces the whole list), or leave it out of the request. The change counts from the next request on.";
    nb "Scopet er ikke registrert på klienten",
        "En klient kan be om scope fra sin egen registrering, hos denne utstederen.",
        "Registreringen er der noen bestemte hva tjenesten trenger. Test og produksjon har hver sin.",
        "Registrer scopet på klienten i dette miljøet, sammen med de andre (en oppdatering erstatter hele listen), eller utelat det i forespørselen. Endringen gjelder fra neste forespørsel.";
    example Example::Command("client update web --scope openid --scope profile --scope skatt:inntekt");

    /// A scope that its owner took out of use.
    static SCOPE_DEACTIVATED = "scope-deactivated", InvalidScope, "RFC 6749 §3.3", told as SCOPE_REFUSED;
    en "The scope is out of use",
        "The scope is registered on the client, but its owner has deactivated it.",
        "An API that was closed must not go on handing out access.",
        "Leave the scope out, or ask its owner which one took its place.";
    nb "Scopet er tatt ut av bruk",
        "Scopet er registrert på klienten, men eieren har deaktivert det.",
        "Et API som er stengt, skal ikke fortsette å gi tilgang.",
        "Utelat scopet, eller spør eieren hvilket som har tatt over.";
    example Example::Login(&[]);

    /// The client's organisation has no access to the scope (the pain known as MP-250).
    static SCOPE_NOT_GRANTED = "scope-not-granted", InvalidScope, "RFC 6749 §3.3", told as SCOPE_REFUSED;
    en "The organisation has no access to the scope",
        "The scope belongs to another organisation, and yours has no approved access to it: it has asked, was denied, lost it, or never asked.",
        "The owner of an API decides who may use it. Access is given per organisation and per environment.",
        "Ask the scope's owner to approve your organisation's access in this environment. Registering the scope on the client alone is not enough.";
    nb "Virksomheten har ikke tilgang til scopet",
        "Scopet eies av en annen virksomhet, og din har ingen godkjent tilgang: den har bedt om tilgang, fått avslag, mistet tilgangen eller aldri spurt.",
        "Den som eier et API, bestemmer hvem som kan bruke det. Tilgang gis per virksomhet og per miljø.",
        "Be eieren av scopet godkjenne tilgangen for din virksomhet i dette miljøet. Å registrere scopet på klienten er ikke nok alene.";
    example Example::Command("scope access approve skatt:inntekt 910753614");

    /// The scope is for other integration types than the client's (the pain known as MP-201).
    static SCOPE_INTEGRATION_TYPE = "scope-integration-type", InvalidScope, "ID-porten, scope: allowed_integration_types", told as SCOPE_REFUSED;
    en "The scope is not for this kind of client",
        "The scope lists the integration types that may use it, and the client's is not among them.",
        "A client for logins alone must not become a way into APIs.",
        "Register the service as a client of an allowed integration_type, such as api_klient.";
    nb "Scopet er ikke for denne typen klient",
        "Scopet lister opp integrasjonstypene som kan bruke det, og klientens er ikke blant dem.",
        "En klient som bare er til innlogging, skal ikke bli en vei inn til API-er.",
        "Registrer tjenesten som en klient med en tillatt integration_type, for eksempel api_klient.";
    example Example::Catalogue(
        "integration_type = \"api_klient\"\nscopes = [\"openid\", \"skatt:inntekt\"]\n",
        "\n[[scopes]]\nscope = \"skatt:inntekt\"\nowner_orgno = \"910753614\"\nallowed_integration_types = [\"api_klient\"]"
    );

    /// An `onbehalfof` that is not registered under the client.
    static ONBEHALFOF_UNKNOWN = "onbehalfof-unknown", InvalidRequest, "ID-porten, authorization request: onbehalfof";
    en "onbehalfof is not registered",
        "onbehalfof names a customer that is registered under this client.",
        "The person is shown for whom the login is, so it must be somebody whom the supplier has registered.",
        "Register the customer under the client at this issuer, spelt exactly so, or leave onbehalfof out.";
    nb "onbehalfof er ikke registrert",
        "onbehalfof oppgir en kunde som er registrert under denne klienten.",
        "Personen får se hvem innloggingen gjelder, så det må være en som leverandøren har registrert.",
        "Registrer kunden under klienten hos denne utstederen, skrevet nøyaktig slik, eller utelat onbehalfof.";
    example Example::Catalogue(
        "scopes = [\"openid\"]\n",
        "\n[[clients.onbehalfof]]\nonbehalfof = \"oslo\"\ndisplay_name = \"Oslo kommune\"\norgno = \"889640782\"\nurl = \"https://oslo.example.no/\""
    );

    /// A login for a customer that is no longer registered under the client.
    static ONBEHALFOF_WITHDRAWN = "onbehalfof-withdrawn", InvalidGrant, "ID-porten, authorization request: onbehalfof";
    en "The customer is no longer registered",
        "The person logged in for a customer, by onbehalfof, that has since been taken from the client's registration.",
        "A supplier acts for a customer only for as long as both say so.",
        "Register the customer again, or have the person log in anew without it.";
    nb "Kunden er ikke lenger registrert",
        "Personen logget inn for en kunde, med onbehalfof, som siden er fjernet fra klientens registrering.",
        "En leverandør handler for en kunde bare så lenge begge er enige om det.",
        "Registrer kunden på nytt, eller la personen logge inn igjen uten onbehalfof.";
    example Example::Catalogue(
        "scopes = [\"openid\"]\n",
        "\n[[clients.onbehalfof]]\nonbehalfof = \"oslo\"\ndisplay_name = \"Oslo kommune\"\norgno = \"889640782\"\nurl = \"https://oslo.example.no/\""
    );
}
