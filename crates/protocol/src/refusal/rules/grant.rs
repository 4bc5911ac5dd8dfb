//! Grants, and the exchange of a code.

use super::rules;
use crate::refusal::rule::{Rule, Text};
use crate::refusal::{ErrorCode, Example};

rules! {
    chapter GRANT;

    /// No `grant_type`.
    static GRANT_TYPE_MISSING = "grant-type-missing", InvalidRequest, "RFC 6749 §4.1.3";
    en "grant_type is missing",
        "A token request says by what it asks: authorization_code or refresh_token.",
        "Each grant has rules of its own, and a guess could apply the wrong ones.",
        "Send grant_type in the form, not in the URL or in JSON.";
    nb "grant_type mangler",
        "En tokenforespørsel sier hva den bygger på: authorization_code eller refresh_token.",
        "Hver type har sine egne regler, og en gjetning kunne ha ført til feil regler.",
        "Send grant_type i skjemaet, ikke i adressen eller i JSON.";
    example Example::Redemption;

    /// A `grant_type` that is not supported.
    static GRANT_TYPE_UNSUPPORTED = "grant-type-unsupported", UnsupportedGrantType, "RFC 6749 §5.2";
    en "The grant type is not supported",
        "The token endpoint knows authorization_code and refresh_token.",
        "Passwords belong to the person's eID, and clients without a person have no login to show here.",
        "Use the code flow. grant_types_supported in the discovery document lists what there is.";
    nb "grant_type støttes ikke",
        "Tokenendepunktet kjenner authorization_code og refresh_token.",
        "Passord hører til personens eID, og klienter uten en person har ingen innlogging å vise til her.",
        "Bruk kodeflyten. grant_types_supported i metadataene lister opp det som finnes.";
    example Example::Redemption;

    /// The client may not use this grant.
    static GRANT_NOT_REGISTERED = "grant-not-registered", UnauthorizedClient, "RFC 6749 §5.2";
    en "The client may not use this grant type",
        "A client uses the grant types of its registration. One with the pilot's ten fields may refresh if its refresh_token_lifetime is above 0.",
        "A service that never asked for refresh tokens should not have tokens that outlive its sessions.",
        "Add refresh_token to the client's grant_types, or log in again instead.";
    nb "Klienten kan ikke bruke denne grant_type",
        "En klient bruker de grant_types den er registrert med. En med pilotens ti felter kan fornye hvis refresh_token_lifetime er over 0.",
        "En tjeneste som aldri har bedt om fornyingstokener, bør ikke ha tokener som overlever øktene.",
        "Legg refresh_token til i klientens grant_types, eller logg inn på nytt i stedet.";
    example Example::Command("client update web --grant-type authorization_code --grant-type refresh_token");

    /// No such code, or not this client's.
    static CODE_UNKNOWN = "code-unknown", InvalidGrant, "RFC 6749 §5.2";
    en "The code is not known",
        "The code was not given by this issuer to this client, or what it stands for was taken back.",
        "A code is good only at the issuer that gave it and for the client that asked.",
        "Redeem the code at the issuer and with the client that asked for it, after decoding it from the URL once.";
    nb "Koden er ikke kjent",
        "Koden ble ikke gitt av denne utstederen til denne klienten, eller det den står for, er kalt tilbake.",
        "En kode gjelder bare hos utstederen som ga den, og for klienten som ba om den.",
        "Løs inn koden hos utstederen og med klienten som ba om den, etter å ha dekodet den fra adressen én gang.";
    example Example::Redemption;

    /// Older than 60 s.
    static CODE_EXPIRED = "code-expired", InvalidGrant, "RFC 6749 §4.1.2";
    en "The code is too old",
        "A code is good for 60 seconds.",
        "It travels through a browser, so it must be of no use to whoever finds it later.",
        "Redeem the code as soon as it arrives. Look for a queue, a slow start or a debugger in between.";
    nb "Koden er for gammel",
        "En kode gjelder i 60 sekunder.",
        "Den går gjennom en nettleser, så den skal ikke være til nytte for den som finner den senere.",
        "Løs inn koden straks den kommer. Se etter en kø, en treg oppstart eller en feilsøker imellom.";
    example Example::Redemption;

    /// Used before: what it gave has been revoked.
    static CODE_REPLAYED = "code-replayed", InvalidGrant, "RFC 6749 §4.1.2";
    en "The code was used before",
        "A code is good once. Since it came a second time, the tokens that it gave are revoked.",
        "Two uses mean that two have the code, and one of them may have stolen it.",
        "Redeem each code once. Look for a retry after a timeout, a double click, or a reloaded callback page.";
    nb "Koden er brukt før",
        "En kode gjelder én gang. Siden den kom en gang til, er tokenene den ga, kalt tilbake.",
        "To gangers bruk betyr at to har koden, og den ene kan ha stjålet den.",
        "Løs inn hver kode én gang. Se etter et nytt forsøk etter en tidsgrense, et dobbeltklikk, eller en side som ble lastet på nytt.";
    example Example::Redemption;

    /// Not the redirect URI of the authorization request.
    static REDIRECT_URI_DIFFERS = "redirect-uri-differs", InvalidGrant, "RFC 6749 §4.1.3";
    en "redirect_uri differs from the authorization request's",
        "The token request repeats the redirect_uri of the authorization request, character for character.",
        "It shows that the code arrived where it was sent, and not at another page that passed it on.",
        "Send the same redirect_uri in both requests. Keep it with state if your service has several.";
    nb "redirect_uri er en annen enn i autorisasjonsforespørselen",
        "Tokenforespørselen gjentar redirect_uri fra autorisasjonsforespørselen, tegn for tegn.",
        "Det viser at koden kom dit den ble sendt, og ikke til en annen side som ga den videre.",
        "Send samme redirect_uri i begge forespørsler. Lagre den sammen med state hvis tjenesten din har flere.";
    example Example::Redemption;

    /// A challenge was sent, and now no verifier.
    static CODE_VERIFIER_MISSING = "code-verifier-missing", InvalidGrant, "RFC 7636 §4.5";
    en "code_verifier is missing",
        "The authorization request had a code_challenge, so the token request must have its code_verifier.",
        "Otherwise a stolen code could be redeemed by leaving PKCE out.",
        "Keep the verifier with the session that asked, and send it as code_verifier.";
    nb "code_verifier mangler",
        "Autorisasjonsforespørselen hadde en code_challenge, så tokenforespørselen må ha dens code_verifier.",
        "Ellers kunne en stjålet kode løses inn ved å utelate PKCE.",
        "Lagre code_verifier i økten som startet innloggingen, og send den som code_verifier.";
    example Example::Redemption;

    /// A verifier, though no challenge was sent.
    static CODE_VERIFIER_UNEXPECTED = "code-verifier-unexpected", InvalidGrant, "RFC 9700 §4.8.2";
    en "code_verifier was not expected",
        "The token request has a code_verifier, but the authorization request had no code_challenge.",
        "Somebody may have taken the challenge out of the request on its way, to make PKCE void.",
        "Send code_challenge and code_challenge_method=S256 with the authorization request.";
    nb "code_verifier var ikke ventet",
        "Tokenforespørselen har en code_verifier, men autorisasjonsforespørselen hadde ingen code_challenge.",
        "Noen kan ha fjernet code_challenge fra forespørselen på veien for å gjøre PKCE virkningsløs.",
        "Send code_challenge og code_challenge_method=S256 med autorisasjonsforespørselen.";
    example Example::Login(&[]);

    /// The verifier is malformed.
    static CODE_VERIFIER_FORMAT = "code-verifier-format", InvalidGrant, "RFC 7636 §4.1";
    en "code_verifier is malformed",
        "code_verifier has 43 to 128 characters: letters, digits, and - . _ ~.",
        "A shorter one could be guessed, and another character would be hashed differently by different libraries.",
        "Draw 32 random bytes and encode them as base64url without padding.";
    nb "code_verifier har feil form",
        "code_verifier har 43 til 128 tegn: bokstaver, siffer, og - . _ ~.",
        "En kortere kunne ha vært gjettet, og andre tegn ville ulike biblioteker ha kodet ulikt.",
        "Trekk 32 tilfeldige byte og kod dem som base64url uten utfylling.";
    example Example::Redemption;

    /// The verifier does not answer the challenge.
    static CODE_VERIFIER_DIFFERS = "code-verifier-differs", InvalidGrant, "RFC 7636 §4.6";
    en "code_verifier does not match code_challenge",
        "The SHA-256 of code_verifier is not the code_challenge of the authorization request.",
        "Whoever redeems the code is not the one who asked, or has mixed up two logins.",
        "Keep the verifier of each login apart: two tabs have two. Hash the verifier's characters, not its decoded bytes.";
    nb "code_verifier passer ikke til code_challenge",
        "SHA-256 av code_verifier er ikke den code_challenge som autorisasjonsforespørselen hadde.",
        "Den som løser inn koden, er ikke den som spurte, eller har forvekslet to innlogginger.",
        "Hold code_verifier fra hver innlogging atskilt: to faner har to. Ta SHA-256 av tegnene, ikke av de dekodede bytene.";
    example Example::Redemption;

    /// The code's person may no longer log in.
    static CODE_PERSON_STOPPED = "code-person-stopped", InvalidGrant, "OpenID Connect Core §3.1.3.4";
    en "The person of the code was stopped",
        "Between login and token request the test person was deactivated.",
        "Nothing more is told of a person who may not log in.",
        "Log in as an active test person, or activate this one and log in again.";
    nb "Personen bak koden er stoppet",
        "Mellom innloggingen og tokenforespørselen ble testpersonen deaktivert.",
        "Det gis ingen flere opplysninger om en person som ikke kan logge inn.",
        "Logg inn som en aktiv testperson, eller aktiver denne og logg inn på nytt.";
    example Example::Person;
}
