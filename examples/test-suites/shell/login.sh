#!/bin/sh
# Logins at each issuer, and what is refused. Run it in its own folder: `sh login.sh`. It needs curl and openssl.
#
# Your own tests need only portvakt.sh: they fetch your service's login address with curl (its cookies kept), give the address
# that it redirects to to log_in, and fetch what that prints from your service. Here there is no service, so curl does its part.
set -eu
. ./portvakt.sh

client_id=my-service
secret=secret-of-my-service-in-tests-only
redirect_uri=http://localhost:3000/callback

# --- What the service does ---------------------------------------------------------------------------------------------------

ask() {
    curl --silent --show-error --noproxy localhost "$@"
}

# endpoint ISSUER NAME: an address from the discovery document.
endpoint() {
    ask --fail "${1%/}/.well-known/openid-configuration" | member "$2"
}

random() {
    openssl rand -base64 32 | to_base64url
}

to_base64url() {
    tr '+/' '-_' | tr -d '=\n'
}

from_base64url() {
    text=$(tr -- '-_' '+/')
    while [ $((${#text} % 4)) -ne 0 ]; do text="$text="; done
    printf '%s' "$text" | openssl base64 -d -A
}

# request ISSUER LEVEL REDIRECT_URI: an authorization request. Sets verifier, state and nonce, so it cannot run in a subshell:
# the request is left in $request.
request() {
    verifier=$(random)
    state=$(random)
    nonce=$(random)
    challenge=$(printf '%s' "$verifier" | openssl dgst -sha256 -binary | openssl base64 -A | to_base64url)
    request="$(endpoint "$1" authorization_endpoint)?response_type=code&client_id=$client_id&redirect_uri=$3"
    request="$request&scope=openid%20profile&acr_values=$2&state=$state&nonce=$nonce"
    request="$request&code_challenge=$challenge&code_challenge_method=S256"
}

# query URL NAME: a parameter of a URL.
query() {
    printf '%s\n' "${1#*\?}" | tr '&' '\n' | sed -n "s/^$2=//p"
}

# redeem ISSUER CODE: the token endpoint's answer. The secret goes in a file, not into the list of processes.
redeem() {
    printf 'user = "%s:%s"\n' "$client_id" "$secret" | ask --config - \
        --data grant_type=authorization_code --data-urlencode "redirect_uri=$redirect_uri" \
        --data "code=$2" --data "code_verifier=$verifier" "$(endpoint "$1" token_endpoint)"
}

# --- The tests ---------------------------------------------------------------------------------------------------------------

# is WHAT EXPECTED RECEIVED
is() {
    if [ "$2" != "$3" ]; then
        echo "FAILED $what: $1 is '$3', not '$2'" >&2
        exit 1
    fi
}

# The ID token came straight from the token endpoint, which is where OpenID Connect Core §3.1.3.7 lets TLS stand in for its
# signature; the examples in Java and Node check it too.
a_person_logs_in() { # PROFILE LEVEL
    what="a person logs in at $1, $2"
    issuer=$(issuer_of "$1")
    pid=$(person)
    request "$issuer" "$2" "$redirect_uri"
    callback=$(log_in "$request" "$pid" "$2")
    is "where the login ends" "$redirect_uri" "${callback%%\?*}"
    is state "$state" "$(query "$callback" state)"
    tokens=$(redeem "$issuer" "$(query "$callback" code)")
    id_token=$(printf '%s\n' "$tokens" | member id_token)
    claims=$(printf '%s' "$id_token" | cut -d . -f 2 | from_base64url)
    for claim in "iss $issuer" "aud $client_id" "pid $pid" "acr $2" "nonce $nonce"; do
        is "${claim%% *}" "${claim#* }" "$(printf '%s\n' "$claims" | member "${claim%% *}")"
    done
    echo "ok: $what"
}

a_code_is_good_for_one_exchange() { # PROFILE LEVEL
    what="a code is good for one exchange at $1"
    issuer=$(issuer_of "$1")
    request "$issuer" "$2" "$redirect_uri"
    code=$(query "$(log_in "$request" "$(person)" "$2")" code)
    is "the first answer's token_type" Bearer "$(redeem "$issuer" "$code" | member token_type)"
    is "the second answer's error" invalid_grant "$(redeem "$issuer" "$code" | member error)"
    echo "ok: $what"
}

# Nobody is redirected to an address that nobody registered, not even with an error (RFC 6749 §4.1.2.1).
an_unregistered_redirect_uri_is_a_page() { # PROFILE LEVEL
    what="an unregistered redirect URI is a page at $1"
    request "$(issuer_of "$1")" "$2" http://localhost:3000/elsewhere
    is "the answer" "400 " "$(ask --output /dev/null --write-out '%{http_code} %{redirect_url}' "$request")"
    echo "ok: $what"
}

start_portvakt --client "$client_id" --secret "$secret" --redirect-uri "$redirect_uri"
a_person_logs_in pilot Level3
a_person_logs_in pilot Level4
a_person_logs_in idporten idporten-loa-substantial
a_person_logs_in idporten idporten-loa-high
a_code_is_good_for_one_exchange pilot Level3
a_code_is_good_for_one_exchange idporten idporten-loa-substantial
an_unregistered_redirect_uri_is_a_page pilot Level3
an_unregistered_redirect_uri_is_a_page idporten idporten-loa-substantial
