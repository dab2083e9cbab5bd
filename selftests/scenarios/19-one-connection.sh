# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# One of the connections of a path is closed from the other end; the controller serves the
# rest. A write that is stuck on another connection is executed long after.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="that one connection was closed does not shorten the wait"
# shellcheck disable=SC2034
VARIANTS="fence:fence notified:fence forged:fence firewall:fence believed:fence control:fence"

# The write is held until the controller must have noticed by itself.
waited_for_all_of_it() {
	expect_eq "the rule is that of keep alive" traffic "$(field nvme_fence_deadline rule)"
	expect_between "it was held for all of 3 x KATO + CQT" -1000 "$STEP_NS" \
		$(($(release_ns) - $(release_expected_ns)))
}

# stuck WAY [notification]: whether that counts; a write of path 1 is under way, and will arrive later
stuck() {
	scene_set "$1" keep_alive_tmo=20
	# shellcheck disable=SC2086 # a word or none
	[ $# = 1 ] || fence_believe $2
	writer_start --blocks 1 --writes 2
	proxy 1 hold
	proxy 1 refuse
	writer_go
	await 10 eval '[ "$(trace_count "nvme_setup_cmd: nvme0: .*nvme_cmd_write .*")" -ge 2 ]'
}

# one_connection WAY [notification]: the admin queue is connection 1, the I/O queue is 2
one_connection() {
	stuck "$@"
	proxy 1 drop 1
}

# The controller is alive for another while: it executes what was stuck.
execute_late() {
	proxy 1 deliver --wait 2 >/dev/null
}

one_closed() {
	plan 5
	one_connection time "$@"
	writer_wait
	expect_eq "the write was held" 1 "$(fence_counter 1 held)"
	waited_for_all_of_it
	execute_late
	check "no ghost write" registers_verify
}

variant_fence() { one_closed; }

# Nor does it if notifications count: not all connections were closed.
variant_notified() { one_closed notification; }

# A firewall or a load balancer closes all connections towards the host, and the controller
# knows nothing of it. That looks as if the controller had closed them.
# all_forged WAY [notification]
all_forged() {
	stuck "$@"
	proxy 1 forge
	writer_wait
	expect_eq "the write was held" 1 "$(fence_counter 1 held)"
}

# Nobody is believed unless the administrator says so (what counts by default, the policy knows).
variant_forged() {
	plan 5
	all_forged time
	waited_for_all_of_it
	execute_late
	check "no ghost write" registers_verify
}

# A firewall that has forgotten the connections answers the next packet of one with a RST. The
# host closes the others then, so it is not the controller that has closed them all.
variant_firewall() {
	plan 6
	stuck time notification
	nft -f - <<-END || bail "no firewall"
		table ip lab {
			counter forged { }
			chain output {
				type filter hook output priority 0
				ip daddr 127.0.0.11 tcp dport 4420 counter name forged reject with tcp reset
			}
		}
	END
	writer_wait
	check "the firewall has answered" eval 'nft list counter ip lab forged | grep -q "packets [1-9]"'
	expect_eq "the write was held" 1 "$(fence_counter 1 held)"
	waited_for_all_of_it
	execute_late
	check "no ghost write" registers_verify
}

# What the administrator says of the network if he has it believed had better be true.
variant_believed() {
	plan 4
	all_forged time notification
	expect_eq "the rule is that of the notification" notification \
		"$(field nvme_fence_deadline rule)"
	execute_late
	check "the ghost write is there" eval '! registers_verify'
}

variant_control() {
	plan 3
	one_connection off
	writer_wait
	expect_eq "nothing was held" 0 "$(fence_counter 1 held)"
	execute_late
	check "the ghost write is there" eval '! registers_verify'
}
