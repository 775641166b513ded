#!/bin/sh
# @TITLE@: one run of the plan beside this file, for a schedule to call.
#
# Two runs never overlap: one that finds another at work ends with 75. The log grows in audit.log, the exit code of the
# last run is kept in audit.exit: 0 pass or warn, 1 fail, 2 configuration, 3 incomplete, 75 another run at work.
set -u
cd "$(dirname "$0")" || exit 2
PATH="$PWD/.venv/bin:$PATH"

exec 9>audit.lock
if ! flock --nonblock 9; then
  echo "$(date -Iseconds) another run is at work" >>audit.log
  exit 75
fi

echo "$(date -Iseconds) begins" >>audit.log
workbench run '@PLAN@' --junit audit.xml --metrics audit-metrics.txt >>audit.log 2>&1 9>&-
code=$?
echo "$(date -Iseconds) ends with exit code $code" >>audit.log
echo "$code" >audit.exit
exit "$code"
