#!/bin/bash
# What the tests need of Debian: a browser and a second Redis-protocol server. Says what to install where it may not.
set -eu
missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v redis-server >/dev/null || missing+=(redis-server)
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "The tests also need: ${missing[*]}. On Debian: sudo apt-get install ${missing[*]}"
  echo "Until then the tests that use them are skipped."
fi
