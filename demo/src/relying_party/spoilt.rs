//! Authorization requests that are wrong on purpose: the library builds none, so a mistake is worked into a right one.

use openidconnect::url::Url;

use crate::mistake::Mistake;

/// Works a mistake into an authorization request. Without PKCE there is nothing to remember of it either.
pub(super) fn spoil(url: &Url, mistake: Mistake, verifier: &mut Option<String>) -> Url {
    let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let mut set = |name: &str, change: &dyn Fn(&str) -> String| {
        for (_, value) in pairs.iter_mut().filter(|(known, _)| known == name) {
            *value = change(value);
        }
    };
    match mistake {
        Mistake::RedirectUri => set("redirect_uri", &|uri| format!("{uri}/not-registered")),
        Mistake::UnknownClient => set("client_id", &|_| "nobody-registered-this".to_owned()),
        Mistake::PaddedChallenge => set("code_challenge", &|challenge| format!("{challenge}=")),
        Mistake::PlainMethod => {
            let plain = verifier.clone().unwrap_or_default();
            set("code_challenge", &|_| plain.clone());
            set("code_challenge_method", &|_| "plain".to_owned());
        }
        Mistake::Scope => set("scope", &|scopes| format!("{scopes} email")),
        Mistake::StateControl => set("state", &|state| format!("{state}\r\nSet-Cookie: planted=1")),
        Mistake::Acr => {
            pairs.retain(|(name, _)| name != "acr_values");
            pairs.push(("acr_values".to_owned(), "Level9".to_owned()));
        }
        Mistake::NoPkce => {
            pairs.retain(|(name, _)| !name.starts_with("code_challenge"));
            *verifier = None;
        }
        Mistake::Nothing
        | Mistake::SlashTooMany
        | Mistake::SlashTooFew
        | Mistake::WrongSecret
        | Mistake::WrongMethod
        | Mistake::WrongVerifier
        | Mistake::OtherRedirect
        | Mistake::CodeTwice => return url.clone(),
    }
    let mut spoilt = url.clone();
    spoilt.query_pairs_mut().clear().extend_pairs(pairs);
    spoilt
}

/// The first parameter of that name.
pub(super) fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "http://localhost:8080/authorize?client_id=c&state=s&scope=openid&code_challenge=abc\
                       &code_challenge_method=S256&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback";

    fn spoilt(mistake: Mistake, name: &str) -> Option<String> {
        parameter(&spoil(&URL.parse().unwrap(), mistake, &mut Some("verifier".to_owned())), name)
    }

    #[test]
    fn each_mistake_of_the_request_is_in_the_request() {
        let text = |mistake, name| spoilt(mistake, name).unwrap_or_default();
        assert_eq!(
            text(Mistake::RedirectUri, "redirect_uri"),
            "http://localhost:3000/callback/not-registered"
        );
        assert_ne!(text(Mistake::UnknownClient, "client_id"), "c");
        assert_eq!(text(Mistake::PaddedChallenge, "code_challenge"), "abc=");
        assert_eq!(text(Mistake::PlainMethod, "code_challenge"), "verifier");
        assert_eq!(text(Mistake::Scope, "scope"), "openid email");
        assert_eq!(text(Mistake::Acr, "acr_values"), "Level9");
        assert!(text(Mistake::StateControl, "state").contains("\r\n"));
        assert_eq!(spoilt(Mistake::NoPkce, "code_challenge"), None);
        assert_eq!(spoilt(Mistake::NoPkce, "code_challenge_method"), None);
    }

    #[test]
    fn without_a_mistake_the_request_is_the_librarys() {
        let url: Url = URL.parse().unwrap();
        for mistake in [Mistake::Nothing, Mistake::CodeTwice, Mistake::WrongSecret, Mistake::SlashTooFew] {
            assert_eq!(spoil(&url, mistake, &mut None), url, "{mistake:?}");
        }
    }
}
