package com.example;

import com.example.Browser.Page;
import java.io.IOException;
import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.web.server.servlet.context.ServletWebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.security.oauth2.client.OAuth2AuthorizeRequest;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientService;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.core.OAuth2AuthenticatedPrincipal;
import org.springframework.security.oauth2.core.endpoint.OAuth2ParameterNames;
import org.springframework.security.oauth2.server.resource.introspection.SpringOpaqueTokenIntrospector;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.web.client.RestClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The running service, and what a scene does with it and with the provider. */
final class Stage implements AutoCloseable {

    /** What is asked for is lower, in {@link Application}. */
    static final String LEVEL = "idporten-loa-high";

    /** The client that may introspect the tokens of the scopes here. */
    static final String API = "api";

    private final ServletWebServerApplicationContext service;
    private final Map<String, String> secrets;

    /** The identifier of the provider. */
    final String issuer;

    /** The number of the person who logs in. */
    final String pid;

    private Stage(ServletWebServerApplicationContext service, Map<String, String> secrets, String issuer, String pid) {
        this.service = service;
        this.secrets = secrets;
        this.issuer = issuer;
        this.pid = pid;
    }

    /** Starts the service against the server that this line is from. */
    static Stage open(JsonNode dev) {
        String issuer = dev.get("issuers").valueStream()
                .filter(one -> one.get("profile").asString().equals("idporten"))
                .map(one -> one.get("issuer").asString())
                .findFirst()
                .orElseThrow();
        Map<String, String> secrets = new HashMap<>();
        dev.get("clients").valueStream()
                .filter(client -> client.get("issuer").asString().equals(issuer))
                .filter(client -> client.get("client_secret").isString())
                .forEach(client -> secrets.put(
                        client.get("client_id").asString(), client.get("client_secret").asString()));
        Map<String, Object> properties = new HashMap<>(Map.of("portvakt.issuer", issuer));
        secrets.forEach((client, secret) -> properties.put("portvakt.secrets." + client, secret));
        ConfigurableApplicationContext service =
                new SpringApplicationBuilder(Application.class).properties(properties).run();
        String pid = dev.get("persons").get(0).get("pid").asString();
        return new Stage((ServletWebServerApplicationContext) service, secrets, issuer, pid);
    }

    @Override
    public void close() {
        service.close();
    }

    Browser browser() {
        return new Browser(service.getWebServer().getPort());
    }

    /** A page of the service. */
    static URI at(String path) {
        return Browser.SERVICE.resolve(path);
    }

    /** A login: the browser it was made in, what the service then knows, and its tokens. */
    record Login(Browser browser, JsonNode me, OAuth2AuthorizedClient tokens) {
        String access() {
            return tokens.getAccessToken().getTokenValue();
        }

        String refresh() {
            Expect.that(tokens.getRefreshToken() != null, "no refresh token was given");
            return tokens.getRefreshToken().getTokenValue();
        }
    }

    /** Logs the person in by a registration of {@code application.yml}. */
    Login logIn(String registration) throws IOException, InterruptedException {
        Browser browser = browser();
        // Where the service is to lead back to.
        browser.visit(at("/me"));
        Page login = browser.visit(at("/oauth2/authorization/" + registration));
        Page ended = browser.logIn(login, pid, LEVEL);
        boolean loggedIn = ended.at().getPath().equals("/me") && ended.answer().statusCode() == 200;
        Expect.that(loggedIn, "the login ended at " + ended);
        JsonNode me = JsonMapper.shared().readTree(ended.answer().body());
        OAuth2AuthorizedClient tokens = service.getBean(OAuth2AuthorizedClientService.class)
                .loadAuthorizedClient(registration, me.get("sub").asString());
        return new Login(browser, me, tokens);
    }

    /** Renews an access token by Spring's own means; without scopes: all that were given. */
    Login renew(Login login, String... scopes) {
        OAuth2AuthorizeRequest.Builder request = OAuth2AuthorizeRequest.withAuthorizedClient(login.tokens())
                .principal(login.tokens().getPrincipalName());
        if (scopes.length > 0) {
            request.attribute(OAuth2ParameterNames.SCOPE, String.join(" ", scopes));
        }
        OAuth2AuthorizedClient renewed =
                service.getBean(OAuth2AuthorizedClientManager.class).authorize(request.build());
        return new Login(login.browser(), login.me(), renewed);
    }

    /** What the provider says of a token to a client; throws where it says that it is not active. */
    OAuth2AuthenticatedPrincipal introspect(String clientId, String token) {
        return SpringOpaqueTokenIntrospector.withIntrospectionUri(endpoint("introspection_endpoint"))
                .clientId(clientId)
                .clientSecret(secrets.get(clientId))
                .build()
                .introspect(token);
    }

    /** Takes a token back, by its own client (RFC 7009 §2.1); Spring Security has no client for it. */
    HttpStatusCode revoke(Login login, String token, String secret) {
        ClientRegistration client = login.tokens().getClientRegistration();
        return RestClient.create()
                .post()
                .uri(endpoint("revocation_endpoint"))
                .headers(headers -> headers.setBasicAuth(client.getClientId(), secret))
                .contentType(MediaType.APPLICATION_FORM_URLENCODED)
                .body(new LinkedMultiValueMap<>(Map.of("token", List.of(token))))
                .exchange((request, answer) -> answer.getStatusCode());
    }

    String secretOf(Login login) {
        return secrets.get(login.tokens().getClientRegistration().getClientId());
    }

    /** The API's answer to an access token. */
    Page callApi(String token) throws IOException, InterruptedException {
        return browser().get(at("/api/income"), "Authorization", "Bearer " + token);
    }

    /** An endpoint that Spring's client registration discovered without a use of its own for it. */
    private String endpoint(String name) {
        Object url = service.getBean(ClientRegistrationRepository.class)
                .findByRegistrationId("onetime")
                .getProviderDetails()
                .getConfigurationMetadata()
                .get(name);
        Expect.that(url != null, "the provider's metadata has no " + name);
        return url.toString();
    }
}
