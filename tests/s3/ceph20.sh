# SPDX-License-Identifier: MIT
# Ceph 20 of Debian's unstable, which has conditional PUT and DELETE, CRC32C and
# CRC64NVME, and versions: extracted below build/, 600 MB, fetched only if LONG
# is set; run with that root's own loader and libraries. Used by server.

. "$here/ceph.sh"

root=$here/../../build/ceph20

fetch() {
	[ "${LONG:-}" ] || lacks "only with LONG=1: 156 MB are fetched"
	needs mmdebstrap
	rm -rf "$root.new"
	mmdebstrap --variant=extract --include=radosgw,ceph-osd,ceph-mon --aptopt='APT::Install-Recommends "false"' \
	    --aptopt='Acquire::Check-Valid-Until "false"' sid "$root.new" || lacks "Ceph 20 cannot be fetched"
	rm -rf "$root.new"/usr/share/{doc,man,locale} "$root.new"/var/{cache,lib}/apt
	mv "$root.new" "$root"
}

server() {
	needs ceph uuidgen openssl
	[ -d "$root" ] || fetch
	root=$(cd "$root" && pwd)
	local lib=$root/usr/lib/x86_64-linux-gnu
	loader=("$lib/ld-linux-x86-64.so.2" --library-path "$lib:$lib/ceph") bin=$root/usr/bin/
	"${loader[@]}" "${bin}radosgw" --version || lacks "Ceph 20 does not run here"
	plugins="plugin dir = $lib/ceph
	erasure code dir = $lib/ceph/erasure-code
	osd class dir = $lib/rados-classes"
	cluster
}
