//! What every endpoint asks of a request's parameters.

use super::rules;
use crate::refusal::rule::{Rule, Text};
use crate::refusal::{ErrorCode, Example};

rules! {
    chapter REQUEST;

    /// A parameter stands more than once.
    static PARAMETER_REPEATED = "parameter-repeated", InvalidRequest, "RFC 6749 §3.1";
    en "A parameter stands more than once",
        "Each parameter of a request may stand once, and an empty one counts too.",
        "Two values leave open which one was meant, and a proxy may see another one than we do.",
        "Send each parameter once. Look for a library that adds what your own code has added already.";
    nb "En parameter står mer enn én gang",
        "Hver parameter i en forespørsel kan stå én gang, og en tom teller også.",
        "To verdier lar det stå åpent hvilken som var ment, og en mellomtjener kan se en annen enn vi gjør.",
        "Send hver parameter én gang. Se etter et bibliotek som legger til det koden din alt har lagt til.";
    example Example::Login(&[]);

    /// A query or a form that cannot be read.
    static PARAMETERS_ENCODING = "parameters-encoding", InvalidRequest, "RFC 6749 appendix B";
    en "The parameters cannot be read",
        "Parameters are application/x-www-form-urlencoded in UTF-8, 64 of them at most. A % is followed by two hexadecimal digits.",
        "What can be read in two ways is read in neither: a name or a value must be exactly what you meant.",
        "Encode each name and each value with the form encoder of your language, once.";
    nb "Parameterne kan ikke leses",
        "Parametere er application/x-www-form-urlencoded i UTF-8, høyst 64 av dem. Etter % står to heksadesimale siffer.",
        "Det som kan leses på to måter, leses ikke: et navn eller en verdi skal være nøyaktig det du mente.",
        "Kod hvert navn og hver verdi med skjemakoderen i språket ditt, én gang.";
    example Example::Login(&[]);

    /// A body that is no form.
    static CONTENT_TYPE = "content-type", InvalidRequest, "RFC 6749 §4.1.3";
    en "The body is not a form",
        "A POST has the content type application/x-www-form-urlencoded, and is not compressed.",
        "OAuth has one encoding for request bodies, so that all servers read the same from the same bytes.",
        "Send the parameters as a form, not as JSON or multipart.";
    nb "Innholdet er ikke et skjema",
        "En POST har innholdstypen application/x-www-form-urlencoded, og er ikke komprimert.",
        "OAuth har én koding for innholdet i en forespørsel, så alle servere leser det samme ut av de samme bytene.",
        "Send parameterne som et skjema, ikke som JSON eller multipart.";
    example Example::Redemption;

    /// A body larger than a form may be.
    static BODY_TOO_LARGE = "body-too-large", InvalidRequest, "RFC 9110 §15.5.14", status 413;
    en "The body is too large",
        "A form is 64 KiB at most.",
        "No request of OAuth needs more, and an endless one would take memory from everybody else.",
        "Send a smaller form. Look for a file or a token that was posted by mistake.";
    nb "Innholdet er for stort",
        "Et skjema er høyst 64 KiB.",
        "Ingen forespørsel i OAuth trenger mer, og en endeløs en ville ha tatt minne fra alle andre.",
        "Send et mindre skjema. Se etter en fil eller et token som ble sendt ved en feil.";
    example Example::Redemption;

    /// A body that broke off.
    static BODY_INCOMPLETE = "body-incomplete", InvalidRequest, "RFC 9112 §8";
    en "The body broke off",
        "A body has as many bytes as its Content-Length says, or ends with its last chunk.",
        "Half a form may lack the very parameter that limits the rest.",
        "Send the whole body. Look for a timeout or a proxy that closes the connection too early.";
    nb "Innholdet ble avbrutt",
        "Innholdet har så mange byte som Content-Length sier, eller slutter med den siste biten (chunk).",
        "Et halvt skjema kan mangle nettopp den parameteren som begrenser resten.",
        "Send hele innholdet. Se etter en tidsgrense eller en mellomtjener som lukker forbindelsen for tidlig.";
    example Example::Redemption;

    /// Parameters in the URL of an endpoint that reads its body.
    static PARAMETERS_IN_QUERY = "parameters-in-query", InvalidRequest, "RFC 6749 §2.3.1";
    en "Parameters stand in the URL",
        "Here every parameter stands in the body, and none in the URL.",
        "URLs are written to the logs of proxies and servers, and a secret or a code would stand there.",
        "Move the parameters from the URL into the form body. If a secret stood there, rotate it.";
    nb "Parametere står i adressen",
        "Her står alle parametere i innholdet, og ingen i adressen.",
        "Adresser skrives i loggene til mellomtjenere og servere, og en hemmelighet eller kode ville ha stått der.",
        "Flytt parameterne fra adressen til skjemaet. Sto en hemmelighet der, så bytt den ut.";
    example Example::Redemption;

    /// A value that is longer than what is kept.
    static PARAMETER_TOO_LONG = "parameter-too-long", InvalidRequest, "RFC 6749 §3.1";
    en "A value is too long",
        "A value of an authorization request is 2048 bytes at most.",
        "What is asked for is kept while the person logs in, and some of it comes back in URLs that must not grow too long.",
        "Send a shorter value. Keep what belongs to the session with you, and send a reference to it in state.";
    nb "En verdi er for lang",
        "En verdi i en autorisasjonsforespørsel er høyst 2048 byte.",
        "Det det er spurt om, lagres mens personen logger inn, og noe av det kommer tilbake i adresser som ikke må bli for lange.",
        "Send en kortere verdi. Behold det som hører til økten, hos deg selv, og send en henvisning til det i state.";
    example Example::Login(&[]);

    /// A parameter that the request needs is missing.
    static PARAMETER_MISSING = "parameter-missing", InvalidRequest, "RFC 6749 §4.1.3";
    en "A parameter is missing",
        "The request lacks a parameter that its grant type needs. An empty value counts as none.",
        "A code or a token is only good together with what binds it to its client.",
        "Send the parameter that error_description names. For authorization_code: code and redirect_uri; for refresh_token: refresh_token.";
    nb "En parameter mangler",
        "Forespørselen mangler en parameter som grant_type trenger. En tom verdi teller som ingen.",
        "En kode eller et token er bare gyldig sammen med det som binder det til klienten.",
        "Send parameteren som error_description oppgir. For authorization_code: code og redirect_uri; for refresh_token: refresh_token.";
    example Example::Redemption;

    /// The form names no token.
    static TOKEN_MISSING = "token-missing", InvalidRequest, "RFC 7662 §2.1, RFC 7009 §2.1";
    en "The token is missing",
        "Introspection and revocation are about one token, which stands in the form as token.",
        "Without it there is nothing to look up or to take back, and an answer would tell you nothing.",
        "Send the token in the form parameter token. A header with Authorization: Bearer is not read here.";
    nb "Tokenet mangler",
        "Introspeksjon og tilbakekalling gjelder ett token, som står i skjemaet som token.",
        "Uten det er det ingenting å slå opp eller kalle tilbake, og et svar ville ikke ha sagt deg noe.",
        "Send tokenet i skjemaparameteren token. Headeren Authorization: Bearer blir ikke lest her.";
    example Example::Revocation;

    /// `request`.
    static REQUEST_OBJECT_UNSUPPORTED = "request-object-unsupported", RequestNotSupported, "OpenID Connect Core §6.1";
    en "Request objects are not supported",
        "The parameter request, a signed request object, is not read by this issuer.",
        "Ignoring it would answer another request than the one that was signed, so it is refused.",
        "Send the parameters themselves in the query, and turn request objects off in your library.";
    nb "Forespørselsobjekter støttes ikke",
        "Parameteren request, et signert forespørselsobjekt, leses ikke av denne utstederen.",
        "Hvis den ble oversett, ville vi ha besvart en annen forespørsel enn den som ble signert. Derfor avvises den.",
        "Send selve parameterne i adressen, og slå av forespørselsobjekter i biblioteket ditt.";
    example Example::Login(&[]);

    /// `request_uri`.
    static REQUEST_URI_UNSUPPORTED = "request-uri-unsupported", RequestUriNotSupported, "OpenID Connect Core §6.2";
    en "request_uri is not supported",
        "The parameter request_uri, a reference to a request, is not read by this issuer.",
        "Ignoring it would answer another request than the one it stands for, so it is refused.",
        "Send the parameters themselves in the query, and turn pushed or referenced requests off in your library.";
    nb "request_uri støttes ikke",
        "Parameteren request_uri, en henvisning til en forespørsel, leses ikke av denne utstederen.",
        "Hvis den ble oversett, ville vi ha besvart en annen forespørsel enn den det vises til. Derfor avvises den.",
        "Send selve parameterne i adressen, og slå av PAR (pushed authorization requests) og request_uri i biblioteket ditt.";
    example Example::Login(&[]);

    /// `resource`.
    static RESOURCE_UNSUPPORTED = "resource-unsupported", InvalidTarget, "RFC 8707 §2";
    en "resource is not supported",
        "Access tokens of this issuer cannot be bound to a resource, so the parameter resource is refused.",
        "Ignoring it would give a token that is good at more places than you asked for.",
        "Leave resource out. Ask for the scope of the API instead.";
    nb "resource støttes ikke",
        "Tilgangstokener fra denne utstederen kan ikke bindes til en ressurs, så parameteren resource avvises.",
        "Hvis den ble oversett, ville du ha fått et token som gjelder flere steder enn du ba om.",
        "Utelat resource. Be om API-ets scope i stedet.";
    example Example::Login(&[]);

    /// `authorization_details`.
    static AUTHORIZATION_DETAILS_UNSUPPORTED = "authorization-details-unsupported", InvalidAuthorizationDetails, "RFC 9396 §5";
    en "authorization_details is not supported",
        "No type of authorization_details is known to this issuer, so the parameter is refused.",
        "Ignoring it would give a token without the rights that the details describe.",
        "Leave authorization_details out, and ask for scopes.";
    nb "authorization_details støttes ikke",
        "Denne utstederen kjenner ingen typer authorization_details, så parameteren avvises.",
        "Hvis den ble oversett, ville du ha fått et token uten de rettighetene som detaljene beskriver.",
        "Utelat authorization_details, og be om scope.";
    example Example::Login(&[]);
}
