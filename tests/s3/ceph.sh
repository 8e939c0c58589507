# SPDX-License-Identifier: MIT
# Debian 12's Ceph 16: one monitor, one OSD with its objects in memory, and
# radosgw. Used by server. CEPH_BYTES: room for objects, if 1 GiB is too little.

server() {
	loader=() bin=
	needs ceph ceph-mon ceph-osd radosgw radosgw-admin monmaptool uuidgen openssl
	cluster
}

# ${loader[@]} and $bin: what comes before the name of a program of Ceph's;
# $plugins: lines of the configuration.
cluster() {
	local mon v1 http https fsid c uuid
	mkdir "$D/mon" "$D/osd" "$D/run" "$D/rgw"
	certificate || return
	mon=$(port) v1=$(port) http=$(port) https=$(port) fsid=$(uuidgen) uuid=$(uuidgen)
	# ms mode: radosgw never finds the monitor with the default and no keys.
	# memstore: what is deleted takes memory until rgw's collection.
	cat >"$D/ceph.conf" <<-C
	[global]
	fsid = $fsid
	mon host = [v2:127.0.0.1:$mon,v1:127.0.0.1:$v1]
	mon initial members = a
	auth cluster required = none
	auth service required = none
	auth client required = none
	ms mon client mode = crc secure
	ms mon cluster mode = crc secure
	ms mon service mode = crc secure
	public addr = 127.0.0.1
	cluster addr = 127.0.0.1
	ms bind ipv6 = false
	run dir = $D/run
	admin socket = $D/run/\$name.asok
	log file = $D/\$name.log
	mon cluster log file = $D/cluster.log
	crash dir = $D/run
	osd crush chooseleaf type = 0
	osd pool default size = 1
	osd pool default min size = 1
	osd pool default pg num = 8
	osd pool default pgp num = 8
	osd pool default pg autoscale mode = off
	mon allow pool size one = true
	mon warn on pool no redundancy = false
	mon max pg per osd = 2000
	${plugins:-}
	[mon]
	mon data = $D/mon
	mon data avail warn = 1
	mon data avail crit = 1
	paxos propose interval = 0.02
	paxos min wait = 0.01
	mon tick interval = 1
	[osd]
	osd data = $D/osd
	osd objectstore = memstore
	memstore device bytes = ${CEPH_BYTES:-1073741824}
	osd class default list = *
	osd class load list = *
	[client.rgw]
	rgw data = $D/rgw
	rgw frontends = beast endpoint=127.0.0.1:$http ssl_endpoint=127.0.0.1:$https ssl_certificate=$D/tls.crt ssl_private_key=$D/tls.key tcp_nodelay=1
	rgw enable ops log = false
	rgw enable usage log = false
	rgw dns name = s3.localhost
	rgw thread pool size = 64
	rgw crypt require ssl = false
	rgw crypt s3 kms backend = testing
	rgw crypt s3 kms encryption keys = key-1=$(head -c 32 /dev/urandom | base64)
	rgw gc obj min wait = 5
	rgw gc processor period = 5
	rgw gc processor max time = 5
	C
	c="-c $D/ceph.conf"
	ceph_program monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$mon,v1:127.0.0.1:$v1]" "$D/monmap" &&
	ceph_program ceph-mon $c --mkfs -i a --monmap "$D/monmap" || return
	launch mon "${loader[@]}" "${bin}ceph-mon" $c -i a -f
	within 60 listens "$mon" && timeout 60 ceph $c osd new "$uuid" &&
	ceph_program ceph-osd $c -i 0 --mkfs --osd-uuid "$uuid" || return
	launch osd "${loader[@]}" "${bin}ceph-osd" $c -i 0 -f
	within 60 osd_up || return
	launch rgw "${loader[@]}" "${bin}radosgw" $c -n client.rgw -f
	within 60 listens "$http" && within 60 listens "$https" &&
	ceph_program radosgw-admin $c -n client.rgw user create --uid test --display-name Test \
	    --access-key testkey --secret-key testsecret || return
	says ENDPOINT="http://127.0.0.1:$http" ENDPOINT_TLS="https://localhost:$https" CA="$D/tls.crt" CEPH_CONF="$D/ceph.conf" \
	    AWS_ACCESS_KEY_ID=testkey AWS_SECRET_ACCESS_KEY=testsecret AWS_REGION=us-east-1
}

ceph_program() { timeout 60 "${loader[@]}" "$bin$1" "${@:2}"; }
# The command itself is Python; that of Debian 12 serves both.
osd_up() { timeout 10 ceph $c osd stat | grep -q '1 up'; }
