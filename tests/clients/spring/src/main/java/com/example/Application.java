package com.example;

import java.time.Duration;
import java.util.Map;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.AuthorizedClientServiceOAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientProviderBuilder;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientService;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestCustomizers;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestRedirectFilter;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Two things in one program: a service that logs people in, and below {@code /api} an API for those who have an access token. */
@SpringBootApplication
@RestController
class Application {

    /** Longer than any access token lives: each use of {@link #renewals} renews at once. */
    private static final Duration AT_ONCE = Duration.ofHours(3);

    /** Who has logged in, in the service's own session. */
    @GetMapping("/me")
    Map<String, Object> me(@AuthenticationPrincipal OidcUser person) {
        return Map.of("sub", person.getSubject(), "pid", person.getClaimAsString("pid"), "acr", person.getClaimAsString("acr"),
                "amr", person.getClaimAsStringList("amr"));
    }

    /** For the scenes alone, which show an ID token to the API; a service keeps it to itself. */
    @GetMapping("/me/id-token")
    String idToken(@AuthenticationPrincipal OidcUser person) {
        return person.getIdToken().getTokenValue();
    }

    /** What the API tells a caller whose token has the scope. */
    @GetMapping("/api/income")
    Map<String, Object> income(@AuthenticationPrincipal Jwt token) {
        return Map.of("pid", token.getClaimAsString("pid"), "client_id", token.getClaimAsString("client_id"));
    }

    @Bean
    @Order(1)
    SecurityFilterChain api(HttpSecurity http) {
        return http.securityMatcher("/api/**")
                .authorizeHttpRequests(requests -> requests.anyRequest().hasAuthority("SCOPE_skatt:inntekt"))
                .oauth2ResourceServer(server -> server.jwt(Customizer.withDefaults()))
                .build();
    }

    /**
     * Spring Boot adds this to its checks of the signature, {@code iss} and the times. An ID token has the same issuer, keys and
     * (like ID-porten's access tokens) no {@code typ}: what tells them apart is {@code client_id}, which only an access token has.
     */
    @Bean
    OAuth2TokenValidator<Jwt> isAnAccessToken() {
        return new JwtClaimValidator<String>("client_id", clientId -> clientId != null);
    }

    @Bean
    @Order(2)
    SecurityFilterChain logins(HttpSecurity http, OAuth2AuthorizationRequestResolver withLevel) {
        return http.authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
                .oauth2Login(login -> login.authorizationEndpoint(endpoint -> endpoint.authorizationRequestResolver(withLevel)))
                .build();
    }

    /** Spring has no setting for {@code acr_values}. */
    @Bean
    OAuth2AuthorizationRequestResolver withLevel(ClientRegistrationRepository registrations) {
        var resolver = new DefaultOAuth2AuthorizationRequestResolver(
                registrations, OAuth2AuthorizationRequestRedirectFilter.DEFAULT_AUTHORIZATION_REQUEST_BASE_URI);
        resolver.setAuthorizationRequestCustomizer(OAuth2AuthorizationRequestCustomizers.withPkce().andThen(
                request -> request.additionalParameters(more -> more.put("acr_values", "idporten-loa-substantial"))));
        return resolver;
    }

    @Bean
    OAuth2AuthorizedClientManager renewals(
            ClientRegistrationRepository registrations, OAuth2AuthorizedClientService logins) {
        var manager = new AuthorizedClientServiceOAuth2AuthorizedClientManager(registrations, logins);
        manager.setAuthorizedClientProvider(OAuth2AuthorizedClientProviderBuilder.builder()
                .refreshToken(refresh -> refresh.clockSkew(AT_ONCE))
                .build());
        return manager;
    }
}
