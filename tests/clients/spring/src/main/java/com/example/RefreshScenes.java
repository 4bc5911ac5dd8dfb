package com.example;

import com.example.Stage.Login;
import com.example.WholeLogin.Scene;
import java.util.Map;
import org.springframework.security.oauth2.client.ClientAuthorizationException;
import org.springframework.security.oauth2.core.OAuth2AuthenticatedPrincipal;
import org.springframework.security.oauth2.server.resource.introspection.BadOpaqueTokenException;

/** What was given is renewed, asked about, and taken back. */
final class RefreshScenes {

    private RefreshScenes() {}

    static void addTo(Map<String, Scene> scenes) {
        scenes.put("a refresh token of one use, used again after its successor, ends the grant", RefreshScenes::replayed);
        scenes.put("a refresh gives no scope that was not given before", RefreshScenes::widened);
        scenes.put("a refresh narrows the scopes", RefreshScenes::narrowed);
        scenes.put("a refresh renews both tokens where a refresh token is of one use", RefreshScenes::oneTime);
        scenes.put("a refresh keeps a refresh token that may be reused", RefreshScenes::reused);
        scenes.put("introspection tells a client without the right nothing", RefreshScenes::notEntitled);
        scenes.put("introspection knows no made-up token", RefreshScenes::madeUp);
        scenes.put("introspection tells the API what the token says", stage -> introspected(stage, "onetime", "skatt:inntekt"));
        scenes.put("introspection tells the API what stands behind an opaque token",
                stage -> introspected(stage, "opaque", "helse:resept"));
        scenes.put("revocation with another's secret takes nothing back", RefreshScenes::revokedByNobody);
        scenes.put("a revoked access token takes its refresh token along", stage -> revoked(stage, true));
        scenes.put("a revoked refresh token takes its access token along", stage -> revoked(stage, false));
    }

    private static void replayed(Stage stage) throws Exception {
        Login first = stage.logIn("onetime");
        Login second = stage.renew(first);
        Login third = stage.renew(second);
        stage.introspect(Stage.API, third.access());
        refuses("invalid_grant", () -> stage.renew(first));
        refuses("invalid_grant", () -> stage.renew(third));
        inactive(stage, third.access());
    }

    private static void widened(Stage stage) throws Exception {
        Login login = stage.logIn("opaque");
        refuses("invalid_scope", () -> stage.renew(login, "openid", "skatt:inntekt"));
        stage.renew(login);
    }

    private static void narrowed(Stage stage) throws Exception {
        Login login = stage.logIn("reuse");
        Login narrow = stage.renew(login, "openid", "skatt:inntekt");
        Expect.equal("[openid, skatt:inntekt]", scopes(narrow), "scopes");
        Login whole = stage.renew(login);
        Expect.equal("[openid, profile, skatt:inntekt]", scopes(whole), "scopes of the next refresh (RFC 6749 §6)");
    }

    private static void oneTime(Stage stage) throws Exception {
        Login first = stage.logIn("onetime");
        Login second = stage.renew(first);
        Expect.that(!second.access().equals(first.access()), "the access token is the same");
        Expect.that(!second.refresh().equals(first.refresh()), "the refresh token is the same");
        Expect.equal(200, stage.callApi(second.access()).answer().statusCode(), "the API's answer to the new token");
    }

    private static void reused(Stage stage) throws Exception {
        Login first = stage.logIn("reuse");
        Login second = stage.renew(first);
        Expect.that(!second.access().equals(first.access()), "the access token is the same");
        Expect.equal(first.refresh(), second.refresh(), "the refresh token");
        stage.renew(first);
    }

    private static void notEntitled(Stage stage) throws Exception {
        String token = stage.logIn("onetime").access();
        Expect.refusal(BadOpaqueTokenException.class, () -> stage.introspect("onetime", token));
    }

    private static void madeUp(Stage stage) throws Exception {
        Expect.refusal(BadOpaqueTokenException.class, () -> stage.introspect(Stage.API, "a-token-that-nobody-gave"));
    }

    private static void introspected(Stage stage, String registration, String scope) throws Exception {
        Login login = stage.logIn(registration);
        OAuth2AuthenticatedPrincipal token = stage.introspect(Stage.API, login.access());
        Expect.equal(stage.issuer, token.getAttribute("iss").toString(), "iss");
        Expect.equal(login.tokens().getClientRegistration().getClientId(), token.getAttribute("client_id"), "client_id");
        Expect.equal(stage.pid, token.getAttribute("pid"), "pid");
        Expect.equal(login.me().get("sub").asString(), token.getAttribute("sub"), "sub");
        Expect.that(token.getAuthorities().toString().contains("SCOPE_" + scope), token.getAuthorities().toString());
    }

    private static void revokedByNobody(Stage stage) throws Exception {
        Login login = stage.logIn("onetime");
        Expect.equal(401, stage.revoke(login, login.refresh(), "not-the-secret").value(), "status");
        stage.introspect(Stage.API, login.access());
        stage.renew(login);
    }

    /** RFC 7009 §2.1: one token of a grant takes the others along. */
    private static void revoked(Stage stage, boolean byAccessToken) throws Exception {
        Login login = stage.renew(stage.logIn("onetime"));
        stage.introspect(Stage.API, login.access());
        String token = byAccessToken ? login.access() : login.refresh();
        Expect.equal(200, stage.revoke(login, token, stage.secretOf(login)).value(), "status");
        inactive(stage, login.access());
        refuses("invalid_grant", () -> stage.renew(login));
        Expect.equal(200, stage.revoke(login, token, stage.secretOf(login)).value(), "status of another revocation (§2.2)");
    }

    private static void inactive(Stage stage, String token) throws Exception {
        Expect.refusal(BadOpaqueTokenException.class, () -> stage.introspect(Stage.API, token));
    }

    private static void refuses(String code, Expect.Attempt attempt) throws Exception {
        var refused = Expect.refusal(ClientAuthorizationException.class, attempt);
        Expect.equal(code, refused.getError().getErrorCode(), "the refusal");
    }

    private static String scopes(Login login) {
        return login.tokens().getAccessToken().getScopes().stream().sorted().toList().toString();
    }
}
