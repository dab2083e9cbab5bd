# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# A path is lost while it is set up: before and during Connect, while the controller is
# identified, while its namespaces are looked for. What the target did not get it gets
# late. Nothing of such a path stays, and nothing is in the way of the attempt that
# succeeds. If the path was lost with a write before, the attempts in between change
# nothing about that write.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a path is lost at each step of its setup"
# shellcheck disable=SC2034
VARIANTS="first:fence first_control:fence again:fence again_control:fence"
# shellcheck disable=SC2034
PARAMETERS="nvme_core.admin_timeout=1"

# So many bytes pass on each connection. The first PDU has 128, Connect 1096, all other
# commands have 72.
CUTS="64 128 676 $(seq -s ' ' 1224 72 2520)"

IO_CONNECTION=2

controllers() { find /sys/class/nvme -mindepth 1 | wc -l; }

# cut_off BYTES: connect, and lose it there. A path that was connected before that is
# removed, when it has had time to look for namespaces. The target gets the rest: if a
# connection ended in the middle of a command's data, this machine would stop there.
# nvmet_tcp takes the end for data, and goes on asking for more until its queue is
# released, which never happens where computing takes no time.
cut_off() {
	local file
	proxy 1 hold --after "$1"
	host_connect 127.0.0.11 keep_alive_tmo=5 >/dev/null 2>&1 && sleep 3
	for file in /sys/class/nvme/nvme*/delete_controller; do
		[ ! -e "$file" ] || echo 1 >"$file"
	done
	proxy 1 deliver --wait >/dev/null
}

cut_off_everywhere() {
	local bytes
	target_start
	proxy_start 1
	fence_load_as "$1" || bail "the module does not load"
	trace_start
	for bytes in $CUTS; do
		cut_off "$bytes"
		[ "$(controllers)" = 0 ] || bail "a controller stayed, cut off after $bytes bytes"
	done
	ok "no controller stays, wherever it was cut off"
	expect_eq "nor does the subsystem" "" "$(find /sys/class/nvme-subsystem -mindepth 1)"
	expect_cut "during Connect" "Connect command failed"
	expect_cut "while the controller was identified" "Identify Controller failed"
	expect_cut "while namespaces were looked for" "Identify (NS List|Descriptors) failed"
	expect_eq "nothing was held" 0 "$(trace_count ' nvme_fence_hold: ')"
}

# expect_cut WHEN PATTERN: the kernel log says what failed.
expect_cut() { check "one was lost $1" eval "dmesg | grep -qE '$2'"; }

carry_a_block() {
	path_connect 1
	check "then the path is made" in_state "$(path_ctrl 1)" live
	check "and carries a block" write_block "$(head_device)" 0 A
	path_disconnect 1
	check "and the module is unloaded" fence_unload
}

variant_first() {
	plan 9
	cut_off_everywhere time
	carry_a_block
}

variant_first_control() {
	plan 9
	cut_off_everywhere off
	carry_a_block
}

connections() { proxy 1 list | wc -l; }

# attempt BYTES: one attempt to connect again, which is lost there
attempt() {
	local before
	before=$(connections)
	proxy 1 hold --after "$1"
	proxy 1 accept
	until [ "$(connections)" -gt "$before" ]; do
		sleep 0.5
	done
	proxy 1 wait host-closed all
	proxy 1 refuse
	proxy 1 deliver --wait >/dev/null
}

# The write has been executed late when the attempts begin.
lose_with_a_write_and_again() {
	local bytes
	scene_set "$1" nr_io_queues=1,keep_alive_tmo=20,reconnect_delay=1
	path_io_timeout 1 3000
	writer_start --blocks 1 --writes 3
	lose_path_1
	sleep 1
	proxy 1 deliver --wait >/dev/null
	for bytes in $CUTS; do
		attempt "$bytes"
	done
	proxy 1 accept
	wait_state "$(path_ctrl 1)" live 30 || bail "path 1 does not come back"
}

variant_again() {
	plan 7
	lose_with_a_write_and_again time
	ok "path 1 is live in the end"
	expect_cut "during Connect" "Connect command failed"
	expect_cut "while the controller was identified" "Identify Controller failed"
	writer_wait
	expect_between "the write was released at its own deadline" -1000 "$STEP_NS" \
		$(($(release_ns 1) - $(release_expected_ns 1)))
	expect_eq "it alone was held" 1 "$(fence_counter 1 held)"
	check "no ghost write" registers_verify
}

variant_again_control() {
	plan 4
	lose_with_a_write_and_again off
	ok "path 1 is live in the end"
	writer_wait
	expect_eq "nothing was held" 0 "$(fence_counter 1 held)"
	check "the ghost write is there" eval '! registers_verify'
}
