# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# What happened last night, without anybody who has watched: the module keeps the last fencings
# of a subsystem, counts for it what its controllers count, and says each fencing in the log.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="the module keeps what it has fenced, also of controllers that are gone"
# shellcheck disable=SC2034
VARIANTS="fence:fence overlap:fence many:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml"

# The log line of a fencing
TOLD='nvme_fence: nvme[0-9]+: [0-9]+ command\(s\) held for '

history() { cat /sys/class/nvme-subsystem/nvme-subsys*/fence/history; }

# told LINE KEY...: what a line of the history says
told() {
	local line="$1" key values=
	shift
	for key; do
		values="$values $(history | sed -nE "${line}s/^(.* )?$key=([^ ]+).*/\2/p")"
	done
	echo "${values# }"
}

# total NAME...: what was counted for the subsystem
total() {
	local name values=
	for name; do
		values="$values $(awk -v name="$name" '$1 == name { print $2 }' \
			/sys/class/nvme-subsystem/nvme-subsys*/fence/totals)"
	done
	echo "${values# }"
}

# log_lines PATTERN: how many lines of the kernel log match
log_lines() { dmesg | grep -cE "$1"; }
has_lines() { [ "$(log_lines "$2")" = "$1" ]; }

# lines_in_time N PATTERN: how many there are when there are as many, or long after. Who writes
# them has nothing to do with who sends on what was held.
lines_in_time() {
	await 10 has_lines "$1" "$2"
	log_lines "$2"
}

# one_path WAY [PARAMETER=VALUE...]: path 1 alone, which comes back a second after it is lost
one_path() {
	target_start
	proxy_start 1
	fence_load_as "$@" || bail "the module does not load"
	path_connect 1 nr_io_queues=1,reconnect_delay=1
	DEVICE=$(head_device)
	path_io_timeout 1 3000
	trace_start
}

# swallow N: what association N of path 1 is sent from now on does not arrive. Connections are
# numbered as they come: of the first one, 1 is the admin queue, 2 the I/O queue.
swallow() { proxy 1 hold $((2 * $1)); }

# lose N: it is lost with that, and the next one is there
lose() {
	proxy 1 wait host-closed $((2 * $1))
	wait_state "$PATH1_CTRL" live 20 || bail "path 1 does not come back"
}

# release_all: the administrator says that nothing can execute on path 1 any more
release_all() { echo 1 >"/sys/class/nvme/$PATH1_CTRL/fence/release"; }

# lose_writes N: four writes with association N
lose_writes() {
	REPORT=/out/report-$1.json
	writer_start --blocks 4 --writes 1
	swallow "$1"
	writer_go
	lose "$1"
}

variant_fence() {
	local begun ended since_loss
	plan 18
	one_path time
	expect_eq "nothing was fenced yet" "" "$(history)"
	begun=$(date +%s)
	lose_writes 1
	writer_wait
	ended=$(date +%s)
	expect_eq "what was held, and what has fenced it" \
		"1 $PATH1_CTRL $(field nvme_fence_lost cntlid) 4 16384 0 0 time traffic" \
		"$(told 1 number path cntlid commands bytes tracked waited evidence rule)"
	expect_between "when, by the clock on the wall" "$begun" "$ended" \
		"$(told 1 time | cut -d . -f 1)"
	expect_between "for how long it was held, as the trace says" 0 1 \
		$(($(told 1 held_ms) - $(field nvme_fence_release held_ns) / 1000000))
	since_loss=$((($(release_ns) - $(event_ns ' nvme_fence_lost: ')) / 1000000))
	expect_between "how long it took since the loss" -1 2 \
		$(($(told 1 closing_ms) + $(told 1 fencing_ms) - since_loss))
	check "the wait was the longer part of it" [ "$(told 1 fencing_ms)" -gt 20000 ]
	expect_eq "the kernel log says the same, once" "1 1" "$(lines_in_time 1 "$TOLD") $(log_lines \
		"nvme_fence: $PATH1_CTRL: 4 command.* released: time .rule traffic, closed after $(told 1 closing_ms) ms")"

	lose_writes 2
	expect_eq "what is held is not fenced" 1 "$(history | wc -l)"
	release_all
	writer_wait
	expect_eq "the second one is below it" "2 4 admin none" \
		"$(told 2 number commands evidence rule)"
	expect_eq "and in the log" 1 \
		"$(lines_in_time 1 "$TOLD.* released: admin .closed after ")"

	path_connect_direct 2
	path_disconnect 1
	path_connect 1
	expect_eq "the controller that comes has counted nothing" "0 0 0" \
		"$(fence_counter 1 held) $(fence_counter 1 time) $(fence_counter 1 lost)"
	expect_eq "the subsystem has counted all" "3 8 32768 8 32768 1 1 4 0" \
		"$(total lost held held_bytes released released_bytes time admin admin_commands admin_pending)"
	expect_eq "and keeps both" "time admin" "$(told 1 evidence) $(told 2 evidence)"
	expect_eq "the tool says so to programs" "1 4 time traffic, 2 4 admin null" \
		"$(nvme-fence history -o json | jq -r \
			'[.fencings[] | "\(.number) \(.commands) \(.evidence) \(.rule)"] | join(", ")')"
	check "and to people" eval 'nvme-fence history | grep -qE " 4 +time \(traffic\), closed after "'

	path_disconnect 2
	path_disconnect 1
	path_connect 1
	expect_eq "with the last controller it is gone" "0 0" "$(history | wc -l) $(total held)"
}

variant_overlap() {
	plan 3
	scene_set overlap keep_alive_tmo=20
	path_io_timeout 1 3000
	writer_start --blocks 4 --writes 1
	lose_path_1
	writer_wait
	write_block "$DEVICE" 0 N
	expect_eq "what was tracked, and what has waited for it" "1 4096 4 1 time" \
		"$(told 1 commands bytes tracked waited evidence)"
	expect_eq "the kernel log says so, too" 1 \
		"$(lines_in_time 1 "${TOLD}[0-9.]+ s, 4 tracked, 1 waited, released: time ")"
}

# One path is lost 18 times, and 17 of these losses are released at once.
variant_many() {
	local n
	plan 7
	one_path time cqt_override_ms=3600000
	for n in $(seq 18); do
		swallow "$n"
		write_block "$DEVICE" "$n" A &
		lose "$n"
		# It has arrived on the next association before that swallows the next one.
		[ "$n" != 1 ] || { release_all && wait $!; }
	done
	expect_eq "17 are held" 17 "$(fence_attr 1 held)"
	expect_eq "one was fenced" 1 "$(history | wc -l)"
	release_all
	wait
	expect_eq "the last 16 are kept, the oldest first" "$(seq 3 18 | xargs)" \
		"$(history | sed -E 's/^number=([0-9]+) .*/\1/' | xargs)"
	check "they fit into a page" [ "$(history | wc -c)" -le 4096 ]
	expect_eq "all were counted" "18 18" "$(total admin released)"
	# The first one, and the last 16.
	expect_eq "the log has as many" 17 "$(lines_in_time 17 "$TOLD")"
	expect_eq "and says that one is missing" 1 "$(log_lines 'nvme_fence: 1 more before this')"
}

# Where nothing is held, nothing is fenced.
variant_control() {
	plan 4
	one_path off
	lose_writes 1
	writer_wait
	expect_eq "nothing was fenced" "" "$(history)"
	expect_eq "the loss was counted" "1 0 0" "$(total lost held time)"
	expect_eq "the log does not say anything" 0 "$(log_lines "$TOLD")"
}
