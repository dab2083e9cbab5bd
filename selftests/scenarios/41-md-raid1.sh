# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# An md mirror, one half of which is the multipath device. A write or a flush that is lost
# with path 1 must neither come late nor cost the mirror that half.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a mirror stays whole when half of it loses a path"
# shellcheck disable=SC2034
VARIANTS="fence:fence overlap:fence control:fence flush:fence flush_stock:stock"

# mirror_scene WAY: DEVICE is the mirror. It is read from the multipath device only, and
# its superblock, which md flushes as well, is not written again.
mirror_scene() {
	scene_set "$1" keep_alive_tmo=20 file
	path_io_timeout 1 3000
	MDADM_NO_UDEV=1 mdadm --create /dev/md0 --run --assume-clean --metadata=1.2 --bitmap=none \
		--level=1 --raid-devices=2 "$DEVICE" --write-mostly /dev/ram1 >>/out/mdadm.txt 2>&1 ||
		bail "no mirror"
	DEVICE=/dev/md0
	echo 0 >/sys/block/md0/md/safe_mode_delay
	write_block "$DEVICE" 0 A || bail "the mirror can not be written"
}

mirror_stop() { mdadm --stop /dev/md0 >>/out/mdadm.txt 2>&1; }

degraded() { cat /sys/block/md0/md/degraded; }

flushes_on_2() { trace_count " nvme_setup_cmd: $(path_ctrl 2): .*nvme_cmd_flush"; }

# late_writes WAY: path 1 executes late what was written to the mirror
late_writes() {
	mirror_scene "$1"
	writer_start --blocks 4 --writes 4
	lose_path_1
	sleep 2
	proxy 1 deliver --wait
	writer_wait
}

variant_fence() {
	plan 5
	late_writes time
	check "no ghost write" registers_verify
	expect_eq "the writes were held" 4 "$(fence_counter 1 held)"
	expect_eq "and released by time" time "$(fence_attr 1 evidence)"
	expect_eq "the mirror is whole" 0 "$(degraded)"
	mirror_stop
}

variant_overlap() {
	plan 5
	late_writes overlap
	check "no ghost write" registers_verify
	expect_eq "the writes went on at once, newer ones waited" "4 4" \
		"$(fence_counter 1 repeated) $(fence_counter 1 waited)"
	expect_eq "which were released by time" time "$(fence_attr 1 evidence)"
	expect_eq "the mirror is whole" 0 "$(degraded)"
	mirror_stop
}

variant_control() {
	plan 3
	late_writes off
	check "the ghost write is there" eval '! registers_verify'
	expect_eq "the mirror believes to be whole" 0 "$(degraded)"
	mirror_stop
}

# flush_is_lost: call fsync() while path 1 swallows everything
flush_is_lost() {
	proxy 1 hold
	proxy 1 refuse
	dd if=/dev/null of="$DEVICE" conv=notrunc,fsync
}

# This needs no module (drivers/nvme/patches/*/fixes).
variant_flush() {
	plan 3
	mirror_scene none
	check "fsync succeeds" flush_is_lost
	expect_eq "a flush was sent on path 2" 1 "$(flushes_on_2)"
	expect_eq "the mirror is whole" 0 "$(degraded)"
	mirror_stop
}

variant_flush_stock() {
	plan 2
	mirror_scene none
	check "fsync says that it succeeded" flush_is_lost
	expect_eq "but no flush was sent on path 2" 0 "$(flushes_on_2)"
	mirror_stop
}
