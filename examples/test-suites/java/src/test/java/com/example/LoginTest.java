package com.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.oauth2.sdk.AuthorizationCode;
import com.nimbusds.oauth2.sdk.AuthorizationCodeGrant;
import com.nimbusds.oauth2.sdk.OAuth2Error;
import com.nimbusds.oauth2.sdk.ResponseType;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.id.State;
import com.nimbusds.oauth2.sdk.pkce.CodeChallengeMethod;
import com.nimbusds.oauth2.sdk.pkce.CodeVerifier;
import com.nimbusds.openid.connect.sdk.AuthenticationRequest;
import com.nimbusds.openid.connect.sdk.AuthenticationResponseParser;
import com.nimbusds.openid.connect.sdk.AuthenticationSuccessResponse;
import com.nimbusds.openid.connect.sdk.Nonce;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponseParser;
import com.nimbusds.openid.connect.sdk.claims.ACR;
import com.nimbusds.openid.connect.sdk.claims.IDTokenClaimsSet;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import java.net.URI;
import java.util.List;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Logins at each issuer, and what is refused.
 *
 * <p>Your own tests need only {@link PortvaktExtension}: they fetch your service's login address, give the address that it
 * redirects to (with its cookies kept) to {@link PortvaktExtension#logIn}, and fetch what that answers from your service. Here
 * there is no service, so a library does its part.
 */
class LoginTest {

    private static final ClientID CLIENT_ID = new ClientID("my-service");
    private static final Secret SECRET = new Secret("secret-of-my-service-in-tests-only");
    private static final URI REDIRECT_URI = URI.create("http://localhost:3000/callback");

    @RegisterExtension
    static final PortvaktExtension PORTVAKT = new PortvaktExtension(
            "--client", CLIENT_ID.getValue(), "--secret", SECRET.getValue(), "--redirect-uri", REDIRECT_URI.toString());

    @ParameterizedTest
    @CsvSource({"pilot, Level3", "pilot, Level4", "idporten, idporten-loa-substantial", "idporten, idporten-loa-high"})
    void aPersonLogsIn(String profile, String level) throws Exception {
        OIDCProviderMetadata provider = provider(profile);
        Attempt attempt = new Attempt(provider, level, REDIRECT_URI);

        TokenResponse answer = attempt.redeem(attempt.logIn());

        assertTrue(answer.indicatesSuccess(), () -> answer.toErrorResponse().toJSONObject().toString());
        // Signature, iss, aud, exp and nonce; it throws where one of them is wrong.
        IDTokenClaimsSet claims = new IDTokenValidator(
                        provider.getIssuer(),
                        CLIENT_ID,
                        JWSAlgorithm.RS256,
                        provider.getJWKSetURI().toURL(),
                        new DefaultResourceRetriever(5_000, 5_000))
                .validate(answer.toSuccessResponse().getTokens().toOIDCTokens().getIDToken(), attempt.nonce);
        assertEquals(PORTVAKT.person(), claims.getStringClaim("pid"));
        assertEquals(level, claims.getACR().getValue());
        assertEquals(attempt.nonce, claims.getNonce());
    }

    @ParameterizedTest
    @CsvSource({"pilot, Level3", "idporten, idporten-loa-substantial"})
    void aCodeIsGoodForOneExchange(String profile, String level) throws Exception {
        Attempt attempt = new Attempt(provider(profile), level, REDIRECT_URI);
        AuthorizationCode code = attempt.logIn();
        assertTrue(attempt.redeem(code).indicatesSuccess());

        TokenResponse again = attempt.redeem(code);

        assertFalse(again.indicatesSuccess());
        assertEquals(OAuth2Error.INVALID_GRANT.getCode(), again.toErrorResponse().getErrorObject().getCode());
    }

    /** Nobody is redirected to an address that nobody registered, not even with an error (RFC 6749 §4.1.2.1). */
    @ParameterizedTest
    @CsvSource({"pilot, Level3", "idporten, idporten-loa-substantial"})
    void anUnregisteredRedirectUriIsAPage(String profile, String level) throws Exception {
        URI elsewhere = URI.create("http://localhost:3000/elsewhere");

        var answer = PORTVAKT.visit(new Attempt(provider(profile), level, elsewhere).request());

        assertEquals(400, answer.statusCode());
        assertTrue(answer.headers().firstValue("Location").isEmpty());
    }

    private static OIDCProviderMetadata provider(String profile) throws Exception {
        return OIDCProviderMetadata.resolve(new Issuer(PORTVAKT.issuer(profile)), 5_000, 5_000);
    }

    /** One login as the service sees it: what it keeps between the authorization request and the token request. */
    private static final class Attempt {
        private final OIDCProviderMetadata provider;
        private final String level;
        private final URI redirectUri;
        private final CodeVerifier verifier = new CodeVerifier();
        private final State state = new State();
        private final Nonce nonce = new Nonce();

        Attempt(OIDCProviderMetadata provider, String level, URI redirectUri) {
            this.provider = provider;
            this.level = level;
            this.redirectUri = redirectUri;
        }

        URI request() {
            return new AuthenticationRequest.Builder(
                            ResponseType.CODE, new Scope("openid", "profile"), CLIENT_ID, redirectUri)
                    .endpointURI(provider.getAuthorizationEndpointURI())
                    .acrValues(List.of(new ACR(level)))
                    .codeChallenge(verifier, CodeChallengeMethod.S256)
                    .state(state)
                    .nonce(nonce)
                    .build()
                    .toURI();
        }

        /** The code that comes back to the redirect URI. */
        AuthorizationCode logIn() throws Exception {
            URI callback = PORTVAKT.logIn(request(), PORTVAKT.person(), level);
            assertTrue(callback.toString().startsWith(redirectUri + "?"), callback::toString);
            AuthenticationSuccessResponse answer =
                    AuthenticationResponseParser.parse(callback).toSuccessResponse();
            assertEquals(state, answer.getState());
            return answer.getAuthorizationCode();
        }

        TokenResponse redeem(AuthorizationCode code) throws Exception {
            HTTPRequest request = new TokenRequest.Builder(
                            provider.getTokenEndpointURI(),
                            new ClientSecretBasic(CLIENT_ID, SECRET),
                            new AuthorizationCodeGrant(code, redirectUri, verifier))
                    .build()
                    .toHTTPRequest();
            return OIDCTokenResponseParser.parse(request.send());
        }
    }
}
