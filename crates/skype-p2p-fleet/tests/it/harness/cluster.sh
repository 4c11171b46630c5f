# Runs a PostgreSQL cluster in a temporary directory until the standard input ends, and then removes it, whatever ends the process
# that writes to it. Arguments: the folder of PostgreSQL's programs, the port, and the setting fsync. Writes a line after each command.
set -eu
bin=$1
port=$2
fsync=$3
directory=$(mktemp -d "${TMPDIR:-/tmp}/fleet-postgres.XXXXXX")
cd "$directory"

remove() {
    "$bin/pg_ctl" stop -D data -m immediate >/dev/null 2>&1 || true
    cd /
    rm -rf "$directory"
}
trap remove EXIT
trap 'exit 1' HUP INT TERM

start() {
    "$bin/pg_ctl" start -w -D data -l log -o "-c fsync=$fsync -c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=$directory" \
        >/dev/null 2>&1
}

"$bin/initdb" -D data -U fleet --auth=trust --encoding=UTF8 --locale=C --no-sync >/dev/null
start || { cat log >&2; exit 1; }
echo ready
while read -r command; do
    case $command in
        kill)
            server=$(head -n 1 data/postmaster.pid)
            # The processes of connections, which would still answer.
            children=$(cat "/proc/$server/task/$server/children" 2>/dev/null || true)
            kill -KILL "$server" $children
            for process in $server $children; do
                while [ -e "/proc/$process/exe" ]; do sleep 0.1; done
            done
            ;;
        # The processes of a killed server may need a moment to end.
        start) until start; do sleep 0.1; done ;;
    esac
    echo done
done
