# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# How long does a failover take? A full queue of writes and some reads are in flight when
# their path is lost. selftests/bench-failover reads the answer from the trace.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a path is lost with 1020 writes and 100 reads in flight"
# shellcheck disable=SC2034
VARIANTS="stock:stock time:fence nvmet:fence scripted:fence reconnect:fence target:fence"
# shellcheck disable=SC2034
MACHINES="bench"

# 255 writers, each of whose blocks of 16 KiB is sent in pieces of 4 KiB. A queue of 1024
# has room for 1022 of them.
WRITERS=255
READERS=100
# Reads have a queue of their own.
OPTIONS=keep_alive_tmo=20,queue_size=1024,nr_write_queues=1,reconnect_delay=600

load_and_trace() {
	# When everything is in flight, on whatever machine.
	path_io_timeout 1 "$(late_ms 3000)"
	DEVICE=$(head_device)
	echo 4 >"/sys/block/${DEVICE#/dev/}/queue/max_sectors_kb"
	# shellcheck disable=SC2046 # more events for whoever wants to know what takes how long
	trace_start nvme:nvme_complete_rq $(parameter lab.events | tr , ' ')
	writer_start --blocks $WRITERS --writes 1 --block-size 16384
}

lose_path_1() {
	local reader readers=''
	# 4 is what the writer waits for to be closed.
	for reader in $(seq $READERS); do
		(exec 4>&- && read_block "$DEVICE" "$reader" >/dev/null) &
		readers="$readers $!"
	done
	writer_go
	writer_wait
	# shellcheck disable=SC2086 # a list of process ids
	wait $readers
	trace_stop
}

# with_nvmet WAY
with_nvmet() {
	plan 1
	target_start
	proxy_start 1
	[ "$1" = none ] || fence_load_as "$1" || bail "the module does not load"
	path_connect 1 $OPTIONS
	path_connect_direct 2 $OPTIONS
	load_and_trace
	proxy 1 hold
	lose_path_1
}

variant_stock() { with_nvmet none; }
variant_time() { with_nvmet time; }
variant_nvmet() { with_nvmet auto; }

variant_scripted() {
	plan 1
	scripted_target_start --queue-entries 1024 --reset-ms "$(parameter lab.reset_ms 0)"
	fence_load_as auto || bail "the module does not load"
	path_connect_direct 1 $OPTIONS
	path_connect_direct 2 $OPTIONS
	load_and_trace
	hold_all_on_port_1
	lose_path_1
}

hold_all_on_port_1() {
	scripted_target rule 'write port=1 queue=io : hold=before-execution' >/dev/null
	scripted_target rule 'read port=1 queue=io : hold=before-execution' >/dev/null
}

# There is one path, which is back after a time. Reads wait for it as well.
variant_reconnect() {
	plan 1
	scripted_target_start --ccrl 0 --queue-entries 1024
	fence_load_as auto || bail "the module does not load"
	path_connect_direct 1 "$OPTIONS,reconnect_delay=$(parameter lab.back_s 5)"
	load_and_trace
	hold_all_on_port_1
	# 4 is what the writer waits for to be closed.
	(exec 4>&- && clean_up_when_lost) &
	lose_path_1
}

# clean_up_when_lost: the array has cleaned up when it accepts the next Connect
clean_up_when_lost() {
	wait_state "$(path_ctrl 1)" connecting 60
	scripted_target forget all >/dev/null
	scripted_target rule 'assign : cntlid=old cleanup' >/dev/null
}

# The array moves its namespace a time after it has lost the host. Reads wait for that as well.
variant_target() {
	plan 1
	# shellcheck disable=SC2034 # for scripted_target_start
	PORT_2_STATE=inaccessible
	scripted_target_start --ccrl 0 --queue-entries 1024 \
		--move-after-ms "$(parameter lab.move_ms 0)"
	fence_load evidence=time,target || bail "the module does not load"
	path_connect_direct 1 $OPTIONS
	path_connect_direct 2 $OPTIONS
	load_and_trace
	hold_all_on_port_1
	lose_path_1
}
