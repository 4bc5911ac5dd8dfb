package com.example;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A browser without a screen: it keeps cookies, follows redirects one by one, and fills in the login form as a person would.
 *
 * <p>The service is known to the world as {@link #SERVICE} and listens elsewhere: what the browser sends there goes to its port,
 * with the headers that a proxy in front of it would add.
 */
final class Browser {

    /** Where the service is registered. */
    static final URI SERVICE = URI.create("http://localhost:3000/");

    private static final int MOST_REDIRECTS = 10;

    private final HttpClient client = HttpClient.newBuilder()
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(Duration.ofSeconds(10))
            .build();

    private final int servicePort;

    /** By name. All that is visited is at {@code localhost}, and all ports of a host share its cookies (RFC 6265 §8.5). */
    private final Map<String, String> cookies = new HashMap<>();

    Browser(int servicePort) {
        this.servicePort = servicePort;
    }

    /** An answer, and the address it is from. */
    record Page(URI at, HttpResponse<String> answer) {
        /** Without what is confidential in an address or too long in a page. */
        @Override
        public String toString() {
            Matcher title = Pattern.compile("<title>(.*?)</title>").matcher(answer.body());
            return at.getPath() + " (" + answer.statusCode() + (title.find() ? ", " + title.group(1) : "") + ")";
        }
    }

    /** One GET, its redirect not followed. {@code headers}: names and values in turn. */
    Page get(URI at, String... headers) throws IOException, InterruptedException {
        HttpRequest.Builder request = request(at);
        if (headers.length > 0) {
            request.headers(headers);
        }
        return send(at, request);
    }

    /** Follows redirects to a page. */
    Page visit(URI at) throws IOException, InterruptedException {
        return follow(get(at));
    }

    /** From the login page on: logs a person in at a level, and answers the page where that ended. */
    Page logIn(Page login, String pid, String level) throws IOException, InterruptedException {
        Matcher form = Pattern.compile("<form([^>]* id=\"testid\"[^>]*)>(.*?)</form>", Pattern.DOTALL)
                .matcher(login.answer().body());
        Expect.that(form.find(), login + " has no login form");
        Map<String, String> fields = new LinkedHashMap<>();
        Pattern.compile("<input([^>]*)>").matcher(form.group(2)).results().map(input -> input.group(1)).forEach(input -> {
            if ("hidden".equals(attribute(input, "type"))) {
                fields.put(attribute(input, "name"), attribute(input, "value"));
            }
        });
        fields.putAll(Map.of("pid", pid, "acr", level, "action", "login"));
        String body = fields.entrySet().stream()
                .map(field -> encoded(field.getKey()) + "=" + encoded(field.getValue()))
                .collect(Collectors.joining("&"));
        URI target = login.at().resolve(attribute(form.group(1), "action"));
        HttpRequest.Builder posted = request(target)
                .header("Content-Type", "application/x-www-form-urlencoded")
                .header("Sec-Fetch-Site", "same-origin")
                .header("Origin", target.getScheme() + "://" + target.getAuthority())
                .POST(HttpRequest.BodyPublishers.ofString(body));
        return follow(send(target, posted));
    }

    private Page follow(Page page) throws IOException, InterruptedException {
        for (int count = 0; count < MOST_REDIRECTS; count++) {
            String location = page.answer().headers().firstValue("Location").orElse(null);
            if (location == null) {
                return page;
            }
            page = get(page.at().resolve(location));
        }
        throw new AssertionError("more than " + MOST_REDIRECTS + " redirects, the last to " + page.at().getPath());
    }

    private Page send(URI at, HttpRequest.Builder request) throws IOException, InterruptedException {
        if (!cookies.isEmpty()) {
            request.header("Cookie", cookies.entrySet().stream().map(Object::toString).collect(Collectors.joining("; ")));
        }
        HttpResponse<String> answer = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        answer.headers().allValues("Set-Cookie").forEach(this::keep);
        return new Page(at, answer);
    }

    private void keep(String cookie) {
        String[] pair = cookie.split(";", 2)[0].split("=", 2);
        if (cookie.toLowerCase(Locale.ROOT).contains("max-age=0")) {
            cookies.remove(pair[0]);
        } else {
            cookies.put(pair[0], pair[1]);
        }
    }

    private HttpRequest.Builder request(URI at) {
        if (!at.getAuthority().equals(SERVICE.getAuthority())) {
            return HttpRequest.newBuilder(at).timeout(Duration.ofSeconds(30));
        }
        URI there = URI.create(at.toString().replaceFirst(
                Pattern.quote(SERVICE.getAuthority()), Matcher.quoteReplacement("127.0.0.1:" + servicePort)));
        return HttpRequest.newBuilder(there)
                .timeout(Duration.ofSeconds(30))
                .header("X-Forwarded-Host", SERVICE.getHost())
                .header("X-Forwarded-Port", Integer.toString(SERVICE.getPort()));
    }

    private static String attribute(String tag, String name) {
        Matcher found = Pattern.compile("\\s" + name + "=\"([^\"]*)\"").matcher(tag);
        if (!found.find()) {
            return null;
        }
        return Pattern.compile("&#(\\d+);")
                .matcher(found.group(1))
                .replaceAll(number -> Matcher.quoteReplacement(Character.toString(Integer.parseInt(number.group(1)))))
                .replace("&amp;", "&");
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
