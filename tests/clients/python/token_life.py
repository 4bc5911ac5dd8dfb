"""Authlib after the login: refresh, introspection, revocation.

Standard input: the line that `portvakt dev --json --catalogue …` prints.
"""

import unittest

from authlib.integrations.base_client import OAuthError
from requests import HTTPError

from scene import PID, Scene

INCOME = "openid profile skatt:inntekt"
INACTIVE = {"active": False}


class TokenLife(unittest.TestCase):
    """At the profile `idporten`."""

    def setUp(self):
        self.one_time = Scene("idporten", "onetime")
        self.reuse = Scene("idporten", "reuse")
        self.api = Scene("idporten", "api").party

    def assertRefused(self, code, renewal, *args, **params):
        with self.assertRaises(OAuthError) as refused:
            renewal(*args, **params)
        self.assertEqual(refused.exception.error, code)

    def test_a_replayed_refresh_token_ends_the_grant(self):
        party = self.one_time.party
        first = self.one_time.tokens(INCOME)
        second = party.renew(first)
        self.assertNotEqual(second["refresh_token"], first["refresh_token"])
        third = party.renew(second)
        self.assertTrue(self.api.introspect(third["access_token"])["active"])
        self.assertRefused("invalid_grant", party.renew, first)
        self.assertRefused("invalid_grant", party.renew, third)
        self.assertEqual(self.api.introspect(third["access_token"]), INACTIVE)

    def test_a_refresh_token_of_another_client_is_refused(self):
        token = self.one_time.tokens(INCOME)
        self.assertRefused("invalid_grant", self.reuse.party.renew, token)
        self.assertIn("access_token", self.one_time.party.renew(token))

    def test_a_refresh_gives_no_scope_that_was_not_given_before(self):
        token = self.one_time.tokens("openid profile")
        self.assertRefused("invalid_scope", self.one_time.party.renew, token, scope=INCOME)
        self.assertIn("access_token", self.one_time.party.renew(token))

    def test_a_refresh_token_that_may_be_reused_stays(self):
        first = self.reuse.tokens(INCOME)
        second = self.reuse.party.renew(first)
        self.assertEqual(second["refresh_token"], first["refresh_token"])
        self.assertNotEqual(second["access_token"], first["access_token"])
        self.assertIn("access_token", self.reuse.party.renew(first))

    def test_introspection_tells_a_client_without_the_right_nothing(self):
        token = self.one_time.tokens(INCOME)
        self.assertEqual(self.one_time.party.introspect(token["access_token"]), INACTIVE)

    def test_introspection_asks_for_the_secret(self):
        impostor = Scene("idporten", "api").another("not-the-secret-of-this-client")
        with self.assertRaises(HTTPError) as refused:
            impostor.introspect(self.one_time.tokens(INCOME)["access_token"])
        self.assertEqual(refused.exception.response.status_code, 401)

    def test_introspection_tells_the_api_what_stands_behind_an_opaque_token(self):
        token = self.reuse.tokens("openid profile helse:resept")
        self.assertNotIn(".", token["access_token"])
        told = self.api.introspect(token["access_token"])
        self.assertIs(told["active"], True)
        self.assertEqual(told["client_id"], "reuse")
        self.assertEqual(told["pid"], PID)
        self.assertIn("helse:resept", told["scope"].split())

    def test_revocation_by_another_client_takes_nothing_back(self):
        token = self.one_time.tokens(INCOME)
        for kind in ("access_token", "refresh_token"):
            with self.subTest(kind), self.assertRaises(HTTPError) as refused:
                self.reuse.party.revoke(token[kind])
            self.assertEqual(refused.exception.response.status_code, 400)
            self.assertEqual(refused.exception.response.json()["error"], "invalid_grant")
        self.assertTrue(self.api.introspect(token["access_token"])["active"])
        self.assertIn("access_token", self.one_time.party.renew(token))

    def test_a_revoked_token_takes_the_whole_grant_along(self):
        party = self.one_time.party
        for kind in ("access_token", "refresh_token"):
            with self.subTest(kind):
                first = self.one_time.tokens(INCOME)
                second = party.renew(first)
                self.assertTrue(self.api.introspect(second["access_token"])["active"])
                party.revoke(second[kind])
                for token in (first, second):
                    self.assertEqual(self.api.introspect(token["access_token"]), INACTIVE)
                    self.assertRefused("invalid_grant", party.renew, token)
                # RFC 7009 §2.2: a token that is nothing is as good as revoked.
                party.revoke(second[kind])


if __name__ == "__main__":
    unittest.main(verbosity=2)
