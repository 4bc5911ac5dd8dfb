//! What an authorization request asks for: state, response, PKCE, level and prompt.

use super::rules;
use crate::refusal::rule::{Rule, Text};
use crate::refusal::{ErrorCode, Example};

rules! {
    chapter AUTHORIZE;

    /// `state` has other characters than 0x20-0x7E, or too many.
    static STATE_CHARACTERS = "state-characters", InvalidRequest, "ID-porten, authorization request: state";
    en "state has characters that cannot come back",
        "state has the characters from space to tilde (0x20 to 0x7E), 2048 of them at most.",
        "It comes back percent-encoded in a URL, and must read the same when your service decodes it once.",
        "Encode what you keep in state as base64url, and compare the decoded value of the answer with what you sent.";
    nb "state har tegn som ikke kan komme tilbake",
        "state kan bare ha tegn fra mellomrom til tilde (0x20 til 0x7E), og høyst 2048 av dem.",
        "Den kommer tilbake prosentkodet i en adresse, og skal leses likt når tjenesten din dekoder den én gang.",
        "Kod det du legger i state, som base64url, og sammenlign den dekodede verdien i svaret med den du sendte.";
    example Example::Login(&[]);

    /// No `state` where one is demanded.
    static STATE_MISSING = "state-missing", InvalidRequest, "RFC 6749 §10.12";
    en "state is missing",
        "Public clients must send state, and so must a client that opted out of PKCE.",
        "state binds the answer to the browser that asked: without it somebody can log your user in as another person.",
        "Draw a random state for each request, keep it in the session, and compare it in the answer after URL decoding.";
    nb "state mangler",
        "Offentlige klienter må sende state, og det må også en klient som har valgt bort PKCE.",
        "state binder svaret til nettleseren som spurte: uten den kan noen logge brukeren din inn som en annen.",
        "Trekk en tilfeldig state for hver forespørsel, lagre den i økten, og sammenlign den i svaret etter URL-dekoding.";
    example Example::Login(&[]);

    /// No `response_type`.
    static RESPONSE_TYPE_MISSING = "response-type-missing", InvalidRequest, "RFC 6749 §3.1.1", only ResponseTypeDemanded;
    en "response_type is missing",
        "An authorization request says which kind of answer it wants: response_type=code.",
        "A default that is guessed may be another one than your library expects.",
        "Send response_type=code.";
    nb "response_type mangler",
        "En autorisasjonsforespørsel sier hva slags svar den vil ha: response_type=code.",
        "En gjettet standardverdi kan være en annen enn den biblioteket ditt venter.",
        "Send response_type=code.";
    example Example::Login(&[]);

    /// Another `response_type` than `code`.
    static RESPONSE_TYPE_UNSUPPORTED = "response-type-unsupported", UnsupportedResponseType, "RFC 6749 §3.1.1";
    en "Only the code flow is supported",
        "The one response_type is code: tokens come from the token endpoint, never in a redirect.",
        "What stands in a redirect is seen by browser histories, proxies and scripts. The implicit flow was given up for that reason.",
        "Use response_type=code with PKCE. Browser applications too exchange the code at the token endpoint.";
    nb "Bare kodeflyten støttes",
        "Den eneste response_type er code: tokener kommer fra tokenendepunktet, aldri i en omdirigering.",
        "Det som står i en omdirigering, blir synlig i nettleserhistorikken og for mellomtjenere og skript. Implisitt flyt er faset ut av den grunn.",
        "Bruk response_type=code med PKCE. Også nettleserapplikasjoner løser inn koden på tokenendepunktet.";
    example Example::Login(&[]);

    /// Another `response_mode` than `query`.
    static RESPONSE_MODE_UNSUPPORTED = "response-mode-unsupported", InvalidRequest, "OAuth 2.0 Multiple Response Types §2.1";
    en "The response mode is not supported",
        "The answer comes in the query of the redirect URI: response_mode is query, or absent.",
        "An answer in another place than your service reads would be lost.",
        "Leave response_mode out, or send query.";
    nb "Svarmåten støttes ikke",
        "Svaret kommer i spørredelen av redirect URI-en: response_mode er query, eller utelatt.",
        "Et svar et annet sted enn tjenesten din leser, ville ha gått tapt.",
        "Utelat response_mode, eller send query.";
    example Example::Login(&[]);

    /// No `code_challenge` where one is demanded.
    static CODE_CHALLENGE_MISSING = "code-challenge-missing", InvalidRequest, "RFC 7636 §4.4.1";
    en "PKCE is missing",
        "The client must send code_challenge and code_challenge_method=S256 with each authorization request.",
        "PKCE binds the code to the one who asked for it, so a code that leaks is worth nothing.",
        "Turn PKCE on in your library. A confidential client may instead register code_challenge_method none, and must then send state.";
    nb "PKCE mangler",
        "Klienten må sende code_challenge og code_challenge_method=S256 med hver autorisasjonsforespørsel.",
        "PKCE binder koden til den som ba om den, så en kode som lekker, er ingenting verdt.",
        "Slå på PKCE i biblioteket ditt. En konfidensiell klient kan i stedet registrere code_challenge_method none, og må da sende state.";
    example Example::Login(&[]);

    /// `code_challenge_method` is not `S256`.
    static CODE_CHALLENGE_METHOD = "code-challenge-method", InvalidRequest, "RFC 7636 §4.3";
    en "The code challenge method must be S256",
        "Beside code_challenge stands code_challenge_method=S256. Absent means plain, which is not accepted.",
        "With plain the challenge is the verifier itself, and whoever sees the request can redeem the code.",
        "Send code_challenge_method=S256, written so.";
    nb "Metoden for code_challenge må være S256",
        "Ved siden av code_challenge står code_challenge_method=S256. Utelates den, betyr det plain, som ikke godtas.",
        "Med plain er code_challenge selve code_verifier, og den som ser forespørselen, kan løse inn koden.",
        "Send code_challenge_method=S256, skrevet slik.";
    example Example::Login(&[]);

    /// `code_challenge` is not 43 base64url characters.
    static CODE_CHALLENGE_FORMAT = "code-challenge-format", InvalidRequest, "RFC 7636 §4.2";
    en "The code challenge is malformed",
        "code_challenge is the SHA-256 of the verifier in base64url without padding: 43 characters of A-Z, a-z, 0-9, - and _.",
        "A challenge in another encoding would match no verifier, and the login would fail only when the code is redeemed.",
        "Hash the verifier's ASCII characters, encode the 32 bytes as base64url, and drop the =.";
    nb "code_challenge har feil form",
        "code_challenge er SHA-256 av code_verifier i base64url uten utfylling: 43 tegn av A-Z, a-z, 0-9, - og _.",
        "En annen koding ville ikke ha passet til noen code_verifier, og innloggingen ville først ha feilet når koden ble løst inn.",
        "Ta SHA-256 av ASCII-tegnene i code_verifier, kod de 32 bytene som base64url, og fjern =.";
    example Example::Login(&[]);

    /// `code_challenge_method` without `code_challenge`.
    static CODE_CHALLENGE_METHOD_ALONE = "code-challenge-method-alone", InvalidRequest, "RFC 7636 §4.3";
    en "code_challenge_method stands alone",
        "code_challenge_method was sent without a code_challenge.",
        "The client meant to use PKCE, and without a challenge its code would be unprotected.",
        "Send both or neither.";
    nb "code_challenge_method står alene",
        "code_challenge_method ble sendt uten code_challenge.",
        "Klienten mente å bruke PKCE, og uten code_challenge ville koden ha vært ubeskyttet.",
        "Send begge eller ingen av dem.";
    example Example::Login(&[]);

    /// A word in `acr_values` that the issuer's ladder does not have.
    static ACR_VALUES_UNKNOWN = "acr-values-unknown", InvalidRequest, "OpenID Connect Core §3.1.2.1";
    en "A level in acr_values is unknown",
        "acr_values holds levels of this issuer, separated by spaces; acr_values_supported in the discovery document lists them.",
        "A misspelt level must not quietly become a lower one. The lowest level asked for is the minimum.",
        "Send levels of this issuer, and check acr in the id_token: it says the level that was reached.";
    nb "Et nivå i acr_values er ukjent",
        "acr_values inneholder nivåer hos denne utstederen, med mellomrom mellom; acr_values_supported i metadataene lister dem opp.",
        "Et feilstavet nivå skal ikke i det stille bli et lavere. Det laveste nivået det bes om, er minstekravet.",
        "Send nivåer denne utstederen har, og kontroller acr i id_token: der står nivået som ble nådd.";
    example Example::Login(&[("acr_values", "{high}")]);

    /// `acr_values` names levels that no eID here can meet.
    static ACR_VALUES_UNMET = "acr-values-unmet", InvalidRequest, "OpenID Connect Core §3.1.2.1", only LevelsUnmet;
    en "No level in acr_values can be met",
        "Every level asked for belongs to eIDs that this issuer does not offer.",
        "A login that cannot reach the level must not begin.",
        "Add a level that an eID of this issuer reaches.";
    nb "Ingen av nivåene i acr_values kan nås",
        "Alle nivåene det bes om, hører til eID-er som denne utstederen ikke tilbyr.",
        "En innlogging som ikke kan nå nivået, skal ikke begynne.",
        "Legg til et nivå som en eID hos denne utstederen når.";
    example Example::Login(&[("acr_values", "{high}")]);

    /// `prompt` has an unknown value.
    static PROMPT_UNKNOWN = "prompt-unknown", InvalidRequest, "OpenID Connect Core §3.1.2.1";
    en "prompt has an unknown value",
        "prompt holds none, login, consent or select_account.",
        "A prompt that is ignored could skip a question that you rely on.",
        "Send a value of OpenID Connect Core §3.1.2.1, or leave prompt out.";
    nb "prompt har en ukjent verdi",
        "prompt inneholder none, login, consent eller select_account.",
        "En prompt som overses, kunne ha hoppet over et spørsmål du regner med.",
        "Send en verdi fra OpenID Connect Core §3.1.2.1, eller utelat prompt.";
    example Example::Login(&[("prompt", "login")]);

    /// `prompt=none` beside another value.
    static PROMPT_NONE_COMBINED = "prompt-none-combined", InvalidRequest, "OpenID Connect Core §3.1.2.1";
    en "prompt=none stands beside another value",
        "none says that no page may be shown, and every other value asks for one.",
        "Both cannot be obeyed.",
        "Send prompt=none alone, or the other value alone.";
    nb "prompt=none står sammen med en annen verdi",
        "none sier at ingen side skal vises, og alle andre verdier ber om en.",
        "Begge deler lar seg ikke oppfylle.",
        "Send prompt=none alene, eller den andre verdien alene.";
    example Example::Login(&[("prompt", "login")]);

    /// `max_age` is no number.
    static MAX_AGE = "max-age", InvalidRequest, "OpenID Connect Core §3.1.2.1";
    en "max_age is no number of seconds",
        "max_age is a whole number of seconds, written in digits.",
        "An age that cannot be read could let an old login pass.",
        "Send digits only, such as max_age=300, and check auth_time in the id_token.";
    nb "max_age er ikke et antall sekunder",
        "max_age er et helt antall sekunder, skrevet med siffer.",
        "En alder som ikke kan leses, kunne ha sluppet gjennom en gammel innlogging.",
        "Send bare siffer, som max_age=300, og kontroller auth_time i id_token.";
    example Example::Login(&[("max_age", "300")]);
}
