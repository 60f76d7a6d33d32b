#!/usr/bin/env bash
# Makes the roles and the database when the server's volume is new (the image's entry point runs it once).
set -euo pipefail

# The values go in as variables of psql on standard input: a list of processes would show its arguments.
{
    printf '\\set owner_password %s\n' "'${DATABASE_OWNER_PASSWORD//\'/\'\'}'"
    printf '\\set app_password %s\n' "'${DATABASE_APP_PASSWORD//\'/\'\'}'"
    printf '\\set backup_password %s\n' "'${DATABASE_BACKUP_PASSWORD//\'/\'\'}'"
    cat /huntzen/roles.sql
} | psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres
