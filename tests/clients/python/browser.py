"""A browser without a screen: it keeps cookies, follows redirects one by one, and fills in the login form as a person would."""

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests


class LoginForm(HTMLParser):
    """The login form of a page: where it posts to, what it sends unasked, and the levels it offers."""

    def __init__(self, page):
        super().__init__()
        self.action = None
        self.hidden = {}
        self.levels = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "form":
            self.action = attributes.get("action", "")
        elif tag == "input" and attributes.get("type") == "hidden":
            self.hidden[attributes["name"]] = attributes["value"]
        elif tag == "input" and attributes.get("name") == "acr":
            self.levels.append(attributes["value"])


class Browser:
    """One browser with its own cookies. Each login takes a new one."""

    MOST_REDIRECTS = 10

    def __init__(self):
        self.session = requests.Session()
        # The servers are on this machine: whatever proxy the environment names is not for them.
        self.session.trust_env = False

    def get(self, url):
        """One GET, its redirect not followed."""
        return self.session.get(url, allow_redirects=False, timeout=30)

    def log_in(self, authorization_url, redirect_uri, pid, level):
        """Logs a person in at `level`; answers the URL at which the service gets its answer, and the levels that were offered."""
        url, page = self._follow(self.get(authorization_url), authorization_url, redirect_uri)
        assert page is not None, f"answered without a login page: {url}"
        form = LoginForm(page.text)
        assert form.action is not None, f"{url} answered {page.status_code} without a form"
        action = urljoin(url, form.action)
        posted = self.session.post(
            action,
            data={**form.hidden, "pid": pid, "acr": level, "action": "login"},
            headers={"Origin": "{0.scheme}://{0.netloc}".format(urlsplit(url)), "Sec-Fetch-Site": "same-origin"},
            allow_redirects=False,
            timeout=30,
        )
        answer, page = self._follow(posted, action, redirect_uri)
        assert page is None, f"{answer} answered {page.status_code} where the login should have ended"
        return answer, form.levels

    def _follow(self, response, url, redirect_uri):
        """Follows redirects to a page, or until one leads to the service: then there is no page, for nobody listens there."""
        for _ in range(self.MOST_REDIRECTS):
            if not response.is_redirect:
                return url, response
            url = urljoin(url, response.headers["Location"])
            if url.split("?")[0] == redirect_uri:
                return url, None
            response = self.get(url)
        raise AssertionError(f"more than {self.MOST_REDIRECTS} redirects, the last to {url}")
