#!/usr/bin/env bash
# Makes the roles and the database when the server's volume is new (the image's entry point runs it once), and the database
# anew before a restore (GUIDE.md). The entry point sources what is not executable, so nothing here takes its place.
set -euo pipefail

# The passwords are in the environment of this container: roles.sql takes them from there.
psql --no-psqlrc --quiet --username "${POSTGRES_USER:-postgres}" --dbname postgres --file /huntzen/roles.sql
