#!/bin/sh
# One machine as a Slurm cluster of one node, for tests: `sh one_node.sh DIR` writes its files to DIR, starts its
# daemons, and waits until the node takes jobs. Needs root and Debian's packages slurm-wlm and munge. Afterwards
# `SLURM_CONF=DIR/slurm.conf` is all that sbatch, squeue and sacct need; `sh one_node.sh DIR stop` ends the daemons.
set -eu
dir=$(mkdir -p "$1" && cd "$1" && pwd)

if [ "${2:-}" = stop ]; then
  for daemon in slurmd slurmctld munged; do
    [ -f "$dir/$daemon.pid" ] && kill "$(cat "$dir/$daemon.pid")" 2>/dev/null || true
  done
  exit 0
fi

for program in munged slurmctld slurmd sbatch scontrol; do
  command -v "$program" > /dev/null || { echo "$program is missing: install slurm-wlm and munge" >&2; exit 3; }
done

# a key of its own, so that nothing of the machine's is touched
head -c 1024 /dev/urandom > "$dir/munge.key"
chmod 400 "$dir/munge.key"
chmod 755 "$dir"
munged --force --key-file="$dir/munge.key" --socket="$dir/munge.socket" --pid-file="$dir/munged.pid" \
  --log-file="$dir/munged.log" --seed-file="$dir/munged.seed"

host=$(hostname -s)
cpus=$(nproc)
mkdir -p "$dir/state" "$dir/spool"
cat > "$dir/slurm.conf" <<EOF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
SlurmctldPort=26817
SlurmdPort=26818
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
EOF

export SLURM_CONF="$dir/slurm.conf"
slurmctld -i
slurmd
for _ in $(seq 60); do
  state=$(scontrol --oneliner show node "$host" 2>/dev/null | sed -n 's/.* State=\([A-Z]*\).*/\1/p')
  case $state in IDLE*|MIXED*|ALLOCATED*) exit 0 ;; esac
  sleep 0.5
done
echo "the node is ${state:-unknown} after 30 s; see $dir/slurmd.log and $dir/slurmctld.log" >&2
exit 1
