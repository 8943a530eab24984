#!/bin/busybox sh
# Process 1 of the guest's first file system: mounts the host's root read-only with a memory layer over it and goes there.
b=/bin/busybox
fail() { echo "vm: $*"; $b reboot -f; }

$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs dev /dev
while read -r name; do
  [ -e "/modules/$name.ko" ] && { $b insmod "/modules/$name.ko" || fail "cannot load $name"; }
done </modules/order

nine="trans=virtio,version=9p2000.L,msize=512000"
$b mount -t 9p -o "ro,cache=loose,$nine" root /lower || fail "cannot mount the host's root"
$b mount -t tmpfs -o mode=755 memory /memory
$b mkdir /memory/upper /memory/work /memory/job
$b mount -t overlay -o lowerdir=/lower,upperdir=/memory/upper,workdir=/memory/work root /root || fail "cannot mount the root"
$b mount -t 9p -o "ro,$nine" job /memory/job || fail "cannot mount the job"

. /memory/job/settings
# What belongs to a running host is not the guest's; the project is, wherever it lies.
$b mkdir /memory/project
$b mount --bind "/root$project" /memory/project || fail "cannot mount the project"
for place in tmp run var/tmp; do
  $b mount -t tmpfs -o mode=1777 tmpfs "/root/$place"
done
$b chmod 755 /root/run
$b mkdir /root/run/vm
$b cp /memory/job/* /root/run/vm/
$b umount /memory/job
case "$project" in
/tmp/*|/run/*|/var/tmp/*)
  $b mkdir -p "/root$project"
  $b mount --move /memory/project "/root$project" || fail "cannot mount the project"
  ;;
*) $b umount /memory/project ;;
esac
$b mkdir -p /root/lib/modules
$b mount --bind "/root$modules" /root/lib/modules || fail "cannot mount the modules"
$b mount --move /proc /root/proc
$b mount --move /sys /root/sys
$b mount --move /dev /root/dev
if [ "$systemd" = yes ]; then
  $b mkdir -p /root/run/systemd/system
  $b cp /root/run/vm/*.service /root/run/vm/*.socket /root/run/vm/*.target /root/run/systemd/system/
  exec $b switch_root /root /lib/systemd/systemd --unit=vm.target
fi
exec $b switch_root /root /bin/sh /run/vm/guest.sh
