"""The servers that are tried, and a client at one of them.

Standard input: the line that `portvakt dev --json --catalogue …` prints.
"""

import json
import sys

from browser import Browser
from relying_party import RelyingParty

DEV = json.load(sys.stdin)
PID = DEV["persons"][0]["pid"]

#: By profile: the level that is asked for, and the higher one that the person picks.
LEVELS = {"pilot": ("Level3", "Level4"), "idporten": ("idporten-loa-substantial", "idporten-loa-high")}


class Scene:
    """A client of the catalogue, at the issuer of a profile."""

    def __init__(self, profile, client_id):
        self.issuer = next(one["issuer"] for one in DEV["issuers"] if one["profile"] == profile)
        self.client = next(
            one for one in DEV["clients"] if one["issuer"] == self.issuer and one["client_id"] == client_id
        )
        self.asked, self.picked = LEVELS[profile]
        self.redirect_uri = self.client["redirect_uris"][0]
        self.party = self.another(self.client["client_secret"])

    def another(self, secret):
        """The same client, with this secret."""
        return RelyingParty(self.issuer, self.client["client_id"], secret)

    def log_in(self, scope="openid profile"):
        """A login: what the service began, and the URL of the answer."""
        begun = self.party.begin(self.redirect_uri, acr_values=self.asked, scope=scope)
        callback, _ = Browser().log_in(begun["url"], self.redirect_uri, PID, self.picked)
        return begun, callback

    def tokens(self, scope="openid profile"):
        """The tokens of a login."""
        begun, callback = self.log_in(scope)
        return self.party.redeem(begun, callback)
