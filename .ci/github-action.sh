#!/usr/bin/env bash
# Checks the snapshots of a repository in a job of GitHub Actions: what action.yml runs. All inputs are in the environment,
# and are described there. The exit status is that of `huntgate snapshot check`.
set -euo pipefail
exec </dev/null

bin=${HUNTGATE_BIN:-}
if [ -z "$bin" ]; then
    root=${RUNNER_TEMP:?}/huntgate
    if [ -n "${HUNTGATE_VERSION:-}" ]; then
        cargo install --locked --root "$root" --version "$HUNTGATE_VERSION" huntgate
    else
        cargo install --locked --root "$root" --path "${HUNTGATE_SOURCE:?}"
    fi
    bin=$root/bin/huntgate
fi

read -r -a further <<<"${HUNTGATE_ARGS:-}"
# The bash of macOS takes an empty list for one that is not set.
check() { "$bin" snapshot check ${further[@]+"${further[@]}"} "$@" ${HUNTGATE_PATH:+-- "$HUNTGATE_PATH"}; }

# A line of a hunt or a name of a file must not be taken for a command of the workflow:
# https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#stopping-and-starting-workflow-commands
token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
echo "::stop-commands::$token"
status=0
check || status=$?
echo "::$token::"

case $status in
    0) word=current ;;
    1) word=outdated ;;
    *) word=error ;;
esac
output() { printf '%s=%s\n' "$1" "$2" >>"${GITHUB_OUTPUT:-/dev/null}"; }
output status "$word"

# Where the check itself could not be done there is nothing to report.
if [ "$status" -le 1 ]; then
    report() { # FORMAT FILE
        check --format "$1" --output "$2" || [ $? -eq 1 ]
    }
    if [ "${HUNTGATE_SUMMARY:-true}" = true ] && [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
        summary=$(mktemp -d)
        trap 'rm -rf "$summary"' EXIT
        report markdown "$summary/summary.md"
        cat "$summary/summary.md" >>"$GITHUB_STEP_SUMMARY"
    fi
    wanted() { # FORMAT FILE
        [ -n "$2" ] || return 0
        case $2 in *$'\n'*)
            echo "the name of the $1 file has a line end" >&2
            exit 2
            ;;
        esac
        report "$1" "$2"
        output "$1" "$2"
    }
    wanted sarif "${HUNTGATE_SARIF:-}"
    wanted junit "${HUNTGATE_JUNIT:-}"
fi
exit "$status"
