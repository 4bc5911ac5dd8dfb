"""Authlib through a whole login. Standard input: the line that `portvakt dev --json --catalogue …` prints."""

import unittest
from unittest import mock
from urllib.parse import parse_qs, urlsplit

from authlib.integrations.base_client import OAuthError
from joserfc.errors import ExceededSizeError, InvalidClaimError
from joserfc.jws import JWSRegistry
from requests import HTTPError

from browser import Browser
from scene import PID, Scene

class CurrentIssuer(unittest.TestCase):
    """The profile `idporten`, whose JWT headers carry the signing certificate (`x5c`, RFC 7515 §4.1.6)."""

    def setUp(self):
        self.scene = Scene("idporten", "web")

    def allow_a_certificate_in_the_header(self):
        """What a service with Authlib needs at ID-porten: by itself Authlib takes a header of 512 characters at most."""
        longer = mock.patch.object(JWSRegistry, "max_header_length", 8192)
        longer.start()
        self.addCleanup(longer.stop)

    def test_the_certificate_in_the_header_is_refused_by_authlib_as_it_comes(self):
        begun, callback = self.scene.log_in()
        token = self.scene.party.redeem(begun, callback)
        with self.assertRaises(ExceededSizeError):
            self.scene.party.claims(begun, token)

    def test_an_unregistered_redirect_uri_causes_no_redirect(self):
        begun = self.scene.party.begin("http://localhost:3000/elsewhere", acr_values=self.scene.asked)
        answer = Browser().get(begun["url"])
        self.assertEqual(answer.status_code, 400)
        self.assertNotIn("Location", answer.headers)

    def test_a_wrong_secret_is_invalid_client_and_spends_nothing(self):
        begun, callback = self.scene.log_in()
        with self.assertRaises(OAuthError) as refused:
            self.scene.another("not-the-secret-of-this-client").redeem(begun, callback)
        self.assertEqual(refused.exception.error, "invalid_client")
        self.assertIn("access_token", self.scene.party.redeem(begun, callback))

    def test_a_replayed_code_is_invalid_grant_and_takes_back_what_it_gave(self):
        begun, callback = self.scene.log_in()
        token = self.scene.party.redeem(begun, callback)
        self.assertEqual(self.scene.party.userinfo(token=token)["pid"], PID)
        with self.assertRaises(OAuthError) as refused:
            self.scene.party.redeem(begun, callback)
        self.assertEqual(refused.exception.error, "invalid_grant")
        with self.assertRaises(HTTPError) as refused:
            self.scene.party.userinfo(token=token)
        self.assertEqual(refused.exception.response.status_code, 401)

    def test_another_verifier_is_invalid_grant_and_spends_nothing(self):
        begun, callback = self.scene.log_in()
        with self.assertRaises(OAuthError) as refused:
            self.scene.party.redeem({**begun, "code_verifier": "x" * 43}, callback)
        self.assertEqual(refused.exception.error, "invalid_grant")
        self.assertIn("access_token", self.scene.party.redeem(begun, callback))

    def test_an_id_token_of_another_request_is_refused(self):
        self.allow_a_certificate_in_the_header()
        begun, callback = self.scene.log_in()
        token = self.scene.party.redeem(begun, callback)
        with self.assertRaises(InvalidClaimError) as refused:
            self.scene.party.claims({**begun, "nonce": "of-another-request"}, token)
        self.assertEqual(refused.exception.claim, "nonce")
        self.assertEqual(self.scene.party.claims(begun, token)["nonce"], begun["nonce"])

    def test_a_whole_login(self):
        self.allow_a_certificate_in_the_header()
        begun, callback = self.scene.log_in()
        self.assertEqual(parse_qs(urlsplit(callback).query)["iss"], [self.scene.issuer], "RFC 9207 §2")
        whole_login(self, self.scene, begun, callback)


class PilotIssuer(unittest.TestCase):
    """The profile `pilot`, whose `amr` is a string unless the client is registered with `amr_claim = "array"`."""

    def test_the_string_form_of_amr_is_refused_by_authlib(self):
        scene = Scene("pilot", "web")
        begun, callback = scene.log_in()
        token = scene.party.redeem(begun, callback)
        with self.assertRaises(InvalidClaimError) as refused:
            scene.party.claims(begun, token)
        self.assertEqual(refused.exception.claim, "amr")

    def test_a_whole_login_with_amr_as_an_array(self):
        scene = Scene("pilot", "web-amr-array")
        begun, callback = scene.log_in()
        self.assertNotIn("iss", parse_qs(urlsplit(callback).query))
        whole_login(self, scene, begun, callback)


def whole_login(test, scene, begun, callback):
    """From the answer to userinfo, with every claim that a service reads."""
    token = scene.party.redeem(begun, callback)
    claims = scene.party.claims(begun, token)
    test.assertEqual(claims["iss"], scene.issuer)
    test.assertEqual(claims["aud"], scene.client["client_id"])
    test.assertEqual(claims["acr"], scene.picked)
    test.assertEqual(claims["amr"], ["TestID"])
    test.assertEqual(claims["pid"], PID)
    userinfo = scene.party.userinfo(token=token)
    test.assertEqual(userinfo["sub"], claims["sub"], "OpenID Connect Core §5.3.2")
    test.assertEqual(userinfo["pid"], PID)


if __name__ == "__main__":
    unittest.main(verbosity=2)
