package com.example;

import com.nimbusds.jose.util.JSONObjectUtils;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Portvakt on a free port, from before a test class's first test until after its last.
 *
 * <pre>
 * &#64;RegisterExtension
 * static final PortvaktExtension PORTVAKT = new PortvaktExtension(
 *         "--client", "my-service", "--secret", "…", "--redirect-uri", "http://localhost:3000/callback");
 * </pre>
 *
 * The program is the one that the environment variable PORTVAKT names, or else the portvakt on the PATH.
 */
public final class PortvaktExtension implements BeforeAllCallback, AfterAllCallback {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final List<String> arguments;
    /** Does not follow redirects: where they lead is the answer. */
    private final HttpClient browser = HttpClient.newHttpClient();
    private Process process;
    private Thread lastResort;
    private Map<String, Object> ready;

    /** @param arguments for {@code portvakt dev}, such as which client to register */
    public PortvaktExtension(String... arguments) {
        this.arguments = List.of(arguments);
    }

    @Override
    public void beforeAll(ExtensionContext context) throws Exception {
        Path target = Files.createDirectories(Path.of("target"));
        Path folder = Files.createTempDirectory(target, "portvakt-").toAbsolutePath();
        Path log = folder.resolve("portvakt.log");
        Path readyFile = folder.resolve("ready.json");

        String program = Optional.ofNullable(System.getenv("PORTVAKT")).orElse("portvakt");
        List<String> command = new ArrayList<>(
                List.of(program, "dev", "--listen", "0", "--ready-file", readyFile.toString()));
        command.addAll(arguments);
        process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
        // JUnit calls no afterAll where the JVM is told to end: by Ctrl-C, or by the build tool.
        lastResort = new Thread(process::destroy);
        Runtime.getRuntime().addShutdownHook(lastResort);

        Instant deadline = Instant.now().plus(PATIENCE);
        while (!Files.exists(readyFile)) {
            if (!process.isAlive() || Instant.now().isAfter(deadline)) {
                throw new IllegalStateException("Portvakt did not get ready:\n" + Files.readString(log));
            }
            Thread.sleep(20);
        }
        ready = JSONObjectUtils.parse(Files.readString(readyFile));
    }

    /** Called also where {@link #beforeAll} failed. */
    @Override
    public void afterAll(ExtensionContext context) throws Exception {
        if (process == null) {
            return;
        }
        process.destroy();
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
        }
        Runtime.getRuntime().removeShutdownHook(lastResort);
    }

    /** The issuer that speaks as {@code profile}: {@code pilot} or {@code idporten}. */
    public String issuer(String profile) throws java.text.ParseException {
        for (Map<String, Object> issuer : JSONObjectUtils.getJSONObjectArray(ready, "issuers")) {
            if (profile.equals(issuer.get("profile"))) {
                return (String) issuer.get("issuer");
            }
        }
        throw new IllegalArgumentException("no issuer has profile " + profile);
    }

    /** The national identity number of a test person. Any other synthetic number works too. */
    public String person() throws java.text.ParseException {
        return (String) JSONObjectUtils.getJSONObjectArray(ready, "persons")[0].get("pid");
    }

    /**
     * Logs a person in without a page.
     *
     * @param request the authorization request, as your service redirects a browser to it
     * @param level the acr to log in at, in the issuer's words
     * @return where the browser is sent then: the redirect URI with the code, or with the error
     */
    public URI logIn(URI request, String pid, String level) throws IOException, InterruptedException {
        HttpResponse<String> answer = visit(URI.create(request + "&login_hint=testid:" + pid + "_" + level));
        return answer.headers().firstValue("Location").map(URI::create).orElseThrow(
                () -> new AssertionError("No redirect, but " + answer.statusCode() + ":\n" + answer.body()));
    }

    /** What a browser without cookies gets, no redirect followed. */
    public HttpResponse<String> visit(URI address) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(address).timeout(PATIENCE).build();
        return browser.send(request, BodyHandlers.ofString());
    }
}
