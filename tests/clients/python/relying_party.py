"""Authlib as a service uses it: discovery, state, nonce and PKCE, the code, the ID token's validation, userinfo;
then refresh, introspection and revocation.

The classes are those that Authlib builds its Flask and Django clients from, without a web framework around them.
"""

from urllib.parse import parse_qs, urlsplit

from authlib.integrations.base_client import BaseApp, OAuth2Mixin, OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session


class RelyingParty(OAuth2Mixin, OpenIDMixin, BaseApp):
    """One service at one issuer."""

    client_cls = OAuth2Session

    def __init__(self, issuer, client_id, client_secret):
        super().__init__(
            framework=None,
            client_id=client_id,
            client_secret=client_secret,
            # OpenID Connect Discovery 1.0 §4: concatenated after the issuer, whose slash at the end is removed first.
            server_metadata_url=issuer.rstrip("/") + "/.well-known/openid-configuration",
            client_kwargs={"scope": "openid profile", "code_challenge_method": "S256", "trust_env": False},
        )

    def _on_update_token(self, token, refresh_token=None, access_token=None):
        """Where a web framework would keep the renewed tokens; the scenes keep their own."""

    def begin(self, redirect_uri, **params):
        """An authorization request: its URL, and what the service remembers until the answer."""
        return {"redirect_uri": redirect_uri, **self.create_authorization_url(redirect_uri, **params)}

    def redeem(self, begun, callback):
        """Redeems the code of an answer, as Authlib's framework clients do it; the ID token is not yet looked at."""
        params = {name: values[0] for name, values in parse_qs(urlsplit(callback).query).items()}
        if params.get("state") != begun["state"]:
            raise AssertionError("the answer is to another request")
        return self.fetch_access_token(
            redirect_uri=begun["redirect_uri"], code=params["code"], code_verifier=begun["code_verifier"]
        )

    def renew(self, token, **params):
        """The tokens that a refresh token gives (RFC 6749 §6), of the same scopes unless told otherwise.

        By itself Authlib would ask for those that it was configured with.
        """
        params.setdefault("scope", token["scope"])
        metadata = self.load_server_metadata()
        with self._get_oauth_client(**metadata) as session:
            return session.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"], **params)

    def introspect(self, token):
        """What the provider says of a token (RFC 7662)."""
        metadata = self.load_server_metadata()
        with self._get_oauth_client(**metadata) as session:
            answer = session.introspect_token(metadata["introspection_endpoint"], token)
        answer.raise_for_status()
        return answer.json()

    def revoke(self, token):
        """Takes a token back (RFC 7009)."""
        metadata = self.load_server_metadata()
        with self._get_oauth_client(**metadata) as session:
            session.revoke_token(metadata["revocation_endpoint"], token).raise_for_status()

    def claims(self, begun, token):
        """The claims of the ID token: signature by JWKS, `iss`, `aud`, times, nonce and the shape of each claim."""
        audience = {"essential": True, "value": self.client_id}
        issuer = {"essential": True, "value": self.load_server_metadata()["issuer"]}
        # No leeway: the servers' clock is ours.
        return self.parse_id_token(token, begun["nonce"], claims_options={"iss": issuer, "aud": audience}, leeway=0)
