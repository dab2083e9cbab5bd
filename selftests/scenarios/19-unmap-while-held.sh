# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# A volume is unmapped while a dirty page of it is held, and so can not be removed before
# there is evidence. Other volumes of the same controller come and go meanwhile.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a volume that is unmapped while its write is held keeps no other one waiting"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

IO_CONNECTION=2

# map NSID DEVICE, unmap NSID
map() {
	mkdir "$TARGET/subsystems/$NQN/namespaces/$1"
	echo "$2" >"$TARGET/subsystems/$NQN/namespaces/$1/device_path"
	echo 1 >"$TARGET/subsystems/$NQN/namespaces/$1/enable"
}
unmap() { echo 0 >"$TARGET/subsystems/$NQN/namespaces/$1/enable"; }

# volume NSID: its multipath node
volume() {
	local node
	for node in /sys/class/nvme-subsystem/nvme-subsys*/nvme*n*; do
		case "${node##*/}" in
		*c*n*) ;;
		*) [ "$(cat "$node/nsid")" != "$1" ] || echo "/dev/${node##*/}" ;;
		esac
	done
}
there_is() { [ -n "$(volume "$1")" ]; }
there_is_no() { [ -z "$(volume "$1")" ]; }

write_dirty_page() { dd if=/dev/zero of="$1" bs=4096 count=1 conv=notrunc,fsync 2>/dev/null; }

# lose_page WAY: a dirty page of volume 1 is lost with the path, which comes back
lose_page() {
	target_start
	map 2 /dev/ram1
	proxy_start 1
	fence_load_as "$1" || bail "the module does not load"
	path_connect 1 nr_io_queues=1,keep_alive_tmo=20,reconnect_delay=1
	path_io_timeout 1 3000
	await 10 there_is 2 || bail "there is no second volume"
	trace_start
	proxy 1 hold $IO_CONNECTION
	write_dirty_page "$(volume 1)" &
	WRITER=$!
	proxy 1 wait host-closed $IO_CONNECTION
	wait_state "$(path_ctrl 1)" live || bail "the path does not come back"
}

# expect_changes: volume 1 is unmapped, others are mapped and unmapped
expect_changes() {
	local begun
	unmap 1
	sleep 1
	begun=$(now_ms)
	map 3 /dev/ram2
	check "another volume is mapped" await 5 there_is 3
	expect_between "at once" 0 "$(late_ms 1000)" $(($(now_ms) - begun))
	begun=$(now_ms)
	unmap 2
	check "and one is unmapped" await 5 there_is_no 2
	expect_between "at once" 0 "$(late_ms 1000)" $(($(now_ms) - begun))
}

clean_up() {
	unmap 3
	rmdir "$TARGET/subsystems/$NQN/namespaces/2" "$TARGET/subsystems/$NQN/namespaces/3"
}

variant_fence() {
	local status=0
	plan 8
	lose_page time
	expect_eq "the page is held" 1 "$(fence_attr 1 held)"
	expect_changes
	expect_eq "it still is" 1 "$(fence_attr 1 held)"
	wait $WRITER || status=$?
	check "its writer learns of the loss" [ $status != 0 ]
	check "the volume is gone then" await 10 there_is_no 1
	clean_up
}

variant_control() {
	plan 5
	lose_page off
	wait $WRITER
	expect_eq "nothing is held" 0 "$(fence_attr 1 held)"
	expect_changes
	clean_up
}
