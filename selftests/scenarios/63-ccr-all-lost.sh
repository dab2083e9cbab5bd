# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Both paths are lost with writes. Whoever is asked for a reset is lost himself. Then one
# path comes back: both lost associations are reset through it.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="all paths are lost, and the first that comes back has both reset"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# The connections that each path has at first
ADMIN_CONNECTION=1
IO_CONNECTION=2

connect_path() {
	proxy_start "$1"
	path_connect "$1" nr_io_queues=1,keep_alive_tmo=30,reconnect_delay=2
	path_io_timeout "$1" 3000
}

swallow() {
	proxy "$1" hold $ADMIN_CONNECTION
	proxy "$1" hold $IO_CONNECTION
	proxy "$1" refuse
}

wait_lost() { proxy "$1" wait host-closed $IO_CONNECTION; }

deliver() { proxy "$1" deliver --wait $IO_CONNECTION; }

lose_both() {
	target_start
	fence_load_as "$1" || bail "the module does not load"
	both connect_path
	DEVICE=$(head_device)
	echo round-robin >"$(echo /sys/class/nvme-subsystem/nvme-subsys*/iopolicy)"
	trace_start
	await 5 path_2_carries_reads || bail "path 2 carries no reads"
	writer_start --blocks 8 --writes 4
	both swallow
	writer_go
	both wait_lost
	sleep 10
	expect_eq "nobody was reset meanwhile" 0 "$(trace_count ' nvme_fence_evidence: ')"
	proxy 1 accept
	wait_state "$(path_ctrl 1)" live || bail "path 1 does not come back"
	sleep 1
	both deliver
	writer_wait
}

variant_fence() {
	plan 7
	lose_both auto
	check "no ghost write" registers_verify
	check "writes of path 1 were held" [ "$(fence_counter 1 held)" -gt 0 ]
	check "writes of path 2 were held" [ "$(fence_counter 2 held)" -gt 0 ]
	expect_eq "until each association was reset" "ccr ccr" \
		"$(fence_attr 1 evidence) $(fence_attr 2 evidence)"
	expect_between "which was before time would have done" 10000000000 40000000000 \
		"$(report_ns writes max_ns)"
}

variant_control() {
	plan 3
	lose_both off
	check "the ghost write is there" eval '! registers_verify'
}
