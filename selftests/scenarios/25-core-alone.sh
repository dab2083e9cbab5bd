# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# No module is loaded. nvme-core holds by itself what was cancelled, and waits for time, unless
# that was turned off at boot.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="nvme-core alone prevents the ghost write, by time"
# shellcheck disable=SC2034
VARIANTS="time:fence off:fence disabled:fence raised:fence no_keep_alive:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"
# shellcheck disable=SC2034 # read by tools/lab/machine
PARAMETERS_off="nvme_core.fence=0"

# ghost_write [OPTION...]: path 1 swallows writes, newer ones follow on path 2, then the
# controller of path 1 executes what it was sent. OPTIONs are for the writer.
ghost_write() {
	path_io_timeout 1 3000
	writer_start --blocks 4 --writes 4 "$@"
	lose_path_1
	sleep 2
	proxy 1 deliver --wait
	writer_wait
	result write_ns "$(report_ns writes max_ns)"
}

# 3 x KATT + CQT, which nvmet does not report, from the end of the connections on. The writes
# timed out before that, after 3 s.
variant_time() {
	plan 6
	scene_set none keep_alive_tmo=20
	ghost_write --readers
	check "no ghost write" registers_verify
	note_ghost_write
	result read_ns "$(report_ns reads max_ns)"
	expect_core_holds "it says what is held, and for how long" 4 70000
	expect_eq "and that it is released" 1 "$(core_said 'fenced, 4 command(s) released')"
	expect_between "the writes waited for it" 73000000000 "$(late_ns 75500000000)" \
		"$(report_ns writes max_ns)"
	expect_between "the reads that were stuck only waited for the timeout" \
		0 "$(late_ns 5000000000)" "$(report_ns reads max_ns)"
	result held 4
	result released_by time
}

variant_off() {
	plan 3
	scene_set none keep_alive_tmo=20
	ghost_write --readers
	check "turned off at boot, the ghost write is there" eval '! registers_verify'
	expect_eq "nothing is held" 0 "$(core_said '.*command(s)')"
}

# A reset of a healthy path: CC.EN=0, and CSTS.RDY=0 is read back.
variant_disabled() {
	plan 4
	scene_set none nr_io_queues=1,keep_alive_tmo=20
	writer_start --blocks 1 --writes 3
	proxy 1 hold 2
	proxy 1 refuse
	writer_go
	await 10 eval '[ "$(trace_count "nvme_setup_cmd: nvme0: .*nvme_cmd_write .*")" -ge 2 ]'
	echo 1 2>/dev/null >"/sys/class/nvme/$(path_ctrl 1)/reset_controller" &
	proxy 1 wait host-closed 2
	sleep 2
	proxy 1 deliver --wait 2
	writer_wait
	check "no ghost write" registers_verify
	expect_eq "the write was held" 1 "$(core_said 'fenced, 1 command(s) released')"
	expect_between "and did not wait, as the controller was disabled" 0 \
		"$(late_ns 1000000000)" "$(report_ns writes max_ns)"
}

# Set Features has raised the keep alive timeout from 5 s to 20 s.
variant_raised() {
	plan 4
	scene_set none keep_alive_tmo=5
	nvme admin-passthru "/dev/$(path_ctrl 1)" --opcode=0x09 --cdw10=0x0f --cdw11=20000 >/dev/null 2>&1
	ghost_write
	check "no ghost write" registers_verify
	expect_core_holds "the timeout in force counts" 4 70000
	expect_between "the writes waited for it" 73000000000 "$(late_ns 75500000000)" \
		"$(report_ns writes max_ns)"
}

# User space has turned keep alive off: the controller need not notice anything, ever.
variant_no_keep_alive() {
	plan 3
	scene_set none keep_alive_tmo=5
	nvme admin-passthru "/dev/$(path_ctrl 1)" --opcode=0x09 --cdw10=0x0f --cdw11=0 >/dev/null 2>&1
	ghost_write
	check "the ghost write is there" eval '! registers_verify'
	check "the log says that they may come" \
		eval "dmesg | grep -q 'nvme0: not fenced: 1 cancelled write(s) may be executed late'"
}
