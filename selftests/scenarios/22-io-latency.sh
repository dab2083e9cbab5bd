# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Without multipath, what is held goes back to the queue that it came from, and is charged
# to its cgroup once more. If the first charge were not settled, io.latency would take the
# writes for in flight for ever: a group whose depth has been scaled down to their number
# never writes again. And for io.cost the group would never be idle again.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="held writes are charged once by io.latency, and by io.cost"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence cost:fence cost_control:fence cost_off:fence"
# shellcheck disable=SC2034
PARAMETERS="nvme_core.multipath=N"

DEVICE=/dev/nvme0n1
CGROUPS=/tmp/cgroups
WRITERS=4

# in_group GROUP COMMAND...
in_group() {
	local group="$1"
	shift
	sh -c 'echo 0 >"$0/cgroup.procs" && exec "$@"' "$CGROUPS/$group" "$@"
}

# write_in GROUP BLOCK [COUNT]
write_in() {
	in_group "$1" dd if=/dev/zero of=$DEVICE bs=4096 seek="$2" count="${3:-1}" \
		conv=notrunc oflag=direct 2>/dev/null
}

# set_up WAY: one path, and two groups
set_up() {
	scripted_target_start
	fence_load_as "$1" || bail "the module does not load"
	path_connect_direct 1 nr_io_queues=1,reconnect_delay=1
	path_io_timeout 1 3000
	mkdir $CGROUPS
	mount -t cgroup2 none $CGROUPS || bail "no cgroups"
	echo +io >$CGROUPS/cgroup.subtree_control
	mkdir $CGROUPS/first $CGROUPS/other
	trace_start iocost:iocost_iocg_activate iocost:iocost_iocg_idle
}

# want_latency: "first" never has the latency that it wants, which is made up for by "other"
want_latency() { echo "$(cat /sys/block/nvme0n1/dev) target=1" >$CGROUPS/first/io.latency; }

# lose_writes [COMMAND...]: of "other", which are sent again when the path is back. The command is
# run before that.
lose_writes() {
	local number pids='' pid status=0
	scripted_target rule write : hold=before-execution >/dev/null
	for number in $(seq $WRITERS); do
		write_in other "$number" &
		pids="$pids $!"
	done
	scripted_target wait lost 1
	scripted_target forget all
	"$@"
	for pid in $pids; do
		wait "$pid" || status=1
	done
	expect_eq "the writes succeed when they are sent again" 0 $status
}

# write_on: "first" writes, misses its target, and "other" is scaled down to one at a time
write_on() {
	local begun
	scripted_target rule write : hold=before-execution/20 >/dev/null
	write_in first 100 1500 &
	FIRST=$!
	write_in other 10000 500 &
	OTHER=$!
	begun=$(now_ms)
	while kill -0 $FIRST 2>/dev/null || kill -0 $OTHER 2>/dev/null; do
		sleep 1
		[ $(($(now_ms) - begun)) -lt 300000 ] || break
	done
	diag "$(cat $CGROUPS/*/io.stat)"
	check "the group goes on writing" eval '! kill -0 $OTHER'
	scripted_target forget all
}

variant_fence() {
	plan 3
	set_up time
	want_latency
	lose_writes
	expect_eq "they were held" $WRITERS "$(fence_counter 1 held)"
	write_on
}

variant_control() {
	plan 3
	set_up off
	want_latency
	lose_writes
	expect_eq "they were not held" 0 "$(fence_counter 1 held)"
	write_on
}

# other_is_idle: that is what io.cost has said of it last
other_is_idle() {
	grep ' iocost_iocg_[a-z]*: \[nvme0n1:/other\] ' "$TRACE/trace" | tail -n 1 |
		grep -q ' iocost_iocg_idle: '
}

# set_costs 0|1: has io.cost anybody pay?
set_costs() { echo "$(cat /sys/block/nvme0n1/dev) enable=$1" >$CGROUPS/io.cost.qos; }

# lose_with_costs WAY [COMMAND...]: the writes of "other", for which io.cost has it pay
lose_with_costs() {
	set_up "$1"
	shift
	set_costs 1
	lose_writes "$@"
}

variant_cost() {
	plan 3
	lose_with_costs time
	expect_eq "they were held" $WRITERS "$(fence_counter 1 held)"
	check "the group is idle afterwards" await 60 other_is_idle
}

variant_cost_control() {
	plan 3
	lose_with_costs off
	expect_eq "they were not held" 0 "$(fence_counter 1 held)"
	check "the group is idle afterwards" await 60 other_is_idle
}

# What has been paid is given back once, also if nothing is to be paid the second time.
variant_cost_off() {
	plan 4
	lose_with_costs time set_costs 0
	expect_eq "they were held" $WRITERS "$(fence_counter 1 held)"
	# It counts again when it has to pay again.
	set_costs 1
	check "one more write succeeds" write_in other 1
	check "the group is idle afterwards" await 60 other_is_idle
}
