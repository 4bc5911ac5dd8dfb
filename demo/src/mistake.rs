//! Deliberate mistakes: what services get wrong when they connect, one at a time, with what comes of it.

/// What this service does wrong on request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// Nothing.
    #[default]
    Nothing,
    /// A redirect URI that is not registered.
    RedirectUri,
    /// A client that nobody registered.
    UnknownClient,
    /// No PKCE.
    NoPkce,
    /// A challenge with base64's padding.
    PaddedChallenge,
    /// `code_challenge_method=plain`.
    PlainMethod,
    /// A scope that is not registered on the client.
    Scope,
    /// A level that does not exist.
    Acr,
    /// A state with control characters.
    StateControl,
    /// A slash too many at the end of the issuer.
    SlashTooMany,
    /// A slash too few at the end of the issuer.
    SlashTooFew,
    /// Another secret than the client's.
    WrongSecret,
    /// Another method of client authentication than the registered one.
    WrongMethod,
    /// Another verifier than the challenge was made of.
    WrongVerifier,
    /// Another redirect URI at the token endpoint than in the authorization request.
    OtherRedirect,
    /// The same code again.
    CodeTwice,
}

/// Where a mistake shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nowhere: there is none.
    Nowhere,
    /// In the discovery document.
    Discovery,
    /// On a page of Portvakt's: the person is not sent back.
    Page,
    /// In the answer that the browser brings back.
    Answer,
    /// At the token endpoint.
    Token,
}

/// What a mistake is called and what comes of it.
pub(crate) struct Explained {
    /// Its word in the form.
    pub(crate) word: &'static str,
    /// Its name for people.
    pub(crate) name: &'static str,
    /// What this service does.
    pub(crate) does: &'static str,
    /// What comes of it, and why.
    pub(crate) comes: &'static str,
    /// The rule that Portvakt names, as its log and the issuer's page have it.
    pub(crate) rule: &'static str,
    /// Where it shows.
    pub(crate) place: Place,
}

impl Place {
    /// Where the mistake shows, for people.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Nowhere => "nowhere",
            Self::Discovery => "before the login: discovery fails",
            Self::Page => "on Portvakt's error page",
            Self::Answer => "here, in the answer",
            Self::Token => "here, after the login",
        }
    }
}

impl Mistake {
    /// Every one, none first.
    pub(crate) const ALL: [Self; 16] = [
        Self::Nothing,
        Self::RedirectUri,
        Self::UnknownClient,
        Self::NoPkce,
        Self::PaddedChallenge,
        Self::PlainMethod,
        Self::Scope,
        Self::Acr,
        Self::StateControl,
        Self::SlashTooMany,
        Self::SlashTooFew,
        Self::WrongSecret,
        Self::WrongMethod,
        Self::WrongVerifier,
        Self::OtherRedirect,
        Self::CodeTwice,
    ];

    /// The one of that word in the form; an unknown word is none.
    pub(crate) fn of_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|one| one.explained().word == word).unwrap_or_default()
    }

    /// The issuer as this mistake spells it; the right one, unless it is about the issuer.
    pub(crate) fn issuer(self, issuer: &str) -> String {
        match self {
            Self::SlashTooMany => format!("{issuer}/"),
            Self::SlashTooFew => issuer.strip_suffix('/').unwrap_or(issuer).to_owned(),
            Self::Nothing
            | Self::RedirectUri
            | Self::UnknownClient
            | Self::NoPkce
            | Self::PaddedChallenge
            | Self::PlainMethod
            | Self::Scope
            | Self::Acr
            | Self::StateControl
            | Self::WrongSecret
            | Self::WrongMethod
            | Self::WrongVerifier
            | Self::OtherRedirect
            | Self::CodeTwice => issuer.to_owned(),
        }
    }

    /// What it is and what comes of it.
    pub(crate) fn explained(self) -> &'static Explained {
        match self {
            Self::Nothing => &NOTHING,
            Self::RedirectUri => &REDIRECT_URI,
            Self::UnknownClient => &UNKNOWN_CLIENT,
            Self::NoPkce => &NO_PKCE,
            Self::PaddedChallenge => &PADDED_CHALLENGE,
            Self::PlainMethod => &PLAIN_METHOD,
            Self::Scope => &SCOPE,
            Self::Acr => &ACR,
            Self::StateControl => &STATE_CONTROL,
            Self::SlashTooMany => &SLASH_TOO_MANY,
            Self::SlashTooFew => &SLASH_TOO_FEW,
            Self::WrongSecret => &WRONG_SECRET,
            Self::WrongMethod => &WRONG_METHOD,
            Self::WrongVerifier => &WRONG_VERIFIER,
            Self::OtherRedirect => &OTHER_REDIRECT,
            Self::CodeTwice => &CODE_TWICE,
        }
    }
}

const NOTHING: Explained = Explained {
    word: "",
    name: "None: do everything right",
    does: "Everything right.",
    comes: "A login.",
    rule: "",
    place: Place::Nowhere,
};

const REDIRECT_URI: Explained = Explained {
    word: "redirect-uri",
    name: "Unregistered redirect URI",
    does: "Sends a redirect_uri that is not registered on the client.",
    comes: "Portvakt shows an error page and does not send the person back: an address that nobody vouched for may be a thief's. Use your browser's back button to return here.",
    rule: "redirect-uri-unregistered",
    place: Place::Page,
};

const UNKNOWN_CLIENT: Explained = Explained {
    word: "unknown-client",
    name: "Unknown client",
    does: "Sends a client_id that nobody registered.",
    comes: "Portvakt shows an error page and does not send the person back: without a client there is no registered address to go to. Use your browser's back button to return here.",
    rule: "client-unknown",
    place: Place::Page,
};

const NO_PKCE: Explained = Explained {
    word: "no-pkce",
    name: "No PKCE",
    does: "Sends no code_challenge, and no code_verifier later.",
    comes: "At profile idporten the answer is invalid_request: PKCE is required. At profile pilot it works, since PKCE did not exist there in 2016: a confidential client may do without.",
    rule: "code-challenge-missing",
    place: Place::Answer,
};

const PADDED_CHALLENGE: Explained = Explained {
    word: "padded-challenge",
    name: "Padded challenge",
    does: "Sends a code_challenge with the = that base64 puts at the end.",
    comes: "The answer is invalid_request: base64url without padding is 43 characters, and this has 44.",
    rule: "code-challenge-format",
    place: Place::Answer,
};

const PLAIN_METHOD: Explained = Explained {
    word: "plain-method",
    name: "PKCE method plain",
    does: "Sends code_challenge_method=plain, with the verifier itself as challenge.",
    comes: "The answer is invalid_request: whoever reads a plain challenge in the browser's address has the verifier. Only S256 is accepted.",
    rule: "code-challenge-method",
    place: Place::Answer,
};

const SCOPE: Explained = Explained {
    word: "scope",
    name: "Unregistered scope",
    does: "Asks for the scope email, which the client is not registered for.",
    comes: "The answer is invalid_scope: a client gets no scope that is not registered on it, and Portvakt does not silently leave one out.",
    rule: "scope-not-registered",
    place: Place::Answer,
};

const ACR: Explained = Explained {
    word: "acr",
    name: "Unknown level",
    does: "Asks for acr_values=Level9, which no issuer has.",
    comes: "The answer is invalid_request and lists the levels there are: a level that was silently ignored would be a login at a level nobody asked for.",
    rule: "acr-values-unknown",
    place: Place::Answer,
};

const STATE_CONTROL: Explained = Explained {
    word: "state-control",
    name: "State with control characters",
    does: "Sends a state with a line break in it.",
    comes: "The answer is invalid_request, and the state does not come back: a line break in a redirect could become a header of its own.",
    rule: "state-characters",
    place: Place::Answer,
};

const SLASH_TOO_MANY: Explained = Explained {
    word: "slash-too-many",
    name: "Issuer with a slash too many",
    does: "Is configured with the issuer and one more slash at the end.",
    comes: "Discovery fails: an issuer is compared character for character. At profile idporten the document's issuer is another one than the configured, as the library notices; at profile pilot nothing is served at such an address, and Portvakt says how to configure it (rule path-unknown).",
    rule: "",
    place: Place::Discovery,
};

const SLASH_TOO_FEW: Explained = Explained {
    word: "slash-too-few",
    name: "Issuer with a slash too few",
    does: "Is configured with the issuer without its slash at the end.",
    comes: "At profile pilot discovery fails: its issuer ends in a slash, and is compared character for character. At profile idporten the issuer has no slash to lose, and all goes well.",
    rule: "",
    place: Place::Discovery,
};

const WRONG_SECRET: Explained = Explained {
    word: "wrong-secret",
    name: "Wrong client secret",
    does: "Redeems the code with another secret than the client's.",
    comes: "The answer is invalid_client. Nothing is spent: with the right secret, the same code would still give tokens for the rest of its 60 seconds.",
    rule: "client-secret-wrong",
    place: Place::Token,
};

const WRONG_METHOD: Explained = Explained {
    word: "wrong-method",
    name: "Wrong client authentication method",
    does: "Sends the right secret by another method than the registered one: in the form instead of the Authorization header, or the reverse.",
    comes: "The answer is invalid_client: only the registered token_endpoint_auth_method is accepted. The answer to the caller is the same for every failed authentication; the issuer's page says which it was.",
    rule: "client-method-differs",
    place: Place::Token,
};

const WRONG_VERIFIER: Explained = Explained {
    word: "wrong-verifier",
    name: "Wrong code verifier",
    does: "Redeems the code with another code_verifier than the challenge was made of.",
    comes: "The answer is invalid_grant: whoever has the code alone gets nothing. Nothing is spent.",
    rule: "code-verifier-differs",
    place: Place::Token,
};

const OTHER_REDIRECT: Explained = Explained {
    word: "other-redirect",
    name: "Another redirect URI at the token endpoint",
    does: "Redeems the code with another redirect_uri than in the authorization request.",
    comes: "The answer is invalid_grant: the two are compared character for character.",
    rule: "redirect-uri-differs",
    place: Place::Token,
};

const CODE_TWICE: Explained = Explained {
    word: "code-twice",
    name: "Code used twice",
    does: "Redeems the code, gets tokens, and redeems the same code again.",
    comes: "The second answer is invalid_grant, and the tokens of the first are revoked: when a code comes twice, one of the two may be a thief. So userinfo fails as well.",
    rule: "code-replayed",
    place: Place::Token,
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_unknown_word_is_no_mistake() {
        for word in ["", "x", "Scope", "scope "] {
            assert_eq!(Mistake::of_word(word), Mistake::Nothing, "{word}");
        }
    }

    #[test]
    fn every_mistake_has_a_word_of_its_own() {
        let words: BTreeSet<_> = Mistake::ALL.iter().map(|one| one.explained().word).collect();
        assert_eq!(words.len(), Mistake::ALL.len());
        for one in Mistake::ALL {
            assert_eq!(Mistake::of_word(one.explained().word), one);
        }
    }

    #[test]
    fn openid_discovery_s4_3_an_issuer_is_spelt_wrong_in_both_directions() {
        assert_eq!(Mistake::SlashTooMany.issuer("http://localhost:8080"), "http://localhost:8080/");
        assert_eq!(Mistake::SlashTooFew.issuer("http://localhost:8080/op/"), "http://localhost:8080/op");
        assert_eq!(Mistake::Scope.issuer("http://localhost:8080"), "http://localhost:8080");
    }
}
