#!/usr/bin/env bash
# A real S3 server for tests: Ceph on one node, its objects in memory, from Debian's packages.
#
#   test/support/radosgw.sh start [PORT]   unless it runs already; prints S3_ENDPOINT, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY
#   test/support/radosgw.sh stop [PORT]    ends it and forgets all
#
# In a shell: export $(test/support/radosgw.sh start). PORT and the one after it must be free. Needs root where Ceph is not installed.
set -euo pipefail
port=${2:-7480}
home=${TMPDIR:-/tmp}/surprisal-radosgw-$port
key=testkey
secret=testsecret

stop() {
  [ -f "$home/pids" ] || return 0
  for pid in $(tac "$home/pids"); do
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 40); do kill -0 "$pid" 2>/dev/null || break; sleep 0.25; done
    kill -9 "$pid" 2>/dev/null || true
  done
  rm -rf "$home"
}

# daemon NAME COMMAND...
daemon() {
  local name=$1
  shift
  nohup "$@" >"$home/$name.log" 2>&1 &
  echo $! >>"$home/pids"
}

all_run() {
  [ -f "$home/pids" ] || return 1
  local pid
  for pid in $(cat "$home/pids"); do kill -0 "$pid" 2>/dev/null || return 1; done
}

# until_true SECONDS COMMAND...
until_true() {
  local until=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$until" ] || ! all_run; then
      echo "The S3 server did not start: found no success of $*; its logs are in $home." >&2
      exit 1
    fi
    sleep 0.25
  done
}

print() {
  echo "S3_ENDPOINT=http://127.0.0.1:$port S3_ACCESS_KEY_ID=$key S3_SECRET_ACCESS_KEY=$secret"
}

start() {
  if all_run && curl -sf -o /dev/null "http://127.0.0.1:$port"; then
    print
    return
  fi
  if ! command -v radosgw >/dev/null || ! command -v ceph-osd >/dev/null || ! command -v curl >/dev/null; then
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      radosgw ceph-mon ceph-osd ceph-mgr ceph-common curl >&2
  fi
  stop
  mkdir -p "$home"/{mon,mgr,osd,rgw}
  local fsid osd monitor="[v1:127.0.0.1:$((port + 1))]"
  fsid=$(cat /proc/sys/kernel/random/uuid)
  osd=$(cat /proc/sys/kernel/random/uuid)
  cat >"$home/ceph.conf" <<CONF
[global]
fsid = $fsid
mon_host = $monitor
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
mon_allow_pool_size_one = true
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_crush_chooseleaf_type = 0
# Else the daemon sets its place itself, and ends with "wrong fsid" when it asks before it knows its monitor.
osd_crush_update_on_start = false
osd_class_update_on_start = false
osd_objectstore = memstore
memstore_device_bytes = 1073741824
run_dir = $home
admin_socket = $home/\$name.asok
log_file = $home/\$name.log
setuser_match_path =
mon_data = $home/mon
mgr_data = $home/mgr
osd_data = $home/osd
rgw_data = $home/rgw
rgw_frontends = beast endpoint=127.0.0.1:$port
CONF
  local conf=(-c "$home/ceph.conf")
  monmaptool --create --addv a "$monitor" --fsid "$fsid" "$home/monmap" >/dev/null
  ceph-mon "${conf[@]}" --mkfs -i a --monmap "$home/monmap"
  daemon mon ceph-mon "${conf[@]}" -f -i a
  until_true 60 timeout 2 ceph "${conf[@]}" -s
  ceph "${conf[@]}" osd new "$osd" >/dev/null
  ceph-osd "${conf[@]}" -i 0 --mkfs --osd-uuid "$osd" >"$home/mkfs.log" 2>&1
  ceph "${conf[@]}" osd crush add osd.0 1.0 root=default host=localhost 2>/dev/null
  daemon osd ceph-osd "${conf[@]}" -f -i 0
  daemon mgr ceph-mgr "${conf[@]}" -f -i x
  daemon rgw radosgw "${conf[@]}" -n client.rgw.a -f
  until_true 120 curl -sf "http://127.0.0.1:$port"
  radosgw-admin "${conf[@]}" user create --uid=test --display-name=test --access-key="$key" --secret-key="$secret" >/dev/null
  print
}

case "${1:-}" in
start) start ;;
stop) stop ;;
*) echo "usage: test/support/radosgw.sh start [PORT] | stop [PORT]" >&2; exit 2 ;;
esac
