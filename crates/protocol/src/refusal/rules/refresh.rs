//! Refreshing, and taking tokens back.

use super::rules;
use crate::refusal::rule::{Rule, Text};
use crate::refusal::{ErrorCode, Example};

rules! {
    chapter REFRESH;

    /// No such refresh token, or not this client's, or its grant was taken back.
    static REFRESH_TOKEN_UNKNOWN = "refresh-token-unknown", InvalidGrant, "RFC 6749 §5.2";
    en "The refresh token is not known",
        "The refresh token was not given by this issuer to this client, or what it stands for was taken back.",
        "A refresh token is good only at its own issuer and for its own client, until its grant is revoked.",
        "Send the refresh_token of the latest token response. If it was revoked, the person must log in again.";
    nb "Fornyingstokenet er ikke kjent",
        "Fornyingstokenet ble ikke gitt av denne utstederen til denne klienten, eller det det står for, er kalt tilbake.",
        "Et fornyingstoken gjelder bare hos sin egen utsteder og for sin egen klient, til det kalles tilbake.",
        "Send refresh_token fra det siste tokensvaret. Er det kalt tilbake, må personen logge inn på nytt.";
    example Example::Refresh(&[]);

    /// Unused for too long, or its authorization is over.
    static REFRESH_TOKEN_EXPIRED = "refresh-token-expired", InvalidGrant, "RFC 6749 §5.2";
    en "The refresh token has ended",
        "A refresh token ends when it is unused for refresh_token_lifetime, and at the latest authorization_lifetime after the login.",
        "A session that nobody uses should close, and even a busy one needs the person again some day.",
        "Let the person log in again. If sessions should last longer, register longer lifetimes on the client.";
    nb "Fornyingstokenet er utløpt",
        "Et fornyingstoken utløper når det er ubrukt i refresh_token_lifetime, og senest authorization_lifetime etter innloggingen.",
        "En økt ingen bruker, bør lukkes, og selv en som er i bruk, trenger personen igjen en dag.",
        "La personen logge inn på nytt. Skal økter vare lenger, så registrer lengre levetider på klienten.";
    example Example::Command(
        "client update web --access-token-lifetime 120 --refresh-token-lifetime 3600 --authorization-lifetime 28800"
    );

    /// A spent refresh token came again: everything of its grant is revoked.
    static REFRESH_TOKEN_REPLAYED = "refresh-token-replayed", InvalidGrant, "RFC 9700 §4.14.2";
    en "The refresh token was used before",
        "A rotated refresh token is good once. Since it came again after its successor was used or 30 seconds later, every token of the login is revoked.",
        "Two uses mean that two have the token, and one of them may have stolen it.",
        "Keep the new refresh_token of each answer, and let only one of your processes refresh at a time. If they cannot share it, register refresh_token_usage REUSE.";
    nb "Fornyingstokenet er brukt før",
        "Et fornyingstoken som roteres, gjelder én gang. Siden det kom igjen etter at etterfølgeren var brukt, eller etter 30 sekunder, er alle tokener fra innloggingen kalt tilbake.",
        "To gangers bruk betyr at to har tokenet, og den ene kan ha stjålet det.",
        "Ta vare på det nye refresh_token i hvert svar, og la bare én av prosessene fornye om gangen. Kan de ikke dele det, så registrer refresh_token_usage REUSE.";
    example Example::Command(
        "client update web --grant-type authorization_code --grant-type refresh_token --refresh-token-usage REUSE"
    );

    /// The person of the refresh token may no longer log in.
    static REFRESH_TOKEN_STOPPED = "refresh-token-stopped", InvalidGrant, "RFC 6749 §5.2";
    en "The person of the refresh token was stopped",
        "The person who logged in may no longer do so.",
        "What was given in the name of a person ends when the person is stopped.",
        "Log in as an active test person, or activate this one and log in again.";
    nb "Personen bak fornyingstokenet er stoppet",
        "Personen som logget inn, kan ikke lenger gjøre det.",
        "Det som ble gitt i en persons navn, tar slutt når personen stoppes.",
        "Logg inn som en aktiv testperson, eller aktiver denne og logg inn på nytt.";
    example Example::Person;

    /// A refresh asks for more than the login gave.
    static REFRESH_SCOPE_WIDER = "refresh-scope-wider", InvalidScope, "RFC 6749 §6";
    en "A refresh cannot widen the scope",
        "scope in a refresh names scopes of the login, all or fewer. One that was not granted there is refused.",
        "The person agreed to what the login asked for, and to nothing more.",
        "Leave scope out to keep what there is, or begin a new login that asks for more.";
    nb "En fornying kan ikke utvide scope",
        "scope i en fornying oppgir scope fra innloggingen, alle eller noen av dem. Et som ikke ble gitt der, avvises.",
        "Personen gikk med på det innloggingen ba om, og ikke mer.",
        "Utelat scope for å beholde det du har, eller begynn en ny innlogging som ber om mer.";
    example Example::Refresh(&[]);

    /// A scope that was granted may no longer be used by the client or its organisation.
    static SCOPE_WITHDRAWN = "scope-withdrawn", InvalidScope, "RFC 6749 §6";
    en "A granted scope was withdrawn",
        "A scope of the login is no longer registered on the client, out of use, or no longer open to the client's organisation.",
        "Access that an owner takes back ends at the next refresh, not at the end of the session.",
        "Refresh with the scopes that remain, or ask the scope's owner for access again.";
    nb "Et scope fra innloggingen er trukket tilbake",
        "Et scope fra innloggingen er ikke lenger registrert på klienten, er ute av bruk, eller er ikke lenger åpent for klientens virksomhet.",
        "Tilgang som en eier tar tilbake, tar slutt ved neste fornying, ikke når økten er over.",
        "Forny med de scopene som er igjen, eller be eieren om tilgang på nytt.";
    example Example::Refresh(&[("scope", "openid")]);

    /// A client revokes what is another's.
    static TOKEN_NOT_YOURS = "token-not-yours", InvalidGrant, "RFC 7009 §2.1";
    en "The token belongs to another client",
        "A client revokes its own tokens. This one was given to another client of the issuer.",
        "Otherwise whoever finds a token could end a stranger's session.",
        "Revoke with the client that got the token. Check for a mix-up of test clients.";
    nb "Tokenet tilhører en annen klient",
        "En klient kaller tilbake sine egne tokener. Dette ble gitt til en annen klient hos utstederen.",
        "Ellers kunne den som finner et token, avslutte en fremmeds økt.",
        "Kall tilbake med klienten som fikk tokenet. Se etter en forveksling av testklienter.";
    example Example::Revocation;
}
