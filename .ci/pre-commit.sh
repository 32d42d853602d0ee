#!/usr/bin/env bash
# Checks the snapshots before a commit: a hook of pre-commit (.pre-commit-hooks.yaml), or by itself as .git/hooks/pre-commit.
# Looked at is what is to be committed, the index, whatever else lies in the working tree. Arguments go to
# `huntgate snapshot check`. HUNTGATE_BIN names a huntgate that is not in PATH.
set -euo pipefail
exec </dev/null

bin=${HUNTGATE_BIN:-huntgate}
if ! command -v "$bin" >/dev/null; then
    echo "huntgate is not in PATH: cargo install huntgate, or set HUNTGATE_BIN" >&2
    exit 2
fi
bin=$(command -v "$bin")
case $bin in /*) ;; *) bin=$PWD/$bin ;; esac
cd "$(git rev-parse --show-toplevel)"

# A commit of other files needs no check. Where nothing is staged, all files are meant: `pre-commit run --all-files`.
staged=0 concerned=0
while IFS= read -r -d '' file; do
    staged=1
    case ${file##*/} in
        *.kql | *.csl | *.kusto | *.txt | *.md | *.yaml | *.yml | *.spl | *.eql | *.esql | *.conf | *.toml | *.hbs) concerned=1 ;;
        *.*) ;;
        *) concerned=1 ;;
    esac
done < <(git diff --cached --name-only --no-renames -z)
if [ "$staged" -eq 1 ] && [ "$concerned" -eq 0 ]; then
    exit 0
fi

index=$(mktemp -d)
trap 'rm -rf "$index"' EXIT
git checkout-index --all --prefix="$index/"
cd "$index"
status=0
"$bin" snapshot check "$@" || status=$?
if [ "$status" -eq 1 ]; then
    echo "after a review: huntgate snapshot accept, and git add what it wrote" >&2
fi
exit "$status"
