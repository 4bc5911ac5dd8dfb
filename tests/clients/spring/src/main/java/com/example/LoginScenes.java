package com.example;

import com.example.Browser.Page;
import com.example.Stage.Login;
import com.example.WholeLogin.Scene;
import java.net.URI;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** A person logs in to the service. */
final class LoginScenes {

    private LoginScenes() {}

    static void addTo(Map<String, Scene> scenes) {
        scenes.put("an unregistered redirect URI causes no redirect", LoginScenes::unregisteredRedirectUri);
        scenes.put("an answer to nobody's request is refused by the service", LoginScenes::answerToNobody);
        scenes.put("a whole login", LoginScenes::wholeLogin);
    }

    private static void unregisteredRedirectUri(Stage stage) throws Exception {
        Browser browser = stage.browser();
        Page toProvider = browser.get(Stage.at("/oauth2/authorization/onetime"));
        String request = toProvider.answer().headers().firstValue("Location").orElseThrow();
        String elsewhere = request.replace("login/oauth2/code/onetime", "elsewhere");
        Expect.that(!elsewhere.equals(request), "no redirect URI in " + request);
        Page page = browser.get(URI.create(elsewhere));
        Expect.equal(400, page.answer().statusCode(), "status");
        Expect.that(page.answer().headers().firstValue("Location").isEmpty(), "it redirects");
    }

    private static void answerToNobody(Stage stage) throws Exception {
        Page page = stage.browser().get(Stage.at("/login/oauth2/code/onetime?code=abc&state=not-of-a-request"));
        String location = page.answer().headers().firstValue("Location").orElse("");
        Expect.that(location.endsWith("/login?error"), page.answer().statusCode() + " " + location);
    }

    /** Spring checks the state, the ID token's signature, {@code iss}, {@code aud}, times and nonce, and userinfo's {@code sub}. */
    private static void wholeLogin(Stage stage) throws Exception {
        Login login = stage.logIn("onetime");
        JsonNode me = login.me();
        Expect.equal(stage.pid, me.get("pid").asString(), "pid");
        Expect.equal(Stage.LEVEL, me.get("acr").asString(), "acr");
        Expect.equal("[\"TestID\"]", me.get("amr").toString(), "amr");
        Expect.that(login.tokens().getAccessToken().getScopes().contains("skatt:inntekt"), "the scope is not granted");
    }
}
