# SPDX-License-Identifier: MIT
# Debian 12's Swift with its s3api: account, container, object and proxy
# server, and memcached. Used by server.

# What a server of storage is told, and its ring.
storage() {
	cat >"$D/$1.conf" <<-C
	[DEFAULT]
	bind_ip = 127.0.0.1
	bind_port = $2
	workers = 0
	user = $user
	swift_dir = $D
	devices = $D/srv
	mount_check = false
	disable_fallocate = true
	log_level = ERROR
	log_address = $D/nolog
	recon_cache_path = $D/cache
	[pipeline:main]
	pipeline = $1-server
	[app:$1-server]
	use = egg:swift#$1
	C
	swift-ring-builder "$D/$1.builder" create 4 1 1 &&
	swift-ring-builder "$D/$1.builder" add "r1z1-127.0.0.1:$2/disk" 1 &&
	swift-ring-builder "$D/$1.builder" rebalance
}

# Its own directory for swift.conf, where Debian's script would read /etc/swift.
swift() {
	launch "$1" /usr/bin/python3 -c 'if True:
		import runpy, sys
		import swift.common.utils
		swift.common.utils.set_swift_dir(sys.argv.pop(1))
		sys.argv.pop(0)
		runpy.run_path(sys.argv[0], run_name="__main__")' "$D" "/usr/bin/swift-$1-server" "$D/$1.conf"
}

server() {
	local user account container object proxy cache s
	needs swift-account-server swift-container-server swift-object-server swift-proxy-server \
	    swift-ring-builder memcached
	mkdir -p "$D/srv/disk" "$D/cache"
	user=$(id -un) account=$(port) container=$(port) object=$(port) proxy=$(port) cache=$(port)
	python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.try", b"1")' "$D/srv/disk" ||
		lacks "no extended attributes in ${D%/*}"
	cat >"$D/swift.conf" <<-C
	[swift-hash]
	swift_hash_path_prefix = shim
	swift_hash_path_suffix = test
	[storage-policy:0]
	name = p0
	default = yes
	C
	storage account "$account" && storage container "$container" && storage object "$object" || return
	cat >"$D/proxy.conf" <<-C
	[DEFAULT]
	bind_ip = 127.0.0.1
	bind_port = $proxy
	workers = 0
	user = $user
	swift_dir = $D
	log_level = ERROR
	log_address = $D/nolog
	[pipeline:main]
	pipeline = catch_errors gatekeeper cache listing_formats bulk s3api tempauth copy slo dlo versioned_writes symlink proxy-server
	[app:proxy-server]
	use = egg:swift#proxy
	allow_account_management = true
	account_autocreate = true
	[filter:catch_errors]
	use = egg:swift#catch_errors
	[filter:gatekeeper]
	use = egg:swift#gatekeeper
	[filter:cache]
	use = egg:swift#memcache
	memcache_servers = 127.0.0.1:$cache
	[filter:listing_formats]
	use = egg:swift#listing_formats
	[filter:bulk]
	use = egg:swift#bulk
	[filter:s3api]
	use = egg:swift#s3api
	location = us-east-1
	storage_domain = s3.localhost
	[filter:tempauth]
	use = egg:swift#tempauth
	user_test_tester = testing .admin
	[filter:copy]
	use = egg:swift#copy
	[filter:slo]
	use = egg:swift#slo
	[filter:dlo]
	use = egg:swift#dlo
	[filter:versioned_writes]
	use = egg:swift#versioned_writes
	allow_object_versioning = true
	[filter:symlink]
	use = egg:swift#symlink
	C
	launch memcached memcached $([ "$user" = root ] && echo -u root) -l 127.0.0.1 -p "$cache" -U 0 -m 64
	for s in account container object proxy; do
		swift $s
	done
	for s in "$cache" "$account" "$container" "$object" "$proxy"; do
		within 60 listens "$s" || return
	done
	says ENDPOINT="http://127.0.0.1:$proxy" AWS_ACCESS_KEY_ID=test:tester AWS_SECRET_ACCESS_KEY=testing AWS_REGION=us-east-1
}
