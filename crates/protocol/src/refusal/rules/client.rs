//! Who asks, where the answer goes, and how a client shows who it is.

use super::rules;
use crate::refusal::rule::{Rule, Shared, Text};
use crate::refusal::{ErrorCode, Example};

/// What every caller that did not authenticate is told, whatever the reason: the reason is in the operator's log.
pub static CLIENT_AUTHENTICATION: Shared = Shared {
    sentence: "client authentication failed: check client_id, the registered token_endpoint_auth_method, and the secret",
    quotes: false,
    page: Rule {
        name: "client-authentication",
        code: ErrorCode::InvalidClient,
        clause: "RFC 6749 §5.2",
        status: None,
        told_as: None,
        only: None,
        en: Text {
            title: "The client did not authenticate",
            what: "The client is not registered at this issuer, uses another method than its registered token_endpoint_auth_method, sent a secret that is wrong or has ended, or may not be used at present.",
            why: "Whoever has not shown who it is may not learn what is registered, so each of these has the same answer. Which of them it was stands in the operator's log under the trace_id.",
            mend: "Check client_id and issuer (test and production have their own clients), the method that your library uses, and whether the secret has ended (360 days) or was cut or encoded wrongly. Then give the operator the trace_id.",
        },
        nb: Text {
            title: "Klienten ble ikke autentisert",
            what: "Klienten er ikke registrert hos denne utstederen, bruker en annen metode enn sin registrerte token_endpoint_auth_method, sendte en hemmelighet som er feil eller utløpt, eller kan ikke brukes for tiden.",
            why: "Den som ikke har vist hvem den er, skal ikke få vite hva som er registrert, så alle disse får samme svar. Hvilken av dem det var, står i driftens logg under trace_id.",
            mend: "Kontroller client_id og utsteder (test og produksjon har hver sine klienter), metoden biblioteket bruker, og om hemmeligheten er utløpt (360 dager), avkortet eller feil kodet. Oppgi så trace_id til driften.",
        },
        example: Example::Redemption,
    },
};

rules! {
    chapter CLIENT;

    /// No `client_id` in an authorization request.
    static CLIENT_ID_MISSING = "client-id-missing", InvalidRequest, "RFC 6749 §4.1.1";
    en "client_id is missing",
        "An authorization request names the client that it comes from.",
        "Without a client nobody knows where the answer may go, so the person is shown a page.",
        "Send the client_id that was registered at this issuer.";
    nb "client_id mangler",
        "En autorisasjonsforespørsel oppgir hvilken klient den kommer fra.",
        "Uten klient vet ingen hvor svaret kan sendes, så personen får se en side.",
        "Send client_id slik den ble registrert hos denne utstederen.";
    example Example::Login(&[]);

    /// A `client_id` that is not registered at this issuer.
    static CLIENT_UNKNOWN = "client-unknown", InvalidRequest, "RFC 6749 §4.1.2.1";
    en "The client is not known here",
        "No client with this client_id is registered at this issuer.",
        "An answer to an unknown client could go anywhere, so the person is shown a page and nobody is redirected.",
        "Check the spelling, and that client and issuer are of the same environment: test and production have their own registrations.";
    nb "Klienten er ikke kjent her",
        "Ingen klient med denne client_id er registrert hos denne utstederen.",
        "Et svar til en ukjent klient kunne ha havnet hvor som helst, så personen får se en side, og ingen omdirigeres.",
        "Kontroller skrivemåten, og at klient og utsteder hører til samme miljø: test og produksjon har hver sine registreringer.";
    example Example::Login(&[]);

    /// A client that may not be used at present.
    static CLIENT_STOPPED = "client-stopped", InvalidRequest, "RFC 6749 §4.1.2.1";
    en "The client may not be used at present",
        "The client was deactivated, or its organisation or supplier was, has left, or has not accepted the terms of use in force.",
        "Whoever is responsible for a service must stand behind it for as long as people log in to it.",
        "Activate what was deactivated, or have the organisation or supplier accept the terms of use. It counts from the next request on.";
    nb "Klienten kan ikke brukes for tiden",
        "Klienten, virksomheten eller leverandøren er deaktivert, har trukket seg eller har ikke godtatt gjeldende bruksvilkår.",
        "Den som har ansvar for en tjeneste, må stå bak den så lenge noen logger inn på den.",
        "Aktiver det som er deaktivert, eller la virksomheten eller leverandøren godta bruksvilkårene. Det gjelder fra neste forespørsel.";
    example Example::Activation;

    /// No `redirect_uri`.
    static REDIRECT_URI_MISSING = "redirect-uri-missing", InvalidRequest, "OpenID Connect Core §3.1.2.1";
    en "redirect_uri is missing",
        "An authorization request names one of the client's registered redirect URIs, even if only one is registered.",
        "A guessed address is how codes end up with somebody else.",
        "Send redirect_uri exactly as it is registered, percent-encoded in the URL.";
    nb "redirect_uri mangler",
        "En autorisasjonsforespørsel oppgir en av klientens registrerte redirect URI-er, selv om bare én er registrert.",
        "Gjettede adresser er grunnen til at koder havner hos andre.",
        "Send redirect_uri nøyaktig slik den er registrert, prosentkodet i adressen.";
    example Example::Login(&[]);

    /// A `redirect_uri` that is not one of the client's.
    static REDIRECT_URI_UNREGISTERED = "redirect-uri-unregistered", InvalidRequest, "RFC 6749 §3.1.2.3";
    en "The redirect URI is not registered",
        "redirect_uri is compared with the registered ones character for character: scheme, case, port, path, trailing slash and query all count.",
        "A code sent to an address that merely resembles yours is a stolen login, so the person is shown a page and nobody is redirected.",
        "Register this exact URI beside the others (an update replaces the whole list), or send one that is registered. Behind a proxy, make your framework build the outer https address.";
    nb "Redirect URI-en er ikke registrert",
        "redirect_uri sammenlignes med de registrerte tegn for tegn: protokoll, store og små bokstaver, port, sti, skråstrek til slutt og spørredel teller.",
        "En kode sendt til en adresse som bare ligner din, er en stjålet innlogging, så personen får se en side, og ingen omdirigeres.",
        "Registrer nettopp denne adressen sammen med de andre (en oppdatering erstatter hele listen), eller send en som er registrert. Bak en mellomtjener må rammeverket lage den ytre https-adressen.";
    example Example::Command(
        "client update web --redirect-uri https://rp.example.no/cb --redirect-uri https://rp.example.no/another"
    );

    /// No credentials and no `client_id`.
    static CLIENT_AUTHENTICATION_MISSING = "client-authentication-missing", InvalidClient, "RFC 6749 §5.2";
    en "Client authentication is missing",
        "The request has neither an Authorization header nor client_id in its form.",
        "Codes and tokens are bound to a client, so the request must say which one it comes from.",
        "Authenticate by the method registered for the client: client_secret_basic, client_secret_post, or client_id alone for a public client.";
    nb "Klientautentisering mangler",
        "Forespørselen har verken headeren Authorization eller client_id i skjemaet.",
        "Koder og tokener er bundet til en klient, så forespørselen må si hvilken den kommer fra.",
        "Autentiser med metoden som er registrert for klienten: client_secret_basic, client_secret_post, eller bare client_id for en offentlig klient.";
    example Example::Redemption;

    /// More than one method of client authentication.
    static CLIENT_AUTHENTICATION_TWICE = "client-authentication-twice", InvalidRequest, "RFC 6749 §2.3";
    en "The client authenticates in more than one way",
        "A request uses one method of client authentication: the Authorization header, or client_secret in the form.",
        "With two of them it is open which one counts, and one may be somebody else's.",
        "Send the Authorization header or client_secret, not both. Some libraries send both until one is chosen.";
    nb "Klienten autentiserer seg på mer enn én måte",
        "En forespørsel bruker én metode for klientautentisering: headeren Authorization, eller client_secret i skjemaet.",
        "Med to er det uklart hvilken som gjelder, og den ene kan tilhøre noen andre.",
        "Send headeren Authorization eller client_secret, ikke begge. Noen biblioteker sender begge helt til én er valgt.";
    example Example::Redemption;

    /// `client_id` in the form differs from the one in the header.
    static CLIENT_ID_DIFFERS = "client-id-differs", InvalidRequest, "RFC 6749 §2.3";
    en "Two client_ids differ",
        "The form's client_id is another one than the Authorization header's.",
        "A request comes from one client, or what it asks for could be charged to another.",
        "Send the same client_id in both places, or leave it out of the form.";
    nb "De to client_id-ene er ulike",
        "Skjemaets client_id er en annen enn den i headeren Authorization.",
        "En forespørsel kommer fra én klient, ellers kunne det den ber om, ha blitt tilskrevet en annen.",
        "Send samme client_id begge steder, eller utelat den i skjemaet.";
    example Example::Redemption;

    /// The `Authorization` header is no readable Basic.
    static CLIENT_BASIC_UNREADABLE = "client-basic-unreadable", InvalidClient, "RFC 6749 §2.3.1";
    en "The Basic header cannot be read",
        "The Authorization header is Basic and the base64 of client_id:client_secret, where each of the two is form-encoded first.",
        "A secret with a colon, a plus or a percent sign would otherwise be read as another one.",
        "Form-encode client_id and secret (% becomes %25, + becomes %2B, a colon %3A), join them with a colon, and base64-encode the whole. OAuth libraries do it; curl and plain HTTP clients only do the base64.";
    nb "Basic-headeren kan ikke leses",
        "Headeren Authorization er Basic og base64 av client_id:client_secret, der hver av de to først er skjemakodet.",
        "En hemmelighet med kolon, pluss eller prosenttegn ville ellers ha blitt lest som en annen.",
        "Skjemakod client_id og hemmelighet (% blir %25, + blir %2B, kolon %3A), sett kolon mellom, og base64-kod det hele. OAuth-biblioteker gjør det; curl og enkle HTTP-klienter gjør bare base64-kodingen.";
    example Example::EncodedRedemption;

    /// A method that is not supported at all.
    static CLIENT_METHOD_UNSUPPORTED = "client-method-unsupported", InvalidClient, "RFC 6749 §5.2";
    en "The method of client authentication is not supported",
        "Clients authenticate by client_secret_basic or client_secret_post, and public clients by client_id alone.",
        "Another scheme or an assertion cannot be checked here, and what cannot be checked shows nothing.",
        "Use a method of token_endpoint_auth_methods_supported in the discovery document: the one that is registered for the client.";
    nb "Metoden for klientautentisering støttes ikke",
        "Klienter autentiserer seg med client_secret_basic eller client_secret_post, og offentlige klienter med bare client_id.",
        "En annen metode eller en signert påstand kan ikke kontrolleres her, og det som ikke kan kontrolleres, beviser ingenting.",
        "Bruk en metode fra token_endpoint_auth_methods_supported i metadataene: den som er registrert for klienten.";
    example Example::Redemption;

    /// No such client at this issuer, where clients authenticate.
    static CLIENT_AUTHENTICATION_UNKNOWN = "client-authentication-unknown", InvalidClient, "RFC 6749 §5.2", told as CLIENT_AUTHENTICATION;
    en "The authenticating client is not known here",
        "No client with this client_id is registered at this issuer.",
        "Tokens are given to registered clients alone.",
        "Check the spelling, and that client and issuer are of the same environment: test and production have their own registrations.";
    nb "Klienten som autentiserer seg, er ikke kjent her",
        "Ingen klient med denne client_id er registrert hos denne utstederen.",
        "Tokener gis bare til registrerte klienter.",
        "Kontroller skrivemåten, og at klient og utsteder hører til samme miljø: test og produksjon har hver sine registreringer.";
    example Example::Redemption;

    /// Another method than the registered one.
    static CLIENT_METHOD_DIFFERS = "client-method-differs", InvalidClient, "RFC 6749 §5.2", told as CLIENT_AUTHENTICATION;
    en "The client uses another method than the registered one",
        "A client authenticates by its registered token_endpoint_auth_method, at every endpoint, and by no other.",
        "A client that may choose its method may be made to choose the weakest.",
        "Configure your library for the registered method, or register the one it uses. Many libraries begin with client_secret_basic.";
    nb "Klienten bruker en annen metode enn den registrerte",
        "En klient autentiserer seg med sin registrerte token_endpoint_auth_method på alle endepunkter, og ikke med noen annen.",
        "En klient som kan velge metode, kan lures til å velge den svakeste.",
        "Sett opp biblioteket for den registrerte metoden, eller registrer den det bruker. Mange biblioteker begynner med client_secret_basic.";
    example Example::Command("client update web --token-endpoint-auth-method client_secret_basic");

    /// Not a secret of the client's.
    static CLIENT_SECRET_WRONG = "client-secret-wrong", InvalidClient, "RFC 6749 §5.2", told as CLIENT_AUTHENTICATION;
    en "The secret is wrong",
        "What was sent is none of the client's secrets that hold.",
        "The secret is what shows that a request comes from the client.",
        "Check for a secret of another environment, a cut one, one with a line end, or one that was not form-encoded. If it is lost, rotate it.";
    nb "Hemmeligheten er feil",
        "Det som ble sendt, er ingen av klientens gyldige hemmeligheter.",
        "Hemmeligheten er det som viser at en forespørsel kommer fra klienten.",
        "Se etter en hemmelighet fra et annet miljø, en avkortet, en med linjeskift, eller en som ikke er skjemakodet. Er den tapt, så bytt den ut.";
    example Example::Command("client secret rotate web --keep-old 24h");

    /// A secret of the client's that has ended.
    static CLIENT_SECRET_EXPIRED = "client-secret-expired", InvalidClient, "RFC 6749 §5.2", told as CLIENT_AUTHENTICATION;
    en "The secret has ended",
        "The secret was the client's, but its time is over: a secret holds for 360 days.",
        "A secret that leaked without notice must not be good for ever.",
        "Rotate the secret and configure the new one. Owners are warned 60, 30 and 7 days before the end: see that somebody reads it.";
    nb "Hemmeligheten er utløpt",
        "Hemmeligheten var klientens, men tiden er ute: en hemmelighet gjelder i 360 dager.",
        "En hemmelighet som har lekket uten at noen vet det, skal ikke være gyldig for alltid.",
        "Bytt ut hemmeligheten og sett opp den nye. Eieren varsles 60, 30 og 7 dager før utløpet: sørg for at noen leser varselet.";
    example Example::Command("client secret rotate web");

    /// A client that may not be used at present, where clients authenticate.
    static CLIENT_AUTHENTICATION_STOPPED = "client-authentication-stopped", InvalidClient, "RFC 6749 §5.2", told as CLIENT_AUTHENTICATION;
    en "The authenticating client may not be used at present",
        "The client was deactivated, or its organisation or supplier was, has left, or has not accepted the terms of use in force.",
        "Whoever is responsible for a service must stand behind it for as long as it gets tokens.",
        "Activate what was deactivated, or have the organisation or supplier accept the terms of use. It counts from the next request on.";
    nb "Klienten som autentiserer seg, kan ikke brukes for tiden",
        "Klienten, virksomheten eller leverandøren er deaktivert, har trukket seg eller har ikke godtatt gjeldende bruksvilkår.",
        "Den som har ansvar for en tjeneste, må stå bak den så lenge den får tokener.",
        "Aktiver det som er deaktivert, eller la virksomheten eller leverandøren godta bruksvilkårene. Det gjelder fra neste forespørsel.";
    example Example::Activation;
}
