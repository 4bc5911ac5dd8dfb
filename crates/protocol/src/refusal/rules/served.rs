//! Hosts, paths and methods that nobody serves.

use super::rules;
use crate::refusal::rule::{Rule, Text};
use crate::refusal::{ErrorCode, Example};

rules! {
    chapter SERVED;

    /// A path that no issuer of its host has.
    static PATH_UNKNOWN = "path-unknown", InvalidRequest, "OpenID Connect Discovery 1.0 §4", status 404;
    en "Nothing is served at this path",
        "The path belongs to no endpoint of an issuer of this host.",
        "Most often a library was given the issuer with a slash too many or too few, and looks for discovery in the wrong place.",
        "Configure the issuer exactly as the discovery document spells it, and take every other address from that document.";
    nb "Ingenting finnes på denne stien",
        "Stien hører ikke til noe endepunkt hos en utsteder på dette vertsnavnet.",
        "Oftest har et bibliotek fått utstederen med en skråstrek for mye eller for lite, og leter etter metadata på feil sted.",
        "Sett opp utstederen nøyaktig slik den står i metadataene, og ta alle andre adresser derfra.";
    example Example::Discovery;

    /// A method that an endpoint does not have.
    static METHOD_NOT_ALLOWED = "method-not-allowed", InvalidRequest, "RFC 9110 §15.5.6", status 405;
    en "The method is not served here",
        "The endpoint exists, but not for this HTTP method. The Allow header lists those that it has.",
        "A token request by GET would put its secret into a URL.",
        "Send the request with a method of Allow. A redirect or a proxy on the way may have turned a POST into a GET.";
    nb "Metoden finnes ikke her",
        "Endepunktet finnes, men ikke for denne HTTP-metoden. Headeren Allow lister opp dem det har.",
        "En tokenforespørsel med GET ville ha lagt hemmeligheten i adressen.",
        "Send forespørselen med en metode fra Allow. En omdirigering eller en mellomtjener kan ha gjort en POST om til en GET.";
    example Example::Redemption;

    /// A host that is no issuer's.
    static HOST_UNKNOWN = "host-unknown", InvalidRequest, "RFC 9110 §7.4", status 421;
    en "The host is no issuer's",
        "The request's scheme and host are those of no configured issuer. localhost and 127.0.0.1 are two hosts.",
        "An issuer is one exact address: tokens from a near miss would be refused by every library.",
        "Use the issuer's own host. Behind a proxy, see that it passes Host and the scheme on.";
    nb "Vertsnavnet er ingen utsteders",
        "Protokoll og vertsnavn i forespørselen hører ikke til noen utsteder som er satt opp. localhost og 127.0.0.1 er to vertsnavn.",
        "En utsteder er én nøyaktig adresse: tokener fra en nesten lik ville ha blitt avvist av alle biblioteker.",
        "Bruk utstederens eget vertsnavn. Bak en mellomtjener må den sende videre Host og protokoll.";
    example Example::Discovery;
}
