#!/bin/bash
# SPDX-License-Identifier: MIT
# Where io_uring is denied, rules that ask for it work all the same, and the
# report says why it is not used.
. "${0%/*}/lib.sh"
requires sha256sum

bad=0
head -c 1000003 /dev/urandom >"$TMP/data"
for error in EPERM ENOSYS; do
	for rule in 'uring:?engine=ring' 'uring:' 'uring:?map=on'; do
		at "$rule"
		rm -rf "${STATS:?}"/*
		# the filter first, so that nothing of ours runs without it
		env SHIM_MAP="$PREFIX=$TARGET" SHIM_CONFIG= SHIM_STATS="$STATS" "$BIN/denied" $error \
		    env LD_PRELOAD="$LIB" bash -c '
			cat "$1/data" >"$2/a"; dd if="$2/a" of="$2/b" bs=4096 status=none
			dd if="$2/a" of="$2/b" bs=7777 conv=notrunc status=none; cmp "$2/a" "$2/b"' - "$TMP" "$PREFIX" >"$TMP/out" 2>&1
		status=$?
		[ $status = 77 ] && skip "no seccomp here"
		[ $status = 0 ] || { echo "$error $rule: status $status"; cat "$TMP/out"; bad=1; }
		cmp "$TMP/data" "$PREFIX/b" || { echo "$error $rule: other bytes"; bad=1; }
		shim "$BIN/denied" $error "$BIN/fsx" -n 2000 "$PREFIX/f" >"$TMP/out" 2>&1 || { echo "$error $rule: fsx"; cat "$TMP/out"; bad=1; }
		[ "$rule" = 'uring:?engine=ring' ] || continue
		"$SHIM" report "$STATS" >"$TMP/report" 2>&1
		grep -i uring "$TMP/report" | grep >/dev/null -iE "$error|$([ $error = EPERM ] && echo 'not permitted' || echo 'not implemented')" ||
			{ echo "$error: the report does not say why io_uring is not used:"; head -20 "$TMP/report"; bad=1; }
	done
done

# asynchronous requests: threads do them
at uring:
mkdir "$NATIVE/aio"
"$BIN/doors/aio.plain" "$NATIVE/aio" >"$TMP/native" 2>&1
for error in EPERM ENOSYS; do
	mkdir "$PREFIX/$error"
	shim "$BIN/denied" $error "$BIN/aio_stress" -n 4000 -s 5 "$PREFIX/f" >"$TMP/out" 2>&1 || { echo "$error: aio_stress"; cat "$TMP/out"; bad=1; }
	rm -rf "${STATS:?}"/*
	shim "$BIN/denied" $error "$BIN/doors/aio.plain" "$PREFIX/$error" >"$TMP/out" 2>&1
	same_text "$TMP/native" "$TMP/out" "$error: doors/aio" || bad=1
	"$SHIM" report "$STATS" >"$TMP/report" 2>&1
	grep aio_read "$TMP/report" | grep -q "io_uring.*$error" ||
		{ echo "$error: the report does not say why aio_read has no io_uring:"; head -20 "$TMP/report"; bad=1; }
done

# with O_DIRECT the kernel's older asynchronous I/O does them, and threads where that is denied, too:
# each kind of request, those with signals and lists of them as well
for all in "" -a; do
	rm -rf "${STATS:?}"/*
	shim "$BIN/denied" $all EPERM "$BIN/aio_stress" -d -n 4000 -s 6 "$PREFIX/f" >"$TMP/out" 2>&1 || { echo "$all: aio_stress -d"; cat "$TMP/out"; bad=1; }
	"$SHIM" report "$STATS" >"$TMP/report" 2>&1
	if [ -z "$all" ]; then
		grep aio_read "$TMP/report" | grep -q "io_uring.*EPERM.*: the kernel's asynchronous I/O with O_DIRECT"
	else
		grep aio_read "$TMP/report" | grep -q "io_uring (EPERM) and the kernel's asynchronous I/O (EPERM).*: threads" &&
			grep aio_read "$TMP/report" | grep -q "not used for O_DIRECT.*EPERM"
	fi || { echo "denied $all: the report does not say what aio_read has:"; head -20 "$TMP/report"; bad=1; }
done

# libaio: without a ring threads read what is buffered, and O_DIRECT is the kernel's;
# without the kernel's asynchronous I/O threads do all of it
for door in libaio libaio_events; do
	mkdir "$NATIVE/$door"
	"$BIN/doors/$door.plain" "$NATIVE/$door" >"$TMP/native.$door" 2>&1
done
for error in EPERM ENOSYS; do
	for door in libaio libaio_events; do
		mkdir "$PREFIX/$door-$error"
		shim "$BIN/denied" $error "$BIN/doors/$door.plain" "$PREFIX/$door-$error" >"$TMP/out" 2>&1
		same_text "$TMP/native.$door" "$TMP/out" "$error: doors/$door" || bad=1
	done
	shim "$BIN/denied" $error "$BIN/libaio_stress" -n 20 -s 7 "$PREFIX/f" >"$TMP/out" 2>&1 || { echo "$error: libaio_stress"; cat "$TMP/out"; bad=1; }
	command -v fio >/dev/null || continue
	"$BIN/denied" -a $error fio --name=n --ioengine=libaio --size=4k --filename="$NATIVE/a" >"$TMP/out" 2>&1 </dev/null &&
		{ echo "$error: the kernel's asynchronous I/O is not denied"; bad=1; }
	rm -rf "${STATS:?}"/*
	for direct in 0 1; do
		(cd "$TMP" && shim "$BIN/denied" -a $error fio --name=v --ioengine=libaio --direct=$direct --iodepth=16 --rw=randrw --bs=4k \
		    --size=2m --filename="$PREFIX/fio" --fallocate=none --verify=md5 --do_verify=1 --verify_fatal=1 >"$TMP/out" 2>&1 </dev/null) ||
			{ echo "$error, no kernel AIO, direct=$direct:"; tail -5 "$TMP/out"; bad=1; }
	done
	"$SHIM" report "$STATS" >"$TMP/report" 2>&1
	grep io_submit "$TMP/report" | grep -q "threads.*$error\|$error.*threads" ||
		{ echo "$error: the report does not say that io_submit has threads:"; head -20 "$TMP/report"; bad=1; }
done

# readahead= without the kernel's asynchronous I/O: each part is read when it is wanted
at "uring:?readahead=128k"
mkdir "$NATIVE/direct" "$PREFIX/direct"
"$BIN/doors/direct.plain" "$NATIVE/direct" >"$TMP/native" 2>&1
shim "$BIN/denied" -a EPERM "$BIN/doors/direct.plain" "$PREFIX/direct" >"$TMP/out" 2>&1
same_text "$TMP/native" "$TMP/out" "doors/direct" || bad=1
exit $bad
