#!/bin/sh
# Says what is missing, in one sentence each. `doctor.sh python` is needed for everything, `kafka` for
# Apache Kafka, `all` lists the rest too. Exits 1 when something that was asked for is missing.
PYTHON=${PYTHON:-python3}
missing=0

need() { # need "what is wrong" "how to mend it"
    echo "missing: $1; $2" >&2
    missing=1
}

python() {
    if ! command -v "$PYTHON" >/dev/null 2>&1; then
        need "Python" "install Python 3.11 or newer (Debian: apt-get install python3 python3-venv)"
    elif ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        need "Python 3.11 or newer ($PYTHON is $("$PYTHON" -V 2>&1))" "install it, or name another with: make PYTHON=python3.12"
    elif ! "$PYTHON" -c 'import venv, ensurepip' >/dev/null 2>&1; then
        need "Python's venv module" "install it (Debian: apt-get install python3-venv)"
    fi
}

kafka() {
    java=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p')
    if [ "${java:-0}" -lt 17 ]; then
        need "Java 17 or newer, for Apache Kafka" "Debian: apt-get install openjdk-17-jre-headless"
    fi
    if ! command -v mvn >/dev/null 2>&1; then
        need "Maven, which fetches Apache Kafka" "Debian: apt-get install maven"
    fi
}

case ${1:-all} in
    python) python ;;
    kafka) kafka ;;
    all)
        python
        kafka
        [ "$missing" = 1 ] || echo "doctor: nothing is missing" >&2
        ;;
esac
exit "$missing"
