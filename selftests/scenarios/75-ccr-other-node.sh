# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Two nodes serve one subsystem and one medium, and know nothing of each other: the
# scripted target, and the kernel's, which can reset controllers for others. A write is
# stuck in a controller of the first node, and is executed ten seconds after the loss. The
# second node is asked to reset that controller. It has never had it, although it gives out
# the same controller IDs, and must not say that it is gone.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a target says only of controllers that it has seen end that they are gone"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence
	moved:fence moved_control:fence
	restarted:fence ended:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

MEDIUM=/tmp/namespace
NODE_2=127.0.0.3
# How long the first node keeps what is stuck
STUCK_MS=60000

# nodes_start ADDRESS [OPTION,...]: both, with the same namespace, and path 1 through this
# address to controller 2 of the first one. The second one will have a controller 1 first.
nodes_start() {
	local namespace="$TARGET/subsystems/$NQN/namespaces/1" ctrl
	truncate -s 64M $MEDIUM
	scripted_target_start --backing $MEDIUM --quiesce-ms $STUCK_MS
	scripted_target rule 'kato : ignore' >/dev/null
	target_subsystem file
	target_port "${NODE_2##*.}"
	ctrl=$(host_connect 127.0.0.1 keep_alive_tmo=5)
	wait_for_file "/sys/class/nvme/$ctrl/nvme*n*/nguid" || bail "the first node has no namespace"
	echo 0 >"$namespace/enable"
	cat "/sys/class/nvme/$ctrl"/nvme*n*/nguid >"$namespace/device_nguid"
	echo 00000000-0000-0000-0000-000000000000 >"$namespace/device_uuid"
	echo 1 >"$namespace/enable"
	connect_to 1 "$1" "duplicate_connect,keep_alive_tmo=20,$2"
	host_disconnect "$ctrl"
	scripted_target wait gone 1
	path_io_timeout 1 3000
}

# lost_steps: how the reset of what was lost went
lost_steps() { steps "$(field nvme_fence_lost record)"; }

# write_stuck: in the controller of path 1
write_stuck() {
	DEVICE=$(head_device)
	trace_start
	writer_start --blocks 1 --writes 3
	scripted_target rule 'write queue=io : hold=before-execution' >/dev/null
	writer_go
	scripted_target wait held 1
}

# write_late: what is stuck in the first node is executed while the writer waits, or has
# written on
write_late() {
	scripted_target wait lost 2
	sleep 10
	scripted_target release all >/dev/null
	writer_wait
}

# lose_first_node WAY: with a write, and go on with the second one
lose_first_node() {
	fence_load_as "$1" || bail "the module does not load"
	nodes_start 127.0.0.1 reconnect_delay=600
	connect_to 2 $NODE_2 keep_alive_tmo=20
	write_stuck
	write_late
}

variant_fence() {
	plan 5
	lose_first_node auto
	check "no ghost write" registers_verify
	expect_eq "the second node was asked, and does not vouch for it" "asked refused" "$(lost_steps)"
	by_time
}

variant_control() {
	plan 3
	lose_first_node off
	expect_eq "nothing was held" 0 "$(fence_counter 1 held)"
	check "the ghost write is there" eval '! registers_verify'
}

# The second node gets the address of the first one, whose controller is still there: an
# active and a passive node. The path comes back, and is what is asked.

# serve_from ADDRESS: the proxy leads there
serve_from() {
	mkfifo /run/service.ready
	sh -c 'exec ghost proxy --listen 127.0.0.11:4420 --target "$1:4420" \
		--control /run/path1 >/run/service.ready' -- "$1" &
	SERVICE=$!
	echo $SERVICE >>"$HELPERS"
	read -r _ </run/service.ready
	rm /run/service.ready
}

# move_address WAY
move_address() {
	fence_load_as "$1" || bail "the module does not load"
	serve_from 127.0.0.1
	nodes_start 127.0.0.11 reconnect_delay=2
	write_stuck
	# The host gives the path up before a connection is closed: nothing notifies it.
	proxy 1 freeze
	proxy 1 wait host-closed all
	kill $SERVICE
	# Two can not listen at one address.
	wait $SERVICE || :
	serve_from $NODE_2
	write_late
}

variant_moved() {
	plan 5
	move_address auto
	check "no ghost write" registers_verify
	expect_eq "the path, back at the second node, was asked" "asked refused" "$(lost_steps)"
	by_time
}

variant_moved_control() {
	plan 2
	move_address off
	check "the ghost write is there" eval '! registers_verify'
}

# The kernel's target alone. What it has seen end, it says, and the host tells that from
# a reset; it does not know of it any more when it was started anew.

# lose_and_reconnect_later COMMAND...: the only path is lost with a write, and another one
# is connected after the controller has ended, and the command has been executed
lose_and_reconnect_later() {
	target_start file
	proxy_start 1
	fence_load_as auto || bail "the module does not load"
	# What comes later shall have another controller ID: nobody resets himself.
	path_connect_direct 2
	path_connect 1 keep_alive_tmo=10,reconnect_delay=600
	path_io_timeout 1 3000
	path_disconnect 2
	DEVICE=$(head_device)
	trace_start
	writer_start --blocks 1 --writes 3
	proxy 1 hold
	writer_go
	proxy 1 wait host-closed all
	# Keep alive expires after two timeouts, and the wait is three, and 10 seconds.
	sleep 22
	"$@"
	path_connect_direct 2 keep_alive_tmo=10
	writer_wait
}

variant_ended() {
	plan 5
	lose_and_reconnect_later true
	check "no ghost write" registers_verify
	expect_eq "the target has seen it end" "asked gone" "$(lost_steps)"
	expect_eq "which is evidence" ccr "$(fence_attr 1 evidence)"
	expect_between "before time would have been" 20000000000 36000000000 "$(report_ns writes max_ns)"
}

restart_target() {
	local namespace="$TARGET/subsystems/$NQN/namespaces/1" uuid
	uuid=$(cat "$namespace/device_uuid")
	target_remove
	target_subsystem file
	echo 0 >"$namespace/enable"
	echo "$uuid" >"$namespace/device_uuid"
	echo 1 >"$namespace/enable"
	target_port 1
	target_port 2
}

variant_restarted() {
	plan 5
	lose_and_reconnect_later restart_target
	check "no ghost write" registers_verify
	expect_eq "the target does not know" "asked refused" "$(lost_steps)"
	by_time
}
