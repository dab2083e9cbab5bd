# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The module comes and goes a hundred times while both paths carry writes. Then it is
# there, or is turned off, when path 1 is lost.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="the module is loaded and unloaded under traffic"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence"
# Its traffic is measured out for virtual time; on two processors 20-stress does this.

ROUNDS=100

# Registers on both paths, which are written all the time
set_the_scene() {
	target_start
	proxy_start 1
	path_connect 1 keep_alive_tmo=20
	path_connect_direct 2 keep_alive_tmo=20
	echo round-robin >"$(echo /sys/class/nvme-subsystem/nvme-subsys*/iopolicy)"
	DEVICE=$(head_device)
}

# Prints how often the module was loaded and unloaded; some virtual time passes, and so
# some writes, with it and without it.
load_and_unload() {
	local round=0
	while [ $round -lt $ROUNDS ] && fence_load_as time && sleep 0.02 &&
		[ "$(fence_attr 1 state)" = open ] && fence_unload && sleep 0.02; do
		round=$((round + 1))
	done
	echo $round
}

under_traffic() {
	set_the_scene
	REPORT=/out/traffic.json
	writer_start --blocks 8 --writes 2000 --interval-ms 3 --readers --read-interval-ms 10
	writer_go
	expect_eq "it was loaded and unloaded $ROUNDS times" $ROUNDS "$(load_and_unload)"
	check "while there was traffic" kill -0 "$WRITER"
	writer_wait
	expect_eq "no write failed" 0 "$(report_ns writes errors)"
	expect_between "no write waited" 0 100000000 "$(report_ns writes max_ns)"
	check "the data is there" registers_verify
}

lose() {
	REPORT=/out/report.json
	path_io_timeout 1 3000
	writer_start --blocks 4 --writes 4 --offset 65536
	lose_path_1
	sleep 2
	proxy 1 deliver --wait
	writer_wait
}

variant_fence() {
	plan 11
	under_traffic
	check "it is loaded once more" fence_load_as time
	lose
	check "no ghost write" registers_verify
	expect_eq "what was held is released by time" time "$(fence_attr 1 evidence)"
	check "and it is unloaded" fence_unload
}

variant_control() {
	plan 9
	under_traffic
	check "it is loaded once more, turned off" fence_load_as off
	lose
	check "turned off, the ghost write is there" eval '! registers_verify'
}
