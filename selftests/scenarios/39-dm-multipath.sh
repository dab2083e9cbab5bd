# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# dm-multipath in place of the native one. By default it hands requests on, and not bios,
# from where it must not sleep; nvme-tcp does. This is about a fix of its own, which needs
# no module (drivers/nvme/patches/*/fixes).

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="dm-multipath fails over, and the kernel does not complain"
# shellcheck disable=SC2034
VARIANTS="rq:fence bio:fence reload:fence stock:stock"
# shellcheck disable=SC2034
PARAMETERS="nvme_core.multipath=N"

BLOCKS=131072

# connect_without_multipath: each path has a device of its own
connect_without_multipath() {
	local device
	target_start
	proxy_start 1
	path_connect 1 keep_alive_tmo=20
	path_connect_direct 2 keep_alive_tmo=20
	path_io_timeout 1 3000
	for device in /dev/nvme0n1 /dev/nvme1n1; do
		await 5 dd if="$device" of=/dev/null count=1 || bail "$device can not be read"
	done
}

# multipath QUEUE_MODE DEVICE...: a table in which each device is a group of its own
multipath() {
	local mode="$1" device
	shift
	printf '0 %d multipath 3 queue_if_no_path queue_mode %s 0 %d 1' $BLOCKS "$mode" $#
	for device in "$@"; do
		printf ' round-robin 0 1 1 %s 1' "$device"
	done
}

# map QUEUE_MODE DEVICE...
map() {
	dmsetup create map --noudevsync --uuid mpath-lab --table "$(multipath "$@")" || bail "no map"
	DEVICE=/dev/dm-0
}

unmap() { dmsetup remove map --noudevsync; }

# write_fails_over: path 1 swallows a write; it must be there by path 2
write_fails_over() {
	proxy 1 hold
	proxy 1 refuse
	write_block "$DEVICE" 1 B && [ "$(read_block /dev/nvme1n1 1)" = B ]
}

complaints() { dmesg | grep -c 'BUG: sleeping function called from invalid context'; }

# seen_by_the_tool: how many devices `nvme-fence check` sees below a map that passes on requests
seen_by_the_tool() { nvme-fence check -o json | grep -c '"dm-on-top"'; }

# fails_over QUEUE_MODE
fails_over() {
	local seen=0
	plan 4
	connect_without_multipath
	map "$1" /dev/nvme0n1 /dev/nvme1n1
	check "path 1 writes" write_block "$DEVICE" 0 A
	check "a write that is lost there goes on on path 2" write_fails_over
	expect_eq "the kernel did not complain" 0 "$(complaints)"
	[ "$1" = bio ] || seen=2
	expect_eq "the tool knows what is passed on" $seen "$(seen_by_the_tool)"
	unmap
}

variant_rq() { fails_over rq; }
variant_bio() { fails_over bio; }

# The queue of a map is made for what its first table has.
variant_reload() {
	plan 3
	connect_without_multipath
	map rq /dev/nullb0
	check "a device that does not sleep is in the map" read_block "$DEVICE" 0
	check "one that does is not taken in" \
		eval '! dmsetup load map --table "$(multipath rq /dev/nvme0n1)"'
	check "another that does not is" dmsetup load map --table "$(multipath rq /dev/nullb0)"
	unmap
}

variant_stock() {
	plan 2
	# This kernel complains, which is what is expected.
	dmesg -n 1
	connect_without_multipath
	map rq /dev/nvme0n1 /dev/nvme1n1
	check "path 1 writes" write_block "$DEVICE" 0 A
	expect_between "but the kernel complained" 1 1000 "$(complaints)"
	unmap
}
