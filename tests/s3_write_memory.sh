#!/bin/bash
# SPDX-License-Identifier: MIT
# What writing takes: of a small address space, of memory while a large file is
# written (4 GiB with LONG=1), and of the disk no more than the spool may have.
. "${0%/*}/lib.sh"

at s3:fault
fault set anonymous=on discard=on
shim ls "$PREFIX" >/dev/null            # the agent has limits of its own

# an address space of 64 MB is enough, as long as a file has not many gigabytes
shim bash -c "ulimit -v 64000; exec dd if=/dev/zero of='$PREFIX/tight' bs=64k count=20 status=none" ||
	{ echo 'no address space for a file'; bad=1; }

# far behind the first 16 GiB; never published
shim python3 -c '
import os, sys
path = sys.argv[1] + "/far"
fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
places = [0, 15 << 30, (16 << 30) - 2, (48 << 30) - 2, 200 << 30, (5 << 40) - 9]
for i, at in enumerate(places):
	os.pwrite(fd, b"%04d" % i, at)
for i, at in enumerate(places):
	assert os.pread(fd, 4, at) == b"%04d" % i, at
assert os.pread(fd, 4, 100 << 30) == bytes(4)
os.ftruncate(fd, (48 << 30) + 1)
assert os.pread(fd, 9, (48 << 30) - 2) == b"000"
try:
	os.pwrite(fd, b"x", 5 << 40)
	sys.exit("more than an object can have")
except OSError as e:
	assert e.errno == 27, e
os.unlink(path)
os.close(fd)' "$PREFIX" || bad=1

# memory of the agent and of the guest, both together, in KiB
peak() { awk '/VmHWM/ { print $2 }' "/proc/$1/status"; }
size=$((${LONG:+4096} + 0)); [ $size != 0 ] || size=256
agent=$(agents)
echo 5 >"/proc/$agent/clear_refs"
guest=$(shim python3 -c '
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o644)
data = bytes(1 << 20)
for i in range(int(sys.argv[2])):
	assert os.write(fd, data) == len(data)
os.close(fd)
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")][0])' "$PREFIX/large" $size) || bad=1
all=$(($(peak "$agent") + guest))
[ $all -lt 131072 ] || { echo "$size MiB: agent and guest took $all KiB"; bad=1; }
fault log | grep -q '^CompleteMultipartUpload .* 200 ' || { echo 'not published'; bad=1; }

# the spool's bound: ENOSPC at write, and all of it is there again afterwards
at 's3:fault?spool=40m'
fault set anonymous=on
for i in 1 2; do
	shim dd if=/dev/zero of="$PREFIX/much" bs=1M count=100 2>"$TMP/err" && { echo 'more than the spool may have'; bad=1; }
	grep -q 'No space left' "$TMP/err" || { cat "$TMP/err"; bad=1; }
	[ "$(grep -o '[0-9]* bytes' "$TMP/err" | cut -d' ' -f1)" -gt 30000000 ] || { echo 'much less than that'; cat "$TMP/err"; bad=1; }
	used=$(du -sk "$SHIM_AGENT_SPOOL" | cut -f1)
	[ "$used" -lt $((42 << 10)) ] || { echo "the spool takes $used KiB"; bad=1; }
	shim rm "$PREFIX/much"
done
exit $bad
