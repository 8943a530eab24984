# Runs in the guest's full file system, as process 1 or as systemd's only service: makes what a machine has, runs the
# command and reports its exit status to the host.
. /run/vm/settings
export PATH="$path"

if [ "$systemd" != yes ]; then
  mkdir -p /dev/pts /dev/shm /dev/mqueue
  mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
  mount -t tmpfs -o mode=1777 tmpfs /dev/shm
  mount -t mqueue mqueue /dev/mqueue
  mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
fi
for name in $(cat /sys/fs/cgroup/cgroup.controllers); do
  echo "+$name" >/sys/fs/cgroup/cgroup.subtree_control
done
mount -t bpf bpf /sys/fs/bpf 2>/dev/null
mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
mount --make-rshared /
ln -sf /proc/self/fd /dev/fd
ln -sf fd/0 /dev/stdin; ln -sf fd/1 /dev/stdout; ln -sf fd/2 /dev/stderr
hostname vm
ip link set lo up

# Ports of the virtual console have names in sysfs alone where there is no udev.
control= out= err=
for entry in /sys/class/virtio-ports/*; do
  case $(cat "$entry/name") in
    control) control=/dev/${entry##*/} ;;
    stdout) out=/dev/${entry##*/} ;;
    stderr) err=/dev/${entry##*/} ;;
  esac
done
[ -n "$control" ] || { echo "vm: no control port"; busybox reboot -f; }
exec 9>"$control"
echo up >&9

# Pipes, not ports, are the command's streams: programs look at what kind of file they write to.
mkfifo /run/vm/out /run/vm/err
cat /run/vm/out >"$out" & copy_out=$!
cat /run/vm/err >"$err" & copy_err=$!
cd "$directory" || cd /
sh /run/vm/command.sh </dev/null >/run/vm/out 2>/run/vm/err 9>&-
status=$?
# Processes that the command left running may hold its streams: they are not waited for.
( sleep 5; kill $copy_out $copy_err ) 2>/dev/null &
wait $copy_out $copy_err 2>/dev/null
echo "exit $status" >&9
exec 9>&-
sync
busybox reboot -f
