# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# With multipath, writes are throttled on the path, by wbt, which each of them has. What was
# charged there must be settled there: io.latency of the multipath device, which has charged
# nothing, would count below zero.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="held writes are settled on the path that they were charged on"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence"

GROUP=/tmp/cgroups/group

# lose_write WAY: one of a group that has a target for the latency of the multipath device
lose_write() {
	local status=0
	scene_set "$1" keep_alive_tmo=20
	path_io_timeout 1 3000
	check "path 1 is throttled" \
		[ "$(cat /sys/kernel/debug/block/nvme*c"$(path_ctrl 1 | tr -dc 0-9)"n1/rqos/wbt/enabled)" = 1 ]
	mkdir ${GROUP%/*}
	mount -t cgroup2 none ${GROUP%/*} || bail "no cgroups"
	echo +io >${GROUP%/*}/cgroup.subtree_control
	mkdir $GROUP
	echo "$(cat /sys/block/"${DEVICE#/dev/}"/dev) target=1000" >$GROUP/io.latency ||
		bail "no io.latency"
	proxy 1 hold
	proxy 1 refuse
	sh -c 'echo 0 >"$0/cgroup.procs" && exec dd if=/dev/zero of="$1" bs=4096 count=1 conv=notrunc oflag=direct 2>/dev/null' \
		$GROUP "$DEVICE" || status=$?
	expect_eq "the write succeeds" 0 $status
}

# A warning of the kernel fails the run as well.
nothing_was_given_back_twice() {
	check "io.latency has nothing to complain of" eval '! dmesg | grep -q "WARNING: .*blk-iolatency"'
}

variant_fence() {
	plan 4
	lose_write time
	expect_eq "it was held" 1 "$(fence_counter 1 held)"
	nothing_was_given_back_twice
}

variant_control() {
	plan 4
	lose_write off
	expect_eq "it was not held" 0 "$(fence_counter 1 held)"
	nothing_was_given_back_twice
}
