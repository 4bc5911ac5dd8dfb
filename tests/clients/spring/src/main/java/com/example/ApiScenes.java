package com.example;

import com.example.Browser.Page;
import com.example.Stage.Login;
import com.example.WholeLogin.Scene;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/** The API verifies JWT access tokens by the provider's published keys, and by nothing that is of this project. */
final class ApiScenes {

    private ApiScenes() {}

    static void addTo(Map<String, Scene> scenes) {
        scenes.put("the API refuses a caller without a token", ApiScenes::none);
        scenes.put("the API refuses a token that was tampered with", ApiScenes::tampered);
        scenes.put("the API refuses a token that nobody signed", ApiScenes::unsigned);
        scenes.put("the API refuses an ID token", ApiScenes::idToken);
        scenes.put("the API refuses a token that is no JWT", ApiScenes::opaque);
        scenes.put("the API accepts the access token", ApiScenes::accepted);
    }

    private static void none(Stage stage) throws Exception {
        Page page = stage.browser().get(Stage.at("/api/income"));
        Expect.equal(401, page.answer().statusCode(), "status");
    }

    private static void tampered(Stage stage) throws Exception {
        String[] parts = stage.logIn("onetime").access().split("\\.");
        String claims = new String(Base64.getUrlDecoder().decode(parts[1]), StandardCharsets.UTF_8);
        String another = claims.replace(stage.pid, "21879498012");
        Expect.that(!another.equals(claims), "no pid in the access token");
        refuses(stage, parts[0] + "." + encoded(another) + "." + parts[2]);
    }

    private static void unsigned(Stage stage) throws Exception {
        String claims = stage.logIn("onetime").access().split("\\.")[1];
        refuses(stage, encoded("{\"alg\":\"none\"}") + "." + claims + ".");
    }

    private static void idToken(Stage stage) throws Exception {
        Login login = stage.logIn("onetime");
        refuses(stage, login.browser().get(Stage.at("/me/id-token")).answer().body());
    }

    private static void opaque(Stage stage) throws Exception {
        String token = stage.logIn("opaque").access();
        Expect.that(token.indexOf('.') < 0, "the token is a JWT");
        refuses(stage, token);
    }

    private static void accepted(Stage stage) throws Exception {
        Page page = stage.callApi(stage.logIn("onetime").access());
        Expect.equal(200, page.answer().statusCode(), "status (" + page.answer().headers().map().get("WWW-Authenticate") + ")");
        var income = JsonMapper.shared().readTree(page.answer().body());
        Expect.equal(stage.pid, income.get("pid").asString(), "pid");
        Expect.equal("onetime", income.get("client_id").asString(), "client_id");
    }

    /** RFC 6750 §3.1. */
    private static void refuses(Stage stage, String token) throws Exception {
        Page page = stage.callApi(token);
        Expect.equal(401, page.answer().statusCode(), "status");
        String challenge = page.answer().headers().firstValue("WWW-Authenticate").orElse("");
        Expect.that(challenge.contains("error=\"invalid_token\""), challenge);
    }

    private static String encoded(String text) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
