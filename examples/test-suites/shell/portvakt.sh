# Portvakt for the tests of a service, to be sourced by a POSIX shell: `. ./portvakt.sh`.
# Needs curl. The program is $PORTVAKT, or the portvakt on the PATH.

# Starts Portvakt on a free port and waits until it is ready. It is ended when the script ends, however that is; so this takes
# the script's EXIT trap. The arguments are for `portvakt dev`, such as which client to register.
start_portvakt() {
    portvakt_folder=$(mktemp -d)
    portvakt_process=
    trap stop_portvakt EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    "${PORTVAKT:-portvakt}" dev --listen 0 --ready-file "$portvakt_folder/ready.json" "$@" \
        >"$portvakt_folder/log" 2>&1 &
    portvakt_process=$!
    tries=0
    until [ -f "$portvakt_folder/ready.json" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 300 ] || ! kill -0 "$portvakt_process" 2>/dev/null; then
            cat "$portvakt_folder/log" >&2
            echo "Portvakt did not get ready" >&2
            exit 1
        fi
        sleep 0.1
    done
}

# SIGTERM lets it remove its data.
stop_portvakt() {
    if [ -n "$portvakt_process" ]; then
        kill "$portvakt_process" 2>/dev/null || true
        wait "$portvakt_process" 2>/dev/null || true
        portvakt_process=
    fi
    rm -rf "$portvakt_folder"
}

# issuer_of PROFILE: the issuer that speaks as `pilot` or `idporten`.
issuer_of() {
    tr '{' '\n' <"$portvakt_folder/ready.json" | grep "\"profile\":\"$1\"" | member issuer
}

# The national identity number of a test person. Any other synthetic number works too.
person() {
    tr '{' '\n' <"$portvakt_folder/ready.json" | member pid | head -n 1
}

# member NAME: the text that has this name in the flat JSON object on standard input. For more than this, take jq.
member() {
    sed -n 's/.*"'"$1"'" *: *"\([^"]*\)".*/\1/p'
}

# log_in REQUEST PID LEVEL: logs a person in without a page. REQUEST is the authorization request, as your service redirects a
# browser to it; LEVEL is the acr to log in at, in the issuer's words. Prints where the browser is sent then: the redirect URI
# with the code, or with the error.
log_in() {
    location=$(curl --silent --show-error --noproxy localhost --output "$portvakt_folder/page" \
        --write-out '%{redirect_url}' "$1&login_hint=testid:$2_$3")
    if [ -z "$location" ]; then
        cat "$portvakt_folder/page" >&2
        echo "No redirect, but this page" >&2
        return 1
    fi
    printf '%s\n' "$location"
}
